"""The page as reviewed: numbers masked, so that only its structure and words are compared.

After an intended change: SYNTHWRIGHT_GOLDEN=write python -m pytest tests/unit/report/test_golden.py, then review
the difference.
"""

import os
import re
from pathlib import Path

import pytest

from synthwright.report.build import to_html, to_markdown, to_text

GOLDEN = Path(__file__).parents[2] / "golden"


def masked(text):
    text = re.sub(r"<style>.*?</style>", "<style></style>", text, flags=re.S)
    text = re.sub(r'(?<=href=")data:[^"]*', "data:", text)
    text = re.sub(r'(?<=\bd=")[^"]*|(?<=points=")[^"]*', "", text)
    return re.sub(r"\d+(?:[.,]\d+)*", "#", text)


@pytest.mark.parametrize(
    ("name", "render"), [("report.html", to_html), ("card.md", to_markdown), ("report.txt", to_text)]
)
def test_the_report_looks_as_reviewed(make_report, name, render):
    found = masked(render(make_report()))
    path = GOLDEN / name
    if os.environ.get("SYNTHWRIGHT_GOLDEN") == "write":
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")
