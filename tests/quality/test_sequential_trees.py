"""Sequential trees and the default blend on packaged data: nearer to unseen real rows than independent columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from synthwright.generators.base import Generator

pytestmark = pytest.mark.quality
METHODS = ["cart", "auto", "boost"]


def fair():
    from statsmodels.datasets import fair as source

    frame = source.load_pandas().data
    return frame.assign(affairs=(frame["affairs"] > 0).astype(int))


def cancer():
    return load_breast_cancer(as_frame=True).frame


def diabetes():
    return load_diabetes(as_frame=True, scaled=False).frame


def halves(frame):
    order = np.random.default_rng(0).permutation(len(frame))
    return frame.iloc[order[::2]].reset_index(drop=True), frame.iloc[order[1::2]].reset_index(drop=True)


def synthetic(name, train, n, seed=0):
    return Generator.create(name).fit(train, seed=seed).sample(n, seed=seed, as_="pandas")[list(train.columns)]


def detection(holdout, made):
    """Out-of-fold AUC of telling made from unseen real rows; 0.5 is best."""
    x = pd.concat([holdout, made]).to_numpy(float)
    y = np.repeat([0, 1], [len(holdout), len(made)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = HistGradientBoostingClassifier(random_state=0)
    return roc_auc_score(y, cross_val_predict(model, x, y, cv=folds, method="predict_proba")[:, 1])


def utility(made, holdout, target):
    """Score on unseen real rows of a model trained on made ones: AUC, or R2 for numbers."""
    features = [c for c in made.columns if c != target]
    x, y = made[features].to_numpy(float), made[target].to_numpy(float)
    unseen, truth = holdout[features].to_numpy(float), holdout[target].to_numpy(float)
    if len(np.unique(truth)) == 2:
        model = HistGradientBoostingClassifier(random_state=0).fit(x, y)
        return roc_auc_score(truth, model.predict_proba(unseen)[:, 1])
    return r2_score(truth, HistGradientBoostingRegressor(random_state=0).fit(x, y).predict(unseen))


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("source", [fair, cancer, diabetes])
def test_trees_are_harder_to_detect_than_independent_columns(name, source):
    train, holdout = halves(source())
    made, floor = (synthetic(method, train, len(holdout)) for method in (name, "independent"))
    assert detection(holdout, made) < detection(holdout, floor) - 0.05


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("source", "target"), [(fair, "affairs"), (cancer, "target"), (diabetes, "target")])
def test_trees_are_more_useful_than_independent_columns(name, source, target):
    train, holdout = halves(source())
    made, floor = (synthetic(method, train, 2 * len(train)) for method in (name, "independent"))
    assert utility(made, holdout, target) > utility(floor, holdout, target) + 0.1


@pytest.mark.parametrize("name", METHODS)
def test_a_model_of_three_thousand_rows_is_hard_to_detect(name):
    train, holdout = halves(fair())
    assert detection(holdout, synthetic(name, train, len(holdout))) < 0.62


@pytest.mark.parametrize("name", METHODS)
def test_samples_copy_no_more_rows_than_unseen_real_rows_do(name):
    train, holdout = halves(cancer())
    made = synthetic(name, train, len(holdout))
    seen = {tuple(row) for row in train.to_numpy()}
    assert not any(tuple(row) in seen for row in made.to_numpy())


@pytest.mark.quality
def test_auto_takes_the_copula_for_a_small_table_and_says_so(tmp_path):
    from synthwright.generators.base import load
    from synthwright.testing import mixed_table

    model = Generator.create("auto").fit(mixed_table(200))
    assert "G032" in [note.code for note in model.notes]
    twin = Generator.create("copula").fit(mixed_table(200))
    assert model.sample(50, seed=1).fingerprint() == twin.sample(50, seed=1).fingerprint()
    assert load(model.save(tmp_path / "m.synth")).sample(50, seed=1).fingerprint() == (
        model.sample(50, seed=1).fingerprint()
    )
