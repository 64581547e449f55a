"""Gaussian copula: latent correlations of mixed columns, shrinkage, and draws given ends of some latents."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import log_ndtr

from synthwright.classic.marginals import truncated_normal

MOST = 0.9995  # largest latent correlation: a table cannot tell more from 1
FLOOR = 1e-4  # smallest eigenvalue of a correlation matrix that is drawn from
_HALVINGS = 40

Ends = Sequence[tuple[np.ndarray, np.ndarray]]  # of each conditioned latent: disjoint intervals (lows, highs)


def latent_correlation(moments: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Correlations rho of standard normal latents from mixed moments of monotone scores of them.

    moments: (d, d), E[s_i(Z_i) s_j(Z_j)]. coefficients: (d, order), E[s_i(Z) h_k(Z)] for k = 1..order.
    By Mehler's formula E[s_i s_j] = sum_k rho^k a_ik a_jk, which rises with rho when the scores rise; solved by
    halving. With s(Z) = Z on both sides this is the correlation itself, with a step function on one side the
    polyserial moment estimator, with step functions on both sides the polychoric one.
    """
    d, order = coefficients.shape
    i, j = np.triu_indices(d, 1)
    products = coefficients[i] * coefficients[j]  # (pairs, order)
    low, high = np.full(len(i), -MOST), np.full(len(i), MOST)
    for _ in range(_HALVINGS):
        rho = (low + high) / 2
        value = np.zeros(len(i))
        for k in range(order - 1, -1, -1):
            value = (value + products[:, k]) * rho
        rises = value < moments[i, j]
        low, high = np.where(rises, rho, low), np.where(rises, high, rho)
    result = np.eye(d)
    result[i, j] = result[j, i] = (low + high) / 2
    return result


def shrink(correlation: np.ndarray, n: int) -> tuple[np.ndarray, float]:
    """(1 - w) R + w I with the w that minimises the expected squared error, and w.

    w = sum_{i<j} var(r_ij) / sum_{i<j} r_ij^2 with var(r) = (1 - r^2)^2 / (n - 1), cut to [0, 1].
    Source: Schaefer and Strimmer 2005, section 2.4 (the Ledoit-Wolf weight for correlations).
    """
    r = correlation[np.triu_indices(len(correlation), 1)]
    total = float((r**2).sum())
    weight = 1.0 if total == 0 else float(np.clip(((1 - r**2) ** 2).sum() / max(1, n - 1) / total, 0, 1))
    shrunk = (1 - weight) * correlation
    np.fill_diagonal(shrunk, 1.0)
    return shrunk, weight


def positive(correlation: np.ndarray, floor: float = FLOOR) -> np.ndarray:
    """The matrix with eigenvalues raised to at least `floor` and its diagonal made 1 again."""
    values, vectors = np.linalg.eigh((correlation + correlation.T) / 2)
    if values[0] >= floor:
        return correlation
    raised = (vectors * np.maximum(values, floor)) @ vectors.T
    scale = 1 / np.sqrt(np.diag(raised))
    result = raised * np.outer(scale, scale)
    np.fill_diagonal(result, 1.0)
    return np.asarray(result)


def draw(correlation: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, d) draws from N(0, correlation)."""
    return rng.standard_normal((n, len(correlation))) @ np.linalg.cholesky(correlation).T


def conditional(correlation: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slope and covariance of the other latents given the known ones.

    known: (b,) indices. Returns B (a, b) with E[z_a | z_b] = B z_b, and S_aa - S_ab S_bb^-1 S_ba; a in ascending order.
    """
    other = np.setdiff1d(np.arange(len(correlation)), known)
    s_ab, s_bb = correlation[np.ix_(other, known)], correlation[np.ix_(known, known)]
    slope = np.linalg.solve(s_bb, s_ab.T).T
    return slope, correlation[np.ix_(other, other)] - slope @ s_ab.T


def draw_given(
    correlation: np.ndarray, known: np.ndarray, ends: Ends, n: int, rng: np.random.Generator, *, sweeps: int = 30
) -> np.ndarray:
    """(n, d) draws from N(0, correlation) with each known latent inside one of its intervals.

    The known latents follow a truncated normal: exact for one of them, by `sweeps` Gibbs sweeps for several
    (Geweke 1991); the others follow by exact conditioning.
    """
    z_known = _truncated(correlation[np.ix_(known, known)], ends, n, rng, sweeps)
    slope, covariance = conditional(correlation, known)
    other = np.setdiff1d(np.arange(len(correlation)), known)
    z = np.empty((n, len(correlation)))
    z[:, known] = z_known
    if len(other):
        factor = np.linalg.cholesky(positive_part(covariance))
        z[:, other] = z_known @ slope.T + rng.standard_normal((n, len(other))) @ factor.T
    return z


def positive_part(covariance: np.ndarray) -> np.ndarray:
    """A covariance with rounding below zero removed, so that it has a Cholesky factor."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    result: np.ndarray = (vectors * np.maximum(values, 1e-10)) @ vectors.T
    return result


def _truncated(correlation: np.ndarray, ends: Ends, n: int, rng: np.random.Generator, sweeps: int) -> np.ndarray:
    b = len(ends)
    z = np.column_stack([_within(np.zeros(n), 1.0, *ends[j], rng) for j in range(b)])
    if b == 1:
        return z
    slopes, spreads = [], []
    for j in range(b):
        rest = np.delete(np.arange(b), j)
        slope, covariance = conditional(correlation, rest)
        slopes.append(slope[0])
        spreads.append(float(np.sqrt(max(covariance[0, 0], 1e-10))))
    for _ in range(sweeps):
        for j in range(b):
            z[:, j] = _within(np.delete(z, j, axis=1) @ slopes[j], spreads[j], *ends[j], rng)
    return z


def _within(
    mean: np.ndarray, spread: float, lows: np.ndarray, highs: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws from N(mean, spread^2) inside a union of intervals: an interval by its mass, then a place inside it."""
    low = (lows[None, :] - mean[:, None]) / spread  # (n, intervals)
    high = (highs[None, :] - mean[:, None]) / spread
    chosen = np.zeros(len(mean), dtype=np.int64)
    if len(lows) > 1:
        weight = log_mass(low, high)
        weight = weight + rng.gumbel(size=weight.shape)
        chosen = weight.argmax(1)
    rows = np.arange(len(mean))
    z = truncated_normal(low[rows, chosen], high[rows, chosen], rng)
    return np.clip(mean + spread * z, lows[chosen], highs[chosen])


def log_mass(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """log(Phi(high) - Phi(low)); of a point, the log density (points are compared with points only)."""
    flip = low > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    log_a, log_b = log_ndtr(a), log_ndtr(b)
    is_point = low >= high
    with np.errstate(divide="ignore", invalid="ignore"):
        mass = log_b + np.log1p(-np.exp(log_a - log_b))
    density = -0.5 * np.where(is_point, low, 0.0) ** 2
    return np.where(is_point, density, mass)
