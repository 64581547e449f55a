"""Which parts of a vector depend on each other: models of independent parts need far fewer rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.stats import norm

ROWS = 1_000  # fewer rows do not show weak dependence: then all parts are one group
_WIDEST = 2_000  # coordinates; beyond, the products take too long
_ERROR = 1e-3  # probability that parts without dependence are joined
_FAR = 2.6  # deviations at which powers are cut off, so that single rows do not decide


def independent_groups(x: np.ndarray, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Groups of parts such that no part depends on one of another group, each as its ascending coordinates.

    x: (n, d), NaN where nothing was seen; parts: the coordinates of each part, together all d. Two parts are joined
    when a correlation between first, second or third powers of standard scores of theirs is not due to chance
    (Bonferroni over all pairs). Rows that depend on each other join too many parts, which is the safe side.
    """
    n, d = x.shape
    everything = [np.arange(d)]
    if n < ROWS or d > _WIDEST or len(parts) < 2:
        return everything
    centre, spread = np.nanmean(x, axis=0), np.nanstd(x, axis=0)
    z = np.clip((x - centre) / np.where(spread > 0, spread, 1.0), -_FAR, _FAR)
    powers = np.stack([_standard(z), _standard(z**2), _standard(z**3)], axis=2)  # (n, d, 3), 0 where nothing was seen
    flat = powers.reshape(n, -1)
    seen = (~np.isnan(x)).astype(np.float64)
    both = np.repeat(np.repeat(seen.T @ seen, 3, axis=0), 3, axis=1)
    strength = np.abs(flat.T @ flat) / np.sqrt(np.maximum(both, 1.0))
    far = norm.isf(_ERROR / (9 * d * (d - 1)))
    owner = np.empty(d, dtype=np.int64)
    for number, part in enumerate(parts):
        owner[part] = number
    a, b = np.nonzero(strength > far)
    joined = csr_matrix((np.ones(len(a)), (owner[a // 3], owner[b // 3])), shape=(len(parts), len(parts)))
    _, group = connected_components(joined, directed=False)
    return [np.flatnonzero(group[owner] == number) for number in dict.fromkeys(group[owner].tolist())]


def _standard(x: np.ndarray) -> np.ndarray:
    spread = np.nanstd(x, axis=0)
    return np.asarray(np.nan_to_num((x - np.nanmean(x, axis=0)) / np.where(spread > 0, spread, 1.0)))
