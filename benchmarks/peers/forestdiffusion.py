"""Flow matching with boosted trees, ForestDiffusion 1.0.6 (MIT): 20 noise levels, each row duplicated 5 times."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import main


def make(train: Path, arguments: argparse.Namespace) -> tuple[Callable[[], Any], Callable[[Any, int], Any]]:
    """Fit and sample. It takes a float matrix: levels go in as codes and missing levels as a level of their own."""
    import numpy as np
    import pandas as pd
    from ForestDiffusion import ForestDiffusionModel

    data = pd.read_parquet(train)
    coded = data.copy()
    levels: dict[str, Any] = {}
    for name in data.columns:
        if not pd.api.types.is_numeric_dtype(data[name]) or pd.api.types.is_bool_dtype(data[name]):
            codes, levels[name] = pd.factorize(data[name], use_na_sentinel=False)
            coded[name] = codes
    matrix = coded.to_numpy(dtype=np.float64)
    whole = [i for i, name in enumerate(data.columns) if name not in levels and data[name].dtype.kind == "i"]
    binary = [i for i, name in enumerate(data.columns) if name in levels and len(levels[name]) <= 2]
    many = [i for i, name in enumerate(data.columns) if name in levels and len(levels[name]) > 2]

    def fit() -> Any:
        return ForestDiffusionModel(
            matrix,
            n_t=20,
            duplicate_K=5,
            bin_indexes=binary,
            cat_indexes=many,
            int_indexes=whole,
            n_jobs=1,
            seed=arguments.seed,
        )

    def sample(model: Any, n: int) -> Any:
        made = pd.DataFrame(model.generate(batch_size=n), columns=data.columns)
        for name in data.columns:
            if name in levels:
                codes = made[name].round().clip(0, len(levels[name]) - 1).astype(int)
                made[name] = pd.Series(levels[name]).iloc[codes].to_numpy()
        return made.astype({name: data[name].dtype for name in data.columns if data[name].dtype.kind == "i"})

    return fit, sample


if __name__ == "__main__":
    main(make, ("ForestDiffusion", "xgboost"))
