"""Metrics of series: fresh real series pass, and each planted fault is found by the metric that is there for it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest

from synthwright.classic.timeseries import block_length, rocket, spectrum_distance
from synthwright.data.sequences import SeriesSet
from synthwright.evaluate.runner import evaluate
from synthwright.evaluate.series import SeriesEncoding, Windows
from synthwright.evaluate.series_judges import clustered_error, folds_of, judge_trees

needs_boosting = pytest.mark.skipif(find_spec("lightgbm") is None, reason="the strong judge needs LightGBM")

QUICK = [
    *("series_levels", "series_steps", "series_acf", "series_spectrum", "series_cross"),
    *("series_copies", "series_near", "series_forecast", "series_coverage"),
]


def simulated(n: int, seed: int, steps: int = 24) -> np.ndarray:
    """An AR(2) and a channel that follows it one step later: (n, steps, 2)."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((n, steps + 60, 2))
    x = np.zeros_like(e)
    for t in range(2, x.shape[1]):
        x[:, t, 0] = 1.2 * x[:, t - 1, 0] - 0.5 * x[:, t - 2, 0] + e[:, t, 0]
        x[:, t, 1] = 0.8 * x[:, t - 1, 0] + 0.3 * e[:, t, 1]
    return x[:, 60:]


def series(values: np.ndarray) -> SeriesSet:
    return SeriesSet.from_windows(values, channels=("a", "b"))


def verdicts(made: np.ndarray, metrics: list[str]) -> dict[str, str]:
    report = evaluate(series(made), train=series(simulated(400, 1)), holdout=series(simulated(400, 2)), metrics=metrics)
    return {score.id.partition(".")[2]: score.verdict for score in report.scores}


@pytest.mark.quality
@needs_boosting
def test_fresh_real_series_pass_every_metric() -> None:
    found = verdicts(simulated(400, 3), [*QUICK, "series_c2st"])
    assert set(found.values()) == {"pass"}, found


def shuffled(x: np.ndarray) -> np.ndarray:
    order = np.argsort(np.random.default_rng(0).random(x.shape[:2]), axis=1)
    return np.take_along_axis(x, order[:, :, None], axis=1)


def lagged(x: np.ndarray) -> np.ndarray:
    return np.stack([x[:, :, 0], np.roll(x[:, :, 1], 3, axis=1)], axis=2)


@pytest.mark.parametrize(
    ("fault", "metric"),
    [
        (shuffled, "series_acf"),
        (shuffled, "series_spectrum"),
        (shuffled, "series_forecast"),
        (lagged, "series_cross"),
        (lambda x: 1.3 * x + 0.5, "series_levels"),
        (lambda x: x + 1.2 * np.random.default_rng(1).standard_normal(x.shape), "series_steps"),
        (lambda x: np.tile(x[:8], (50, 1, 1)) + 1e-3, "series_coverage"),
        (lambda x: np.repeat(x.mean(axis=1, keepdims=True), x.shape[1], axis=1), "series_steps"),
    ],
)
def test_a_planted_fault_fails_its_metric(fault: Callable[[np.ndarray], np.ndarray], metric: str) -> None:
    assert verdicts(fault(simulated(400, 3)), [metric])[metric] == "fail"


def test_bars_of_forecasts_have_names_that_a_chart_holds_whole() -> None:
    synthetic, train, holdout = (series(simulated(100, seed)) for seed in (3, 1, 2))
    report = evaluate(synthetic, train=train, holdout=holdout, metrics=["series_forecast"])
    bars = report["utility.series_forecast"].details["bars"]
    assert [bar["label"] for bar in bars] == ["real series", "synthetic series", "shuffled steps"]


def test_copies_of_training_series_fail_privacy_and_nothing_else_sees_them() -> None:
    found = verdicts(simulated(400, 1)[:300], ["series_copies", "series_near", "series_acf"])
    assert found == {"series_copies": "fail", "series_near": "fail", "series_acf": "pass"}


@pytest.mark.quality
@needs_boosting
@pytest.mark.parametrize("fault", [shuffled, lambda x: np.random.default_rng(2).standard_normal(x.shape)])
def test_the_strong_judge_recognises_shuffled_steps_and_white_noise(fault: Callable[[np.ndarray], np.ndarray]) -> None:
    report = evaluate(
        series(fault(simulated(300, 3))),
        train=series(simulated(300, 1)),
        holdout=series(simulated(300, 2)),
        metrics=["series_c2st"],
    )
    score = report["fidelity.series_c2st"]
    assert score.verdict == "fail"
    assert score.value is not None
    assert score.value > 0.4
    assert score.references["real"] < 0.08


@pytest.mark.quality
def test_the_weak_judge_says_what_it_lacks_or_measures() -> None:
    pytest.importorskip("torch", reason="the recurrent judge needs torch")
    report = evaluate(
        series(shuffled(simulated(100, 3))),
        train=series(simulated(100, 1)),
        holdout=series(simulated(100, 2)),
        metrics=["series_gru"],
    )
    score = report["fidelity.series_gru"]
    assert score.value is not None
    assert 0 <= score.value <= 0.5


def test_attributes_that_series_do_not_follow_fail() -> None:
    def labelled(seed: int, follow: bool) -> SeriesSet:
        rng = np.random.default_rng(seed)
        level = rng.integers(0, 2, 200)
        x = rng.standard_normal((200, 10)) + 2 * (level if follow else rng.integers(0, 2, 200))[:, None]
        who = np.repeat(np.arange(200), 10)
        columns = {
            "who": who,
            "t": np.tile(np.arange(10), 200),
            "group": np.array(["u", "v"])[level][who],
            "x": x.ravel(),
        }
        return SeriesSet.of(columns, entity="who", order="t", static=("group",))

    for follow, wanted in ((True, "pass"), (False, "fail")):
        report = evaluate(
            labelled(3, follow), train=labelled(1, True), holdout=labelled(2, True), metrics=["series_attributes"]
        )
        assert report.verdict == wanted


def test_windows_of_one_long_series_are_judged_over_stretches_that_share_no_step() -> None:
    long = SeriesSet.of({"x": simulated(1, 5, 3_000)[0, :, 0]})
    windows = SeriesEncoding({"train": long, "synthetic": long}).windows("train")
    first = windows.values[:, 0, 0]
    for one in np.unique(windows.block)[:-1]:
        steps = set(np.round(windows.values[windows.block == one].ravel(), 12))
        assert not steps & set(np.round(first[windows.block == one + 1], 12))


def test_folds_never_divide_a_block() -> None:
    block = np.repeat(np.arange(20), 7)
    fold = folds_of(block, np.random.default_rng(0))
    assert all(len(np.unique(fold[block == one])) == 1 for one in range(20))
    assert np.bincount(fold).min() >= 28


def test_an_error_over_blocks_is_larger_than_over_independent_windows() -> None:
    rng = np.random.default_rng(0)
    block = np.repeat(np.arange(20), 10)
    x, y = (np.repeat(rng.standard_normal(20), 10) for _ in range(2))
    apart = clustered_error(x, np.arange(200), y, np.arange(200))
    assert clustered_error(x, block, y, block) > 2 * apart


def test_the_judge_does_not_learn_the_level_of_a_stretch_of_time() -> None:
    rng = np.random.default_rng(1)

    def drifting() -> Windows:
        block = np.repeat(np.arange(30), 20)
        level = np.repeat(rng.normal(0, 5, 30), 20)
        return Windows(level[:, None, None] + rng.standard_normal((600, 12, 1)), block, np.arange(600))

    assert judge_trees(drifting(), drifting(), rng).score < 0.12


def test_the_block_rule_grows_with_memory() -> None:
    rng = np.random.default_rng(0)
    e = rng.standard_normal(2_000)
    slow = np.zeros(2_000)
    for t in range(1, 2_000):
        slow[t] = 0.9 * slow[t - 1] + e[t]
    assert block_length(e) < 6
    assert block_length(slow) > 20
    assert block_length(np.ones(50)) == 1


def test_the_spectrum_distance_of_opposite_ends_is_one_step_short_of_the_range() -> None:
    low, high = np.eye(10)[[0]].T, np.eye(10)[[9]].T
    assert spectrum_distance(low, high)[0] == pytest.approx(0.9)
    assert spectrum_distance(low, low)[0] == 0


def test_random_convolutions_repeat_with_the_seed() -> None:
    x = simulated(5, 0)
    one, two = (rocket(x, np.random.default_rng(7), kernels=20) for _ in range(2))
    assert np.array_equal(one, two)
    assert one.shape == (5, 40)
