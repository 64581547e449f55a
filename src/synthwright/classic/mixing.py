"""Weights of a mixture of samples that comes closest to a target sample in maximum mean discrepancy.

MMD^2(sum_k w_k Q_k, V) = w' K w - 2 k' w + const, K_kl = E k(q_k, q_l), k_k = E k(q_k, v): a quadratic program on
the simplex (Gretton et al. 2012, lemma 6).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

_WIDTH = 0.1  # of the kernel on ranks: neighbouring tenths of a column count as alike
_CELLS = 2_000_000  # of a chunk of the kernel matrix


def pair_kernel(x: np.ndarray, y: np.ndarray, levels: Sequence[int]) -> float:
    """Mean over all pairs of rows of the kernel that compares all columns and all pairs of columns.

    x, y: (n, d), (m, d) float32, numbers on [0, 1], NaN missing; levels: columns that hold codes. With one-column
    kernels k_j (Laplace on numbers, equality on levels) and s = sum k_j, the kernel is
    s / d + (s^2 - sum k_j^2) / (d (d - 1)): the first two orders of an ANOVA kernel (Stitson et al. 1999).
    """
    total, d = 0.0, x.shape[1]
    size = max(1, _CELLS // max(1, len(y)))
    for start in range(0, len(x), size):
        rows = x[start : start + size]
        one, two = np.zeros((len(rows), len(y)), np.float32), np.zeros((len(rows), len(y)), np.float32)
        for j in range(d):
            k = _column_kernel(rows[:, j], y[:, j], is_level=j in levels)
            one += k
            two += k * k
        total += float(one.sum(dtype=np.float64)) / d
        if d > 1:
            total += float((one * one - two).sum(dtype=np.float64)) / (d * (d - 1))
    return total / (len(x) * len(y))


def _column_kernel(a: np.ndarray, b: np.ndarray, *, is_level: bool) -> np.ndarray:
    gone = np.isnan(a)[:, None] & np.isnan(b)[None, :]
    if is_level:
        return np.asarray((a[:, None] == b[None, :]) | gone, dtype=np.float32)
    with np.errstate(invalid="ignore"):
        near = np.exp(-np.abs(a[:, None] - b[None, :]) / np.float32(_WIDTH))
    return np.asarray(np.where(np.isnan(near), gone.astype(np.float32), near))


def without_itself(x: np.ndarray, levels: Sequence[int]) -> float:
    """`pair_kernel(x, x)` without the pairs of a row with itself: unbiased."""
    n, itself = len(x), 1.0 if x.shape[1] == 1 else 2.0
    return (n * pair_kernel(x, x, levels) - itself) / (n - 1)


def discrepancy(weights: np.ndarray, inner: np.ndarray, cross: np.ndarray) -> float:
    """MMD^2 of a mixture to the target, up to the target's own constant. inner: (k, k); cross: (k,)."""
    return float(weights @ inner @ weights - 2 * cross @ weights)


def simplex_weights(inner: np.ndarray, cross: np.ndarray) -> np.ndarray:
    """The weights >= 0 with sum 1 that minimise `discrepancy`; never worse than the best single one.

    Projected gradient with step 1 / L, started at the best vertex; inner is made positive semidefinite first, since
    its unbiased estimate need not be.
    """
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    matrix = (vectors * np.maximum(values, 0.0)) @ vectors.T
    step = 0.5 / max(float(values[-1]), 1e-12)
    singles = np.array([discrepancy(unit, inner, cross) for unit in np.eye(len(cross))])
    best = np.eye(len(cross))[int(singles.argmin())]
    w = best
    for _ in range(5000):
        moved = _onto_simplex(w - step * 2 * (matrix @ w - cross))
        if np.abs(moved - w).max() < 1e-12:
            break
        w = moved
    return np.asarray(w if discrepancy(w, inner, cross) < singles.min() else best)


def _onto_simplex(v: np.ndarray) -> np.ndarray:
    """The nearest point of the simplex (Duchi et al. 2008, figure 1)."""
    u = np.sort(v)[::-1]
    excess = (np.cumsum(u) - 1) / np.arange(1, len(v) + 1)
    last = int(np.flatnonzero(u > excess)[-1])
    return np.asarray(np.maximum(v - excess[last], 0.0))
