"""TVAE: a variational autoencoder for tables; here for comparison and for those who ask for it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.table import Table
from synthwright.generators.base import Ability, Generator
from synthwright.generators.ctgan import CALIBRATION_ROWS, RowNetConfig, Widths, planned, viewed
from synthwright.generators.table_modes import TableModes


class TVAEConfig(RowNetConfig):
    """Options of TVAE."""

    latent: int = Field(128, ge=1, le=4096, description="Random numbers that a row is made of.")
    hidden: Widths = Field((128, 128), min_length=1, max_length=8, description="Widths of the hidden layers.")
    factor: float = Field(2.0, gt=0, le=1000, description="Weight of the reconstruction against the prior.")
    decay: float = Field(1e-5, ge=0, le=1, description="Penalty on squared weights.")


class TVAE(Generator):
    """An autoencoder whose latent values are pulled to a normal distribution, from which rows are then made.

    Assumes that columns are independent given the latent values; levels are drawn by their shares, numbers with the
    error that was learned. A poor choice below some thousand rows, and beside `cart` or `boost`, which are closer to
    the data in a hundredth of the time: it is here for comparison and for those who ask for it by name. Keeps no
    rows. It is not differentially private. Time is rows x epochs x (columns + levels).

    >>> model = TVAE(epochs=2, hidden=(16,), latent=4).fit({"x": list(range(60)), "y": ["a", "b"] * 30})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "tvae"
    summary: ClassVar[str] = "variational autoencoder for tables, for comparison; minutes to fit"
    source: ClassVar[str] = "Xu et al. 2019 (arXiv 1907.00503); Kingma & Welling 2014 (arXiv 1312.6114)"
    config_type: ClassVar[type[Config]] = TVAEConfig
    ability: ClassVar[Ability] = Ability(
        "table", where="reject", block=4096, resume=True, needs=("torch:deep",), cost="minutes"
    )

    def _fit(self, data: Table, ctx: Context) -> None:
        from synthwright.deep.heads import Heads
        from synthwright.deep.tensors import device_of, tensor_of, torch_generator
        from synthwright.deep.train import train
        from synthwright.deep.tvae import VAEObjective

        config = self.config
        view, scalars, codes = viewed(data, config, ctx)
        device = device_of(config.device, ctx)
        heads = Heads(view.scalars, view.widths, view.bound).to(device)
        objective = VAEObjective(heads, self._options(), torch_generator(ctx.rng))
        parts = (tensor_of(scalars, device), tensor_of(codes, device))
        train(objective, parts, ctx, planned(config, len(data)))
        self._view, self._heads, self._decoder = view, heads.cpu(), objective.decoder.cpu()
        self._bias = tensor_of(np.zeros(sum(view.widths)))
        if config.calibrate:
            self._calibrate(codes, ctx)

    def _options(self) -> Any:
        from synthwright.deep.tvae import VAEOptions

        config = self.config
        return VAEOptions(config.latent, config.hidden, config.factor, config.learning_rate, config.decay)

    def _calibrate(self, codes: np.ndarray, ctx: Context) -> None:
        import torch

        from synthwright.deep.tensors import tensor_of, torch_generator

        ctx.step(0, 1, "calibrating")
        gen = torch_generator(ctx.rng)
        with torch.no_grad():
            raw = self._decoder.raw_rows(CALIBRATION_ROWS, gen)
        shares = self._heads.one_hot(tensor_of(codes)).mean(0)
        self._bias = self._heads.offsets(raw[:, self._heads.scalars :], shares)
        self._view = self._view.calibrated(*self._drawn(raw, gen))

    def _drawn(self, raw: Any, gen: Any) -> tuple[np.ndarray, np.ndarray]:
        """Scalars with their learned error, and codes."""
        import torch

        raw[:, self._heads.scalars :] += self._bias
        scalars, codes = self._heads.drawn(raw, gen)
        noise = torch.randn(scalars.shape, generator=gen)
        return (scalars + self._decoder.sigma.detach() * noise).numpy(), codes.numpy()

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        import torch

        from synthwright.deep.tensors import torch_generator

        gen = torch_generator(ctx.rng)
        with torch.no_grad():
            rows = self._drawn(self._decoder.raw_rows(n, gen), gen)
        return self._view.codec.from_values(self._view.values(*rows), ctx.rng)

    def _state(self) -> State:
        from synthwright.deep.tensors import arrays_of

        return State(self._view.to_json(), arrays_of(self._decoder) | {"bias": self._bias.numpy()})

    def _restore(self, state: State) -> None:
        import torch

        from synthwright.deep.heads import Heads
        from synthwright.deep.tensors import load_arrays, tensor_of
        from synthwright.deep.tvae import row_decoder

        self._view = TableModes.from_json(state.meta)
        self._heads = Heads(self._view.scalars, self._view.widths, self._view.bound)
        self._bias = tensor_of(state.arrays["bias"])
        self._decoder = row_decoder(self._heads, self._options(), torch.Generator())
        load_arrays(self._decoder, state.arrays)
