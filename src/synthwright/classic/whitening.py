"""Vectors with holes to independent standard scores by a linear map, given attributes, and back.

    x = mean + slope a + axes diag(sqrt(scales)) z,  z ~ (0, I)

With z drawn from a normal distribution this is the Gaussian model of the data: the floor that others build upon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

_DROP = 1e-10  # axes whose variance is below this share of the largest carry rounding errors only
_RIDGE = 1e-3  # penalty of the regression on the attributes, as a share of the rows


@dataclass(frozen=True)
class Whitening:
    """The fitted map. mean: (d,); slope: (d, p); axes: (d, r), orthonormal; scales: (r,), variances, falling
    within each group of coordinates."""

    mean: np.ndarray
    slope: np.ndarray
    axes: np.ndarray
    scales: np.ndarray

    @classmethod
    def fit(cls, x: np.ndarray, a: np.ndarray, groups: Sequence[np.ndarray] = ()) -> Self:
        """From vectors x (n, d) with NaN where nothing was seen, and attributes a (n, p) without holes.

        Moments are taken over the rows that show both coordinates; negative variances that follow are cut off.
        groups: sets of coordinates that do not depend on each other: each gets scores of its own, in this order.
        """
        seen = ~np.isnan(x)
        mean, slope = _regression(x, seen, a)
        rest = np.where(seen, x - mean - a @ slope.T, 0.0)
        count = seen.astype(np.float64)
        covariance = (rest.T @ rest) / np.maximum(count.T @ count, 1.0)
        found = [
            (group, *np.linalg.eigh(covariance[np.ix_(group, group)])) for group in groups or [np.arange(x.shape[1])]
        ]
        least = _DROP * max(*(float(scales[-1]) for _, scales, _ in found), 1e-300)
        axes, kept = [], []
        for group, scales, own in found:
            order = np.flatnonzero(scales > least)[::-1]
            wide = np.zeros((x.shape[1], len(order)))
            wide[group] = own[:, order]
            axes.append(wide)
            kept.append(scales[order])
        return cls(mean, slope, np.concatenate(axes, axis=1), np.concatenate(kept))

    @property
    def rank(self) -> int:
        """Number of scores."""
        return len(self.scales)

    def whiten(self, x: np.ndarray, a: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Scores z (n, r) of vectors; what was not seen is first drawn from the Gaussian model given the rest."""
        rest = x - self.mean - a @ self.slope.T
        for pattern, rows in _patterns(np.isnan(x)):
            if pattern.any():
                rest[rows] = self._completed(rest[rows], pattern, rng)
        return np.asarray((rest @ self.axes) / np.sqrt(self.scales))

    def colour(self, z: np.ndarray, a: np.ndarray) -> np.ndarray:
        """The inverse of `whiten`: vectors (n, d) of scores z (n, r)."""
        return np.asarray(self.mean + a @ self.slope.T + (z * np.sqrt(self.scales)) @ self.axes.T)

    def _completed(self, rest: np.ndarray, gone: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Rows with the coordinates `gone` drawn given the others: conditional normal distribution."""
        root = self.axes * np.sqrt(self.scales)
        known, unknown = root[~gone], root[gone]
        made = rest.copy()
        noise = rng.standard_normal((len(rest), self.rank))
        free = noise @ root.T  # a draw of the whole vector, then corrected by what was seen (Matheron's rule)
        gram = known @ known.T
        gram[np.diag_indices_from(gram)] += 1e-8 * max(float(np.trace(gram)) / max(len(gram), 1), 1e-300)
        gain = np.linalg.solve(gram, known @ unknown.T) if known.size else np.zeros((0, int(gone.sum())))
        made[:, gone] = free[:, gone] + (rest[:, ~gone] - free[:, ~gone]) @ gain
        return made


def _regression(x: np.ndarray, seen: np.ndarray, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and slope of each coordinate on the attributes, by ridge regression over the rows that show it."""
    d = x.shape[1]
    p = a.shape[1]
    mean = np.where(seen, x, 0.0).sum(axis=0) / np.maximum(seen.sum(axis=0), 1)
    if p == 0:
        return mean, np.zeros((d, 0))
    mean_out, slope = np.empty(d), np.empty((d, p))
    for pattern, columns in _patterns(~seen.T):
        rows = ~pattern
        centre = a[rows].mean(axis=0) if rows.any() else np.zeros(p)
        design = a[rows] - centre
        gram = design.T @ design + _RIDGE * max(int(rows.sum()), 1) * np.eye(p)
        weights = np.linalg.solve(gram, design.T @ (x[np.ix_(rows, columns)] - mean[columns]))
        slope[columns] = weights.T
        mean_out[columns] = mean[columns] - weights.T @ centre
    return mean_out, slope


def _patterns(gone: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """The different rows of a bool matrix, each with the numbers of the rows that equal it."""
    distinct, place = np.unique(gone, axis=0, return_inverse=True)
    return [(distinct[k], np.flatnonzero(place.ravel() == k)) for k in range(len(distinct))]
