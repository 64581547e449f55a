"""Rows of a table as a net gives them: numbers in (-1, 1), and choices among a few things.

A row is (scalars, choices): scalars come first, then one one-hot block for each choice. A scalar may be bound to the
first things of a choice: it is 0 whenever something else is chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Heads(nn.Module):
    """What the last layer of a net means.

    scalars: how many numbers; widths: number of things of each choice; bound: for each scalar None or (choice, k):
    it has a meaning only while one of the first k things of that choice is chosen.
    """

    def __init__(self, scalars: int, widths: Sequence[int], bound: Sequence[tuple[int, int] | None]) -> None:
        super().__init__()
        self.scalars, self.widths, self.total = scalars, tuple(widths), sum(widths)
        self.width = scalars + self.total
        starts = [sum(widths[:j]) for j in range(len(widths))]
        gate, free = torch.zeros(self.total, scalars), torch.ones(scalars)
        for j, one in enumerate(bound):
            if one is not None:
                gate[starts[one[0]] : starts[one[0]] + one[1], j], free[j] = 1.0, 0.0
        self.register_buffer("starts", torch.tensor(starts, dtype=torch.int64), persistent=False)
        self.register_buffer("gate", gate, persistent=False)
        self.register_buffer("free", free, persistent=False)

    def one_hot(self, codes: Tensor) -> Tensor:
        """codes (batch, choices) -> (batch, total) of 0 and 1."""
        flags = torch.zeros(len(codes), self.total, device=codes.device)
        return flags.scatter_(1, codes + self.starts, 1.0)

    def joined(self, scalars: Tensor, codes: Tensor) -> Tensor:
        """(batch, width): a row as nets see it."""
        return torch.cat([scalars, self.one_hot(codes)], 1)

    def counted(self, flags: Tensor) -> Tensor:
        """flags (batch, total) -> (batch, scalars): how much each scalar has a meaning, 0 to 1."""
        return flags @ self.gate + self.free

    def log_shares(self, logits: Tensor) -> Tensor:
        """logits (batch, total) -> (batch, total): log-softmax within each choice."""
        if not self.total:
            return logits
        # One call a choice: gathering all choices into one padded array took ten times as long, backwards above all.
        return torch.cat([one.log_softmax(1) for one in logits.split(self.widths, 1)], 1)

    def relaxed(self, raw: Tensor, gen: torch.Generator, temperature: float) -> Tensor:
        """raw (batch, width) -> rows whose choices are nearly one-hot and can be differentiated.

        Gumbel-softmax (Jang et al. 2017, arXiv 1611.01144, eq. 2).
        """
        if not self.total:
            return raw.tanh()
        logits = raw[:, self.scalars :]
        noisy = (logits + gumbel(logits, gen)) / temperature
        flags = torch.cat([one.softmax(1) for one in noisy.split(self.widths, 1)], 1)
        return torch.cat([raw[:, : self.scalars].tanh() * self.counted(flags), flags], 1)

    def drawn(self, raw: Tensor, gen: torch.Generator) -> tuple[Tensor, Tensor]:
        """raw -> scalars (batch, scalars) and codes (batch, choices), drawn by their shares."""
        scalars, logits = raw[:, : self.scalars].tanh(), raw[:, self.scalars :]
        if not self.total:
            return scalars, logits.long()
        noisy = (logits + gumbel(logits, gen)).split(self.widths, 1)
        return scalars, torch.stack([one.argmax(1) for one in noisy], 1)

    def chosen_loss(self, logits: Tensor, codes: Tensor) -> Tensor:
        """-log share of the given codes, (batch, choices)."""
        return -self.log_shares(logits).gather(1, codes + self.starts)

    def offsets(self, logits: Tensor, shares: Tensor, *, rounds: int = 12) -> Tensor:
        """What to add to logits (rows, total) so that the mean of their softmax is `shares` (total,).

        The multiplicative update of the prior of a classifier (Saerens et al. 2002, equation 2.4), run to a fixed
        point. Shares of 0 are kept away from minus infinity by a thousandth of a row.
        """
        shares = shares.clamp(min=1e-3 / max(len(logits), 1))
        found = torch.zeros(self.total, device=logits.device)
        for _ in range(rounds):
            made = self.log_shares(logits + found).exp().mean(0)
            found = found + (shares / made.clamp(min=1e-12)).log().clamp(-3.0, 3.0)
        return found


def gumbel(like: Tensor, gen: torch.Generator) -> Tensor:
    """Standard Gumbel noise of the shape and device of `like`."""
    u = torch.rand(like.shape, generator=gen, device=gen.device).to(like.device)
    return -torch.log(-torch.log(u.clamp(1e-20, 1 - 1e-7)))  # within what float32 tells from 0 and 1


def dropped(x: Tensor, share: float, gen: torch.Generator) -> Tensor:
    """Dropout with its own random stream: torch's module reads the global one."""
    if not share:
        return x
    kept = (torch.rand(x.shape, generator=gen, device=gen.device) >= share).to(x.device)
    return x * kept / (1 - share)


def layers(width_in: int, hidden: Sequence[int], width_out: int) -> nn.Sequential:
    """Linear and ReLU layers, the last one linear."""
    found: list[nn.Module] = []
    for width in hidden:
        found += [nn.Linear(width_in, width), nn.ReLU()]
        width_in = width
    return nn.Sequential(*found, nn.Linear(width_in, width_out))
