"""Calibration: what is moved has the moments and the grey values that it should have."""

from __future__ import annotations

import numpy as np
import pytest

from synthwright.classic.calibration import Calibration

RNG = np.random.default_rng(0)
CODES = RNG.integers(3, size=6000)
MEANS = np.array([[0.0, 5, 0, 1], [9, 0, 3, 1], [4, 4, -8, 1]])


def _draws(n: int, codes: np.ndarray, root: np.ndarray, shift: float) -> np.ndarray:
    return RNG.normal(size=(n, 4)) @ root + MEANS[codes] * shift


REAL = _draws(6000, CODES, np.array([[2.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0.5]]), 1.0)
MADE = _draws(6000, CODES, np.diag([1.0, 2, 1, 0.5]), 0.7)


def test_means_of_classes_and_the_covariance_within_them_become_the_real_ones() -> None:
    moved = Calibration.fit(MADE, CODES, REAL, CODES).moved(MADE, CODES)
    means = [np.array([x[np.equal(CODES, k)].mean(axis=0) for k in range(3)]) for x in (moved, REAL)]
    assert means[0] == pytest.approx(means[1], abs=0.02)
    rest, aim = (x - mean[CODES] for x, mean in zip((moved, REAL), means, strict=True))
    assert rest.T @ rest / len(rest) == pytest.approx(aim.T @ aim / len(aim), abs=0.02)


def test_the_map_between_covariances_is_the_optimal_one() -> None:
    """Closed form in one dimension: x -> x times the ratio of the standard deviations."""
    one = np.zeros(4000, dtype=np.int64)
    made, real = RNG.normal(size=(4000, 1)), 3 * RNG.normal(size=(4000, 1))
    found = Calibration.fit(made, one, real, one)
    assert 1 + float(found.stretch[0, 0]) == pytest.approx(float(real.std() / made.std()), rel=0.01)


def test_shares_of_a_value_that_stands_often_come_back() -> None:
    one = np.zeros(2000, dtype=np.int64)
    real = np.maximum(RNG.normal(size=(2000, 2)) * 50, 0)  # half of it black
    made = real + RNG.normal(size=real.shape) * 2 - 1  # nearly black, but never black
    done = Calibration.fit(made, one, real, one).apply(made, one)
    assert (np.rint(made) == 0).mean() < 0.2
    assert (np.rint(done) == 0).mean() == pytest.approx((np.rint(real) == 0).mean(), abs=0.02)
    assert done.min() >= real.min()
    assert done.max() <= real.max() + 1e-3


def test_classes_of_few_vectors_are_moved_alike() -> None:
    codes = np.arange(100) % 20
    found = Calibration.fit(MADE[:100], codes, REAL[:100], codes)
    assert found.means.shape == (1, 4)
    assert np.isfinite(found.apply(MADE[:100], codes)).all()


def test_a_class_that_was_never_made_is_left_where_it_is() -> None:
    made_codes = np.where(CODES == 2, 0, CODES)
    found = Calibration.fit(MADE, made_codes, REAL, CODES)
    assert (found.shifts[2] == 0).all()


def test_coordinates_that_never_change_do_no_harm() -> None:
    codes = np.zeros(200, dtype=np.int64)
    made, real = RNG.normal(size=(200, 5)), np.full((200, 5), 7.0)
    assert Calibration.fit(made, codes, real, codes).apply(made, codes) == pytest.approx(real)


def test_arrays_give_the_same_map() -> None:
    found = Calibration.fit(MADE, CODES, REAL, CODES)
    again = Calibration.restore(found.arrays("a."), "a.")
    assert np.array_equal(found.apply(MADE, CODES), again.apply(MADE, CODES))
