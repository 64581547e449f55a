import numpy as np
import pytest

from synthwright.data.conditions import parse_condition
from synthwright.data.encode import Codec
from synthwright.data.table import Table
from synthwright.generators.table_tokens import TableTokens


@pytest.fixture(scope="module")
def view(codec):
    return TableTokens(codec)


@pytest.fixture(scope="module")
def rows(view, codec, data):
    return view.rows(codec.values(data), np.random.default_rng(1))


def test_every_cell_comes_back_but_numbers_beyond_the_ranks_that_a_residual_can_say(view, rows, codec, data):
    back, real = view.values(*rows), codec.values(data)
    for name in ("rooms", "plan", "code"):
        assert np.array_equal(back[name], real[name])
    assert np.array_equal(np.isnan(back["paid"]), np.isnan(real["paid"]))
    assert np.array_equal(back["paid"] == 0, real["paid"] == 0)
    for name in ("humps", "day"):
        off = np.abs(np.sort(back[name]) - np.sort(real[name]))
        assert np.quantile(off, 0.99) < 0.01 * np.ptp(real[name])


def test_more_than_256_levels_are_two_tokens(view, codec):
    code = codec.names.index("code")
    sizes = [field.size for field in view.fields if field.column == code]
    assert len(sizes) == 2
    assert sizes[0] * sizes[1] >= 300
    assert max(view.sizes) <= 256


def test_residuals_are_standard_normal_and_absent_where_a_value_is_no_bin(view, rows, codec, data):
    tokens, residuals = rows
    assert tokens.min() >= 0
    assert (tokens.max(0) < np.array(view.sizes)).all()
    names = [codec.names[j] for j in view.open]
    assert names == ["humps", "paid", "day"]
    paid = codec.values(data)["paid"]
    assert np.array_equal(np.isnan(residuals[:, 1]), np.isnan(paid) | (paid == 0))
    inside = residuals[~np.isnan(residuals)]
    assert inside.mean() == pytest.approx(0, abs=0.06)
    assert inside.std() == pytest.approx(1, abs=0.06)


def test_tokens_of_neighbouring_bins_have_neighbouring_features_and_levels_have_none(view):
    features = view.features()
    assert features.shape[0] == sum(view.sizes)
    humps = features[: view.sizes[0], 1]
    assert (np.diff(humps) > 0).all()
    last = features[-view.sizes[-1] :]
    assert (last[:, 0] == 1).all()
    assert (last[:, 1:] == 0).all()


def test_the_order_goes_along_what_is_tied():
    rng = np.random.default_rng(0)
    a = rng.integers(4, size=3000)
    noisy = np.where(rng.random(3000) < 0.9, a, rng.integers(4, size=3000))
    data = Table.of({"a": [f"v{i}" for i in a], "x": rng.choice(["u", "w"], 3000), "b": [f"v{i}" for i in noisy]})
    codec = Codec.fit(data)
    view = TableTokens(codec)
    tokens, _ = view.rows(codec.values(data), rng)
    order = view.order(tokens, rng)
    assert sorted(order) == [0, 1, 2]
    assert order[2] == 1


@pytest.mark.parametrize(
    ("where", "column"),
    [
        ("plan == 'b'", "plan"),
        ("rooms in [2, 3]", "rooms"),
        ("paid is null", "paid"),
        ("paid >= 20 and paid < 90", "paid"),
        ("humps > 80", "humps"),
        ("code == 'c017'", "code"),
    ],
)
def test_no_token_of_a_row_that_meets_a_condition_is_excluded_by_it(where, column, view, rows, codec, data):
    condition = parse_condition(where, data.schema)
    tokens, _ = rows
    meets = condition.mask(data)
    assert meets.any()
    possible = view.possible(codec.limits(condition))
    assert possible
    for k, allowed in possible.items():
        assert view.fields[k].column == codec.names.index(column)
        assert allowed[tokens[meets, k]].all()
        assert not allowed.all()


def test_a_single_number_is_known_to_its_residual(view, codec, data):
    value = float(data["humps"][5].as_py())
    limits = codec.limits(parse_condition(f"humps == {value}", data.schema))
    known = view.known(limits)
    assert list(known) == [0]
    tokens = np.array([[np.flatnonzero(view.possible(limits)[0])[0]] + [0] * (len(view.sizes) - 1)])
    residuals = np.array([[known[0], 0.0, 0.0]])
    assert view.values(tokens, residuals)["humps"][0] == pytest.approx(value, abs=0.3)
    assert view.known(codec.limits(parse_condition("rooms == 3", data.schema))) == {}


def test_json_gives_the_same_view(view):
    again = TableTokens.from_json(view.to_json())
    assert again.sizes == view.sizes
    assert np.array_equal(again.features(), view.features())
