"""DyVal: items a second, what can be guessed without reasoning, and whether the answers are right.

python -m benchmarks.dyval            # results/dyval.csv, about ten minutes on one core
"""

from __future__ import annotations

import argparse
import csv
import itertools
import time
from pathlib import Path

from benchmarks.measure import installed
from benchmarks.tabular import machine
from synthwright import Generator
from synthwright.reasoning import items, probes
from synthwright.reasoning.grammar import ORDERS, n_sets, parse, render
from synthwright.reasoning.levels import LABELS, LEVELS, TASKS
from synthwright.reasoning.sampling import Wish
from synthwright.reasoning.scoring import score
from synthwright.reasoning.spaces import capacity

RESULTS = Path(__file__).parent / "results" / "dyval.csv"


def measure(task: str, level: str, n: int) -> dict[str, object]:
    """One row: speed, oracle, sort-by-name, probes, capacity."""
    model = Generator.create("dyval", task=task, level=level, allow_repeats=True, secret="benchmark").fit()
    model.sample(10, seed=9)
    start = time.process_time()
    records = model.sample(n, seed=1).records()
    seconds = time.process_time() - start
    right = score(records, [items.oracle(one) for one in records]).total
    by_name = score(records, [items.sort_by_name(one) for one in records]).total
    row: dict[str, object] = {
        "task": task,
        "level": level,
        "items": n,
        "distinct": len({one["payload"]["canonical"] for one in records}),
        "items_per_cpu_second": round(n / seconds, 1),
        "oracle": right.accuracy,
        "sort_by_name": round(by_name.accuracy, 4),
        "chance": round(by_name.chance, 4),
        "capacity": "" if (most := capacity(task, level, Wish())) is None else most.n,
    }
    for name, features in (("counts", probes.counts), ("surface", probes.surface), ("nearby", probes.nearby)):
        found = probes.guess(records, features) if LABELS[task] else None
        row[f"{name}_gain"] = "" if found is None else round(found.gain, 4)
        row[f"{name}_interval"] = (
            "" if found is None else f"{found.low - found.chance:.3f} to {found.high - found.chance:.3f}"
        )
    return row


def round_trips(seeds: int) -> int:
    """7 tasks x 8 levels x 3 orders x 7 template sets x seeds: raises when a text is not read as what was drawn."""
    done = 0
    for task, level, order, number, seed in itertools.product(TASKS, LEVELS, ORDERS, range(n_sets()), range(seeds)):
        style = items.Style(order, number)
        flaws = ("none", "deletions", "cycles")[seed % 3]
        for one in items.items("round trip", (task, level), seed, Wish(flaws=flaws), style):
            assert render(parse(one.text, task), number=number) == one.text
            done += 1
    return done


def write(rows: list[dict[str, object]]) -> None:
    """All rows so far."""
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1200, help="items of each task and level; D5 to D8 get a third")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the full round trip")
    options = parser.parse_args()
    where = {
        "machine": machine(),
        "versions": f"numpy {installed('numpy')}, scikit-learn {installed('scikit-learn')}",
        "seed": 1,
    }
    rows: list[dict[str, object]] = []
    for task, level in itertools.product(TASKS, LEVELS):
        n = options.n if level <= "D4" else options.n // 3
        rows.append({**measure(task, level, n), **where})
        write(rows)  # a run that is stopped leaves what it has measured
        print({k: v for k, v in rows[-1].items() if k not in where}, flush=True)
    print(f"{round_trips(options.seeds):,} texts were read back as what was drawn")


if __name__ == "__main__":
    main()
