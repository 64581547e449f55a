"""One fit and one sample of a generator of this library: `python -m benchmarks.own TRAIN N OUT --method cart`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import main


def make(train: Path, arguments: argparse.Namespace) -> tuple[Callable[[], Any], Callable[[Any, int], Any]]:
    """Fit and sample with default options, or those of `--set name=value`."""
    import synthwright as sw
    from synthwright.core.config import parse_assignments

    data = sw.Table.of(sw.read(train), target=arguments.target)
    options = parse_assignments(arguments.set)
    if arguments.budget:
        options = {"max_seconds": arguments.budget, "device": "cpu"} | options
    model = sw.Generator.create(arguments.method, **options)
    return lambda: model.fit(data, seed=arguments.seed), lambda model, n: model.sample(n, seed=arguments.seed).arrow


def options(parser: argparse.ArgumentParser) -> None:
    """What a peer does not take."""
    parser.add_argument("--method", required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--set", action="append", default=[])


if __name__ == "__main__":
    main(make, ("synthwright", "lightgbm", "numpy", "torch"), options)
