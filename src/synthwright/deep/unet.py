"""A small U-Net over images: what is predicted at each pixel, given the noisy image, the time and the class."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthwright.deep.nets import TimeEmbedding


class UNet(nn.Module):
    """Residual blocks at one or two scales, attention at the lowest, one number out for each number in.

    channels: of the images. classes: 0..classes-1 are told apart, `classes` itself means "no class". width: channels
    of the first scale, a multiple of 8. levels: scales, each half as fine and twice as wide as the one before.
    fold: pixels of fold x fold become channels of one, so that the first scale is already coarse.
    Height and width of images are multiples of fold * 2^(levels-1).
    Source: Ho et al. 2020 (arXiv 2006.11239), appendix B; folding: Shi et al. 2016 (arXiv 1609.05158).
    """

    def __init__(self, channels: int, classes: int, *, width: int = 32, levels: int = 1, fold: int = 1) -> None:
        super().__init__()
        self.fold = fold
        embed = 4 * width
        widths = [width * 2**i for i in range(levels)]
        self.time = TimeEmbedding(embed)
        self.label = nn.Embedding(classes + 1, embed)
        self.inlet = nn.Conv2d(channels * fold**2, width, 3, padding=1)
        self.down = nn.ModuleList(ResidualBlock(w, w, embed) for w in widths)
        self.shrink = nn.ModuleList(nn.Conv2d(a, 2 * a, 3, stride=2, padding=1) for a in widths[:-1])
        self.middle = ResidualBlock(widths[-1], widths[-1], embed)
        self.attention = Attention(widths[-1])
        self.up = nn.ModuleList(ResidualBlock(2 * w, w, embed) for w in reversed(widths))
        self.grow = nn.ModuleList(nn.Conv2d(2 * a, a, 3, padding=1) for a in reversed(widths[:-1]))
        self.out_norm = nn.GroupNorm(8, width)
        self.outlet = _zero(nn.Conv2d(width, channels * fold**2, 3, padding=1))

    def forward(self, x: Tensor, t: Tensor, cond: Tensor) -> Tensor:
        """x: (batch, c, h, w); t: (batch,) in 0..1; cond: (batch,) int64, the class.

        Returns (batch, c, h, w)."""
        embed = self.time(t) + self.label(cond)  # (batch, 4 width)
        h = self.inlet(F.pixel_unshuffle(x, self.fold))
        skips = []
        for i, block in enumerate(self.down):
            h = block(h, embed)
            skips.append(h)
            if i < len(self.shrink):
                h = self.shrink[i](h)
        h = self.attention(self.middle(h, embed))
        for i, block in enumerate(self.up):
            if i:
                h = self.grow[i - 1](F.interpolate(h, scale_factor=2.0, mode="nearest"))
            h = block(torch.cat([h, skips.pop()], dim=1), embed)
        return F.pixel_shuffle(self.outlet(F.silu(self.out_norm(h))), self.fold)


class ResidualBlock(nn.Module):
    """Two convolutions whose middle is scaled and shifted by the embedding, added to the input."""

    def __init__(self, wide_in: int, wide_out: int, embed: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, wide_in)
        self.first = nn.Conv2d(wide_in, wide_out, 3, padding=1)
        self.modulate = nn.Linear(embed, 2 * wide_out)
        self.norm_out = nn.GroupNorm(8, wide_out)
        self.last = _zero(nn.Conv2d(wide_out, wide_out, 3, padding=1))
        self.around = nn.Conv2d(wide_in, wide_out, 1) if wide_in != wide_out else nn.Identity()

    def forward(self, x: Tensor, embed: Tensor) -> Tensor:
        """x: (batch, wide_in, h, w); embed: (batch, embed). Returns (batch, wide_out, h, w)."""
        h = self.first(F.silu(self.norm(x)))
        scale, shift = self.modulate(F.silu(embed))[:, :, None, None].chunk(2, dim=1)
        h = self.last(F.silu(self.norm_out(h) * (1 + scale) + shift))
        return self.around(x) + h


class Attention(nn.Module):
    """Self-attention over all places, one head, added to the input."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, wide)
        self.project = nn.Conv2d(wide, 3 * wide, 1)
        self.last = _zero(nn.Conv2d(wide, wide, 1))

    def forward(self, x: Tensor) -> Tensor:
        """x: (batch, wide, h, w), and so is what is returned."""
        batch, wide, height, width = x.shape
        q, k, v = self.project(self.norm(x)).flatten(2).transpose(1, 2).chunk(3, dim=2)  # (batch, places, wide)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return x + self.last(mixed.transpose(1, 2).reshape(batch, wide, height, width))


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    """The layer with its weights at 0, so that what it ends is the identity at the start of training."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
