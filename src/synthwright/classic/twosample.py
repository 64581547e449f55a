"""Two samples of one quantity: distances between them, and how probable they are under equal distributions.

Counts are along the last axis; functions of counts accept any leading shape. p is two-sided unless said otherwise.
"""

from __future__ import annotations

import numpy as np
from scipy import special, stats


def ks_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Largest gap between two empirical distribution functions, in [0, 1]; NaN cells must be gone.

    Real against real is about 0.87 sqrt(1/n + 1/m) on average. Source: Smirnov 1939.
    """
    both = np.sort(np.concatenate([x, y]))
    gap = np.searchsorted(np.sort(x), both, side="right") / len(x) - np.searchsorted(
        np.sort(y), both, side="right"
    ) / len(y)
    return float(np.abs(gap).max())


def ks_p(distance: float, n: int, m: int) -> float:
    """Asymptotic probability of a distance this large; conservative when values repeat."""
    return float(special.kolmogorov(distance * np.sqrt(n * m / (n + m))))


def total_variation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Half the sum of |share difference| of two count vectors, in [0, 1]."""
    return np.asarray(0.5 * np.abs(shares(a) - shares(b)).sum(axis=-1))


def total_variation_noise(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """What `total_variation` is on average when both come from one distribution (normal approximation)."""
    n, m = a.sum(axis=-1, keepdims=True), b.sum(axis=-1, keepdims=True)
    p = shares(a + b)
    return np.asarray(np.sqrt(p * (1 - p) * (1 / np.maximum(n, 1) + 1 / np.maximum(m, 1)) / (2 * np.pi)).sum(axis=-1))


def shares(counts: np.ndarray) -> np.ndarray:
    """Counts divided by their sum; zero where there are none."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.asarray(counts / np.maximum(total, 1))


def homogeneity_p(a: np.ndarray, b: np.ndarray, *, fewest: int = 10) -> float:
    """Chi-square test that two count vectors have one distribution; cells with few counts are pooled.

    The statistic is taken as a gamma variable with its exact mean and variance given the margins, which the
    chi-square distribution has for large counts only: with 5 against 400 rows its tail is too thin by a factor of 10.
    """
    both = a + b
    rare = both < fewest
    if rare.sum() > 1:
        a = np.append(a[~rare], a[rare].sum())
        b = np.append(b[~rare], b[rare].sum())
        both = a + b
    keep = both > 0
    if keep.sum() < 2 or a.sum() == 0 or b.sum() == 0:
        return 1.0
    n, m = a.sum(), b.sum()
    expected = both[keep] * n / (n + m)
    other = both[keep] * m / (n + m)
    statistic = ((a[keep] - expected) ** 2 / expected + (b[keep] - other) ** 2 / other).sum()
    mean, variance = chi_square_moments(np.array([n, m]), both[keep])
    return gamma_tail(float(statistic), mean, variance) if variance > 0 else 1.0


def gamma_tail(value: float, mean: float, variance: float) -> float:
    """Upper tail of the gamma variable with this mean and variance (both positive)."""
    return float(stats.gamma.sf(value, mean**2 / variance, scale=variance / mean))


def chi_square_moments(rows: np.ndarray, columns: np.ndarray) -> tuple[float, float]:
    """Mean and variance of the chi-square statistic of an independent cross table, all margins given.

    rows, columns: (r,) and (c,) sums, positive, of more than 3 in all (with fewer the variance is given as 0).
    Source: Dawson 1954 (after Haldane 1940).
    """
    n = float(rows.sum())
    if n <= 3:
        return 1.0, 0.0
    sizes = len(rows), len(columns)
    v = [(n - k) * (k - 1) / (n - 1) for k in sizes]
    w = [(float((n / sums).sum()) - k**2) / (n - 2) for sums, k in zip((rows, columns), sizes, strict=True)]
    mean = n * (sizes[0] - 1) * (sizes[1] - 1) / (n - 1)
    variance = 2 * n / (n - 3) * (v[0] - w[0]) * (v[1] - w[1]) + n**2 / (n - 1) * w[0] * w[1]
    return mean, max(0.0, variance)


def mean_shift_p(x: np.ndarray, y: np.ndarray) -> float:
    """Two-sided probability of a difference of means this large when all values were dealt to x and y at random.

    The permutation distribution by its exact mean, variance and skewness as a Pearson III variable, never with a
    thinner tail than the normal one. Exact moments matter where values repeat or one side has few rows.
    Source: Mielke and Berry 2007, chapter 2, for the approximation; Cochran 1977, section 2, for the moments.
    """
    n, m = len(x), len(y)
    total = n + m
    pooled = np.concatenate([x, y])
    centred = pooled - pooled.mean()
    spread = float(np.sqrt((centred**2).mean()))
    if total < 3 or not spread > 1e-12 * max(1e-300, float(np.abs(pooled).max())):
        return 1.0
    z = float(centred[:n].mean()) / (spread * np.sqrt(m / (n * (total - 1))))
    third = float((centred**3).mean()) / spread**3
    skewness = third * (total - 2 * n) / (total - 2) * np.sqrt((total - 1) / (n * m)) * np.sign(z)
    return min(1.0, 2 * float(stats.pearson3.sf(abs(z), max(0.0, skewness))))


def rates_p(k: np.ndarray, n: np.ndarray | int, reference_k: np.ndarray, reference_n: np.ndarray | int) -> np.ndarray:
    """Fisher's exact test that k of n and reference_k of reference_n share one rate: twice the smaller tail."""
    low, high = rates_tails(k, n, reference_k, reference_n)
    return np.asarray(np.minimum(1.0, 2 * np.minimum(low, high)))


def rates_tails(
    k: np.ndarray, n: np.ndarray | int, reference_k: np.ndarray, reference_n: np.ndarray | int
) -> tuple[np.ndarray, np.ndarray]:
    """Exact probabilities of at most, and of at least, k of the k + reference_k successes falling into the n."""
    total = np.asarray(n) + np.asarray(reference_n)
    hits = np.asarray(k) + np.asarray(reference_k)
    low = stats.hypergeom.cdf(k, total, hits, n)
    high = stats.hypergeom.sf(np.asarray(k) - 1, total, hits, n)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def rate_interval(k: int, n: int, *, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a rate."""
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, k, n - k + 1)) if k > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0
    return low, high


def excess_p(hits: float, control_hits: float, share: float) -> float:
    """One-sided binomial probability of at least `hits` among hits + control_hits, each a hit with chance `share`.

    Half hits (ties) are rounded down, which is conservative.
    """
    total = int(np.floor(hits + control_hits))
    return float(stats.binom.sf(np.floor(hits) - 1, total, share)) if total else 1.0


def auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Probability that a positive's score exceeds a negative's, ties half (Mann and Whitney 1947)."""
    ranks = stats.rankdata(np.concatenate([positive, negative]))
    n = len(positive)
    return float((ranks[:n].sum() - n * (n + 1) / 2) / (n * len(negative)))


def auc_error(positive: np.ndarray, negative: np.ndarray) -> float:
    """Standard error of `auc` by the placement values of each score (DeLong et al. 1988, equations 4 to 6)."""
    n, m = len(positive), len(negative)
    both = stats.rankdata(np.concatenate([positive, negative]))
    above = (both[:n] - stats.rankdata(positive)) / m
    below = 1 - (both[n:] - stats.rankdata(negative)) / n
    return float(np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m))


def auc_null_error(n: int, m: int) -> float:
    """Standard error of `auc` when both samples are alike and scores do not repeat."""
    return float(np.sqrt((n + m + 1) / (12 * n * m)))


def resampled(counts: np.ndarray, rng: np.random.Generator, *, times: int = 200) -> np.ndarray:
    """Bootstrap of a histogram: (times, cells) counts of as many rows drawn with replacement."""
    n = int(counts.sum())
    return rng.multinomial(n, counts / n, size=times) if n else np.zeros((times, len(counts)), int)
