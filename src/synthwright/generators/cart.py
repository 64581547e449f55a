"""Sequential trees: every column drawn from bags of trees on the columns before it. Needs no optional package."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from synthwright.classic.conditionals import BlendOptions
from synthwright.classic.sequential import Chain
from synthwright.classic.trees import TreeOptions
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.encode import Codec
from synthwright.data.table import Table
from synthwright.generators.base import Ability, Generator


class CartConfig(Config):
    """Options of sequential trees."""

    leaf: int = Field(20, ge=5, le=10_000, description="Fewest training cells of a leaf: more is more private.")
    trees: int = Field(8, ge=1, le=100, description="Trees of each bag.")
    share: float = Field(
        0.5, gt=0, le=1, description="Share of the rows that decide where a tree splits (numbers: 1.2 x)."
    )
    shrink: float = Field(
        0.0, ge=0, le=1000, description="Pull of leaves to their parent nodes, in cells: more is smoother and farther."
    )
    residual: float = Field(0.5, ge=0, le=1, description="Share of numbers drawn as a linear mean plus residual.")
    protect: bool = Field(True, description="Pool levels in fewer than 5 rows and hide the 5 extreme values.")


class Cart(Generator):
    """Draws column after column from leaves of classification and regression trees.

    Assumes little: interactions, bends, gaps, point masses, grids and missing cells are all learned. Numbers are
    drawn half from leaves, half as a linear mean plus a residual from leaves, which keeps smooth relations sharp.
    A poor choice below 100 rows, and for columns that are exact functions of two others. Keeps no rows: a leaf is a
    histogram of at least `leaf` cells of one column. It is not differentially private. Time is rows x log(rows) x
    columns x min(columns, 24).

    >>> model = Cart().fit({"x": list(range(60)), "y": ["a", "b"] * 30})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "cart"
    summary: ClassVar[str] = "sequential trees: strong on any table, seconds to fit"
    source: ClassVar[str] = "Reiter 2005, Journal of Official Statistics 21(3); Breiman 1996"
    config_type: ClassVar[type[Config]] = CartConfig
    ability: ClassVar[Ability] = Ability("table", where="reject", block=4096)

    def _options(self, ctx: Context) -> BlendOptions:
        config = self.config
        trees = TreeOptions(config.trees, config.leaf, config.share, config.shrink)
        return BlendOptions(boosted=0.0, residual=config.residual, trees=trees)

    def _fit(self, data: Table, ctx: Context) -> None:
        self._codec = Codec.fit(data, protect=self.config.protect)
        ctx.notes.extend(self._codec.notes)
        values, columns = self._codec.values(data), self._codec.columns
        options = self._options(ctx)
        self._chain = Chain.fit(values, columns, options, ctx.rng, lambda i, n: ctx.step(i, n, "growing trees"))

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        return self._codec.from_values(self._chain.draw(n, self._codec.columns, ctx.rng), ctx.rng)

    def _state(self) -> State:
        chain = self._chain.state()
        return State({"codec": self._codec.to_json(), "chain": chain.meta}, chain.arrays, chain.texts)

    def _restore(self, state: State) -> None:
        self._codec = Codec.from_json(state.meta["codec"])
        self._chain = Chain.restore(State(state.meta["chain"], state.arrays, state.texts), self._codec.columns)
