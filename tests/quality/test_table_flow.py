"""`flow` on a table whose columns are tied neither linearly nor monotonically: nearer to unseen rows than ranks are."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.generators.base import Generator

pytestmark = pytest.mark.quality


def _rings(n, seed):
    """A ring whose radius a level decides, a number that follows its angle, and a heap of zeros in one half."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(3, size=n)
    angle = rng.uniform(0, 2 * np.pi, n)
    radius = 1.0 + kind + 0.1 * rng.normal(size=n)
    x, y = radius * np.cos(angle), radius * np.sin(angle)
    paid = np.where(x > 0, 0.0, np.round(50 + 30 * np.sin(2 * angle) + 5 * rng.normal(size=n), 2))
    return pd.DataFrame({"kind": np.array(["a", "b", "c"])[kind], "x": x, "y": y, "paid": paid})


def _detection(holdout, made):
    """Out-of-fold AUC of telling made from unseen rows; 0.5 is best."""
    both = pd.concat([holdout, made], ignore_index=True)
    x = both.assign(kind=both["kind"].astype(str).map({"a": 0, "b": 1, "c": 2})).to_numpy(float)
    y = np.repeat([0, 1], [len(holdout), len(made)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    return roc_auc_score(y, cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1])


def test_rings_are_harder_to_detect_than_with_ranks_or_independent_columns():
    train, holdout = _rings(1500, 0), _rings(1500, 1)
    options = {"flow": {"steps": 250, "width": 48, "learning_rate": 4e-3}}
    found = {}
    for name in ("flow", "copula", "independent"):
        model = Generator.create(name, **options.get(name, {})).fit(train)
        found[name] = _detection(holdout, model.sample(len(holdout), as_="pandas"))
    assert found["flow"] < found["copula"] - 0.15, found
    assert found["flow"] < found["independent"] - 0.15, found
    assert found["flow"] < 0.75, found
