import itertools
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import jsonschema
import pytest

from synthwright.core.errors import FormatError
from synthwright.report.build import from_json, json_schema, to_html, to_json, to_markdown, to_text


class Page(HTMLParser):
    """Tags and attributes of a page, and whether every tag was closed in order."""

    VOID = frozenset({"meta", "link", "br", "hr", "img", "input"})

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts, self.bad = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.bad.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def test_the_page_is_well_formed_and_has_no_scripts_and_no_network(make_report):
    page = Page(to_html(make_report()))
    assert page.bad == []
    assert page.open == []
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "img", "object", "embed", "form"}
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href", "data", "action"):
            assert not re.match(r"(https?:|//|javascript:)", attributes.get(name) or "")
    assert "@import" not in to_html(make_report())
    assert "url(" not in to_html(make_report())


def test_column_names_are_escaped_everywhere(make_report, nasty):
    text = to_html(make_report())
    assert "<script" not in text
    assert nasty in "".join(Page(text).texts)


def test_the_page_can_be_used_by_keyboard_and_screen_reader(make_report):
    page = Page(to_html(make_report()))
    tags = [tag for tag, _ in page.tags]
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert tags.count(landmark) == 1
    html = dict(page.tags[0][1]) if page.tags[0][0] == "html" else next(a for t, a in page.tags if t == "html")
    assert html["lang"] == "en"
    assert all(attributes.get("scope") in ("col", "row") for tag, attributes in page.tags if tag == "th")
    assert all(
        attributes.get("role") == "img" or attributes.get("aria-hidden")
        for tag, attributes in page.tags
        if tag == "svg"
    )
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [
        attributes["href"][1:] for tag, attributes in page.tags if tag == "a" and attributes["href"].startswith("#")
    ]
    assert links[0] == "summary"
    assert set(links) <= set(ids)
    labels = [a["aria-labelledby"] for _, a in page.tags if "aria-labelledby" in a]
    assert set(labels) <= set(ids)


def test_headings_do_not_skip_a_level(make_report):
    levels = [int(tag[1]) for tag, _ in Page(to_html(make_report())).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_a_report_on_thirty_columns_is_below_a_megabyte(make_report):
    assert len(to_html(make_report(columns=30)).encode()) < 1_000_000


def test_the_first_screen_answers_the_three_questions(make_report):
    text = to_html(make_report())
    top = text[: text.index('id="h-privacy"')]
    for words in ("Safe to share?", "Faithful?", "Useful?", "Look at this first", "Not assessed", "What was changed"):
        assert words in top
    assert "0.912 (0.903 to 0.92)" in top
    assert "fresh real data" in top


def test_words_of_the_method_section_are_not_broken_letter_by_letter(make_report):
    assert ".sw .columns th{overflow-wrap:normal}" in to_html(make_report())


def test_a_failed_metric_is_shown_with_its_reason(make_report):
    for text in (to_html(make_report()), to_text(make_report()), to_markdown(make_report())):
        assert "The test broke down" in text


def luminance(colour):
    digits = colour.lstrip("#")
    digits = "".join(2 * c for c in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    a, b = sorted((luminance(one), luminance(two)), reverse=True)
    return (a + 0.05) / (b + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_has_enough_contrast_in_both_themes(make_report, theme):
    text = to_html(make_report())
    blocks = {
        "light": re.search(r"\.sw\{(.*?)\}", text, re.S)[1],
        "dark": re.search(r':root\[data-theme="dark"\] \.sw\{(.*?)\}', text, re.S)[1],
    }
    colours = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{3,6})", blocks[theme]))
    for back in ("bg", "surface"):
        for front in ("text", "muted", "link", "pass", "warn", "fail", "none"):
            assert contrast(colours[front], colours[back]) >= 4.5, (front, back)
    for verdict in ("pass", "warn", "fail", "none"):
        for front in (verdict, "text"):
            assert contrast(colours[front], colours[f"{verdict}-bg"]) >= 4.5, (front, verdict)
    for drawn in ("real", "synthetic"):
        assert contrast(colours[drawn], colours["bg"]) >= 3, drawn


def test_dark_mode_follows_the_system_and_the_attribute_alike(make_report):
    text = to_html(make_report())
    by_system = re.search(r":root:not\(\[data-theme=\"light\"\]\) \.sw\{(.*?)\}\}", text, re.S)[1]
    by_attribute = re.search(r':root\[data-theme="dark"\] \.sw\{(.*?)\}', text, re.S)[1]
    variables = [dict(re.findall(r"--([\w-]+):([^;}]+)", block)) for block in (by_system, by_attribute)]
    assert variables[0] == variables[1]


def test_the_json_fits_the_published_schema_and_comes_back(make_report):
    text = to_json(make_report())
    jsonschema.validate(json.loads(text), json_schema(), cls=jsonschema.Draft202012Validator)
    jsonschema.Draft202012Validator.check_schema(json_schema())
    assert to_json(from_json(text)) == text


def test_the_schema_refuses_a_report_that_is_not_one(make_report):
    document = json.loads(to_json(make_report()))
    for change in ({"verdict": "good"}, {"extra": 1}, {"schema": "other"}, {"scores": [{"id": "x"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**document, **change}, json_schema())


def test_durations_never_reach_the_files(make_report):
    report = make_report()
    slow = replace(report, scores=tuple(score.timed(123.456) for score in report.scores))
    for render in (to_json, to_html, to_markdown, to_text):
        assert render(slow) == render(report)


def test_numbers_json_does_not_know_become_null(make_report):
    report = make_report()
    odd = replace(report.scores[0], value=math.nan, high=math.inf)
    document = json.loads(to_json(replace(report, scores=(odd,))))
    assert document["scores"][0]["value"] is None
    assert document["scores"][0]["high"] is None
    assert "not a number" in to_html(replace(report, scores=(odd,)))


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"schema": "synthwright.report/1"}', '{"schema": "synthwright.report/9"}']
)
def test_a_damaged_report_is_one_clear_error(text):
    with pytest.raises(FormatError, match="report"):
        from_json(text, where="a/report.json")


def test_names_stay_text_in_the_markdown_card(make_report, nasty):
    text = to_markdown(make_report())
    assert "<script" not in text
    header, *_, body = text.split("---\n", 2)
    assert header == ""
    assert body.startswith("# Synthetic data card")
    tables = [line for line in text.splitlines() if line.startswith("| fidelity")]
    assert len(tables) == 3
    assert all(len(re.findall(r"(?<!\\)\|", line)) == 6 for line in tables)


def test_the_console_text_is_plain_unless_colour_is_wanted(make_report):
    assert "\x1b" not in to_text(make_report())
    assert "\x1b[" in to_text(make_report(), colour=True)
    assert "Safe to share? Unknown." in to_text(make_report())


def test_a_report_saves_in_every_format(make_report, tmp_path):
    for suffix in (".html", ".json", ".md", ".txt"):
        assert make_report().save(tmp_path / f"r{suffix}").stat().st_size > 500


def test_an_empty_report_still_renders(make_report):
    empty = replace(make_report(), scores=(), pictures={}, notes=(), settings={"seed": 0, "versions": {}}, model="")
    for render in (to_html, to_json, to_markdown, to_text):
        assert "Nothing could be assessed" in render(empty)
