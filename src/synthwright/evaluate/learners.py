"""The judge's own models: gradient boosting from LightGBM and linear ones, with fixed settings.

Settings are part of the measurement: changing one changes the meaning of published numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from synthwright.classic import linear, twosample
from synthwright.core.extras import lightgbm

Task = Literal["binary", "multiclass", "regression"]
CLIP = 1e-3  # smallest probability in a log-loss, so that one confident mistake does not decide
_COMMON = {
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "min_data_in_leaf": 20,
    "feature_pre_filter": False,
}


def boost(
    x: np.ndarray,
    y: np.ndarray,
    *,
    task: Task,
    seed: int,
    levels: Sequence[int] = (),
    classes: int = 2,
) -> Any:
    """A fitted LightGBM model. x: (n, d) float32, NaN missing; y: codes 0..classes-1, or numbers; levels: columns."""
    objective = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}[task]
    options = {**_COMMON, "objective": objective, "seed": seed, "learning_rate": 0.1, "num_leaves": 15}
    if task == "multiclass":
        options["num_class"] = classes
    return _train(x, y, options, rounds=60, levels=levels)


def _train(x: np.ndarray, y: np.ndarray, options: dict[str, Any], *, rounds: int, levels: Sequence[int]) -> Any:
    library = lightgbm()
    data = library.Dataset(x, y, categorical_feature=list(levels), params={"verbosity": -1}, free_raw_data=True)
    return library.train(options, data, num_boost_round=rounds)


def c2st_auc(
    x: np.ndarray, y: np.ndarray, *, rng: np.random.Generator, levels: Sequence[int] = (), folds: int = 5
) -> tuple[float, float]:
    """Classifier two-sample test: AUC of telling rows x from rows y, and its standard error.

    x, y: (n, d) and (m, d) float32, NaN missing, equal columns; levels: columns that hold level codes.
    Five folds, LightGBM with 100 trees of 31 leaves, one AUC over all out-of-fold predictions. 0.5 when they cannot
    be told apart (0.48 to 0.52 for two real samples), 1 when they always can. Compare with rows the generator never
    saw: a copy of train stands in both classes and gets less than 0.5 against train.
    Source: Lopez-Paz and Oquab 2017; error: DeLong 1988, never below the error under equal distributions.
    """
    rows = np.concatenate([x, y])
    label = np.concatenate([np.ones(len(x)), np.zeros(len(y))])
    fold = np.concatenate([rng.permutation(np.arange(len(part)) % folds) for part in (x, y)])
    options = {
        **_COMMON, "objective": "binary", "seed": int(rng.integers(2**31 - 1)), "learning_rate": 0.1, "num_leaves": 31
    }  # fmt: skip
    score = np.empty(len(rows))
    for k in range(folds):
        inside = fold == k
        model = _train(rows[~inside], label[~inside], options, rounds=100, levels=levels)
        score[inside] = model.predict(rows[inside], num_threads=1)
    own, other = score[: len(x)], score[len(x) :]
    error = max(twosample.auc_error(own, other), twosample.auc_null_error(len(x), len(y)))
    return twosample.auc(own, other), error


def detectable_auc(n: int, m: int) -> float:
    """Smallest AUC that n against m rows tell from 0.5 with power 80 % at a one-sided level of 1 %."""
    return 0.5 + 3.17 * twosample.auc_null_error(n, m)


def predictions(model: Any, x: np.ndarray, *, task: Task) -> np.ndarray:
    """Class probabilities (n, classes), or predicted numbers (n,)."""
    found = np.asarray(model.predict(x, num_threads=1))
    return np.column_stack([1 - found, found]) if task == "binary" else found


def linear_predictions(x: np.ndarray, y: np.ndarray, new: np.ndarray, *, task: Task, classes: int = 2) -> np.ndarray:
    """Predictions of ridge, or of logistic regression (one class against the rest), for the rows `new`."""
    if task == "regression":
        return linear.predict(linear.ridge(x, y), new)
    chances = np.column_stack(
        [linear.chance(linear.predict(linear.logistic(x, (y == k).astype(float)), new)) for k in range(classes)]
    )
    return np.asarray(chances / np.maximum(chances.sum(axis=1, keepdims=True), 1e-12))


def row_losses(y: np.ndarray, prediction: np.ndarray, *, task: Task) -> np.ndarray:
    """Loss of each row: -log probability of its class (natural log, clipped), or the squared error."""
    if task == "regression":
        return np.asarray((y - prediction) ** 2)
    chance = np.clip(prediction[np.arange(len(y)), y.astype(int)], CLIP, 1.0)
    return np.asarray(-np.log(chance))


def calibration_slope(y: np.ndarray, prediction: np.ndarray) -> tuple[float, float]:
    """Slope of the least-squares line of the target on its prediction, and its robust standard error.

    y: (n,) numbers, with prediction (n,); or codes, with class probabilities (n, classes): then indicator against
    probability, centred in each class. Numbers are winsorised at 1 % so that a few giants do not decide. Error:
    White 1980.
    """
    if prediction.ndim == 1:
        low, high = np.quantile(y, [0.01, 0.99])
        outcome, found = np.clip(y, low, high)[:, None], np.clip(prediction, low, high)[:, None]
    else:
        outcome, found = np.eye(prediction.shape[1])[y.astype(int)], prediction
    x = found - found.mean(axis=0)
    mass = float((x**2).sum())
    if mass <= 1e-18 * len(x) * float((found**2).max()):  # a constant prediction, but for rounding
        return 0.0, 1.0
    slope = float((x * outcome).sum() / mass)
    left = outcome - outcome.mean(axis=0) - slope * x
    return slope, float(np.sqrt(((x * left).sum(axis=1) ** 2).sum()) / mass)


def skill(y: np.ndarray, prediction: np.ndarray, *, task: Task, weight: np.ndarray | None = None) -> float:
    """How good predictions are, higher is better: AUC (binary), macro F1 (multiclass) or R2 (regression).

    weight: how often each row counts, for the bootstrap. NaN when a class is absent, or all numbers are equal.
    """
    weight = np.ones(len(y)) if weight is None else weight
    if task == "regression":
        used = y[weight > 0]
        if used.min() == used.max():
            return float("nan")
        mean = np.average(y, weights=weight)
        return float(1 - weight @ (y - prediction) ** 2 / max(float(weight @ (y - mean) ** 2), 1e-300))
    if task == "binary":
        return _weighted_auc(y, prediction[:, 1], weight)
    return _macro_f1(y.astype(int), prediction.argmax(axis=1), weight, prediction.shape[1])


def _weighted_auc(y: np.ndarray, score: np.ndarray, weight: np.ndarray) -> float:
    _, place = np.unique(score, return_inverse=True)
    positive = np.bincount(place, weights=weight * (y == 1))
    negative = np.bincount(place, weights=weight * (y == 0))
    below = np.cumsum(negative) - negative
    total = positive.sum() * negative.sum()
    return float((positive * (below + 0.5 * negative)).sum() / total) if total else float("nan")


def _macro_f1(y: np.ndarray, guess: np.ndarray, weight: np.ndarray, classes: int) -> float:
    both = np.bincount(y * classes + guess, weights=weight, minlength=classes * classes).reshape(classes, classes)
    hit, real, said = np.diag(both), both.sum(axis=1), both.sum(axis=0)
    present = real > 0
    return float((2 * hit[present] / np.maximum(real + said, 1e-300)[present]).mean())
