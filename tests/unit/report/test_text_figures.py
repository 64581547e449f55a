"""The figure of answers shows every cell, and says in words what it shows."""

from synthwright.report.figures import overviews


def cell(task, level, accuracy):
    shares = {"accuracy": accuracy, "low": accuracy - 0.1, "high": accuracy + 0.1, "chance": 0.5, "corrected": 0.0}
    return {"task": task, "level": level, "n": 40, **shares, "outcomes": {"correct": round(40 * accuracy), "wrong": 3}}


DATA = {
    "model": "a <b> model",
    "cells": [cell("bool_logic", "D1", 0.9), cell("bool_logic", "D3", 0.6), cell("reachability", "D3", 0.7)],
}


def test_there_is_one_figure_a_task_with_a_dot_an_interval_and_guessing_for_each_level():
    first, second = overviews({"answers": DATA})
    assert (first.title, second.title) == ("Bool logic: right answers by level", "Reachability: right answers by level")
    assert [figure.svg.count("<circle") for figure in (first, second)] == [2, 1]
    assert [figure.svg.count('class="interval s-synthetic"') for figure in (first, second)] == [2, 1]
    assert [figure.svg.count('class="other-line"') for figure in (first, second)] == [2, 1]
    assert "D1: 90% of 40; D3: 60% of 40." in first.svg
    assert first.rows[0] == ("D1", "40", "0.9", "0.8", "1", "0.5", "36", "3", "0", "0", "0")


def test_levels_stand_at_the_same_place_in_every_figure():
    first, second = overviews({"answers": DATA})
    place = 'x="251.2"' if 'x="251.2"' in first.svg else first.svg.split(">D3<")[0].rsplit('x="', 1)[1].split('"')[0]
    assert place in second.svg.split(">D3<")[0].rsplit("<text", 1)[1]


def test_a_higher_share_is_drawn_higher():
    (figure, _) = overviews({"answers": DATA})
    heights = [float(part.split('"')[0]) for part in figure.svg.split('cy="')[1:]]
    assert heights[0] < heights[1]


def test_names_of_models_are_text_and_not_markup():
    assert "<b>" not in "".join(figure.svg for figure in overviews({"answers": DATA}))
