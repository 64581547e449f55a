"""Resampled training rows with a little noise: what a method that memorises looks like."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.encode import Codec
from synthwright.data.table import Table
from synthwright.generators.base import Ability, Generator


class BootstrapConfig(Config):
    """Options of the smoothed bootstrap."""

    bandwidth: float = Field(0.1, ge=0, le=10, description="Noise, in units of each column's spread.")


class Bootstrap(Generator):
    """Resamples rows and jitters numbers (Silverman 1986, section 6.4.1). Its model file holds the training rows.

    Never private: the report says so. Useful as the upper bound of fidelity and as a known-bad reference for privacy.

    >>> model = Bootstrap(bandwidth=0.0).fit({"x": [1, 2, 4, 8, 9] * 10, "y": ["a", "b"] * 25})
    >>> set(model.sample(9)["y"].to_pylist()) <= {"a", "b"}
    True
    """

    name: ClassVar[str] = "bootstrap"
    summary: ClassVar[str] = "resampled real rows with jitter: keeps rows, never private"
    source: ClassVar[str] = "Silverman 1986, Density Estimation, section 6.4.1"
    config_type: ClassVar[type[Config]] = BootstrapConfig
    ability: ClassVar[Ability] = Ability("table", where="reject", block=4096, keeps_rows=True)

    def _fit(self, data: Table, ctx: Context) -> None:
        ctx.note("G010", "the model holds the training rows and its samples are near copies of them")
        self._codec = Codec.fit(data, protect=False)
        ctx.notes.extend(self._codec.notes)
        ctx.step(0, 1, "keeping rows")
        self._values = self._codec.values(data)

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        rows = ctx.rng.integers(len(next(iter(self._values.values()))), size=n)
        drawn = {}
        for column in self._codec.columns:
            cells = self._values[column.name]
            drawn[column.name] = cells[rows]
            if column.kind == "number" and self.config.bandwidth > 0:
                moved = drawn[column.name] + self.config.bandwidth * _spread(cells) * ctx.rng.standard_normal(n)
                moved = np.where(moved < column.low, 2 * column.low - moved, moved)  # reflected, not piled up, at ends
                moved = np.where(moved > column.high, 2 * column.high - moved, moved)
                heaped = np.isin(drawn[column.name], column.atoms)
                drawn[column.name] = np.where(heaped, drawn[column.name], moved)
        return self._codec.from_values(drawn, ctx.rng)

    def _state(self) -> State:
        return State(
            {"codec": self._codec.to_json()},
            {f"cells_{i}": self._values[c.name] for i, c in enumerate(self._codec.columns)},
        )

    def _restore(self, state: State) -> None:
        self._codec = Codec.from_json(state.meta["codec"])
        self._values = {c.name: state.arrays[f"cells_{i}"] for i, c in enumerate(self._codec.columns)}


def _spread(cells: np.ndarray) -> float:
    """The smaller of standard deviation and interquartile range / 1.34, which one far value cannot inflate.

    Source: Silverman 1986, equation 3.30.
    """
    quartiles = np.nanpercentile(cells, [25, 75])
    robust = float(quartiles[1] - quartiles[0]) / 1.34
    deviation = float(np.nanstd(cells))
    return min(deviation, robust) if robust > 0 else deviation
