from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from synthwright.data.conditions import parse_condition
from synthwright.data.encode import Codec
from synthwright.data.table import Table
from synthwright.generators.table_modes import TableModes

WAYS = pytest.mark.parametrize("numbers", ["ranks", "modes"])


def _table(n: int = 2000) -> Table:
    """Two humps, a heap at 0 with holes, few whole numbers, dates, a level of 3 and one of 400."""
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
            "code": np.array([f"c{i:03d}" for i in range(400)])[np.arange(n) % 400],
        }
    )


DATA = _table()
CODEC = Codec.fit(DATA)


def _rows(view: TableModes) -> tuple[np.ndarray, np.ndarray]:
    return view.rows(CODEC.values(DATA), np.random.default_rng(1))


@WAYS
def test_levels_point_masses_and_missing_cells_come_back_exactly(numbers):
    view = TableModes.fit(CODEC, numbers)
    values, back = CODEC.values(DATA), view.values(*_rows(view))
    for name in ("rooms", "plan", "code"):
        assert np.array_equal(back[name], values[name])
    assert np.array_equal(np.isnan(back["paid"]), np.isnan(values["paid"]))
    assert np.array_equal(back["paid"] == 0, values["paid"] == 0)


@WAYS
def test_numbers_come_back_up_to_the_place_within_a_rank(numbers):
    view = TableModes.fit(CODEC, numbers)
    values, back = CODEC.values(DATA), view.values(*_rows(view))
    for name, near in (("humps", 1.0), ("day", 5.0)):
        assert np.quantile(np.abs(back[name] - values[name]), 0.98) < near


@WAYS
def test_rows_fit_the_layout_and_the_table_has_its_types_again(numbers):
    view = TableModes.fit(CODEC, numbers)
    scalars, codes = _rows(view)
    assert scalars.shape == (len(DATA), view.scalars)
    assert codes.shape == (len(DATA), len(view.widths))
    assert (codes < np.array(view.widths)).all()
    assert np.abs(scalars).max() < 1
    table = CODEC.from_values(view.values(scalars, codes), np.random.default_rng(2))
    assert table.arrow.schema.equals(DATA.arrow.schema)


def test_many_levels_are_two_digits_that_never_leave_the_levels():
    view = TableModes.fit(CODEC, "ranks")
    scalars, codes = _rows(view)
    codes[:] = np.array(view.widths) - 1  # the largest digits: beyond the last level
    table = CODEC.from_values(view.values(scalars, codes), np.random.default_rng(2))
    assert set(table["code"].to_pylist()) <= set(DATA["code"].to_pylist())


def test_a_number_without_masses_and_holes_is_one_scalar_that_always_counts():
    view = TableModes.fit(CODEC, "ranks")
    assert view.bound[0] is None
    assert view.bound[1] == (0, 1)  # paid: continuous, the heap at 0, missing


def test_a_scalar_is_zero_where_a_point_mass_or_nothing_is():
    view = TableModes.fit(CODEC, "ranks")
    scalars, _ = _rows(view)
    paid = CODEC.values(DATA)["paid"]
    assert (scalars[np.isnan(paid) | (paid == 0), 1] == 0).all()


@WAYS
def test_calibration_gives_squeezed_and_shifted_rows_the_distribution_of_the_data(numbers):
    view = TableModes.fit(CODEC, numbers)
    scalars, codes = _rows(view)
    squeezed = 0.4 * scalars + 0.1
    before = view.values(squeezed, codes)["humps"]
    after = view.calibrated(squeezed, codes).values(squeezed, codes)["humps"]
    real = np.sort(CODEC.values(DATA)["humps"])
    assert np.abs(np.sort(after) - real).mean() < 2.0
    assert np.abs(np.sort(before) - real).mean() > 2 * np.abs(np.sort(after) - real).mean()
    assert (np.diff(after[np.lexsort((after, before))]) >= 0).all()  # the order of the rows stays


def test_a_condition_on_one_level_or_few_values_names_its_choice_and_the_possible_things():
    view = TableModes.fit(CODEC, "ranks")

    def wanted(text: str) -> tuple[int, np.ndarray] | None:
        return view.wanted(CODEC.limits(parse_condition(text, DATA.schema)))

    choice, things = wanted("plan == 'b' and humps > 0")
    assert [CODEC["plan"].levels[i] for i in things] == ["b"]
    assert CODEC.columns[view.choices[choice][0]].name == "plan"
    _, things = wanted("rooms >= 6")
    assert CODEC["rooms"].atoms[things].tolist() == [6, 7]
    assert wanted("humps > 0") is None


@WAYS
def test_a_view_survives_json(numbers):
    view = TableModes.fit(CODEC, numbers)
    rows = _rows(view)
    view = view.calibrated(*rows)
    again = TableModes.from_json(view.to_json())
    assert again.widths == view.widths
    for name, cells in view.values(*rows).items():
        assert np.array_equal(again.values(*rows)[name], cells, equal_nan=cells.dtype.kind == "f")
