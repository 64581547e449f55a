from __future__ import annotations

import numpy as np

from synthwright.classic.independence import ROWS, independent_groups

PARTS = [np.array([0, 1]), np.array([2]), np.array([3, 4])]


def listed(groups: list[np.ndarray]) -> list[list[int]]:
    return [group.tolist() for group in groups]


def test_parts_that_share_nothing_are_groups_of_their_own() -> None:
    x = np.random.default_rng(0).standard_normal((2_000, 5))
    assert listed(independent_groups(x, PARTS)) == [[0, 1], [2], [3, 4]]


def test_a_correlation_joins_parts_also_over_a_third_one() -> None:
    x = np.random.default_rng(1).standard_normal((2_000, 5))
    x[:, 2] += 0.5 * x[:, 1]
    x[:, 4] += 0.5 * x[:, 2]
    assert listed(independent_groups(x, PARTS)) == [[0, 1, 2, 3, 4]]


def test_dependence_without_correlation_joins_parts_too() -> None:
    x = np.random.default_rng(2).standard_normal((2_000, 5))
    x[:, 4] *= np.abs(x[:, 0])  # a common scale
    assert listed(independent_groups(x, PARTS)) == [[0, 1, 3, 4], [2]]


def test_what_was_not_seen_does_not_count() -> None:
    x = np.random.default_rng(3).standard_normal((3_000, 5))
    x[:, 2] += x[:, 0]
    x[::2, 0] = np.nan
    assert listed(independent_groups(x, PARTS)) == [[0, 1, 2], [3, 4]]


def test_few_rows_do_not_show_independence() -> None:
    x = np.random.default_rng(4).standard_normal((ROWS - 1, 5))
    assert listed(independent_groups(x, PARTS)) == [[0, 1, 2, 3, 4]]
