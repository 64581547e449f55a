"""Distances between rows of mixed columns, nearest neighbours in blocks, and row hashes.

A set of rows is a `Points`: numbers scaled to about [0, 1] and levels as small integers. The distance is L1
(Gower 1971, without weights): sum of |a - b| over the numbers plus the number of levels that differ. That equals
L1 on min-max numbers and one-hot levels times 1/2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BLOCK_CELLS = 1 << 20  # cells of a distance block: 4 MB of float32, so that the passes over it stay in the cache


@dataclass(frozen=True)
class Points:
    """Rows ready for distances. numbers: (n, p) float32, no NaN. levels: (n, c) uint16."""

    numbers: np.ndarray
    levels: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def take(self, rows: np.ndarray | slice) -> Points:
        """The points of some rows."""
        return Points(self.numbers[rows], self.levels[rows])


def distance_block(a: Points, b: Points) -> np.ndarray:
    """All distances between two sets of rows, (len(a), len(b)) float32."""
    found = np.zeros((len(a), len(b)), np.float32)
    scratch = np.empty_like(found)
    for j in range(a.numbers.shape[1]):
        np.subtract(a.numbers[:, j, None], b.numbers[None, :, j], out=scratch)
        np.abs(scratch, out=scratch)
        found += scratch
    if a.levels.shape[1]:
        count = np.zeros(found.shape, np.uint16)
        for j in range(a.levels.shape[1]):
            count += a.levels[:, j, None] != b.levels[None, :, j]
        found += count
    return found


def nearest(queries: Points, references: Points, *, k: int = 1, same: bool = False) -> np.ndarray:
    """Distances from each query to its k nearest references, ascending: (n, k) float32.

    same: the two sets are the same rows, so that row i is no neighbour of itself. Exact; time grows with
    n queries x n references x columns, memory is 8 MB beside the result.
    """
    n, m = len(queries), len(references)
    k = min(k, m - same)
    references = _by_column(references)
    height = max(1, _BLOCK_CELLS // m)
    found = np.empty((n, k), np.float32)
    for start in range(0, n, height):
        rows = slice(start, min(start + height, n))
        block = distance_block(queries.take(rows), references)
        if same:
            inside = np.arange(block.shape[0])
            block[inside, start + inside] = np.inf
        found[rows] = block.min(axis=1, keepdims=True) if k == 1 else np.sort(np.partition(block, k - 1)[:, :k])
    return found


def _by_column(points: Points) -> Points:
    """The same points stored column by column, the order in which `distance_block` reads them."""
    return Points(np.asfortranarray(points.numbers), np.asfortranarray(points.levels))


def within(queries: Points, references: Points, radii: np.ndarray) -> np.ndarray:
    """For each query, the number of references whose own radius reaches it: (n,) int64. radii: (m,)."""
    references = _by_column(references)
    height = max(1, _BLOCK_CELLS // len(references))
    found = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), height):
        rows = slice(start, min(start + height, len(queries)))
        found[rows] = np.count_nonzero(distance_block(queries.take(rows), references) <= radii, axis=1)
    return found


def row_hashes(columns: np.ndarray) -> np.ndarray:
    """One 64-bit number per row; equal rows get equal numbers. columns: (n, d) uint64.

    Two different rows among a million share a number with probability about 3e-8 (64-bit birthday bound).
    """
    state = np.full(len(columns), 0x9E3779B97F4A7C15, np.uint64)
    for j in range(columns.shape[1]):
        state = _mixed(state ^ _mixed(columns[:, j] + np.uint64(j + 1)))
    return state


def _mixed(x: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele, Lea and Flood 2014): a bijection that spreads every bit."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))
