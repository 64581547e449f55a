"""TabularARGN of mostlyai-engine (Apache-2.0): the default model, at most 4.5 minutes of training."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import main

_MINUTES = 4.5


def make(train: Path, arguments: argparse.Namespace) -> tuple[Callable[[], Any], Callable[[Any, int], Any]]:
    """Fit and sample. Rare levels are replaced by frequent ones: its default puts the word `_RARE_` into the rows."""
    import pandas as pd
    import torch
    from mostlyai.engine import TabularARGN

    torch.set_num_threads(1)
    data = pd.read_parquet(train)

    def fit() -> Any:
        model = TabularARGN(max_training_time=_MINUTES, random_state=arguments.seed, device="cpu")
        return model.fit(data)

    return fit, lambda model, n: model.sample(n_samples=n, rare_category_replacement_method="SAMPLE")


if __name__ == "__main__":
    main(make, ("mostlyai-engine", "torch"))
