"""What training lowers. Each loss returns one number per unit of the batch, (batch,), unless it says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from synthwright.deep.paths import EDM, MaskedDiscrete, Net, RectifiedFlow, spread


def flow_matching(path: RectifiedFlow, net: Net, data: Tensor, cond: Any, gen: torch.Generator) -> Tensor:
    """E |v(x_t, t) - (data - noise)|^2, mean over the values of a unit (arXiv 2209.03003, eq. 1).

    A net that answers the data is judged on the same velocity error, with 1 / (1 - t)^2 bounded by `path.latest`.
    """
    noise = torch.randn(data.shape, generator=gen, device=data.device)
    t = path.times(len(data), gen)
    x = path.noised(data, noise, t)
    answer = net(x, t, cond)
    if path.target == "velocity":
        error = answer - (data - noise)
    else:
        error = (answer - data) / (1 - spread(t, data)).clamp(min=1 - path.latest)
    return error.square().flatten(1).mean(1)


def edm_denoising(path: EDM, net: Net, data: Tensor, cond: Any, gen: torch.Generator) -> Tensor:
    """E lambda(sigma) |D(data + sigma noise; sigma) - data|^2 (arXiv 2206.00364, eq. 8)."""
    sigma = path.sigmas(len(data), gen)
    noise = torch.randn(data.shape, generator=gen, device=data.device)
    x = data + spread(sigma, data) * noise
    error = (path.denoised(net, x, sigma, cond) - data).square().flatten(1).mean(1)
    return path.weight(sigma) * error


def masked_cross_entropy(
    path: MaskedDiscrete, logits: Sequence[Tensor], tokens: Tensor, hidden: Tensor, t: Tensor
) -> Tensor:
    """weight(t) sum over masked columns of -log p(token), an upper bound of -log p (arXiv 2406.07524, eq. 11).

    logits: of each column (batch, levels); tokens, hidden: (batch, d).
    """
    total = torch.zeros(len(tokens), device=tokens.device)
    for j, one in enumerate(logits):
        total = total + F.cross_entropy(one, tokens[:, j], reduction="none") * hidden[:, j]
    return path.weight(t) * total


def critic_loss(
    critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, gen: torch.Generator, penalty: float = 10.0
) -> Tensor:
    """E critic(fake) - E critic(real) + penalty E (|grad critic(x)| - 1)^2, x between real and fake: one number.

    Gulrajani et al. 2017 (arXiv 1704.00028), eq. 3.
    """
    judged = critic(torch.cat([fake, real]))
    gap = judged[: len(fake)].mean() - judged[len(fake) :].mean()
    return gap + penalty * gradient_penalty(critic, real, fake, gen)


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, gen: torch.Generator) -> Tensor:
    """E (|grad critic(x)|_2 - 1)^2 at random points on the lines between real and fake rows: one number."""
    share = torch.rand((len(real), *([1] * (real.dim() - 1))), generator=gen, device=real.device)
    x = (share * real + (1 - share) * fake).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (slope.flatten(1).norm(2, dim=1) - 1).square().mean()


def gaussian_kl(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(mean, exp(log_variance)) || N(0, 1)) summed over the latent values (Kingma & Welling 2014, appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).flatten(1).sum(1)
