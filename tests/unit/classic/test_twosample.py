from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from synthwright.classic import twosample

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=300), RNG.normal(0.3, 1.2, size=500)


def test_ks_distance_equals_scipys() -> None:
    assert twosample.ks_distance(X, Y) == pytest.approx(stats.ks_2samp(X, Y).statistic)


def test_auc_equals_the_mann_whitney_statistic_with_ties() -> None:
    a, b = np.round(X, 1), np.round(Y, 1)
    expected = stats.mannwhitneyu(a, b).statistic / (len(a) * len(b))
    assert twosample.auc(a, b) == pytest.approx(expected)


def test_auc_error_matches_a_bootstrap() -> None:
    draws = [twosample.auc(RNG.choice(X, 300), RNG.choice(Y, 500)) for _ in range(400)]
    assert twosample.auc_error(X, Y) == pytest.approx(np.std(draws), rel=0.15)


def test_rates_p_equals_twice_the_smaller_tail_of_fisher() -> None:
    table = [[3, 97], [20, 180]]
    less = stats.fisher_exact(table, alternative="less").pvalue
    greater = stats.fisher_exact(table, alternative="greater").pvalue
    assert float(twosample.rates_p(np.array(3), 100, np.array(20), 200)) == pytest.approx(2 * min(less, greater))


def test_total_variation_noise_is_the_mean_of_total_variation_under_equality() -> None:
    p = np.array([0.5, 0.2, 0.2, 0.1])
    a, b = RNG.multinomial(400, p, 2000), RNG.multinomial(900, p, 2000)
    noise = twosample.total_variation_noise(a, b).mean()
    assert twosample.total_variation(a, b).mean() == pytest.approx(noise, rel=0.03)


def test_homogeneity_p_is_uniform_under_equality() -> None:
    p = np.array([0.6, 0.3, 0.05, 0.04, 0.01])
    found = [twosample.homogeneity_p(RNG.multinomial(800, p), RNG.multinomial(500, p)) for _ in range(1000)]
    assert np.mean(np.array(found) < 0.05) == pytest.approx(0.05, abs=0.025)


def test_rate_interval_is_clopper_pearsons() -> None:
    low, high = twosample.rate_interval(0, 100)
    assert low == 0.0
    assert high == pytest.approx(1 - 0.025 ** (1 / 100))


def test_excess_p_is_a_binomial_tail() -> None:
    assert twosample.excess_p(5, 0, 0.5) == pytest.approx(1 / 32)
    assert twosample.excess_p(0, 0, 0.5) == 1.0


def test_chi_square_moments_equal_those_of_all_tables_with_the_margins() -> None:
    both, n = np.array([4, 3, 2]), 3
    tables = [np.array([i, j, n - i - j]) for i in range(4) for j in range(4 - i) if j <= 3 and n - i - j <= 2]
    chance = np.array([stats.multivariate_hypergeom.pmf(a, both, n) for a in tables])
    expected = both * n / both.sum()
    found = [((a - expected) ** 2 / expected * both.sum() / (both.sum() - n)).sum() for a in tables]
    mean = float(chance @ found)
    moments = twosample.chi_square_moments(np.array([n, both.sum() - n]), both)
    assert chance.sum() == pytest.approx(1)
    assert moments == pytest.approx((mean, float(chance @ np.square(found)) - mean**2))


def test_homogeneity_keeps_its_error_rate_when_one_side_has_few_rows() -> None:
    rng = np.random.default_rng(1)
    both = np.array([200, 150, 40, 15])
    draws = rng.multivariate_hypergeometric(both, 5, size=4000)
    hits = sum(twosample.homogeneity_p(a, both - a) < 0.001 for a in draws)
    assert hits <= 16  # 4 expected; the chi-square distribution itself gives 51


def test_a_shift_of_means_has_its_permutation_probability() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(0.9, 1, 30), rng.normal(0, 1, 20)
    both = np.concatenate([x, y])
    gaps = [abs((order := rng.permutation(both))[:30].mean() - order[30:].mean()) for _ in range(20_000)]
    exact = float((np.array(gaps) >= abs(x.mean() - y.mean())).mean())
    assert twosample.mean_shift_p(x, y) == pytest.approx(exact, rel=0.3)
    assert twosample.mean_shift_p(y, x) == pytest.approx(twosample.mean_shift_p(x, y))


def test_one_rare_value_among_few_rows_is_no_shift_of_the_mean() -> None:
    x, y = np.array([1.0, 0, 0, 0, 0]), np.r_[np.ones(4), np.zeros(396)]
    assert twosample.mean_shift_p(x, y) > 0.01  # exact: 0.06; the normal distribution gives 0.0001
    assert twosample.mean_shift_p(np.zeros(5), np.zeros(9)) == 1.0
