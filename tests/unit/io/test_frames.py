from decimal import Decimal

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from synthwright.core.errors import DataError, Unsupported
from synthwright.io.dispatch import read
from synthwright.io.frames import as_arrow, to_frame
from synthwright.testing import mixed_table

COLUMNS = {"a": [1, 2, 3], "b": ["x", None, "z"], "c": [1.5, 2.5, None]}


@pytest.mark.parametrize(
    "make",
    [
        lambda: pd.DataFrame(COLUMNS),
        lambda: pl.DataFrame(COLUMNS),
        lambda: pl.LazyFrame(COLUMNS),
        lambda: pa.table(COLUMNS),
        lambda: pa.RecordBatch.from_pydict(COLUMNS),
        lambda: dict(COLUMNS),
        lambda: duckdb.sql("SELECT * FROM (VALUES (1, 'x', 1.5::DOUBLE), (2, NULL, 2.5), (3, 'z', NULL)) t(a, b, c)"),
    ],
)
def test_every_kind_of_frame_is_read(make):
    data = read(make())

    assert data.schema.names == ("a", "b", "c")
    assert data["b"].to_pylist() == ["x", None, "z"]
    assert data["c"].null_count == 1


def test_a_pandas_column_of_mixed_types_is_one_clear_error():
    frame = pd.DataFrame({"ok": [1, 2, 3], "a": [1, "x", 2.5], "b": [1, b"x", None]})

    with pytest.raises(DataError, match="2 problems") as caught:
        read(frame)
    assert "'a' holds cells of several types: 1 int, 1 str, 1 float" in str(caught.value)
    assert "astype(str)" in str(caught.value)


def test_a_pandas_column_of_one_object_type_is_read():
    assert as_arrow(pd.DataFrame({"a": pd.Series([Decimal("1.5"), None], dtype=object)})).num_rows == 2


@pytest.mark.parametrize("source", [42, [1, 2], object()])
def test_what_is_no_table_is_refused_with_the_known_kinds(source):
    with pytest.raises(DataError, match="as a table") as caught:
        read(source)
    assert "polars" in caught.value.fix


@pytest.mark.parametrize(("flavour", "kind"), [("arrow", pa.Table), ("pandas", pd.DataFrame), ("polars", pl.DataFrame)])
def test_a_table_leaves_in_the_wanted_flavour(flavour, kind):
    data = mixed_table(20)
    frame = to_frame(data, flavour)

    assert isinstance(frame, kind)
    assert list(frame.columns if flavour != "arrow" else frame.column_names) == list(data.schema.names)


def test_an_unknown_flavour_is_refused():
    with pytest.raises(Unsupported, match="Unknown flavour 'dask'"):
        to_frame(mixed_table(20), "dask")


def test_an_extension_type_without_plain_values_is_one_clear_error():
    frame = pd.DataFrame({"month": pd.period_range("2020-01", periods=3, freq="M")})

    with pytest.raises(DataError, match=r"'month' is of the extension type pandas\.period"):
        read(frame)


def test_column_names_that_are_numbers_become_text():
    assert read(pd.DataFrame({1: [1, 2], "x": ["a", "b"]})).schema.names == ("1", "x")
