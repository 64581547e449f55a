"""Gaussian copula for mixed columns: every column its own distribution, one correlation matrix between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from scipy.sparse import csr_matrix
from scipy.special import ndtr

from synthwright.classic import copula as kernel
from synthwright.classic.marginals import hermite_means, level_scores, normal_ends
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import Unreachable
from synthwright.core.store import State
from synthwright.data.columns import ColumnCodec
from synthwright.data.conditions import Condition
from synthwright.data.encode import Codec, Limit
from synthwright.data.table import Table
from synthwright.generators.base import Ability, Generator

_ORDER = 30  # terms of Mehler's series
_ROWS = 50_000  # rows that correlations are taken from
_PROFILE_BINS = 10  # bins of a number in the tables that order levels


class CopulaConfig(Config):
    """Options of the Gaussian copula."""

    protect: bool = Field(True, description="Pool levels in fewer than 5 rows and hide the 5 extreme values.")
    shrink: bool = Field(True, description="Shrink correlations towards 0 by the Ledoit-Wolf weight.")


@dataclass(frozen=True)
class _Latent:
    """One normal latent. cuts: ascending ends of the intervals of `codes` (levels in order), or of present, missing."""

    column: str
    part: str  # "value", "level" or "missing"
    codes: tuple[int, ...] = ()
    cuts: tuple[float, ...] = ()


class Copula(Generator):
    """Normal latents behind every column, tied by one correlation matrix; marginals are the data's own.

    Assumes that dependence is monotone and Gaussian: it misses interactions, bends and clusters. Levels of a category
    lie on one line, ordered by their profile over the other columns. Small, fast and smooth: a good teaching default
    and a strong choice for few rows; `cart` is more faithful. Keeps no rows; cost is rows x columns^2.

    >>> model = Copula().fit({"x": list(range(50)), "y": [2 * i for i in range(50)], "z": ["a", "b"] * 25})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "copula"
    summary: ClassVar[str] = "own marginals, Gaussian dependence: small, fast, smooth"
    source: ClassVar[str] = "Nelsen 2006, section 2.4; Olsson 1979 (polychoric correlation)"
    config_type: ClassVar[type[Config]] = CopulaConfig
    ability: ClassVar[Ability] = Ability("table", where="exact", block=4096)

    def _fit(self, data: Table, ctx: Context) -> None:
        self._codec = Codec.fit(data, protect=self.config.protect)
        ctx.notes.extend(self._codec.notes)
        values = self._codec.values(data)
        n = len(data)
        if n > _ROWS:
            rows = np.sort(ctx.rng.choice(n, size=_ROWS, replace=False))
            values = {name: cells[rows] for name, cells in values.items()}
            ctx.note("G020", f"correlations are taken from {_ROWS:,} rows drawn at random from {n:,}", "copula")
        ctx.step(0, 2, "ordering levels")
        self._latents = _latents(self._codec, values)
        ctx.step(1, 2, "correlations")
        scores, coefficients = [], []
        for latent in self._latents:
            low, high = _ends(latent, self._codec[latent.column], values[latent.column])
            score, coefficient = _moments(low, high)
            scores.append(score)
            coefficients.append(coefficient)
        correlation = kernel.latent_correlation(_products(np.column_stack(scores)), np.array(coefficients))
        self._unlink_own_flags(correlation)
        if self.config.shrink:
            correlation, weight = kernel.shrink(correlation, min(n, _ROWS))
            ctx.note("G021", f"correlations are shrunk by {weight:.4f}", "copula")
        self._correlation = kernel.positive(correlation)

    def _unlink_own_flags(self, correlation: np.ndarray) -> None:
        """A number is never seen together with its own missing flag: their correlation is unknown, taken as 0."""
        for i, first in enumerate(self._latents):
            for j, second in enumerate(self._latents):
                if i != j and first.column == second.column:
                    correlation[i, j] = 0.0

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        limits = self._codec.limits(where) if where is not None else {}
        known, ends = self._known(limits, where)
        if len(known):
            z = kernel.draw_given(self._correlation, known, ends, n, ctx.rng)
        else:
            z = kernel.draw(self._correlation, n, ctx.rng)
        values: dict[str, np.ndarray] = {}
        for j, latent in enumerate(self._latents):
            u = ndtr(z[:, j])
            column = self._codec[latent.column]
            if latent.part == "value":
                values[latent.column] = _within_limit(_value(column, u), limits.get(latent.column))
            elif latent.part == "level":
                place = np.searchsorted(np.array(latent.cuts[1:-1]), z[:, j], side="right")
                values[latent.column] = np.array(latent.codes, dtype=np.int32)[place]
            else:
                values[latent.column] = np.where(z[:, j] > latent.cuts[1], np.nan, values[latent.column])
        return self._codec.from_values(values, ctx.rng)

    def _known(self, limits: Mapping[str, Limit], where: Condition | None) -> tuple[np.ndarray, list[Any]]:
        """Latents that the condition binds, and their intervals. Raises Unreachable for values never seen."""
        known, ends = [], []
        for j, latent in enumerate(self._latents):
            if latent.column not in limits:
                continue
            found = _intervals(latent, self._codec[latent.column], limits[latent.column])
            if found is None:
                continue
            if not len(found[0]):
                raise Unreachable(
                    f"No such value of {latent.column!r} was seen, so none can be made.",
                    where=f"where={where.text if where else ''}",
                    fix="widen the condition to values that the training data hold",
                )
            known.append(j)
            ends.append(found)
        return np.array(known, dtype=np.int64), ends

    def _state(self) -> State:
        latents = [{"column": x.column, "part": x.part, "codes": list(x.codes)} for x in self._latents]
        return State({"codec": self._codec.to_json(), "latents": latents}, {"correlation": self._correlation})

    def _restore(self, state: State) -> None:
        self._codec = Codec.from_json(state.meta["codec"])
        self._latents = [
            _with_cuts(_Latent(x["column"], x["part"], tuple(x["codes"])), self._codec[x["column"]])
            for x in state.meta["latents"]
        ]
        self._correlation = state.arrays["correlation"]


# -- latents


def _latents(codec: Codec, values: Mapping[str, np.ndarray]) -> list[_Latent]:
    orders = _level_orders(codec, values)
    found = []
    for column in codec.columns:
        if column.kind == "level":
            found.append(_with_cuts(_Latent(column.name, "level", orders[column.name]), column))
            continue
        found.append(_Latent(column.name, "value"))
        if column.missing:
            found.append(_with_cuts(_Latent(column.name, "missing"), column))
    return found


def _with_cuts(latent: _Latent, column: ColumnCodec) -> _Latent:
    if latent.part == "value":
        return latent
    shares = (
        column.weights[list(latent.codes)] if latent.codes else np.array([1 - column.missing_rate, column.missing_rate])
    )
    upto = np.concatenate([[0.0], np.cumsum(shares) / shares.sum()])
    upto[-1] = 1.0
    return _Latent(latent.column, latent.part, latent.codes, tuple(float(x) for x in normal_ends(upto)))


def _level_orders(codec: Codec, values: Mapping[str, np.ndarray]) -> dict[str, tuple[int, ...]]:
    """The codes of each level column on a line: ordinals as they are, others by profile over the other columns."""
    coarse, widths = [], []
    for column in codec.columns:
        cells = values[column.name]
        if column.kind == "number":
            tokens = _PROFILE_BINS * column.marginal.ends(cells)[1] if column.marginal is not None else cells
            cells = np.where(np.isnan(cells), _PROFILE_BINS, np.minimum(np.nan_to_num(tokens), _PROFILE_BINS - 1))
            widths.append(_PROFILE_BINS + 1)
        else:
            widths.append(column.n_levels)
        coarse.append(cells.astype(np.int64))
    starts = np.concatenate([[0], np.cumsum(widths)])
    n = len(coarse[0])
    index = np.concatenate([cells + start for cells, start in zip(coarse, starts, strict=False)])
    flags = csr_matrix((np.ones(len(index)), (np.tile(np.arange(n), len(coarse)), index)), shape=(n, int(starts[-1])))
    orders: dict[str, tuple[int, ...]] = {}
    for j, column in enumerate(codec.columns):
        if column.kind != "level":
            continue
        codes = np.arange(column.n_levels)
        if column.column.kind != "ordinal" and column.n_levels > 2:
            own = flags[:, starts[j] : starts[j + 1]]
            table = np.asarray((own.T @ flags).todense())
            table[:, starts[j] : starts[j + 1]] = 0.0
            codes = np.argsort(level_scores(table), kind="stable")
        orders[column.name] = tuple(int(code) for code in codes)
    return orders


def _ends(latent: _Latent, column: ColumnCodec, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each row, the interval of the latent; NaN where the row does not show it."""
    if latent.part == "value" and column.marginal is not None:
        low, high = column.marginal.ends(values)
        margin = 0.5 / column.rows
        is_point = high - low < 1e-12
        low, high = (np.where(is_point, np.clip(x, margin, 1 - margin), x) for x in (low, high))
        low, high = normal_ends(low), normal_ends(high)
        gone = np.isnan(values)
        return np.where(gone, np.nan, low), np.where(gone, np.nan, high)
    cuts = np.array(latent.cuts)
    if latent.part == "missing":
        place = np.isnan(values).astype(np.int64)
    else:
        places = np.empty(len(latent.codes), dtype=np.int64)
        places[list(latent.codes)] = np.arange(len(latent.codes))
        place = places[values]
    return cuts[place], cuts[place + 1]


def _moments(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Score E[Z | interval] of each row, and E[score h_k] for Mehler's series."""
    shown = ~np.isnan(low)
    pairs, place = np.unique(np.column_stack([low[shown], high[shown]]), axis=0, return_inverse=True)
    means = hermite_means(pairs[:, 0], pairs[:, 1], _ORDER)  # (distinct, order)
    score = np.full(len(low), np.nan)
    score[shown] = means[place.ravel(), 0]
    weight = np.bincount(place.ravel(), minlength=len(pairs)) / max(1, int(shown.sum()))
    return score, (weight * means[:, 0]) @ means


def _products(scores: np.ndarray) -> np.ndarray:
    """Mean products over the rows that show both."""
    shown = (~np.isnan(scores)).astype(np.float64)
    filled = np.nan_to_num(scores)
    return np.asarray((filled.T @ filled) / np.maximum(shown.T @ shown, 1.0))


# -- decoding and conditions


def _value(column: ColumnCodec, u: np.ndarray) -> np.ndarray:
    return column.marginal.inverse(u) if column.marginal is not None else u


def _within_limit(values: np.ndarray, limit: Limit | None) -> np.ndarray:
    """Values moved by rounding errors of the way there and back, put exactly where the condition wants them."""
    if limit is None:
        return values
    if limit.values is not None:
        middles = (limit.values[1:] + limit.values[:-1]) / 2
        return limit.values[np.searchsorted(middles, values)]
    return np.asarray(np.clip(values, limit.low, limit.high))


def _intervals(latent: _Latent, column: ColumnCodec, limit: Limit) -> tuple[np.ndarray, np.ndarray] | None:
    """Ends of the latent's possible intervals; None when the condition leaves it free."""
    cuts = np.array(latent.cuts)
    if latent.part == "missing":
        if limit.missing is None:
            return None
        return (cuts[1:2], cuts[2:3]) if limit.missing else (cuts[0:1], cuts[1:2])
    if latent.part == "level":
        if limit.codes is None:
            return None
        possible = np.flatnonzero(limit.codes[list(latent.codes)])
        return _joined(cuts[possible], cuts[possible + 1])
    if limit.missing or column.marginal is None:
        return None
    if limit.missing is False and limit.values is None and np.isinf(limit.low) and np.isinf(limit.high):
        return None
    if limit.values is not None:
        inside = limit.values[(limit.values >= column.low) & (limit.values <= column.high)]
        low, high = column.marginal.ends(inside)
    elif limit.low > column.high or limit.high < column.low:
        low = high = np.zeros(0)
    else:
        low = column.marginal.ends(np.array([max(limit.low, column.low)]))[0]
        high = column.marginal.ends(np.array([min(limit.high, column.high)]))[1]
    return normal_ends(low), normal_ends(high)


def _joined(lows: np.ndarray, highs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Touching intervals as one."""
    starts = np.concatenate([[True], lows[1:] > highs[:-1]]) if len(lows) else np.zeros(0, dtype=bool)
    stops = np.concatenate([starts[1:], [True]]) if len(lows) else starts
    return lows[starts], highs[stops]
