"""The codec's values as rows of scalars and choices, for nets that make all columns at once: CTGAN and TVAE.

A level is a choice. A number is a choice among modes, point masses and missing, and a scalar that says where in its
mode the value lies: mode-specific normalisation (Xu et al. 2019, arXiv 1907.00503, section 4.2), which the point
masses join as modes of no width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
from scipy.special import ndtr, ndtri

from synthwright.classic.mixture import NormalMixture
from synthwright.data.columns import ColumnCodec
from synthwright.data.encode import Codec, Limit

Numbers = Literal["ranks", "modes"]
_SPREAD = 4.0  # a mode reaches 4 standard deviations to either side
_MOST_CHOICES = 256  # levels of one choice; more are two digits
_QUANTILES = 1000  # of the values that modes are fitted to
_KNOTS = 256


@dataclass(frozen=True, eq=False)
class Part:
    """How one column is written: modes and point masses of a number, one or two digits of a level.

    knots: places of made values at even ranks, which `calibrated` learns; empty before.
    """

    modes: NormalMixture | None = None  # of the values that are no point masses; None with ranks, and without such
    knots: np.ndarray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class TableModes:
    """A fitted codec and, for each column, its part. Rows are (scalars float32 in (-1, 1), codes int64)."""

    codec: Codec
    parts: tuple[Part, ...]

    @classmethod
    def fit(cls, codec: Codec, numbers: Numbers) -> Self:
        """With "modes" every number gets a normal mixture, from 1,000 quantiles; with "ranks" one normal score."""
        parts = []
        for column in codec.columns:
            mixture = None
            if column.rest is not None and numbers == "modes":
                values = column.rest.inverse((np.arange(_QUANTILES) + 0.5) / _QUANTILES)
                mixture = NormalMixture.fit(values, rows=column.rows)
            parts.append(Part(mixture))
        return cls(codec, tuple(parts))

    # -- layout

    @cached_property
    def scalars(self) -> int:
        """How many numbers have values between their point masses."""
        return sum(column.rest is not None for column in self.codec.columns)

    @cached_property
    def choices(self) -> tuple[tuple[int, int], ...]:
        """(column, number of things) of each choice, in order."""
        found: list[tuple[int, int]] = []
        for j, (column, part) in enumerate(zip(self.codec.columns, self.parts, strict=True)):
            found += [(j, width) for width in _widths(column, part)]
        return tuple(found)

    @property
    def widths(self) -> tuple[int, ...]:
        """Number of things of each choice."""
        return tuple(width for _, width in self.choices)

    @cached_property
    def bound(self) -> tuple[tuple[int, int] | None, ...]:
        """For each scalar (choice, k): it counts while one of the first k things is chosen; None: always."""
        found: list[tuple[int, int] | None] = []
        for j, (column, part) in enumerate(zip(self.codec.columns, self.parts, strict=True)):
            if column.rest is not None:
                at = self._places(j)
                found.append((at[0], _n_modes(part)) if at else None)
        return tuple(found)

    @cached_property
    def asked(self) -> tuple[int, ...]:
        """The choices that are a whole column: levels, and numbers of few values."""
        return tuple(i for i, (j, _) in enumerate(self.choices) if self._is_whole(j))

    def _is_whole(self, j: int) -> bool:
        return self.codec.columns[j].rest is None and len(self._places(j)) == 1

    def _places(self, j: int) -> list[int]:
        return [i for i, (owner, _) in enumerate(self.choices) if owner == j]

    # -- rows

    def rows(self, values: Mapping[str, np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """`Codec.values` as scalars (rows, scalars) and codes (rows, choices). Modes and tied ranks are drawn."""
        n = len(next(iter(values.values())))
        scalars, codes = [np.zeros((n, 0))], [np.zeros((n, 0), dtype=np.int64)]
        for column, part in zip(self.codec.columns, self.parts, strict=True):
            cells = values[column.name]
            if column.kind == "level":
                codes += _digits(cells.astype(np.int64), _widths(column, part))
                continue
            scalar, code = _written(column, part, cells, rng)
            if column.rest is not None:
                scalars.append(scalar[:, None])
            if _widths(column, part):
                codes.append(code[:, None])
        return np.concatenate(scalars, 1).astype(np.float32), np.concatenate(codes, 1)

    def values(self, scalars: np.ndarray, codes: np.ndarray) -> dict[str, np.ndarray]:
        """The inverse of `rows`."""
        found: dict[str, np.ndarray] = {}
        i = k = 0
        for column, part in zip(self.codec.columns, self.parts, strict=True):
            widths = _widths(column, part)
            own = codes[:, k : k + len(widths)]
            k += len(widths)
            if column.kind == "level":
                found[column.name] = _from_digits(own, column, widths)
                continue
            scalar = scalars[:, i].astype(np.float64) if column.rest is not None else np.zeros(len(codes))
            i += column.rest is not None
            found[column.name] = _read(column, part, scalar, own[:, 0] if widths else np.zeros(len(codes), np.int64))
        return found

    def calibrated(self, scalars: np.ndarray, codes: np.ndarray) -> Self:
        """A view in which the numbers of these made rows, and of more like them, have the data's distribution.

        Each made value is exchanged for the data's value of the same rank among values that are no point masses: a
        monotone map, so ranks, and with them the relations between columns, stay as they were made.
        """
        parts, i, k = [], 0, 0
        for column, part in zip(self.codec.columns, self.parts, strict=True):
            widths = _widths(column, part)
            if column.rest is not None:
                code = codes[:, k] if widths else np.zeros(len(codes), np.int64)
                place = _place(column, replace(part, knots=np.zeros(0)), scalars[:, i].astype(np.float64), code)
                place = place[code < _n_modes(part)]
                ranks = np.linspace(0, 1, _KNOTS + 1)
                part = replace(part, knots=np.quantile(place, ranks) if len(place) > _KNOTS else np.zeros(0))
                i += 1
            k += len(widths)
            parts.append(part)
        return replace(self, parts=tuple(parts))

    # -- conditions

    def wanted(self, limits: Mapping[str, Limit]) -> tuple[int, np.ndarray] | None:
        """(choice, things of it that are possible) of the narrowest limit that concerns one choice, or None."""
        found: list[tuple[float, int, np.ndarray]] = []
        for i in self.asked:
            column = self.codec.columns[self.choices[i][0]]
            possible = _possible(column, limits[column.name]) if column.name in limits else None
            if possible is not None:
                share = column.weights[possible].sum() if column.kind == "level" else possible.mean()
                found.append((float(share), i, np.flatnonzero(possible)))
        if not found:
            return None
        _, choice, things = min(found, key=lambda one: one[0])
        return choice, things

    # -- files

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document; without the codec's notes."""
        parts = []
        for part in self.parts:
            modes = part.modes
            lists = [one.tolist() for one in (modes.weights, modes.means, modes.sds)] if modes is not None else None
            parts.append({"modes": lists, "knots": part.knots.tolist()})
        return {"codec": self.codec.to_json(), "parts": parts}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        parts = []
        for one in document["parts"]:
            lists = one["modes"]
            mixture = NormalMixture(*(np.array(x, dtype=np.float64) for x in lists)) if lists is not None else None
            parts.append(Part(mixture, np.array(one["knots"], dtype=np.float64)))
        return cls(Codec.from_json(document["codec"]), tuple(parts))


def _n_modes(part: Part) -> int:
    return len(part.modes.weights) if part.modes is not None else 1


def _widths(column: ColumnCodec, part: Part) -> tuple[int, ...]:
    """Things of each choice of a column; none for a number that is always present and has one mode and no masses."""
    if column.kind == "level":
        if column.n_levels <= _MOST_CHOICES:
            return (column.n_levels,)
        base = int(np.ceil(np.sqrt(column.n_levels)))
        return -(-column.n_levels // base), base
    modes = _n_modes(part) if column.rest is not None else 0
    things = modes + len(column.atoms) + int(column.missing)
    return (things,) if things > 1 or column.rest is None else ()


def _digits(codes: np.ndarray, widths: Sequence[int]) -> list[np.ndarray]:
    if len(widths) == 1:
        return [codes[:, None]]
    return [(codes // widths[1])[:, None], (codes % widths[1])[:, None]]


def _from_digits(codes: np.ndarray, column: ColumnCodec, widths: Sequence[int]) -> np.ndarray:
    """Level codes; two digits that say more than there are levels give the last one."""
    found = codes[:, 0] if len(widths) == 1 else codes[:, 0] * widths[1] + codes[:, 1]
    return np.asarray(np.minimum(found, column.n_levels - 1).astype(np.int32))


def _written(
    column: ColumnCodec, part: Part, values: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A number as scalar and code: modes, then point masses, then missing."""
    n_modes = _n_modes(part) if column.rest is not None else 0
    gone = np.isnan(values)
    scalar, code = np.zeros(len(values)), np.zeros(len(values), dtype=np.int64)
    free = ~gone
    if len(column.atoms):
        place = np.minimum(np.searchsorted(column.atoms, values), len(column.atoms) - 1)
        if column.rest is None:  # a value that was not seen at fit takes the nearest
            place = np.searchsorted((column.atoms[1:] + column.atoms[:-1]) / 2, values)
        is_atom = free & ((column.atoms[place % len(column.atoms)] == values) | (column.rest is None))
        code[is_atom] = n_modes + place[is_atom]
        free &= ~is_atom
    code[gone] = n_modes + len(column.atoms)
    if part.modes is not None:
        chosen = part.modes.draw_modes(values[free], rng)
        code[free] = chosen
        scalar[free] = (values[free] - part.modes.means[chosen]) / (_SPREAD * part.modes.sds[chosen])
    elif column.rest is not None:
        margin = 0.5 / column.rows
        scalar[free] = ndtri(np.clip(column.rest.rank(values[free], rng), margin, 1 - margin)) / _SPREAD
    return np.clip(scalar, -0.999, 0.999), code  # short of 1, where the inverse of tanh is infinite


def _place(column: ColumnCodec, part: Part, scalar: np.ndarray, code: np.ndarray) -> np.ndarray:
    """Where a made value lies, on the column's own line ("modes") or as a normal score ("ranks")."""
    if part.modes is None:
        return _SPREAD * scalar
    chosen = np.minimum(code, _n_modes(part) - 1)
    return np.asarray(part.modes.means[chosen] + _SPREAD * part.modes.sds[chosen] * scalar)


def _read(column: ColumnCodec, part: Part, scalar: np.ndarray, code: np.ndarray) -> np.ndarray:
    n_modes = _n_modes(part) if column.rest is not None else 0
    values = np.zeros(len(code))
    if column.rest is not None:
        values = _place(column, part, scalar, code)
        if len(part.knots):
            values = column.rest.inverse(_rank_among(part.knots, values))
        elif part.modes is None:
            values = column.rest.inverse(ndtr(values))
    if len(column.atoms):
        atom = np.clip(code - n_modes, 0, len(column.atoms) - 1)
        values = np.where(code >= n_modes, column.atoms[atom], values)
    if column.missing:
        values = np.where(code == n_modes + len(column.atoms), np.nan, values)
    return np.asarray(values)


def _rank_among(knots: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.asarray(np.interp(values, knots, np.linspace(0, 1, len(knots))))


def _possible(column: ColumnCodec, limit: Limit) -> np.ndarray | None:
    """Which things of a column's one choice a limit allows."""
    if column.kind == "level":
        return None if limit.codes is None else np.asarray(limit.codes)
    if limit.missing:
        return np.asarray(np.arange(len(column.atoms) + int(column.missing)) == len(column.atoms))
    inside = (column.atoms >= limit.low) & (column.atoms <= limit.high)
    if limit.values is not None:
        inside &= np.isin(column.atoms, limit.values)
    found: np.ndarray = np.concatenate([inside, np.zeros(int(column.missing), dtype=bool)])
    return found
