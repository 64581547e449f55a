"""Probabilistic principal component analysis: x = mean + W z + noise, z and noise normal.

Source: Tipping and Bishop 1999, Probabilistic Principal Component Analysis, J. R. Stat. Soc. B 61(3). Symbols as
there: d dimensions, q factors, lambda the eigenvalues of the covariance, sigma2 the variance outside of the factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_MOST_ROWS = 4_000  # rows that the spectrum is computed from: its cost is rows^2 * d


@dataclass(frozen=True)
class PPCA:
    """A fitted model. mean: (d,); directions: (q, d), orthonormal; variances: (q,), lambda_1..q; sigma2: above 0."""

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    sigma2: float

    def log_likelihood(self, x: np.ndarray) -> np.ndarray:
        """Log density of each row of x (n, d): (n,).

        Source: equations 3 and 4 with C = W W' + sigma2 I; its eigenvalues are lambda_1..q and sigma2.
        """
        centred = x - self.mean
        inside = centred @ self.directions.T  # (n, q)
        rest = np.maximum((centred**2).sum(axis=1) - (inside**2).sum(axis=1), 0.0)
        d, q = len(self.mean), len(self.variances)
        log_det = np.log(self.variances).sum() + (d - q) * np.log(self.sigma2)
        squares = (inside**2 / self.variances).sum(axis=1) + rest / self.sigma2
        return np.asarray(-0.5 * (d * np.log(2 * np.pi) + log_det + squares))

    def draw(self, n: int, rng: np.random.Generator, *, noise: bool = False) -> np.ndarray:
        """n rows (n, d). noise: also draw the part outside of the factors; without, rows lie on their plane."""
        z = rng.standard_normal((n, len(self.variances))) * np.sqrt(self.variances)
        x = self.mean + z @ self.directions
        if noise:
            e = np.sqrt(self.sigma2) * rng.standard_normal((n, len(self.mean)))
            x += e - (e @ self.directions.T) @ self.directions
        return np.asarray(x)


@dataclass(frozen=True)
class Spectrum:
    """Mean and eigenvalues of the covariance of some rows, largest first. total: the trace of the covariance."""

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    total: float

    def model(self, q: int, *, floor: float) -> PPCA:
        """The maximum-likelihood model with q factors; sigma2 is the mean of the left-out eigenvalues (equation 8).

        floor: least variance of any direction, for example that of rounding.
        """
        d = len(self.mean)
        q = min(q, len(self.variances), d - 1)
        kept = np.maximum(self.variances[:q], floor)
        sigma2 = max((self.total - self.variances[:q].sum()) / (d - q), floor)
        return PPCA(self.mean, self.directions[:q], np.maximum(kept, sigma2), float(sigma2))


def spectrum(x: np.ndarray, most: int, rng: np.random.Generator) -> Spectrum:
    """The spectrum of rows x (n, d), n >= 2, with at most `most` directions.

    Through the smaller of the two Gram matrices: O(min(n, d)^2 max(n, d)). Above 4,000 rows a random part is used.
    """
    if len(x) > _MOST_ROWS:
        x = x[np.sort(rng.choice(len(x), _MOST_ROWS, replace=False))]
    mean = x.mean(axis=0)
    centred = x - mean
    n, d = centred.shape
    small = centred @ centred.T if n < d else centred.T @ centred
    values, vectors = np.linalg.eigh(small / n)  # equation 7 uses the biased covariance
    order = np.argsort(-values, kind="stable")[: min(most, n - 1, d)]
    # Below this share of the largest, an eigenvalue is rounding: its direction would be noise of unit length.
    order = order[values[order] > values.max() * 1e-10]
    values, vectors = values[order], vectors[:, order]
    directions = (centred.T @ vectors / np.sqrt(n * values)).T if n < d else vectors.T
    return Spectrum(mean, np.ascontiguousarray(directions), values, float(np.trace(small) / n))


def best_rank(
    x: np.ndarray, candidates: Sequence[int], rng: np.random.Generator, *, floor: float, folds: int = 4
) -> tuple[int, np.ndarray]:
    """The number of factors with the highest mean log density of held-out rows, and these means (candidates,).

    x: (n, d), n >= 2 folds. Ties go to the smaller number.
    """
    part = rng.permutation(np.arange(len(x)) % folds)
    total = np.zeros(len(candidates))
    for k in range(folds):
        fitted = spectrum(x[part != k], max(candidates), rng)
        for i, q in enumerate(candidates):
            total[i] += fitted.model(q, floor=floor).log_likelihood(x[part == k]).sum()
    return int(candidates[int(np.argmax(total))]), total / len(x)
