"""A neural model of mixed tables: tokens column after column, and a rectified flow for what lies inside the bins."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import Unreachable, Unsupported
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.encode import Codec
from synthwright.data.table import Table
from synthwright.generators.base import Ability, Generator
from synthwright.generators.table_tokens import TableTokens

_FLOW_SHARE = 0.2  # of the steps, and of the seconds
_HOLDOUT, _LOOKS, _PATIENCE = 0.1, 50, 6
_LEAST_GAIN = 1e-3  # of the flow's held-out loss, below which it is chance
_FEWEST_TO_STOP_EARLY = 200  # rows; fewer could not spare a tenth


class FlowConfig(Config):
    """Options of `flow`; the defaults were chosen on parts of training rows, see docs/decisions/0011."""

    steps: int = Field(1000, ge=1, le=1_000_000, description="Most training steps; it stops when held-out rows say so.")
    max_seconds: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="Processor seconds of training; a fit that it ends does not repeat byte for byte.",
    )
    batch: int = Field(256, ge=8, le=100_000, description="Rows of a step.")
    width: int = Field(128, ge=4, le=4096, description="Width of each column's layers; and of the flow.")
    depth: int = Field(2, ge=1, le=12, description="Inner layers of each column, and blocks of the flow.")
    learning_rate: float = Field(2e-3, gt=0, le=0.1, description="Of AdamW at its peak, for both nets.")
    weight_decay: float = Field(1e-2, ge=0, le=10, description="Of AdamW.")
    dropout: float = Field(0.2, ge=0, lt=1, description="Share of inner values dropped in training.")
    ema: float = Field(0.995, ge=0, lt=1, description="Moving average of the weights; 0 takes the last.")
    any_order: float = Field(
        0.5, ge=0, le=1, description="Share of batches in a random order of columns, which `where` needs."
    )
    bins: int = Field(32, ge=2, le=200, description="Quantile bins of a number; the flow draws within them.")
    path: Literal["flow", "edm"] = Field("flow", description="Rectified flow, or the noise levels of EDM.")
    sampling_steps: int = Field(12, ge=1, le=1000, description="Steps of the flow from noise to data.")
    protect: bool = Field(True, description="Pool levels in fewer than 5 rows and hide the 5 extreme values.")
    device: str = Field("cpu", description="Where to train: cpu, cuda, cuda:1, mps, or auto for the best there is.")


class Flow(Generator):
    """Every column's token given those before it, in any order, by one net; numbers within bins by a flow.

    For exact conditions on rare rows, and where a neural model is wanted; `auto` takes seconds, and was closer to the
    data on every table that both were measured on. Needs 20 rows; from 200 on it keeps a tenth
    back and stops when these say so. What `where` asks for is drawn first, in an order that the net was trained to
    take. Keeps no rows. It is not differentially private. Time of a step grows with batch x columns^2 x width; memory
    with columns^2 x width and with rows x columns.

    >>> model = Flow(steps=20, width=16, batch=32).fit({"x": list(range(60)), "y": ["a", "b"] * 30})
    >>> set(model.sample(5, where="y == 'a'").arrow["y"].to_pylist())
    {'a'}
    """

    name: ClassVar[str] = "flow"
    summary: ClassVar[str] = "neural: any-order tokens and a rectified flow; minutes to fit, exact conditions"
    source: ClassVar[str] = "Liu et al. 2022 (arXiv 2209.03003); Tiwald et al. 2025 (arXiv 2501.12012)"
    config_type: ClassVar[type[Config]] = FlowConfig
    ability: ClassVar[Ability] = Ability(
        "table", where="exact", block=4096, resume=True, needs=("torch:deep",), cost="minutes"
    )

    def _fit(self, data: Table, ctx: Context) -> None:
        from synthwright.deep.tensors import device_of, tensor_of, torch_generator

        config = self.config
        codec = Codec.fit(data, protect=config.protect, bins=config.bins)
        ctx.notes.extend(codec.notes)
        self._view = TableTokens(codec)
        tokens, residuals = self._view.rows(codec.values(data), ctx.rng)
        self._order = self._view.order(tokens, ctx.rng)
        stats = (_shares(tokens, self._view.sizes), self._view.features())
        self._model = self._made(*stats, torch_generator(ctx.rng))
        device = device_of(config.device, ctx)
        self._train((tensor_of(tokens, device), tensor_of(residuals, device)), device, ctx)

    def _train(self, data: tuple[Any, Any], device: Any, ctx: Context) -> None:
        """The flow first, as it is soon done, then the tokens with what is left of the budget."""
        from synthwright.deep.tableflow import ResidualObjective, TokenObjective
        from synthwright.deep.train import train

        nets, options, checkpoint = self._model.modules, self._options(), ctx.checkpoint
        before, aside = ctx.cpu_seconds, None
        self.trained = {}  # how each net was trained; of this fit only, not saved
        if "residuals" in nets:
            if checkpoint is not None:
                ctx.checkpoint = aside = checkpoint.with_name(f"{checkpoint.stem}.residuals.synth")
            objective = ResidualObjective(nets["residuals"].to(device), self._model.path, options)
            ended = train(objective, data, ctx, self._plan(len(data[0]), _FLOW_SHARE, 0.0))
            ctx.checkpoint, self.trained["residuals"] = checkpoint, ended
            if ended.best is not None and ended.best >= (1 - _LEAST_GAIN) * float(nets["residuals"].start):
                nets["residuals"].reset()
                ctx.note("G080", "the flow did not help held-out rows: numbers are drawn evenly within their bins")
        plan = self._plan(len(data[0]), 1.0, ctx.cpu_seconds - before)
        self.trained["tokens"] = train(TokenObjective(nets["tokens"].to(device), self._order, options), data, ctx, plan)
        if aside is not None:
            aside.unlink(missing_ok=True)  # another fit must not find it
        for net in nets.values():
            net.to("cpu").eval()

    def _plan(self, rows: int, share: float, spent: float) -> Any:
        from synthwright.deep.train import Plan

        config = self.config
        seconds = config.max_seconds
        return Plan(
            max_steps=max(1, int(share * config.steps)),
            max_seconds=None if seconds is None else max(share * seconds - spent, 0.1),
            batch=config.batch,
            ema=config.ema,
            clip=None,
            holdout=_HOLDOUT if rows >= _FEWEST_TO_STOP_EARLY else 0.0,
            looks=max(1, int(_LOOKS * share)),
            patience=_PATIENCE,
        )

    def _options(self) -> Any:
        from synthwright.deep.tableflow import FlowOptions

        config = self.config
        return FlowOptions(
            width=config.width,
            depth=config.depth,
            flow_width=config.width,
            flow_depth=config.depth,
            dropout=config.dropout,
            any_order=config.any_order,
            rate=config.learning_rate,
            flow_rate=config.learning_rate / 4,
            decay=config.weight_decay,
            path=config.path,
        )

    def _made(self, shares: np.ndarray, features: np.ndarray, gen: Any) -> Any:
        from synthwright.deep.tableflow import TableFlow
        from synthwright.deep.tensors import tensor_of

        stats = (self._view.sizes, tensor_of(shares), tensor_of(features))
        return TableFlow(stats, self._order, len(self._view.open), self._options(), gen)

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Table:
        import torch

        from synthwright.deep.tensors import torch_generator

        view, gen = self._view, torch_generator(ctx.rng)
        limits = view.codec.limits(where) if where is not None else {}
        unseen = view.unseen(limits)
        if unseen is not None and where is not None:
            raise Unreachable(
                f"No such value of {unseen!r} was seen, so none can be made.",
                where=f"where={where.text}",
                fix="widen the condition to values that the training data hold",
            )
        possible = {k: torch.from_numpy(allowed) for k, allowed in view.possible(limits).items()}
        given, known = view.known(limits), None
        if given:
            if self.config.path == "edm":
                raise Unsupported(
                    "A number between its bins cannot be given to the EDM path.",
                    where="where",
                    fix="use path=flow, or a range of values",
                )
            row = torch.full((len(view.open),), torch.nan)
            row[list(given)] = torch.tensor(list(given.values()))
            known = (row.nan_to_num().expand(n, -1), ~row.isnan().expand(n, -1))
        tokens = self._model.drawn_tokens(n, gen, possible)
        residuals = self._model.drawn_residuals(tokens, gen, self.config.sampling_steps, known)
        values = view.values(tokens.numpy(), residuals.numpy())
        for k in given:
            column = view.codec.columns[view.open[k]]
            values[column.name] = np.full(n, limits[column.name].low)  # exactly, whatever inverting ranks rounds
        return view.codec.from_values(values, ctx.rng)

    def _state(self) -> State:
        from synthwright.deep.tensors import arrays_of

        arrays: dict[str, np.ndarray] = {}
        for name, net in self._model.modules.items():
            arrays |= arrays_of(net, f"{name}.")
        return State({**self._view.to_json(), "order": list(self._order)}, arrays)

    def _restore(self, state: State) -> None:
        import torch

        from synthwright.deep.tensors import load_arrays

        self._view = TableTokens.from_json(state.meta)
        self._order = tuple(state.meta["order"])
        total = sum(self._view.sizes)
        self._model = self._made(np.ones(total), self._view.features(), torch.Generator())
        for name, net in self._model.modules.items():
            load_arrays(net, state.arrays, f"{name}.")
            net.eval()


def _shares(tokens: np.ndarray, sizes: tuple[int, ...]) -> np.ndarray:
    """Share of rows that have each token, field after field; half a row for tokens that no row has."""
    counts = [np.bincount(tokens[:, k], minlength=size) for k, size in enumerate(sizes)]
    return np.concatenate([np.maximum(one, 0.5) / len(tokens) for one in counts])
