from __future__ import annotations

import re
from typing import Any

from synthwright.report import series_figures

CHANNEL = {"column": "x", "real": [0.5, 0.4], "synthetic": [0.5, 0.6]}


def test_each_channel_gets_lines_of_real_and_synthetic_windows_with_their_numbers() -> None:
    data = {
        "channels": [{"column": "load", "real": [[1.0, 2.0, 3.0]], "synthetic": [[2.0, 2.0, 4.0], [0.0, 1.0, 2.0]]}]
    }
    (figure,) = series_figures.lines(data)
    assert figure.svg.count('class="real-line"') == 1
    assert figure.svg.count('class="synthetic-line"') == 2
    assert figure.rows[2] == ("2", "3", "4", "2")
    assert "real values from 1 to 3; synthetic values from 0 to 4." in figure.svg


def test_lines_stay_inside_the_drawing() -> None:
    svg = series_figures.overlaid([[5.0, -3.0]], [[100.0, 7.0]], title="t")
    for x, y in re.findall(r"([\d.]+),([\d.]+)", " ".join(re.findall(r'points="([^"]+)"', svg))):
        assert 0 <= float(x) <= 320
        assert 0 <= float(y) <= 150


def test_a_constant_channel_and_no_series_are_drawn_without_failing() -> None:
    assert "polyline" in series_figures.overlaid([[1.0, 1.0]], [], title="t")
    assert series_figures.overlaid([], [], title="t") == ""


def test_spectra_memory_and_levels_name_the_channel_and_both_sides() -> None:
    spectra: dict[str, Any] = {"channels": [{**CHANNEL, "frequency": [0.1, 0.2]}]}
    memory: dict[str, Any] = {"channels": [{**CHANNEL, "lag": [1, 2]}]}
    levels: dict[str, Any] = {"channels": [{**CHANNEL, "edges": [0.0, 1.0, 2.0]}]}
    for make, data in (
        (series_figures.spectra, spectra),
        (series_figures.memory, memory),
        (series_figures.histograms, levels),
    ):
        (figure,) = make(data)
        assert figure.title.startswith("x:")
        assert figure.legend == (("real", "real"), ("synthetic", "synthetic"))
        assert len(figure.rows) == 2
