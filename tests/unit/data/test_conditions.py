import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from synthwright.core.errors import ConditionError
from synthwright.data.conditions import parse_condition
from synthwright.data.schema import Column, Schema
from synthwright.data.table import Table

_UTC = pa.timestamp("us", tz="UTC")
CELLS = {
    "age": pa.array([10, 70, None, 65], pa.int64()),
    "sex": pa.array(["F", "M", "F", None]).dictionary_encode(),
    "my col": pa.array([1.5, 2.0, None, 3.0]),
    "class": pa.array(["g", "h", "g", "g"]),
    "when": pa.array([dt.datetime(2020, 1, 1), dt.datetime(2021, 1, 1), None, dt.datetime(2020, 5, 5)], _UTC),
    "born": pa.array([dt.date(1990, 1, 1), None, dt.date(1950, 1, 1), dt.date(2000, 1, 1)]),
    "smoker": pa.array([True, False, None, True]),
    "severity": pa.array(["low", "high", "mid", None]),
    "stay": pa.array([dt.timedelta(hours=1), dt.timedelta(days=2), None, dt.timedelta(0)]),
    "limit": pa.array([20, 60, 5, None], pa.int32()),
}
KINDS = {
    "age": "integer",
    "sex": "category",
    "my col": "number",
    "class": "category",
    "when": "datetime",
    "born": "datetime",
    "smoker": "boolean",
    "severity": "ordinal",
    "stay": "duration",
    "limit": "integer",
}
LEVELS = {"sex": ("F", "M"), "class": ("g", "h"), "severity": ("low", "mid", "high")}
TABLE = pa.table(CELLS)
SCHEMA = Schema(
    columns=tuple(
        Column(
            name=name,
            kind=KINDS[name],
            dtype=str(TABLE.schema.field(name).type),
            categories=LEVELS.get(name),
            bounds=(0, 120) if name == "age" else None,
        )
        for name in TABLE.column_names
    )
)
DATA = Table({"rows": TABLE}, SCHEMA)

MEANINGS = [
    ("age >= 65 and sex == 'F'", []),
    ("age >= 65 or sex == 'F'", [0, 1, 2, 3]),
    ("not (age > 20)", [0]),
    ("not age > 20", [0]),
    ("`my col` >= 2 or age is null", [1, 2, 3]),
    ("class == 'g' and 5 < age <= 66", [0, 3]),
    ("70 == age", [1]),
    ("when < '2020-03-01'", [0]),
    ("when >= '2020-05-05T02:00:00+02:00'", [1, 3]),
    ("born < '1960-01-01'", [2]),
    ("smoker", [0, 3]),
    ("not smoker", [1]),
    ("smoker == false", [1]),
    ("severity >= 'mid'", [1, 2]),
    ("sex in ['F']", [0, 2]),
    ("sex not in ('F',)", [1]),
    ("sex is not null", [0, 1, 2]),
    ("stay > 3600", [1]),
    ("age > limit", [1]),
    ("age > -5 AND sex = = 'F'".replace("= =", "=="), [0]),
    ("age != 10", [1, 3]),
    ("age in [10, 10.5, 65]", [0, 3]),
    ({"sex": "F", "age": [10, 70]}, [0]),
    ({"my col": (None, 2)}, [0, 1]),
    ({"my col": (1.6, None)}, [1, 3]),
    ({"age": None}, [2]),
    ({"sex": ["M", None]}, [1, 3]),
    ({"sex": {"M"}}, [1]),
    ({"born": dt.date(1990, 1, 1)}, [0]),
    ({"stay": dt.timedelta(hours=1)}, [0]),
    ({"age": np.int64(70)}, [1]),
    ((pc.field("age") >= 65) & (pc.field("class") == "g"), [3]),
    (pc.field("my col").isin([1.5, 3.0]), [0, 3]),
    (pc.field("my col").is_null() | (pc.field("sex") == "M"), [1, 2]),
    (pc.field("sex").is_valid() & (pc.field("smoker") == False), [1]),  # noqa: E712 - an expression, not a test
    (~(pc.field("age") == 10) & (pc.field("when") < dt.datetime(2020, 7, 1)), [3]),
]


@pytest.mark.parametrize(("where", "rows"), MEANINGS, ids=lambda value: str(value)[:40])
def test_a_condition_selects_the_rows_where_it_is_true(where, rows):
    assert np.flatnonzero(parse_condition(where, SCHEMA).mask(DATA)).tolist() == rows


@pytest.mark.parametrize(("where", "rows"), MEANINGS, ids=lambda value: str(value)[:40])
def test_the_canonical_text_parses_to_an_equal_condition(where, rows):
    condition = parse_condition(where, SCHEMA)
    again = parse_condition(condition.text, SCHEMA)
    assert again == condition
    assert again.text == condition.text
    assert again.node == condition.node


ERRORS = [
    ("agee > 3", "Did you mean 'age'?"),
    ("age = 3", "write == instead of ="),
    ("age > 'x'", "'age' is of kind integer; 'x' is text"),
    ("sex == 3", "3 is no level of 'sex'"),
    ("sex == 'f'", "levels: 'F', 'M'"),
    ("not sex == 'X'", "a value never seen cannot be sampled"),
    ("age > 130", "its bounds are"),
    ("age == 121", "its bounds are"),
    ("age > 5 and age < 3", "contradicts itself"),
    ("age > 5 and age < 6", "contradicts itself"),
    ("sex == 'F' and sex == 'M'", "contradicts itself"),
    ("age in [3, 4] and age > 4", "contradicts itself"),
    ("age is null and age > 3", "contradicts itself"),
    ("my col > 3", "backticks: `my col`"),
    ("sex < 'F'", "has no order"),
    ("severity > 'high'", "No level of 'severity'"),
    ("__import__('os').system('x')", "not part of the language"),
    ("(lambda: 1)()", "not part of the language"),
    ("age.real > 3", "not part of the language"),
    ("[age for age in age]", "not part of the language"),
    ("age + 1 > 3", "not part of the language"),
    ("age == None", "write `is null`"),
    ("age is 3", "only for null"),
    ("sex == F", "text values need quotes: 'F'"),
    ("age > 3 & age < 4", "write 'and' instead"),
    ("age <> 3", "write '!=' instead"),
    ("sex in []", "no row can match"),
    ("sex in 'F'", "needs a list"),
    ("age ==", "cannot be read"),
    ("", "not part of the language"),
    ("when > '2020-13-01'", "ISO text in quotes"),
    ("born > '2020-01-01T10:00:00'", "write the date alone"),
    ("smoker == 'yes'", "write true or false"),
    ("age > sex", "cannot be compared"),
    ("(" * 300 + "age > 3" + ")" * 300, "cannot be read"),
    (5, "not a int"),
    ({}, "empty"),
    ({"agee": 3}, "Did you mean 'age'?"),
    ({"age": (1, 2, 3)}, "two ends"),
    ({"age": []}, "no row can match"),
    ({"age": object()}, "Cannot compare with a object"),
]


@pytest.mark.parametrize(("where", "words"), ERRORS, ids=lambda value: str(value)[:30])
def test_an_impossible_condition_is_refused_with_a_reason(where, words):
    with pytest.raises(ConditionError) as caught:
        parse_condition(where, SCHEMA)
    assert words in str(caught.value)


@pytest.mark.parametrize("where", ["label == '3'", "label in [1, '3']"])
def test_text_for_a_level_that_is_a_number_is_told_as_such(where):
    schema = Table.of({"label": [1, 3, 3] * 20}).schema.edit(label={"kind": "category", "categories": [1, 3]})
    with pytest.raises(ConditionError) as caught:
        parse_condition(where, schema)
    assert caught.value.what == "'3' is no level of 'label': it is text, and each level is a number."
    assert caught.value.fix.endswith("text in quotes, numbers without; levels: 1, 3")


def test_a_condition_on_a_never_missing_column_cannot_ask_for_missing():
    schema = SCHEMA.edit(age={"nullable": False})
    with pytest.raises(ConditionError, match="never missing"):
        parse_condition("age is null", schema)


def test_the_parts_that_must_hold_are_exposed_for_exact_methods():
    condition = parse_condition(
        "age > 20 and age <= 66.5 and sex == 'F' and severity >= 'mid' and `my col` is null and smoker is not null "
        "and (age < 30 or class == 'g')",
        SCHEMA,
    )
    assert condition.ranges == {"age": (21, 66)}
    assert condition.equal == {"sex": "F", "my col": None}
    assert condition.members == {"severity": ("mid", "high")}
    assert condition.present == ("age", "sex", "severity", "smoker")
    assert condition.columns == ("age", "sex", "severity", "my col", "smoker", "class")


def test_a_disjunction_exposes_no_part():
    condition = parse_condition("age > 20 or sex == 'F'", SCHEMA)
    assert (condition.equal, condition.ranges, condition.members) == ({}, {}, {})


def test_quotes_and_backticks_inside_names_and_values_survive():
    table = pa.table({"it's": ['say "x"', "b`c"], "a`b": [1, 2]})
    columns = (
        Column(name="it's", kind="category", dtype="string"),
        Column(name="a`b", kind="integer", dtype="int64"),
    )
    data = Table({"rows": table}, Schema(columns=columns))
    condition = parse_condition({"it's": 'say "x"', "a`b": 1}, data.schema)
    assert parse_condition(condition.text, data.schema) == condition
    assert condition.mask(data).tolist() == [True, False]


def test_a_mask_of_data_without_the_column_is_an_error():
    with pytest.raises(ConditionError, match="Unknown column 'age'"):
        parse_condition("age > 3", SCHEMA).mask(DATA.keep(["sex"]))
