"""Few rows: real ones are not called bad, nothing is called good unseen, and plain faults are found."""

from __future__ import annotations

import numpy as np
import pytest

import synthwright as sw
from synthwright.evaluate.runner import chosen_metrics

COLUMNS = ["fidelity", "diversity"]


def flowers(n: int, seed: int) -> dict[str, object]:
    """Three species, four related sizes, a rare mark, and a number that is mostly 0: what breaks tests of few rows."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(3, size=n)
    size = np.array([1.5, 4.3, 5.6])[kind] + rng.normal(0, 0.4, n)
    return {
        "length": np.round(size, 1),
        "width": np.round(0.35 * size + rng.normal(0, 0.15, n), 1),
        "height": np.round(5 + 0.4 * size + rng.normal(0, 0.3, n), 1),
        "visits": np.where(rng.random(n) < 0.8, 0, rng.poisson(3, n)),
        "marked": np.where(rng.random(n) < 0.06, "yes", "no"),
        "kind": np.array(["setosa", "versicolor", "virginica"])[kind],
    }


def parts(n: int, seed: int, *, synthetic: int = 0) -> list[sw.Table]:
    """Train, holdout and fresh real rows; n each, or so many of the last."""
    data = sw.Table.of(flowers(2 * n + (synthetic or n), seed), target="kind")
    order = np.arange(len(data))
    return [data.select(order[:n]), data.select(order[n : 2 * n]), data.select(order[2 * n :])]


def failed(report: sw.Report) -> list[str]:
    return [score.id for score in report.scores if score.verdict in ("fail", "error")]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [5, 8, 12, 20, 30, 50])
def test_few_real_rows_are_not_called_bad(n: int) -> None:
    alarms = []
    for seed in range(4):
        train, holdout, fresh = parts(n, seed)
        alarms += failed(sw.evaluate(fresh, train=train, holdout=holdout, metrics=COLUMNS, seed=seed))
        alarms += failed(sw.evaluate(fresh, train=train, metrics=COLUMNS, seed=seed))
    assert alarms == []


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("n", [5, 12, 20, 30])
def test_many_rows_are_not_called_bad_because_the_real_ones_are_few(n: int) -> None:
    alarms = []
    for seed in range(4):
        train, holdout, fresh = parts(n, seed, synthetic=400)
        alarms += failed(sw.evaluate(fresh, train=train, holdout=holdout, metrics=COLUMNS, seed=seed))
    assert alarms == []


def test_eight_rows_are_too_few_for_every_metric_and_each_says_what_helps() -> None:
    train, holdout, fresh = parts(8, 0)
    report = sw.evaluate(fresh, train=train, holdout=holdout)
    assert {score.verdict for score in report.scores} == {"not assessed"}
    assert all(score.fix or "no column" in score.plain.lower() for score in report.scores)
    score = report["fidelity.marginals"]
    assert score.plain == "8 synthetic rows: too few for this, which needs 20."
    assert score.fix == "sample 20 rows or more"


def test_the_part_that_is_too_small_is_the_one_that_is_named() -> None:
    train, holdout, fresh = parts(10, 0, synthetic=300)
    report = sw.evaluate(fresh, train=train, holdout=holdout, metrics=["pairs", "coverage"])
    pairs, coverage = report.scores
    assert pairs.plain.startswith("20 real rows: too few")
    assert pairs.fix == "give 50 real rows or more, in train and holdout together"
    assert coverage.plain.startswith("10 holdout rows: too few")


def test_a_column_of_few_values_is_left_out_and_named() -> None:
    made = [{**flowers(200, seed), "late": np.r_[np.arange(6.0) + 50 * seed, np.full(194, np.nan)]} for seed in (0, 1)]
    report = sw.evaluate(made[0], train=made[1], metrics=["marginals", "support"])
    assert failed(report) == []
    assert [str(note) for note in report.notes if note.code == "E009"] == [
        "E009: columns with fewer than 20 values were not compared: late (6 synthetic, 6 real) (evaluate)"
    ]


@pytest.mark.parametrize(("fault", "score"), [("constant", "marginals"), ("repeat", "entropy"), ("shift", "marginals")])
def test_flagrant_faults_fail_at_fifty_rows(fault: str, score: str) -> None:
    train, holdout, fresh = parts(50, 3)
    frame = fresh.to_pandas()
    if fault == "constant":
        frame["length"] = 4.3
    elif fault == "repeat":
        frame = frame.iloc[[0] * 50]
    else:
        frame["height"] += 0.8
    report = sw.evaluate(frame, train=train, holdout=holdout, metrics=[score])
    assert report.scores[0].verdict == "fail"


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_columns_fail_at_a_hundred_rows(seed: int) -> None:
    train, holdout, fresh = parts(100, seed)
    rng = np.random.default_rng(seed)
    frame = fresh.to_pandas().apply(lambda column: rng.permutation(column.to_numpy()))
    report = sw.evaluate(frame, train=train, holdout=holdout, metrics=["pairs", "invented"])
    assert [score.verdict for score in report.scores] == ["fail", "fail"]


def test_a_few_chance_copies_without_a_holdout_are_no_proof_of_copying() -> None:
    rng = np.random.default_rng(0)
    made = [{"a": rng.integers(9, size=40), "b": rng.integers(9, size=40)} for _ in range(2)]
    chance = sw.evaluate(made[0], train=made[1], metrics=["copies"]).scores[0]
    assert chance.value is not None
    assert chance.value > 0.05
    assert chance.verdict == "not assessed"
    assert sw.evaluate(made[1], train=made[1], metrics=["copies"]).scores[0].verdict == "fail"


def test_a_table_that_is_its_training_data_fails_however_small_the_holdout() -> None:
    rng = np.random.default_rng(0)
    made = [{f"v{i}": rng.normal(size=25) for i in range(6)} for _ in range(3)]
    copied = sw.evaluate(made[0], train=made[0], holdout=made[1], metrics=["copies"]).scores[0]
    assert copied.verdict == "fail"
    fresh = sw.evaluate(made[2], train=made[0], holdout=made[1], metrics=["copies"]).scores[0]
    assert fresh.verdict == "not assessed"


def test_every_metric_of_tables_that_compares_parts_declares_its_fewest_rows() -> None:
    free = {"rules", "shares", "rates"}  # they count groups and rules of 20 rows themselves
    assert {name for name, metric in chosen_metrics("table") if metric.fewest < 20} == free  # type: ignore[attr-defined]
