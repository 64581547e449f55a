"""TVAE: a variational autoencoder for rows of a table (Xu et al. 2019, arXiv 1907.00503, section 4.4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from synthwright.deep.heads import Heads, layers
from synthwright.deep.losses import gaussian_kl
from synthwright.deep.tensors import build


@dataclass(frozen=True)
class VAEOptions:
    """Numbers of the paper."""

    latent: int = 128
    hidden: tuple[int, ...] = (128, 128)
    factor: float = 2.0  # of the reconstruction
    rate: float = 1e-3
    decay: float = 1e-5


class RowEncoder(nn.Module):
    """rows (batch, width) -> mean and log-variance of the latent values, (batch, latent) each."""

    def __init__(self, width: int, options: VAEOptions) -> None:
        super().__init__()
        self.net = layers(width, options.hidden, 2 * options.latent)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, log_variance = self.net(x).chunk(2, 1)
        return mean, log_variance


class RowDecoder(nn.Module):
    """latent (batch, latent) -> raw rows (batch, width), and an error's standard deviation of each scalar."""

    def __init__(self, heads: Heads, options: VAEOptions) -> None:
        super().__init__()
        self.net = layers(options.latent, options.hidden[::-1], heads.width)
        self.latent = options.latent
        self.log_sigma = nn.Parameter(torch.full((heads.scalars,), -2.3))  # 0.1, as the authors begin

    def forward(self, z: Tensor) -> Tensor:
        return self.net(z)

    @property
    def sigma(self) -> Tensor:
        """(scalars,), 0.01 to 1."""
        return self.log_sigma.exp().clamp(0.01, 1.0)

    def raw_rows(self, n: int, gen: torch.Generator) -> Tensor:
        """(n, width) from the prior."""
        return self(torch.randn(n, self.latent, generator=gen))


def row_decoder(heads: Heads, options: VAEOptions, gen: torch.Generator) -> RowDecoder:
    """A new decoder for rows that `heads` describe."""
    return cast(RowDecoder, build(lambda: RowDecoder(heads, options), gen))


class VAEObjective:
    """The evidence lower bound, its reconstruction counted `factor` times; one optimiser for both nets."""

    averaged: Sequence[str] = ("encoder", "decoder")

    def __init__(self, heads: Heads, options: VAEOptions, gen: torch.Generator) -> None:
        self.heads, self.options = heads, options
        device = heads.starts.device
        self.encoder = build(lambda: RowEncoder(heads.width, options), gen).to(device)
        self.decoder = row_decoder(heads, options, gen).to(device)
        self.modules: Mapping[str, nn.Module] = {"encoder": self.encoder, "decoder": self.decoder}
        weights = [*self.encoder.parameters(), *self.decoder.parameters()]
        both = torch.optim.Adam(weights, lr=options.rate, weight_decay=options.decay, foreach=True)
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"both": both}

    def step(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> dict[str, Tensor]:
        """batch: scalars (rows, scalars) and codes (rows, choices)."""
        error, divergence = self._losses(batch, gen)
        self.optimizers["both"].zero_grad()
        (self.options.factor * error + divergence).backward()
        self.optimizers["both"].step()
        return {"error": error.detach(), "divergence": divergence.detach()}

    def holdout(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor | None:
        """The same loss."""
        error, divergence = self._losses(batch, gen)
        return self.options.factor * error + divergence

    def _losses(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> tuple[Tensor, Tensor]:
        scalars, codes = batch
        flags = self.heads.one_hot(codes)
        mean, log_variance = self.encoder(torch.cat([scalars, flags], 1))
        noise = torch.randn(mean.shape, generator=gen, device=gen.device).to(mean.device)
        raw = self.decoder(mean + (0.5 * log_variance).exp() * noise)
        made, logits = raw[:, : self.heads.scalars].tanh(), raw[:, self.heads.scalars :]
        sigma = self.decoder.sigma
        normal = 0.5 * ((scalars - made) / sigma).square() + sigma.log()  # up to a constant
        error = (normal * self.heads.counted(flags)).sum(1) + self.heads.chosen_loss(logits, codes).sum(1)
        return error.mean(), gaussian_kl(mean, log_variance).mean()
