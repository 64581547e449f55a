from dataclasses import replace

import pytest

from synthwright.evaluate.metric import AXES
from synthwright.report import words


def only(report, *verdicts, axis="fidelity"):
    scores = tuple(
        replace(report.scores[0], id=f"{axis}.t{i}", axis=axis, verdict=v, plain=f"reason {i}")
        for i, v in enumerate(verdicts)
    )
    return replace(report, scores=scores)


@pytest.mark.parametrize(
    ("verdicts", "axis", "start"),
    [
        (("pass", "pass"), "fidelity", "No problem found in 2 tests"),
        (("pass", "warn"), "fidelity", "Usable with care: 1 point"),
        (("fail", "warn"), "fidelity", "Not good enough yet: 1 test of 2"),
        (("fail",), "privacy", "Do not share this table"),
        (("error",), "privacy", "Not good enough yet"),
        (("not assessed",), "privacy", "Nothing could be assessed"),
    ],
)
def test_the_headline_follows_the_worst_verdict(make_report, verdicts, axis, start):
    assert words.headline(only(make_report(), *verdicts, axis=axis)).startswith(start)


def test_reasons_are_the_three_worst_in_order(make_report):
    report = only(make_report(), "warn", "pass", "error", "fail", "warn", "fail")
    assert [score.plain for score in words.reasons(report)] == ["reason 3", "reason 5", "reason 2"]


def test_every_broken_test_is_among_the_reasons(make_report):
    report = only(make_report(), "fail", "fail", "fail", "error", "warn", "error")
    assert [score.plain for score in words.reasons(report)] == [f"reason {i}" for i in (0, 1, 2, 3, 5)]


def test_an_axis_without_a_test_is_never_a_pass(make_report):
    report = only(make_report(), "pass")
    assert words.summarise(report, "privacy").short == "Not assessed"
    (what, why), *rest = words.not_assessed(report)
    assert "privacy" in what.lower()
    assert "no test" in why
    assert not rest


def test_every_axis_has_a_question_and_an_answer_for_each_verdict(make_report):
    for axis in AXES:
        for verdict in words.SEVERITY:
            summary = words.summarise(only(make_report(), verdict, axis=axis), axis)
            assert summary.question.endswith("?")
            assert summary.answer


def test_the_lead_says_when_there_was_no_unseen_data(make_report):
    report = make_report()
    assert words.lead(report).endswith("and with 500 (holdout) and 500 (test) it never saw.")
    bare = replace(report, inputs={k: v for k, v in report.inputs.items() if k in ("train", "synthetic")})
    assert "no unseen real rows" in words.lead(bare)


def test_places_are_named_once_and_counted(make_report):
    where = [{"column": "a"}, {"column": "a"}, {"columns": ["b", "c"]}, *({"column": f"x{i}"} for i in range(4))]
    score = replace(make_report().scores[0], where=where)
    assert words.places(score) == "column a; columns b and c; column x0; column x1; and 2 more"
