"""How often each class is made."""

from __future__ import annotations

import numpy as np
import pytest

from synthwright.data.conditions import parse_condition
from synthwright.generators.image_classes import Classes
from synthwright.testing import small_images

CLASSES = Classes(("a", "b", "none", "c"), (0.5, 0.3, 0.0, 0.2))


@pytest.mark.parametrize("n", [1, 7, 64])
def test_each_class_comes_as_often_as_its_share_up_to_one(n: int) -> None:
    rng = np.random.default_rng(0)
    draws = np.array([np.bincount(CLASSES.draw(n, rng, None), minlength=4) for _ in range(2000)])
    assert (np.abs(draws - n * np.array(CLASSES.shares)) < 1).all()
    assert draws.mean(axis=0) / n == pytest.approx(CLASSES.shares, abs=0.035)


def test_the_order_is_random() -> None:
    codes = CLASSES.draw(64, np.random.default_rng(0), None)
    assert (np.diff(codes) < 0).any()


def test_only_the_classes_of_a_condition_are_drawn() -> None:
    data = small_images(60)
    classes = Classes(tuple(data.classes), tuple(np.bincount(data.codes()) / len(data)), data.schema.target)
    only = classes.draw(20, np.random.default_rng(0), parse_condition(f"label == '{data.classes[1]}'", data.schema))
    assert set(only.tolist()) == {1}
