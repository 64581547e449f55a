from dataclasses import replace

from synthwright.report.compare import compare


def change(report, **changes):
    target = report["utility.tstr"]
    other = replace(report, scores=(replace(target, **changes),))
    return compare(replace(report, scores=(target,)), other)[0].change


def test_a_change_within_the_intervals_is_no_change(make_report):
    assert change(make_report(), value=0.915, low=0.9, high=0.93) == "same, within the intervals"


def test_direction_decides_what_is_better(make_report):
    assert change(make_report(), value=0.95, low=0.94, high=0.96) == "better"
    assert change(make_report(), value=0.8, low=0.79, high=0.81) == "worse"


def test_a_new_verdict_is_named(make_report):
    assert change(make_report(), verdict="fail") == "verdict: pass -> fail"


def test_tests_of_only_one_report_are_listed(make_report):
    report = make_report()
    rows = compare(report, replace(report, scores=report.scores[:1]))
    assert len(rows) == len(report.scores)
    assert sum(row.change == "only in one report" for row in rows) == len(report.scores) - 1
