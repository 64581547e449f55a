"""The two database engines behind `io.sql`: DuckDB files, and SQLAlchemy for all others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa

from synthwright.core.errors import ReadError, WriteError, did_you_mean, listing
from synthwright.core.extras import need
from synthwright.io.sql import Query, check_statement, clean, refuse_existing

_CHUNK = 50_000  # rows fetched at once
_INSERT = 5_000  # rows inserted at once
_TEMPORARY = "_synthwright_new_"
Keys = tuple[list[str], dict[str, str]]


# -- DuckDB


@contextmanager
def _duckdb(query: Query, *, read_only: bool) -> Iterator[Any]:
    duckdb = need("duckdb", extra="sql", who="a DuckDB file")
    path = Path(query.address)
    if read_only and not path.is_file():
        raise ReadError("There is no such file.", where=query.name, fix="check the path")
    failure: type[ReadError] | type[WriteError] = ReadError if read_only else WriteError
    try:
        connection = duckdb.connect(str(path), read_only=read_only)
    except duckdb.Error as error:
        raise failure(f"DuckDB cannot open the file: {clean(query, error)}", where=query.name) from error
    try:
        yield connection
    except duckdb.Error as error:
        if read_only:
            raise check_statement(query, error) from error
        raise WriteError(f"DuckDB refused: {clean(query, error)}", where=query.name) from error
    finally:
        connection.close()


def _duckdb_name(connection: Any, query: Query) -> str | None:
    """The quoted name of the table, or None when the file has none of that name."""
    outer, inner = query.parts
    sql = (
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_name = ? AND table_schema = coalesce(?, current_schema())"
    )
    found = connection.execute(sql, [inner, outer]).fetchall()
    return ".".join(_quote(part) for part in found[0]) if found else None


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def read_duckdb(query: Query, rows: int | None) -> pa.Table:
    """Rows of a table or statement of a DuckDB file, opened read-only."""
    with _duckdb(query, read_only=True) as connection:
        statement = query.statement
        if statement is None:
            name = _duckdb_name(connection, query)
            if name is None:
                known = connection.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
                raise _no_table(query, [row[0] for row in known])
            statement = f"SELECT * FROM {name}"  # the name is the database's own, quoted
        reader = pa.RecordBatchReader.from_stream(connection.sql(statement))
        batches, n_rows = [], 0
        for batch in reader:
            batches.append(batch)
            n_rows += batch.num_rows
            if rows is not None and n_rows >= rows:
                break
        table = pa.Table.from_batches(batches, reader.schema)
    return table if rows is None else table.slice(0, rows)


def keys_duckdb(query: Query) -> Keys:
    """Columns of the primary key, and foreign keys as column -> table.column."""
    outer, inner = query.parts
    sql = (
        "SELECT constraint_type, constraint_column_names, referenced_table, referenced_column_names "
        "FROM duckdb_constraints() WHERE table_name = ? AND schema_name = coalesce(?, current_schema())"
    )
    keys: list[str] = []
    foreign: dict[str, str] = {}
    with _duckdb(query, read_only=True) as connection:
        for kind, names, table, others in connection.execute(sql, [inner, outer]).fetchall():
            if kind == "PRIMARY KEY":
                keys = list(names)
            elif kind == "FOREIGN KEY":
                foreign.update({name: f"{table}.{other}" for name, other in zip(names, others, strict=True)})
    return keys, foreign


def write_duckdb(query: Query, table: pa.Table, *, replace: bool) -> None:
    """Make the table in one transaction."""
    with _duckdb(query, read_only=False) as connection:
        if _duckdb_name(connection, query) is not None and not replace:
            raise refuse_existing(query)
        outer, inner = query.parts
        name = ".".join(_quote(part) for part in (outer, inner) if part)
        connection.register("_synthwright_rows", table)
        connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM _synthwright_rows")


# -- SQLAlchemy


@contextmanager
def _engine(query: Query) -> Iterator[tuple[Any, Any]]:
    """SQLAlchemy and an engine; errors of the driver lose the password on the way."""
    sqlalchemy = need("sqlalchemy", extra="sql", who="a database address")
    try:
        engine = sqlalchemy.create_engine(query.address)
    except ModuleNotFoundError as error:
        raise ReadError(
            f"The database needs the package {error.name!r}.", where=query.name, fix=f"pip install {error.name}"
        ) from None
    except (sqlalchemy.exc.SQLAlchemyError, ValueError) as error:
        raise ReadError(f"The address cannot be used: {clean(query, error)}", where=query.name) from None
    try:
        yield sqlalchemy, engine
    finally:
        engine.dispose()


def _check_sqlite_file(engine: Any, query: Query) -> None:
    """SQLite would make a missing file; reading must not."""
    name = engine.url.database
    if engine.dialect.name == "sqlite" and name and name != ":memory:" and not Path(name).is_file():
        raise ReadError("There is no such file.", where=query.name, fix="check the path")


def _no_table(query: Query, known: Sequence[str]) -> ReadError:
    name = query.parts[1]
    return ReadError(
        f"There is no table {query.table!r}.{did_you_mean(name, known)}",
        where=query.name,
        fix=f"tables: {listing(sorted(known))}" if known else "the database has no tables",
    )


def _table_of(sqlalchemy: Any, engine: Any, query: Query) -> Any:
    outer, inner = query.parts
    try:
        return sqlalchemy.Table(inner, sqlalchemy.MetaData(), schema=outer, autoload_with=engine, resolve_fks=False)
    except sqlalchemy.exc.NoSuchTableError:
        raise _no_table(query, sqlalchemy.inspect(engine).get_table_names(schema=outer)) from None


def read_sqlalchemy(query: Query, rows: int | None) -> pa.Table:
    """Rows of a table or statement, fetched in chunks through a server-side cursor where the driver has one."""
    with _engine(query) as (sqlalchemy, engine):
        try:
            _check_sqlite_file(engine, query)
            types: dict[str, pa.DataType] = {}
            if query.statement is not None:
                statement = sqlalchemy.text(query.statement)
            else:
                table = _table_of(sqlalchemy, engine, query)
                types = {
                    column.name: kind for column in table.columns if (kind := _arrow_type(sqlalchemy, column.type))
                }
                statement = sqlalchemy.select(table) if rows is None else sqlalchemy.select(table).limit(rows)
            with engine.connect().execution_options(stream_results=True) as connection:
                result = connection.execute(statement)
                names = list(result.keys())
                return _gather(result, names, types, rows, query)
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise check_statement(query, error) from None


def _gather(result: Any, names: list[str], types: dict[str, pa.DataType], rows: int | None, query: Query) -> pa.Table:
    columns: list[list[Any]] = [[] for _ in names]
    n_rows = 0
    for part in result.partitions(_CHUNK):
        for values, cells in zip(columns, zip(*part, strict=True), strict=True):
            values.extend(cells)
        n_rows += len(part)
        if rows is not None and n_rows >= rows:
            break
    arrays = [
        _as_array(name, values[:rows], types.get(name), query) for name, values in zip(names, columns, strict=True)
    ]
    return pa.table(arrays, names=names)


def _as_array(name: str, values: list[Any], kind: pa.DataType | None, query: Query) -> pa.Array:
    values = [_plain(value) for value in values]
    try:
        return pa.array(values, kind)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        try:
            return pa.array(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise ReadError(
                f"Column {name!r} holds cells of several types: {error}",
                where=query.name,
                fix=f"select it with one type: CAST({name} AS TEXT)",
            ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    return value


def _arrow_type(sqlalchemy: Any, kind: Any) -> pa.DataType | None:
    """The Arrow type of a SQL type; None leaves it to the values."""
    types = sqlalchemy.types
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float) and kind.asdecimal:
        return None
    table: tuple[tuple[type, pa.DataType], ...] = (
        (types.Boolean, pa.bool_()),
        (types.Integer, pa.int64()),
        (types.Float, pa.float64()),
        (types.Date, pa.date32()),
        (types.String, pa.string()),
    )
    if isinstance(kind, types.DateTime):
        return pa.timestamp("us", tz="UTC" if kind.timezone else None)
    return next((arrow for sql, arrow in table if isinstance(kind, sql)), None)


def keys_sqlalchemy(query: Query) -> Keys:
    """Columns of the primary key, and foreign keys as column -> table.column."""
    with _engine(query) as (sqlalchemy, engine):
        try:
            _check_sqlite_file(engine, query)
            outer, inner = query.parts
            inspector = sqlalchemy.inspect(engine)
            keys = inspector.get_pk_constraint(inner, schema=outer)["constrained_columns"]
            foreign = {
                name: f"{item['referred_table']}.{other}"
                for item in inspector.get_foreign_keys(inner, schema=outer)
                for name, other in zip(item["constrained_columns"], item["referred_columns"], strict=False)
            }
            return list(keys), foreign
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise check_statement(query, error) from None


def write_sqlalchemy(query: Query, table: pa.Table, ids: Sequence[str], *, replace: bool) -> None:
    """Fill a table of a temporary name and rename it; after a failure the old table is as it was."""
    outer, inner = query.parts
    with _engine(query) as (sqlalchemy, engine):
        try:
            exists = sqlalchemy.inspect(engine).has_table(inner, schema=outer)
            if exists and not replace:
                raise refuse_existing(query)
            columns = [_sql_column(sqlalchemy, name, table, name in ids) for name in table.column_names]
            fresh = sqlalchemy.Table(_TEMPORARY + inner, sqlalchemy.MetaData(), *columns, schema=outer)
            fresh.drop(engine, checkfirst=True)
            try:
                _fill(engine, fresh, table)
                _rename(sqlalchemy, engine, fresh, query, exists=exists)
            finally:
                fresh.drop(engine, checkfirst=True)
        except sqlalchemy.exc.SQLAlchemyError as error:
            raise WriteError(f"The database refused: {clean(query, error)}", where=query.name) from None


def _fill(engine: Any, fresh: Any, table: pa.Table) -> None:
    with engine.begin() as connection:
        fresh.create(connection)
        for batch in table.to_batches(max_chunksize=_INSERT):
            connection.execute(fresh.insert(), batch.to_pylist())


def _rename(sqlalchemy: Any, engine: Any, fresh: Any, query: Query, *, exists: bool) -> None:
    outer, inner = query.parts
    preparer = engine.dialect.identifier_preparer
    with engine.begin() as connection:
        if exists:
            sqlalchemy.Table(inner, sqlalchemy.MetaData(), schema=outer).drop(connection)
        connection.execute(
            sqlalchemy.DDL(
                f"ALTER TABLE {_escaped(preparer.format_table(fresh))} RENAME TO {_escaped(preparer.quote(inner))}"
            )
        )


def _escaped(name: str) -> str:
    """A quoted name for DDL, which reads % as a mark."""
    return name.replace("%", "%%")


def _sql_column(sqlalchemy: Any, name: str, table: pa.Table, is_key: bool) -> Any:
    cells = table.column(name)
    kind, types = cells.type, sqlalchemy.types
    if pa.types.is_boolean(kind):
        made = types.Boolean()
    elif pa.types.is_integer(kind):
        made = types.BigInteger()
    elif pa.types.is_floating(kind):
        made = types.Double()
    elif pa.types.is_decimal(kind):
        made = types.Numeric(kind.precision, kind.scale)
    elif pa.types.is_date(kind):
        made = types.Date()
    elif pa.types.is_timestamp(kind):
        made = types.DateTime(timezone=kind.tz is not None)
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        made = types.String(255) if is_key else types.Text()
    else:
        raise WriteError(f"Cells of type {kind} cannot be written to a database.", where=f"column {name!r}")
    return sqlalchemy.Column(name, made, primary_key=is_key, autoincrement=False)
