"""The distribution of one column of numbers: point masses, and a piecewise linear part between order statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

MOST_KNOTS = 512


@dataclass(frozen=True, eq=False)
class Marginal:
    """An empirical distribution function by knots.

    values: ascending knots; left, right: F(x-) and F(x) at each. Between knots F is linear. Up to 512 distinct values
    are all knots; beyond, order statistics at 512 even ranks are, so a long column is sketched, not stored.
    """

    values: np.ndarray
    left: np.ndarray
    right: np.ndarray

    @classmethod
    def fit(cls, distinct: np.ndarray, counts: np.ndarray, keep: np.ndarray) -> Self:
        """Of ascending distinct values and their counts; values in `keep` are knots in any case.

        A value seen once carries no point mass: draws fall between it and its neighbours.
        """
        n = int(counts.sum())
        upto = np.cumsum(counts)
        left, right = (upto - counts) / n, upto / n
        single = counts == 1
        middle = (left + right) / 2
        left, right = np.where(single, middle, left), np.where(single, middle, right)
        left[0], right[-1] = 0.0, 1.0
        if len(distinct) > MOST_KNOTS:
            ranks = np.round(np.linspace(0, n - 1, MOST_KNOTS)).astype(np.int64)
            chosen = np.union1d(np.searchsorted(upto, ranks, side="right"), np.flatnonzero(np.isin(distinct, keep)))
            distinct, left, right = distinct[chosen], left[chosen], right[chosen]
        return cls(distinct.astype(np.float64), left, right)

    @cached_property
    def _line(self) -> tuple[np.ndarray, np.ndarray]:
        return np.column_stack([self.left, self.right]).ravel(), np.repeat(self.values, 2)

    def ends(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F(x-) and F(x); 0 and 1 outside the knots. Missing stays missing."""
        if len(self.values) == 1:
            return np.where(x > self.values[0], 1.0, 0.0), np.where(x < self.values[0], 0.0, 1.0)
        place = np.clip(np.searchsorted(self.values, x, side="right") - 1, 0, len(self.values) - 2)
        a, b = self.values[place], self.values[place + 1]
        low, high = self.right[place], self.left[place + 1]
        between = low + np.clip((x - a) / (b - a), 0.0, 1.0) * (high - low)
        first, last = between.copy(), between.copy()
        for knot in (place, place + 1):
            hit = x == self.values[knot]
            first[hit], last[hit] = self.left[knot][hit], self.right[knot][hit]
        below, above = x < self.values[0], x > self.values[-1]
        first[below] = last[below] = 0.0
        first[above] = last[above] = 1.0
        return first, last

    def rank(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """u ~ U(F(x-), F(x)): uniform on [0, 1] when x follows this distribution, also with point masses.

        Source: the distributional transform (Rueschendorf 2009, equation 2).
        """
        first, last = self.ends(x)
        return np.asarray(first + rng.random(len(x)) * (last - first))

    def inverse(self, u: np.ndarray) -> np.ndarray:
        """The value below which a fraction u lies; linear between neighbouring knots."""
        return np.asarray(np.interp(u, *self._line))

    def without(self, atoms: np.ndarray) -> Self | None:
        """The distribution given that the value is none of the atoms; None when nothing is left."""
        is_atom = np.isin(self.values, atoms)
        mass = np.where(is_atom, self.right - self.left, 0.0)
        rest = 1.0 - mass.sum()
        if is_atom.all() or rest <= 1e-12:
            return None
        below = np.cumsum(mass) - mass
        left, right = ((end - below) / rest for end in (self.left, self.right))
        kept = ~is_atom
        left, right = np.clip(left[kept], 0, 1), np.clip(right[kept], 0, 1)
        left[0], right[-1] = 0.0, 1.0
        return type(self)(self.values[kept], left, right)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {"values": self.values.tolist(), "left": self.left.tolist(), "right": self.right.tolist()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(*(np.array(document[key], dtype=np.float64) for key in ("values", "left", "right")))


_STEPS = (1000.0, 500.0, 100.0, 50.0, 25.0, 10.0, 5.0, 1.0, 0.5, 0.25, 0.1, 0.05, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)


def find_step(values: np.ndarray, dtype: np.dtype[Any]) -> float | None:
    """The coarsest usual grid that reproduces all values exactly in their own type; None when there is none."""
    if len(values) < 3:
        return 1.0 if np.array_equal(values, np.rint(values)) else None
    probe = values[:: max(1, len(values) // 1000)]
    for step in _STEPS:
        if all(np.array_equal(snap(part, step).astype(dtype), part.astype(dtype)) for part in (probe, values)):
            return step
    return None


def find_heaps(values: np.ndarray, step: float | None) -> tuple[tuple[float, float], ...]:
    """Coarser grids on which clearly more values lie than chance explains, with their shares; coarsest first.

    Whole numbers among decimals, multiples of 5 among ages. A finer grid is listed only if it holds more values.
    """
    if len(values) < 50:
        return ()
    found: list[tuple[float, float]] = []
    for coarse in _STEPS:
        if coarse >= 1e-3 and coarse > 1.5 * (step or 0.0):
            share = float(np.mean(on_grid(values, coarse)))
            if share - (step or 0.0) / coarse >= 0.1 and (not found or share >= found[-1][1] + 0.02):
                found.append((coarse, share))
    return tuple(found)


def on_grid(values: np.ndarray, step: float) -> np.ndarray:
    """Which values are multiples of step, up to rounding in the last digits."""
    return np.asarray(np.isclose(snap(values, step), values, rtol=1e-9, atol=0))


def snap(values: np.ndarray, step: float) -> np.ndarray:
    """The nearest multiples of step; for steps below 1 by one exact division, so that 0.3 is the usual 0.3."""
    if step >= 1:
        return np.rint(values / step) * step
    parts = round(1 / step)
    if abs(parts * step - 1) < 1e-9:
        return np.asarray(np.rint(values * parts) / parts)
    return np.rint(values / step) * step


def hidden_ends(present: np.ndarray, n: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """From each end inwards: the n values that follow the n most extreme; the end itself when n is 0."""
    if n and len(present) > 4 * n:
        ordered = np.partition(present, [*range(2 * n), *range(len(present) - 2 * n, len(present))])
        lows, highs = ordered[n : 2 * n], ordered[-n - 1 : -2 * n - 1 : -1]
        if lows[0] < highs[0]:
            return tuple(lows.tolist()), tuple(highs.tolist())
    return (float(present.min()),), (float(present.max()),)


def tucked(values: np.ndarray, lows: tuple[float, ...], highs: tuple[float, ...]) -> np.ndarray:
    """Values beyond an end, exchanged for the values that follow inwards, farthest for outermost.

    Nobody's extreme is seen, and no heap at the end tells that something was hidden there.
    """
    inside = np.array(values, dtype=np.float64)
    for beyond, inner in ((values > highs[0], highs), (values < lows[0], lows)):
        rows = np.flatnonzero(beyond)
        if len(rows):
            order = rows[np.argsort(-np.abs(values[rows] - inner[0]), kind="stable")]
            inside[order] = np.array(inner)[np.arange(len(rows)) * len(inner) // len(rows)]
    return inside
