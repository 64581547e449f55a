"""Hybrids beside their parents: what is gained or lost, on the tables of `tabular` and on one set of series.

    python -m benchmarks.hybrid [--tables adult,magic] [--methods reweight residual] [--rows 5000] [--seeds 0]
    python -m benchmarks.hybrid --series stocks

Cells are made and scored as in `tabular`, by the same code, and kept in `results/hybrid_cells.csv` (those of parents
are taken from `tabular.csv` where they are there); `results/hybrid.csv` sets each hybrid against its parents: `gain` is
how much better it is than the best of them by the same score (negative: worse).
"""

from __future__ import annotations

import argparse
import csv
from functools import partial
from itertools import product
from pathlib import Path

from benchmarks import datasets
from benchmarks.tabular import ROOT, Cell, machine, read, run, write

RESULTS = ROOT / "benchmarks" / "results"
# hybrid -> its parents; a mixture is named by them, so that a change of its default cannot rename an old sample
METHODS: dict[str, tuple[str, ...]] = {
    "mixture:parents=auto,cart": ("auto", "cart"),
    "mixture:parents=auto,cart,copula": ("auto", "cart", "copula"),
    "reweight": ("auto",),
    "reweight:parent=cart": ("cart",),
    "residual": ("cart", "copula"),
    "reweight:parent=residual": ("residual", "cart"),
}
SERIES: dict[str, tuple[str, ...]] = {
    "mixture:parents=block_bootstrap,pca_gaussian": ("block_bootstrap", "pca_gaussian"),
    "reweight:parent=pca_gaussian": ("pca_gaussian",),
    "reweight:parent=block_bootstrap": ("block_bootstrap",),
}
FIELDS = (
    *("data", "method", "rows", "seed", "parents", "best_parent"),
    *("c2st", "parent_c2st", "c2st_gain", "tstr", "parent_tstr", "tstr_gain", "dcr_share", "parent_dcr_share"),
    *("fit_cpu_s", "parent_fit_cpu_s", "sample_cpu_s", "verdict", "notes", "machine"),
)
# One C2ST on 5,000 rows has a standard deviation of 0.0056 over seeds of fit and sample (measured: cart on magic, six
# seeds; auto on adult, five), a difference of two 0.008: less than two of these is no gain.
_NOISE = 0.016


def main() -> None:
    """Make what is missing and write the comparison."""
    asked = _arguments()
    found = _stored(asked.out)
    rows = _series_rows(asked) if asked.series else _table_rows(asked)
    for row in rows:
        print(row, flush=True)
        found[row["data"], row["method"], row["rows"], row["seed"]] = {k: str(v) for k, v in row.items()}
        with asked.out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, FIELDS, lineterminator="\n", restval="")
            writer.writeheader()
            writer.writerows(found.values())


def _table_rows(asked: argparse.Namespace):
    for table, size, seed in product(asked.tables, asked.rows, asked.seeds):
        for method in asked.methods:
            row = _cell(Cell(table, method, size, seed), asked)
            if row["status"] == "ok":
                parents = [_cell(Cell(table, parent, size, seed), asked) for parent in METHODS[method]]
                yield _compared(row, [parent for parent in parents if parent["status"] == "ok"])


def _cell(cell: Cell, asked: argparse.Namespace) -> dict[str, str]:
    """A cell's row: of `results/tabular.csv` when it is there, else of our own cells, made if need be."""
    for path in (RESULTS / "tabular.csv", asked.cells):
        row = read(path).get(cell.key)
        if row and row["status"] == "ok":
            return row
    print(f"{cell.table} {cell.method} {cell.rows} seed {cell.seed}", flush=True)
    row = run(cell, limit=asked.limit)
    write(asked.cells, {**read(asked.cells), cell.key: row})
    return row


def _compared(row: dict[str, str], parents: list[dict[str, str]]) -> dict[str, object]:
    best = min(parents, key=lambda parent: float(parent["c2st"]))
    most_useful = max(float(parent["tstr"]) for parent in parents)
    gain = float(best["c2st"]) - float(row["c2st"])
    return {
        "data": row["table"],
        "method": row["method"],
        "rows": row["rows"],
        "seed": row["seed"],
        "parents": " ".join(parent["method"] for parent in parents),
        "best_parent": best["method"],
        "c2st": row["c2st"],
        "parent_c2st": best["c2st"],
        "c2st_gain": round(gain, 4),
        "tstr": row["tstr"],
        "parent_tstr": most_useful,
        "tstr_gain": round(float(row["tstr"]) - most_useful, 4),
        "dcr_share": row["dcr_share"],
        "parent_dcr_share": best["dcr_share"],
        "fit_cpu_s": row["fit_cpu_s"],
        "parent_fit_cpu_s": best["fit_cpu_s"],
        "sample_cpu_s": row["sample_cpu_s"],
        "verdict": _verdict(gain),
        "machine": row["machine"],
    }


def _verdict(gain: float) -> str:
    return "gain" if gain > _NOISE else "loss" if gain < -_NOISE else "no gain"


# -- series


def _series_rows(asked: argparse.Namespace):
    """Windows of one data set; judged by five-fold boosting on values, steps and summaries, against unseen windows."""
    import synthwright as sw
    from benchmarks.measure import timed
    from synthwright.core.seeds import named_rng
    from synthwright.evaluate.learners import c2st_auc
    from synthwright.generators.views import view_of

    for seed in asked.seeds:
        train, holdout, test = sw.split(series(asked.series), fractions=(0.6, 0.2, 0.2), seed=seed)
        unseen = holdout.concat([holdout, test])
        view = view_of(train, protect=False)
        n = min(len(unseen), 2_000)
        real = view.rows(unseen.select(range(n)))
        made: dict[str, dict[str, object]] = {}
        for method in dict.fromkeys([*(p for parents in SERIES.values() for p in parents), *SERIES]):
            name, _, options = method.partition(":")
            key, _, value = options.partition("=")
            model = sw.Generator.create(name, **({key: value} if key else {}))
            _, fitted = timed(partial(model.fit, train, seed=seed))
            fake, sampled = timed(partial(model.sample, n, seed=seed))
            auc, error = c2st_auc(view.rows(fake), real, rng=named_rng(seed, "judge"))
            notes = "; ".join(
                note.what for note in model.notes if note.code in ("G070", "G071", "G072", "G073", "G074")
            )
            print(asked.series, method, round(auc, 4), round(error, 4), notes, flush=True)
            made[method] = {"c2st": round(auc, 4), "fit_cpu_s": round(fitted.cpu, 2)}
            if method in SERIES:
                facts = {"sample_cpu_s": round(sampled.cpu, 2), "notes": notes, "machine": machine()}
                yield {"data": asked.series, "rows": len(train), "seed": seed} | _beside(method, made) | facts


def _beside(method: str, made: dict[str, dict[str, object]]) -> dict[str, object]:
    """A hybrid of series against its parents."""
    best = min(SERIES[method], key=lambda parent: float(str(made[parent]["c2st"])))
    gain = float(str(made[best]["c2st"])) - float(str(made[method]["c2st"]))
    return {
        "method": method,
        "parents": " ".join(SERIES[method]),
        "best_parent": best,
        **made[method],
        "parent_c2st": made[best]["c2st"],
        "c2st_gain": round(gain, 4),
        "parent_fit_cpu_s": made[best]["fit_cpu_s"],
        "verdict": _verdict(gain),
    }


def series(name: str):
    """Windows of 24 steps: `sines` are made here, others are read from SYNTHWRIGHT_DATA/sequential/NAME.csv."""
    import os

    import numpy as np

    import synthwright as sw
    from synthwright.data.sequences import SeriesSet

    if name == "sines":
        rng = np.random.default_rng(0)
        rate, phase = rng.uniform(0.1, 0.6, (3000, 1, 3)), rng.uniform(-np.pi, np.pi, (3000, 1, 3))
        return SeriesSet.from_windows(np.sin(rate * np.arange(24)[None, :, None] + phase))
    folder = os.environ.get("SYNTHWRIGHT_DATA")
    if not folder:
        raise SystemExit("Set SYNTHWRIGHT_DATA to a folder that holds sequential/NAME.csv, or use --series sines")
    return sw.read(Path(folder) / "sequential" / f"{name}.csv", modality="series").windows(24)


def _stored(path: Path) -> dict[tuple[str, ...], dict[str, str]]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {(r["data"], r["method"], r["rows"], r["seed"]): r for r in csv.DictReader(file)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=lambda text: text.split(","), default=list(datasets.CORE))
    parser.add_argument("--methods", nargs="+", choices=METHODS, metavar="METHOD", default=list(METHODS))
    parser.add_argument("--rows", type=lambda text: [int(word) for word in text.split(",")], default=[5000])
    parser.add_argument("--seeds", type=lambda text: [int(word) for word in text.split(",")], default=[0])
    parser.add_argument("--limit", type=int, default=600, help="processor seconds for fit and sample of one cell")
    parser.add_argument("--series", default="", help="sines, or a file of sequential/: series instead of tables")
    parser.add_argument("--cells", type=Path, default=RESULTS / "hybrid_cells.csv")
    parser.add_argument("--out", type=Path, default=RESULTS / "hybrid.csv")
    return parser.parse_args()


if __name__ == "__main__":
    main()
