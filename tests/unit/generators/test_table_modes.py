import numpy as np
import pytest

from synthwright.data.conditions import parse_condition
from synthwright.generators.table_modes import TableModes

WAYS = pytest.mark.parametrize("numbers", ["ranks", "modes"])


@pytest.fixture(scope="module")
def rows_of(codec, data):
    """Rows as a view writes them."""
    return lambda view: view.rows(codec.values(data), np.random.default_rng(1))


@WAYS
def test_levels_point_masses_and_missing_cells_come_back_exactly(numbers, rows_of, codec, data):
    view = TableModes.fit(codec, numbers)
    values, back = codec.values(data), view.values(*rows_of(view))
    for name in ("rooms", "plan", "code"):
        assert np.array_equal(back[name], values[name])
    assert np.array_equal(np.isnan(back["paid"]), np.isnan(values["paid"]))
    assert np.array_equal(back["paid"] == 0, values["paid"] == 0)


@WAYS
def test_numbers_come_back_up_to_the_place_within_a_rank(numbers, rows_of, codec, data):
    view = TableModes.fit(codec, numbers)
    values, back = codec.values(data), view.values(*rows_of(view))
    for name, near in (("humps", 1.0), ("day", 5.0)):
        assert np.quantile(np.abs(back[name] - values[name]), 0.98) < near


@WAYS
def test_rows_fit_the_layout_and_the_table_has_its_types_again(numbers, rows_of, codec, data):
    view = TableModes.fit(codec, numbers)
    scalars, codes = rows_of(view)
    assert scalars.shape == (len(data), view.scalars)
    assert codes.shape == (len(data), len(view.widths))
    assert (codes < np.array(view.widths)).all()
    assert np.abs(scalars).max() < 1
    table = codec.from_values(view.values(scalars, codes), np.random.default_rng(2))
    assert table.arrow.schema.equals(data.arrow.schema)


def test_many_levels_are_two_digits_that_never_leave_the_levels(rows_of, codec, data):
    view = TableModes.fit(codec, "ranks")
    scalars, codes = rows_of(view)
    codes[:] = np.array(view.widths) - 1  # the largest digits: beyond the last level
    table = codec.from_values(view.values(scalars, codes), np.random.default_rng(2))
    assert set(table["code"].to_pylist()) <= set(data["code"].to_pylist())


def test_a_number_without_masses_and_holes_is_one_scalar_that_always_counts(codec):
    view = TableModes.fit(codec, "ranks")
    assert view.bound[0] is None
    assert view.bound[1] == (0, 1)  # paid: continuous, the heap at 0, missing


def test_a_scalar_is_zero_where_a_point_mass_or_nothing_is(rows_of, codec, data):
    view = TableModes.fit(codec, "ranks")
    scalars, _ = rows_of(view)
    paid = codec.values(data)["paid"]
    assert (scalars[np.isnan(paid) | (paid == 0), 1] == 0).all()


@WAYS
def test_calibration_gives_squeezed_and_shifted_rows_the_distribution_of_the_data(numbers, rows_of, codec, data):
    view = TableModes.fit(codec, numbers)
    scalars, codes = rows_of(view)
    squeezed = 0.4 * scalars + 0.1
    before = view.values(squeezed, codes)["humps"]
    after = view.calibrated(squeezed, codes).values(squeezed, codes)["humps"]
    real = np.sort(codec.values(data)["humps"])
    assert np.abs(np.sort(after) - real).mean() < 2.0
    assert np.abs(np.sort(before) - real).mean() > 2 * np.abs(np.sort(after) - real).mean()
    assert (np.diff(after[np.lexsort((after, before))]) >= 0).all()  # the order of the rows stays


def test_a_condition_on_one_level_or_few_values_names_its_choice_and_the_possible_things(codec, data):
    view = TableModes.fit(codec, "ranks")

    def wanted(text: str) -> tuple[int, np.ndarray] | None:
        return view.wanted(codec.limits(parse_condition(text, data.schema)))

    choice, things = wanted("plan == 'b' and humps > 0")
    assert [codec["plan"].levels[i] for i in things] == ["b"]
    assert codec.columns[view.choices[choice][0]].name == "plan"
    _, things = wanted("rooms >= 6")
    assert codec["rooms"].atoms[things].tolist() == [6, 7]
    assert wanted("humps > 0") is None


@WAYS
def test_a_view_survives_json(numbers, rows_of, codec):
    view = TableModes.fit(codec, numbers)
    rows = rows_of(view)
    view = view.calibrated(*rows)
    again = TableModes.from_json(view.to_json())
    assert again.widths == view.widths
    for name, cells in view.values(*rows).items():
        assert np.array_equal(again.values(*rows)[name], cells, equal_nan=cells.dtype.kind == "f")
