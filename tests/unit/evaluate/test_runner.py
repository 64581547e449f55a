from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from typing import ClassVar

import numpy as np
import pytest

import synthwright as sw
from synthwright.core import registry
from synthwright.core.errors import Cancelled
from synthwright.data.images import ImageSet
from synthwright.evaluate.faults import FAULTS, inject
from synthwright.evaluate.metric import AXES, Score
from synthwright.evaluate.runner import chosen_metrics

needs_boosting = pytest.mark.skipif(find_spec("lightgbm") is None, reason="the classifier test needs LightGBM")

SMALL = ["marginals", "tails", "copies", "duplicates", "missing"]


def people(n: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    age = np.round(rng.normal(45, 14, n))
    job = rng.choice(["clerk", "nurse", "driver"], n, p=[0.5, 0.3, 0.2])
    pay = np.round(900 + 20 * age + 300 * (job == "nurse") + rng.normal(0, 150, n), 2)
    rich = np.where(pay + rng.normal(0, 150, n) > 1900, "yes", "no")
    return {"age": age, "job": job, "pay": pay, "rich": rich}


@pytest.fixture(scope="module")
def parts() -> tuple[sw.Table, sw.Table, sw.Table]:
    data = sw.Table.of(people(3600, 0), target="rich")
    return tuple(data.select(np.arange(i * 1200, (i + 1) * 1200)) for i in range(3))  # type: ignore[return-value]


def numbers(report: sw.Report) -> list[tuple[object, ...]]:
    return [(s.id, s.value, s.low, s.high, s.p, s.verdict, s.plain) for s in report.scores]


@needs_boosting
def test_real_rows_get_only_passes_and_a_full_report(parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    report = sw.evaluate(fresh, train=train, holdout=holdout)
    assert {s.verdict for s in report.scores} <= {"pass", "not assessed"}
    assert {s.axis for s in report.scores} == {"fidelity", "diversity", "utility", "fairness", "privacy"}
    assert {"marginals", "pairs", "distances", "utility", "membership"} <= set(report.pictures)
    json.dumps([report.pictures, [dict(s.details) for s in report.scores], dict(report.inputs), dict(report.settings)])


def test_a_metric_gives_the_same_numbers_alone_and_among_others(parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    every = sw.evaluate(fresh, train=train, holdout=holdout, metrics=[*SMALL, "c2st", "dcr_share"], seed=4)
    alone = sw.evaluate(fresh, train=train, holdout=holdout, metrics=["c2st", "privacy.dcr_share"], seed=4)
    assert numbers(alone)[0] == next(line for line in numbers(every) if line[0] == "fidelity.c2st")
    assert numbers(alone)[1] == next(line for line in numbers(every) if line[0] == "privacy.dcr_share")


def test_equal_inputs_and_seed_give_equal_numbers(parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    wanted = ["marginals", "pairs", "coverage", "tstr", "privacy"]
    first, second = (sw.evaluate(fresh, train=train, holdout=holdout, seed=1, metrics=wanted) for _ in range(2))
    assert numbers(first) == numbers(second)
    assert first.pictures == second.pictures


def test_without_a_holdout_privacy_is_never_a_pass(parts: tuple[sw.Table, ...]) -> None:
    train, _, fresh = parts
    report = sw.evaluate(fresh, train=train, metrics=["privacy"])
    assert {s.verdict for s in report.scores} == {"not assessed"}
    assert any(note.code == "E002" for note in report.notes)
    assert sw.evaluate(train, train=train, metrics=["copies"])["privacy.copies"].verdict == "fail"


def test_without_a_target_utility_names_the_argument_that_helps(parts: tuple[sw.Table, ...]) -> None:
    bare = [part.replace({}, part.schema.edit(rich={"role": "feature"})) for part in parts]
    score = sw.evaluate(bare[2], train=bare[0], holdout=bare[1], metrics=["tstr"])["utility.tstr"]
    assert (score.verdict, score.value) == ("not assessed", None)
    assert "target=" in score.fix


def test_a_failing_metric_becomes_an_error_score_and_the_others_run(
    parts: tuple[sw.Table, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        name: ClassVar[str] = "broken"
        axis: ClassVar[str] = "fidelity"
        summary: ClassVar[str] = "always fails"
        modalities: ClassVar[tuple[str, ...]] = ("table",)
        source: ClassVar[str] = ""

        def scores(self, evidence: object, ctx: object) -> Sequence[Score]:
            raise RuntimeError("planted")

    monkeypatch.setitem(registry._ADDED["metrics"], "broken", Broken)
    train, holdout, fresh = parts
    report = sw.evaluate(fresh, train=train, holdout=holdout, metrics=["broken", "marginals"])
    assert report["fidelity.broken"].verdict == "error"
    assert "planted" in report["fidelity.broken"].plain
    assert report["fidelity.marginals"].verdict == "pass"
    assert report.verdict == "error"


def test_data_frames_of_other_types_are_brought_to_the_training_types(parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    frame = fresh.to_pandas().assign(extra=1)
    frame = frame[["rich", "pay", "extra", "job", "age"]]
    report = sw.evaluate(frame, train=train, holdout=holdout.to_polars(), metrics=SMALL)
    assert report.verdict == "pass"
    assert [note.code for note in report.notes if "extra" in note.what] == ["E001"]


def test_a_missing_column_is_an_error_that_names_it(parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    with pytest.raises(sw.DataError, match="lack 1 column of the training data: pay"):
        sw.evaluate(fresh.arrow.drop_columns(["pay"]), train=train, holdout=holdout)


def test_images_against_a_training_table_are_refused_with_place_and_fix(parts: tuple[sw.Table, ...]) -> None:
    pictures = ImageSet.of(np.zeros((3, 4, 4, 1), np.uint8))
    with pytest.raises(sw.Unsupported, match="'images', the training data are a table") as caught:
        sw.evaluate(pictures, train=parts[0])
    assert (caught.value.where, caught.value.fix[:22]) == ("synthetic=", "give data of one kind:")


def test_a_number_column_full_of_words_is_an_error_that_shows_one(parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    frame = fresh.to_pandas().assign(pay="much")
    with pytest.raises(sw.DataError, match="'much'"):
        sw.evaluate(frame, train=train, holdout=holdout)


def test_the_training_data_are_refused_as_a_holdout(parts: tuple[sw.Table, ...]) -> None:
    train, _, fresh = parts
    free = {name: {"bounds": None, "categories": None, "nullable": True} for name in train.schema.names}
    with pytest.raises(sw.ConfigError, match="holdout is the training data"):
        sw.evaluate(fresh, train=train.replace({}, train.schema.edit(free)), holdout=train)


def test_an_unknown_metric_is_an_error_with_a_near_name() -> None:
    with pytest.raises(sw.ConfigError, match="Did you mean 'marginals'"):
        chosen_metrics("table", ["marginal"])


def test_every_registered_metric_has_a_summary_a_source_and_a_known_axis() -> None:
    found = chosen_metrics("table")
    assert [name for name, _ in found if name in registry.METRICS] == [
        name for name, _ in sorted(found, key=lambda pair: AXES.index(pair[1].axis))
    ]
    assert all(metric.name == name and metric.summary and metric.source for name, metric in found)


def test_a_callback_sees_each_metric_and_can_stop(parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    seen: list[str] = []

    def stop_late(event: object) -> None:
        seen.append(event.stage)  # type: ignore[attr-defined]
        if event.stage == "evaluating tails":  # type: ignore[attr-defined]
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        sw.evaluate(fresh, train=train, holdout=holdout, callbacks=[stop_late])
    assert seen == ["preparing evaluation", "evaluating marginals", "evaluating tails"]


@pytest.mark.parametrize("name", ["copy_all", "copy_some", "independent", "collapse", "shuffle_target", "cut_tails"])
@needs_boosting
def test_planted_faults_fail_on_small_tables_too(name: str, parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    fake = inject(name, fresh, train=train, holdout=holdout)
    report = sw.evaluate(fake, train=train, holdout=holdout, metrics=list(FAULTS[name].scores))
    assert "fail" in {score.verdict for score in report.scores}


@needs_boosting
def test_a_table_of_five_rows_gets_answers_and_no_crash() -> None:
    data = sw.Table.of(people(15, 1), target="rich")
    train, holdout, fresh = (data.select(np.arange(i * 5, i * 5 + 5)) for i in range(3))
    report = sw.evaluate(fresh, train=train, holdout=holdout)
    assert "error" not in {score.verdict for score in report.scores}


@needs_boosting
def test_a_column_that_is_missing_throughout_gets_answers_and_no_crash() -> None:
    data = sw.Table.of({**people(900, 2), "void": np.full(900, np.nan)}, target="rich")
    train, holdout, fresh = (data.select(np.arange(i * 300, i * 300 + 300)) for i in range(3))
    report = sw.evaluate(fresh, train=train, holdout=holdout)
    assert "error" not in {score.verdict for score in report.scores}


def test_a_declared_rule_fails_at_one_broken_row(parts: tuple[sw.Table, ...]) -> None:
    rule = {"rule": "range", "column": "age", "low": -100, "high": 200}
    ruled = [part.replace({}, part.schema.model_copy(update={"constraints": (rule,)})) for part in parts]
    frame = ruled[2].to_pandas()
    frame.loc[7, "age"] = 999.0
    score = sw.evaluate(frame, train=ruled[0], holdout=ruled[1], metrics=["rules"])["fidelity.rules"]
    assert score.verdict == "fail"
    assert score.where[0]["rows"] == [7]


def test_no_report_claims_anonymity(parts: tuple[sw.Table, ...]) -> None:
    train, holdout, fresh = parts
    report = sw.evaluate(fresh, train=train, holdout=holdout, metrics=["privacy"])
    assert not any("anonym" in (score.plain + score.label).lower() for score in report.scores)
