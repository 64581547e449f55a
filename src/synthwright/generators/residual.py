"""The Gaussian part of numbers by regression on normal scores, and what it leaves by any other generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from pydantic import Field
from scipy.special import ndtr, ndtri

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import ConfigError
from synthwright.core.store import State
from synthwright.data.columns import ColumnCodec
from synthwright.data.conditions import Condition
from synthwright.data.encode import Codec, normal_scores
from synthwright.data.schema import MAIN, Schema
from synthwright.data.table import Table
from synthwright.generators.base import Ability
from synthwright.generators.composed import Composed, ComposedConfig

_MOST_ATOMS = 0.3  # share of point masses above which a number is left to the parent as it is
_RIDGE = 1e-3
_END = 8.0  # normal scores beyond have no rank in double precision


class ResidualConfig(ComposedConfig):
    """Options of the residual hybrid."""

    parent: str = Field("cart", description="Generator that learns what the regressions leave, and all else.")
    least: float = Field(
        0.9, ge=0, le=1, description="Share of a number's variance that a regression must explain to be taken out."
    )


@dataclass(frozen=True)
class Step:
    """One number: z = sum of slopes times scores of `on`, plus `spread` times what the parent makes."""

    column: str
    on: tuple[str, ...]
    slopes: tuple[float, ...]
    spread: float


class Residual(Composed):
    """Takes the linear Gaussian part out of numbers; a parent learns the rest, and all other columns.

    Numbers become normal scores, each by its own distribution. One after another, those that are tied most to the rest
    first, they are regressed on the scores of the numbers before them; where that explains at least 90 % of the
    variance (`least`), the parent learns the residual instead of the number. Sampling goes back: the parent draws, the
    regressions are added, scores become values. Keeps sharp smooth relations between numbers that trees cut into
    steps; does nothing where there are none, and harm where relations bend (lower `least` with care). Numbers with more
    than 30 % of point masses are left as they are. Tables only.

    >>> model = Residual(parent="independent").fit({"x": [i**2 % 97 + 0.5 for i in range(200)], "y": ["a", "b"] * 100})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "residual"
    summary: ClassVar[str] = "Gaussian regressions between numbers, and a generator for what they leave"
    source: ClassVar[str] = "Rueschendorf 2009 (distributional transform); Rosenblatt 1952"
    config_type: ClassVar[type[Config]] = ResidualConfig
    ability: ClassVar[Ability] = Ability("table", block=4096, rows=(40, 10**7))

    def __init__(self, config: Config | None = None, /, **options: Any) -> None:
        super().__init__(config, **options)
        self._adopt([self.config.parent], type(self).ability)
        if self.ability.modality != "table":
            raise ConfigError(
                f"Residuals are taken of tables, not of {self.ability.modality}.",
                where="generator 'residual': parent",
                fix="name a parent for tables, such as cart",
            )

    def _fit(self, data: Table, ctx: Context) -> None:
        root = ctx.seed()
        self._codec = Codec.fit(data, protect=self.config.protect)
        ctx.step(0, 2, "regressions")
        values = self._codec.values(data)
        self._steps = _regressions(self._codec, values, self.config.least, ctx.rng)
        words = ", ".join(f"{step.column} {1 - step.spread**2:.0%}" for step in self._steps)
        ctx.note("G075", f"explained by the numbers before it: {words or 'no number'}", "generator 'residual'")
        self._schema = _with_residuals(data.schema, self._steps)
        ctx.step(1, 2, "regressions")
        self._teach(self.parents[0], self._reduced(data, values, ctx.rng), ctx, root, "parent")

    def _reduced(self, data: Table, values: dict[str, np.ndarray], rng: np.random.Generator) -> Table:
        """The table with residuals in place of explained numbers."""
        columns = {name: data.arrow.column(name) for name in data.arrow.column_names}
        for step in self._steps:
            z = normal_scores(self._codec[step.column], values[step.column], rng)
            left = (z - _explained(step, self._codec, values)) / step.spread
            columns[step.column] = pa.chunked_array([pa.array(left, mask=np.isnan(left))])
        return Table({MAIN: pa.table(columns)}, self._schema)

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        drawn = self.parents[0]._sample(n, ctx, None).arrow
        made = {step.column for step in self._steps}
        values = {c.name: c.values(drawn.column(c.name)) for c in self._codec.columns if c.name not in made}
        for step in self._steps:
            column = self._codec[step.column]
            left = drawn.column(step.column).to_numpy(zero_copy_only=False).astype(np.float64)
            z = _explained(step, self._codec, values) + step.spread * left
            if column.marginal is None:
                raise TypeError(f"{column.name} has no distribution")
            found = column.marginal.inverse(np.nan_to_num(ndtr(np.clip(z, -_END, _END)), nan=0.5))
            values[step.column] = np.where(np.isnan(left), np.nan, column.rounded(found))
        return self._codec.from_values(values, ctx.rng)

    def _state(self) -> State:
        steps = [[s.column, list(s.on), list(s.slopes), s.spread] for s in self._steps]
        meta = {"codec": self._codec.to_json(), "steps": steps, "schema": self._schema.to_json()}
        return self._joined_state(meta, {})

    def _restore(self, state: State) -> None:
        self._codec = Codec.from_json(state.meta["codec"])
        self._steps = [
            Step(str(column), tuple(on), tuple(float(x) for x in slopes), float(spread))
            for column, on, slopes, spread in state.meta["steps"]
        ]
        self._schema = Schema.from_json(state.meta["schema"])
        self._restore_parents(state)


def _scores(column: ColumnCodec, values: np.ndarray) -> np.ndarray:
    """Normal score of the middle rank: a function of the value, 0 where it is missing."""
    if column.marginal is None:
        raise TypeError(f"{column.name} has no distribution")
    first, last = column.marginal.ends(np.nan_to_num(values, nan=column.low))
    margin = 0.5 / max(2, column.rows)
    return np.where(np.isnan(values), 0.0, ndtri(np.clip((first + last) / 2, margin, 1 - margin)))


def _explained(step: Step, codec: Codec, values: dict[str, np.ndarray]) -> np.ndarray:
    total = np.zeros(len(next(iter(values.values()))))
    for name, slope in zip(step.on, step.slopes, strict=True):
        total += slope * _scores(codec[name], values[name])
    return total


def _regressions(codec: Codec, values: dict[str, np.ndarray], least: float, rng: np.random.Generator) -> list[Step]:
    """Ridge regressions of normal scores, each on the numbers placed before it."""
    numbers = [column for column in codec.columns if column.kind == "number"]
    if len(numbers) < 2:
        return []
    scores = {column.name: _scores(column, values[column.name]) for column in numbers}
    whole = np.corrcoef(np.column_stack(list(scores.values())), rowvar=False)
    ties = dict(zip(scores, np.nan_to_num(np.abs(whole)).sum(axis=1), strict=True))
    # Numbers left to the parent stand first: they explain others. Then those tied most to the rest.
    is_free = {column.name: _atom_share(column) > _MOST_ATOMS for column in numbers}
    order = sorted(scores, key=lambda name: (not is_free[name], -ties[name]))
    steps: list[Step] = []
    for i, name in enumerate(order):
        if is_free[name] or i == 0:
            continue
        seen = ~np.isnan(values[name])
        z = normal_scores(codec[name], values[name], rng)[seen]
        x = np.column_stack([scores[other][seen] for other in order[:i]])
        slopes = np.linalg.solve(x.T @ x / len(z) + _RIDGE * np.eye(i), x.T @ z / len(z))
        spread = float(np.std(z - x @ slopes))
        if 1 - spread**2 / float(np.var(z)) >= least:
            steps.append(Step(name, tuple(order[:i]), tuple(float(b) for b in slopes), max(spread, 1e-3)))
    return steps


def _atom_share(column: ColumnCodec) -> float:
    if column.marginal is None or not len(column.atoms):
        return 0.0
    first, last = column.marginal.ends(column.atoms)
    return float((last - first).sum())


def _with_residuals(schema: Schema, steps: list[Step]) -> Schema:
    """The schema of what the parent learns: residuals are plain numbers without limits."""
    plain = {"kind": "number", "dtype": "double", "bounds": None, "step": None, "format": None, "unit": None}
    made = {step.column for step in steps}
    columns = tuple(c.model_copy(update=plain) if c.name in made else c for c in schema.columns)
    return schema.model_copy(update={"columns": columns, "constraints": ()})
