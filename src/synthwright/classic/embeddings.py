"""Two sets of points in one feature space: kernel and Frechet distances, manifolds of neighbours, effective number.

x, y: (n, d) and (m, d) float64 features. Distances are Euclidean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

_BLOCK_CELLS = 1 << 23  # cells of a distance block: 64 MB of float64
FEWEST_PERMUTATIONS = 200


@dataclass(frozen=True)
class Projection:
    """Principal components with one common scale. mean: (p,); directions: (d, p), orthonormal; scale: above 0."""

    mean: np.ndarray
    directions: np.ndarray
    scale: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Features (n, d) of rows (n, p)."""
        return np.asarray((x - self.mean) @ self.directions.T / self.scale)


def projection(x: np.ndarray, d: int) -> Projection:
    """The first d principal components of rows x (n, p), scaled to a mean variance of 1 per feature.

    One scale for all, so that distances between features are those between rows, but for what the left-out
    directions hold. d is lowered to the rank of x.
    """
    mean = x.mean(axis=0)
    centred = x - mean
    n, p = centred.shape
    small = centred @ centred.T if n < p else centred.T @ centred
    values, vectors = np.linalg.eigh(small / n)
    order = np.argsort(-values, kind="stable")[:d]
    order = order[values[order] > max(values.max(), 0.0) * 1e-9]
    values, vectors = values[order], vectors[:, order]
    directions = (centred.T @ vectors / np.sqrt(n * values)).T if n < p else vectors.T
    scale = float(np.sqrt(values.mean())) if len(values) else 1.0
    return Projection(mean, np.ascontiguousarray(directions), scale)


# -- kernel distance


def polynomial_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(x . y / d + 1)^3: (n, m). Source: Binkowski et al. 2018 (arXiv 1801.01401), section 4."""
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


@dataclass(frozen=True)
class KernelTest:
    """A kernel distance with its null distribution. draws: the distance under resampling of both sets (200,)."""

    value: float
    p: float
    draws: np.ndarray


def mmd(kernel: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Unbiased squared maximum mean discrepancy for each row of weights: (b,).

    kernel: (N, N) of the pooled points. weights: (b, 2, N) >= 0, how often each point counts in the first and in the
    second set. Sums leave out pairs of a point with itself.
    Source: Gretton et al. 2012, J. Mach. Learn. Res. 13, lemma 6 (equation 3).
    """
    own = np.diagonal(kernel)
    first, second = weights[:, 0], weights[:, 1]
    within = []
    for side in (first, second):
        total = side.sum(axis=1)
        squares = (side**2).sum(axis=1)
        pairs = ((side @ kernel) * side).sum(axis=1) - side**2 @ own
        within.append(pairs / (total**2 - squares))
    between = ((first @ kernel) * second).sum(axis=1) / (first.sum(axis=1) * second.sum(axis=1))
    return np.asarray(within[0] + within[1] - 2 * between)


def kid(x: np.ndarray, y: np.ndarray) -> float:
    """Unbiased kernel distance of two sets with the cubic kernel; about 0 for equal distributions, may be negative."""
    both = np.concatenate([x, y])
    weights = np.zeros((1, 2, len(both)))
    weights[0, 0, : len(x)] = weights[0, 1, len(x) :] = 1
    return float(mmd(polynomial_kernel(both, both), weights)[0])


def kernel_test(x: np.ndarray, y: np.ndarray, rng: np.random.Generator, *, times: int = 400) -> KernelTest:
    """`kid` with the probability of a value this large under equal distributions, by permutation.

    The tail beyond the permutations is that of a Pearson III curve with their mean, deviation and skewness
    (Gretton et al. 2012, section 5). The draws resample each set with replacement.
    """
    both = np.concatenate([x, y])
    kernel = polynomial_kernel(both, both)
    n, total = len(x), len(both)
    split = np.zeros((1 + times, 2, total))
    split[0, 0, :n] = split[0, 1, n:] = 1
    for b in range(times):
        order = rng.permutation(total)
        split[1 + b, 0, order[:n]] = split[1 + b, 1, order[n:]] = 1
    found = mmd(kernel, split)
    again = np.zeros((200, 2, total))
    again[:, 0, :n] = rng.multinomial(n, np.full(n, 1 / n), size=200)
    again[:, 1, n:] = rng.multinomial(total - n, np.full(total - n, 1 / (total - n)), size=200)
    return KernelTest(float(found[0]), tail_p(float(found[0]), found[1:]), mmd(kernel, again))


def tail_p(value: float, null: np.ndarray) -> float:
    """Probability of at least `value` under the Pearson III curve through draws of the null distribution."""
    spread = float(null.std(ddof=1))
    if spread <= 0:
        return 1.0 if value <= null.mean() else 0.0
    skew = max(float(stats.skew(null)), 0.0)
    z = (value - float(null.mean())) / spread
    return float(stats.pearson3.sf(z, skew) if skew > 1e-3 else stats.norm.sf(z))


# -- Frechet distance


def frechet(x: np.ndarray, y: np.ndarray) -> float:
    """Squared Frechet distance of two normal distributions fitted to the sets; needs n, m >= 2 d.

    |mu1 - mu2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)); larger by about d (d + 1) / 4n for small sets.
    Source: Dowson and Landau 1982, equation 4.
    """
    s1, s2 = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(s1))
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ np.atleast_2d(s2) @ root), 0)).sum()
    gap = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    return float(gap + np.trace(np.atleast_2d(s1)) + np.trace(np.atleast_2d(s2)) - 2 * cross)


# -- neighbours


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """All distances (n, m)."""
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)[None, :] - 2 * x @ y.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)))


def nearest(x: np.ndarray, y: np.ndarray, *, k: int = 1, same: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Distances to, and places of, the k nearest rows of y, nearest first: (n, k) each.

    same: x and y are the same rows, so that a row is no neighbour of itself. Exact, in blocks of 64 MB.
    """
    height = max(1, _BLOCK_CELLS // len(y))
    far, places = np.empty((len(x), k)), np.empty((len(x), k), dtype=np.int64)
    for start in range(0, len(x), height):
        block = distances(x[start : start + height], y)
        if same:
            block[np.arange(len(block)), start + np.arange(len(block))] = np.inf
        found = (
            np.argpartition(block, k - 1, axis=1)[:, :k] if k < len(y) else np.tile(np.arange(len(y)), (len(block), 1))
        )
        order = np.argsort(np.take_along_axis(block, found, axis=1), axis=1, kind="stable")
        found = np.take_along_axis(found, order, axis=1)
        places[start : start + height] = found
        far[start : start + height] = np.take_along_axis(block, found, axis=1)
    return far, places


@dataclass(frozen=True)
class Manifolds:
    """Membership of one set in the balls of another. inside: rows of y in a ball of x; balls: mean number of such
    balls over k; covered: rows of x with a row of y in their ball; reached: rows of x in a ball of y.
    """

    inside: np.ndarray
    balls: np.ndarray
    covered: np.ndarray
    reached: np.ndarray

    @property
    def precision(self) -> float:
        """Share of y inside the manifold of x."""
        return float(self.inside.mean())

    @property
    def density(self) -> float:
        """Mean number of balls of x around a row of y, over k; about 1 for equal distributions."""
        return float(self.balls.mean())

    @property
    def coverage(self) -> float:
        """Share of x with a row of y nearby; about 1 - 2^-k for equal distributions."""
        return float(self.covered.mean())

    @property
    def recall(self) -> float:
        """Share of x inside the manifold of y."""
        return float(self.reached.mean())


def manifolds(x: np.ndarray, y: np.ndarray, *, k: int = 5) -> Manifolds:
    """Precision, recall, density and coverage of y with respect to real rows x, by balls to the k-th neighbour.

    Use equal numbers: all four depend on n and m. Sources: Kynkaanniemi et al. 2019 (arXiv 1904.06991), equation 2;
    Naeem et al. 2020 (arXiv 2002.09797), equations 3 and 4.
    """
    x_radii = nearest(x, x, k=k, same=True)[0][:, -1]
    y_radii = nearest(y, y, k=k, same=True)[0][:, -1]
    apart = distances(x, y)
    within = apart <= x_radii[:, None]
    return Manifolds(
        np.asarray(within.any(axis=0)),
        within.sum(axis=0) / k,
        np.asarray(within.any(axis=1)),
        np.asarray((apart <= y_radii[None, :]).any(axis=1)),
    )


# -- effective number


def vendi(x: np.ndarray, *, order: float = 1.0) -> float:
    """Effective number of different rows by the cosine kernel: 1 for n copies, n for n orthogonal rows.

    exp of the Renyi entropy of the eigenvalues of K / n; rows of length 0 count as copies of each other.
    Source: Friedman and Dieng 2023 (arXiv 2210.02410), definition 3.1; orders: Pasarkar and Dieng 2023, equation 3.
    """
    length = np.sqrt((x**2).sum(axis=1))
    unit = x / np.where(length > 0, length, 1)[:, None]
    n, d = unit.shape
    small = unit @ unit.T if n < d else unit.T @ unit
    values = np.linalg.eigvalsh(small / n)
    if missing := float((length == 0).mean()):
        values = np.append(values, missing)
    values = values[values > 1e-12]
    values = values / values.sum()
    if order == 1:
        return float(np.exp(-(values * np.log(values)).sum()))
    return float((values**order).sum() ** (1 / (1 - order)))
