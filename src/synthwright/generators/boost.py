"""Autoregressive boosting: every level from a boosted classifier, every number around a boosted mean."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from synthwright.classic.conditionals import BlendOptions
from synthwright.classic.trees import TreeOptions
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.generators.base import Ability
from synthwright.generators.cart import Cart


class BoostConfig(Config):
    """Options of autoregressive boosting."""

    rounds: int = Field(120, ge=1, le=5000, description="Most rounds of a column; it stops early by itself.")
    leaf: int = Field(20, ge=5, le=10_000, description="Fewest training residuals of a leaf.")
    trees: int = Field(8, ge=1, le=100, description="Trees of each bag of residuals.")
    protect: bool = Field(True, description="Pool levels in fewer than 5 rows and hide the 5 extreme values.")


class Boost(Cart):
    """Draws column after column: levels from boosted shares, numbers as a boosted mean plus a residual.

    Many weak effects of many columns are kept, and draws lie farther from training rows than those of `cart`; jumps
    and clusters are kept less well. A poor choice below 500 rows. Columns with more than 40 levels fall back to
    trees. Keeps no rows; the cost is two to three times that of `cart`.

    >>> model = Boost(rounds=5).fit({"x": list(range(60)), "y": ["a", "b"] * 30})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "boost"
    summary: ClassVar[str] = "autoregressive boosting: smoother than cart, needs LightGBM"
    source: ClassVar[str] = "Friedman 2001, Annals of Statistics 29(5)"
    config_type: ClassVar[type[Config]] = BoostConfig
    ability: ClassVar[Ability] = Ability("table", where="reject", block=4096, needs=("lightgbm:trees",))

    def _options(self, ctx: Context) -> BlendOptions:
        trees = TreeOptions(trees=self.config.trees, leaf=self.config.leaf)
        return BlendOptions(boosted=1.0, residual=1.0, mean="boost", rounds=self.config.rounds, trees=trees)
