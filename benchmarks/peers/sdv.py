"""Synthesizers of SDV 2 (Business Source Licence 1.1: measured here, never a dependency): copula, CTGAN, TVAE."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import main

_CLASSES = {"copula": "GaussianCopulaSynthesizer", "ctgan": "CTGANSynthesizer", "tvae": "TVAESynthesizer"}
_TABLE = "rows"
_MOST_EPOCHS = 10**6  # the budget ends it earlier


def make(train: Path, arguments: argparse.Namespace) -> tuple[Callable[[], Any], Callable[[Any, int], Any]]:
    """Fit and sample with detected metadata, no column being a key.

    With a budget the networks train for as many epochs as it holds; without one as SDV does, for 300.
    """
    import ctgan.synthesizers
    import numpy as np
    import pandas as pd
    import sdv.single_table
    import torch
    from sdv.metadata import Metadata

    torch.set_num_threads(1)
    np.random.seed(arguments.seed)  # noqa: NPY002 - the peer reads the global generators
    torch.manual_seed(arguments.seed)
    data = pd.read_parquet(train)
    metadata = Metadata.detect_from_dataframes({_TABLE: data}, infer_keys=None)
    synthesizer = getattr(sdv.single_table, _CLASSES[arguments.variant])
    options: dict[str, Any] = {} if arguments.variant == "copula" else {"enable_gpu": False}
    if arguments.budget:
        options["epochs"] = _MOST_EPOCHS

    def fit() -> Any:
        epochs = _Epochs(arguments.budget) if arguments.budget else None
        if epochs is not None:
            for module in (ctgan.synthesizers.ctgan, ctgan.synthesizers.tvae):
                module.tqdm = epochs
        model = synthesizer(metadata, **options)
        model.fit({_TABLE: data})
        if epochs is not None:
            arguments.settings = f"{epochs.made} epochs"
        return model

    return fit, lambda model, n: model.sample(num_rows=n)[_TABLE]


class _Epochs:
    """Takes the place of the progress bar around SDV's epochs, and ends them when the processor seconds are used.

    Epochs chosen beforehand from a short fit were off by three quarters on a shared machine.
    """

    def __init__(self, seconds: float) -> None:
        self.end, self.made = time.process_time() + seconds, 0

    def __call__(self, epochs: range, disable: bool) -> Iterator[int]:
        for epoch in epochs:
            if time.process_time() >= self.end:
                return
            yield epoch
            self.made += 1


def options(parser: argparse.ArgumentParser) -> None:
    """Which synthesizer."""
    parser.add_argument("--variant", choices=tuple(_CLASSES), required=True)


if __name__ == "__main__":
    main(make, ("sdv", "torch"), options)
