"""What one fit and one sample cost; runs in a peer's environment too, so it needs the standard library only."""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

Make = Callable[[Path, argparse.Namespace], tuple[Callable[[], Any], Callable[[Any, int], Any]]]


@dataclass(frozen=True)
class Cost:
    """Seconds of one stage: processor time of the process and its finished children, and by the clock."""

    cpu: float
    wall: float


def processor_seconds() -> float:
    """User and system time of this process and of the children it has waited for, over all threads."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in spent)


def peak_megabytes() -> float:
    """Largest resident size of this process, or of one of its children, so far."""
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


def timed(act: Callable[[], Any]) -> tuple[Any, Cost]:
    """What `act` returns, and what it cost."""
    cpu, wall = processor_seconds(), time.perf_counter()
    result = act()
    return result, Cost(processor_seconds() - cpu, time.perf_counter() - wall)


def main(
    make: Make, packages: tuple[str, ...], options: Callable[[argparse.ArgumentParser], None] | None = None
) -> None:
    """The command line that every method shares: `TRAIN.parquet N OUT.parquet --seed S`.

    make: (train file, arguments) -> (fit, sample), which may leave a remark on its settings in `arguments.settings`;
    fit() returns a model and sample(model, n) a data frame or an Arrow
    table. Reading the data and importing packages is not timed. Prints one line of JSON, the last of the output.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("train", type=Path)
    parser.add_argument("n", type=int)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, default=300, help="processor seconds for fit and sample together")
    parser.add_argument(
        "--budget", type=int, default=0, help="processor seconds that a fit should take; 0: as it likes"
    )
    if options:
        options(parser)
    arguments = parser.parse_args()
    fit, sample = make(arguments.train, arguments)
    allow(arguments.limit)
    model, fitted = timed(fit)
    made, sampled = timed(lambda: sample(model, arguments.n))
    peak = peak_megabytes()
    write(made, arguments.out)
    report = {
        "fit_cpu_s": round(fitted.cpu, 3),
        "fit_wall_s": round(fitted.wall, 3),
        "sample_cpu_s": round(sampled.cpu, 3),
        "sample_wall_s": round(sampled.wall, 3),
        "peak_rss_mb": round(peak, 1),
        "settings": getattr(arguments, "settings", ""),
        "versions": " ".join(f"{name} {installed(name)}" for name in packages),
    }
    print(json.dumps(report))


def allow(seconds: int) -> None:
    """End this process by SIGXCPU after so many more processor seconds; on a busy machine the clock says nothing."""
    last = int(processor_seconds()) + seconds
    resource.setrlimit(resource.RLIMIT_CPU, (last, last + 5))


def installed(package: str) -> str:
    """The installed version of a package, "absent" if there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def write(made: Any, path: Path) -> None:
    """Write a data frame or an Arrow table as Parquet."""
    if hasattr(made, "to_parquet"):
        made.to_parquet(path, index=False)
        return
    import pyarrow.parquet as pq

    pq.write_table(made, path)
