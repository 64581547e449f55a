"""A joint distribution as a chain: every column given the ones before it, in an order chosen by dependence.

p(x) = prod_t p(x_o(t) | x_o(1), .., x_o(t-1)), each factor a `LevelModel` or a `NumberModel`; at most `MOST_PARENTS`
earlier columns, those that tell most, enter a factor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import ndtri

from synthwright.classic.conditionals import BlendOptions, Inputs, LevelModel, NumberModel
from synthwright.classic.parts import has_part, joined, part
from synthwright.classic.trees import features_of, level_scores
from synthwright.core.store import State
from synthwright.data.columns import ColumnCodec

MOST_PARENTS = 24
_ORDER_ROWS = 20_000  # rows that the order is chosen on
_COARSE, _FINE, _MOST_CODES = 8, 16, 64
_MARGIN = 1e-4  # normal scores are within +-3.7
Values = Mapping[str, np.ndarray]
Step = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Factor:
    """One column given its parents. tables: for each parent that has levels, the trees' number for each code."""

    name: str
    parents: tuple[str, ...]
    tables: Mapping[str, np.ndarray]
    model: LevelModel | NumberModel | None


@dataclass(frozen=True, eq=False)
class Chain:
    """The fitted factors, in the order of drawing."""

    factors: tuple[Factor, ...]

    @classmethod
    def fit(
        cls,
        values: Values,
        columns: Sequence[ColumnCodec],
        options: BlendOptions,
        rng: np.random.Generator,
        step: Step = lambda done, total: None,
    ) -> Self:
        """values: float64 with NaN, or codes, by column name. step is called before each column.

        Time is rows x log(rows) x columns x min(columns, 24); memory about 200 bytes a cell.
        """
        by_name = {column.name: column for column in columns}
        codes = {column.name: _codes(column, values[column.name], _FINE) for column in columns}
        order, strength = _order(columns, values, rng)
        views = {column.name: _view(column, values[column.name]) for column in columns}
        factors: list[Factor] = []
        for done, name in enumerate(order):
            step(done, len(order))
            earlier = sorted(order[:done], key=lambda p, name=name: -strength[name, p])[:MOST_PARENTS]  # type: ignore[misc]
            parents = tuple(p for p in order[:done] if p in earlier)
            tables = {}
            for p in parents:
                if by_name[p].kind == "level":
                    sizes = (by_name[p].n_levels, int(codes[name].max(initial=0)) + 1)
                    tables[p] = level_scores(values[p], codes[name], sizes)
            model: LevelModel | NumberModel | None = None
            if parents:
                inputs = _inputs(parents, tables, by_name, values, views, len(values[name]))
                if by_name[name].kind == "level":
                    model = LevelModel.fit(values[name].astype(np.int64), inputs, options, rng)
                else:
                    model = NumberModel.fit(values[name], inputs, options, rng)
            factors.append(Factor(name, parents, tables, model))
        return cls(tuple(factors))

    def draw(self, n: int, columns: Sequence[ColumnCodec], rng: np.random.Generator) -> dict[str, np.ndarray]:
        """n rows, by column name: float64 with NaN, or int32 codes."""
        by_name = {column.name: column for column in columns}
        values: dict[str, np.ndarray] = {}
        views: dict[str, np.ndarray] = {}
        for factor in self.factors:
            column = by_name[factor.name]
            inputs = _inputs(factor.parents, factor.tables, by_name, values, views, n)
            if factor.model is None:
                drawn = _first(column, n, rng)
            elif isinstance(factor.model, LevelModel):
                drawn = factor.model.draw(inputs, rng)
            else:
                drawn = factor.model.draw(inputs, column.rounded, rng)
            values[factor.name] = drawn.astype(np.int32) if column.kind == "level" else drawn
            views[factor.name] = _view(column, values[factor.name])
        return values

    def state(self) -> State:
        """Everything `restore` needs."""
        parts, facts = {}, []
        for i, factor in enumerate(self.factors):
            facts.append({"name": factor.name, "parents": list(factor.parents), "tables": list(factor.tables)})
            if factor.model is not None:
                parts[f"f{i}"] = factor.model.state()
        whole = joined(parts, {"factors": facts})
        for i, factor in enumerate(self.factors):
            whole.arrays.update({f"table{i}_{k}": table for k, table in enumerate(factor.tables.values())})
        return whole

    @classmethod
    def restore(cls, state: State, columns: Sequence[ColumnCodec]) -> Self:
        """The inverse of `state`."""
        kinds = {column.name: column.kind for column in columns}
        factors = []
        for i, fact in enumerate(state.meta["factors"]):
            model: LevelModel | NumberModel | None = None
            if has_part(state, f"f{i}"):
                kind = LevelModel if kinds[fact["name"]] == "level" else NumberModel
                model = kind.restore(part(state, f"f{i}"))
            tables = {p: state.arrays[f"table{i}_{k}"] for k, p in enumerate(fact["tables"])}
            factors.append(Factor(fact["name"], tuple(fact["parents"]), tables, model))
        return cls(tuple(factors))


def mutual_information(a: np.ndarray, b: np.ndarray) -> float:
    """Of two code vectors, in nats, less its bias (r - 1)(c - 1) / 2n (Miller 1955), at least 0."""
    sizes = (int(a.max(initial=0)) + 1, int(b.max(initial=0)) + 1)
    counts = np.bincount(a * sizes[1] + b, minlength=sizes[0] * sizes[1]).reshape(sizes)
    rows, columns, n = counts.sum(axis=1), counts.sum(axis=0), len(a)
    inside = counts > 0
    expected = np.outer(rows, columns)[inside] / n
    raw = float((counts[inside] * np.log(counts[inside] / expected)).sum() / n)
    return max(0.0, raw - float(((rows > 0).sum() - 1) * ((columns > 0).sum() - 1)) / (2 * n))


def _order(
    columns: Sequence[ColumnCodec], values: Values, rng: np.random.Generator
) -> tuple[list[str], dict[tuple[str, str], float]]:
    """First the column with the largest total mutual information, then whichever is tied most to one placed."""
    n = len(values[columns[0].name])
    rows = np.sort(rng.choice(n, size=_ORDER_ROWS, replace=False)) if n > _ORDER_ROWS else np.arange(n)
    codes = {column.name: _codes(column, values[column.name][rows], _COARSE) for column in columns}
    names = [column.name for column in columns]
    strength: dict[tuple[str, str], float] = {}
    for i, first in enumerate(names):
        for second in names[:i]:
            strength[first, second] = strength[second, first] = mutual_information(codes[first], codes[second])
    total = {name: sum(strength[name, other] for other in names if other != name) for name in names}
    order = [max(names, key=lambda name: total[name])]
    tie = {name: strength[name, order[0]] for name in names if name != order[0]}
    while tie:
        best = max(tie, key=lambda name: tie[name])
        order.append(best)
        del tie[best]
        tie = {name: max(value, strength[name, best]) for name, value in tie.items()}
    return order, strength


def _codes(column: ColumnCodec, values: np.ndarray, bins: int) -> np.ndarray:
    """Coarse int64 codes: levels (rare ones together), or quantile bins and missing."""
    if column.kind == "level":
        if column.n_levels <= _MOST_CODES:
            return values.astype(np.int64)
        ranks = np.empty(column.n_levels, dtype=np.int64)
        ranks[np.argsort(-column.weights, kind="stable")] = np.arange(column.n_levels)
        return np.asarray(np.minimum(ranks, _MOST_CODES - 1)[values])
    first, last = _ends(column, values)
    return np.where(np.isnan(values), bins, np.minimum((first + last) / 2 * bins, bins - 1)).astype(np.int64)


def _ends(column: ColumnCodec, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if column.marginal is None:
        raise TypeError(f"{column.name} has levels")
    return column.marginal.ends(np.nan_to_num(values, nan=column.low))


def _view(column: ColumnCodec, values: np.ndarray) -> np.ndarray:
    """(n, 3) of a number: normal score of the middle rank, standardised value, missing; (n, 0) of levels."""
    if column.kind == "level" or column.marginal is None:
        return np.zeros((len(values), 0))
    gone = np.isnan(values)
    first, last = _ends(column, values)
    z = ndtri(np.clip((first + last) / 2, _MARGIN, 1 - _MARGIN))
    centre, width = _moments(column)
    standard = np.clip((values - centre) / width, -4.0, 6.0)
    return np.column_stack([np.where(gone, 0.0, z), np.where(gone, 0.0, standard), gone])


def _moments(column: ColumnCodec) -> tuple[float, float]:
    """Mean and standard deviation of the fitted distribution, by 200 quantiles: the model keeps no second copy."""
    if column.marginal is None:
        return 0.0, 1.0
    sketch = column.marginal.inverse((np.arange(200) + 0.5) / 200)
    return float(sketch.mean()), float(sketch.std()) or 1.0


def _inputs(
    parents: Sequence[str],
    tables: Mapping[str, np.ndarray],
    by_name: Mapping[str, ColumnCodec],
    values: Values,
    views: Values,
    n: int,
) -> Inputs:
    trees = np.empty((n, len(parents)), dtype=np.float32)
    for k, p in enumerate(parents):
        trees[:, k] = tables[p][values[p]] if p in tables else features_of(values[p])
    numbers = [p for p in parents if by_name[p].kind == "number"]
    levels = [p for p in parents if by_name[p].kind == "level"]
    return Inputs(
        trees,
        np.column_stack([values[p] for p in numbers]) if numbers else np.zeros((n, 0)),
        np.concatenate([views[p] for p in numbers], axis=1) if numbers else np.zeros((n, 0)),
        np.column_stack([values[p] for p in levels]).astype(np.int64) if levels else np.zeros((n, 0), dtype=np.int64),
    )


def _first(column: ColumnCodec, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draws of the first column, from its own distribution."""
    if column.kind == "level":
        return rng.choice(column.n_levels, size=n, p=column.weights / column.weights.sum())
    if column.marginal is None:
        raise TypeError(f"{column.name} has no distribution")
    drawn = column.rounded(column.marginal.inverse(rng.random(n)))
    return np.where(rng.random(n) < column.missing_rate, np.nan, drawn)
