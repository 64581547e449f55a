import re
from xml.etree import ElementTree

import pytest

from synthwright.report import charts


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


FIGURES = {
    "histogram": lambda title: charts.histogram_pair([0, 1, 2, 4], [0.2, 0.3, 0.5], [0.1, 0.4, 0.5], title=title),
    "bars": lambda title: charts.bar_pair(["a", title], [0.4, 0.6], [0.5, 0.5], title=title),
    "intervals": lambda title: charts.interval_plot(
        [{"label": title, "value": 1.0, "low": 0.5, "high": 2.0}], title=title
    ),
    "heat map": lambda title: charts.heat_map(["a", title], [[None, 0.5], [0.5, None]], title=title),
    "line": lambda title: charts.line([0, 1], {"real": [0, 1], title: [0, 0.5]}, title=title, x_label=title),
}


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES.keys())
def test_every_figure_is_valid_xml_with_a_text_alternative_and_escapes_names(draw):
    svg = parsed(draw("<script>\"&'"))
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-label"].startswith("<script>")
    assert svg.find("title").text == "<script>\"&'"
    assert svg.find("desc").text.strip()
    assert svg.find(".//script") is None


def test_bars_of_a_histogram_are_as_high_as_their_density():
    svg = charts.histogram_pair([0, 1, 3], [0.5, 0.5], [0.5, 0.5], title="x")
    heights = [float(v) for v in re.findall(r"V([\d.]+)H", re.search(r'real-fill" d="([^"]+)"', svg)[1])]
    floor = charts.HEIGHT - 20
    assert floor - heights[0] == pytest.approx(2 * (floor - heights[1]))


def test_the_value_lies_between_its_references_in_order():
    svg = parsed(charts.reference_bar(0.6, low=0.5, high=0.7, references={"real": 0.0, "copy": 1.0}, verdict="warn"))
    dot = float(svg.find("circle").attrib["cx"])
    marks = {
        p.attrib["class"]: float(p.attrib["d"][1:].split()[0]) for p in svg.iter("path") if "mark" in p.attrib["class"]
    }
    assert marks["mark-real"] < dot < marks["mark-bad"]
    assert dot == pytest.approx(marks["mark-real"] + 0.6 * (marks["mark-bad"] - marks["mark-real"]), abs=0.2)
    assert "Value 0.6, interval 0.5 to 0.7" in svg.find("title").text


@pytest.mark.parametrize("top", [0.5, 0.0313, 0.000123, -1234567])
def test_the_labels_of_the_upward_axis_lie_inside_of_the_drawing(top):
    svg = parsed(charts.line([0, 1], {"real": [0, top]}, title="t"))
    ends = [text for text in svg.iter("text") if text.attrib.get("text-anchor") == "end"]
    assert charts.number(max(top, 0)) in [text.text for text in ends]
    assert all(float(text.attrib["x"]) >= 6.2 * len(text.text) for text in ends)


def test_a_missing_value_draws_nothing():
    assert charts.reference_bar(None, low=None, high=None, references={"real": 1.0}, verdict="error") == ""


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_equal_numbers_do_not_divide_by_zero(value):
    drawn = [
        charts.reference_bar(value, low=value, high=value, references={"real": value}, verdict="pass"),
        charts.histogram_pair([value, value], [1.0], [1.0], title="one value"),
        charts.bar_pair(["a"], [value], [value], title="one level"),
    ]
    for svg in drawn:
        parsed(svg)
        assert not re.search(r"\b(nan|inf)\b", svg)


def test_a_heat_map_names_its_strongest_pairs_in_words():
    svg = parsed(
        charts.heat_map(["age", "sex", "bmi"], [[None, 0.9, 0.1], [0.9, None, 0.2], [0.1, 0.2, None]], title="t")
    )
    assert svg.find("desc").text.startswith("Largest: sex with age 0.9; bmi with sex 0.2")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0, "0"),
        (0.5, "0.5"),
        (1 / 3, "0.333"),
        (12.345, "12.3"),
        (99999.4, "99,999"),
        (-0.0312, "-0.0312"),
        (2e-9, "2e-09"),
        (float("nan"), "not a number"),
    ],
)
def test_numbers_have_three_significant_digits(value, text):
    assert charts.number(value) == text
