from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from synthwright.data.conditions import parse_condition
from synthwright.data.encode import Codec
from synthwright.data.table import Table
from synthwright.generators.table_tokens import TableTokens


def _table(n: int = 2000) -> Table:
    """Two humps, a heap at 0 with holes, few whole numbers, dates, a level of 3 and one of 300."""
    rng = np.random.default_rng(0)
    humps = np.round(np.where(rng.random(n) < 0.5, rng.normal(-50, 3, n), rng.normal(80, 10, n)), 2)
    paid = np.where(rng.random(n) < 0.6, 0.0, np.round(rng.gamma(2, 50, n), 2))
    return Table.of(
        {
            "humps": humps,
            "paid": pa.array(paid, mask=rng.random(n) < 0.1),
            "rooms": rng.integers(1, 8, n),
            "day": [date(2020, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 900, n)],
            "plan": np.array(["a", "b", "c"])[rng.integers(3, size=n)],
            "code": np.array([f"c{i:03d}" for i in range(300)])[np.arange(n) % 300],
        }
    )


DATA = _table()
CODEC = Codec.fit(DATA)
VIEW = TableTokens(CODEC)


def _rows() -> tuple[np.ndarray, np.ndarray]:
    return VIEW.rows(CODEC.values(DATA), np.random.default_rng(1))


def test_every_cell_comes_back_but_numbers_beyond_the_ranks_that_a_residual_can_say():
    back, real = VIEW.values(*_rows()), CODEC.values(DATA)
    for name in ("rooms", "plan", "code"):
        assert np.array_equal(back[name], real[name])
    assert np.array_equal(np.isnan(back["paid"]), np.isnan(real["paid"]))
    assert np.array_equal(back["paid"] == 0, real["paid"] == 0)
    for name in ("humps", "day"):
        off = np.abs(np.sort(back[name]) - np.sort(real[name]))
        assert np.quantile(off, 0.99) < 0.01 * np.ptp(real[name])


def test_more_than_256_levels_are_two_tokens():
    code = CODEC.names.index("code")
    sizes = [field.size for field in VIEW.fields if field.column == code]
    assert len(sizes) == 2
    assert sizes[0] * sizes[1] >= 300
    assert max(VIEW.sizes) <= 256


def test_residuals_are_standard_normal_and_absent_where_a_value_is_no_bin():
    tokens, residuals = _rows()
    assert tokens.min() >= 0
    assert (tokens.max(0) < np.array(VIEW.sizes)).all()
    names = [CODEC.names[j] for j in VIEW.open]
    assert names == ["humps", "paid", "day"]
    paid = CODEC.values(DATA)["paid"]
    assert np.array_equal(np.isnan(residuals[:, 1]), np.isnan(paid) | (paid == 0))
    inside = residuals[~np.isnan(residuals)]
    assert inside.mean() == pytest.approx(0, abs=0.06)
    assert inside.std() == pytest.approx(1, abs=0.06)


def test_tokens_of_neighbouring_bins_have_neighbouring_features_and_levels_have_none():
    features = VIEW.features()
    assert features.shape[0] == sum(VIEW.sizes)
    humps = features[: VIEW.sizes[0], 1]
    assert (np.diff(humps) > 0).all()
    last = features[-VIEW.sizes[-1] :]
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
def test_no_token_of_a_row_that_meets_a_condition_is_excluded_by_it(where, column):
    condition = parse_condition(where, DATA.schema)
    tokens, _ = _rows()
    meets = condition.mask(DATA)
    assert meets.any()
    possible = VIEW.possible(CODEC.limits(condition))
    assert possible
    for k, allowed in possible.items():
        assert VIEW.fields[k].column == CODEC.names.index(column)
        assert allowed[tokens[meets, k]].all()
        assert not allowed.all()


def test_a_single_number_is_known_to_its_residual():
    value = float(DATA["humps"][5].as_py())
    limits = CODEC.limits(parse_condition(f"humps == {value}", DATA.schema))
    known = VIEW.known(limits)
    assert list(known) == [0]
    tokens = np.array([[np.flatnonzero(VIEW.possible(limits)[0])[0]] + [0] * (len(VIEW.sizes) - 1)])
    residuals = np.array([[known[0], 0.0, 0.0]])
    assert VIEW.values(tokens, residuals)["humps"][0] == pytest.approx(value, abs=0.3)
    assert VIEW.known(CODEC.limits(parse_condition("rooms == 3", DATA.schema))) == {}


def test_json_gives_the_same_view():
    again = TableTokens.from_json(VIEW.to_json())
    assert again.sizes == VIEW.sizes
    assert np.array_equal(again.features(), VIEW.features())
