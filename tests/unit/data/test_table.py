import numpy as np
import pyarrow as pa
import pytest

from synthwright.core.errors import DataError, SchemaError
from synthwright.data.schema import Column, Schema
from synthwright.data.table import Table


def _table(**columns):
    return Table.of(columns)


def test_rows_are_units_and_selecting_keeps_order_and_repeats():
    data = _table(x=[10, 20, 30], y=["a", "b", "c"])
    assert data.select([2, 0, 2])["x"].to_pylist() == [30, 10, 30]
    assert [len(part) for part in data.batches(2)] == [2, 1]


def test_a_table_is_frozen():
    data = _table(x=[1, 2], y=[3, 4])
    with pytest.raises(AttributeError, match="frozen"):
        data.schema = None
    with pytest.raises(TypeError):
        data.tables["rows"] = None


def test_all_problems_of_all_columns_come_in_one_error():
    schema = Schema(
        columns=(
            Column(name="age", kind="integer", dtype="int64", bounds=(0, 120)),
            Column(name="sex", kind="category", dtype="string", categories=("F", "M")),
            Column(name="w", kind="number", dtype="double", nullable=False),
        )
    )
    with pytest.raises(DataError) as caught:
        Table.of(
            {
                "age": [5, -4, 999, 131, 200],
                "sex": ["F", "X", "M", None, "F"],
                "w": [1.0, float("inf"), None, 2.0, 3.0],
            },
            schema,
        )
    text = str(caught.value)
    assert "4 values of 'age' are outside [0.0, 120.0]: row 1 (-4), row 2 (999), row 3 (131)." in text
    assert "1 values of 'sex' are not among the categories: row 1 (X)." in text
    assert "1 values of 'w' are infinite: row 1 (inf)." in text
    assert "1 values of 'w' are missing although the column is not nullable: row 2 (None)." in text


def test_bounds_of_dates_are_iso_text():
    cells = pa.array(["2020-01-01", "2031-01-01"]).cast(pa.date32())
    schema = Schema(
        columns=(Column(name="d", kind="datetime", dtype="date32[day]", bounds=("2019-12-31", "2030-01-01")),)
    )
    with pytest.raises(DataError, match="row 1 \\(2031-01-01\\)"):
        Table.of({"d": cells}, schema)


def test_nan_is_missing_and_noted():
    data = _table(x=[1.5, float("nan"), 2.5, 3.5], y=["a", "b", "a", "b"])
    assert data["x"].null_count == 1
    assert [str(note) for note in data.notes] == ["D001: 1 NaN cells were read as missing (x)"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "no columns"),
        ({"x": pa.array([], pa.int64())}, "no rows"),
        (pa.table([[1], [2]], names=["a", "a"]), "stand twice: a"),
        (42, "Cannot use a int"),
        ({"x": [1, "a"]}, "cannot be turned into columns"),
    ],
)
def test_what_is_no_table_is_refused(data, message):
    with pytest.raises(DataError, match=message):
        Table.of(data)


def test_columns_that_differ_from_the_schema_are_named():
    schema = _table(a=[1, 2], b=[1.5, 2.5]).schema
    with pytest.raises(DataError, match=r"missing: b; not in the schema: c"):
        Table.of({"a": [1, 2], "c": [1, 2]}, schema)


def test_a_target_must_be_a_column():
    with pytest.raises(SchemaError, match="Unknown column 'z'"):
        Table.of({"a": [1, 2]}, target="z")


def test_the_fingerprint_ignores_chunks_slices_and_dictionaries():
    whole = pa.table({"x": [1, 2, None, 4], "y": ["a", "b", "a", None]})
    schema = Table.of(whole).schema
    chunked = pa.concat_tables([whole.slice(0, 1), whole.slice(1)])
    longer = pa.concat_tables([whole, whole]).slice(4)
    prints = {Table.of(table, schema).fingerprint() for table in (whole, chunked, longer)}
    assert len(prints) == 1


def test_the_fingerprint_sees_every_change():
    base = _table(x=[1, 2, 3], y=["a", "b", "c"])
    others = [
        _table(x=[1, 2, 4], y=["a", "b", "c"]),
        _table(x=[1, 2, None], y=["a", "b", "c"]),
        _table(y=["a", "b", "c"], x=[1, 2, 3]),
        _table(x=[1, 2, 3], y=["a", "b", ""]),
    ]
    assert base.fingerprint() not in {other.fingerprint() for other in others}


def test_null_cells_hash_alike_whatever_lies_beneath_them():
    one = pa.chunked_array(
        [pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([7, 8]).tobytes())])]
    )
    two = pa.chunked_array(
        [pa.Array.from_buffers(pa.int64(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(np.array([7, 9]).tobytes())])]
    )
    schema = Schema(columns=(Column(name="x", kind="integer", dtype="int64"),))
    assert Table.of(pa.table({"x": one}), schema).fingerprint() == Table.of(pa.table({"x": two}), schema).fingerprint()


def test_tables_cross_the_borders_to_pandas_polars_and_duckdb():
    pandas, polars, duckdb = (pytest.importorskip(name) for name in ("pandas", "polars", "duckdb"))
    data = _table(x=[1, None, 3], y=["a", "b", None])
    frame = data.to_pandas()
    assert frame["x"].dtype == pandas.Int64Dtype()
    assert Table.of(frame, data.schema)["x"].to_pylist() == [1, None, 3]
    assert data.to_polars().shape == (3, 2)
    assert polars.DataFrame(data)["y"].to_list() == ["a", "b", None]
    assert duckdb.sql("select sum(x) from data").fetchall() == [(4,)]
    assert len(Table.of(duckdb.sql("select * from data"))) == 3


def test_a_table_prints_small():
    data = _table(x=list(range(1000)), y=["<b>"] * 1000)
    assert repr(data) == "<Table rows: 1,000 x 2>"
    assert "&lt;b&gt;" in data._repr_html_()
    assert data._repr_html_().count("<tr>") == 6


def test_real_and_synthetic_rows_are_told_apart():
    data = _table(x=[1, 2, 3], y=["a", "b", "c"])
    both = data.with_origin(data.select([0]))
    assert both["_origin"].to_pylist() == ["real"] * 3 + ["synthetic"]
    assert both.schema["_origin"].role == "ignore"
