"""CTGAN and TVAE, shortly trained on packaged data: nearer to unseen real rows than independent columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.generators.base import Generator

pytestmark = pytest.mark.quality
COLUMNS = ["mean radius", "mean texture", "mean smoothness", "mean concavity", "mean area", "target"]
SHORT = {"ctgan": {"epochs": 300, "batch": 100}, "tvae": {"epochs": 150, "batch": 100}}


def _halves():
    frame = load_breast_cancer(as_frame=True).frame[COLUMNS].astype({"target": bool})
    order = np.random.default_rng(0).permutation(len(frame))
    return frame.iloc[order[::2]].reset_index(drop=True), frame.iloc[order[1::2]].reset_index(drop=True)


def _detection(holdout, made):
    """Out-of-fold AUC of telling made from unseen real rows; 0.5 is best."""
    x = pd.concat([holdout, made])[COLUMNS].to_numpy(float)
    y = np.repeat([0, 1], [len(holdout), len(made)])
    model = HistGradientBoostingClassifier(max_iter=50, random_state=0)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    return roc_auc_score(y, cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1])


@pytest.mark.parametrize("name", list(SHORT))
def test_made_rows_are_harder_to_tell_from_real_ones_than_independent_columns(name):
    train, holdout = _halves()
    made = Generator.create(name, **SHORT[name]).fit(train).sample(len(holdout), as_="pandas")
    floor = Generator.create("independent").fit(train).sample(len(holdout), as_="pandas")
    assert _detection(holdout, made) < _detection(holdout, floor) - 0.04


@pytest.mark.parametrize("name", list(SHORT))
def test_a_model_trained_on_made_rows_knows_the_target(name):
    train, holdout = _halves()
    made = Generator.create(name, **SHORT[name]).fit(train).sample(len(train), as_="pandas")
    model = HistGradientBoostingClassifier(max_iter=50, random_state=0).fit(made[COLUMNS[:-1]], made["target"])
    assert roc_auc_score(holdout["target"], model.predict_proba(holdout[COLUMNS[:-1]])[:, 1]) > 0.85
