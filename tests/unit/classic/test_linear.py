from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from synthwright.classic import linear

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3))


def test_ridge_equals_scikit_learns() -> None:
    y = X @ [1.0, -2.0, 0.5] + 3 + RNG.normal(size=400)
    model = Ridge(alpha=1.0).fit(X, y)
    assert linear.ridge(X, y) == pytest.approx([*model.coef_, model.intercept_], abs=1e-6)


def test_logistic_equals_scikit_learns() -> None:
    y = (RNG.random(400) < linear.chance(X @ [1.0, -2.0, 0.5] - 1)).astype(float)
    model = LogisticRegression(C=1.0, tol=1e-8).fit(X, y)
    assert linear.logistic(X, y) == pytest.approx([*model.coef_[0], model.intercept_[0]], abs=1e-4)


def test_separable_data_give_finite_coefficients() -> None:
    y = (X[:, 0] > 0).astype(float)
    assert np.isfinite(linear.logistic(X, y, penalty=1e-6)).all()
