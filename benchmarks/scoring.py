"""Scores of one cell, by the library's own kernels: `python -m benchmarks.scoring FOLDER METHOD --target y`.

| score | is | best |
|---|---|---|
| marginal | mean over columns of 1 - KS distance or 1 - total variation, against train | 1 |
| pair | mean over pairs of 1 - share of rows in the wrong joint cell (8 bins), margins being equal, against train | 1 |
| c2st | AUC of 5-fold LightGBM (100 trees) telling synthetic from holdout rows, equal numbers | 0.5 |
| tstr, trtr | AUC, macro F1 or R2 on test rows of boosted trees trained on synthetic, on train rows | equal |
| dcr_share | share of synthetic rows closer to train than to the equal holdout | 0.5 |
| copies_pct | synthetic rows equal to a train row; beside it the same for holdout rows | equal |

The method `real` is the floor: holdout rows are judged as if they were synthetic, test rows being the holdout.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.measure import installed


def main() -> None:
    """Print the scores as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("method")
    parser.add_argument("--target", required=True)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    parts = {name: asked.folder / f"{name}.parquet" for name in ("train", "holdout", "test")}
    if asked.method == "real":
        files = {
            "train": parts["train"],
            "synthetic": parts["holdout"],
            "holdout": parts["test"],
            "test": parts["test"],
        }
    else:
        files = {**parts, "synthetic": asked.folder / f"{asked.method}.parquet"}
    print(json.dumps(score(tables(files), target=asked.target, seed=asked.seed)))


def tables(files: dict[str, Path]) -> dict[str, Any]:
    """The parts as tables of one schema: that of train, without limits on values, which are scored and not refused."""
    import synthwright as sw

    raw = {name: pq.read_table(path) for name, path in files.items()}
    train = sw.Table.of(raw["train"])
    free = {name: {"bounds": None, "categories": None, "nullable": True} for name in train.schema.names}
    schema = train.schema.edit(free)
    return {name: sw.Table.of(as_typed(table, train.arrow.schema), schema) for name, table in raw.items()}


def as_typed(table: pa.Table, wanted: pa.Schema) -> pa.Table:
    """The columns of `wanted` with its types; peers return whole numbers as floats and truth values as text."""
    columns = {}
    for field in wanted:
        cells = table.column(field.name)
        if pa.types.is_floating(cells.type) and pa.types.is_integer(field.type):
            cells = pc.round(cells)
        columns[field.name] = cells.cast(field.type, safe=False)
    return pa.table(columns)


def score(data: dict[str, Any], *, target: str, seed: int) -> dict[str, object]:
    """All scores of one synthetic table."""
    from synthwright.evaluate.detection import c2st
    from synthwright.evaluate.fidelity import marginal_scores
    from synthwright.evaluate.learners import skill
    from synthwright.evaluate.metric import Evidence
    from synthwright.evaluate.pairs import pair_scores
    from synthwright.evaluate.privacy import dcr_share, exact_copies, neighbourhood
    from synthwright.evaluate.utility import trained

    evidence = Evidence(**data, target=target, seed=seed)
    encoding = evidence.encoding
    marginal = np.mean([1 - d for d in marginal_scores(encoding, "synthetic", "train").values()])
    pair = np.mean([1 - one.distance for one in pair_scores(encoding, "synthetic", "train", target=target)])
    auc, _, _ = c2st(encoding, "synthetic", "holdout")
    near = neighbourhood(encoding)
    copies = exact_copies(*(encoding.hashes(part) for part in ("synthetic", "train", "holdout")))
    usual = exact_copies(*(encoding.hashes(part) for part in ("holdout", "train", "train")))
    found: dict[str, object] = {
        "columns": len(encoding.fields),
        "marginal": round(float(marginal), 4),
        "pair": round(float(pair), 4),
        "c2st": round(auc, 4),
        "dcr_share": round(dcr_share(near.q_t, near.q_p), 4),
        "copies_pct": round(100 * copies.in_train / copies.rows, 3),
        "holdout_copies_pct": round(100 * usual.in_train / usual.rows, 3),
        "scored_with": f"synthwright {installed('synthwright')} lightgbm {installed('lightgbm')}",
    }
    models = trained(evidence)
    if models is not None:
        task = models.goal.task
        found["task"] = task
        found["tstr"] = round(skill(models.y, models.on_test["synthetic"], task=task), 4)
        found["trtr"] = round(skill(models.y, models.on_test["train"], task=task), 4)
    return found


if __name__ == "__main__":
    main()
