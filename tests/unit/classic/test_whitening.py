from __future__ import annotations

import numpy as np
import pytest

from synthwright.classic.whitening import Whitening

NONE = np.zeros((4_000, 0))


def correlated(rng: np.random.Generator, n: int = 4_000) -> np.ndarray:
    return rng.standard_normal((n, 3)) @ np.array([[1.0, 0.8, 0.2], [0.0, 0.6, 0.5], [0.0, 0.0, 0.3]]) + [5, -1, 0]


def test_scores_have_mean_0_and_covariance_1_and_come_back_exactly() -> None:
    rng = np.random.default_rng(0)
    x = correlated(rng)
    fitted = Whitening.fit(x, NONE)
    z = fitted.whiten(x, NONE, rng)
    assert np.allclose(np.cov(z, rowvar=False), np.eye(3), atol=0.02)
    assert np.allclose(fitted.colour(z, NONE), x)


def test_directions_without_variance_are_left_out() -> None:
    rng = np.random.default_rng(1)
    x = correlated(rng)
    x = np.column_stack([x, x[:, 0] + x[:, 1]])
    fitted = Whitening.fit(x, NONE)
    assert fitted.rank == 3
    assert np.allclose(fitted.colour(fitted.whiten(x, NONE, rng), NONE), x)


def test_attributes_shift_the_mean() -> None:
    rng = np.random.default_rng(2)
    a = rng.integers(0, 2, (4_000, 1)).astype(float)
    fitted = Whitening.fit(correlated(rng) + 3 * a, a)
    assert fitted.slope == pytest.approx(3.0, abs=0.2)


def test_what_was_not_seen_is_drawn_from_its_conditional_distribution() -> None:
    rng = np.random.default_rng(3)
    x = correlated(rng)
    holes = x.copy()
    holes[rng.random(4_000) < 0.5, 2] = np.nan
    fitted = Whitening.fit(holes, NONE)
    filled = fitted.colour(fitted.whiten(holes, NONE, rng), NONE)
    gone = np.isnan(holes[:, 2])
    assert np.allclose(np.cov(filled[gone], rowvar=False), np.cov(x, rowvar=False), atol=0.08)
    assert np.allclose(filled[~gone], x[~gone])


def test_groups_of_coordinates_get_scores_of_their_own() -> None:
    rng = np.random.default_rng(7)
    x = rng.standard_normal((4_000, 4)) @ rng.standard_normal((4, 4))
    fitted = Whitening.fit(x, np.zeros((4_000, 0)), [np.array([1, 3]), np.array([0, 2])])
    assert (fitted.axes[np.ix_([0, 2], [0, 1])] == 0).all()
    assert (fitted.axes[np.ix_([1, 3], [2, 3])] == 0).all()
    z = fitted.whiten(x, np.zeros((4_000, 0)), rng)
    assert np.allclose(np.cov(z[:, :2], rowvar=False), np.eye(2), atol=1e-2)
    assert np.allclose(fitted.colour(z, np.zeros((4_000, 0))), x)
