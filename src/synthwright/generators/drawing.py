"""One block of a sample: drawn, restored, checked, and drawn again while units miss the condition or a rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthwright.core.context import Context
from synthwright.core.errors import SampleError, SynthwrightError, Unreachable
from synthwright.core.seeds import block_sequence, rng_of
from synthwright.data.conditions import Condition
from synthwright.data.dataset import Dataset
from synthwright.data.prepare import Preparation

_DRAWS = 50  # attempts at a block before `where` counts as unreachable
_GROWTH = 4  # attempt a draws size * 2 ** min(a, _GROWTH) units, so that rare conditions need few calls


@dataclass(frozen=True)
class Drawing:
    """How a fitted method draws. make: its `_sample`, (n, context, condition) -> units in the learned schema.

    size: units of a block; is_exact: whether `make` takes the condition, which is checked here otherwise too.
    """

    name: str
    make: Callable[[int, Context, Condition | None], Any]
    preparation: Preparation
    size: int
    is_exact: bool

    def block(self, index: int, units: int, condition: Condition | None, seed: int, outer: Context) -> Dataset:
        """The first units of a block. Raises Unreachable, SampleError, Cancelled.

        How many are drawn at a time does not depend on `units`, so fewer are the beginning of more.
        """
        native = condition if self.is_exact else None
        kept: list[Dataset] = []
        n_kept = n_drawn = 0
        for attempt in range(_DRAWS):
            n_draw = self.size * 2 ** min(attempt, _GROWTH)
            ctx = Context(rng_of(block_sequence(seed, index, attempt)), device=outer.device, stop=outer.stop)
            ctx.block, ctx.attempt = index, attempt
            ctx.step(0, 1, "sampling")
            drawn = self.preparation.restore(self.make(n_draw, ctx, native), ctx.rng)
            good = self.preparation.satisfied(drawn)
            if condition is not None:
                good &= condition.mask(drawn)
            n_drawn += n_draw
            if good.any():
                kept.append(drawn.select(np.flatnonzero(good)))
                n_kept += int(good.sum())
            if n_kept >= units:
                block = kept[0].concat(kept).select(np.arange(units))
                return self.preparation.identify(block, index * self.size)
        raise self._exhausted(index, units, condition, n_kept, n_drawn)

    def _exhausted(
        self, index: int, units: int, condition: Condition | None, n_kept: int, n_drawn: int
    ) -> SynthwrightError:
        if condition is None:
            return SampleError(
                f"Only {n_kept} of {n_drawn:,} drawn units keep the rules of the schema.",
                where=f"generator {self.name!r}, block {index}",
                fix="check the constraints against the training data, or use a method that models the columns jointly",
            )
        most = index * self.size + n_kept
        way_out = f"sample at most {most:,} units" if most else "sample without it and select"
        return Unreachable(
            f"Only {n_kept:,} of {n_drawn:,} drawn units match; {units:,} are needed in block {index}.",
            where=f"where={condition.text}",
            fix=f"widen the condition, or {way_out}",
        )
