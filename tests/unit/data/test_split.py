import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from synthwright.core.errors import ConfigError, DataError
from synthwright.data.schema import Column, Schema
from synthwright.data.split import split
from synthwright.data.table import Table

N = 1000


def _data(**roles: str) -> Table:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "row": np.arange(N),
            "person": rng.integers(0, 100, N),
            "day": [dt.date(2020, 1, 1) + dt.timedelta(int(i)) for i in rng.integers(0, 300, N)],
            "label": rng.choice(["a", "b", "c"], N, p=[0.9, 0.08, 0.02]),
            "part": rng.choice(["Train", "test"], N),
        }
    )
    kinds = {"row": "integer", "person": "identifier", "day": "datetime", "label": "category", "part": "category"}
    columns = (
        Column(name=n, kind=kinds[n], dtype=str(table.schema.field(n).type), role=roles.get(n, "feature"))
        for n in table.column_names
    )
    return Table({"rows": table}, Schema(columns=tuple(columns)))


def _rows(parts: tuple[Table, ...], name: str = "row") -> list[list[object]]:
    return [part[name].to_pylist() for part in parts]


def test_every_unit_falls_in_exactly_one_part_and_keeps_its_order():
    rows = _rows(split(_data()))
    assert sorted(row for part in rows for row in part) == list(range(N))
    assert all(part == sorted(part) for part in rows)
    assert [len(part) for part in rows] == [600, 200, 200]


def test_the_same_seed_gives_the_same_parts_and_another_seed_others():
    first, again, other = (_rows(split(_data(), seed=seed)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_no_group_is_on_two_sides():
    people = [set(part) for part in _rows(split(_data(person="group")), "person")]
    assert not people[0] & people[1]
    assert not people[0] & people[2]
    assert not people[1] & people[2]
    assert [round(len(part) / 100, 1) for part in people] == [0.6, 0.2, 0.2]


def test_group_sizes_are_alike_in_all_parts():
    parts = split(_data(person="group"))
    sizes = [len(part) / len(set(part["person"].to_pylist())) for part in parts]
    assert max(sizes) - min(sizes) < 0.6


def test_rows_without_a_group_are_groups_of_their_own():
    table = pa.table({"g": [None] * 60, "x": np.arange(60)})
    schema = Schema(columns=(Column(name="g", kind="identifier", role="group"), Column(name="x", kind="integer")))
    assert [len(p) for p in split(Table({"rows": table}, schema))] == [36, 12, 12]


def test_time_goes_forward_and_equal_moments_stay_together():
    days = _rows(split(_data(day="order")), "day")
    assert max(days[0]) < min(days[1])
    assert max(days[1]) < min(days[2])


def test_groups_with_an_order_stay_whole_and_start_in_order():
    parts = split(_data(person="group", day="order"))
    people = [set(part) for part in _rows(parts, "person")]
    assert sum(len(part) for part in people) == len(people[0] | people[1] | people[2])
    first = [
        max(min(d for d, p in zip(*_both(part), strict=True) if p == one) for one in people[i])
        for i, part in enumerate(parts)
    ]
    assert first == sorted(first)


def _both(part: Table) -> tuple[list[object], list[object]]:
    return part["day"].to_pylist(), part["person"].to_pylist()


def test_levels_of_a_discrete_target_are_shared_in_proportion():
    data = _data(label="target")
    total = data["label"].to_pylist().count("c")
    counts = [part.count("c") for part in _rows(split(data), "label")]
    assert np.all(np.abs(np.array(counts) - np.array([0.6, 0.2, 0.2]) * total) <= 1)


def test_a_split_column_decides_and_a_missing_holdout_is_taken_from_train():
    parts = split(_data(part="split", person="group"))
    words = [set(part) for part in _rows(parts, "part")]
    assert words == [{"Train"}, {"Train"}, {"test"}]
    people = [set(part) for part in _rows(parts, "person")]
    assert not people[0] & people[1]
    assert len(parts[1]) / (len(parts[0]) + len(parts[1])) == pytest.approx(0.25, abs=0.03)


def test_unknown_words_in_a_split_column_are_an_error():
    data = _data(label="split")
    with pytest.raises(DataError, match="'a', 'b', 'c'"):
        split(data)


def test_the_parts_say_how_they_were_made():
    note = split(_data(person="group"))[2].notes[-1]
    assert note.code == "S001"
    assert note.what.startswith("test part, split by group 'person'")


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.8, 0.2, 0.0), (0.6, 0.6, 0.2), (-0.2, 0.6, 0.6)])
def test_bad_fractions_are_refused(fractions):
    with pytest.raises(ConfigError, match="three numbers above 0"):
        split(_data(), fractions=fractions)


def test_too_few_units_groups_or_moments_are_an_error():
    with pytest.raises(DataError, match="2 units cannot"):
        split(_data().select([0, 1]))
    one_person = _data(person="group").select(np.flatnonzero(np.array(_data()["person"].to_pylist()) == 5))
    with pytest.raises(DataError, match="1 group cannot"):
        split(one_person)
    one_day = _data(day="order").select([0, 0, 0, 0])
    with pytest.raises(DataError, match="1 different moment cannot"):
        split(one_day)


def test_three_units_give_one_to_each_part():
    assert [len(part) for part in split(_data().select([0, 1, 2]))] == [1, 1, 1]
