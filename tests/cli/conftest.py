"""The command line on real files; in a process of its own where killing, limits or start-up time are tested."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from synthwright.cli.app import main
from synthwright.io.dispatch import write
from synthwright.scenarios.healthcare import patients

COMMAND = (sys.executable, "-m", "synthwright.cli.app")
QUICK = ("--generator", "independent", "--set", 'evaluate.metrics=["marginals","copies"]')


@pytest.fixture
def environment() -> dict[str, str]:
    """One thread, no progress lines."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "SYNTHWRIGHT_PROGRESS": "off",
        "NO_COLOR": "1",
    }


@dataclass(frozen=True)
class Done:
    """What a call of the command line left."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """`cli("run", "a.csv")` in the test's folder: the real entry point, in this process to save its start-up time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SYNTHWRIGHT_PROGRESS", "off")

    def call(*arguments: object, code: int | None = 0) -> Done:
        monkeypatch.setattr(sys, "argv", ["synthwright", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        done = Done(int(ended.value.code or 0), out, err)
        assert code is None or done.returncode == code, out + err
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
