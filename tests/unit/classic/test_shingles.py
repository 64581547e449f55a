"""Near duplicates found by MinHash are those that comparing all pairs finds."""

import numpy as np

from synthwright.classic.shingles import WIDTH, jaccard, nearest, nearest_before, shingles

N_TEXTS, N_WORDS = 120, 40


def texts(rng):
    """Random texts, half of them a copy of an earlier one with up to 4 words changed."""
    found = [rng.integers(1_000, size=N_WORDS) for _ in range(N_TEXTS // 2)]
    for one in found[: N_TEXTS // 2]:
        copy = one.copy()
        copy[rng.integers(N_WORDS, size=int(rng.integers(5)))] = 1_001
        found.append(copy)
    return [shingles([str(word) for word in one]) for one in found]


def test_the_nearest_is_that_of_all_pairs_where_it_is_near():
    sets = texts(np.random.default_rng(0))
    base, queries = sets[: N_TEXTS // 2], sets[N_TEXTS // 2 :]
    exact = np.array([max(jaccard(one, other) for other in base) for one in queries])
    found = nearest(queries, base, np.random.default_rng(1))
    assert np.all(found <= exact)
    assert (exact >= 0.7).sum() > 10
    np.testing.assert_array_equal(found[exact >= 0.7], exact[exact >= 0.7])


def test_the_nearest_earlier_one_is_that_of_all_pairs_where_it_is_near():
    sets = texts(np.random.default_rng(2))
    exact = np.array([max((jaccard(one, sets[j]) for j in range(i)), default=0.0) for i, one in enumerate(sets)])
    found = nearest_before(sets, np.random.default_rng(3))
    np.testing.assert_array_equal(found[exact >= 0.7], exact[exact >= 0.7])
    assert found[0] == 0.0


def test_a_text_shorter_than_a_shingle_is_one_shingle():
    short = ["a"] * (WIDTH - 1)
    assert len(shingles(short)) == len(shingles([])) == 1
    assert jaccard(shingles(short), shingles(short)) == 1.0
    assert shingles(short) != shingles(["b"] * (WIDTH - 1))
