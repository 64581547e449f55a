"""Quality and cost of the methods of series on windows of 24 steps, as rows of a CSV file.

    python -m benchmarks.series --data sines,stocks,etth1 --seeds 0,1

sines is built in; stocks (timegan_stock.csv) and etth1 (ETTh1.csv) are read from SYNTHWRIGHT_DATA/sequential. A long
series is cut in pieces that share no window, and these fall into train, holdout and test at random: parts are apart
in time and yet alike although the series drift. `--contiguous` splits in time instead. `real` are windows of the test
part, judged as if they were synthetic: the floor. Finished cells are kept: a second call goes on.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pv

from synthwright.core.seeds import named_rng
from synthwright.data.sequences import SeriesSet
from synthwright.data.split import split
from synthwright.evaluate.runner import evaluate
from synthwright.evaluate.series import SeriesEncoding
from synthwright.evaluate.series_detection import strong
from synthwright.generators.base import Generator

RESULTS = Path(__file__).parent / "results" / "series.csv"
FIELDS = (
    *("data", "split", "method", "options", "seed", "fit_cpu_s", "sample_cpu_s"),
    *("strong", "trees", "rocket", "auc", "auc_error", "strong_test", "weak_gru"),
    *("acf", "spectrum", "levels", "steps", "cross", "forecast", "forecast_real", "copies_pct", "near_pct"),
    *("settings", "versions", "machine"),
)
METHODS: dict[str, tuple[str, dict[str, Any]]] = {
    "real": ("real", {}),
    "block_bootstrap": ("block_bootstrap", {}),
    "block_bootstrap:8": ("block_bootstrap", {"kind": "moving", "block": 8}),
    "pca_gaussian": ("pca_gaussian", {}),
    "series_flow": ("series_flow", {}),
}
PIECES = {"stocks": 40, "etth1": 60}
WINDOW, MADE = 24, 2_000
METRICS = {
    "acf": "series_acf", "spectrum": "series_spectrum", "levels": "series_levels", "steps": "series_steps",
    "cross": "series_cross", "forecast": "series_forecast", "copies_pct": "series_copies", "near_pct": "series_near",
    "weak_gru": "series_gru",
}  # fmt: skip


def sines(n: int = 10_000, seed: int = 0) -> SeriesSet:
    """sin(f t + p), f and p even on (0, 0.1), five channels, scaled to [0, 1] (TimeGAN's simulator)."""
    rng = named_rng(seed, "sines")
    f, p = rng.uniform(0, 0.1, (2, n, 5, 1))
    return SeriesSet.from_windows(((np.sin(f * np.arange(WINDOW) + p) + 1) / 2).transpose(0, 2, 1))


def parts(name: str, seed: int, *, contiguous: bool) -> tuple[SeriesSet, SeriesSet, SeriesSet]:
    """Train, holdout and test of a benchmark set."""
    if name == "sines":
        return split(sines(), fractions=(0.5, 0.25, 0.25), seed=seed)
    folder = Path(os.environ["SYNTHWRIGHT_DATA"]) / "sequential"
    file, order = {"stocks": ("timegan_stock.csv", None), "etth1": ("ETTh1.csv", "date")}[name]
    long = SeriesSet.of(pv.read_csv(folder / file), order=order)
    return split(long if contiguous else long.pieces(PIECES[name]), fractions=(0.5, 0.25, 0.25), seed=seed)


def measure(name: str, method: str, seed: int, budget: float, *, contiguous: bool, brief: bool) -> dict[str, Any]:
    """One row. brief: the strong judge only."""
    train, holdout, test = parts(name, seed, contiguous=contiguous)
    kind, options = METHODS[method]
    row: dict[str, Any] = {"data": name, "split": "in time" if contiguous else "pieces", "method": method, "seed": seed}
    if kind == "real":
        made = test
        others = {"train": train, "holdout": holdout}
    else:
        options = {"window": WINDOW, **options, **({"max_seconds": budget} if kind == "series_flow" else {})}
        model = Generator.create(kind, **options).fit(train, seed=seed)
        row["fit_cpu_s"] = round(model.fit_cpu_seconds, 1)
        row["settings"] = "; ".join(note.what for note in model.notes if note.code in ("Q020", "Q030"))
        from time import process_time

        start = process_time()
        made = model.sample(MADE, seed=seed)
        row["sample_cpu_s"] = round(process_time() - start, 1)
        others = {"train": train, "holdout": holdout, "test": test}
    row["options"] = " ".join(f"{key}={value}" for key, value in options.items())
    report = evaluate(made, **others, metrics=[*([] if brief else METRICS.values()), "series_c2st"], seed=seed)
    judged = report["fidelity.series_c2st"]
    by_name = {one["name"]: one for one in judged.details["judges"]}
    best = judged.details["judges"][0]
    row |= {"strong": judged.value, "auc": best["auc"], "auc_error": best["error"]}
    row |= {one: by_name[one]["score"] for one in ("trees", "rocket")}
    if kind != "real":
        encoding = SeriesEncoding({"train": train, "synthetic": made, "test": test}, seed=seed)
        row["strong_test"] = strong(encoding, "synthetic", "test", 1_000, named_rng(seed, "strong test"))[0].score
    for key, metric in () if brief else METRICS.items():
        score = next(score for score in report.scores if score.id.endswith("." + metric))
        row[key] = None if score.value is None else score.value * (100 if key.endswith("pct") else 1)
        if key == "forecast":
            row["forecast_real"] = score.references.get("real")
    return {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is not in the file yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="sines,stocks,etth1")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--seeds", default="0,1")
    parser.add_argument("--budget", type=float, default=180.0, help="processor seconds of training of series_flow")
    parser.add_argument("--brief", action="store_true", help="the strong judge only")
    parser.add_argument("--contiguous", action="store_true", help="split long series in time")
    parser.add_argument("--out", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    known = list(csv.DictReader(chosen.out.open(encoding="utf-8"))) if chosen.out.exists() else []
    kind = "in time" if chosen.contiguous else "pieces"
    done = {(row["data"], row["split"], row["method"], row["seed"]) for row in known}
    fixed = {
        "versions": " ".join(f"{name}={version(name)}" for name in ("synthwright", "numpy", "lightgbm", "torch")),
        "machine": f"{platform.machine()} {os.cpu_count()} cores, one thread, shared",
    }
    for seed in chosen.seeds.split(","):
        for name in chosen.data.split(","):
            for method in chosen.methods.split(","):
                if (name, kind, method, seed) in done:
                    continue
                row = {
                    **measure(name, method, int(seed), chosen.budget, contiguous=chosen.contiguous, brief=chosen.brief),
                    **fixed,
                }
                known.append({key: row.get(key, "") for key in FIELDS})
                with chosen.out.open("w", encoding="utf-8", newline="") as stream:
                    writer = csv.DictWriter(stream, FIELDS, lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(known)
                print(name, method, seed, row["strong"], row.get("fit_cpu_s", ""), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
