"""Distances between sets of points: identities, closed forms, and laws."""

import numpy as np
import pytest

from synthwright.classic import embeddings


def normal(n, d=6, seed=0, shift=0.0, scale=1.0):
    return np.random.default_rng(seed).standard_normal((n, d)) * scale + shift


def test_features_keep_distances_up_to_one_scale_when_nothing_is_left_out():
    x = normal(40, 5)
    features = embeddings.projection(x, 5)(x)
    ratio = embeddings.distances(features, features)[0, 1:] / embeddings.distances(x, x)[0, 1:]
    assert ratio == pytest.approx(ratio[0])
    assert features.var(axis=0).mean() == pytest.approx(1)


@pytest.mark.parametrize(("n", "p"), [(10, 40), (40, 10)])
def test_features_are_uncorrelated_and_the_largest_come_first(n, p):
    features = embeddings.projection(normal(n, p), 4)(normal(n, p))
    covariance = np.cov(features, rowvar=False)
    assert covariance - np.diag(np.diag(covariance)) == pytest.approx(np.zeros((4, 4)), abs=1e-9)
    assert (np.diff(np.diag(covariance)) <= 0).all()


def test_the_number_of_features_is_at_most_the_rank():
    x = normal(20, 3) @ normal(3, 10, seed=1)
    assert embeddings.projection(x, 8)(x).shape == (20, 3)


def test_kid_is_the_sum_over_pairs_without_the_diagonal():
    x, y = normal(5), normal(7, seed=1)
    k = embeddings.polynomial_kernel
    xx = sum(k(x, x)[i, j] for i in range(5) for j in range(5) if i != j) / 20
    yy = sum(k(y, y)[i, j] for i in range(7) for j in range(7) if i != j) / 42
    assert embeddings.kid(x, y) == pytest.approx(xx + yy - 2 * k(x, y).mean())


def test_kid_of_equal_distributions_is_zero_on_average():
    found = [embeddings.kid(normal(60, seed=2 * s), normal(60, seed=2 * s + 1)) for s in range(40)]
    assert abs(np.mean(found)) < 4 * np.std(found) / np.sqrt(40)


def test_p_is_spread_evenly_when_distributions_are_equal():
    p = [
        embeddings.kernel_test(
            normal(50, seed=2 * s), normal(50, seed=2 * s + 1), np.random.default_rng(s), times=100
        ).p
        for s in range(60)
    ]
    assert 0.35 < np.mean(p) < 0.65
    assert min(p) > 1e-3


def test_a_shift_is_found_with_a_tiny_p_and_an_interval_above_zero():
    test = embeddings.kernel_test(normal(80), normal(80, seed=1, shift=0.7), np.random.default_rng(0))
    assert test.p < 1e-9
    assert np.quantile(test.draws, 0.025) > 0


def test_the_frechet_distance_of_a_set_to_itself_is_zero():
    assert embeddings.frechet(normal(50), normal(50)) == pytest.approx(0, abs=1e-8)


def test_the_frechet_distance_has_its_closed_form_for_scaled_and_shifted_sets():
    x = normal(200)
    moved = embeddings.frechet(x, x * 3 + 2)
    gap = ((x.mean(axis=0) * 3 + 2 - x.mean(axis=0)) ** 2).sum()
    assert moved == pytest.approx(gap + np.trace(np.cov(x, rowvar=False)) * (3 - 1) ** 2)


def test_nearest_rows_are_those_of_the_full_distance_matrix():
    x, y = normal(30), normal(50, seed=1)
    far, places = embeddings.nearest(x, y, k=4)
    full = embeddings.distances(x, y)
    assert far == pytest.approx(np.sort(full, axis=1)[:, :4])
    assert np.take_along_axis(full, places, axis=1) == pytest.approx(far)


def test_a_row_is_no_neighbour_of_itself():
    x = normal(20)
    assert embeddings.nearest(x, x, same=True)[0].min() > 0


def test_identical_sets_have_precision_recall_and_coverage_one():
    x = normal(100)
    found = embeddings.manifolds(x, x)
    assert (found.precision, found.recall, found.coverage) == (1, 1, 1)


def test_fresh_data_have_density_and_coverage_as_the_paper_says():
    found = [embeddings.manifolds(normal(400, seed=2 * s), normal(400, seed=2 * s + 1)) for s in range(4)]
    assert np.mean([one.density for one in found]) == pytest.approx(1, abs=0.1)
    assert np.mean([one.coverage for one in found]) == pytest.approx(1 - 2**-5, abs=0.02)


def test_a_far_set_has_neither_precision_nor_coverage():
    found = embeddings.manifolds(normal(50), normal(50, seed=1, shift=100.0))
    assert (found.precision, found.coverage, found.density) == (0, 0, 0)


def test_a_dropped_half_lowers_recall_and_leaves_precision():
    x, y = normal(400, 2), normal(400, 2, seed=1)
    half = np.concatenate([y[y[:, 0] > 0]] * 3)[:400] + normal(400, 2, seed=2, scale=0.01)
    found = embeddings.manifolds(x, half)
    assert found.recall < 0.7
    assert found.precision > 0.9


@pytest.mark.parametrize("order", [1.0, 2.0])
def test_vendi_of_copies_is_one_and_of_orthogonal_rows_their_number(order):
    assert embeddings.vendi(np.ones((9, 4)), order=order) == pytest.approx(1)
    assert embeddings.vendi(np.eye(7), order=order) == pytest.approx(7)


def test_vendi_of_two_equal_groups_is_two():
    assert embeddings.vendi(np.repeat(np.eye(2), 5, axis=0)) == pytest.approx(2)


def test_rows_of_length_zero_count_as_one_kind():
    assert embeddings.vendi(np.array([[1.0, 0], [1, 0], [0, 0], [0, 0]])) == pytest.approx(2)
