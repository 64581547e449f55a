"""Judges that try to tell synthetic windows of series from real ones, over folds that share no step in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from synthwright.classic import linear, timeseries, twosample
from synthwright.evaluate.learners import _train
from synthwright.evaluate.series import Windows

FOLDS = 4
_COMPONENTS = 10
_KERNELS = 500
_TREES = {
    "objective": "binary", "learning_rate": 0.1, "num_leaves": 15, "max_bin": 63, "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True, "verbosity": -1, "min_data_in_leaf": 20, "feature_pre_filter": False,
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """What one judge found. score: accuracy - 1/2, from 0 (cannot tell) to 1/2; auc with its error."""

    name: str
    score: float
    auc: float
    error: float

    @property
    def p(self) -> float:
        """Probability of so large an AUC when nothing can be told."""
        return float(stats.norm.sf((self.auc - 0.5) / max(self.error, 1e-9)))


def balanced(a: Windows, b: Windows, most: int, rng: np.random.Generator) -> tuple[Windows, Windows]:
    """Equally many windows of both, at most `most`; the larger is drawn from at random."""
    n = min(len(a), len(b), most)
    return tuple(  # type: ignore[return-value]  # two of them
        one if len(one) == n else one.take(np.sort(rng.choice(len(one), size=n, replace=False))) for one in (a, b)
    )


def folds_of(block: np.ndarray, rng: np.random.Generator, folds: int = FOLDS) -> np.ndarray:
    """A fold for each window so that no block stands in two folds and folds are about equal."""
    blocks, sizes = np.unique(block, return_counts=True)
    order = rng.permutation(len(blocks))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load, chosen = np.zeros(folds), np.zeros(len(blocks), dtype=np.int64)
    for one in order:
        chosen[one] = int(load.argmin())
        load[chosen[one]] += sizes[one]
    return np.asarray(chosen[np.searchsorted(blocks, block)])


def judge_trees(synthetic: Windows, real: Windows, rng: np.random.Generator) -> Judged:
    """LightGBM on values, increments, catch22-like statistics and 10 principal components of whole windows."""
    x = np.concatenate([synthetic.values, real.values])
    plain = timeseries.features(x)
    flat = x.reshape(len(x), -1)
    own = len(synthetic)

    def predict(inside: np.ndarray, seed: int) -> np.ndarray:
        centre = flat[~inside].mean(axis=0)
        _, _, axes = np.linalg.svd(_some(flat[~inside] - centre, rng), full_matrices=False)
        table = np.column_stack([plain, (flat - centre) @ axes[:_COMPONENTS].T]).astype(np.float32)
        label = (np.arange(len(x)) < own).astype(np.float64)
        model = _train(table[~inside], label[~inside], {**_TREES, "seed": seed}, rounds=80, levels=())
        return np.asarray(model.predict(table[inside], num_threads=1))

    return _judged("trees", synthetic, real, predict, rng)


def judge_rocket(synthetic: Windows, real: Windows, rng: np.random.Generator) -> Judged:
    """Ridge on shares of positive values and maxima of 500 random convolutions."""
    x = np.concatenate([synthetic.values, real.values])
    table = timeseries.rocket(x, rng, kernels=_KERNELS).astype(np.float64)
    label = np.where(np.arange(len(x)) < len(synthetic), 1.0, -1.0)

    def predict(inside: np.ndarray, seed: int) -> np.ndarray:
        centre, spread = table[~inside].mean(axis=0), table[~inside].std(axis=0) + 1e-8
        scaled = (table - centre) / spread
        beta = linear.ridge(scaled[~inside], label[~inside], penalty=0.1 * int((~inside).sum()))
        return np.asarray(0.5 + 0.5 * linear.predict(beta, scaled[inside]))

    return _judged("rocket", synthetic, real, predict, rng)


def _some(rows: np.ndarray, rng: np.random.Generator, most: int = 1_000) -> np.ndarray:
    return rows if len(rows) <= most else rows[np.sort(rng.choice(len(rows), size=most, replace=False))]


def _judged(name: str, synthetic: Windows, real: Windows, predict: object, rng: np.random.Generator) -> Judged:
    """Scores of every window by a model that saw no window of its fold."""
    fold = np.concatenate([folds_of(synthetic.block, rng), folds_of(real.block, rng)])
    found = np.empty(len(fold))
    for k in range(FOLDS):
        inside = fold == k
        if inside.any():
            found[inside] = predict(inside, int(rng.integers(2**31 - 1)))  # type: ignore[operator]
    own, other = found[: len(synthetic)], found[len(synthetic) :]
    accuracy = 0.5 * (float(np.mean(own > 0.5)) + float(np.mean(other <= 0.5)))
    error = clustered_error(own, synthetic.block, other, real.block)
    return Judged(name, max(0.0, accuracy - 0.5), twosample.auc(own, other), error)


def clustered_error(x: np.ndarray, x_block: np.ndarray, y: np.ndarray, y_block: np.ndarray) -> float:
    """Standard error of the AUC of x over y when values of one block belong together.

    Placement values as in `twosample.auc_error`, summed within blocks (Obuchowski 1997, equations 1 to 4); never
    below the error of as many independent values as there are blocks, when the two cannot be told apart.
    """
    n, m = len(x), len(y)
    both = stats.rankdata(np.concatenate([x, y]))
    above = (both[:n] - stats.rankdata(x)) / m
    below = 1 - (both[n:] - stats.rankdata(y)) / n
    variance = 0.0
    counts = []
    for place, block in ((above, x_block), (below, y_block)):
        sums = np.bincount(block, weights=place - place.mean())
        used = max(len(np.unique(block)), 2)
        counts.append(used)
        variance += used / (used - 1) * float((sums**2).sum()) / len(place) ** 2
    return float(max(np.sqrt(variance), twosample.auc_null_error(counts[0], counts[1])))
