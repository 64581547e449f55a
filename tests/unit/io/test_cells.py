"""The traps of text cells, one test each."""

import math

import pyarrow as pa
import pytest

from synthwright.core.errors import Unsupported
from synthwright.data.schema import Column
from synthwright.io.cells import guess_cells
from synthwright.io.typed import typed_cells, written
from synthwright.io.words import Style


def guess(*words, **style):
    return guess_cells("x", pa.chunked_array([pa.array(words, pa.string())]), Style(**style))


def values(*words, **style):
    return guess(*words, **style).cells.to_pylist()


def back(typed):
    """The words written from a guessed column."""
    kind = str(typed.cells.type)
    fields = {key: value for key, value in typed.hint.items() if key != "evidence"}
    return written(
        Column.model_validate({"name": "x", "kind": "text", "dtype": kind, **fields}), typed.cells
    ).to_pylist()


def codes(typed):
    return [note.code for note in typed.notes]


def test_leading_zeros_are_codes_and_stay_text():
    typed = guess("02139", "10001", "94110")

    assert typed.cells.to_pylist() == ["02139", "10001", "94110"]
    assert "leading zeros" in typed.hint["evidence"]


def test_zero_and_decimals_below_one_are_numbers():
    assert values("0", "0.5", "-0.25") == [0.0, 0.5, -0.25]


def test_na_among_country_codes_is_namibia():
    typed = guess("DE", "NA", "FR", "NA")

    assert typed.cells.to_pylist() == ["DE", "NA", "FR", "NA"]
    assert "shape of the other codes" in typed.hint["evidence"]


def test_na_among_words_is_missing():
    typed = guess("male", "NA", "female")

    assert typed.cells.to_pylist() == ["male", None, "female"]
    assert typed.hint["null_words"] == ("NA",)


def test_none_among_words_is_a_level():
    assert values("none", "guarantor", "None") == ["none", "guarantor", "None"]


@pytest.mark.parametrize("word", ["NA", "?", "-", "none", "None", "NaN", "null", ".", "unknown"])
def test_every_null_word_is_missing_among_numbers(word):
    typed = guess("1", word, "3")

    assert typed.cells.to_pylist() == [1, None, 3]
    assert typed.hint["null_words"] == (word,)


def test_null_words_given_replace_the_rules():
    assert values("1", "-9", "3", null_words=("-9",)) == [1, None, 3]
    assert values("a", "NA", "b", null_words=("b",)) == ["a", "NA", None]


def test_null_words_are_listed_most_frequent_first():
    assert guess("1", "NA", "?", "NA", None).hint["null_words"] == ("NA", "", "?")


def test_whole_numbers_stay_whole_next_to_missing_cells():
    typed = guess("1", None, "3")

    assert str(typed.cells.type) == "int64"
    assert typed.cells.to_pylist() == [1, None, 3]


def test_whole_numbers_with_useless_zeros_are_whole_and_written_back_alike():
    typed = guess("1.0", None, "3.0")

    assert str(typed.cells.type) == "int64"
    assert back(typed) == ["1.0", None, "3.0"]


def test_numbers_beyond_two_to_the_53_are_exact():
    assert values("9007199254740993", "1") == [9007199254740993, 1]


def test_numbers_beyond_64_bits_stay_text_with_a_note():
    typed = guess("12345678901234567890123", "5")

    assert typed.cells.to_pylist() == ["12345678901234567890123", "5"]
    assert codes(typed) == ["R109"]


def test_digits_lost_to_rounding_are_noted():
    assert codes(guess("0.12345678901234567891", "1.5")) == ["R108"]
    assert codes(guess("0.30000000000000004", "1.5")) == []


@pytest.mark.parametrize(
    "words",
    [
        ("1.50", "2.00", "10.25"),
        ("5000", "2.5"),
        ("5000.0", "2.25"),
        ("1,234", "56"),
        ("1,234.50", "6.00"),
        ("0.1", "-0.001"),
    ],
)
def test_numbers_are_written_back_as_they_were(words):
    typed = guess(*words)

    assert pa.types.is_primitive(typed.cells.type)
    assert back(typed) == list(words)


def test_exponents_signs_and_bare_points_are_numbers():
    assert values("1e5", "+3", ".5", "7.", "-2E-1") == [1e5, 3.0, 0.5, 7.0, -0.2]


def test_a_comma_is_a_thousands_mark_unless_the_file_uses_decimal_commas():
    assert values("1,234", "12,345,678") == [1234, 12345678]
    assert values("1,5", "2,25", decimal=",") == [1.5, 2.25]
    assert values("1.234,5", "2,25", decimal=",") == [1234.5, 2.25]


def test_infinity_is_a_number_so_that_the_table_can_refuse_it():
    assert values("inf", "1.5", "-Infinity") == [math.inf, 1.5, -math.inf]


def test_true_and_false_are_boolean_and_keep_their_spelling():
    typed = guess("True", "False", None)

    assert typed.cells.to_pylist() == [True, False, None]
    assert back(typed) == ["True", "False", None]


@pytest.mark.parametrize("words", [("Yes", "No"), ("Y", "N"), ("T", "F"), ("true", "True")])
def test_other_pairs_of_words_stay_levels(words):
    assert values(*words) == list(words)


def test_numbers_with_a_few_words_stay_text_and_the_note_names_rows_not_values():
    typed = guess("12", "7", "secret-word", "9")

    assert typed.cells.to_pylist() == ["12", "7", "secret-word", "9"]
    assert codes(typed) == ["R103"]
    assert "1 of 4 cells are not numbers (rows 2)" in typed.notes[0].what
    assert "secret" not in typed.notes[0].what


def test_a_quoted_empty_cell_is_text_only_beside_unquoted_ones():
    assert values("", "a") == [None, "a"]
    assert values("", None, "a") == ["", None, "a"]


def test_blanks_around_numbers_do_not_make_them_text():
    assert values(" 12", "7 ") == [12, 7]


def test_blanks_around_every_text_are_removed_with_a_note():
    typed = guess(" Private", " State-gov")

    assert typed.cells.to_pylist() == ["Private", "State-gov"]
    assert codes(typed) == ["R106"]


def test_blanks_around_some_texts_are_kept():
    assert values(" a", "b") == [" a", "b"]


def test_a_column_without_values_is_empty_text():
    typed = guess(None, None)

    assert typed.cells.to_pylist() == [None, None]
    assert str(typed.cells.type) == "string"


def test_times_of_day_are_durations_and_written_back_alike():
    typed = guess("08:30", "14:05")

    assert str(typed.cells.type) == "duration[s]"
    assert back(typed) == ["08:30", "14:05"]


def test_ambiguous_dates_are_read_by_a_rule_and_noted():
    typed = guess("1/2/2020", "3/4/2021")

    assert typed.cells.to_pylist()[0].isoformat() == "2020-01-02"
    assert codes(typed) == ["R104"]
    assert guess("1/2/2020", "3/4/2021", day_first=True).cells.to_pylist()[0].isoformat() == "2020-02-01"


def test_dates_in_both_orders_stay_text_with_a_note():
    typed = guess("31/12/2020", "12/31/2020")

    assert typed.cells.to_pylist() == ["31/12/2020", "12/31/2020"]
    assert codes(typed) == ["R105"]


@pytest.mark.parametrize("bare", ["2024-03-01T06:00:00", "2024-03-01"])
def test_moments_with_and_without_a_zone_stay_text_with_a_note(bare):
    typed = guess("2024-03-01T03:00:00+01:00", bare)

    assert typed.cells.to_pylist() == ["2024-03-01T03:00:00+01:00", bare]
    assert codes(typed) == ["R115"]


@pytest.mark.parametrize(
    ("words", "noted"),
    [
        (("2024-03-01T00:00:00Z", "2024-03-01T03:00:00+01:00"), ["R107"]),
        (("2024-03-01T00:00:00+02:00", "2024-03-01T03:00:00+01:00"), ["R107"]),
        (("2024-03-01T00:00:00Z", "2024-03-01T03:00:00.5Z"), []),
    ],
)
def test_a_change_of_zone_is_noted_whatever_the_form(words, noted):
    assert codes(guess(*words)) == noted


def column(kind="integer", dtype="int64", **fields):
    return Column(name="x", kind=kind, dtype=dtype, **fields)


def typed(described, *words):
    cells, misfits = typed_cells(described, pa.chunked_array([pa.array(words, pa.string())]), Style())
    return cells.to_pylist(), None if misfits is None else misfits.to_pylist()


def test_a_schema_types_cells_and_hands_out_those_that_do_not_fit():
    assert typed(column(), "1", "2.0", "x", "NA", "2.5") == ([1, 2, None, None, None], [None, None, "x", None, "2.5"])


def test_a_schema_refuses_numbers_too_large_for_its_type():
    assert typed(column(dtype="int8"), "1", "300") == ([1, None], [None, "300"])


def test_a_schema_keeps_leading_zeros_and_null_words_of_text():
    zips = column("category", "string", null_words=("?",))

    assert typed(zips, "02139", "NA", "?") == (["02139", "NA", None], None)


@pytest.mark.parametrize(
    ("kind", "dtype", "fmt", "word"),
    [
        ("number", "double", ".2f", "1.50"),
        ("boolean", "bool", "yes|no", "yes"),
        ("datetime", "date32[day]", "%d.%m.%Y", "31.12.2020"),
        ("datetime", "timestamp[us, tz=UTC]", None, "2020-01-01T10:00:00.000001Z"),
        ("duration", "duration[s]", "%H:%M:%S", "10:00:59"),
        ("number", "decimal128(10, 2)", None, "12.30"),
        ("category", "dictionary<values=string, indices=int32, ordered=0>", None, "a"),
    ],
)
def test_every_type_goes_from_text_to_cells_and_back(kind, dtype, fmt, word):
    described = column(kind, dtype, format=fmt)
    cells, misfits = typed_cells(described, pa.chunked_array([pa.array([word, None])]), Style())

    assert misfits is None
    assert str(cells.type) == dtype
    assert written(described, cells).to_pylist() == [word, None]


def test_missing_cells_are_written_as_the_first_null_word():
    described = column(null_words=("?", "NA"))

    assert written(described, pa.chunked_array([pa.array([1, None])])).to_pylist() == ["1", "?"]


def test_a_type_that_text_cannot_hold_is_refused():
    with pytest.raises(Unsupported, match="binary"):
        typed(column("text", "binary"), "a")


def test_a_word_that_comes_again_and_again_among_numbers_stands_for_missing():
    numbers = [f"{i}.5" for i in range(60)]
    typed = guess(*numbers, *["k.A."] * 6)

    assert typed.cells.to_pylist() == [*(float(one) for one in numbers), *[None] * 6]
    assert codes(typed) == ["R116"]
    assert "'k.A.' (6)" in typed.notes[0].what
    assert back(typed)[-1] == "k.A."


def test_a_word_among_dates_stands_for_missing_too():
    typed = guess(*[f"2024-01-{day:02d}" for day in range(1, 29)], *["open"] * 5)

    assert str(typed.cells.type).startswith("date")
    assert typed.cells.null_count == 5


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (range(60), ["refused"] * 4),  # too seldom: perhaps a mistake, which a note names
        (range(12), ["never"] * 5),  # a level beside few numbers
        (range(60), ["a", "b", "c", "d"] * 5),  # too many words
        (range(30), ["other"] * 20),  # too large a share
        (range(60), ["90+"] * 6),  # says how much
    ],
)
def test_words_that_may_mean_something_keep_the_column_text(numbers, words):
    typed = guess(*(str(one) for one in numbers), *words)

    assert typed.cells.type == "string"
    assert "R116" not in codes(typed)


def test_a_word_is_kept_when_the_null_words_are_named():
    typed = guess_cells("c", pa.chunked_array([[*map(str, range(60)), *["k.A."] * 6]]), Style(null_words=("x",)))

    assert typed.cells.type == "string"
