"""CTGAN: a conditional Wasserstein GAN for rows of a table (Xu et al. 2019, arXiv 1907.00503)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthwright.deep.heads import Heads, dropped
from synthwright.deep.losses import critic_loss
from synthwright.deep.tensors import build


@dataclass(frozen=True)
class GANOptions:
    """Numbers of the paper, section 4."""

    noise: int = 128
    hidden: tuple[int, ...] = (256, 256)
    pack: int = 10  # rows that the critic judges together (PacGAN, arXiv 1712.04086)
    penalty: float = 10.0
    temperature: float = 0.2
    dropout: float = 0.5
    rate: float = 2e-4
    decay: float = 1e-6


class BatchNorm(nn.Module):
    """Values less their mean, over their deviation: in training those of the batch, afterwards those of `settle`.

    Ioffe & Szegedy 2015 (arXiv 1502.03167), without a running average: averaged weights need moments of their own.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return F.batch_norm(x, None, None, self.weight, self.bias, training=True)
        return F.batch_norm(x, self.mean, self.variance, self.weight, self.bias)


class RowMaker(nn.Module):
    """noise and condition (batch, width_in) -> raw rows (batch, width_out); each layer sees all earlier ones."""

    def __init__(self, width_in: int, hidden: Sequence[int], width_out: int) -> None:
        super().__init__()
        inner, norms = [], []
        for width in hidden:
            inner.append(nn.Linear(width_in, width))
            norms.append(BatchNorm(width))
            width_in += width
        self.inner, self.norms = nn.ModuleList(inner), nn.ModuleList(norms)
        self.last = nn.Linear(width_in, width_out)

    def forward(self, x: Tensor) -> Tensor:
        for layer, norm in zip(self.inner, self.norms, strict=True):
            x = torch.cat([F.relu(norm(layer(x))), x], 1)
        return self.last(x)


def row_maker(heads: Heads, width_cond: int, options: GANOptions, gen: torch.Generator) -> RowMaker:
    """A new generator net for rows that `heads` describe."""
    return cast(RowMaker, build(lambda: RowMaker(options.noise + width_cond, options.hidden, heads.width), gen))


class PackCritic(nn.Module):
    """packs (batch, width_in) -> (batch, 1): how real a pack of rows looks."""

    def __init__(self, width_in: int, hidden: Sequence[int], dropout: float) -> None:
        super().__init__()
        widths = [width_in, *hidden]
        self.inner = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.last = nn.Linear(widths[-1], 1)
        self.dropout = dropout

    def forward(self, x: Tensor, gen: torch.Generator) -> Tensor:
        for layer in self.inner:
            x = dropped(F.leaky_relu(layer(x), 0.2), self.dropout, gen)
        return self.last(x)


class Conditions:
    """Training by sampling: one choice of one column is given to the net, and a real row that has it.

    codes: (rows, choices), on the device of `heads` and of the stream that draws; asked: the choices that may be
    conditioned on. Columns are drawn evenly, their things by the logarithm of their frequency (section 4.3), so that
    rare ones are learned too.
    """

    def __init__(self, codes: Tensor, heads: Heads, asked: Sequence[int]) -> None:
        found, starts, sizes, even, own = [], [], [], [], []
        self.width = sum(heads.widths[j] for j in asked)
        place = 0
        for j in asked:
            counts = torch.bincount(codes[:, j], minlength=heads.widths[j])
            starts.append(place + counts.cumsum(0) - counts)
            found.append(codes[:, j].argsort(stable=True))
            sizes.append(counts)
            logs = (counts + 1.0).log() * (counts > 0)
            even.append(logs / logs.sum() / len(asked))
            own.append(counts / counts.sum() / len(asked))
            place += len(codes)
        self.asked = tuple(asked)
        channels = [heads.starts[j] + torch.arange(heads.widths[j], device=codes.device) for j in asked]
        none = codes[0, :0]
        self.channels, self.rows, self.starts, self.counts = (
            torch.cat(one) if one else none for one in (channels, found, starts, sizes)
        )
        self.even, self.shares = (torch.cat(one) if one else none.float() for one in (even, own))
        self.n = len(codes)

    def draw(self, n: int, gen: torch.Generator) -> tuple[Tensor, Tensor]:
        """Things (n,), as places in the condition vector, and a row (n,) that has each; rows alone without choices."""
        if not self.width:
            rows = torch.randint(self.n, (n,), generator=gen, device=gen.device)
            return torch.zeros_like(rows), rows
        things = torch.multinomial(self.even, n, replacement=True, generator=gen)
        offset = (torch.rand(n, generator=gen, device=gen.device, dtype=torch.float64) * self.counts[things]).long()
        return things, self.rows[self.starts[things] + offset]


def as_vector(things: Tensor, width: int) -> Tensor:
    """Places (n,) -> one-hot (n, width); (n, 0) when there is nothing to condition on."""
    flags = torch.zeros(len(things), width, device=things.device)
    return flags.scatter_(1, things[:, None], 1.0) if width else flags


class GANObjective:
    """One critic update and one generator update a step; the batch of the loop only sets the number of rows."""

    averaged: Sequence[str] = ("maker",)

    def __init__(
        self,
        heads: Heads,
        data: tuple[Tensor, Tensor],
        conditions: Conditions,
        options: GANOptions,
        gen: torch.Generator,
    ) -> None:
        self.heads, self.options, self.conditions = heads, options, conditions
        self.scalars, self.codes = data
        self.device = heads.starts.device
        maker = row_maker(heads, conditions.width, options, gen).to(self.device)
        width = options.pack * (heads.width + conditions.width)
        critic = build(lambda: PackCritic(width, options.hidden, options.dropout), gen).to(self.device)
        self.maker, self.critic = maker, critic
        self.modules: Mapping[str, nn.Module] = {"maker": maker, "critic": critic}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "maker": _adam(maker, options.rate, options.decay),
            "critic": _adam(critic, options.rate, 0.0),
        }

    def step(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> dict[str, Tensor]:
        """Algorithm 1 of the paper, with one update of the critic for one of the generator, on the same made rows.

        Making rows anew for the second update costs a quarter of a step.
        """
        n = max(self.options.pack, len(batch[0]) // self.options.pack * self.options.pack)
        things, rows = self.conditions.draw(n, gen)
        cond = as_vector(things, self.conditions.width)
        raw = self._raw(cond, gen)
        fake = self._packed(self.heads.relaxed(raw, gen, self.options.temperature), cond)
        real = self._packed(self.heads.joined(self.scalars[rows], self.codes[rows]), cond)
        against = self._critic_step(fake.detach(), real, gen)
        self.critic.requires_grad_(False)
        judged = self.critic(fake, gen).mean()
        given = self._condition_loss(raw, things)
        self.optimizers["maker"].zero_grad()
        (given - judged).backward()
        self.optimizers["maker"].step()
        self.critic.requires_grad_(True)
        return {"critic": against, "judged": judged.detach(), "condition": given.detach()}

    def holdout(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor | None:
        """None: the losses of a GAN do not say how good its rows are."""
        return None

    def _critic_step(self, fake: Tensor, real: Tensor, gen: torch.Generator) -> Tensor:
        loss = critic_loss(lambda x: self.critic(x, gen), real, fake, gen, self.options.penalty)
        self.optimizers["critic"].zero_grad()
        loss.backward()
        self.optimizers["critic"].step()
        return loss.detach()

    def _raw(self, cond: Tensor, gen: torch.Generator) -> Tensor:
        noise = torch.randn(len(cond), self.options.noise, generator=gen, device=gen.device).to(self.device)
        return self.maker(torch.cat([noise, cond], 1))

    def _packed(self, rows: Tensor, cond: Tensor) -> Tensor:
        return torch.cat([rows, cond], 1).view(len(rows) // self.options.pack, -1)

    def _condition_loss(self, raw: Tensor, things: Tensor) -> Tensor:
        """Cross-entropy between the condition and what was made of it."""
        if not self.conditions.width:
            return raw.new_zeros(())
        logs = self.heads.log_shares(raw[:, self.heads.scalars :])
        return -logs.gather(1, self.conditions.channels[things][:, None]).mean()


def settle(maker: RowMaker, x: Tensor) -> None:
    """Give the batch norms the moments of their values for inputs x (rows, width_in); then eval mode."""
    maker.eval()
    with torch.no_grad():
        for layer, norm in zip(maker.inner, maker.norms, strict=True):
            values = layer(x)
            norm.mean.copy_(values.mean(0))
            norm.variance.copy_(values.var(0, unbiased=False))
            x = torch.cat([F.relu(norm(values)), x], 1)


def _adam(module: nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(module.parameters(), lr=rate, betas=(0.5, 0.9), weight_decay=decay, foreach=True)
