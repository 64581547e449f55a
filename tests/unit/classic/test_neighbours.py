from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from synthwright.classic.neighbours import Points, distance_block, nearest, row_hashes, within


def points(n: int, seed: int) -> Points:
    rng = np.random.default_rng(seed)
    return Points(rng.random((n, 3)).astype(np.float32), rng.integers(0, 3, (n, 2)).astype(np.uint16))


def reference(a: Points, b: Points) -> np.ndarray:
    return cdist(a.numbers, b.numbers, "cityblock") + 2 * cdist(a.levels, b.levels, "hamming")


def test_distance_is_l1_on_numbers_plus_the_levels_that_differ() -> None:
    a, b = points(20, 0), points(30, 1)
    assert distance_block(a, b) == pytest.approx(reference(a, b), abs=1e-5)


def test_nearest_equals_a_full_sort_whatever_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = points(50, 2), points(70, 3)
    monkeypatch.setattr("synthwright.classic.neighbours._BLOCK_CELLS", 300)
    assert nearest(a, b, k=4) == pytest.approx(np.sort(reference(a, b), axis=1)[:, :4], abs=1e-5)


def test_a_row_is_no_neighbour_of_itself() -> None:
    a = points(40, 4)
    full = reference(a, a) + np.diag(np.full(40, np.inf))
    assert nearest(a, a, k=2, same=True) == pytest.approx(np.sort(full, axis=1)[:, :2], abs=1e-5)


def test_within_counts_the_balls_that_hold_a_row() -> None:
    a, b = points(25, 5), points(35, 6)
    radii = np.linspace(0.5, 2.5, 35).astype(np.float32)
    assert within(a, b, radii).tolist() == (reference(a, b) <= radii).sum(axis=1).tolist()


def test_row_hashes_agree_exactly_when_rows_do() -> None:
    rows = np.random.default_rng(7).integers(0, 4, (5000, 5)).astype(np.uint64)
    _, by_row = np.unique(rows, axis=0, return_inverse=True)
    _, by_hash = np.unique(row_hashes(rows), return_inverse=True)
    pairs = np.unique(np.column_stack([by_row.reshape(-1), by_hash]), axis=0)
    assert len(pairs) == by_row.max() + 1 == by_hash.max() + 1


def test_the_order_of_columns_matters_to_a_hash() -> None:
    rows = np.array([[1, 2], [2, 1]], np.uint64)
    assert len(np.unique(row_hashes(rows))) == 2
