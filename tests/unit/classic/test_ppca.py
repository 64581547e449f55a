"""Probabilistic PCA against its closed forms (Tipping and Bishop 1999)."""

import numpy as np
import pytest
from scipy import stats

from synthwright.classic.ppca import best_rank, spectrum


def rows(n, d=6, q=2, noise=0.1, seed=0):
    rng = np.random.default_rng(seed)
    w = np.linspace(1, 2, d * q).reshape(q, d) * np.array([[1, -1] * (d // 2)] * q) ** np.arange(q)[:, None]
    return rng.standard_normal((n, q)) @ w + noise * rng.standard_normal((n, d)) + 3


def test_the_density_is_that_of_the_normal_distribution_with_the_model_covariance():
    x = rows(200)
    model = spectrum(x, 4, np.random.default_rng(0)).model(2, floor=1e-6)
    inside = model.directions.T @ np.diag(model.variances) @ model.directions
    outside = model.sigma2 * (np.eye(6) - model.directions.T @ model.directions)
    wanted = stats.multivariate_normal(model.mean, inside + outside).logpdf(x[:20])
    assert model.log_likelihood(x[:20]) == pytest.approx(wanted, abs=1e-9)


@pytest.mark.parametrize("n", [4, 40])
def test_directions_and_variances_are_those_of_the_covariance(n):
    x = rows(n, d=12)
    found = spectrum(x, 12, np.random.default_rng(0))
    values = np.sort(np.linalg.eigvalsh(np.cov(x, rowvar=False, bias=True)))[::-1]
    k = len(found.variances)
    assert found.variances == pytest.approx(values[:k], rel=1e-6)
    assert found.directions @ found.directions.T == pytest.approx(np.eye(k), abs=1e-6)
    assert found.total == pytest.approx(values.sum())


def test_sigma2_is_the_mean_of_the_left_out_eigenvalues():
    found = spectrum(rows(500), 6, np.random.default_rng(0))
    assert found.model(2, floor=0.0).sigma2 == pytest.approx(found.variances[2:].mean(), rel=1e-9)


def test_pixels_that_never_change_are_no_problem():
    x = np.concatenate([rows(50), np.ones((50, 4))], axis=1)
    model = spectrum(x, 3, np.random.default_rng(0)).model(3, floor=1e-6)
    assert np.isfinite(model.log_likelihood(x)).all()
    assert model.draw(5, np.random.default_rng(0))[:, -4:] == pytest.approx(np.ones((5, 4)))


def test_samples_have_the_mean_and_the_covariance_of_the_model():
    model = spectrum(rows(2_000), 6, np.random.default_rng(0)).model(2, floor=1e-6)
    drawn = model.draw(40_000, np.random.default_rng(1), noise=True)
    inside = model.directions.T @ np.diag(model.variances) @ model.directions
    wanted = inside + model.sigma2 * (np.eye(6) - model.directions.T @ model.directions)
    assert drawn.mean(axis=0) == pytest.approx(model.mean, abs=0.12)
    assert np.cov(drawn, rowvar=False) == pytest.approx(wanted, abs=0.03 * wanted.max())


def test_without_noise_samples_lie_on_the_plane_of_the_factors():
    model = spectrum(rows(200), 6, np.random.default_rng(0)).model(2, floor=1e-6)
    centred = model.draw(10, np.random.default_rng(0)) - model.mean
    assert centred - centred @ model.directions.T @ model.directions == pytest.approx(np.zeros((10, 6)), abs=1e-9)


def test_held_out_likelihood_finds_the_number_of_factors():
    q, means = best_rank(rows(60, d=20, noise=0.5), [1, 2, 3, 5, 9], np.random.default_rng(0), floor=1e-6)
    assert q == 2
    assert means[1] > means[0] + 0.5
