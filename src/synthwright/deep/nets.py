"""Nets that are asked `net(x, t, cond)`; no training code. Images have their own in `unet`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class TimeEmbedding(nn.Module):
    """t (batch,) -> (batch, width): sines and cosines of rising frequency, then two layers (arXiv 1706.03762, 3.5)."""

    def __init__(self, width: int, *, waves: int = 64, scale: float = 1000.0) -> None:
        super().__init__()
        frequencies = torch.exp(-math.log(10_000) * torch.arange(waves // 2) / (waves // 2)) * scale
        self.register_buffer("frequencies", frequencies, persistent=False)
        self.layers = nn.Sequential(nn.Linear(waves, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t: Tensor) -> Tensor:
        angles = t[:, None] * self.frequencies  # (batch, waves / 2)
        return self.layers(torch.cat([angles.sin(), angles.cos()], 1))


class ResidualMLP(nn.Module):
    """x (batch, width_in), t (batch,), cond (batch, width_cond) or None -> (batch, width_out).

    Pre-norm residual blocks; time and condition are added in every block. The last layer starts at zero.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        *,
        width: int = 384,
        depth: int = 3,
        width_cond: int = 0,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.first = nn.Linear(width_in, width)
        self.time = TimeEmbedding(width)
        self.cond = nn.Linear(width_cond, width) if width_cond else None
        self.blocks = nn.ModuleList(_Block(width, dropout) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, width_out)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, t: Tensor, cond: Tensor | None = None) -> Tensor:
        context = self.time(t)
        if self.cond is not None and cond is not None:
            context = context + self.cond(cond)
        context = F.silu(context)
        h = self.first(x)
        for block in self.blocks:
            h = block(h, context)
        return self.last(F.silu(self.norm(h)))


class _Block(nn.Module):
    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.inner = nn.Linear(width, width)
        self.context = nn.Linear(width, width)
        self.outer = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, context: Tensor) -> Tensor:
        inner = self.inner(F.silu(self.norm(h))) + self.context(context)
        return h + self.outer(self.dropout(F.silu(inner)))


class SequenceTransformer(nn.Module):
    """x (batch, length, channels), t (batch,), cond -> (batch, length, channels).

    cond: None, a tensor (batch, width_cond), or (that or None, lengths (batch,)): places at or beyond a length are
    masked. Pre-norm blocks with learned positions (arXiv 2002.04745); the last layer starts at zero.
    """

    def __init__(
        self, channels: int, length: int, *, width: int = 64, heads: int = 4, depth: int = 3, width_cond: int = 0
    ) -> None:
        super().__init__()
        self.first = nn.Linear(channels, width)
        self.place = nn.Parameter(torch.randn(length, width) * 0.02)
        self.time = TimeEmbedding(width)
        self.cond = nn.Linear(width_cond, width) if width_cond else None
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.last = nn.Linear(width, channels)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, t: Tensor, cond: Tensor | tuple[Tensor | None, Tensor] | None = None) -> Tensor:
        given, lengths = cond if isinstance(cond, tuple) else (cond, None)
        context = self.time(t)
        if self.cond is not None and given is not None:
            context = context + self.cond(given)
        h = self.first(x) + self.place[: x.shape[1]] + context[:, None]
        beyond = None
        if lengths is not None:
            beyond = torch.arange(x.shape[1], device=x.device)[None] >= lengths[:, None]
        for block in self.blocks:
            h = block(h, src_key_padding_mask=beyond)
        return self.last(self.norm(h))


class GRUClassifier(nn.Module):
    """x (batch, length, channels) -> (batch, outputs) from the last state; lengths (batch,) when they differ."""

    def __init__(self, channels: int, *, hidden: int, outputs: int = 1) -> None:
        super().__init__()
        self.gru = nn.GRU(channels, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        states, _ = self.gru(x)
        last = torch.full((len(x),), x.shape[1], device=x.device) if lengths is None else lengths
        return self.head(states[torch.arange(len(x), device=x.device), last - 1])
