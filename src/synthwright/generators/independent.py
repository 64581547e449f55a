"""The smallest generator: every column by itself. The floor that a learned method has to beat."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.encode import Codec
from synthwright.data.table import Table
from synthwright.generators.base import Ability, Generator


class IndependentConfig(Config):
    """`independent` has no options."""


class Independent(Generator):
    """Draws each column from its own distribution and keeps no relation between columns.

    Assumes nothing; a poor choice for anything but a baseline, a smoke test, or a public mock-up.
    Keeps no rows; cost is linear in cells.

    >>> model = Independent().fit({"x": [1, 2, 4, 8, 9] * 10, "y": ["a", "b"] * 25})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "independent"
    summary: ClassVar[str] = "each column by itself: the floor to beat"
    config_type: ClassVar[type[Config]] = IndependentConfig
    ability: ClassVar[Ability] = Ability("table", where="reject", block=4096)

    def _fit(self, data: Table, ctx: Context) -> None:
        self._codec = Codec.fit(data)
        ctx.notes.extend(self._codec.notes)
        tokens = self._codec.tokens(data, ctx.rng)  # (rows, columns)
        self._shares = []
        for i, cardinality in enumerate(self._codec.cardinality):
            ctx.step(i, len(self._codec.columns), "counting")
            counts = np.bincount(tokens[:, i], minlength=cardinality)
            self._shares.append(counts / counts.sum())

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        tokens = np.column_stack([ctx.rng.choice(len(share), size=n, p=share) for share in self._shares])
        return self._codec.from_tokens(tokens.astype(np.int32), ctx.rng)

    def _state(self) -> State:
        arrays = {f"shares_{i}": share for i, share in enumerate(self._shares)}
        return State({"codec": self._codec.to_json()}, arrays)

    def _restore(self, state: State) -> None:
        self._codec = Codec.from_json(state.meta["codec"])
        self._shares = [state.arrays[f"shares_{i}"] for i in range(len(self._codec.columns))]
