"""Channels that are smooth curves with few degrees of freedom: each series is a point on a curved surface.

Noise of a ten-thousandth shows in the bends of a smooth curve. A model of every step cannot avoid it; a model of a few
steps, from which the others follow by a polynomial, makes curves that are as smooth as the data.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

_MOST = 3  # degrees of freedom
_PLACES = 9  # steps that are tried as anchors, evenly spread
_VISIBLE = 1e-3  # error of the bends (second differences) of a curve, as a share of these, in all but _ODD curves
_EXACT = 1e-5  # the same error below which no finer polynomial is tried: peaks then end where the data's do
_ODD = 0.02  # share of curves that may be off: those that are cut off at the ends of the channel
_HOPELESS = 0.5  # the same error at degree 4 above which anchors are not tried with higher ones
_STRAIGHT = 1e-3  # of the usual bend: curves that bend less count as if they bent so much
_DEGREES = (2, 4, 7, 10, 13)
_TRIED = 2_000  # series that a choice is tried on
_REACH = 2.0  # deviations that are 1 for the polynomial, so that its powers stay small


@dataclass(frozen=True, eq=False)
class Curve:
    """Curves by their values at m steps, the anchors; every step is a polynomial in these.

    centre, spread: (m,) of the anchors; weights: (terms, length).
    """

    anchors: tuple[int, ...]
    centre: np.ndarray
    spread: np.ndarray
    degree: int
    weights: np.ndarray

    @classmethod
    def fit(cls, grid: np.ndarray) -> Self | None:
        """Of curves (series, length), the fewest anchors that leave nothing visible; None when more than 3.

        Among equally many anchors those are taken that depend least on each other, so that errors of a model in
        them are not enlarged elsewhere.
        """
        n, length = grid.shape
        if length < 4 or n < 50:
            return None
        some = grid[:: max(1, n // _TRIED)]
        places = np.unique(np.linspace(0, length - 1, min(_PLACES, length)).astype(int)).tolist()
        for m in range(1, _MOST + 1):
            chosen = sorted(itertools.combinations(places, m), key=lambda anchors: -_independence(some[:, anchors]))
            best, found = _VISIBLE, None
            for anchors in chosen:
                for degree in _DEGREES:
                    tried = cls._with(some[::2], anchors, degree)
                    if tried is None:
                        break
                    error = float(np.quantile(_errors(tried, some[1::2]), 1 - _ODD))
                    if degree == 4 and error > _HOPELESS:
                        break
                    if error < best:
                        best, found = error, (anchors, degree)
                    if error < _EXACT:
                        return cls._with(grid, anchors, degree)
            if found is not None:
                return cls._with(grid, *found)
        return None

    @classmethod
    def _with(cls, grid: np.ndarray, anchors: Sequence[int], degree: int) -> Self | None:
        """The polynomial through these anchors; None when there are too few series for its terms.

        Errors count relative to a curve's own bends: a nearly straight one shows the smallest.
        """
        own = grid[:, list(anchors)]
        centre, spread = own.mean(axis=0), own.std(axis=0)
        if not (spread > 0).all():
            return None
        design = _powers((own - centre) / (_REACH * spread), degree)
        if design.shape[1] > len(grid) // 4:
            return None
        each = 1 / _bends(grid)[:, None]
        for _ in range(2):
            weights = np.linalg.lstsq(design * each, grid * each, rcond=1e-14)[0]
            made = cls(tuple(int(place) for place in anchors), centre, spread, degree, weights)
            errors = _errors(made, grid)
            each = np.where(errors[:, None] <= np.quantile(errors, 1 - _ODD), each, 0.0)
        return made

    @property
    def size(self) -> int:
        """Number of anchors."""
        return len(self.anchors)

    def coordinates(self, grid: np.ndarray) -> np.ndarray:
        """The anchors' values (n, size) of curves (n, length)."""
        return np.asarray(grid[:, list(self.anchors)])

    def curves(self, coordinates: np.ndarray) -> np.ndarray:
        """The inverse of `coordinates`."""
        return np.asarray(_powers((coordinates - self.centre) / (_REACH * self.spread), self.degree) @ self.weights)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        arrays = {name: getattr(self, name).tolist() for name in ("centre", "spread", "weights")}
        return {**arrays, "degree": self.degree, "anchors": list(self.anchors)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        names = ("centre", "spread", "weights")
        centre, spread, weights = (np.array(document[name], dtype=np.float64) for name in names)
        return cls(tuple(document["anchors"]), centre, spread, int(document["degree"]), weights)


def _bends(grid: np.ndarray) -> np.ndarray:
    """The size of each curve's bends, (n,); at least a thousandth of the usual size."""
    bends = np.sqrt((np.diff(grid, 2, axis=1) ** 2).mean(axis=1))
    return np.asarray(np.maximum(bends, max(_STRAIGHT * float(np.sqrt((bends**2).mean())), 1e-300)))


def _errors(curve: Curve, grid: np.ndarray) -> np.ndarray:
    """Error of the bends of each curve as a share of these, (n,)."""
    left = np.diff(grid - curve.curves(curve.coordinates(grid)), 2, axis=1)
    return np.asarray(np.sqrt((left**2).mean(axis=1)) / _bends(grid))


def _independence(own: np.ndarray) -> float:
    """The smallest eigenvalue of the correlations: 1 when the columns do not depend on each other, else down to 0."""
    if own.shape[1] == 1:
        return float(own.std())
    if not (own.std(axis=0) > 0).all():
        return -1.0
    return float(np.linalg.eigvalsh(np.corrcoef(own, rowvar=False))[0])


def _powers(u: np.ndarray, degree: int) -> np.ndarray:
    """All products of the columns of u (n, m) of total degree 0 to `degree`."""
    columns = [np.ones(len(u))]
    for total in range(1, degree + 1):
        for chosen in itertools.combinations_with_replacement(range(u.shape[1]), total):
            columns.append(u[:, chosen].prod(axis=1))
    return np.column_stack(columns)
