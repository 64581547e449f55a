from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from synthwright.core.errors import ConditionError, DataError
from synthwright.data.conditions import parse_condition
from synthwright.data.sequences import SeriesSet
from synthwright.data.split import split
from synthwright.testing import small_series


def panel() -> SeriesSet:
    return SeriesSet.of(
        {
            "who": ["a", "a", "a", "b", "b"],
            "day": [1, 2, 4, 1, 2],
            "city": ["Oslo", "Oslo", "Oslo", "Rome", "Rome"],
            "x": [0.5, None, 1.5, 2.0, 3.0],
            "kind": ["u", "v", "u", "u", "u"],
        },
        entity="who",
        order="day",
        static=("city",),
    )


def test_a_long_table_becomes_attributes_and_rows_of_unequal_length() -> None:
    data = panel()
    assert len(data) == 2
    assert data.lengths.tolist() == [3, 2]
    assert [column.name for column in data.statics] == ["city"]
    assert [column.name for column in data.channels] == ["x", "kind"]
    assert data.tables["rows"]["day"].to_pylist() == [1, 2, 4, 1, 2]


def test_the_flat_table_is_the_inverse_of_reading_it() -> None:
    data = small_series(30)
    again = SeriesSet.from_arrow(data.to_arrow(), data.schema)
    assert again.fingerprint() == data.fingerprint()


def test_rows_of_series_that_alternate_are_put_together_with_a_note() -> None:
    data = SeriesSet.of({"who": ["a", "b", "a", "b"], "t": [0, 0, 1, 1], "x": [1, 2, 3, 4]}, entity="who", order="t")
    assert data.tables["rows"]["x"].to_pylist() == [1, 3, 2, 4]
    assert [note.code for note in data.notes] == ["Q001"]


def test_without_an_entity_all_rows_are_one_series_in_their_order() -> None:
    data = SeriesSet.of({"x": [3.0, 1.0, 2.0]})
    assert len(data) == 1
    assert data.tables["rows"][data.order].to_pylist() == [0, 1, 2]


def test_a_repeated_series_keeps_its_rows_and_gets_a_name_of_its_own() -> None:
    data = panel().select([1, 0, 1])
    assert data.arrow["who"].to_pylist() == ["b", "a", "b#2"]
    assert data.tables["rows"]["who"].to_pylist() == ["b", "b", "a", "a", "a", "b#2", "b#2"]
    assert data.lengths.tolist() == [2, 3, 2]


def test_joined_blocks_never_share_an_identifier() -> None:
    data = panel()
    both = SeriesSet.concat([data, data])
    assert both.arrow["who"].to_pylist() == ["a", "b", "a#2", "b#2"]
    assert SeriesSet(both.tables, both.schema).lengths.tolist() == [3, 2, 3, 2]


def test_whole_number_identifiers_that_repeat_take_the_next_free_number() -> None:
    data = SeriesSet.from_windows(np.arange(8.0).reshape(2, 4))
    assert SeriesSet.concat([data, data]).arrow["series"].to_pylist() == [0, 1, 2, 3]
    assert data.renumbered(7).arrow["series"].to_pylist() == [7, 8]


def test_windows_are_consecutive_stretches_and_say_where_they_are_from() -> None:
    data = SeriesSet.of({"x": np.arange(10.0)}).windows(4, stride=3)
    assert data.lengths.tolist() == [4, 4, 4]
    assert data.tables["rows"]["x"].to_pylist() == [0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9]
    assert data.arrow["source"].to_pylist() == ["series-0"] * 3


def test_series_shorter_than_a_window_are_an_error_that_names_them() -> None:
    with pytest.raises(DataError, match=r"1 of 2 series have fewer than 3 steps: 'b' \(2 steps\)"):
        panel().windows(3)
    assert len(panel().windows(3, short="drop")) == 1


def test_one_long_series_is_split_in_time_with_a_gap() -> None:
    parts = split(SeriesSet.of({"x": np.arange(1000.0)}))
    ends = [(part.tables["rows"]["x"][0].as_py(), part.tables["rows"]["x"][-1].as_py()) for part in parts]
    assert ends[0][0] == 0
    assert ends[1][0] - ends[0][1] == 24
    assert ends[2][0] - ends[1][1] == 24


def test_overlapping_windows_are_never_split_at_random() -> None:
    windows = SeriesSet.of({"x": np.arange(500.0)}).windows(24)
    train, holdout, test = (set(part.tables["rows"]["x"].to_pylist()) for part in split(windows))
    assert not train & holdout
    assert not holdout & test
    assert max(train) < min(holdout) < min(test)


def test_many_series_are_split_between_series() -> None:
    parts = split(small_series(60))
    names = [set(part.arrow["who"].to_pylist()) for part in parts]
    assert [len(one) for one in names] == [36, 12, 12]
    assert not names[0] & names[1]


def test_pieces_of_a_long_series_fall_whole_into_one_part() -> None:
    pieces = SeriesSet.of({"x": np.arange(1000.0)}).pieces(20)
    assert len(pieces) == 20
    last = [
        pieces.tables["rows"]["x"][int(s + n - 1)].as_py() for s, n in zip(pieces.starts, pieces.lengths, strict=True)
    ]
    first = [pieces.tables["rows"]["x"][int(s)].as_py() for s in pieces.starts]
    assert all(b - a == 24 for a, b in zip(last, first[1:], strict=False))


def test_a_condition_speaks_of_attributes_by_their_plain_name() -> None:
    data = panel()
    assert parse_condition("city == 'Rome'", data.schema).mask(data).tolist() == [False, True]
    with pytest.raises(ConditionError):
        parse_condition("x > 1", data.schema)


def test_constant_channels_and_holes_are_kept() -> None:
    data = SeriesSet.of({"x": [1.0, float("nan"), 2.0], "c": [5, 5, 5]})
    assert data.tables["rows"]["c"].to_pylist() == [5, 5, 5]
    assert data.tables["rows"]["x"].to_pylist() == [1.0, None, 2.0]


# -- bad input


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"who": ["a", "a"], "t": [1, 1], "x": [1.0, 2.0]}, "1 steps of 't' repeat: 'a' row 1"),
        ({"who": ["a", "a"], "t": [2, 1], "x": [1.0, 2.0]}, "1 steps of 't' go back: 'a' row 1"),
        ({"who": ["a", "a"], "t": [1, None], "x": [1.0, 2.0]}, "1 rows have no 't': 'a' row 1"),
        ({"who": ["a", None], "t": [1, 2], "x": [1.0, 2.0]}, "1 rows have no 'who', the first is row 1"),
        ({"who": ["a", "a"], "t": [1, 2], "x": [1.0, float("inf")]}, "1 values of 'x' are infinite: 'a' row 1"),
        ({"who": ["a", "a"], "t": [1, 2], "x": [1.0, 2.0], "y": [float("nan")] * 2}, "Channel 'y' is missing in every"),
        ({"who": ["a", "a"], "t": ["2020-01-01T00:00:00+00:00", "2020-01-02"], "x": [1, 2]}, "have a time zone"),
        ({"who": ["a", "a"], "t": ["one", "two"], "x": [1, 2]}, "neither numbers nor ISO moments"),
        ({"who": ["a", "a"], "t": ["2020-01-01", "2020-01-01"], "x": [1, 2]}, r"repeat: 'a' row 1 \(2020-01-01"),
        ({"who": ["a", "a"], "t": [1, 2]}, "There is no channel"),
    ],
)
def test_bad_series_are_one_error_with_the_place(columns: dict[str, list[object]], words: str) -> None:
    with pytest.raises(DataError, match=words):
        SeriesSet.of(pa.table(columns), entity="who", order="t")


def test_rows_of_an_error_are_counted_as_the_place_says() -> None:
    columns = {"who": ["a", "b", "a", "b"], "t": [1, 1, 2, 1], "x": [1.0, 2.0, 3.0, 4.0]}
    with pytest.raises(DataError, match="'b' row 3") as caught:
        SeriesSet.of(columns, entity="who", order="t")
    assert caught.value.where == "column 't', rows counted series by series"


def test_no_fix_offers_what_series_cannot_do() -> None:
    with pytest.raises(DataError, match="infinite") as caught:
        SeriesSet.of({"x": [1.0, float("inf")]})
    assert caught.value.fix == "replace them"


def test_all_problems_are_told_at_once() -> None:
    table = {"who": ["a"] * 3, "t": [1, 1, 0], "x": [1.0, float("inf"), 2.0]}
    with pytest.raises(DataError) as caught:
        SeriesSet.of(table, entity="who", order="t")
    assert len(caught.value.problems) == 3


def test_a_missing_order_cell_is_told_once() -> None:
    with pytest.raises(DataError) as caught:
        SeriesSet.of({"who": ["a", "a"], "t": [1, None], "x": [1.0, 2.0]}, entity="who", order="t")
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("static", [("who",), ("t",), ("city", "city")])
def test_a_column_that_is_named_for_two_things_is_an_error(static: tuple[str, ...]) -> None:
    columns = {"who": ["a", "b"], "t": [1, 1], "city": ["u", "v"], "x": [1, 2]}
    with pytest.raises(DataError, match="is named 2 times"):
        SeriesSet.of(columns, entity="who", order="t", static=static)


def test_an_attribute_that_changes_is_an_error_that_names_the_series() -> None:
    table = {"who": ["a", "a"], "t": [1, 2], "city": ["Oslo", "Rome"], "x": [1, 2]}
    with pytest.raises(DataError, match="'city' changes within 1 series: 'a' has 'Oslo' and later 'Rome'"):
        SeriesSet.of(table, entity="who", order="t", static=("city",))


def test_an_unknown_column_is_an_error_with_a_hint() -> None:
    with pytest.raises(DataError, match=r"There is no column 'whoo'\. Did you mean 'who'"):
        SeriesSet.of({"who": ["a"], "x": [1]}, entity="whoo")


def test_moments_as_text_are_read_and_rise() -> None:
    data = SeriesSet.of({"t": ["2020-01-01", "2020-01-02"], "x": [1, 2]}, order="t")
    assert data.tables["rows"]["t"].to_pylist() == [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2)]


def test_columns_that_never_change_within_a_series_are_found_to_be_attributes():
    table = {
        "who": ["a", "a", "b", "b"],
        "day": [1, 2, 1, 2],
        "x": [0.5, 0.6, 3, 4],
        "place": ["n", "n", "s", "s"],
        "unit": ["m"] * 4,
    }
    data = SeriesSet.of(table, entity="who", order="day")
    assert [column.name for column in data.statics] == ["place"]
    assert [column.name for column in data.channels] == ["x", "unit"]
    assert [note.code for note in data.notes] == ["Q003"]
    assert SeriesSet.of(table, entity="who", order="day", static=()).statics == ()
    only = SeriesSet.of(
        {"who": ["a", "a", "b", "b"], "day": [1, 2, 1, 2], "x": [1, 1, 2, 2]}, entity="who", order="day"
    )
    assert [column.name for column in only.channels] == ["x"]
