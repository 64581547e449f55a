"""One channel of a set of series as models see it: cells to smooth numbers and back, with its grid, ends and holes.

Three things give synthetic series away before any dynamics do: values off the data's grid, values beyond its ends,
and channels that cross although the real ones never do. All three are undone here, for every model alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from scipy import stats
from scipy.special import ndtr, ndtri

from synthwright.data.cells import numbers_of, scale_of
from synthwright.data.columns import RARE, ColumnCodec
from synthwright.data.marginal import Marginal, find_step, hidden_ends, snap, tucked
from synthwright.data.schema import Column, arrow_type

MOST_VALUES = 2048  # distinct values that are kept as the grid of a channel
_REPEATS = 10  # rows for each distinct value, on average, for values to count as a grid
_NOISE = 0.35  # standard deviation around the +-1 of a level's flags
_FEWEST = 50
_OFF_GRID = 0.1  # of its step: how far rounding may move a value off an even grid
_REST = 0.05  # share of a channel's variance that others leave, below which it is their sum and a rest


@dataclass(frozen=True, eq=False)
class Channel:
    """A fitted channel of numbers. JSON-able; holds no series.

    support: the values that occur, ascending, when there are few of them (a sensor's lattice); else `step` is the grid
    of the values or None. single: the values are single-precision numbers. is_log: learned on a log scale, because
    steps grow with the level. is_step: walks at random. is_free: has no ends, as it walks, hangs on a channel that
    does, or is a smooth curve. below: channels that never exceed this one: the gap above their maximum is learned.
    sum_of: channels of which this one is a weighted sum but for a small rest, which is learned; weights: of these,
    and a constant last. same_as: the channel that this one repeats in every row. lows, highs: ends, from outside in.
    """

    column: Column
    offset: int = 0
    unit: int = 1
    support: np.ndarray = field(default_factory=lambda: np.zeros(0))
    step: float | None = None
    single: bool = False
    is_log: bool = False
    is_step: bool = False
    is_free: bool = False
    lows: tuple[float, ...] = (0.0,)
    highs: tuple[float, ...] = (0.0,)
    below: tuple[str, ...] = ()
    same_as: str = ""
    sum_of: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    missing_rate: float = 0.0

    @classmethod
    def fit(cls, cells: pa.ChunkedArray, column: Column, *, protect: bool) -> tuple[Self, np.ndarray]:
        """The channel, without relations to others, and its values (NaN: missing)."""
        column = column.model_copy(update={"dtype": str(cells.type)})
        offset, unit = scale_of(cells, column.name)
        values = numbers_of(cells, offset, unit)
        known = values[~np.isnan(values)]
        lows, highs = hidden_ends(known, RARE if protect and len(known) >= _FEWEST else 0)
        inside = tucked(known, lows, highs)
        distinct, counts = np.unique(inside, return_counts=True)
        single = bool(np.array_equal(distinct.astype(np.float32).astype(np.float64), distinct))
        step = find_step(distinct, np.dtype(np.float32 if single else np.float64))
        shared = distinct[counts >= (2 if protect else 1)]
        support = np.zeros(0)
        if len(distinct) <= MOST_VALUES and len(known) >= _REPEATS * len(distinct):
            support = shared if len(shared) else distinct
        if not len(support) and len(distinct) <= MOST_VALUES:
            support = _lattice(distinct, shared, finer=2 * (step or 0.0))
        made = cls(
            column,
            offset,
            unit,
            support,
            step,
            single,
            lows=lows,
            highs=highs,
            missing_rate=float(np.isnan(values).mean()),
        )
        return made, values

    def values(self, cells: pa.ChunkedArray) -> np.ndarray:
        """Cells as float64 within the ends; NaN is missing."""
        return np.asarray(np.clip(numbers_of(cells, self.offset, self.unit), self.lows[0], self.highs[0]))

    @property
    def reach(self) -> tuple[float, float]:
        """Between which values this channel may lie."""
        if not (self.is_free or self.is_step) or len(self.support):
            return self.lows[0], self.highs[0]
        return (0.0 if self.lows[0] >= 0 else -np.inf), (0.0 if self.highs[0] <= 0 else np.inf)

    @property
    def name(self) -> str:
        """Name of the channel."""
        return self.column.name

    @property
    def is_constant(self) -> bool:
        """Whether all values are equal: then nothing is learned."""
        return self.lows[0] == self.highs[0]

    @cached_property
    def _edges(self) -> np.ndarray:
        """Borders of the cells around the values of the grid, with as much room outside as inside."""
        s = self.support
        if len(s) < 2:
            return np.concatenate([s - 0.5, s + 0.5])
        middles = (s[1:] + s[:-1]) / 2
        return np.concatenate([[2 * s[0] - middles[0]], middles, [2 * s[-1] - middles[-1]]])

    def spread(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Values made continuous: each drawn evenly from the cell that `settle` maps to it.

        Source: uniform dequantisation (Theis et al. 2016, arXiv 1511.01844, section 3.1).
        """
        if len(self.support):
            place = np.clip(np.searchsorted(self._edges, values) - 1, 0, len(self.support) - 1)
            low, high = self._edges[place], self._edges[place + 1]
            return np.where(np.isnan(values), np.nan, low + rng.random(values.shape) * (high - low))
        if self.step is not None:
            return np.asarray(values + self.step * (rng.random(values.shape) - 0.5))
        return values

    def settle(self, values: np.ndarray) -> np.ndarray:
        """Values on the grid and within the ends. A channel that walks has no ends but 0: it may walk on."""
        low, high = self.reach
        values = np.clip(values, low, high)
        if len(self.support):
            place = np.clip(np.searchsorted(self._edges, values) - 1, 0, len(self.support) - 1)
            return np.asarray(np.where(np.isnan(values), np.nan, self.support[place]))
        if self.step is not None:
            values = np.clip(snap(values, self.step), low, high)
        return np.asarray(values.astype(np.float32).astype(np.float64) if self.single else values)

    def sum_from(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """The weighted sum of the channels `sum_of`."""
        parts = (weight * values[name] for name, weight in zip(self.sum_of, self.weights, strict=False))
        return np.asarray(sum(parts) + self.weights[-1])

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """On the scale on which steps are about as large everywhere."""
        if not self.is_log:
            return values
        floor = self.lows[0] / 2
        return np.asarray(np.log(np.maximum(values, floor)))

    def unscaled(self, values: np.ndarray) -> np.ndarray:
        """The inverse of `scaled`."""
        if not self.is_log:
            return values
        top = np.log(self.highs[0]) + 3
        return np.asarray(np.exp(np.minimum(values, top)))

    def cells(self, values: np.ndarray) -> pa.Array:
        """Settled values in the channel's Arrow type; NaN is missing."""
        kind = arrow_type(self.column.dtype)
        gone = np.isnan(values)
        if pa.types.is_floating(kind):
            return pa.array(values, mask=gone).cast(kind, safe=False)
        low, high = self.reach
        codec = ColumnCodec(
            self.column,
            "number",
            1,
            0.0,
            False,
            offset=self.offset,
            unit=self.unit,
            lows=(low,),
            highs=(high,),
        )
        return codec.cells(values, np.random.default_rng(0))

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        plain = {key: value for key, value in self.__dict__.items() if key in self.__dataclass_fields__}
        plain["column"] = self.column.model_dump(mode="json", exclude_defaults=True)
        plain["support"] = self.support.tolist()
        return {key: list(value) if isinstance(value, tuple) else value for key, value in plain.items()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in document.items()}
        values["column"] = Column(**document["column"])
        values["support"] = np.array(document["support"], dtype=np.float64)
        return cls(**values)


def _lattice(distinct: np.ndarray, shared: np.ndarray, *, finer: float) -> np.ndarray:
    """All places of an even grid that the values lie on up to rounding, none when they lie on none.

    Sensors count in units that are no usual step, and the counts are rounded afterwards. shared: the values that may
    be told; each stands at its place as it was written. finer: steps up to this one are no grid of their own.
    """
    gaps = np.diff(distinct)
    if len(distinct) < _FEWEST:
        return np.zeros(0)
    step = float(np.median(gaps[gaps < 1.5 * np.quantile(gaps, 0.25)]))
    for _ in range(3):
        place = np.concatenate([[0.0], np.cumsum(np.rint(gaps / step))])
        step, start = np.polyfit(place, distinct, 1)
    off = np.abs(distinct - start - step * place).max()
    if off > _OFF_GRID * step or place[-1] > MOST_VALUES or step <= finer:
        return np.zeros(0)
    made = start + step * np.arange(place[-1] + 1)
    made[np.rint((shared - start) / step).astype(int)] = shared
    return np.asarray(made)


def relate(channels: list[Channel], values: Mapping[str, np.ndarray]) -> list[Channel]:
    """The channels with what holds between them in every row: repetition, and one never above the other."""
    found: list[Channel] = []
    for channel in channels:
        x = values[channel.name]
        twin = next((one.name for one in found if not one.same_as and _equal(values[one.name], x)), "")
        below: tuple[str, ...] = ()
        if not twin and not channel.is_constant:
            below = tuple(
                other.name
                for other in channels
                if other.name != channel.name and not other.is_constant and _never_above(values[other.name], x)
            )
        found.append(replace(channel, same_as=twin, below=below))
    twins = {channel.name for channel in found if channel.same_as}
    found = [replace(channel, below=tuple(name for name in channel.below if name not in twins)) for channel in found]
    return _sums(found, values)


def _sums(channels: list[Channel], values: Mapping[str, np.ndarray]) -> list[Channel]:
    """Channels that are weighted sums of others but for a rest, the closest first; a sum is no part of another sum."""
    bound = {name for channel in channels for name in channel.below}
    free = [
        c.name
        for c in channels
        if not (c.same_as or c.below or c.is_constant or c.name in bound or np.isnan(values[c.name]).any())
    ]
    found: dict[str, tuple[tuple[str, ...], tuple[float, ...]]] = {}
    while len(free) > 1:
        fits = {name: _regressed(values, name, [other for other in free if other != name]) for name in free}
        best = min(free, key=lambda name: fits[name][0])
        if fits[best][0] > _REST:
            break
        used = tuple(other for other in free if other != best)
        found[best] = (used, tuple(float(w) for w in fits[best][1]))
        free.remove(best)
    return [replace(c, sum_of=found[c.name][0], weights=found[c.name][1]) if c.name in found else c for c in channels]


def _regressed(values: Mapping[str, np.ndarray], name: str, others: list[str]) -> tuple[float, np.ndarray]:
    """Share of the variance of a channel that the others leave, and their weights with a constant last."""
    y = values[name]
    if len(y) < _FEWEST:
        return 1.0, np.zeros(len(others) + 1)
    x = np.column_stack([*(values[other] for other in others), np.ones(len(y))])
    weights = np.linalg.lstsq(x, y, rcond=1e-10)[0]
    return float((y - x @ weights).var() / y.var()), weights


def scale_choice(channel: Channel, values: np.ndarray, steps: np.ndarray) -> Channel:
    """The channel on a log scale when it is positive and its steps grow with its level.

    values, steps: (k,) a value and the step that follows it, for pairs of neighbouring rows.
    """
    if channel.is_constant or channel.lows[0] <= 0 or channel.offset or len(values) < _FEWEST:
        return channel
    grows = stats.spearmanr(values, np.abs(steps)).statistic
    return replace(channel, is_log=bool(grows > 0.2))


def _equal(a: np.ndarray, b: np.ndarray) -> bool:
    return bool(np.array_equal(a, b, equal_nan=True))


def _never_above(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether a <= b in every row although the two ranges overlap for the most part, so that it is no accident."""
    both = ~np.isnan(a) & ~np.isnan(b)
    if both.sum() < _FEWEST or np.isnan(a).any() or np.isnan(b).any():
        return False
    if not (a <= b).all() or not (a < b).any():
        return False
    return bool(np.mean(b - a) < 0.25 * min(a.std(), b.std()))


@dataclass(frozen=True, eq=False)
class Score:
    """Numbers as normal scores by their own distribution, and back; equal values are spread over their share."""

    marginal: Marginal
    margin: float

    @classmethod
    def fit(cls, values: np.ndarray) -> Self:
        """Of the present values."""
        known = values[~np.isnan(values)]
        distinct, counts = np.unique(known, return_counts=True)
        heavy = distinct[counts >= max(RARE, 0.01 * len(known))][:64]
        return cls(Marginal.fit(distinct, counts, heavy), 0.5 / max(2, len(known)))

    def forward(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Phi^-1 of the randomised rank; NaN stays."""
        flat = self.marginal.rank(values.ravel(), rng)
        return np.asarray(ndtri(np.clip(flat, self.margin, 1 - self.margin)).reshape(values.shape))

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """The quantile at Phi(z)."""
        return np.asarray(self.marginal.inverse(np.clip(ndtr(z), self.margin / 2, 1 - self.margin / 2)))

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {"marginal": self.marginal.to_json(), "margin": self.margin}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(Marginal.from_json(document["marginal"]), float(document["margin"]))


def flags(codes: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """Levels as noisy +-1 flags, (..., width)."""
    hot = np.where(codes[..., None] == np.arange(width), 1.0, -1.0)
    return np.asarray(hot + _NOISE * rng.standard_normal(hot.shape))
