"""CTGAN: a conditional generative adversarial network for tables; here for comparison and for those who ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import numpy as np
from pydantic import BeforeValidator, Field

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import Unreachable
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.encode import Codec
from synthwright.data.table import Table
from synthwright.generators.base import Ability, Generator
from synthwright.generators.table_modes import Numbers, TableModes

if TYPE_CHECKING:
    import torch

    from synthwright.deep.train import Plan

EPOCHS = 300  # of the paper
CALIBRATION_ROWS = 6_000


def _widths(given: Any) -> Any:
    """A list from 64, or from the text 256,256, which --set gives."""
    if isinstance(given, str):
        return [word.strip() for word in given.split(",")]
    return [given] if isinstance(given, int) else given


Widths = Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], BeforeValidator(_widths)]


class RowNetConfig(Config):
    """Options that CTGAN and TVAE share; defaults are the paper's where docs/decisions/0012 does not say otherwise."""

    epochs: int | None = Field(
        None, ge=1, le=100_000, description="Passes over the rows; 300 when max_seconds is not given either."
    )
    max_seconds: float | None = Field(
        None, gt=0, le=1e6, description="Processor seconds of training; such a fit does not repeat byte for byte."
    )
    batch: int = Field(500, ge=10, le=100_000, description="Rows of a step.")
    learning_rate: float = Field(1e-3, gt=0, le=0.1, description="Of Adam, at the start; it falls to 0.")
    ema: float = Field(0.999, ge=0, lt=1, description="Moving average of the weights; 0 takes the last.")
    numbers: Numbers = Field("ranks", description="Numbers as normal scores (ranks) or by normal mixtures (modes).")
    calibrate: bool = Field(True, description="Give every column of the samples the distribution of the data.")
    protect: bool = Field(True, description="Pool levels in fewer than 5 rows and hide the 5 extreme values.")
    device: str = Field("cpu", description="cpu, cuda, cuda:1, mps, or auto for the best there is.")


class CTGANConfig(RowNetConfig):
    """Options of CTGAN."""

    pack: int = Field(
        10, ge=1, le=100, description="Rows that the critic judges together; a batch is cut to a multiple of it."
    )
    noise: int = Field(128, ge=1, le=4096, description="Random numbers that a row is made of.")
    hidden: Widths = Field((256, 256), min_length=1, max_length=8, description="Widths of the hidden layers.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of the critic's values dropped in training.")


class CTGAN(Generator):
    """A generator net against a critic that judges ten rows together, with levels given as conditions.

    Assumes many rows and patience; columns should have few levels. A poor choice below some thousand rows, and beside
    `cart` or `boost`, which are closer to the data in a hundredth of the time: it is here for comparison and for
    those who ask for it by name. `where` on one level, or on one number of few values, is given to the net; the rest
    of a condition is met by drawing until it holds. Keeps no rows. It is not differentially private. Time of a step
    grows with batch x (columns + levels), and does not depend on the number of rows.

    >>> model = CTGAN(epochs=2, hidden=(16,), batch=20).fit({"x": list(range(60)), "y": ["a", "b"] * 30})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "ctgan"
    summary: ClassVar[str] = "conditional GAN for tables, for comparison; minutes to fit"
    source: ClassVar[str] = "Xu et al. 2019 (arXiv 1907.00503); Gulrajani et al. 2017 (arXiv 1704.00028)"
    config_type: ClassVar[type[Config]] = CTGANConfig
    ability: ClassVar[Ability] = Ability(
        "table", where="exact", block=4096, resume=True, needs=("torch:deep",), cost="minutes"
    )

    def _fit(self, data: Table, ctx: Context) -> None:
        from synthwright.deep import ctgan
        from synthwright.deep.heads import Heads
        from synthwright.deep.tensors import device_of, tensor_of, torch_generator
        from synthwright.deep.train import train

        config = self.config
        view, scalars, codes = viewed(data, config, ctx)
        device = device_of(config.device, ctx)
        heads = Heads(view.scalars, view.widths, view.bound).to(device)
        parts = (tensor_of(scalars, device), tensor_of(codes, device))
        conditions = ctgan.Conditions(parts[1], heads, view.asked)
        objective = ctgan.GANObjective(heads, parts, conditions, self._options(), torch_generator(ctx.rng))
        train(objective, parts, ctx, planned(config, len(data)))
        self._view, self._heads, self._maker = view, heads.cpu(), objective.maker.cpu()
        self._shares = conditions.shares.cpu()
        self._bias = tensor_of(np.zeros(sum(view.widths)))
        self._finish(codes, ctx)

    def _options(self) -> Any:
        from synthwright.deep.ctgan import GANOptions

        config = self.config
        return GANOptions(
            noise=config.noise,
            hidden=config.hidden,
            pack=config.pack,
            dropout=config.dropout,
            rate=config.learning_rate,
        )

    def _finish(self, codes: np.ndarray, ctx: Context) -> None:
        """Batch norms for the averaged weights; then, if asked for, columns with the distribution of the data."""
        import torch

        from synthwright.deep.ctgan import settle
        from synthwright.deep.tensors import tensor_of, torch_generator

        ctx.step(0, 1, "settling")
        gen = torch_generator(ctx.rng)
        inputs = self._inputs(CALIBRATION_ROWS, gen, None)
        settle(self._maker, inputs)
        if not self.config.calibrate:
            return
        with torch.no_grad():
            raw = self._maker(inputs)
        shares = self._heads.one_hot(tensor_of(codes)).mean(0)
        self._bias = self._heads.offsets(raw[:, self._heads.scalars :], shares)
        raw[:, self._heads.scalars :] += self._bias
        made, things = self._heads.drawn(raw, gen)
        self._view = self._view.calibrated(made.numpy(), things.numpy())

    def _inputs(self, n: int, gen: torch.Generator, wanted: tuple[int, np.ndarray] | None) -> torch.Tensor:
        """Noise and conditions: by the data's frequencies, or among the things that are wanted of one choice."""
        import torch

        from synthwright.deep.ctgan import as_vector

        noise = torch.randn(n, self.config.noise, generator=gen)
        if not len(self._shares):
            return noise
        shares = self._shares
        if wanted is not None:
            asked = self._view.asked
            start = sum(self._view.widths[i] for i in asked[: asked.index(wanted[0])])
            kept = start + torch.from_numpy(wanted[1])
            shares = torch.zeros_like(shares).index_copy(0, kept, self._shares[kept])
        things = torch.multinomial(shares, n, replacement=True, generator=gen)
        return torch.cat([noise, as_vector(things, len(shares))], 1)

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        import torch

        from synthwright.deep.tensors import torch_generator

        gen = torch_generator(ctx.rng)
        wanted = self._view.wanted(self._view.codec.limits(where)) if where is not None else None
        if wanted is not None and where is not None and not len(wanted[1]):
            raise Unreachable(
                "No such value was seen, so none can be made.",
                where=f"where={where.text}",
                fix="widen the condition to values that the training data hold",
            )
        with torch.no_grad():
            raw = self._maker(self._inputs(n, gen, wanted))
            raw[:, self._heads.scalars :] += self._bias
            scalars, codes = self._heads.drawn(raw, gen)
        return self._view.codec.from_values(self._view.values(scalars.numpy(), codes.numpy()), ctx.rng)

    def _state(self) -> State:
        from synthwright.deep.tensors import arrays_of

        arrays = arrays_of(self._maker) | {"bias": self._bias.numpy(), "shares": self._shares.numpy()}
        return State(self._view.to_json(), arrays)

    def _restore(self, state: State) -> None:
        import torch

        from synthwright.deep.ctgan import row_maker
        from synthwright.deep.heads import Heads
        from synthwright.deep.tensors import load_arrays, tensor_of

        self._view = TableModes.from_json(state.meta)
        self._heads = Heads(self._view.scalars, self._view.widths, self._view.bound)
        self._bias, self._shares = (tensor_of(state.arrays[name]) for name in ("bias", "shares"))
        self._maker = row_maker(self._heads, len(self._shares), self._options(), torch.Generator())
        load_arrays(self._maker, state.arrays)
        self._maker.eval()


def viewed(data: Table, config: RowNetConfig, ctx: Context) -> tuple[TableModes, np.ndarray, np.ndarray]:
    """The view that a net learns from, and the table in it; the codec's notes are kept."""
    codec = Codec.fit(data, protect=config.protect)
    ctx.notes.extend(codec.notes)
    view = TableModes.fit(codec, config.numbers)
    return view, *view.rows(codec.values(data), ctx.rng)


def planned(config: RowNetConfig, rows: int) -> Plan:
    """The plan of either net: the epochs that are asked for; without bound when only seconds are."""
    from synthwright.deep.train import Plan

    batch, epochs = min(config.batch, rows), config.epochs
    steps = 10**9 if epochs is None and config.max_seconds is not None else (epochs or EPOCHS) * max(1, rows // batch)
    return Plan(steps, config.max_seconds, batch, ema=config.ema, warmup=0.0, clip=None)
