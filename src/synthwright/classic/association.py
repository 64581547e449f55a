"""How strongly pairs of binned columns depend on each other, for all pairs at once.

The measure is Pearson's contingency coefficient C = sqrt(phi2 / (1 + phi2)), phi2 = chi2 / n less its bias: it is
0 for independent columns and |rho| for two normal columns in fine bins, so one scale serves all column types.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthwright.classic import twosample


def joint_counts(a: np.ndarray, b: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """Cross table of two code vectors (values 0..size-1): (sizes[0], sizes[1]) int64."""
    flat = a.astype(np.int64) * sizes[1] + b
    return np.bincount(flat, minlength=sizes[0] * sizes[1]).reshape(sizes)


def phi_squared(counts: np.ndarray) -> float:
    """Mean-square contingency of a cross table less its bias, not below 0.

    counts: (r, c). The bias under independence is (r' - 1)(c' - 1) / n with r', c' non-empty rows and columns
    (Bergsma 2013, equation 3).
    """
    n = counts.sum()
    if n == 0:
        return 0.0
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    raw = float(((counts - expected) ** 2 / expected).sum() / n)
    return float(max(0.0, raw - (counts.shape[0] - 1) * (counts.shape[1] - 1) / n))


def phi_squared_error(counts: np.ndarray, phi2: float) -> float:
    """Standard error of `phi_squared` of a table with these margins whose true value is phi2.

    The null part, exact given the margins (Dawson 1954), plus the delta-method part 4 phi2 (1 + phi2) / n. The margins
    matter where few rows stand outside the commonest level: one row that two rare levels share is then no evidence.
    """
    n = int(counts.sum())
    if n == 0:
        return 0.0
    margins = [sums[sums > 0] for sums in (counts.sum(axis=1), counts.sum(axis=0))]
    _, null = twosample.chi_square_moments(margins[0], margins[1])
    return float(np.sqrt(null / n**2 + 4 * phi2 * (1 + phi2) / n))


def independence_p(counts: np.ndarray) -> float:
    """Probability of a chi-square statistic this large in a table of independent columns with these margins.

    The statistic as a gamma variable with its exact mean and variance, which holds for rare levels too.
    """
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    mean, variance = twosample.chi_square_moments(counts.sum(axis=1), counts.sum(axis=0))
    if min(counts.shape, default=0) < 2 or not variance > 0:
        return 1.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    statistic = float(((counts - expected) ** 2 / expected).sum())
    return twosample.gamma_tail(statistic, mean, variance)


def coefficient(phi2: float | np.ndarray) -> np.ndarray:
    """Contingency coefficient of a mean-square contingency, in [0, 1)."""
    return np.asarray(np.sqrt(np.asarray(phi2) / (1 + np.asarray(phi2))))


def associations(codes: np.ndarray, sizes: Sequence[int]) -> np.ndarray:
    """Contingency coefficients of all pairs of columns: (d, d), symmetric, diagonal 1. codes: (n, d)."""
    d = codes.shape[1]
    found = np.eye(d)
    for i in range(d):
        for j in range(i):
            value = phi_squared(joint_counts(codes[:, i], codes[:, j], (sizes[i], sizes[j])))
            found[i, j] = found[j, i] = coefficient(value)
    return found


def raked(counts: np.ndarray, rows: np.ndarray, columns: np.ndarray, *, rounds: int = 30) -> np.ndarray:
    """The cross table with the dependence of `counts` and other margins (Deming and Stephan 1940).

    rows, columns: wanted sums. A wanted row without counts takes the shape of all the others.
    """
    table = counts.astype(float)
    overall = table.sum(axis=0) / max(table.sum(), 1)
    table[(table.sum(axis=1) == 0) & (rows > 0)] = overall
    empty = (table.sum(axis=0) == 0) & (columns > 0)
    table[:, empty] = (rows / max(rows.sum(), 1))[:, None]
    for _ in range(rounds):
        table *= (rows / np.maximum(table.sum(axis=1), 1e-300))[:, None]  # 1e-300: rows that stay empty, 0 / 0
        table *= columns / np.maximum(table.sum(axis=0), 1e-300)
    return table


def ranks_correlation(x: np.ndarray, y: np.ndarray) -> float:
    """Spearman's rank correlation of two vectors; 0 when one is constant."""
    from scipy.stats import rankdata

    a, b = rankdata(x), rankdata(y)
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0
