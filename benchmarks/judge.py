"""How often our judge is right: planted faults that it catches, and false alarms on fresh real rows.

    SYNTHWRIGHT_DATA=... python -m benchmarks.judge --tables adult,credit_default,magic,bank_marketing --seeds 10

Each table is shuffled by seed and cut into train, holdout and carrier of equal size; the carrier is spoiled by one
fault (`synthwright.evaluate.faults`) and judged. One CSV line per table, size, fault and seed. For a fault, `caught`
says whether a score on its axis failed; for `none`, all scores run and `alarms` lists those that did not pass.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets import SOURCES, load

COLUMNS = ("table", "rows", "fault", "dose", "seed", "caught", "failed", "alarms", "verdict", "cpu_seconds")
RESULTS = Path(__file__).parent / "results" / "judge.csv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", default="adult,bank_marketing,credit_default,magic")
    parser.add_argument("--rows", type=int, default=3000)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--clean-seeds", type=int, default=20)
    parser.add_argument("--faults", default="", help="names joined by commas; all when empty")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--append", action="store_true")
    asked = parser.parse_args()
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with asked.out.open("a" if asked.append else "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if not asked.append:
            writer.writeheader()
        for name in asked.tables.split(","):
            for line in lines(name, asked):
                writer.writerow(line)
                file.flush()
                print(line["table"], line["rows"], line["fault"], line["seed"], line["caught"], line["alarms"])


def lines(name: str, asked: Any) -> Iterator[dict[str, Any]]:
    """Judge one table under every fault that it can have; `none` stands for the clean carrier."""
    import synthwright as sw
    from synthwright.evaluate.faults import FAULTS, inject

    table = sw.Table.of(load(name), target=SOURCES[name].target)
    rows = min(asked.rows, len(table) // 3)
    wanted = asked.faults.split(",") if asked.faults else list(FAULTS)
    for fault in (FAULTS[one] for one in wanted):
        for seed in range(asked.clean_seeds if fault.name == "none" else asked.seeds):
            order = np.random.default_rng(seed).permutation(len(table))
            train, holdout, carrier = (table.select(order[i * rows : (i + 1) * rows]) for i in range(3))
            try:
                fake = inject(fault.name, carrier, train=train, holdout=holdout, seed=seed)
            except sw.Unsupported:
                break
            started = time.process_time()
            report = sw.evaluate(fake, train=train, holdout=holdout, seed=seed, metrics=list(fault.scores) or None)
            failed = [score.id for score in report.scores if score.verdict == "fail"]
            yield {
                "table": name,
                "rows": rows,
                "fault": fault.name,
                "dose": fault.dose,
                "seed": seed,
                "caught": int(bool(failed)),
                "failed": " ".join(failed),
                "alarms": " ".join(s.id for s in report.scores if s.verdict in ("warn", "fail", "error")),
                "verdict": report.verdict,
                "cpu_seconds": round(time.process_time() - started, 2),
            }


if __name__ == "__main__":
    main()
