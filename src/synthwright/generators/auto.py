"""The default: trees blended with boosting and linear means; a copula when the table is small."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from synthwright.classic.conditionals import BlendOptions
from synthwright.classic.trees import TreeOptions
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import MissingExtra, counted
from synthwright.core.extras import lightgbm
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.table import Table
from synthwright.generators.base import Ability
from synthwright.generators.cart import Cart
from synthwright.generators.copula import Copula

# Training rows, and rows for each column; below, the copula was more private and at least as useful.
FEWEST_ROWS, FEWEST_PER_COLUMN = 300, 15


class AutoConfig(Config):
    """Options of the default method."""

    leaf: int = Field(20, ge=5, le=10_000, description="Fewest cells that grow a leaf: more is more private.")
    protect: bool = Field(True, description="Pool levels in fewer than 5 rows and hide the 5 extreme values.")


class Auto(Cart):
    """Draws column after column; each cell comes from one of two members at random.

    Levels: trees or boosting, unless boosting does not beat the plain shares on a validation split. Numbers: leaves or
    a linear mean plus a residual, or one alone where its energy score is clearly better. Averaging two learners that
    err differently was about as good as the better one on each table we measured, so the blend itself is fixed.
    Without LightGBM it is `cart`; below 300 rows, or 15 for each column, it is `copula`; a Note says which. Keeps no
    rows; not differentially private.

    >>> model = Auto().fit({"x": [1, 2, 4, 8, 9] * 80, "y": ["a", "b"] * 200})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "auto"
    summary: ClassVar[str] = "the default: a blend of trees, boosting and linear means; a copula for small tables"
    source: ClassVar[str] = "Breiman 1996, Machine Learning 24 (averaging); Reiter 2005"
    config_type: ClassVar[type[Config]] = AutoConfig
    ability: ClassVar[Ability] = Ability("table", where="reject", block=4096)
    _small: Copula | None = None  # stands in for the trees when the table is small

    def _fit(self, data: Table, ctx: Context) -> None:
        self._small = None
        fewest = max(FEWEST_ROWS, FEWEST_PER_COLUMN * len(data.columns))
        if len(data) >= fewest:
            super()._fit(data, ctx)
            return
        ctx.note(
            "G032",
            f"auto uses the Gaussian copula: fewer than {fewest:,} rows are too few for trees on "
            f"{counted(len(data.columns), 'column')}, which come too close to single rows; "
            "use 'cart' or 'boost' by name if relations bend",
            "generator 'auto'",
        )
        self._small = Copula(protect=self.config.protect)
        self._small._fit(data, ctx)

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        return self._small._sample(n, ctx, where) if self._small else super()._sample(n, ctx, where)

    def _state(self) -> State:
        state = self._small._state() if self._small else super()._state()
        return State({"method": "copula" if self._small else "trees", **state.meta}, state.arrays, state.texts)

    def _restore(self, state: State) -> None:
        if state.meta["method"] == "copula":
            self._small = Copula(protect=self.config.protect)
            self._small._restore(state)
        else:
            super()._restore(state)

    def _options(self, ctx: Context) -> BlendOptions:
        trees = TreeOptions(trees=6, leaf=self.config.leaf)
        try:
            lightgbm()
        except MissingExtra:
            ctx.note(
                "G030",
                "LightGBM is not available: levels are drawn from trees alone, as in 'cart'; "
                "pip install 'synthwright[trees]' adds boosting",
                "generator 'auto'",
            )
            return BlendOptions(boosted=0.0, residual=0.5, trees=trees)
        ctx.note(
            "G031",
            "auto uses a blend: levels half from trees, half from boosting; numbers half from leaves, half from a "
            "linear mean plus residual, or from one of the two where it is clearly sharper",
            "generator 'auto'",
        )
        return BlendOptions(boosted=0.5, residual=0.5, trees=trees)
