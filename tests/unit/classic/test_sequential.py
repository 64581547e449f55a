import numpy as np
import pytest

from synthwright.classic.conditionals import BlendOptions, Inputs, NumberModel
from synthwright.classic.sequential import Chain, mutual_information
from synthwright.data.encode import Codec
from synthwright.data.table import Table

BLENDS = {
    "trees": BlendOptions(boosted=0.0, residual=0.0),
    "cart": BlendOptions(boosted=0.0, residual=0.5),
    "boost": BlendOptions(boosted=1.0, residual=1.0, mean="boost", rounds=120),
    "auto": BlendOptions(rounds=120),
}


def smooth_table(n=1500):
    """A line with little noise, a copy of it in a third of rows, a zero-inflated amount, levels, holes."""
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, n).round(4)
    y = (2 * x + rng.normal(0, 0.05, n)).round(4)
    paid = np.where(rng.random(n) < 0.33, y, rng.normal(0, 2, n).round(4))
    amount = np.where(x < 0, 0.0, rng.gamma(2.0, 50.0, n).round(1))
    hole = np.where(rng.random(n) < np.where(x > 0, 0.3, 0.1), np.nan, rng.integers(0, 500, n))
    level = np.array(["a", "b", "c"])[np.digitize(x + rng.normal(0, 0.3, n), [-0.5, 0.5])]
    return Table.of(
        {
            "x": x,
            "y": y,
            "paid": paid,
            "amount": amount,
            "hole": [None if np.isnan(h) else int(h) for h in hole],
            "level": level,
        }
    )


def fitted(blend):
    table = smooth_table()
    codec = Codec.fit(table)
    values = codec.values(table)
    return Chain.fit(values, codec.columns, BLENDS[blend], np.random.default_rng(0)), codec, values


@pytest.fixture(scope="module", params=sorted(BLENDS))
def chain(request):
    return fitted(request.param)


def drawn_from(chain, n=4000, seed=1):
    model, codec, _ = chain
    return model.draw(n, codec.columns, np.random.default_rng(seed))


def test_smooth_relations_are_kept(chain):
    drawn = drawn_from(chain)
    assert np.corrcoef(drawn["x"], drawn["y"])[0, 1] > 0.985  # 0.99 and more with a linear part


def test_copies_of_an_earlier_cell_are_kept(chain):
    drawn = drawn_from(chain)
    assert abs((drawn["paid"] == drawn["y"]).mean() - 0.33) < 0.05


def test_point_masses_keep_their_condition(chain):
    drawn = drawn_from(chain)
    assert ((drawn["amount"] == 0) == (drawn["x"] < 0)).mean() > 0.97


def test_missing_cells_keep_rate_and_condition(chain):
    drawn = drawn_from(chain)
    gone = np.isnan(drawn["hole"])
    assert abs(gone[drawn["x"] > 0].mean() - 0.3) < 0.06
    assert abs(gone[drawn["x"] < 0].mean() - 0.1) < 0.06


def test_numbers_stay_on_their_grid_and_within_their_ends(chain):
    _, codec, values = chain
    drawn = drawn_from(chain)
    for name in ("x", "y", "amount"):
        assert np.array_equal(codec[name].rounded(drawn[name]), drawn[name])
        assert drawn[name].min() >= values[name].min()
        assert drawn[name].max() <= values[name].max()


def test_a_restored_chain_draws_the_same(chain):
    model, codec, _ = chain
    again = Chain.restore(model.state(), codec.columns)
    first, second = (m.draw(500, codec.columns, np.random.default_rng(3)) for m in (model, again))
    assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)


def test_no_row_number_can_be_found_in_the_state(chain):
    model, _, values = chain
    n = len(values["x"])
    arrays = model.state().arrays.values()
    assert not any(a.dtype.kind == "i" and a.ndim == 1 and np.array_equal(np.sort(a), np.arange(n)) for a in arrays)


def test_the_same_stream_gives_the_same_model():
    first, second = fitted("auto")[0].state(), fitted("auto")[0].state()
    assert first.texts == second.texts
    assert all(np.array_equal(first.arrays[k], second.arrays[k]) for k in first.arrays)


def test_mutual_information_of_a_fair_coin_with_itself_is_one_bit():
    coin = np.tile([0, 1], 50_000)
    assert abs(mutual_information(coin, coin) - np.log(2)) < 1e-4


def test_mutual_information_of_independent_codes_is_about_zero():
    rng = np.random.default_rng(0)
    assert mutual_information(rng.integers(0, 8, 20_000), rng.integers(0, 8, 20_000)) < 0.002


def test_a_number_without_present_cells_stays_missing():
    n = 60
    inputs = Inputs(np.zeros((n, 1), np.float32), np.zeros((n, 1)), np.zeros((n, 3)), np.zeros((n, 0), np.int64))
    model = NumberModel.fit(np.full(n, np.nan), inputs, BLENDS["cart"], np.random.default_rng(0))
    assert np.isnan(model.draw(inputs, lambda v: v, np.random.default_rng(0))).all()
