import numpy as np
import pytest

from synthwright.classic.copula import conditional, draw, draw_given, latent_correlation, positive, shrink
from synthwright.classic.marginals import hermite_means

R = np.array([[1.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 1.0]])


def _scores(z: np.ndarray, cuts: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Step scores of a latent cut at `cuts`, and their Hermite coefficients."""
    ends = np.array([-np.inf, *cuts, np.inf])
    place = np.searchsorted(ends[1:-1], z)
    means = hermite_means(ends[:-1], ends[1:], 30)
    weight = np.bincount(place, minlength=len(means)) / len(z)
    return means[place, 0], (weight * means[:, 0]) @ means


def test_correlations_of_numbers_are_the_correlations():
    coefficients = np.zeros((3, 5))
    coefficients[:, 0] = 1.0
    assert latent_correlation(R, coefficients) == pytest.approx(R, abs=1e-9)


@pytest.mark.parametrize("cuts", [([0.0], [0.5]), ([-1.0, 0.3], [0.0]), ([1.5], [-0.5, 0.5, 1.0])])
@pytest.mark.parametrize("rho", [-0.9, -0.2, 0.5, 0.8])
def test_correlations_behind_levels_are_recovered(cuts, rho):
    z = draw(np.array([[1, rho], [rho, 1]]), 200_000, np.random.default_rng(0))
    scores, coefficients = zip(*(_scores(z[:, j], cuts[j]) for j in range(2)), strict=True)
    moments = np.array(scores) @ np.array(scores).T / len(z)
    assert latent_correlation(moments, np.array(coefficients))[0, 1] == pytest.approx(rho, abs=0.02)


def test_shrinking_vanishes_with_many_rows_and_is_whole_without_correlation():
    assert shrink(R, 10**9)[1] < 1e-8
    assert shrink(np.eye(3), 100)[1] == 1.0
    few, weight = shrink(R, 20)
    assert 0 < weight < 1
    assert few[0, 1] == pytest.approx((1 - weight) * 0.6)
    assert np.diag(few).tolist() == [1, 1, 1]


def test_an_impossible_matrix_is_made_a_correlation_matrix():
    broken = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    made = positive(broken)
    assert np.linalg.eigvalsh(made)[0] > 0
    assert np.diag(made) == pytest.approx([1, 1, 1])
    assert positive(R) is R


def test_conditional_moments_are_those_of_the_normal():
    slope, covariance = conditional(R, np.array([1]))
    assert slope[:, 0] == pytest.approx([0.6, 0.2])
    assert covariance == pytest.approx(np.array([[1 - 0.36, -0.3 - 0.12], [-0.42, 1 - 0.04]]))


def test_draws_given_a_value_have_the_conditional_mean_and_variance():
    point = (np.array([1.5]), np.array([1.5]))
    z = draw_given(R, np.array([1]), [point], 100_000, np.random.default_rng(0))
    assert np.all(z[:, 1] == 1.5)
    assert z.mean(0)[[0, 2]] == pytest.approx([0.9, 0.3], abs=0.02)
    assert np.cov(z[:, [0, 2]].T) == pytest.approx(np.array([[0.64, -0.42], [-0.42, 0.96]]), abs=0.02)


def test_draws_given_intervals_agree_with_rejection():
    rng = np.random.default_rng(0)
    ends = [(np.array([0.5]), np.array([np.inf])), (np.array([-np.inf, 1.0]), np.array([-1.0, 2.0]))]
    z = draw_given(R, np.array([0, 1]), ends, 60_000, rng)
    free = draw(R, 2_000_000, rng)
    kept = free[(free[:, 0] > 0.5) & ((free[:, 1] < -1) | ((free[:, 1] > 1) & (free[:, 1] < 2)))]
    assert z.mean(0) == pytest.approx(kept.mean(0), abs=0.02)
    assert np.cov(z.T) == pytest.approx(np.cov(kept.T), abs=0.03)
