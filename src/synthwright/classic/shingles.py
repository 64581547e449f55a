"""Near duplicates of texts: shingles of words, MinHash to find candidates, the exact Jaccard index to decide."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

WIDTH = 4  # words of a shingle
_BANDS, _ROWS = 32, 4  # a pair with Jaccard 0.8 is missed with probability 5e-8, one with 0.7 with 1.5e-4
_MOST_IN_BUCKET = 200


def shingles(words: Sequence[str], width: int = WIDTH) -> frozenset[int]:
    """Hashes of all runs of `width` words; of a shorter text, the hash of the whole."""
    if len(words) < width:
        runs = [" ".join(words)]
    else:
        runs = [" ".join(words[i : i + width]) for i in range(len(words) - width + 1)]
    return frozenset(int.from_bytes(hashlib.blake2b(run.encode(), digest_size=4).digest(), "big") for run in runs)


def signatures(sets: Sequence[frozenset[int]], rng: np.random.Generator) -> np.ndarray:
    """MinHash signatures: (sets, bands * rows) uint64.

    Hash functions are (a x + b mod 2^64) >> 32, strongly universal on 32-bit x: what overflows must be cut off, as a
    function that never overflows keeps the order of x and so has one minimum for all a and b.
    Source: Broder 1997; Dietzfelbinger 1996.
    """
    n = _BANDS * _ROWS
    a, b = rng.integers(0, (1 << 64) - 1, size=(2, n), dtype=np.uint64, endpoint=True)
    found = np.empty((len(sets), n), dtype=np.uint64)
    for i, one in enumerate(sets):
        x = np.fromiter(sorted(one), dtype=np.uint64, count=len(one))
        found[i] = ((x[:, None] * a + b) >> np.uint64(32)).min(0)
    return found


def nearest(queries: Sequence[frozenset[int]], base: Sequence[frozenset[int]], rng: np.random.Generator) -> np.ndarray:
    """Largest Jaccard index of each query with a set of `base`, 0 where no candidate was found: (queries,) float64.

    Pairs below about 0.5 may be missed. Buckets are read up to 200 sets.
    """
    marks = signatures([*base, *queries], rng)
    n = len(base)
    best = np.zeros(len(queries))
    for band in range(_BANDS):
        part = marks[:, band * _ROWS : (band + 1) * _ROWS]
        buckets: dict[bytes, list[int]] = {}
        for i in range(n):
            buckets.setdefault(part[i].tobytes(), []).append(i)
        for q in range(len(queries)):
            for i in buckets.get(part[n + q].tobytes(), ())[:_MOST_IN_BUCKET]:
                if best[q] < 1:
                    best[q] = max(best[q], jaccard(queries[q], base[i]))
    return best


def nearest_before(sets: Sequence[frozenset[int]], rng: np.random.Generator) -> np.ndarray:
    """Largest Jaccard index of each set with an earlier one: (sets,) float64; see `nearest`."""
    marks = signatures(sets, rng)
    best = np.zeros(len(sets))
    for band in range(_BANDS):
        buckets: dict[bytes, list[int]] = {}
        for i, one in enumerate(sets):
            earlier = buckets.setdefault(marks[i, band * _ROWS : (band + 1) * _ROWS].tobytes(), [])
            for j in earlier:
                if best[i] < 1:
                    best[i] = max(best[i], jaccard(one, sets[j]))
            if len(earlier) < _MOST_IN_BUCKET:
                earlier.append(i)
    return best


def jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    """Shared share of two sets."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) if shared else 0.0
