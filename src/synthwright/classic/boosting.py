"""Boosted trees by LightGBM as conditional models: shares of levels, and means of numbers. Optional package."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from synthwright.core.extras import lightgbm
from synthwright.core.store import State

MOST_LEVELS = 40  # a round grows one tree for each level
_PATIENCE = 5  # rounds without gain on the validation rows
_VALID = 8  # one row in 8 decides when to stop
_STILL = {"verbose": -1, "num_threads": 1, "deterministic": True, "force_row_wise": True, "max_bin": 127}


@dataclass(frozen=True, eq=False)
class LevelBooster:
    """p(level | x) of the levels in `codes`, by multiclass boosting (Friedman 2001, algorithm 6)."""

    codes: np.ndarray
    text: str

    @classmethod
    def fit(cls, x: np.ndarray, codes: np.ndarray, rounds: int, rng: np.random.Generator) -> Self | None:
        """Boost until the log-loss of one row in 8 rises; None when that never beats the plain shares.

        x: (n, d) float32; codes: (n,) at most `MOST_LEVELS` different ones.
        """
        kept, y = np.unique(codes, return_inverse=True)
        if not 2 <= len(kept) <= MOST_LEVELS or len(y) < 10 * _VALID:
            return None
        options: dict[str, Any] = (
            {"objective": "binary"} if len(kept) == 2 else {"objective": "multiclass", "num_class": len(kept)}
        )
        options |= {"learning_rate": 0.1, "num_leaves": 8, "min_data_in_leaf": 20, "lambda_l2": 1.0}
        options |= {"feature_fraction": 0.7, "seed": int(rng.integers(2**31 - 1)), **_STILL}
        order = rng.permutation(len(y))
        n_valid = len(y) // _VALID
        grown, loss = _boosted(x, y.astype(np.float64), order[n_valid:], order[:n_valid], options, rounds, _PATIENCE)
        shares = np.bincount(y[order[n_valid:]], minlength=len(kept)) + 0.5
        plain = -np.log(shares / shares.sum())[y[order[:n_valid]]].mean()
        if grown is None or loss >= plain:
            return None
        return cls(kept, grown)

    @cached_property
    def _booster(self) -> Any:
        return lightgbm().Booster(model_str=self.text)

    def shares(self, x: np.ndarray) -> np.ndarray:
        """(n, levels), rows sum to 1."""
        p = self._booster.predict(x, num_threads=1)
        return np.column_stack([1 - p, p]) if p.ndim == 1 else np.asarray(p)

    def draw(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One code for each row, by inversion."""
        upto = np.cumsum(self.shares(x), axis=1)
        u = rng.random(len(x)) * upto[:, -1]
        place = np.minimum((upto < u[:, None]).sum(axis=1), len(self.codes) - 1)
        return np.asarray(self.codes[place])

    def state(self) -> State:
        """Everything `restore` needs."""
        return State({}, {"codes": self.codes}, {"trees": self.text})

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`."""
        return cls(state.arrays["codes"], state.texts["trees"])


@dataclass(frozen=True, eq=False)
class MeanBooster:
    """E[y | x] as the mean of models, each fitted without one fold of the rows."""

    texts: tuple[str, ...]

    @classmethod
    def fit(
        cls, x: np.ndarray, y: np.ndarray, fold: np.ndarray, rounds: int, rng: np.random.Generator
    ) -> tuple[Self, np.ndarray]:
        """Also returns the out-of-fold predictions (n,): the mean a row would get had it not been seen.

        fold: (n,) codes 0..k-1. Least squares boosting (Friedman 2001, algorithm 2), stopped on the fold left out.
        """
        options = {"objective": "regression", "learning_rate": 0.1, "num_leaves": 15, "min_data_in_leaf": 20}
        options |= {"lambda_l2": 5.0, "seed": int(rng.integers(2**31 - 1)), **_STILL}
        texts, unseen = [], np.zeros(len(y))
        for k in range(int(fold.max()) + 1):
            out = np.flatnonzero(fold == k)
            text, _ = _boosted(x, y, np.flatnonzero(fold != k), out, options, rounds, 2 * _PATIENCE)
            if text is not None:
                texts.append(text)
                unseen[out] = lightgbm().Booster(model_str=text).predict(x[out], num_threads=1)
            else:
                texts.append("")
        return cls(tuple(texts)), unseen

    @cached_property
    def _boosters(self) -> list[Any]:
        return [lightgbm().Booster(model_str=text) for text in self.texts if text]

    def mean(self, x: np.ndarray) -> np.ndarray:
        """(n,); a model that found nothing counts as 0."""
        total = np.zeros(len(x))
        for booster in self._boosters:
            total += booster.predict(x, num_threads=1)
        return total / len(self.texts)

    def state(self) -> State:
        """Everything `restore` needs."""
        texts = {f"fold{k}": text for k, text in enumerate(self.texts) if text}
        return State({"folds": len(self.texts)}, {}, texts)

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`."""
        return cls(tuple(state.texts.get(f"fold{k}", "") for k in range(state.meta["folds"])))


def _boosted(
    x: np.ndarray,
    y: np.ndarray,
    rows: np.ndarray,
    valid: np.ndarray,
    options: dict[str, Any],
    rounds: int,
    patience: int,
) -> tuple[str | None, float]:
    """Text of the model with the best validation loss, and that loss; None when no round helped."""
    lgb = lightgbm()
    train = lgb.Dataset(x[rows], y[rows], params=_STILL)
    check = lgb.Dataset(x[valid], y[valid], reference=train, params=_STILL)
    stop = lgb.early_stopping(patience, verbose=False)
    grown = lgb.train(options, train, rounds, valid_sets=[check], callbacks=[stop])
    loss = float(next(iter(grown.best_score["valid_0"].values())))
    if grown.best_iteration < 1 or grown.num_trees() == 0:
        return None, loss
    return grown.model_to_string(num_iteration=grown.best_iteration), loss
