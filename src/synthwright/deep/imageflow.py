"""A class-conditional rectified flow on images: arrays in, a net and arrays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from synthwright.core.context import Context
from synthwright.deep import losses, samplers
from synthwright.deep.paths import RectifiedFlow, spread
from synthwright.deep.tensors import build, tensor_of, torch_generator
from synthwright.deep.train import Plan, Trained, adamw, train
from synthwright.deep.unet import UNet

PATH = RectifiedFlow()
LEAST_SPREAD = 0.02  # of a pixel in -1..1: about the step between two grey values, times the deviation of rounding


@dataclass(frozen=True)
class Shape:
    """Size of the images and of the net for them. height, width: as the net sees them, padded."""

    channels: int
    height: int
    width: int
    classes: int
    base: int = 32
    levels: int = 1
    fold: int = 1

    @classmethod
    def of(cls, size: tuple[int, int, int], classes: int, base: int | None = None) -> Shape:
        """The net for images of a size (h, w, channels).

        Up to 12 pixels a side one scale, up to 32 two and folded by 2, above folded by 4.
        """
        h, w, channels = size
        side = max(h, w)
        fold, levels, usual = (1, 1, 32) if side <= 12 else (2, 2, 32) if side <= 32 else (4, 2, 48)
        step = fold * 2 ** (levels - 1)
        return cls(channels, -(-h // step) * step, -(-w // step) * step, classes, base or usual, levels, fold)

    def net(self) -> Residual:
        """An untrained net."""
        inner = UNet(self.channels, self.classes, width=self.base, levels=self.levels, fold=self.fold)
        # Channels last: convolutions of few pixels and many channels are a seventh faster so on a processor.
        net = Residual(inner, (self.channels, self.height, self.width))
        net.to(memory_format=torch.channels_last)
        return net


class Residual(nn.Module):
    """A net that answers only what a Gaussian without correlations does not know of the velocity.

    Were the data N(mean, spread^2) in each pixel on its own, then at time t, with c = x - t mean and
    V = (1 - t)^2 + t^2 spread^2, the velocity would be mean + (t spread^2 - (1 - t)) c / V. The inner net is given
    c / sqrt(V) and its answer counts spread / sqrt(V), the deviation of what is left: inputs and targets have unit
    size at all times, pixels that never change cost nothing, and an untrained net is that Gaussian. It is the
    preconditioning of Karras et al. 2022 (arXiv 2206.00364, table 1 and appendix B.6) on straight paths.
    docs/decisions/0013 has what it brings, and why the Gaussian has neither classes nor correlations.
    """

    def __init__(self, inner: nn.Module, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("mean", torch.zeros(shape))  # (c, h, w)
        self.register_buffer("spread", torch.ones(shape))

    def forward(self, x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        """x: (batch, c, h, w); t: (batch,); cond: (batch,) classes. Returns the velocity, (batch, c, h, w)."""
        time = spread(t, x)
        centred = x - time * self.mean
        variance = (1 - time) ** 2 + (time * self.spread) ** 2  # (batch, c, h, w)
        root = variance.sqrt()
        known = self.mean + (time * self.spread**2 - (1 - time)) * centred / variance
        return known + self.spread / root * self.inner(centred / root, t, cond)


class LabelledFlow:
    """The objective: flow matching, in which a share `drop` of the classes is hidden.

    Nets trained so answer with and without a class, which guidance needs (Ho & Salimans 2022, arXiv 2207.12598).
    """

    averaged: Sequence[str] = ("net",)

    def __init__(self, net: nn.Module, classes: int, *, rate: float, drop: float, clip: float | None) -> None:
        self.net, self.classes, self.drop, self.clip = net, classes, drop, clip
        self.modules: Mapping[str, nn.Module] = {"net": net}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"net": adamw(net, rate)}

    def step(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> dict[str, Tensor]:
        """One update on (images, classes)."""
        x, labels = batch
        hidden = torch.rand(len(labels), generator=gen, device=gen.device).to(labels.device) < self.drop
        labels = torch.where(hidden, self.classes, labels)
        loss = losses.flow_matching(PATH, self.net, x, labels, gen).mean()
        self.optimizers["net"].zero_grad(set_to_none=True)
        loss.backward()
        if self.clip is not None:
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.optimizers["net"].step()
        return {"loss": loss.detach()}

    def holdout(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor | None:
        """The mean loss on images kept back, with their classes."""
        x, labels = batch
        return losses.flow_matching(PATH, self.net, x, labels, gen).mean()


def fitted(
    pixels: np.ndarray, codes: np.ndarray, shape: Shape, ctx: Context, plan: Plan, **settings: Any
) -> tuple[Residual, Trained]:
    """A net trained on images (n, h, w, c) uint8 of classes (n,). settings: rate and drop of `LabelledFlow`; device."""
    device = torch.device(settings.pop("device", "cpu"))
    x = to_net(pixels, shape)
    net = cast(Residual, build(shape.net, torch_generator(ctx.rng)))
    net.mean.copy_(torch.from_numpy(x.mean(axis=0)))
    net.spread.copy_(torch.from_numpy(np.maximum(x.std(axis=0), LEAST_SPREAD)))
    net = net.to(device)
    objective = LabelledFlow(net, shape.classes, clip=plan.clip, **settings)
    data = (tensor_of(x, device), tensor_of(codes, device))
    trained = train(objective, data, ctx, plan)
    return net.eval(), trained


def drawn(
    net: nn.Module, shape: Shape, codes: np.ndarray, rng: np.random.Generator, *, guidance: float, steps: int
) -> np.ndarray:
    """Images (n, height, width, c) float32 in grey values of the classes (n,), neither rounded nor cut off, padded.

    The noise is drawn on the processor.
    """
    device = next(net.parameters()).device
    gen = torch_generator(rng)
    noise = torch.randn((len(codes), shape.channels, shape.height, shape.width), generator=gen).to(device)
    labels = tensor_of(codes, device)
    field = samplers.guided(net, torch.full_like(labels, shape.classes), guidance)
    return from_net(samplers.flow(PATH, field, noise, labels, steps=steps).cpu().numpy())


def to_net(pixels: np.ndarray, shape: Shape) -> np.ndarray:
    """Pixels (n, h, w, c) as numbers in -1..1, (n, c, height, width); edges are repeated into the padding."""
    _, h, w, _ = pixels.shape
    full = np.pad(pixels, ((0, 0), (0, shape.height - h), (0, shape.width - w), (0, 0)), mode="edge")
    return np.ascontiguousarray(full.transpose(0, 3, 1, 2), dtype=np.float32) / 127.5 - 1


def from_net(x: np.ndarray) -> np.ndarray:
    """The inverse of `to_net`, still padded, float32."""
    return np.asarray((x.transpose(0, 2, 3, 1) + 1) * np.float32(127.5))
