"""Synthesizers of SDV 2 (Business Source Licence 1.1: measured here, never a dependency): copula, CTGAN, TVAE."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import main

_CLASSES = {"copula": "GaussianCopulaSynthesizer", "ctgan": "CTGANSynthesizer", "tvae": "TVAESynthesizer"}
_TABLE = "rows"
_MOST_EPOCHS = 300  # SDV's own default
_CPU_SECONDS = 60
_TRIAL_EPOCHS = (1, 9)  # far enough apart that an epoch can be told from the fixed cost


def make(train: Path, arguments: argparse.Namespace) -> tuple[Callable[[], Any], Callable[[Any, int], Any]]:
    """Fit and sample with detected metadata, no column being a key. The networks train for about 60 CPU seconds."""
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
    options: dict[str, Any] = {}
    if arguments.variant != "copula":
        options = {"enable_gpu": False, "epochs": _epochs(synthesizer, data, metadata)}

    def fit() -> Any:
        model = synthesizer(metadata, **options)
        model.fit({_TABLE: data})
        return model

    return fit, lambda model, n: model.sample(num_rows=n)[_TABLE]


def _epochs(synthesizer: Any, data: Any, metadata: Any) -> int:
    """How many epochs 60 processor seconds hold, at most 300, from two short fits that the cost leaves out."""
    times = []
    for epochs in _TRIAL_EPOCHS:
        start = time.process_time()
        synthesizer(metadata, epochs=epochs, enable_gpu=False).fit({_TABLE: data})
        times.append(time.process_time() - start)
    per_epoch = max(
        (times[1] - times[0]) / (_TRIAL_EPOCHS[1] - _TRIAL_EPOCHS[0]), 1e-3
    )  # 1e-3 s: no epoch of these tables is shorter
    fixed = max(times[0] - _TRIAL_EPOCHS[0] * per_epoch, 0.0)
    return int(min(_MOST_EPOCHS, max(1, (_CPU_SECONDS - fixed) / per_epoch)))


def options(parser: argparse.ArgumentParser) -> None:
    """Which synthesizer."""
    parser.add_argument("--variant", choices=tuple(_CLASSES), required=True)


if __name__ == "__main__":
    main(make, ("sdv", "torch"), options)
