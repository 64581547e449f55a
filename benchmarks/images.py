"""Image methods on the same splits: quality, privacy and time, as rows of a CSV file.

    python -m benchmarks.images --data digits,omniglot --methods real,copy,image_ppca,image_flow --seeds 0,1,2

Parts are 60/20/20, each class alike; a method learns from train and makes as many images as train has. All scores are
those of the library's own report. `real`: the test part as if it were synthetic. `copy`: train itself, resampled.
Finished rows are kept; `--redo METHOD` makes them anew. A method with options: `image_flow:steps=500:guidance=1.5`.
Omniglot (28 x 28, five alphabets as classes) is read from the folder SYNTHWRIGHT_DATA, `visual/`.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from sklearn.datasets import load_digits

import synthwright as sw
from benchmarks.tabular import ROOT, machine
from synthwright.core.config import parse_assignments
from synthwright.data.images import ImageSet
from synthwright.evaluate.image_utility import predicted
from synthwright.evaluate.images import ImageEncoding

SCORES = {
    "kid": "fidelity.image_kid",
    "fd": "fidelity.image_fd",
    "precision": "fidelity.image_precision",
    "coverage": "diversity.image_coverage",
    "control": "controllability.image_control",
    "tstr": "utility.image_tstr",
    "copy_rate": "privacy.image_near_copies",
    "closer": "privacy.image_closer",
    "exact_copies": "privacy.image_copies",
}
FIELDS = (
    *("data", "method", "seed", "images", "fit_cpu_s", "sample_cpu_s"),
    *("kid", "fd", "precision", "coverage", "recall", "vendi", "tstr", "tstr_5n", "trtr", "control", "ceiling"),
    *("copy_rate", "closer", "exact_copies", "failed", "versions", "machine"),
)
PACKAGES = ("synthwright", "torch", "scikit-learn", "numpy")


def load(name: str) -> ImageSet:
    """The images called digits or omniglot."""
    if name == "digits":
        x, y = load_digits(return_X_y=True)
        return ImageSet.of(np.rint(x * 255 / 16).astype(np.uint8).reshape(-1, 8, 8), y)
    folder = os.environ.get("SYNTHWRIGHT_DATA")
    if name != "omniglot" or not folder:
        raise SystemExit(f"{name!r} is not packaged: set SYNTHWRIGHT_DATA to a folder that holds visual/")
    table = pq.read_table(Path(folder) / "visual" / "omniglot_small1_28px.parquet")
    pixels = np.stack([np.frombuffer(cell, dtype=np.uint8).reshape(28, 28) for cell in table["pixels"].to_pylist()])
    return ImageSet.of(pixels, table["alphabet"].to_pylist())


def measure(name: str, method: str, seed: int) -> dict[str, object]:
    """One row."""
    train, holdout, test = sw.split(load(name), seed=seed)
    cost: dict[str, object] = {}
    row: dict[str, object] = {}
    if method == "real":
        fake, test = test, holdout
    elif method == "copy":
        fake = train.select(np.random.default_rng(seed).integers(len(train), size=len(train)))
    else:
        kind, *options = method.split(":")
        start = time.process_time()
        model = sw.Generator.create(kind, **parse_assignments(options)).fit(train, seed=seed)
        fitted = time.process_time()
        fake = model.sample(len(train), seed=seed)
        cost = {"fit_cpu_s": round(fitted - start, 1), "sample_cpu_s": round(time.process_time() - fitted, 1)}
        row["tstr_5n"] = _short(_trained_on(model.sample(5 * len(train), seed=seed + 100), train, test))
    report = sw.evaluate(fake, train=train, holdout=holdout, test=test, seed=seed)
    row |= {"data": name, "method": method, "seed": seed, "images": len(fake), **cost}
    row |= {key: _short(report[id].value) for key, id in SCORES.items()}
    tstr, control = report["utility.image_tstr"], report["controllability.image_control"]
    row["recall"] = _short(report["diversity.image_coverage"].details["recall"])
    row["vendi"] = _short(report["diversity.image_vendi"].details["all"])
    row["trtr"], row["ceiling"] = _short(tstr.references["real"]), _short(control.references["real"])
    row["failed"] = " ".join(score.id for score in report.scores if score.verdict == "fail")
    row["versions"] = " ".join(f"{package} {version(package)}" for package in PACKAGES)
    return row | {"machine": machine()}


def _trained_on(fake: ImageSet, train: ImageSet, test: ImageSet) -> float:
    """Accuracy on the test part of the judge's classifier, trained on all synthetic images: five for each real one."""
    encoding = ImageEncoding({"train": train, "test": test, "synthetic": fake}, seed=0)
    known = {part: encoding.known(part) for part in ("synthetic", "test")}
    guess = predicted(encoding.features("synthetic"), known["synthetic"], encoding.features("test"))
    return float((guess == known["test"]).mean())


def _short(value: float | None) -> object:
    return "" if value is None else round(float(value), 4)


def main() -> None:
    """Measure the rows that are asked for and not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    has_data = bool(os.environ.get("SYNTHWRIGHT_DATA"))
    parser.add_argument("--data", default="digits,omniglot" if has_data else "digits")
    parser.add_argument("--methods", default="real,copy,image_ppca,image_flow")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--redo", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "images.csv")
    asked = parser.parse_args()
    for name in asked.data.split(","):
        for seed in asked.seeds.split(","):
            for method in asked.methods.split(","):
                key = (name, method, seed)
                if key in read(asked.out) and method not in asked.redo.split(","):
                    continue
                row = measure(name, method, int(seed))
                print(*(f"{field}={row.get(field, '')}" for field in FIELDS[:-2]), flush=True)
                write(asked.out, read(asked.out) | {key: row})


def read(path: Path) -> dict[tuple[str, ...], dict[str, object]]:
    """The rows of a results file by data, method and seed; read again before each write, so that calls may overlap."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as stream:
        return {(row["data"], row["method"], row["seed"]): dict(row) for row in csv.DictReader(stream)}


def write(path: Path, rows: dict[tuple[str, ...], dict[str, object]]) -> None:
    """Replace a results file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[one] for one in sorted(rows))
    temporary.replace(path)


if __name__ == "__main__":
    main()
