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
        (("error", "pass"), "privacy", "Not fully judged: 1 of 2 tests could not be computed."),
        (("error", "fail", "error"), "fidelity", "Not good enough yet: 1 test of 3 failed. 2 could not be computed."),
        (("error", "warn"), "fidelity", "Usable with care: 1 point to look at. 1 could not be computed."),
        (("error", "fail"), "privacy", "Do not share this table: training data show through. 1 could not be computed."),
        (("pass", "not assessed"), "fidelity", "No problem found in 1 test; 1 was not assessed."),
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
    one, *rest = words.not_assessed(report)
    assert "privacy" in one.what.lower()
    assert "no test" in one.why
    assert not rest


def test_tests_of_one_reason_and_one_remedy_are_named_together(make_report):
    report = only(make_report(), "not assessed", "not assessed", "not assessed")
    first, second, third = report.scores
    alike = (first, replace(second, label="Second", plain=first.plain), replace(third, label="Third"))
    found = words.not_assessed_together(replace(report, scores=alike))
    assert [one.what.partition("; ")[2] for one in found[:2]] == ["Second", ""]
    assert found[0].fix == first.fix


def test_an_axis_that_passes_says_how_much_was_not_assessed(make_report):
    report = only(make_report(), "pass", "not assessed", "not assessed")
    assert words.summarise(report, "fidelity").answer.endswith("Not assessed: 2 of 3 tests.")
    assert words.summarise(report, "fidelity").short == "Yes, in part"


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
