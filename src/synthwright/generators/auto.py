"""The default: a blend of trees, boosting and linear means, chosen by what the data and the machine allow."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from synthwright.classic.conditionals import BlendOptions
from synthwright.classic.trees import TreeOptions
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import MissingExtra
from synthwright.core.extras import lightgbm
from synthwright.generators.base import Ability
from synthwright.generators.cart import Cart


class AutoConfig(Config):
    """Options of the default method."""

    leaf: int = Field(20, ge=5, le=10_000, description="Fewest training cells of a leaf: more is more private.")
    protect: bool = Field(True, description="Pool levels in fewer than 5 rows and hide the 5 extreme values.")


class Auto(Cart):
    """Draws column after column; each cell comes from one of two members at random.

    Levels: trees or boosting, unless boosting does not beat the plain shares on a validation split. Numbers: leaves or
    a linear mean plus a residual, or one alone where its energy score is clearly better. Averaging two learners that
    err differently was about as good as the better one on each table we measured, so the blend itself is fixed.
    Without LightGBM it is `cart`, with a Note. Keeps no rows; not differentially private.

    >>> model = Auto().fit({"x": list(range(60)), "y": ["a", "b"] * 30})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "auto"
    summary: ClassVar[str] = "the default: a blend of trees, boosting and linear means"
    source: ClassVar[str] = "Breiman 1996, Machine Learning 24 (averaging); Reiter 2005"
    config_type: ClassVar[type[Config]] = AutoConfig
    ability: ClassVar[Ability] = Ability("table", where="reject", block=4096)

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
