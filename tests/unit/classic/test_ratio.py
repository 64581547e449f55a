import numpy as np
import pytest

from synthwright.classic.ratio import DensityRatio, acceptance_level, best_power, effective_share

pytest.importorskip("lightgbm", reason="needs the extra trees")


@pytest.fixture(scope="module")
def shifted():
    """Real N(0, 1) against synthetic N(1, 1) in the first of two columns: log ratio = 1/2 - x."""
    rng = np.random.default_rng(0)
    real, made = rng.normal(size=(4000, 2)), rng.normal(size=(4000, 2)) + np.array([1.0, 0.0])
    return real.astype(np.float32), made.astype(np.float32)


@pytest.fixture(scope="module")
def ratio(shifted):
    real, made = shifted
    return DensityRatio.fit(real[:3000], made[:3000], [], np.random.default_rng(1))


def test_the_ratio_of_two_normals_is_the_known_line(ratio, shifted):
    fitted, gain, error = ratio.calibrated(shifted[0][3000:], shifted[1][3000:])
    x = np.linspace(-1.0, 2.0, 50)
    found = fitted.log_ratio(np.column_stack([x, np.zeros(50)]).astype(np.float32))
    assert np.abs(found - (0.5 - x)).mean() < 0.25
    assert 0.8 < fitted.power < 1.4
    # log 2 - E[log(1 + exp(-|t|))-loss] of two unit normals one apart, by quadrature
    assert gain == pytest.approx(0.111, abs=0.035)
    assert 0 < error < 0.02


def test_two_samples_of_one_distribution_get_no_power_to_speak_of():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2000, 3)).astype(np.float32), rng.normal(size=(2000, 3)).astype(np.float32)
    fitted, gain, error = DensityRatio.fit(a[:1500], b[:1500], [], rng).calibrated(a[1500:], b[1500:])
    assert gain < 3 * max(error, 1e-4) or fitted.power == 0


def test_accepting_by_the_ratio_turns_proposals_into_real_looking_ones(ratio):
    rng = np.random.default_rng(3)
    proposals = (rng.normal(size=(20_000, 2)) + np.array([1.0, 0.0])).astype(np.float32)
    logs = ratio.log_ratio(proposals)
    level = acceptance_level(logs, 20.0)
    kept = proposals[rng.random(len(logs)) < np.exp(np.minimum(0, logs - level))]
    assert abs(kept[:, 0].mean()) < 0.2
    assert abs(kept[:, 1].mean()) < 0.08


def test_the_best_power_recovers_a_scaled_score_and_is_never_negative():
    rng = np.random.default_rng(4)
    truth = rng.normal(size=20_000)
    y = (rng.random(20_000) < 1 / (1 + np.exp(-truth))).astype(float)
    weight = np.full(20_000, 1 / 20_000)
    assert best_power(truth / 2, y, weight)[0] == pytest.approx(2.0, abs=0.15)
    assert best_power(-truth, y, weight)[0] == 0.0
    assert best_power(truth / 10, y, weight, most=3.0)[0] == 3.0


def test_more_draws_than_allowed_lower_the_level_and_the_share_accepted_says_so():
    logs = np.random.default_rng(5).normal(scale=3.0, size=5000)
    level = acceptance_level(logs, 4.0)
    assert np.exp(np.minimum(0, logs - level)).mean() == pytest.approx(0.25, abs=0.01)
    assert acceptance_level(np.zeros(100), 4.0) == 0.0
    assert effective_share(np.zeros(100), 0.0) == pytest.approx(1.0)
    assert effective_share(logs, level) < 0.6


def test_a_ratio_comes_back_from_its_state(ratio, shifted):
    again = DensityRatio.restore(ratio.state())
    assert np.array_equal(again.log_ratio(shifted[0]), ratio.log_ratio(shifted[0]))
