"""A diffusion model of whitened series: arrays in, a net and arrays out.

In a space where the data have mean 0 and covariance 1, the preconditioned denoiser whose net answers 0 is the exact
denoiser of a standard normal distribution. Training therefore starts from the Gaussian model of the data and can only
add to it what is not Gaussian.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from synthwright.core.context import Context
from synthwright.deep import losses, samplers
from synthwright.deep.nets import ResidualMLP
from synthwright.deep.paths import EDM
from synthwright.deep.tensors import build, tensor_of, torch_generator
from synthwright.deep.train import Plan, Trained, adamw, train

PATH = EDM(sigma_data=1.0, mean=-0.8, width=1.4, sigma_min=0.002, sigma_max=40.0)
_NARROWEST = 64
_HELD = 2_048  # rows kept back that are looked at


@dataclass(frozen=True)
class Size:
    """Widths of the groups of scores that do not depend on each other, of the condition, and of the net."""

    groups: tuple[int, ...]
    cond: int
    width: int = 384
    depth: int = 4

    @property
    def data(self) -> int:
        """Number of scores."""
        return sum(self.groups)

    def net(self) -> GroupedNet:
        """An untrained net."""
        return GroupedNet(self)


class GroupedNet(nn.Module):
    """x (batch, scores), t (batch,), cond (batch, width_cond) or None -> (batch, scores): a net for each group.

    What a net would have to learn first, that groups do not depend on each other, holds from the start. The width is
    shared out by the groups' sizes, down to 64.
    """

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.sizes = list(size.groups)
        self.nets = nn.ModuleList(
            ResidualMLP(
                own,
                own,
                width=min(size.width, max(_NARROWEST, round(size.width * own / size.data))),
                depth=size.depth,
                width_cond=size.cond,
            )
            for own in size.groups
        )

    def forward(self, x: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        parts = x.split(self.sizes, dim=1)
        return torch.cat([net(part, t, cond) for net, part in zip(self.nets, parts, strict=True)], 1)


class WhitenedDenoising:
    """The objective. held: rows kept back by the caller, because windows that overlap must not be kept at random."""

    averaged: Sequence[str] = ("net",)

    def __init__(self, net: nn.Module, held: tuple[Tensor, ...] | None, *, rate: float, clip: float | None) -> None:
        self.net, self.held, self.clip = net, held, clip
        self.modules: Mapping[str, nn.Module] = {"net": net}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"net": adamw(net, rate)}

    def step(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> dict[str, Tensor]:
        """One update on (scores, condition)."""
        loss = self._loss(batch, gen)
        self.optimizers["net"].zero_grad(set_to_none=True)
        loss.backward()
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.optimizers["net"].step()
        return {"loss": loss.detach()}

    def _loss(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor:
        x, cond = batch
        return losses.edm_denoising(PATH, self.net, x, cond if cond.shape[1] else None, gen).mean()

    def holdout(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor | None:
        """The mean loss on the caller's rows; the loop's own, kept back at random, are not used."""
        return None if self.held is None else self._loss(self.held, gen)


def fitted(
    z: np.ndarray, cond: np.ndarray, held: np.ndarray, ctx: Context, *, size: Size, plan: Plan, rate: float,
    device: torch.device | str = "cpu",
) -> tuple[GroupedNet, Trained]:  # fmt: skip
    """A net trained on scores z (n, data) under conditions (n, cond). held: bool (n,), rows that only judge."""
    net = build(size.net, torch_generator(ctx.rng))
    assert isinstance(net, GroupedNet)  # for the type checker
    net = net.to(device)
    kept = np.flatnonzero(held)[:: max(1, int(held.sum()) // _HELD)]
    judged = (tensor_of(z[kept], device), tensor_of(cond[kept], device)) if len(kept) else None
    objective = WhitenedDenoising(net, judged, rate=rate, clip=plan.clip)
    trained = train(objective, (tensor_of(z[~held], device), tensor_of(cond[~held], device)), ctx, plan)
    return net.eval(), trained


def drawn(net: GroupedNet, size: Size, cond: np.ndarray, rng: np.random.Generator, *, steps: int) -> np.ndarray:
    """Scores (n, data) under conditions (n, cond); the noise is drawn on the processor."""
    device = next(net.parameters()).device
    noise = torch.randn((len(cond), size.data), generator=torch_generator(rng)).to(device)
    given = tensor_of(cond, device) if size.cond else None
    return np.asarray(samplers.edm(PATH, net, noise, given, steps=steps).cpu().numpy(), dtype=np.float64)
