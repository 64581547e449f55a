import csv
from io import StringIO
from urllib.parse import unquote

from synthwright.report.figures import columns, marginal, overviews


def table_of(figure):
    text = unquote(figure.csv.partition(",")[2])
    return list(csv.reader(StringIO(text)))


def test_every_picture_of_a_table_becomes_a_figure(make_report):
    pictures = make_report().pictures
    assert len(columns(pictures)) == len(pictures["marginals"])
    axes = [figure.axis for figure in overviews(pictures)]
    assert axes == ["fidelity", "privacy", "privacy", "utility", "fairness", "fairness"]


def test_the_csv_behind_a_figure_holds_its_numbers_and_no_formula(nasty):
    data = {"column": nasty, "labels": ["=1+1", "b,c"], "real": [3, 1], "synthetic": [1, 1]}
    rows = table_of(marginal(data))
    assert rows == [[nasty, "real", "synthetic"], ["'=1+1", "0.75", "0.5"], ["b,c", "0.25", "0.5"]]


def test_dates_are_named_by_their_labels():
    data = {
        "column": "d",
        "edges": [0, 1, 2],
        "edge_labels": ["1970-01-01", "1970-01-02", "1970-01-03"],
        "real": [1, 1],
        "synthetic": [1, 1],
    }
    figure = marginal(data)
    assert "1970-01-03</text>" in figure.svg
    assert figure.rows[1][0] == "1970-01-02 to 1970-01-03"


def test_pairs_are_listed_worst_first_and_the_sign_of_a_difference_does_not_matter(make_report):
    figure = overviews({"pairs": make_report().pictures["pairs"]})[0]
    gaps = [float(row[3]) for row in figure.rows]
    assert gaps == sorted(gaps, reverse=True)
    assert min(gaps) >= 0


def test_an_unknown_or_empty_picture_is_left_out():
    assert overviews({"hologram": {"a": 1}, "pairs": {}}) == []
    assert overviews({"pairs": {"columns": ["a"], "real": [[0]], "synthetic": [[0]], "difference": [[0]]}}) == []
