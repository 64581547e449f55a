from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthwright.core.errors import DataError
from synthwright.data.infer import MAX_LEVELS, decimal_step, infer_schema, is_id_name, pattern_of, whole_step
from synthwright.data.table import Table


def column_of(values, name="x"):
    return infer_schema(pa.table({name: values})).columns[0]


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("weight", RNG.normal(size=500), "number"),
        ("visits", RNG.integers(0, 40, 500), "integer"),
        ("smoker", RNG.integers(0, 2, 500), "category"),
        ("rating", RNG.integers(1, 6, 500), "integer"),
        ("region", RNG.integers(1, 10, 500), "category"),
        ("education_num", RNG.integers(1, 17, 500), "integer"),
        ("thal", np.repeat([3, 6, 7], 100), "category"),
        ("dose", np.repeat([0, 10, 20, 30], 100), "integer"),
        ("year", RNG.integers(1990, 2020, 500), "integer"),
        ("is_member", [True, False] * 50, "boolean"),
        ("plan", ["gold", "basic"] * 50, "category"),
        ("since", [date(2020, 1, 1), None] * 50, "datetime"),
        ("wait", pa.array([60, 120] * 50, pa.duration("s")), "duration"),
        ("payload", pa.array([[1, 2], [3]] * 50), "json"),
        ("payload_text", ['{"a": 1}', "[1, 2]"] * 50, "json"),
    ],
)
def test_each_kind_is_what_a_data_scientist_would_write_down(name, values, kind):
    assert column_of(values, name).kind == kind


def test_whole_numbers_stored_as_floats_are_integers_and_keep_their_type():
    column = column_of([*(float(v) for v in range(40)), None], "visits")

    assert (column.kind, column.dtype, column.step) == ("integer", "double", 1.0)


def test_a_unique_measurement_is_no_identifier():
    assert column_of(RNG.normal(size=1000), "length").kind == "number"


def test_unique_whole_numbers_that_do_not_count_up_stay_numbers():
    assert column_of(RNG.permutation(100_000)[:500], "balance").kind == "integer"


def test_numbers_that_count_up_row_by_row_are_an_identifier_whatever_their_name():
    column = column_of(np.arange(5, 105), "nr_of_row_in_file")

    assert (column.kind, column.role, column.sensitivity) == ("identifier", "id", "direct")
    assert "counts up" in column.evidence


@pytest.mark.parametrize("name", ["id", "ID", "patient_id", "AlbumId", "id_student", "hospital_number", "uuid"])
def test_names_of_identifiers_are_known_in_every_spelling(name):
    assert is_id_name(name)


@pytest.mark.parametrize("name", ["paid", "width", "idle", "num", "Poverty index", "humidity", "period"])
def test_names_that_only_look_like_identifiers_are_not_taken_for_them(name):
    assert not is_id_name(name)


def test_a_person_with_several_rows_is_a_group_and_a_product_is_a_key():
    people, goods = np.repeat(np.arange(100), 3) * 7, np.tile(np.arange(100) * 11, 3)
    schema = infer_schema(pa.table({"patient_id": people, "product_id": goods}))

    assert (schema["patient_id"].role, schema["product_id"].role) == ("group", "key")


def test_an_id_column_of_few_values_is_learned_as_a_feature():
    assert column_of(RNG.integers(1, 9, 500), "store_id").role == "feature"


def test_evidence_tells_how_many_values_are_distinct():
    column = column_of([f"P{i:04d}" for i in range(1000)], "patient_id")

    assert column.evidence.startswith("1,000 of 1,000 distinct, name says identifier")


def test_evidence_holds_no_cell_value():
    table = pa.table({"paid": [987654.25, *RNG.normal(size=99)], "city": ["canary-7f", *["Oslo"] * 99]})
    evidence = " ".join(column.evidence for column in infer_schema(table).columns)

    assert "987654" not in evidence
    assert "canary" not in evidence


def test_codes_of_one_pattern_are_an_identifier_and_names_are_text():
    schema = infer_schema(
        pa.table(
            {"ticket": [f"A-{i:03d}x" for i in range(200)], "remark": [f"about {i} things said" for i in range(200)]}
        )
    )

    assert schema["ticket"].kind == "identifier"
    assert schema["ticket"].format == r"A\-\d{3}x"
    assert schema["remark"].kind == "text"


def test_repeating_sentences_are_text_not_levels():
    texts = [f"the {i % 200} quick brown foxes jump over it" for i in range(500)]

    assert column_of(texts, "story").kind == "text"


def test_uuids_are_identifiers_even_when_they_repeat():
    import uuid

    values = [str(uuid.UUID(int=i % 20 + 2**100)) for i in range(100)]

    assert (column_of(values, "encounter").kind, column_of(values, "patient").role) == ("identifier", "group")


def test_a_hundred_thousand_levels_are_a_category_without_a_list():
    values = [f"k{v}" for v in RNG.integers(0, 100_000, 400_000)]
    column = column_of(values, "keyword")

    assert (column.kind, column.categories) == ("category", None)
    assert f"more than {MAX_LEVELS:,}" in column.evidence


def test_rare_levels_are_listed_so_that_parts_of_the_table_stay_valid():
    data = Table.of({"plan": ["gold"] * 99 + ["odd"], "y": list(range(100))})

    assert len(data.select([99])) == 1


def test_bounds_stay_open_because_new_rows_may_lie_outside():
    assert column_of(RNG.integers(18, 90, 500), "age").bounds is None


def test_the_target_is_never_guessed():
    schema = infer_schema(pa.table({"x": [1.5, 2.5] * 20, "target": [0, 1] * 20, "y": ["a", "b"] * 20}))

    assert schema.target is None


def test_an_official_split_is_recognised_by_name_and_words():
    assert column_of(["train", "test"] * 20, "split").role == "split"
    assert column_of(["wood", "stone"] * 20, "split").role == "feature"


def test_ordered_dictionaries_are_ordinals_in_their_own_order():
    size = pd.Series(["L", "S", "M"] * 10, dtype=pd.CategoricalDtype(["S", "M", "L"], ordered=True))
    data = Table.of(pd.DataFrame({"size": size}))

    assert (data.schema["size"].kind, data.schema["size"].categories) == ("ordinal", ("S", "M", "L"))


def test_columns_without_any_value_get_a_kind_and_say_so():
    table = pa.table({"a": pa.nulls(5, pa.string()), "b": pa.nulls(5, pa.float64()), "c": pa.nulls(5)})
    columns = infer_schema(table).columns

    assert [column.kind for column in columns] == ["category", "number", "category"]
    assert {column.evidence for column in columns} == {"every cell is missing"}


def test_hints_of_a_reader_win_over_guesses():
    schema = infer_schema(
        pa.table({"a": [1, 2, 3] * 20}), hints={"a": {"kind": "ordinal", "format": "03d", "evidence": "told so"}}
    )

    assert (schema["a"].kind, schema["a"].format) == ("ordinal", "03d")
    assert schema["a"].evidence.startswith("told so; ")


@pytest.mark.parametrize(
    ("values", "step"),
    [([0.1, 0.25], 0.05), ([0.5, 2.0], 0.5), ([1.25, 7.75], 0.25), ([1.01, 2.99], 0.01), ([1 / 3, 0.1], None)],
)
def test_decimal_step_is_the_coarsest_grid_that_holds_all_values(values, step):
    assert decimal_step(np.array(values)) == step


@pytest.mark.parametrize(("factor", "step"), [(1, 1), (3, 1), (5, 5), (50, 50), (1000, 1000), (75, 25)])
def test_whole_step_is_a_round_divisor(factor, step):
    assert whole_step(np.arange(1, 30) * factor) == step


def test_a_pattern_matches_every_value_it_was_made_from():
    import re

    values = [f"NO-{i}/{chr(65 + i % 26)}" for i in range(300)]
    pattern = pattern_of(values)

    assert pattern is not None
    assert all(re.fullmatch(pattern, value) for value in values)


def test_a_table_without_columns_is_refused():
    with pytest.raises(DataError, match="no columns"):
        infer_schema(pa.table({}))


@pytest.mark.parametrize("name", ["patient_id", "Patient-Nr.", "customer_number"])
@pytest.mark.parametrize("rows", [400, 20_000])
def test_numbers_of_persons_are_no_levels_however_often_each_repeats(name, rows):
    numbers = [f"{i % 40:04d}" for i in range(rows)]
    column = infer_schema(pa.table({name: numbers, "x": list(range(rows))}))[name]

    assert (column.kind, column.role, column.sensitivity) == ("identifier", "group", "direct")
    assert column.categories is None
