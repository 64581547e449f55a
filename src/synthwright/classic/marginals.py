"""Normal scores of values that are known up to an interval: point masses, levels, and ordinary numbers alike."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, ndtri_exp

_NARROW = 1e-9  # intervals of less probability are points: their moments would cancel
_FAR = 8.3  # beyond, the normal distribution function is 0 or 1 in double precision


def hermite_means(low: np.ndarray, high: np.ndarray, order: int) -> np.ndarray:
    """E[h_k(Z) | low <= Z <= high] for k = 1..order, Z standard normal, h_k = He_k / sqrt(k!).

    low, high: (n,), low <= high. Returns (n, order). By d/dz (He_{k-1} phi) = -He_k phi; where the interval is a
    point, h_k there.
    """
    mass = ndtr(high) - ndtr(low)
    is_point = mass < _NARROW
    middle = np.clip(np.where(is_point, (_cut(low) + _cut(high)) / 2, 0.0), -_FAR, _FAR)
    result = np.empty((len(low), order))
    at_low, at_high, at_middle = (_hermite(np.clip(x, -_FAR, _FAR), order) for x in (low, high, middle))
    weight_low, weight_high = _density(low), _density(high)
    safe = np.where(is_point, 1.0, mass)
    for k in range(1, order + 1):
        inside = (at_low[k - 1] * weight_low - at_high[k - 1] * weight_high) / (np.sqrt(k) * safe)
        result[:, k - 1] = np.where(is_point, at_middle[k], inside)
    return result


def _cut(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(x, -_FAR, _FAR))


def _density(x: np.ndarray) -> np.ndarray:
    return np.where(np.abs(x) > _FAR, 0.0, np.exp(-0.5 * _cut(x) ** 2) / np.sqrt(2 * np.pi))


def _hermite(x: np.ndarray, order: int) -> list[np.ndarray]:
    """h_0..h_order by h_{k+1} = (x h_k - sqrt(k) h_{k-1}) / sqrt(k + 1)."""
    values: list[np.ndarray] = [np.ones_like(x), x]
    for k in range(1, order):
        values.append((x * values[k] - np.sqrt(k) * values[k - 1]) / np.sqrt(k + 1))
    return values


def truncated_normal(low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One draw from N(0, 1) within [low, high] for each pair of ends; a point where they are equal.

    By the inverse distribution function on the side of the smaller tail, in logarithms, so that far tails stay exact.
    """
    u = rng.random(len(low))
    flip = low > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    log_a, log_b = log_ndtr(a), log_ndtr(b)
    # log(F(a) + u (F(b) - F(a))), with F(a) <= F(b)
    with np.errstate(divide="ignore"):
        log_u = log_b + np.log(u + (1 - u) * np.exp(log_a - log_b))
    z = np.clip(ndtri_exp(log_u), a, b)
    return np.asarray(np.where(flip, -z, z))


def level_scores(table: np.ndarray) -> np.ndarray:
    """One score for each row of a contingency table, so that rows with like profiles get like scores.

    table: (levels, columns) counts. The first axis of correspondence analysis: the leading left singular vector of
    (P - r c') / sqrt(r c'), divided by sqrt(r) (Greenacre 1984, section 4.1). The largest is positive.
    """
    share = table / max(1.0, table.sum())
    r, c = share.sum(1), share.sum(0)
    used = c > 0
    expected = np.outer(r, c[used])
    scaled = np.divide(share[:, used] - expected, np.sqrt(expected), out=np.zeros_like(expected), where=expected > 0)
    # Left vectors of a wide matrix from its small Gram matrix.
    _, vectors = np.linalg.eigh(scaled @ scaled.T)
    score = np.divide(vectors[:, -1], np.sqrt(r), out=np.zeros(len(r)), where=r > 0)
    largest = score[np.argmax(np.abs(score))]
    return np.asarray(score if largest >= 0 else -score)


def normal_ends(cumulative: np.ndarray) -> np.ndarray:
    """Phi^-1 of cumulative shares; exactly 0 and 1 become -inf and inf."""
    ends: np.ndarray = ndtri(np.clip(cumulative, 0.0, 1.0))
    return ends
