"""The learned model of series: attributes first, then whole series by a diffusion in whitened space."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from synthwright.classic.independence import independent_groups
from synthwright.classic.whitening import Whitening
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.schema import MAIN
from synthwright.data.sequences import SeriesSet, order_numbers
from synthwright.data.series_codec import SeriesCodec
from synthwright.generators.base import Ability, Generator
from synthwright.generators.pca_gaussian import map_arrays, map_from
from synthwright.generators.series_parts import SeriesConfig, Skeleton, fitted_codec, units_of

_HELD_STRETCHES = 5  # stretches of series or windows kept back
_REPEATS = 4  # draws of what is random in the codec (cells of grids, holes), so that a net cannot learn one of them


class SeriesFlowConfig(SeriesConfig):
    """Options of the flow of series."""

    width: int = Field(256, ge=8, le=4096, description="Width of the net.")
    depth: int = Field(4, ge=1, le=16, description="Residual blocks of the net.")
    max_steps: int = Field(2000, ge=1, description="Training steps at most.")
    max_seconds: float | None = Field(180.0, gt=0, description="Processor seconds of training at most.")
    batch: int = Field(256, ge=2, description="Series in a training step.")
    learning_rate: float = Field(1e-3, gt=0, le=1, description="Of AdamW, at its highest.")
    holdout: float = Field(0.1, ge=0, le=0.5, description="Share of the series kept back to choose the best weights.")
    sampling_steps: int = Field(18, ge=2, le=1000, description="Steps from noise to series.")
    device: str = Field("cpu", description="cpu, cuda, mps, or auto.")


class SeriesFlow(Generator):
    """A diffusion model on standard scores of whole series, conditioned on attributes and lengths.

    The codec turns channels into nearly normal numbers and restores grids, ends, orders and repetitions. Channels that
    do not depend on each other fall into groups. A linear map makes the numbers of each uncorrelated with variance 1;
    a net for each group learns what the Gaussian model misses, and starts as it. Rows kept back, apart in time, choose
    the best weights. Keeps no rows. Poor for fewer than 200 series or windows: then `pca_gaussian` or
    `block_bootstrap`. Cost: minutes.
    """

    name: ClassVar[str] = "series_flow"
    summary: ClassVar[str] = "diffusion model of whole series with attributes, from the Gaussian model on"
    source: ClassVar[str] = (
        "Karras et al. 2022 (arXiv 2206.00364); scaling and attributes: Lin et al. 2020 (DoppelGANger)"
    )
    config_type: ClassVar[type[Config]] = SeriesFlowConfig
    ability: ClassVar[Ability] = Ability(
        "series", where="exact", block=512, resume=True, needs=("torch:deep",), rows=(1, 10**6), cost="minutes"
    )

    def _fit(self, data: SeriesSet, ctx: Context) -> None:
        from synthwright.deep import seriesflow
        from synthwright.deep.tensors import device_of
        from synthwright.deep.train import Plan

        config = self.config
        device = device_of(config.device, ctx)
        ctx.step(0, 3, "cutting series")
        units = units_of(data, config.window, ctx)
        ctx.step(1, 3, "attributes")
        self._skeleton = Skeleton.fit(units, ctx, protect=config.protect)
        ctx.step(2, 3, "whitening")
        self._codec = fitted_codec(units, data, config, ctx)
        attributes = self._skeleton.dense(units)
        x = [self._codec.encode(units, ctx.rng) for _ in range(_REPEATS)]
        groups = independent_groups(x[0], self._codec.spans())
        self._map = Whitening.fit(np.concatenate(x), np.tile(attributes, (_REPEATS, 1)), groups)
        z = np.concatenate([self._map.whiten(one, attributes, ctx.rng) for one in x])
        held, dropped = kept_back(units, config.holdout, ctx.rng)
        learned = np.tile(~dropped, _REPEATS)
        owned = tuple(int((np.abs(self._map.axes[group]).max(axis=0) > 0).sum()) for group in groups)
        self._size = seriesflow.Size(
            tuple(size for size in owned if size), attributes.shape[1], config.width, config.depth
        )
        plan = Plan(
            max_steps=config.max_steps,
            max_seconds=config.max_seconds,
            batch=config.batch,
            # The loop keeps its rows back at random; ours lie apart in time. One row makes it ask for the holdout loss.
            holdout=1.5 / max(int((learned & ~np.tile(held, _REPEATS)).sum()), 2) if held.any() else 0.0,
            looks=24,
            patience=24,  # to the end, where the rate is low; the best weights are kept
        )
        net, trained = seriesflow.fitted(
            z[learned],
            np.tile(attributes, (_REPEATS, 1))[learned],
            np.tile(held, _REPEATS)[learned],
            ctx,
            size=self._size,
            plan=plan,
            rate=config.learning_rate,
            device=device,
        )
        self._net: Any = net
        ctx.note(
            "Q030",
            f"trained {trained.steps:,} steps, ended by {trained.ended}, best at {trained.best_step:,}",
            self.name,
        )

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> SeriesSet:
        from synthwright.deep import seriesflow

        drawn = self._skeleton.draw(n, ctx, where)
        z = seriesflow.drawn(self._net, self._size, drawn.dense, ctx.rng, steps=self.config.sampling_steps)
        flat = self._map.colour(z, drawn.dense)
        return self._codec.decode(flat, drawn.lengths, drawn.static, drawn.starts, ctx.rng)

    def _state(self) -> State:
        from synthwright.deep.tensors import arrays_of

        skeleton = self._skeleton.state()
        size = {key: getattr(self._size, key) for key in ("groups", "cond", "width", "depth")}
        meta: dict[str, Any] = {"codec": self._codec.to_json(), "skeleton": skeleton.meta, "size": size}
        return State(meta, {**skeleton.arrays, **map_arrays(self._map), **arrays_of(self._net)})

    def _restore(self, state: State) -> None:
        from synthwright.deep import seriesflow
        from synthwright.deep.tensors import build, load_arrays, torch_generator

        self._codec = SeriesCodec.from_json(state.meta["codec"])
        self._skeleton = Skeleton.restore(State(state.meta["skeleton"], state.arrays))
        self._map = map_from(state.arrays)
        self._size = seriesflow.Size(**{**state.meta["size"], "groups": tuple(state.meta["size"]["groups"])})
        net = build(self._size.net, torch_generator(np.random.default_rng(0)))
        load_arrays(net, state.arrays)
        self._net = net.eval()


def kept_back(units: SeriesSet, share: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Units that only judge the training, and units left out because they share steps with these: bool (units,) each.

    Windows of a long series follow each other: whole stretches of them are kept back, and their neighbours left out.
    """
    n = len(units)
    held, dropped = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    wanted = int(share * n)
    if wanted < 1:
        return held, dropped
    at = order_numbers(units.tables[MAIN].column(units.order))
    first, last = at[units.starts], at[units.starts + units.lengths - 1]
    overlap = np.append((first[1:] <= last[:-1]) & (first[1:] > first[:-1]), False)
    if overlap.mean() < 0.5:
        held[rng.choice(n, size=wanted, replace=False)] = True
        return held, dropped
    reach = int(np.ceil(np.median(units.lengths) / max(np.median(np.diff(first)[overlap[:-1]]) / _beat(at), 1)))
    stretch = max(1, wanted // _HELD_STRETCHES)
    for k in range(_HELD_STRETCHES):
        low = k * n // _HELD_STRETCHES
        room = max(1, (k + 1) * n // _HELD_STRETCHES - low - stretch)
        start = low + int(rng.integers(room))
        held[start : start + stretch] = True
        dropped[max(0, start - reach) : start] = True
        dropped[start + stretch : start + stretch + reach] = True
    return held, dropped & ~held


def _beat(at: np.ndarray) -> float:
    steps = np.diff(at)
    return float(np.median(steps[steps > 0])) if (steps > 0).any() else 1.0
