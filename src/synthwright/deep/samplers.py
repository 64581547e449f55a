"""From noise to data along a path: ordinary differential equations, guidance, known values."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from synthwright.deep.paths import EDM, MaskedDiscrete, Net, RectifiedFlow

Field = Callable[[Tensor, Tensor], Tensor]  # (x, t of the batch) -> dx/dt


def euler(field: Field, x: Tensor, times: Tensor) -> Tensor:
    """Follow dx/dt = field along falling or rising times (steps + 1,); error of order 1."""
    for t, after in itertools.pairwise(times):
        x = x + (after - t) * field(x, t.expand(len(x)))
    return x


def heun(field: Field, x: Tensor, times: Tensor) -> Tensor:
    """As `euler`, with the trapezoidal rule: error of order 2, two calls a step (arXiv 2206.00364, algorithm 1).

    The last step is an Euler step, so that the field is never asked at the end of the path.
    """
    last = len(times) - 2
    for i, (t, after) in enumerate(itertools.pairwise(times)):
        slope = field(x, t.expand(len(x)))
        guess = x + (after - t) * slope
        if i < last:
            slope = (slope + field(guess, after.expand(len(x)))) / 2
            guess = x + (after - t) * slope
        x = guess
    return x


def guided(net: Net, null: Any, weight: float) -> Net:
    """The net with classifier-free guidance: v0 + weight (v1 - v0) (Ho & Salimans 2022, arXiv 2207.12598, eq. 6).

    null: the condition that says nothing. weight 1 is the net itself, and costs one call instead of two.
    """
    if weight == 1:
        return net

    def answer(x: Tensor, t: Tensor, cond: Any) -> Tensor:
        plain = net(x, t, null)
        return plain + weight * (net(x, t, cond) - plain)

    return answer


@torch.no_grad()
def flow(
    path: RectifiedFlow,
    net: Net,
    noise: Tensor,
    cond: Any = None,
    *,
    steps: int = 20,
    known: tuple[Tensor, Tensor] | None = None,
    repeats: int = 10,
    gen: torch.Generator | None = None,
    solver: Callable[[Field, Tensor, Tensor], Tensor] = heun,
) -> Tensor:
    """Data from noise (batch, ...), t from 0 to 1 in `steps` steps.

    known: (values, mask): where mask is True the sample keeps `values`; before every step these places are put on
    the path anew, and each step is taken `repeats` times (RePaint, Lugmayr et al. 2022, arXiv 2201.09865), so that the
    other values come to agree with them. Needs gen.
    """

    def field(x: Tensor, t: Tensor) -> Tensor:
        return path.velocity(net, x, t, cond)

    times = torch.linspace(0, 1, steps + 1, device=noise.device)
    if known is None:
        return solver(field, noise, times)
    if gen is None:
        raise ValueError("known values need gen")
    values, mask = known
    x = noise
    for t, after in itertools.pairwise(times):
        for again in range(repeats):
            fresh = torch.randn(noise.shape, generator=gen, device=noise.device)
            x = torch.where(mask, path.noised(values, fresh, t.expand(len(x))), x)
            moved = x + (after - t) * field(x, t.expand(len(x)))
            if again < repeats - 1 and t > 0:  # back to t: scale the signal down and fill up with noise
                share = t / after
                left = ((1 - t) ** 2 - (share * (1 - after)) ** 2).clamp(min=0).sqrt()
                x = share * moved + left * torch.randn(noise.shape, generator=gen, device=noise.device)
            else:
                x = moved
                break
    return torch.where(mask, values, x)


@torch.no_grad()
def edm(
    path: EDM,
    net: Net,
    noise: Tensor,
    cond: Any = None,
    *,
    steps: int = 18,
    churn: float = 0.0,
    gen: torch.Generator | None = None,
) -> Tensor:
    """Data from standard noise by Heun steps over the schedule (arXiv 2206.00364, algorithm 2; churn = S_churn)."""
    if churn > 0 and gen is None:
        raise ValueError("churn needs gen")
    sigmas = path.schedule(steps, noise.device)
    x = noise * sigmas[0]
    gamma = min(churn / steps, 2**0.5 - 1)
    for i in range(steps):
        now, after = sigmas[i], sigmas[i + 1]
        if gamma > 0 and gen is not None:
            raised = now * (1 + gamma)
            fresh = torch.randn(x.shape, generator=gen, device=x.device)
            x, now = x + (raised**2 - now**2).sqrt() * fresh, raised
        slope = (x - path.denoised(net, x, now.expand(len(x)), cond)) / now
        guess = x + (after - now) * slope
        if after > 0:
            other = (guess - path.denoised(net, guess, after.expand(len(x)), cond)) / after
            guess = x + (after - now) * (slope + other) / 2
        x = guess
    return x


@torch.no_grad()
def masked(
    path: MaskedDiscrete,
    logits: Callable[[Tensor, Tensor], Sequence[Tensor]],
    n: int,
    gen: torch.Generator,
    *,
    steps: int = 32,
    known: Tensor | None = None,
) -> Tensor:
    """Tokens (n, d) by unmasking from t = 1 to 0 (arXiv 2406.07524, eq. 7).

    With exact logits the law of the sample tends to the exact one as `steps` grow: columns that are unmasked in the
    same step are drawn independently of each other.

    logits: (tokens, t) -> of each column (n, levels). known: tokens that are given, the mask where they are not.
    """
    masks = path.masks(gen.device)
    tokens = masks.expand(n, -1).clone() if known is None else known.clone()
    times = torch.linspace(1, 0, steps + 1, device=gen.device)
    for t, after in itertools.pairwise(times):
        hidden = tokens == masks
        share = 1 - path.masked_share(after) / path.masked_share(t) if after > 0 else torch.ones(())
        turn = hidden & (torch.rand(tokens.shape, generator=gen, device=gen.device) < share)
        if not turn.any():
            continue
        for j, one in enumerate(logits(tokens, t.expand(n))):
            rows = turn[:, j].nonzero()[:, 0]
            if len(rows):
                tokens[rows, j] = torch.multinomial(one[rows].softmax(1), 1, generator=gen)[:, 0]
    return tokens
