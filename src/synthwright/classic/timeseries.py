"""Statistics of series: autocorrelation, spectrum, block lengths, and features that judges look at.

A batch of series of equal length is (series, steps) or (series, steps, channels); NaN is allowed where said.
"""

from __future__ import annotations

import numpy as np

_TINY = 1e-12


def autocorrelation(x: np.ndarray, lags: int) -> np.ndarray:
    """Pooled autocorrelation at lags 1..lags of series x (n, steps, channels) -> (lags, channels).

    Deviations are from the mean of all series, so a level that differs between series counts as persistence.
    Sum of products at the lag over the sum of squares of both factors; NaN pairs are left out.
    """
    return autocorrelation_parts(x, lags).mean_of(np.ones(len(x)))


def autocorrelation_parts(x: np.ndarray, lags: int) -> RatioParts:
    """Numerators and denominators of `autocorrelation` by series, to be weighted by a bootstrap."""
    d = x - np.nanmean(x, axis=(0, 1))
    top, left, right = (np.zeros((len(x), lags, x.shape[2])) for _ in range(3))
    for k in range(1, lags + 1):
        a, b = d[:, :-k], d[:, k:]
        seen = ~np.isnan(a) & ~np.isnan(b)
        a, b = np.where(seen, a, 0.0), np.where(seen, b, 0.0)
        top[:, k - 1], left[:, k - 1], right[:, k - 1] = (a * b).sum(1), (a * a).sum(1), (b * b).sum(1)
    return RatioParts(top, left, right)


class RatioParts:
    """Sums by series of products and squares; their weighted ratio is a correlation."""

    def __init__(self, top: np.ndarray, left: np.ndarray, right: np.ndarray) -> None:
        self.top, self.left, self.right = top, left, right

    def mean_of(self, weight: np.ndarray) -> np.ndarray:
        """The correlation when each series counts `weight` (n,) times."""
        top, left, right = (np.tensordot(weight, part, 1) for part in (self.top, self.left, self.right))
        return np.asarray(top / np.sqrt(np.maximum(left * right, _TINY)))


def cross_correlation_parts(x: np.ndarray, lags: tuple[int, ...] = (0, 1)) -> RatioParts:
    """Correlation between channel i and channel j `lag` steps later, by series: (n, lags, channels, channels)."""
    d = x - np.nanmean(x, axis=(0, 1))
    n, steps, c = d.shape
    top, left, right = (np.zeros((n, len(lags), c, c)) for _ in range(3))
    for k, lag in enumerate(lags):
        a, b = d[:, : steps - lag], d[:, lag:]
        a, b = np.nan_to_num(a), np.nan_to_num(b)
        top[:, k] = np.einsum("nti,ntj->nij", a, b)
        left[:, k] = (a * a).sum(1)[:, :, None]
        right[:, k] = (b * b).sum(1)[:, None, :]
    return RatioParts(top, left, right)


def periodograms(x: np.ndarray) -> np.ndarray:
    """Squared Fourier amplitudes of series x (n, steps, channels) without mean, frequencies 1..steps/2: (n, f, c)."""
    d = np.nan_to_num(x - np.nanmean(x, axis=1, keepdims=True))
    return np.asarray(np.abs(np.fft.rfft(d, axis=1)[:, 1:]) ** 2)


def spectrum_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """1-Wasserstein distance between mean spectra (f, channels), each scaled to sum 1, frequencies on [0, 1]."""
    shares = [s / np.maximum(s.sum(axis=0), _TINY) for s in (a, b)]
    return np.asarray(np.abs(np.cumsum(shares[0] - shares[1], axis=0)).mean(axis=0))


def block_length(x: np.ndarray, *, circular: bool = False) -> float:
    """Politis and White's automatic (mean) block of the stationary bootstrap for one series x (n,), at least 1.

    Flat-top lag window up to twice the first lag after which ln-many autocorrelations are small.
    Source: Politis and White 2004, section 3; correction: Patton, Politis and White 2009.
    """
    x = x[~np.isnan(x)]
    n = len(x)
    if n < 8 or np.ptp(x) <= 0:
        return 1.0
    d = x - x.mean()
    most = int(np.ceil(np.sqrt(n))) + max(5, int(np.log10(n)))
    most = min(most, n - 1)
    covariance = np.array([d[: n - k] @ d[k:] / n for k in range(most + 1)])
    correlation = covariance / covariance[0]
    quiet = max(5, int(np.sqrt(np.log10(n))))
    small = np.abs(correlation[1:]) < 2 * np.sqrt(np.log10(n) / n)
    runs = [m for m in range(1, most - quiet + 2) if small[m - 1 : m - 1 + quiet].all()]
    first = (runs[0] - 1) if runs else int(np.flatnonzero(~small)[-1] + 1) if (~small).any() else 1
    width = min(2 * max(first, 1), most)
    k = np.arange(-width, width + 1)
    lag_window = np.clip(2 * (1 - np.abs(k) / width), 0, 1)
    gamma = covariance[np.abs(k)]
    g = float((lag_window * np.abs(k) * gamma).sum())
    spectrum = float((lag_window * gamma).sum())
    d_sb = (4 / 3 if circular else 2) * spectrum**2
    if d_sb <= 0:
        return 1.0
    length = (2 * g**2 / d_sb) ** (1 / 3) * n ** (1 / 3)
    return float(np.clip(length, 1.0, np.ceil(min(3 * np.sqrt(n), n / 3))))


def features(x: np.ndarray) -> np.ndarray:
    """What a tree judge sees of series x (n, steps, channels): (n, k) float32.

    Values at up to 8 places, all first differences at up to 8 places, and 22 statistics of each channel in the spirit
    of catch22 (Lubba et al. 2019): moments, ends, rises, repetitions, persistence, spectrum, turning points; then
    differences between channels and their correlations.
    """
    n, steps, c = x.shape
    places = np.unique(np.linspace(0, steps - 1, min(steps, 8)).astype(int))
    found = [x[:, places].reshape(n, -1)]
    if steps > 1:
        d = np.diff(x, axis=1)
        found.append(d[:, np.unique(np.linspace(0, steps - 2, min(steps - 1, 8)).astype(int))].reshape(n, -1))
    found += [_statistics(x[:, :, j]) for j in range(c)]
    for i in range(c):
        for j in range(i):
            gap = x[:, :, i] - x[:, :, j]
            found.append(np.column_stack([gap.min(1), gap.max(1), gap.mean(1), gap.std(1), (gap == 0).mean(1)]))
            if steps > 1:
                found.append(_row_correlation(np.diff(x[:, :, i], axis=1), np.diff(x[:, :, j], axis=1))[:, None])
    return np.concatenate(found, axis=1).astype(np.float32)


def _statistics(x: np.ndarray) -> np.ndarray:
    """Statistics of one channel x (n, steps): (n, k)."""
    mean, sd = x.mean(1), x.std(1)
    z = (x - mean[:, None]) / np.maximum(sd, _TINY)[:, None]
    found = [
        mean,
        sd,
        x.min(1),
        x.max(1),
        np.median(x, axis=1),
        (z**3).mean(1),
        (z**4).mean(1),
        (x > mean[:, None]).mean(1),
    ]
    if x.shape[1] < 4:
        return np.column_stack(found)
    d, dd = np.diff(x, axis=1), np.diff(x, 2, axis=1)
    spread = d.std(1)
    power = np.abs(np.fft.rfft(z, axis=1)[:, 1:]) ** 2
    share = power / np.maximum(power.sum(1, keepdims=True), _TINY)
    rank = np.arange(1, share.shape[1] + 1)
    found += [
        spread, np.abs(d).max(1), np.abs(d).min(1), np.abs(d).mean(1), (d == 0).mean(1), (d > 0).mean(1),
        _row_correlation(x[:, :-1], x[:, 1:]), _row_correlation(x[:, :-2], x[:, 2:]),
        _row_correlation(d[:, :-1], d[:, 1:]),
        _row_correlation(np.abs(d[:, :-1]), np.abs(d[:, 1:])), dd.std(1), dd.std(1) / np.maximum(spread, _TINY),
        (np.sign(d[:, :-1]) != np.sign(d[:, 1:])).mean(1), share[:, 0], (share * rank).sum(1),
        x[:, -1] - x[:, 0], ((d / np.maximum(spread, _TINY)[:, None]) ** 4).mean(1), x.argmax(1), x.argmin(1),
        _longest_run(x > mean[:, None]),
    ]  # fmt: skip
    return np.column_stack(found)


def _row_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    return np.asarray((a * b).sum(1) / np.sqrt(np.maximum((a * a).sum(1) * (b * b).sum(1), _TINY)))


def _longest_run(flag: np.ndarray) -> np.ndarray:
    run, best = np.zeros(len(flag)), np.zeros(len(flag))
    for t in range(flag.shape[1]):
        run = np.where(flag[:, t], run + 1, 0)
        best = np.maximum(best, run)
    return best


def rocket(x: np.ndarray, rng: np.random.Generator, *, kernels: int = 500) -> np.ndarray:
    """Share of positive values and maximum of random convolutions of series x (n, steps, channels): (n, 2 kernels).

    Kernels of length 7 or 9 with N(0, 1) weights of mean 0 on one to three channels, dilated, bias from the data.
    Source: Dempster, Petitjean and Webb 2020 (arXiv 1910.13051), section 3.
    """
    n, steps, c = x.shape
    found = np.empty((n, 2 * kernels), dtype=np.float32)
    for k in range(kernels):
        length = int(min(rng.choice([7, 9]), steps))
        most = max(0.0, np.log2((steps - 1) / max(length - 1, 1)))
        dilation = int(2 ** rng.uniform(0, most))
        reach = (length - 1) * dilation
        pad = reach // 2 if rng.random() < 0.5 else 0
        use = rng.choice(c, size=int(min(c, rng.integers(1, 4))), replace=False)
        weight = rng.standard_normal((length, len(use)))
        weight -= weight.mean(axis=0)
        signal = np.pad(x[:, :, use], ((0, 0), (pad, pad), (0, 0))) if pad else x[:, :, use]
        out = np.zeros((n, signal.shape[1] - reach))
        for j in range(length):
            out += signal[:, j * dilation : j * dilation + out.shape[1]] @ weight[j]
        bias = np.quantile(out[int(rng.integers(n))], rng.random())
        found[:, 2 * k] = (out > bias).mean(1)
        found[:, 2 * k + 1] = out.max(1)
    return found
