from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

import synthwright as sw
from synthwright.evaluate.goal import goal_of, measurable
from synthwright.evaluate.metric import Evidence

UTILITY = ["tstr", "log_loss", "relation", "linear"]
needs_boosting = pytest.mark.skipif(find_spec("lightgbm") is None, reason="predictions need LightGBM")


def rows(counts: dict[str, int], seed: int) -> sw.Table:
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(list(counts), list(counts.values())))
    x = np.select([y == name for name in counts], [2.0 * i for i in range(len(counts))]) + rng.normal(size=len(y))
    return sw.Table.of({"x": x, "y": y}, target="y")


def judged(synthetic: object, train: object, test: object) -> sw.Report:
    return sw.evaluate(synthetic, train=train, holdout=test, metrics=UTILITY)


@needs_boosting
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("tested", [0, 1, 3])
def test_a_class_too_rare_to_measure_is_named_and_the_others_are_measured(tested: int) -> None:
    parts = [{"a": 150, "b": 120, "c": n} for n in (3, 3, tested)]
    report = judged(*(rows(counts, seed) for seed, counts in enumerate(parts)))
    assert [score.verdict for score in report.scores] == ["pass"] * 4
    assert all(f"left out: 'c' (3 in training, {tested} in test)." in score.plain for score in report.scores)
    assert report["utility.tstr"].details["left_out"] == [{"class": "c", "train": 3, "test": tested}]
    assert report["utility.tstr"].details["metric"] == "AUC"


@needs_boosting
def test_what_was_left_out_is_a_note_and_is_left_out_of_every_part() -> None:
    real = {"a": 150, "b": 120, "c": 3}
    train, test = rows(real, 1), rows(real, 2)
    made = rows({"a": 150, "b": 120, "c": 3}, 0)
    other = sw.Table.of(made.to_pandas().assign(x=lambda f: f.x.where(f.y != "c", 99.0)), target="y")
    first, second = judged(made, train, test), judged(other, train, test)
    notes = [note.what for note in first.notes if note.code == "E010"]
    assert len(notes) == 1
    assert "classes of y were left out of all usefulness scores, in every part: 'c' (3 in training" in notes[0]
    bars = [report["utility.tstr"].details["bars"] for report in (first, second)]
    assert bars[0] == bars[1]  # rows of the class left out change no number: not the real one, nor the others


@needs_boosting
@pytest.mark.filterwarnings("error")
def test_a_target_with_one_measurable_class_is_not_assessed_with_the_reason() -> None:
    report = judged(*(rows({"usual": 99, "rare": n}, seed) for seed, n in enumerate((2, 2, 0))))
    assert {score.verdict for score in report.scores} == {"not assessed"}
    assert all("only 'usual' has. Too rare: 'rare' (2 in training, 0 in test)" in s.plain for s in report.scores)
    assert all("more real rows" in score.fix for score in report.scores)


@needs_boosting
def test_a_class_that_the_synthetic_rows_lost_is_a_fail_not_a_class_left_out() -> None:
    real = {"a": 300, "b": 100}
    report = judged(rows({"a": 400}, 0), rows(real, 1), rows(real, 2))
    assert report["utility.tstr"].verdict == "fail"
    assert "left_out" not in report["utility.tstr"].details


@needs_boosting
def test_without_a_column_to_predict_from_nothing_is_assessed_and_nothing_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    parts = []
    for seed in range(3):
        table = rows({"a": 60, "b": 60}, seed)
        parts.append(table.replace({}, table.schema.edit(x={"role": "ignore"})))
    report = judged(*parts)
    assert {score.verdict for score in report.scores} == {"not assessed"}
    assert all("No column can predict 'y'" in score.plain for score in report.scores)
    assert "LightGBM" not in "".join(capfd.readouterr())


@needs_boosting
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("events", [0, 2])
def test_a_number_that_hardly_varies_in_the_test_rows_gives_finite_answers(events: int) -> None:
    rng = np.random.default_rng(0)
    parts = []
    for others in (40, 40, events):
        y = np.zeros(200)
        y[:others] = rng.normal(5, 1, others)
        parts.append(sw.Table.of({"x": rng.normal(size=200), "y": y}, target="y"))
    report = judged(*parts)
    expected = "not assessed" if events == 0 else "pass"
    assert {s.verdict for s in report.scores if s.id != "utility.relation"} == {expected}
    assert all(np.isfinite([s.low or 0, s.high or 0]).all() and abs(s.low or 0) < 1e6 for s in report.scores)


def test_a_level_met_only_in_test_has_no_target_and_is_told() -> None:
    parts = [rows(counts, 0) for counts in ({"a": 20, "b": 20}, {"a": 20, "b": 20, "new": 6})]
    goal = goal_of(Evidence(parts[0], parts[0], parts[0], parts[1], "y").encoding, "y")
    assert goal is not None
    assert goal.left_out == ({"class": "new", "train": 0, "test": 6},)
    assert np.isnan(goal.y["test"]).sum() == 6


def test_classes_that_stay_keep_their_order_and_rows_of_others_lose_their_target() -> None:
    parts = [rows({"a": 9, "b": 8, "c": 2, "d": 6}, seed) for seed in range(3)]
    whole = goal_of(Evidence(parts[0], parts[1], parts[2], target="y").encoding, "y")
    assert whole is not None
    goal = measurable(whole, train=whole.y["train"], test=whole.y["holdout"])
    assert goal.classes == ("a", "b", "d")
    assert [int((goal.y["train"] == code).sum()) for code in range(3)] == [9, 8, 6]
    assert np.isnan(goal.y["train"]).sum() == 2
