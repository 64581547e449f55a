"""A mixture of normal distributions of one variable, with as many components as the values need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import digamma

_ITERATIONS, _TOLERANCE = 200, 1e-6
_PRIOR_ROWS = 0.01  # of the means: far components are hardly pulled to the centre
_PRIOR_RATE = 0.01  # of the precisions, for values of variance 1: a component may be narrow
_PRIOR_WEIGHT = 1e-3  # of the Dirichlet prior: components that explain nothing lose their weight


@dataclass(frozen=True, eq=False)
class NormalMixture:
    """weights, means, sds: (components,), components of falling weight; weights sum to 1, sds are above 0."""

    weights: np.ndarray
    means: np.ndarray
    sds: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, *, rows: int | None = None, most: int = 10, least_weight: float = 0.005) -> Self:
        """Mean-field variational fit from components at even quantiles; those up to `least_weight` are dropped.

        values: finite numbers. rows: how many rows they stand for, when they are quantiles of more. Deterministic.
        Source: Bishop 2006, Pattern Recognition and Machine Learning, equations 10.46 to 10.67, in one dimension.
        """
        centre, scale = float(values.mean()), float(values.std())
        if scale == 0.0:
            return cls(np.ones(1), np.array([centre]), np.array([max(abs(centre), 1.0) * 1e-6]))
        x = (values - centre) / scale
        share = (rows or len(x)) / len(x)
        most = min(most, len(np.unique(x)))
        means = np.quantile(x, (np.arange(most) + 0.5) / most)
        near = np.abs(x[:, None] - means[None, :]).argmin(1)
        r = np.eye(most)[near]  # (values, components)
        before = -np.inf
        for _ in range(_ITERATIONS):
            counts, means, precision, r, fit = _update(x, r, share)
            if abs(fit - before) < _TOLERANCE * abs(fit):
                break
            before = fit
        weights = counts / counts.sum()
        order = [k for k in np.argsort(-weights, kind="stable") if weights[k] > least_weight]
        weights, means, sds = weights[order], means[order], 1 / np.sqrt(precision[order])
        return cls(weights / weights.sum(), centre + scale * means, scale * sds)

    def posterior(self, values: np.ndarray) -> np.ndarray:
        """(values, components): how likely each component made each value."""
        z = (values[:, None] - self.means) / self.sds
        log = np.log(self.weights) - np.log(self.sds) - 0.5 * z * z
        made = np.exp(log - log.max(1, keepdims=True))
        return np.asarray(made / made.sum(1, keepdims=True))

    def draw_modes(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A component for each value, drawn from its posterior; int64."""
        upto = self.posterior(values).cumsum(1)
        return np.asarray((upto < rng.random((len(values), 1)) * upto[:, -1:]).sum(1))


def _update(x: np.ndarray, r: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]:
    """One round: normal-gamma posteriors of the components, under wide priors around 0, then memberships."""
    n = share * r.sum(0) + 1e-10  # 1e-10 rows: an empty component keeps finite moments
    mean = share * (r * x[:, None]).sum(0) / n
    spread = share * (r * (x[:, None] - mean) ** 2).sum(0)
    beta, nu, alpha = _PRIOR_ROWS + n, 1.0 + n, _PRIOR_WEIGHT + n
    m = n * mean / beta
    rate = _PRIOR_RATE + spread + _PRIOR_ROWS * n / beta * mean**2  # inverse of Wishart's W
    expected_log = digamma(nu / 2) + np.log(2.0) - np.log(rate)
    log = digamma(alpha) - digamma(alpha.sum()) + 0.5 * expected_log
    log = log - 0.5 * (1.0 / beta + nu / rate * (x[:, None] - m) ** 2)
    top = log.max(1, keepdims=True)
    made = np.exp(log - top)
    total = made.sum(1, keepdims=True)
    return alpha, m, nu / rate, made / total, float((top + np.log(total)).mean())
