"""Density ratios of two samples by cross-fit boosting, and what they are good for: tempering, acceptance, shares.

A classifier that tells real from synthetic rows knows their density ratio: r(x) = D(x) / (1 - D(x)) when both are
equally many (Sugiyama, Suzuki and Kanamori 2012, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from synthwright.core.extras import lightgbm
from synthwright.core.store import State

FOLDS, MOST_POWER = 4, 3.0
_ROUNDS, _PATIENCE, _MANY = 400, 20, 8
_STILL = {"verbose": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True, "max_bin": 255}
_OPTIONS = {
    "objective": "binary",
    "learning_rate": 0.05,
    "num_leaves": 15,
    "min_data_in_leaf": 30,
    "lambda_l2": 5.0,
    "cat_smooth": 20.0,
    **_STILL,
}
_MOST_LOG = 5.0  # log-odds beyond are an accident of few rows


@dataclass(frozen=True, eq=False)
class DensityRatio:
    """log of p_real(x) / p_synthetic(x): the mean log-odds of several classifiers, times `power`."""

    texts: tuple[str, ...]
    power: float = 1.0

    @classmethod
    def fit(
        cls,
        real: np.ndarray,
        synthetic: np.ndarray,
        levels: Sequence[int],
        rng: np.random.Generator,
        step: Callable[[int, int], None] = lambda done, total: None,
    ) -> Self:
        """real, synthetic: (n, d), (m, d) float32, NaN missing; levels: columns that hold codes.

        Both sides weigh the same. Each classifier stops by the rows of a fold of its own, which it does not see.
        """
        x = np.concatenate([real, synthetic])
        y = (np.arange(len(x)) < len(real)).astype(np.float64)
        fold = np.concatenate([rng.permutation(np.arange(len(part)) % FOLDS) for part in (real, synthetic)])
        texts = []
        for k in range(FOLDS):
            step(k, FOLDS)
            texts.append(_classifier(x, y, fold == k, levels, rng))
        return cls(tuple(texts))

    def calibrated(self, real: np.ndarray, synthetic: np.ndarray) -> tuple[Self, float, float]:
        """With the power, at most `MOST_POWER`, that predicts these rows best; no classifier may have seen them.

        Also returns by how much the log-loss of a row falls below log 2, in nats, and the standard error of that.
        """
        plain = type(self)(self.texts)
        z = np.concatenate([plain.log_ratio(part) for part in (real, synthetic)])
        y = (np.arange(len(z)) < len(real)).astype(np.float64)
        weight = np.where(y == 1, 0.5 / len(real), 0.5 / len(synthetic))
        power, loss = best_power(z, y, weight, most=MOST_POWER)
        gain = np.log(2.0) - loss
        mean = float(weight @ gain)
        return type(self)(self.texts, power), mean, float(np.sqrt((weight**2) @ (gain - mean) ** 2))

    def log_ratio(self, x: np.ndarray) -> np.ndarray:
        """(n,) tempered log ratios, up to a constant."""
        total = np.zeros(len(x))
        for booster in self._boosters:
            total += np.clip(booster.predict(x, raw_score=True, num_threads=1), -_MOST_LOG, _MOST_LOG)
        return self.power * total / len(self.texts)

    @cached_property
    def _boosters(self) -> list[Any]:
        return [lightgbm().Booster(model_str=text) for text in self.texts if text]

    def state(self) -> State:
        """Everything `restore` needs."""
        texts = {f"fold{k}": text for k, text in enumerate(self.texts) if text}
        return State({"folds": len(self.texts), "power": self.power}, {}, texts)

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`."""
        texts = tuple(state.texts.get(f"fold{k}", "") for k in range(state.meta["folds"]))
        return cls(texts, float(state.meta["power"]))


def _classifier(
    x: np.ndarray, y: np.ndarray, valid: np.ndarray, levels: Sequence[int], rng: np.random.Generator
) -> str:
    """Text of the classifier with the best loss on the rows `valid`; empty when no round helped."""
    lgb = lightgbm()
    n_real = y.sum()
    weight = np.where(y == 1, 0.5 * len(y) / n_real, 0.5 * len(y) / (len(y) - n_real))
    train = lgb.Dataset(x[~valid], y[~valid], weight=weight[~valid], categorical_feature=list(levels), params=_STILL)
    check = lgb.Dataset(x[valid], y[valid], weight=weight[valid], reference=train, params=_STILL)
    stop = lgb.early_stopping(_PATIENCE, verbose=False)
    share = 0.7 if x.shape[1] >= _MANY else 1.0  # a tree that sees one of two columns cannot see them together
    options = {**_OPTIONS, "feature_fraction": share, "seed": int(rng.integers(2**31 - 1))}
    grown = lgb.train(options, train, _ROUNDS, valid_sets=[check], callbacks=[stop])
    if grown.best_iteration < 1 or grown.num_trees() == 0:
        return ""
    text: str = grown.model_to_string(num_iteration=grown.best_iteration)
    return text


def best_power(
    log_odds: np.ndarray, y: np.ndarray, weight: np.ndarray, *, most: float = np.inf
) -> tuple[float, np.ndarray]:
    """The a in [0, most] that minimises the log-loss of sigma(a f + b), and the loss of each row there.

    Newton's method for a logistic regression on f (Platt 1999), then on b alone when a lies outside; weight: (n,)
    sums to 1.
    """
    a, b = _newton(log_odds, y, weight)
    if not 0.0 <= a <= most:
        a = min(max(a, 0.0), most)
        b = _newton(None, y, weight, offset=a * log_odds)[1]
    z = a * log_odds + b
    return a, np.logaddexp(0.0, z) - y * z


def _newton(
    slope: np.ndarray | None, y: np.ndarray, weight: np.ndarray, offset: np.ndarray | float = 0.0
) -> tuple[float, float]:
    """Coefficients (a, b) of the logistic regression of y on `slope` (a = 0 without one) and 1."""
    design = np.ones((len(y), 1)) if slope is None else np.column_stack([np.ones(len(y)), slope])
    beta = np.zeros(design.shape[1])
    for _ in range(50):
        p = _sigma(design @ beta + offset)
        curve = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(len(beta))
        change = np.linalg.solve(curve, design.T @ (weight * (p - y)))
        size = np.abs(change).max()
        beta = beta - change * min(1.0, 4.0 / max(size, 1e-12))  # a full step may overshoot far from the optimum
        if size < 1e-10:
            break
    return (0.0 if slope is None else float(beta[1])), float(beta[0])


def _sigma(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(z, -60, 60))))


def acceptance_level(log_ratio: np.ndarray, most_draws: float) -> float:
    """log c of accepting x with probability min(1, r(x) / c): the 99 % quantile of the proposals' ratios, or less.

    Less when so many proposals would be refused that a unit takes more than `most_draws` of them on average.
    Source: rejection sampling, von Neumann 1951; capped as in Azadi et al. 2019 (arXiv 1810.06758).
    """
    level = float(np.quantile(log_ratio, 0.99))
    low = float(log_ratio.min())
    if _accepted(log_ratio, level) >= 1 / most_draws:
        return level
    for _ in range(60):  # bisection: the share accepted falls as c grows
        middle = (low + level) / 2
        if _accepted(log_ratio, middle) >= 1 / most_draws:
            low = middle
        else:
            level = middle
    return low


def _accepted(log_ratio: np.ndarray, level: float) -> float:
    return float(np.exp(np.minimum(0.0, log_ratio - level)).mean())


def effective_share(log_ratio: np.ndarray, level: float) -> float:
    """(sum w)^2 / (n sum w^2) of the weights min(r, c): the share of proposals they are worth (Kish 1965)."""
    w = np.exp(np.minimum(0.0, log_ratio - level))
    return float(w.sum() ** 2 / (len(w) * (w**2).sum()))
