"""The one training loop: batches, schedule, moving average, early stop, budgets, checkpoints, cancelling.

An objective owns modules and optimisers and knows its losses; the loop knows time. A flow, a GAN and a VAE are three
objectives in the same loop.

    class MyObjective:
        modules = {"net": net}                               # saved in checkpoints
        averaged = ("net",)                                  # these get a moving average, used afterwards
        optimizers = {"net": adamw(net, 2e-3)}
        def step(self, batch, gen) -> dict[str, Tensor]: ... # one update of the weights; losses, not yet read out
        def holdout(self, batch, gen) -> Tensor | None: ...  # mean loss on rows kept back, or None

    trained = train(MyObjective(), (x,), ctx, Plan(max_steps=2000))
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from synthwright.core import store
from synthwright.core.context import Context
from synthwright.core.errors import Cancelled, Diverged, FitError, FormatError
from synthwright.core.store import State
from synthwright.deep.tensors import own_stream, torch_generator

_CHECKPOINT_SECONDS = 60.0
_LOOK_EVERY = 25  # steps between two readings of the losses: reading one waits for the device
_LONGEST_GRADIENT = 1.0
_KIND = "training checkpoint"


class Objective(Protocol):
    """What is trained: modules, their optimisers, one step, and the loss on rows kept back."""

    modules: Mapping[str, nn.Module]
    averaged: Sequence[str]
    optimizers: Mapping[str, torch.optim.Optimizer]

    def step(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Mapping[str, Tensor]:
        """One update. Returns detached losses by name."""
        ...

    def holdout(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor | None:
        """The loss of the averaged weights on rows kept back; None when there is none worth watching."""
        ...


@dataclass(frozen=True)
class Plan:
    """How long and how.

    max_seconds: processor seconds of this process, all threads; a fit that it ends is not promised to repeat byte for
    byte. holdout: share of rows kept back for early stop, 0 for none; patience: looks without a better loss.
    warmup: share of the budget in which the learning rate rises; afterwards it falls along a cosine to `floor` times
    the start. clip: the largest norm of gradients, for the objective to apply before its optimisers step: the loop
    itself does not. ema: decay of the moving average, min(ema, (1 + s) / (10 + s)) at step s; 0 for none.
    """

    max_steps: int
    max_seconds: float | None = None
    batch: int = 512
    ema: float = 0.999
    warmup: float = 0.03
    floor: float = 0.0
    clip: float | None = 1.0
    holdout: float = 0.0
    holdout_most: int = 4096
    looks: int = 20
    patience: int = 5


@dataclass
class Trained:
    """What came of it: steps made, why it ended, losses by step, and the best holdout loss."""

    steps: int
    ended: str  # "steps", "seconds" or "patience"
    losses: list[tuple[int, dict[str, float]]] = field(default_factory=list)
    best: float | None = None
    best_step: int = 0


def adamw(module: nn.Module, rate: float, *, betas: tuple[float, float] = (0.9, 0.99), decay: float = 1e-4) -> Any:
    """AdamW on all parameters of a module (Loshchilov & Hutter 2019, arXiv 1711.05101)."""
    return torch.optim.AdamW(module.parameters(), lr=rate, betas=betas, weight_decay=decay, foreach=True)


def updated(net: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> dict[str, Tensor]:
    """One update of a net that has one loss, for `Objective.step`; gradients longer than 1 are shortened to it."""
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), _LONGEST_GRADIENT)
    optimizer.step()
    return {"loss": loss.detach()}


def train(objective: Objective, data: tuple[Tensor, ...], ctx: Context, plan: Plan) -> Trained:
    """Run the loop; afterwards the averaged modules hold the averaged (with a holdout: the best averaged) weights.

    data: tensors with equal first axes. Raises Diverged when a loss is not finite, FitError when memory is short,
    Cancelled (the checkpoint is written first). `ctx.checkpoint` names the file that keeps the state.
    """
    loop = _Loop(objective, data, ctx, plan)
    try:
        return loop.run()
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _too_large(plan) from error
    except RuntimeError as error:
        if "not enough memory" in str(error) or "out of memory" in str(error).lower():
            raise _too_large(plan) from error
        raise


def _too_large(plan: Plan) -> FitError:
    return FitError(
        f"Memory ran out in training with batches of {plan.batch}.",
        where="training",
        fix="use a smaller batch (--set batch=...), a narrower net, or fewer rows",
    )


class _Loop:
    """One training in progress."""

    _saved: ClassVar[tuple[str, ...]] = ("step", "place", "best", "best_step", "stale", "losses")

    def __init__(self, objective: Objective, data: tuple[Tensor, ...], ctx: Context, plan: Plan) -> None:
        self.objective, self.ctx, self.plan = objective, ctx, plan
        self.gen = torch_generator(ctx.rng)
        self.noise = self.gen  # what objectives draw from: on their own device
        n = len(data[0])
        n_out = min(int(plan.holdout * n), plan.holdout_most)
        order = torch.randperm(n, generator=self.gen)
        out, kept = order[:n_out].to(data[0].device), order[n_out:].to(data[0].device)
        self.out = tuple(one[out] for one in data) if n_out else None
        self.data = tuple(one[kept] for one in data)
        self.n = n - n_out
        self.batch = min(plan.batch, self.n)
        self.order = torch.randperm(self.n, generator=self.gen)
        self.holdout_seed = int(torch.randint(2**62, (1,), generator=self.gen))
        self.latest: Mapping[str, Tensor] = {}
        if data[0].device.type != "cpu":
            self.noise = torch.Generator(data[0].device).manual_seed(self.holdout_seed)
        self.step = self.place = self.best_step = self.stale = 0
        self.best: float | None = None
        self.losses: list[Any] = []
        self.rates = {name: [g["lr"] for g in one.param_groups] for name, one in objective.optimizers.items()}
        self.average = {f"{m}.{k}": v.detach().clone() for m, k, v in self._weights()} if plan.ema else {}
        self.best_weights: dict[str, Tensor] = {}
        self.spent = 0.0  # processor seconds of earlier attempts

    def run(self) -> Trained:
        """All steps, from the checkpoint on when there is one."""
        path = self.ctx.checkpoint
        if path is not None and path.exists():
            self._restore(path)
        start, written = self.ctx.cpu_seconds, self.ctx.seconds
        ended = "steps"
        while self.step < self.plan.max_steps:
            elapsed = self.spent + self.ctx.cpu_seconds - start
            if self.plan.max_seconds is not None and elapsed >= self.plan.max_seconds:
                ended = "seconds"
                break
            try:
                self.ctx.step(self.step, self.plan.max_steps, "training", **(self.losses[-1][1] if self.losses else {}))
            except Cancelled:
                if path is not None:
                    self._save(path, elapsed)
                raise
            if path is not None and self.ctx.seconds - written > _CHECKPOINT_SECONDS:
                self._save(path, elapsed)
                written = self.ctx.seconds
            self._one_step(self._share(elapsed))
            if self._has_enough():
                ended = "patience"
                break
        self.ctx.step(self.step, self.step, "training")
        return self._finish(ended)

    def _share(self, elapsed: float) -> float:
        """How much of the budget is used: of the steps, or of the seconds if these are scarcer."""
        of_seconds = elapsed / self.plan.max_seconds if self.plan.max_seconds else 0.0
        return min(max(self.step / self.plan.max_steps, of_seconds), 1.0)

    def _one_step(self, share: float) -> None:
        plan = self.plan
        rise = min(1.0, (share + 1e-3) / plan.warmup) if plan.warmup else 1.0
        factor = rise * (plan.floor + (1 - plan.floor) * 0.5 * (1 + math.cos(math.pi * share)))
        for name, optimizer in self.objective.optimizers.items():
            for group, rate in zip(optimizer.param_groups, self.rates[name], strict=True):
                group["lr"] = rate * factor
        with own_stream(self.holdout_seed + self.step, self.data[0].device):
            losses = self.objective.step(self._next_batch(), self.noise)
        self.step += 1
        self.latest = losses
        if plan.ema:
            decay = min(plan.ema, (1 + self.step) / (10 + self.step))
            kept = list(self.average.values())
            torch._foreach_lerp_(kept, [v.detach() for _, _, v in self._weights()], 1 - decay)
        if self.step % _LOOK_EVERY == 0 or self.step in (1, plan.max_steps):
            self._look(losses)

    def _look(self, losses: Mapping[str, Tensor]) -> None:
        read = {name: float(value) for name, value in losses.items()}
        if not all(math.isfinite(value) for value in read.values()):
            last = self.losses[-1] if self.losses else "none"
            raise Diverged(
                f"The loss is no longer a number at step {self.step}: {read}; the last good ones: {last}.",
                where="training",
                fix="lower the learning rate (--set learning_rate=...), or look for extreme values in the data",
            )
        self.losses.append((self.step, read))

    def _next_batch(self) -> tuple[Tensor, ...]:
        """The next rows of a random order; a new order when fewer than a batch are left."""
        if self.place + self.batch > self.n:
            self.order, self.place = torch.randperm(self.n, generator=self.gen), 0
        rows = self.order[self.place : self.place + self.batch].to(self.data[0].device)
        self.place += self.batch
        return tuple(one[rows] for one in self.data)

    def _has_enough(self) -> bool:
        """At every look: the holdout loss of the averaged weights; True after `patience` looks without a better one."""
        every = max(1, self.plan.max_steps // max(self.plan.looks, 1))
        if self.out is None or self.step % every:
            return False
        gen = torch.Generator(self.noise.device).manual_seed(self.holdout_seed)  # the same noise at every look
        device, seed = self.data[0].device, self.holdout_seed
        learning = [net for net in self.objective.modules.values() if net.training]
        with self._averaged(), torch.no_grad(), own_stream(seed, device):
            for net in learning:
                net.eval()  # no dropout: the loss of the weights as they will be used
            loss = self.objective.holdout(self.out, gen)
        for net in learning:
            net.train()
        if loss is None:
            return False
        value = float(loss)
        if math.isfinite(value) and (self.best is None or value < self.best):
            self.best, self.best_step, self.stale = value, self.step, 0
            source = self.average or {f"{m}.{k}": v for m, k, v in self._weights()}
            self.best_weights = {name: one.detach().clone() for name, one in source.items()}
        else:
            self.stale += 1
        return self.stale >= self.plan.patience

    def _finish(self, ended: str) -> Trained:
        if self.latest and self.losses[-1][0] != self.step:  # it ended between two readings
            self._look(self.latest)
        if ended == "seconds":
            self.ctx.note(
                "D002",
                f"training was ended by max_seconds after {self.step:,} of {self.plan.max_steps:,} steps; "
                "another machine would stop elsewhere",
                "training",
            )
        final = self.best_weights or self.average
        with torch.no_grad():
            for module, name, value in self._weights():
                if f"{module}.{name}" in final:
                    value.copy_(final[f"{module}.{name}"])
        return Trained(self.step, ended, [tuple(one) for one in self.losses], self.best, self.best_step)

    # -- weights

    def _weights(self) -> list[tuple[str, str, Tensor]]:
        """(module, name, parameter) of everything that is averaged, in a fixed order."""
        return [
            (module, name, value)
            for module in self.objective.averaged
            for name, value in self.objective.modules[module].named_parameters()
        ]

    def _averaged(self) -> _Swapped:
        return _Swapped([v for _, _, v in self._weights()], list(self.average.values()))

    # -- checkpoints

    def _save(self, path: Path, elapsed: float) -> None:
        arrays: dict[str, np.ndarray] = {"order": self.order.numpy(), "generator": self.gen.get_state().numpy()}
        if self.noise is not self.gen:
            arrays["noise"] = self.noise.get_state().numpy()
        for name, module in self.objective.modules.items():
            arrays |= {f"module.{name}.{k}": v.cpu().numpy() for k, v in module.state_dict().items()}
        arrays |= {f"average.{k}": v.cpu().numpy() for k, v in self.average.items()}
        arrays |= {f"best.{k}": v.cpu().numpy() for k, v in self.best_weights.items()}
        for name, optimizer in self.objective.optimizers.items():
            for place, slots in optimizer.state_dict()["state"].items():
                arrays |= {f"optimizer.{name}.{place}.{k}": torch.as_tensor(v).cpu().numpy() for k, v in slots.items()}
        meta = {key: getattr(self, key) for key in self._saved}
        store.save(path, {**self._identity(), "spent": elapsed}, State(json.loads(json.dumps(meta)), arrays))

    def _identity(self) -> dict[str, Any]:
        """What a checkpoint must share with the fit that goes on from it: plan, data, seed, shapes of the weights."""
        shapes = {
            f"{m}.{k}": list(v.shape) for m, net in self.objective.modules.items() for k, v in net.state_dict().items()
        }
        digest = hashlib.sha256()
        for one in self.data:
            digest.update(one.detach().cpu().contiguous().numpy().tobytes())
        plan = {
            key: value for key, value in self.plan.__dict__.items() if key != "max_seconds"
        }  # no promise hangs on it
        facts = {"kind": _KIND, "plan": plan, "rows": self.n, "seed": self.holdout_seed}
        plain: dict[str, Any] = json.loads(json.dumps({**facts, "data": digest.hexdigest(), "shapes": shapes}))
        return plain

    def _restore(self, path: Path) -> None:
        header, state = store.load(path, store.LIMIT_BYTES)
        other = [key for key, value in self._identity().items() if header.get(key) != value]
        if other:
            raise FormatError(
                f"The checkpoint belongs to another fit: it differs in {', '.join(other)}.",
                where=str(path),
                fix="delete it, or name another file",
            )
        arrays = {key: torch.from_numpy(np.array(value)) for key, value in state.arrays.items()}
        for name, module in self.objective.modules.items():
            module.load_state_dict(_under(arrays, f"module.{name}."))
        own = {f"{m}.{k}": v.device for m, k, v in self._weights()}
        self.average = {key: arrays[f"average.{key}"].to(own[key]) for key in self.average}
        self.best_weights = {key: value.to(own[key]) for key, value in _under(arrays, "best.").items()}
        for name, optimizer in self.objective.optimizers.items():
            document = optimizer.state_dict()
            document["state"] = {}
            for key, value in _under(arrays, f"optimizer.{name}.").items():
                place, _, slot = key.partition(".")
                document["state"].setdefault(int(place), {})[slot] = value
            optimizer.load_state_dict(document)
        self.order = arrays["order"]
        self.gen.set_state(arrays["generator"])
        if self.noise is not self.gen:
            self.noise.set_state(arrays["noise"])
        for key in self._saved:
            setattr(self, key, state.meta[key])
        self.spent = float(header["spent"])


class _Swapped:
    """Within `with`, parameters hold other values."""

    def __init__(self, own: list[nn.Parameter] | list[Tensor], other: list[Tensor]) -> None:
        self.own, self.other = own, other
        self.kept: list[Tensor] = []

    def __enter__(self) -> None:
        if self.other:
            self.kept = [value.detach().clone() for value in self.own]
            self._put(self.other)

    def __exit__(self, *error: object) -> None:
        if self.other:
            self._put(self.kept)

    def _put(self, values: list[Tensor]) -> None:
        with torch.no_grad():
            for own, value in zip(self.own, values, strict=True):
                own.copy_(value)


def _under(arrays: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): value for key, value in arrays.items() if key.startswith(prefix)}
