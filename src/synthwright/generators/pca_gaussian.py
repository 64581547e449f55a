"""The Gaussian model of whole series: the floor that every learned method has to beat."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from synthwright.classic.whitening import Whitening
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.sequences import SeriesSet
from synthwright.data.series_codec import SeriesCodec
from synthwright.generators.base import Ability, Generator
from synthwright.generators.series_parts import SeriesConfig, Skeleton, fitted_codec, units_of


class PCAGaussianConfig(SeriesConfig):
    """Options of the Gaussian model of series."""


class PCAGaussian(Generator):
    """Every channel at every step a coordinate, with the data's own marginals and one covariance matrix.

    Assumes that what the channels' marginals and pairwise correlations leave out does not matter: it misses bursts,
    switches and bends. Attributes and lengths are made first; the series follow them linearly. Keeps no rows. Cost is
    series x (steps x channels)^2: seconds.
    """

    name: ClassVar[str] = "pca_gaussian"
    summary: ClassVar[str] = "series as one normal vector with the data's marginals: the floor to beat"
    source: ClassVar[str] = "principal components of normal scores: Jolliffe 2002"
    config_type: ClassVar[type[Config]] = PCAGaussianConfig
    ability: ClassVar[Ability] = Ability("series", where="exact", block=512, rows=(1, 10**6))

    def _fit(self, data: SeriesSet, ctx: Context) -> None:
        ctx.step(0, 3, "cutting series")
        units = units_of(data, self.config.window, ctx)
        ctx.step(1, 3, "attributes")
        self._skeleton = Skeleton.fit(units, ctx, protect=self.config.protect)
        ctx.step(2, 3, "covariance")
        self._codec = fitted_codec(units, data, self.config, ctx)
        x = self._codec.encode(units, ctx.rng)
        self._map = Whitening.fit(x, self._skeleton.dense(units))

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> SeriesSet:
        drawn = self._skeleton.draw(n, ctx, where)
        z = ctx.rng.standard_normal((n, self._map.rank))
        flat = self._map.colour(z, drawn.dense)
        return self._codec.decode(flat, drawn.lengths, drawn.static, drawn.starts, ctx.rng)

    def _state(self) -> State:
        skeleton = self._skeleton.state()
        meta = {"codec": self._codec.to_json(), "skeleton": skeleton.meta}
        return State(meta, {**skeleton.arrays, **map_arrays(self._map)})

    def _restore(self, state: State) -> None:
        self._codec = SeriesCodec.from_json(state.meta["codec"])
        self._skeleton = Skeleton.restore(State(state.meta["skeleton"], state.arrays))
        self._map = map_from(state.arrays)


def map_arrays(whitening: Whitening) -> dict[str, np.ndarray]:
    """The arrays of a whitening, by name."""
    return {f"map.{name}": getattr(whitening, name) for name in ("mean", "slope", "axes", "scales")}


def map_from(arrays: dict[str, np.ndarray]) -> Whitening:
    """The inverse of `map_arrays`; other arrays are ignored."""
    return Whitening(*(arrays[f"map.{name}"] for name in ("mean", "slope", "axes", "scales")))
