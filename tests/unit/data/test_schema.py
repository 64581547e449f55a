import pyarrow as pa
import pytest

from synthwright.core.errors import SchemaError
from synthwright.data.schema import Column, Link, Schema, arrow_type, rule_columns


@pytest.fixture
def schema():
    return Schema(
        columns=(
            Column(name="age", kind="integer", dtype="int64"),
            Column(name="sex", kind="category", dtype="string", categories=("F", "M"), sensitivity="quasi"),
            Column(name="y", kind="boolean", dtype="bool", role="target"),
        ),
        constraints=({"rule": "range", "column": "age", "low": 0},),
    )


def test_a_schema_is_the_same_after_json(schema, tmp_path):
    assert Schema.from_json(schema.to_json()) == schema
    assert Schema.load(schema.save(tmp_path / "s.json")) == schema


def test_an_unknown_column_is_named_with_its_nearest(schema):
    with pytest.raises(SchemaError, match=r"Unknown column 'agee'\. Did you mean 'age'"):
        schema["agee"]


def test_edits_return_a_new_schema_and_are_checked(schema):
    edited = schema.edit(age={"role": "group"})
    assert (edited["age"].role, schema["age"].role) == ("group", "feature")
    with pytest.raises(SchemaError, match="Unknown column"):
        schema.edit(nope={"role": "group"})


def test_there_is_one_target_after_choosing_one(schema):
    assert schema.target == "y"
    assert schema.with_target("age").with_role("target") == (schema.with_target("age")["age"],)
    assert schema.with_target("age")["y"].role == "feature"


def test_keeping_columns_drops_the_rules_that_lose_one(schema):
    assert schema.keep(["sex", "age"]).names == ("age", "sex")
    assert schema.keep(["sex"]).constraints == ()
    assert schema.keep(["age"]).constraints == schema.constraints


def test_a_wrong_schema_file_lists_every_problem(tmp_path):
    path = tmp_path / "s.json"
    path.write_text('{"columns": [{"name": "a", "kind": "numbr"}, {"name": "b", "kind": "number", "rol": "x"}]}')
    with pytest.raises(SchemaError) as caught:
        Schema.load(path)
    assert len(caught.value.problems) == 2
    assert "columns.0.kind" in str(caught.value)


def test_a_missing_or_broken_schema_file_is_said_plainly(tmp_path):
    with pytest.raises(SchemaError, match="Cannot read the schema"):
        Schema.load(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(SchemaError, match="Cannot read the schema"):
        Schema.load(tmp_path / "bad.json")


def test_columns_that_stand_twice_and_links_to_nowhere_are_refused():
    one = Column(name="a", kind="number")
    with pytest.raises(ValueError, match="stands twice"):
        Schema(columns=(one, one))
    with pytest.raises(ValueError, match="does not exist"):
        Schema(columns=(one,), links=(Link(child="rows", parent="other", on=(("a", "a"),)),))


def test_several_tables_give_dotted_names():
    schema = Schema(
        modality="database",
        columns=(
            Column(name="id", kind="identifier", table="users"),
            Column(name="id", kind="identifier", table="orders"),
        ),
    )
    assert schema.names == ("users.id", "orders.id")
    assert schema["orders.id"].table == "orders"


def test_the_difference_of_two_schemas_is_said_in_words(schema):
    other = schema.keep(["age", "y"]).edit(age={"kind": "number"})
    assert schema.diff(schema) == []
    assert schema.diff(other) == ["column 'sex' is missing", "column 'age' has kind 'number', not 'integer'"]


@pytest.mark.parametrize(
    "kind",
    [
        pa.int8(),
        pa.uint64(),
        pa.float32(),
        pa.float64(),
        pa.bool_(),
        pa.string(),
        pa.large_string(),
        pa.date32(),
        pa.timestamp("us"),
        pa.timestamp("ns", tz="Europe/Oslo"),
        pa.duration("s"),
        pa.decimal128(10, 2),
        pa.dictionary(pa.int32(), pa.string()),
        pa.dictionary(pa.int8(), pa.string(), ordered=True),
        pa.list_(pa.int64()),
        pa.null(),
        pa.time64("us"),
    ],
    ids=str,
)
def test_arrow_types_come_back_from_their_names(kind):
    assert arrow_type(str(kind)) == kind


def test_an_unknown_type_is_refused():
    with pytest.raises(SchemaError, match="Unknown type 'int65'"):
        arrow_type("int65")


def test_the_columns_of_a_rule_are_found():
    assert rule_columns({"rule": "lt", "left": "a", "right": "b"}) == {"a", "b"}
    assert rule_columns({"rule": "sum", "parts": ["a", "b"], "result": "c"}) == {"a", "b", "c"}
