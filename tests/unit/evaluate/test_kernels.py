from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, r2_score, roc_auc_score

from synthwright.classic.neighbours import Points
from synthwright.evaluate.diversity import coverage_density
from synthwright.evaluate.learners import c2st_auc, calibration_slope, row_losses, skill
from synthwright.evaluate.privacy import dcr_share, exact_copies
from synthwright.evaluate.utility import train_score
from synthwright.evaluate.verdict import Finding, interval, judge, ranked


def points(n: int, seed: int, low: float = 0.0) -> Points:
    rng = np.random.default_rng(seed)
    return Points(rng.uniform(low, low + 1, (n, 2)).astype(np.float32), np.empty((n, 0), np.uint16))


def test_dcr_share_counts_ties_half() -> None:
    assert dcr_share(np.array([1.0, 2.0, 3.0, 3.0]), np.array([2.0, 1.0, 3.0, 4.0])) == 0.625


def test_exact_copies_leaves_rows_of_both_sides_out_of_the_contrast() -> None:
    synthetic, train, holdout = (np.array(v, np.uint64) for v in ([1, 1, 2, 3, 9], [1, 2], [2, 3]))
    found = exact_copies(synthetic, train, holdout)
    assert (found.in_train, found.in_holdout, found.train_only, found.holdout_only) == (3, 2, 2, 1)
    assert (found.distinct_train_only, found.distinct_holdout_only) == (1, 1)


def test_coverage_of_real_by_real_rows_is_one_minus_two_to_the_minus_k() -> None:
    covered, density, _ = coverage_density(points(3000, 0), points(3000, 1))
    assert covered.mean() == pytest.approx(1 - 2**-5, abs=0.015)
    assert density == pytest.approx(1.0, abs=0.06)


def test_coverage_of_a_half_is_about_a_half() -> None:
    half = points(2000, 2)
    half = half.take(half.numbers[:, 0] < 0.5)
    covered, _, _ = coverage_density(points(2000, 3), half)
    assert covered.mean() == pytest.approx(0.5, abs=0.05)


def test_c2st_is_one_half_for_equal_and_high_for_shifted_samples() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 1500, 3)).astype(np.float32)
    same, error = c2st_auc(x, y, rng=np.random.default_rng(1))
    other, _ = c2st_auc(x, y + 1, rng=np.random.default_rng(1))
    assert abs(same - 0.5) < 4 * error
    assert other > 0.8


def test_train_score_knows_a_learnable_from_a_random_target() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3000, 2)).astype(np.float32)
    y = (x[:, 0] > 0).astype(float)
    assert train_score(x[:1500], y[:1500], x[1500:], y[1500:], task="binary") > 0.99
    assert abs(train_score(x[:1500], rng.permutation(y[:1500]), x[1500:], y[1500:], task="binary") - 0.5) < 0.2


def test_skills_equal_scikit_learns_with_weights() -> None:
    rng = np.random.default_rng(0)
    y, weight = rng.integers(0, 3, 200), rng.integers(0, 4, 200).astype(float)
    chance = rng.dirichlet(np.ones(3), 200)
    assert skill(y, chance, task="multiclass", weight=weight) == pytest.approx(
        f1_score(y, chance.argmax(axis=1), average="macro", sample_weight=weight)
    )
    two, score = (y > 0).astype(int), np.round(rng.random(200), 1)
    both = np.column_stack([1 - score, score])
    assert skill(two, both, task="binary", weight=weight) == pytest.approx(
        roc_auc_score(two, score, sample_weight=weight)
    )
    z, guess = rng.normal(size=(2, 200))
    assert skill(z, guess, task="regression", weight=weight) == pytest.approx(r2_score(z, guess, sample_weight=weight))


def test_a_log_loss_is_clipped() -> None:
    assert row_losses(np.array([1]), np.array([[1.0, 0.0]]), task="binary")[0] == pytest.approx(-np.log(1e-3))


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5])
def test_the_slope_falls_by_the_share_of_shuffled_targets(share: float) -> None:
    rng = np.random.default_rng(0)
    p = rng.beta(1, 2, 40_000)
    y = (rng.random(40_000) < p).astype(float)
    chosen = rng.random(40_000) < share
    y[chosen] = rng.permutation(y[chosen])
    slope, error = calibration_slope(y, np.column_stack([1 - p, p]))
    assert abs(slope - (1 - share)) < 4 * error


def test_a_difference_must_be_real_and_matter() -> None:
    assert judge(0.5, 1e-9, warn=0.1, fail=0.3) == "fail"
    assert judge(0.2, 1e-9, warn=0.1, fail=0.3) == "warn"
    assert judge(0.05, 1e-9, warn=0.1, fail=0.3) == "pass"
    assert judge(0.5, 0.01, warn=0.1, fail=0.3) == "pass"


def test_many_comparisons_make_a_finding_weaker() -> None:
    finding = Finding(2.0, 1e-5, "x")
    assert (finding.verdict(10), finding.verdict(1000)) == ("fail", "pass")


def test_findings_are_ranked_by_verdict_before_size() -> None:
    noise, fault = Finding(9.0, 0.5, "noise"), Finding(1.1, 1e-9, "fault")
    assert ranked([noise, fault])[0] is fault


def test_an_interval_of_a_distance_holds_the_distance() -> None:
    draws = np.random.default_rng(0).normal(0.05, 0.01, 500)
    low, high = interval(draws, 0.03)
    assert low < 0.03 < high
