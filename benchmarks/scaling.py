"""How time and memory grow with rows: fit, sample and evaluate one table at 1x, 2x and 4x, each in its own process.

python -m benchmarks.scaling [--table adult] [--sizes 8000,16000,32000] [--method auto]
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from pathlib import Path

from benchmarks import datasets
from benchmarks.measure import peak_megabytes, timed
from benchmarks.tabular import ROOT, machine, run_json

FIELDS = (
    *("table", "method", "rows", "fit_cpu_s", "sample_cpu_s", "sample_rows_per_min", "evaluate_cpu_s", "total_wall_s"),
    *("peak_rss_mb", "machine"),
)
_OTHERS = 8_000  # rows of holdout and of test, the same for every size
_LIMIT = 1_200


def main() -> None:
    """Measure every size and write the CSV."""
    asked = _arguments()
    if asked.one:
        print(json.dumps(measure(asked.table, asked.one, asked.method)))
        return
    rows = []
    for size in asked.sizes:
        command = ["-m", "benchmarks.scaling", "--table", asked.table, "--method", asked.method, "--one", str(size)]
        rows.append(run_json(command, _LIMIT) | {"machine": machine()})
        print(rows[-1], flush=True)
    with asked.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def measure(table: str, size: int, method: str) -> dict[str, object]:
    """One size: fit on `size` rows, sample as many, evaluate with holdout, test and target."""
    import numpy as np

    import synthwright as sw

    frame = datasets.load(table)
    order = np.random.default_rng(0).permutation(len(frame))
    others = min(_OTHERS, (len(frame) - size) // 2)
    cuts = np.split(order, [size, size + others, size + 2 * others])[:3]
    whole = sw.Table.of(frame, target=datasets.SOURCES[table].target)
    del frame
    train, holdout, test = (whole.select(cut) for cut in cuts)
    model = sw.Generator.create(method)
    _, fitted = timed(lambda: model.fit(train, seed=0))
    fake, sampled = timed(lambda: model.sample(size, seed=0))
    _, judged = timed(
        lambda: sw.evaluate(train=train, holdout=holdout, test=test, synthetic=fake, target=whole.schema.target)
    )
    return {
        "table": table,
        "method": method,
        "rows": size,
        "fit_cpu_s": round(fitted.cpu, 2),
        "sample_cpu_s": round(sampled.cpu, 2),
        "sample_rows_per_min": round(60 * size / sampled.cpu),
        "evaluate_cpu_s": round(judged.cpu, 2),
        "total_wall_s": round(fitted.wall + sampled.wall + judged.wall, 1),
        "peak_rss_mb": round(peak_megabytes()),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    has_data = bool(os.environ.get("SYNTHWRIGHT_DATA"))
    parser.add_argument("--table", default="adult" if has_data else "fair", choices=tuple(datasets.SOURCES))
    sizes = "8000,16000,32000" if has_data else "1000,2000,4000"
    parser.add_argument("--sizes", type=lambda text: [int(word) for word in text.split(",")], default=sizes)
    parser.add_argument("--method", default="auto")
    parser.add_argument("--one", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "scaling.csv")
    return parser.parse_args()


if __name__ == "__main__":
    main()
