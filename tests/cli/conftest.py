"""The command line in processes of its own, on real files."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from synthwright.io.dispatch import write
from synthwright.scenarios.healthcare import patients

COMMAND = (sys.executable, "-m", "synthwright.cli.app")
QUICK = ("--generator", "independent", "--set", 'evaluate.metrics=["marginals","copies"]')


@pytest.fixture
def environment() -> dict[str, str]:
    """One thread, no progress lines."""
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "SYNTHWRIGHT_PROGRESS": "off", "NO_COLOR": "1"}


@pytest.fixture
def cli(tmp_path: Path, environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`cli("run", "a.csv")` in the test's folder."""

    def call(*arguments: object, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100
        )
        assert "Traceback" not in done.stderr
        if code is not None:
            assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


@pytest.fixture
def command() -> tuple[str, ...]:
    """How the command line is started."""
    return COMMAND


@pytest.fixture
def quick() -> tuple[str, ...]:
    """Options of a run that takes a second."""
    return QUICK


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """A table of 600 hospital stays."""
    path = tmp_path / "patients.csv"
    write(patients(600), path)
    return path
