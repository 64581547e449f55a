"""Paths from noise to data: what a net is asked at a time, and what its answer means.

Every net is called `net(x, t, cond)`: x (batch, ...) noisy values, t (batch,) the path's own clock, cond a tensor or
None. A path turns the answer into the two things that losses and samplers need: the velocity of the flow, and the
denoised values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

Net = Callable[[Tensor, Tensor, Any], Tensor]


def spread(t: Tensor, x: Tensor) -> Tensor:
    """t (batch,) with as many trailing axes of length 1 as x has."""
    return t.view(-1, *([1] * (x.dim() - 1)))


@dataclass(frozen=True)
class RectifiedFlow:
    """Straight paths x_t = (1 - t) noise + t data, t from 0 to 1 (Liu et al. 2022, arXiv 2209.03003, eq. 1).

    target: what the net answers, the "velocity" data - noise, or the "data" themselves. scale, shift: times are drawn
    as sigmoid(shift + scale N(0, 1)) (Esser et al. 2024, arXiv 2403.03206, section 3.1).
    """

    target: Literal["velocity", "data"] = "velocity"
    scale: float = 1.0
    shift: float = 0.0
    latest: float = 0.98  # in training the error of "data" nets is divided by 1 - t, at most up to this time

    def times(self, n: int, gen: torch.Generator) -> Tensor:
        """n training times in (0, 1)."""
        return torch.sigmoid(self.shift + self.scale * torch.randn(n, generator=gen, device=gen.device))

    def noised(self, data: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """x_t of data and noise, both (batch, ...)."""
        s = spread(t, data)
        return (1 - s) * noise + s * data

    def velocity(self, net: Net, x: Tensor, t: Tensor, cond: Any = None) -> Tensor:
        """dx/dt = E[data - noise | x_t], eq. 2."""
        answer = net(x, t, cond)
        if self.target == "velocity":
            return answer
        return (answer - x) / (1 - spread(t, x)).clamp(min=1e-5)

    def denoised(self, net: Net, x: Tensor, t: Tensor, cond: Any = None) -> Tensor:
        """E[data | x_t] = x_t + (1 - t) velocity."""
        answer = net(x, t, cond)
        return answer if self.target == "data" else x + (1 - spread(t, x)) * answer


@dataclass(frozen=True)
class EDM:
    """x = data + sigma noise, with the preconditioning of Karras et al. 2022 (arXiv 2206.00364, table 1).

    The net answers F; denoised = c_skip x + c_out F(c_in x, c_noise). ln sigma ~ N(mean, width^2) in training.
    """

    sigma_data: float = 1.0
    mean: float = -1.2
    width: float = 1.2
    sigma_min: float = 0.002
    sigma_max: float = 80.0
    rho: float = 7.0

    def sigmas(self, n: int, gen: torch.Generator) -> Tensor:
        """n training noise levels."""
        return torch.exp(self.mean + self.width * torch.randn(n, generator=gen, device=gen.device))

    def coefficients(self, sigma: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """c_skip, c_out, c_in, c_noise of table 1."""
        total = sigma**2 + self.sigma_data**2
        return (
            self.sigma_data**2 / total,
            sigma * self.sigma_data / total.sqrt(),
            1 / total.sqrt(),
            sigma.log() / 4,
        )

    def denoised(self, net: Net, x: Tensor, sigma: Tensor, cond: Any = None) -> Tensor:
        """D(x; sigma) = E[data | x], eq. 7."""
        c_skip, c_out, c_in, c_noise = self.coefficients(sigma)
        return spread(c_skip, x) * x + spread(c_out, x) * net(spread(c_in, x) * x, c_noise, cond)

    def weight(self, sigma: Tensor) -> Tensor:
        """lambda(sigma) = 1 / c_out^2, so that the loss of F is even over noise levels."""
        return (sigma**2 + self.sigma_data**2) / (sigma * self.sigma_data) ** 2

    def schedule(self, steps: int, device: torch.device | str = "cpu") -> Tensor:
        """steps + 1 falling noise levels that end at 0, eq. 5."""
        i = torch.arange(steps, device=device, dtype=torch.float64) / max(steps - 1, 1)
        low, high = self.sigma_min ** (1 / self.rho), self.sigma_max ** (1 / self.rho)
        sigma = (high + i * (low - high)) ** self.rho
        return torch.cat([sigma, sigma.new_zeros(1)]).float()


@dataclass(frozen=True)
class MaskedDiscrete:
    """Levels that are masked one by one: absorbing state, log-linear schedule.

    cardinalities: levels of each of d columns; the mask of column j is the token cardinalities[j]. At time t from 0
    (clean) to 1 (all masked) a token is masked with probability 1 - alpha_t = eps + (1 - 2 eps) t (Sahoo et al. 2024,
    arXiv 2406.07524, with the ends kept away from 0 and 1 as in TabDiff, arXiv 2410.20626).
    """

    cardinalities: Sequence[int]
    eps: float = 1e-3

    def masked_share(self, t: Tensor) -> Tensor:
        """1 - alpha_t."""
        return self.eps + (1 - 2 * self.eps) * t

    def corrupted(self, tokens: Tensor, t: Tensor, gen: torch.Generator) -> tuple[Tensor, Tensor]:
        """Tokens (batch, d) with some replaced by their mask, and which: bool (batch, d)."""
        draws = torch.rand(tokens.shape, generator=gen, device=tokens.device)
        hidden = draws < self.masked_share(t)[:, None]
        return torch.where(hidden, self.masks(tokens.device), tokens), hidden

    def masks(self, device: torch.device | str = "cpu") -> Tensor:
        """The mask token of every column: (d,)."""
        return torch.tensor(list(self.cardinalities), device=device)

    def weight(self, t: Tensor) -> Tensor:
        """-alpha'_t / (1 - alpha_t), the weight of the masked cross-entropy in the ELBO (arXiv 2406.07524, eq. 11)."""
        return (1 - 2 * self.eps) / self.masked_share(t)
