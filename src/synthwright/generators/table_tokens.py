"""The codec's values as tokens, one for each column, and residuals: where in its quantile bin each number lies.

Tokens are those of the codec, but levels beyond 256 are written as two digits. A residual is the normal score of a
value's rank within its bin, so that tokens and residuals together say the value itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from scipy.special import ndtr, ndtri

from synthwright.classic.sequential import mutual_information
from synthwright.data.columns import ColumnCodec
from synthwright.data.encode import Codec, Limit

_MOST_TOKENS = 256  # levels of one token; more are two digits
_WAVES = 6
_MARGIN = 1e-3  # residuals are within +-3.1
_ORDER_ROWS, _ORDER_CODES = 20_000, 24


@dataclass(frozen=True, eq=False)
class Field:
    """One token: of column `column`; digit 0 is the column itself or its first digit, 1 its second digit."""

    column: int
    digit: int
    size: int


@dataclass(frozen=True, eq=False)
class TableTokens:
    """A fitted codec, seen as rows of (tokens int64, residuals float32 with NaN where a value is in no bin)."""

    codec: Codec

    # -- layout

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All tokens of a row, in order."""
        found = []
        for j, column in enumerate(self.codec.columns):
            size = column.cardinality
            if size <= _MOST_TOKENS:
                found.append(Field(j, 0, size))
            else:
                base = _base(size)
                found += [Field(j, 0, -(-size // base)), Field(j, 1, base)]
        return tuple(found)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of different tokens of each field."""
        return tuple(field.size for field in self.fields)

    @cached_property
    def open(self) -> tuple[int, ...]:
        """Columns that have residuals."""
        return tuple(j for j, column in enumerate(self.codec.columns) if column.n_bins > 0)

    def features(self) -> np.ndarray:
        """(sum(sizes), 2 + 2 waves): constant, and for tokens of present numbers their rank and waves of it."""
        rows = []
        for field in self.fields:
            column = self.codec.columns[field.column]
            rank = _middles(column) if column.kind == "number" else np.full(field.size, np.nan)
            waves = np.arange(1, _WAVES + 1)
            angles = np.pi * rank[:, None] * waves
            part = np.concatenate([(2 * rank - 1)[:, None], np.cos(angles) / waves, np.sin(angles) / waves], 1)
            rows.append(np.nan_to_num(part, nan=0.0))
        found = np.concatenate(rows, 0)
        return np.concatenate([np.ones((len(found), 1)), found], 1).astype(np.float32)

    # -- rows

    def rows(self, values: Mapping[str, np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """`Codec.values` as tokens (n, fields) and residuals (n, open). Tied ranks are drawn."""
        tokens, residuals = [], []
        for j, column in enumerate(self.codec.columns):
            cells = values[column.name]
            own = column.tokens(cells).astype(np.int64)
            if column.cardinality <= _MOST_TOKENS:
                tokens.append(own)
            else:
                base = _base(column.cardinality)
                tokens += [own // base, own % base]
            if j in self.open:
                residuals.append(_residuals(column, cells, own, rng))
        n = len(tokens[0])
        made = np.column_stack(residuals) if residuals else np.zeros((n, 0))
        return np.column_stack(tokens), made.astype(np.float32)

    def values(self, tokens: np.ndarray, residuals: np.ndarray) -> dict[str, np.ndarray]:
        """The inverse of `rows`."""
        found: dict[str, np.ndarray] = {}
        places = {j: k for k, j in enumerate(self.open)}
        for j, column in enumerate(self.codec.columns):
            own = self._own(tokens, j)
            if column.kind == "level":
                found[column.name] = own.astype(np.int32)
            else:
                scores = residuals[:, places[j]].astype(np.float64) if j in places else np.zeros(len(own))
                found[column.name] = _values(column, own, scores)
        return found

    def _own(self, tokens: np.ndarray, j: int) -> np.ndarray:
        """Column j's tokens from its digits; digits that say more than there are tokens give the last one."""
        at = [k for k, field in enumerate(self.fields) if field.column == j]
        if len(at) == 1:
            return np.asarray(tokens[:, at[0]])
        size = self.codec.columns[j].cardinality
        return np.asarray(np.minimum(tokens[:, at[0]] * _base(size) + tokens[:, at[1]], size - 1))

    # -- order

    def order(self, tokens: np.ndarray, rng: np.random.Generator) -> tuple[int, ...]:
        """Fields from the one tied most to all others, then whichever is tied most to one placed."""
        if len(tokens) > _ORDER_ROWS:
            tokens = tokens[np.sort(rng.choice(len(tokens), size=_ORDER_ROWS, replace=False))]
        coarse = [_coarse(self.codec.columns[f.column], f, tokens[:, k]) for k, f in enumerate(self.fields)]
        d = len(coarse)
        ties = np.zeros((d, d))
        for a in range(d):
            for b in range(a):
                ties[a, b] = ties[b, a] = mutual_information(coarse[a], coarse[b])
        placed = [int(ties.sum(1).argmax())]
        while len(placed) < d:
            best = ties[placed].max(0)
            best[placed] = -1.0
            placed.append(int(best.argmax()))
        return tuple(placed)

    # -- conditions

    def possible(self, limits: Mapping[str, Limit]) -> dict[int, np.ndarray]:
        """By field: which tokens a condition allows; of two digits and of bins that are cut too many, never too few."""
        found: dict[int, np.ndarray] = {}
        for k, field in enumerate(self.fields):
            column = self.codec.columns[field.column]
            if column.name not in limits:
                continue
            allowed = _allowed(column, limits[column.name])
            if column.cardinality > _MOST_TOKENS:
                base = _base(column.cardinality)
                whole = np.flatnonzero(allowed)
                allowed = np.zeros(field.size, dtype=bool)
                allowed[np.unique(whole % base if field.digit else whole // base)] = True
            if allowed.any() and not allowed.all():
                found[k] = allowed
        return found

    def unseen(self, limits: Mapping[str, Limit]) -> str | None:
        """A column of which no value that can be made meets its limit, if there is one."""
        for column in self.codec.columns:
            if column.name in limits and not _reachable(column, limits[column.name]):
                return column.name
        return None

    def known(self, limits: Mapping[str, Limit]) -> dict[int, float]:
        """By place among `open`: the residual of a value that a condition names alone."""
        found: dict[int, float] = {}
        for k, j in enumerate(self.open):
            column = self.codec.columns[j]
            limit = limits.get(column.name)
            if limit is not None and limit.values is not None and len(limit.values) == 1:
                token = column.tokens(limit.values)
                score = _residuals(column, limit.values, token.astype(np.int64), None)
                if np.isfinite(score[0]):
                    found[k] = float(score[0])
        return found

    # -- files

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document; without the codec's notes."""
        return {"codec": self.codec.to_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(Codec.from_json(document["codec"]))


def _base(size: int) -> int:
    return int(np.ceil(np.sqrt(size)))


def _starts(column: ColumnCodec) -> np.ndarray:
    """Ranks, among values that are no point masses, at which bins begin, and 1."""
    if column.rest is None:
        return np.zeros(1)
    return np.concatenate([[0.0], column.rest.ends(column.edges)[0], [1.0]])


def _middles(column: ColumnCodec) -> np.ndarray:
    """The middle rank, among all present values, of each token of a number; NaN for missing."""
    ranks = []
    if column.marginal is not None and len(column.atoms):
        first, last = column.marginal.ends(column.atoms)
        ranks.append((first + last) / 2)
    if column.marginal is not None and column.rest is not None:
        starts = _starts(column)
        inner = column.rest.inverse((starts[1:] + starts[:-1]) / 2)
        first, last = column.marginal.ends(inner)
        ranks.append((first + last) / 2)
    return np.concatenate([*ranks, np.full(int(column.missing), np.nan)])


def _residuals(
    column: ColumnCodec, values: np.ndarray, tokens: np.ndarray, rng: np.random.Generator | None
) -> np.ndarray:
    """Normal scores of ranks within bins; NaN where there is no bin. Without rng the middle of tied ranks."""
    place = tokens - len(column.atoms)
    inside = (place >= 0) & (place < column.n_bins)
    scores = np.full(len(values), np.nan)
    if column.rest is None or not inside.any():
        return scores
    starts, place = _starts(column), place[inside]
    first, last = column.rest.ends(values[inside])
    rank = first + (rng.random(len(place)) if rng is not None else 0.5) * (last - first)
    width = np.maximum(starts[place + 1] - starts[place], 1e-12)
    scores[inside] = ndtri(np.clip((rank - starts[place]) / width, _MARGIN, 1 - _MARGIN))
    return scores


def _values(column: ColumnCodec, tokens: np.ndarray, scores: np.ndarray) -> np.ndarray:
    values = np.full(len(tokens), np.nan)
    n_atoms = len(column.atoms)
    is_atom = tokens < n_atoms
    values[is_atom] = column.atoms[tokens[is_atom]]
    place = tokens - n_atoms
    inside = (place >= 0) & (place < column.n_bins)
    if column.rest is not None and inside.any():
        starts, place = _starts(column), place[inside]
        rank = starts[place] + ndtr(scores[inside]) * (starts[place + 1] - starts[place])
        values[inside] = column.rest.inverse(rank)
    return values


def _coarse(column: ColumnCodec, field: Field, tokens: np.ndarray) -> np.ndarray:
    """Few codes: ranks of a number in eighths, and missing; levels by frequency, the rare ones together."""
    if column.kind == "number" and column.cardinality <= _MOST_TOKENS:
        middles = _middles(column)
        eighths = np.where(np.isnan(middles), 8, np.nan_to_num(middles) * 8).astype(np.int64)
        return np.asarray(eighths[tokens])
    if field.size <= _ORDER_CODES:
        return tokens
    ranks = np.argsort(np.argsort(-np.bincount(tokens, minlength=field.size), kind="stable"), kind="stable")
    return np.asarray(np.minimum(ranks[tokens], _ORDER_CODES - 1))


def _allowed(column: ColumnCodec, limit: Limit) -> np.ndarray:
    """Which of a column's tokens a limit allows."""
    if column.kind == "level":
        return limit.codes if limit.codes is not None else np.ones(column.n_levels, dtype=bool)
    allowed = np.zeros(column.cardinality, dtype=bool)
    if limit.missing:
        allowed[-1:] = column.missing
        return allowed
    n_atoms = len(column.atoms)
    if limit.values is not None:
        allowed[column.tokens(limit.values)] = True
        return allowed
    allowed[:n_atoms] = (column.atoms >= limit.low) & (column.atoms <= limit.high)
    if column.n_bins:
        ends = np.concatenate([[-np.inf], column.edges, [np.inf]])
        slack = column.step or 0.0  # rounding may carry a value over the edge of its bin
        allowed[n_atoms : n_atoms + column.n_bins] = (ends[1:] + slack >= limit.low) & (ends[:-1] - slack <= limit.high)
    return allowed


def _reachable(column: ColumnCodec, limit: Limit) -> bool:
    """Whether a value between the column's ends, a level or a missing cell can meet the limit."""
    if not _allowed(column, limit).any():
        return False
    if column.kind == "level" or limit.missing:
        return True
    ends = column.rest.inverse(np.array([0.0, 1.0])) if column.rest is not None else np.zeros(0)
    made = np.concatenate([column.atoms, ends])
    slack = column.step or 0.0  # of rounding
    low, high = made.min() - slack, made.max() + slack
    if limit.values is not None:
        return bool(((limit.values >= low) & (limit.values <= high)).any())
    return bool(limit.low <= high and limit.high >= low)
