import numpy as np
import pytest
from scipy.special import ndtr

from synthwright.classic.mixture import NormalMixture


def _two_humps(n: int = 4000) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.where(rng.random(n) < 0.3, rng.normal(-5, 0.5, n), rng.normal(10, 2.0, n))


def test_the_mixture_has_the_distribution_of_the_values():
    values = np.sort(_two_humps())
    found = NormalMixture.fit(values)
    made = ndtr((values[:, None] - found.means) / found.sds) @ found.weights
    assert np.abs(made - (np.arange(len(values)) + 0.5) / len(values)).max() < 0.02


def test_components_of_little_weight_are_dropped():
    values = np.concatenate([np.random.default_rng(0).normal(size=2000), [50.0, 50.5]])
    found = NormalMixture.fit(values, least_weight=0.01)
    assert (found.weights > 0.01).all()
    assert found.weights.sum() == pytest.approx(1)
    assert found.means.max() < 10


def test_weights_means_and_deviations_of_two_humps_are_found():
    found = NormalMixture.fit(_two_humps(), most=2)
    assert found.weights == pytest.approx([0.7, 0.3], abs=0.02)
    assert found.means == pytest.approx([10, -5], abs=0.15)
    assert found.sds == pytest.approx([2.0, 0.5], rel=0.1)


def test_scaling_and_shifting_the_values_does_the_same_to_the_mixture():
    values = _two_humps()
    one, two = NormalMixture.fit(values), NormalMixture.fit(1000 * values - 7)
    assert two.weights == pytest.approx(one.weights, abs=1e-6)
    assert two.means == pytest.approx(1000 * one.means - 7, rel=1e-5)
    assert two.sds == pytest.approx(1000 * one.sds, rel=1e-5)


def test_a_value_far_on_one_side_belongs_to_the_component_there():
    found = NormalMixture.fit(_two_humps(), most=2)
    posterior = found.posterior(np.array([-5.0, 10.0]))
    assert posterior.sum(1) == pytest.approx([1, 1])
    assert posterior[0, 1] > 0.99
    assert posterior[1, 0] > 0.99


def test_modes_are_drawn_as_often_as_they_are_likely():
    found = NormalMixture(np.array([0.8, 0.2]), np.zeros(2), np.ones(2))
    drawn = found.draw_modes(np.zeros(20_000), np.random.default_rng(1))
    assert np.mean(drawn == 0) == pytest.approx(0.8, abs=0.02)


def test_a_single_value_gives_one_narrow_component():
    found = NormalMixture.fit(np.full(10, 3.0))
    assert found.means == pytest.approx([3.0])
    assert 0 < found.sds[0] < 1e-4
