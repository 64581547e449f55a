import sqlite3

import duckdb
import pyarrow as pa
import pytest

from synthwright.core.errors import ReadError, Unsupported, WriteError
from synthwright.data.table import Table
from synthwright.io.dispatch import read, write
from synthwright.io.sql import Query, as_query, without_password
from synthwright.testing import mixed_table


@pytest.fixture(params=["sqlite", "duckdb"])
def base(request, tmp_path):
    return f"sqlite:///{tmp_path / 'a.db'}" if request.param == "sqlite" else str(tmp_path / "a.duckdb")


def test_a_table_goes_in_and_out_unchanged(base):
    data = mixed_table(300)
    write(data, f"{base}::people")

    assert read(f"{base}::people").arrow.equals(data.arrow)


def test_an_existing_table_is_replaced_only_when_told(base):
    write(mixed_table(60), f"{base}::people")

    with pytest.raises(WriteError, match="exists"):
        write(mixed_table(30), f"{base}::people")
    write(mixed_table(30), f"{base}::people", replace=True)
    assert len(read(f"{base}::people")) == 30


def test_a_select_is_read_as_it_stands(base):
    write(mixed_table(100), f"{base}::people")
    data = read(f"{base}::SELECT age, plan FROM people WHERE age > 50 ORDER BY age")

    assert data.schema.names == ("age", "plan")
    assert min(data["age"].to_pylist()) > 50


def test_rows_limits_what_is_fetched(base):
    write(mixed_table(100), f"{base}::people")

    assert len(read(f"{base}::people", rows=7)) == 7
    assert len(read(f"{base}::select * from people", rows=7)) == 7


@pytest.mark.parametrize("name", ['odd "name"', "semi;colon", "drop table x; --", "order", "100%"])
def test_table_names_are_quoted_never_pasted(base, name):
    data = Table.of({"a b": [1, 2, 3], 'c"d': ["x", "y", None]})
    write(data, f"{base}::{name}")

    assert read(f"{base}::{name}").arrow.equals(data.arrow)


def test_an_unknown_table_is_refused_with_the_nearest_name(base):
    write(mixed_table(30), f"{base}::people")

    with pytest.raises(ReadError, match=r"no table .peple.\. Did you mean .people."):
        read(f"{base}::peple")


def test_a_bad_statement_is_one_clear_error(base):
    write(mixed_table(30), f"{base}::people")

    with pytest.raises(ReadError, match=r"The database refused: .*nope"):
        read(f"{base}::select nope from people")


def test_a_statement_cannot_be_written_to(base):
    with pytest.raises(Unsupported, match="statement"):
        write(mixed_table(30), f"{base}::select 1")


def test_a_missing_file_is_not_made_by_reading(base, tmp_path):
    with pytest.raises(ReadError, match="no such file"):
        read(f"{base}::people")
    assert list(tmp_path.iterdir()) == []


def test_reading_a_duckdb_file_cannot_change_it(tmp_path):
    write(mixed_table(30), f"{tmp_path / 'a.duckdb'}::people")

    with pytest.raises(ReadError, match="refused"):
        read(f"{tmp_path / 'a.duckdb'}::WITH x AS (SELECT 1) DELETE FROM people")


def test_the_primary_key_becomes_the_id(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t (nr INTEGER PRIMARY KEY, g INTEGER REFERENCES h (k), x REAL, d DATE)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?, ?)", [(i * 7, i % 3, i / 2, "2020-01-31") for i in range(9)]
        )
    connection.close()
    schema = read(f"sqlite:///{tmp_path / 'a.db'}::t").schema

    assert (schema["nr"].kind, schema["nr"].role) == ("identifier", "id")
    assert schema["nr"].evidence.startswith("primary key")
    assert "foreign key to h.k" in schema["g"].evidence
    assert schema["d"].dtype == "date32[day]"


def test_the_primary_key_of_a_duckdb_table_becomes_the_id(tmp_path):
    with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
        connection.execute("CREATE TABLE t (nr INTEGER PRIMARY KEY, price DECIMAL(10, 2))")
        connection.execute("INSERT INTO t VALUES (7, 1.5), (3, 2.25)")
    schema = read(f"{tmp_path / 'a.duckdb'}::t").schema

    assert (schema["nr"].role, schema["price"].dtype) == ("id", "double")


def test_a_sqlite_column_of_mixed_types_is_one_clear_error(tmp_path):
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(1,), ("x",)])
    connection.close()

    with pytest.raises(ReadError, match="'a' holds cells of several types"):
        read(f"sqlite:///{tmp_path / 'a.db'}::t")


def test_a_failed_write_leaves_the_old_table_and_no_other(tmp_path):
    base = f"sqlite:///{tmp_path / 'a.db'}"
    write(mixed_table(30), f"{base}::people")
    odd = Table.of({"a": pa.array([b"x"], pa.binary())})

    with pytest.raises(WriteError, match="binary"):
        write(odd, f"{base}::people", replace=True)
    assert len(read(f"{base}::people")) == 30
    names = read(f"{base}::select name from sqlite_master where type = 'table'")["name"].to_pylist()
    assert names == ["people"]


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://user:s3cret@host/db::t",
        "postgresql://user:s3c@ret@host/db",
        "mysql+nodriver://user:s3cret@host/db::select 1",
        "nodialect://user:s3cret@host/db::t",
        "postgresql://host/db?password=s3cret&user=u::t",
    ],
)
def test_passwords_never_appear(address):
    with pytest.raises(ReadError) as caught:
        read(address)
    shown = str(caught.value) + repr(caught.value) + repr(caught.value.__cause__)

    assert "s3c" not in shown
    assert "ret@" not in shown


def test_a_query_prints_without_its_password():
    query = as_query("postgresql://user:s3cret@host/db::sales.orders")

    assert query is not None
    assert "s3cret" not in repr(query) + str(query) + query.name
    assert query.parts == ("sales", "orders")
    assert without_password("sqlite:///a.db") == "sqlite:///a.db"


def test_an_address_without_a_table_says_how_to_name_one():
    with pytest.raises(ReadError, match="names no table") as caught:
        read("sqlite:///a.db")
    assert "sqlite:///a.db::TABLE" in caught.value.fix


@pytest.mark.parametrize("source", ["a.csv", "C:/data/a.csv", "folder/b.parquet", "-", 7])
def test_other_sources_are_no_addresses(source):
    assert as_query(source) is None


def test_a_query_names_a_table_or_a_statement_not_both():
    with pytest.raises(ValueError, match="either a table or a statement"):
        Query(url="sqlite://", table="a", statement="select 1")
