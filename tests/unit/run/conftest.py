"""A small real job: 600 hospital stays, the smallest generator, two quick metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthwright.io.dispatch import write
from synthwright.scenarios.healthcare import patients


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """The table as a file."""
    path = tmp_path / "patients.csv"
    write(patients(600), path)
    return path


@pytest.fixture
def make_recipe(csv: Path, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """`make_recipe(out="a", rows=100)`: a quick recipe as a mapping."""

    def make(out: str = "run", rows: int = 9000, **sample: Any) -> dict[str, Any]:
        return {
            "data": {"read": str(csv), "target": "readmitted"},
            "generator": {"use": "independent"},
            "sample": {"rows": rows, **sample},
            "evaluate": {"metrics": ["marginals", "copies"]},
            "out": str(tmp_path / out),
        }

    return make
