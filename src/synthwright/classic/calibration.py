"""Made vectors moved until their means, covariances and the distribution of each coordinate are those of real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from synthwright.classic.embeddings import projection

MOST_AXES = 64
_PER_AXIS = 8  # vectors of each side for an axis whose variance is corrected
_PER_CLASS = 10  # vectors of each side that a class needs on average to have a mean of its own
_RIDGE = 1e-3  # of the mean variance, added to both covariances
_KNOTS = 101


@dataclass(frozen=True)
class Calibration:
    """The fitted map. All of a class are moved alike, then along a few axes stretched, then ranked anew.

    means: (classes, d), of made vectors; shifts: (classes, d), from these to the real means; axes: (d, k),
    orthonormal; stretch: (k, k), what is added along them; before, after: (knots, d), quantiles.
    """

    means: np.ndarray
    shifts: np.ndarray
    axes: np.ndarray
    stretch: np.ndarray
    before: np.ndarray
    after: np.ndarray

    @classmethod
    def fit(cls, made: np.ndarray, made_codes: np.ndarray, real: np.ndarray, real_codes: np.ndarray) -> Self:
        """From made (n, d) and real (m, d) vectors and their classes, 0, 1, ...; few of a class share all one's mean.

        Covariances are those within classes, along the real principal components. The stretch is the optimal map
        between normal distributions, S^-1/2 (S^1/2 R S^1/2)^1/2 S^-1/2 (Knott and Smith 1984, eq. 2.4).
        """
        n = min(len(made), len(real))
        classes = int(max(made_codes.max(), real_codes.max())) + 1
        if n < _PER_CLASS * classes:
            made_codes, real_codes, classes = np.zeros_like(made_codes), np.zeros_like(real_codes), 1
        means, counts = _means(made, made_codes, classes)
        wanted, real_counts = _means(real, real_codes, classes)
        few = np.minimum(counts, real_counts)[:, None]
        shifts = (wanted - means) * few / (few + _PER_CLASS)
        rest, aim = made - means[made_codes], real - wanted[real_codes]
        axes = projection(aim, min(MOST_AXES, n // _PER_AXIS)).directions.T
        stretch = _optimal(_covariance(rest @ axes), _covariance(aim @ axes)) - np.eye(axes.shape[1])
        none = np.zeros((0, made.shape[1]))
        moved = cls(means, shifts, axes, stretch, none, none).moved(made, made_codes)
        before, after = (np.quantile(x, np.linspace(0, 1, _KNOTS), axis=0) for x in (moved, real))
        return cls(*(one.astype(np.float32) for one in (means, shifts, axes, stretch, before, after)))

    def moved(self, x: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Vectors (n, d) with the right means and covariances."""
        own = codes if len(self.means) > 1 else np.zeros_like(codes)
        rest = x - self.means[own]
        return np.asarray(x + self.shifts[own] + ((rest @ self.axes) @ self.stretch) @ self.axes.T)

    def apply(self, x: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Vectors (n, d) of classes (n,), calibrated: means and covariances, then quantiles of each coordinate."""
        y = self.moved(x.astype(np.float64), codes)
        for j in range(y.shape[1]):
            y[:, j] = np.interp(y[:, j], self.before[:, j], self.after[:, j])
        return y

    def arrays(self, prefix: str) -> dict[str, np.ndarray]:
        """What `restore` needs, float32."""
        return {prefix + one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, np.ndarray], prefix: str) -> Self:
        """The inverse of `arrays`."""
        return cls(**{one.name: arrays[prefix + one.name] for one in fields(cls)})


def _means(x: np.ndarray, codes: np.ndarray, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Means (classes, d), zero for a class that is absent, and how many there are of each."""
    counts = np.bincount(codes, minlength=classes)
    sums = np.zeros((classes, x.shape[1]))
    np.add.at(sums, codes, x)
    return sums / np.maximum(counts, 1)[:, None], counts


def _covariance(x: np.ndarray) -> np.ndarray:
    return np.asarray(x.T @ x / max(len(x), 1))


def _optimal(own: np.ndarray, aim: np.ndarray) -> np.ndarray:
    ridge = max(_RIDGE * float(np.trace(aim)) / max(len(aim), 1), 1e-12) * np.eye(len(aim))
    root, inverse = _roots(own + ridge)
    return np.asarray(inverse @ _roots(root @ (aim + ridge) @ root)[0] @ inverse)


def _roots(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x^1/2 and x^-1/2 of a positive matrix."""
    values, vectors = np.linalg.eigh(x)
    values = np.sqrt(np.maximum(values, 1e-12))
    return (vectors * values) @ vectors.T, (vectors / values) @ vectors.T
