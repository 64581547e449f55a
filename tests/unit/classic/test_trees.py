import numpy as np
import pytest

from synthwright.classic.grid import Grid, middle_ranks
from synthwright.classic.trees import Forest, TreeOptions, features_of, level_scores, spread_response


def forest_on_steps(n=2000, **options):
    rng = np.random.default_rng(0)
    x = rng.random((n, 2)).astype(np.float32)
    tokens = (x[:, 0] > 0.5).astype(np.int64) * 3 + rng.integers(0, 2, n)
    return Forest.fit(x, tokens, None, TreeOptions(**options), np.random.default_rng(1)), x, tokens


def test_every_leaf_holds_at_least_the_asked_number_of_cells():
    forest, _, _ = forest_on_steps(leaf=25)
    assert forest.count[forest.feature < 0].min() >= 25


def test_leaves_share_out_all_cells_in_each_tree_whatever_part_of_them_grew_it():
    forest, _, tokens = forest_on_steps(trees=3, share=0.3)
    assert forest.count[forest.feature < 0].sum() == len(forest.tokens) == 3 * len(tokens)


def test_rows_that_did_not_grow_a_tree_make_its_leaves_larger():
    few, _, _ = forest_on_steps(leaf=25, share=0.25)
    assert np.median(few.count[few.feature < 0]) > 75


def test_a_parent_has_the_cells_of_its_children():
    forest, _, _ = forest_on_steps()
    inside = np.flatnonzero(forest.feature >= 0)
    assert np.array_equal(forest.count[inside], forest.count[forest.left[inside]] + forest.count[forest.right[inside]])
    assert np.array_equal(forest.start[inside], forest.start[forest.left[inside]])


def test_tokens_are_sorted_within_leaves_so_that_no_row_order_is_kept():
    forest, _, _ = forest_on_steps()
    leaves = np.flatnonzero(forest.feature < 0)
    slices = [forest.tokens[forest.start[i] : forest.start[i] + forest.count[i]] for i in leaves]
    assert all(np.all(np.diff(cells.astype(int)) >= 0) for cells in slices)


def test_draws_follow_the_conditional_shares():
    forest, _, _ = forest_on_steps()
    x = np.column_stack([np.full(20_000, 0.9), np.full(20_000, 0.3)]).astype(np.float32)
    drawn = forest.draw(x, np.random.default_rng(2))
    assert set(drawn) == {3, 4}
    assert abs((drawn == 3).mean() - 0.5) < 0.25  # a leaf of 20 cells and 8 trees; the share itself is random


def test_a_large_shrink_gives_the_marginal_shares():
    forest, x, tokens = forest_on_steps(shrink=1e12)
    drawn = forest.draw(np.repeat(x[:1], 40_000, axis=0), np.random.default_rng(3))
    shares = np.bincount(tokens, minlength=5) / len(tokens)
    assert np.allclose(np.bincount(drawn, minlength=5) / 40_000, shares, atol=0.03)


def test_the_same_stream_gives_the_same_forest():
    first, _, _ = forest_on_steps()
    second, _, _ = forest_on_steps()
    assert all(np.array_equal(first.state().arrays[k], second.state().arrays[k]) for k in first.state().arrays)


def test_restored_forests_draw_the_same():
    forest, x, _ = forest_on_steps(shrink=5.0)
    again = Forest.restore(forest.state())
    assert np.array_equal(forest.draw(x, np.random.default_rng(4)), again.draw(x, np.random.default_rng(4)))


def test_many_levels_are_split_as_well():
    rng = np.random.default_rng(0)
    x = rng.random((4000, 1)).astype(np.float32)
    tokens = (x[:, 0] * 100).astype(np.int64)
    forest = Forest.fit(x, tokens, None, TreeOptions(), rng)
    assert np.abs(forest.draw(x, rng) - tokens).mean() < 3


def test_a_change_of_width_alone_is_found():
    rng = np.random.default_rng(0)
    side = rng.integers(0, 2, 4000)
    y = rng.normal(0, np.where(side == 1, 10.0, 1.0))
    grid = Grid.fit(y)
    x = features_of(side.astype(float))[:, None]
    forest = Forest.fit(x, grid.tokens(y), spread_response(middle_ranks(y)), TreeOptions(), rng)
    drawn = grid.values(forest.draw(x, rng), rng)
    assert drawn[side == 1].std() > 5 * drawn[side == 0].std()


def test_missing_numbers_lie_apart_from_all_others():
    found = features_of(np.array([np.nan, -1e300, 1e300, 0.0]))
    assert np.isfinite(found).all()
    assert found[0] <= found[1] < 0 < found[2]


def test_level_scores_order_levels_by_their_response():
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 5, 20_000)
    chance = np.array([0.1, 0.9, 0.3, 0.7, 0.5])
    response = (rng.random(20_000) < chance[levels]).astype(np.int64)
    scores = level_scores(levels, response, (5, 2))
    order = list(np.argsort(scores))
    assert order in ([0, 2, 4, 3, 1], [1, 3, 4, 2, 0])


def test_quantile_bins_are_exact_on_known_data():
    values = np.arange(1, 401, dtype=float)
    grid = Grid.fit(values)
    assert grid.n_bins == 20
    assert np.allclose(grid.knots, np.quantile(values, np.linspace(0, 1, 41)))
    assert np.bincount(grid.tokens(values)).tolist() == [20] * 20


def test_draws_of_a_grid_follow_the_data():
    rng = np.random.default_rng(0)
    values = np.where(rng.random(5000) < 0.4, 0.0, rng.gamma(2.0, 3.0, 5000))
    grid = Grid.fit(values)
    drawn = grid.values(grid.tokens(values), rng)
    assert (drawn == 0).mean() == (values == 0).mean()
    assert np.allclose(np.quantile(drawn, [0.5, 0.7, 0.9, 0.99]), np.quantile(values, [0.5, 0.7, 0.9, 0.99]), rtol=0.03)


def test_few_values_are_all_atoms_and_come_back_exactly():
    values = np.repeat([1.0, 2.5, 7.0], [40, 30, 30])
    grid = Grid.fit(values)
    tokens = grid.tokens(values)
    assert grid.n_bins == 0
    assert np.array_equal(grid.values(tokens, np.random.default_rng(0)), values)


def test_values_of_few_rows_are_no_atoms():
    values = np.concatenate([np.repeat([1.0, 2.0], 50), [1.7]])
    assert 1.7 not in Grid.fit(values).atoms


@pytest.mark.parametrize("n", [1, 2, 5, 19, 21])
def test_short_columns_have_a_grid(n):
    values = np.linspace(0, 1, n)
    drawn = Grid.fit(values).values(Grid.fit(values).tokens(values), np.random.default_rng(0))
    assert drawn.min() >= 0
    assert drawn.max() <= 1


def test_a_restored_grid_is_equal():
    grid = Grid.fit(np.random.default_rng(0).gamma(1.0, 1.0, 500))
    again = Grid.restore(grid.state())
    assert np.array_equal(grid.knots, again.knots)
    assert np.array_equal(grid.atoms, again.atoms)
