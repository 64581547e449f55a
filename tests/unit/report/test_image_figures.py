"""Figures about images: they hold pictures, words for those who cannot see them, and the numbers behind them."""

import json
import re

import pytest

import synthwright as sw
from synthwright.data.images import ImageSet
from synthwright.report import build, image_figures
from synthwright.testing import small_images


@pytest.fixture(scope="module")
def report():
    train, holdout, test = (small_images(120, seed=s) for s in range(3))
    fake = sw.Generator.create("image_ppca").fit(train).sample(120)
    return sw.evaluate(fake, train=train, holdout=holdout, test=test)


@pytest.fixture(scope="module")
def page(report):
    return build.to_html(report)


def test_a_page_shows_images_neighbours_and_scores(page):
    for title in ("Real and synthetic images", "Synthetic images nearest to training images", "Kernel distance (KID)"):
        assert title in page
    assert page.count("data:image/png;base64,") == 2 * 2 * 8 + 8 * 4


def test_a_page_is_below_a_megabyte_and_needs_nothing_from_elsewhere(page):
    assert len(page) < 1_000_000
    assert not re.search(r'(src|href)="https?://', page)
    assert "<script" not in page


def test_pages_of_large_colour_images_stay_below_a_megabyte():
    import numpy as np

    rng = np.random.default_rng(0)
    parts = [ImageSet.of(rng.integers(0, 256, (60, 64, 64, 3), np.uint8), np.arange(60) % 12) for _ in range(3)]
    page = build.to_html(sw.evaluate(parts[0], train=parts[1], holdout=parts[2], metrics=["image_copies"]))
    assert len(page) < 1_000_000


def test_every_figure_has_a_text_alternative_and_a_table(report):
    for figure in [
        *image_figures.grid(report.pictures["images"]),
        *image_figures.neighbours(report.pictures["image_neighbours"]),
        *image_figures.scores(report.pictures["image_scores"]),
    ]:
        assert 'role="img"' in figure.svg
        assert re.search(r"<desc>[^<]{20,}</desc>", figure.svg), figure.title
        assert figure.rows
        assert all(len(row) == len(figure.head) for row in figure.rows)


def test_names_of_classes_cannot_break_the_page():
    data = {"shape": [8, 8, 1], "classes": [{"class": "<b>&\"'", "real": ["AA=="], "synthetic": ["AA=="]}]}
    (figure,) = image_figures.grid(data)
    assert "<b>" not in figure.svg


def test_a_report_survives_json(report):
    again = build.from_json(build.to_json(report))
    assert json.loads(build.to_json(again)) == json.loads(build.to_json(report))
    assert build.to_html(again).count("<image ") == build.to_html(report).count("<image ")


def test_the_words_are_those_of_images(page):
    assert "synthetic images were compared with" in page
    assert "synthetic rows" not in page


def test_without_classes_the_grid_has_one_pair_of_lines():
    parts = [ImageSet.of(small_images(60, seed=s).pixels()) for s in range(3)]
    found = sw.evaluate(parts[0], train=parts[1], holdout=parts[2])
    assert [line["class"] for line in found.pictures["images"]["classes"]] == [""]
