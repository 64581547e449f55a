import numpy as np
import pytest
from scipy.special import eval_hermitenorm, factorial
from scipy.stats import norm, truncnorm

from synthwright.classic.marginals import hermite_means, level_scores, truncated_normal


def test_hermite_means_agree_with_quadrature():
    low, high = np.array([-np.inf, -0.5, 1.0, 2.0]), np.array([-1.0, 0.7, np.inf, 2.5])
    made = hermite_means(low, high, 6)
    z = np.linspace(-12, 12, 2_000_001)
    for i in range(4):
        inside = (z >= low[i]) & (z <= high[i])
        weight = norm.pdf(z[inside]) / norm.pdf(z[inside]).sum()
        wanted = [weight @ eval_hermitenorm(k, z[inside]) / np.sqrt(factorial(k)) for k in range(1, 7)]
        assert made[i] == pytest.approx(wanted, abs=1e-4)


def test_a_point_has_the_polynomial_itself():
    made = hermite_means(np.array([1.3]), np.array([1.3]), 3)[0]
    assert made == pytest.approx([1.3, (1.3**2 - 1) / np.sqrt(2), (1.3**3 - 3 * 1.3) / np.sqrt(6)])


def test_truncated_draws_have_the_moments_of_the_truncated_normal():
    rng = np.random.default_rng(0)
    for low, high in ((-1.0, 0.5), (2.0, np.inf), (-np.inf, -6.0), (7.5, 8.0)):
        z = truncated_normal(np.full(40_000, low), np.full(40_000, high), rng)
        wanted = truncnorm(low, high)
        assert z.min() >= low
        assert z.max() <= high
        assert z.mean() == pytest.approx(wanted.mean(), abs=6 * wanted.std() / 200)
        assert z.std() == pytest.approx(wanted.std(), rel=0.05)


def test_a_point_interval_gives_the_point():
    z = truncated_normal(np.array([-0.3, 9.0]), np.array([-0.3, 9.0]), np.random.default_rng(0))
    assert z.tolist() == [-0.3, 9.0]


def test_level_scores_put_like_profiles_next_to_each_other():
    table = np.array([[90.0, 10.0], [10.0, 90.0], [50.0, 50.0], [88.0, 12.0]])
    order = np.argsort(level_scores(table)).tolist()
    assert order in ([1, 2, 3, 0], [0, 3, 2, 1])


def test_levels_that_never_occur_have_score_zero():
    assert level_scores(np.array([[5.0, 1.0], [0.0, 0.0], [1.0, 5.0]]))[1] == 0.0
