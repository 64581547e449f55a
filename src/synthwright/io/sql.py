"""SQL tables in and out: any database by SQLAlchemy URL, DuckDB files directly (extra `sql`).

An address is `URL::TABLE` or `URL::SELECT ...`, for example `sqlite:///shop.db::customers`,
`postgresql://user:secret@host/db::sales.orders`, `shop.duckdb::orders`. Table names are looked up and quoted by the
database's own rules, never pasted into a statement; a SELECT is run as it stands. Passwords never appear in errors,
notes or repr. A table is written under a temporary name and renamed when it is complete.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
from pydantic import Field, SecretStr, model_validator

from synthwright.core.config import Config, build
from synthwright.core.errors import ReadError, Unsupported, WriteError
from synthwright.data.schema import Schema
from synthwright.io.typed import written

_ADDRESS = re.compile(r"(?P<url>[A-Za-z][A-Za-z0-9+]*://.*?|[^:]+\.(?:duckdb|ddb))::(?P<what>.+)", re.DOTALL)
_DATABASE = re.compile(r"[A-Za-z][A-Za-z0-9+]*://.*|.*\.(?:duckdb|ddb)")
_STATEMENT = re.compile(r"\s*(?:select|with|values|from)\s", re.IGNORECASE)
# Decimals of so few digits are exact as 64-bit floats.
_FLOAT_DIGITS = 15


class Query(Config):
    """What to read from a database, a table or the rows of a statement; or the table to write."""

    url: SecretStr = Field(description="SQLAlchemy URL, or the path of a DuckDB file.")
    table: str | None = Field(None, min_length=1, description="Table to read or write; `schema.table` is allowed.")
    statement: str | None = Field(None, min_length=1, description="SELECT statement to read instead; run as it stands.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Query:
        if (self.table is None) == (self.statement is None):
            raise ValueError("give either a table or a statement")
        return self

    @property
    def address(self) -> str:
        """The URL with its password; never print it."""
        return self.url.get_secret_value()

    @property
    def name(self) -> str:
        """The address without a password, for messages."""
        return f"{without_password(self.address)}::{self.table or 'query'}"

    @property
    def is_duckdb(self) -> bool:
        """Whether the URL is the path of a DuckDB file."""
        return "://" not in self.address

    @property
    def parts(self) -> tuple[str | None, str]:
        """Database schema (or None) and table name. Raises Unsupported for a statement."""
        if self.table is None:
            raise Unsupported("A statement cannot be written to.", where=self.name, fix="name a table: URL::TABLE")
        outer, _, inner = self.table.rpartition(".")
        return outer or None, inner


def without_password(url: str) -> str:
    """The URL with its password, and password-like parameters, replaced by ***."""
    url = re.sub(r"(://[^/@:?]*):.*@", r"\1:***@", url)
    return re.sub(r"([?&](?:password|passwd|pwd|token|sslpassword|secret)=)[^&]*", r"\1***", url, flags=re.IGNORECASE)


def as_query(source: object) -> Query | None:
    """A Query from an address, or None when the source is something else. Raises ReadError for one without a table."""
    if isinstance(source, Query):
        return source
    if not isinstance(source, str | Path):
        return None
    # A Path folds the slashes of an address: it is a file unless it is a DuckDB one.
    text = str(source)
    if match := _ADDRESS.fullmatch(text):
        field = "statement" if _STATEMENT.match(match["what"]) else "table"
        return build(Query, {"url": match["url"], field: match["what"]}, where="the database address")
    if _DATABASE.fullmatch(text):
        raise ReadError(
            "The database address names no table.",
            where=without_password(text),
            fix=f"write {without_password(text)}::TABLE, or {without_password(text)}::SELECT ...",
        )
    return None


def read_query(query: Query, *, rows: int | None = None) -> pa.Table:
    """The rows of a table or statement, fetched in chunks. Raises ReadError, MissingExtra."""
    from synthwright.io import databases

    found = databases.read_duckdb(query, rows) if query.is_duckdb else databases.read_sqlalchemy(query, rows)
    return _plain_types(found, query)


def reflect(query: Query) -> dict[str, dict[str, object]]:
    """What the database knows of the columns: a primary key of one column is the id; foreign keys are evidence."""
    from synthwright.io import databases

    if query.table is None:
        return {}
    keys, foreign = databases.keys_duckdb(query) if query.is_duckdb else databases.keys_sqlalchemy(query)
    hints: dict[str, dict[str, object]] = {
        name: {"evidence": f"foreign key to {target}"} for name, target in foreign.items()
    }
    if len(keys) == 1:
        hints[keys[0]] = {
            "kind": "identifier",
            "role": "id",
            "sensitivity": "direct",
            "categories": (),
            "evidence": "primary key",
        }
    for name in keys if len(keys) > 1 else ():
        before = hints.get(name, {}).get("evidence")
        hints[name] = {"evidence": "; ".join(filter(None, ["part of the primary key", str(before or "")]))}
    return hints


def write_query(table: pa.Table, schema: Schema, query: Query, *, replace: bool) -> str:
    """Write a table; returns its address without a password. Raises WriteError when it exists and not `replace`."""
    from synthwright.io import databases

    query.parts  # noqa: B018 - a statement is refused here
    ready = _writable(table, schema)
    ids = [column.name for column in schema.with_role("id") if _is_key(ready.column(column.name))]
    if query.is_duckdb:
        databases.write_duckdb(query, ready, replace=replace)
    else:
        databases.write_sqlalchemy(query, ready, ids if len(ids) == 1 else [], replace=replace)
    return query.name


def refuse_existing(query: Query) -> WriteError:
    """The error for a table that is there already."""
    return WriteError("The table exists.", where=query.name, fix="choose another name, or pass replace=True")


def _is_key(cells: pa.ChunkedArray) -> bool:
    return not cells.null_count and len(cells.unique()) == len(cells)


def _plain_types(table: pa.Table, query: Query) -> pa.Table:
    """Types that every generator knows: exact small decimals as floats, extension types as their storage."""
    for i, field in enumerate(table.schema):
        kind, cells = field.type, table.column(i)
        if isinstance(kind, pa.BaseExtensionType):
            cells = cells.cast(kind.storage_type)
        elif pa.types.is_decimal(kind) and kind.scale == 0 and kind.precision <= 18:
            cells = cells.cast(pa.int64())
        elif pa.types.is_decimal(kind) and kind.precision <= _FLOAT_DIGITS:
            cells = cells.cast(pa.float64())
        elif pa.types.is_interval(kind):
            raise Unsupported(
                f"Intervals of months cannot be read (column {field.name!r}).",
                where=query.name,
                fix="select it as seconds: EXTRACT(epoch FROM column)",
            )
        if cells.type != kind:
            table = table.set_column(i, field.name, cells)
    return table


def _writable(table: pa.Table, schema: Schema) -> pa.Table:
    """The table with spans of time as text, zoned times in UTC and dictionaries as plain values."""
    columns: dict[str, pa.ChunkedArray] = {}
    for column in schema.of():
        cells = table.column(column.name)
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if pa.types.is_duration(cells.type):
            cells = written(column.model_copy(update={"null_words": ()}), cells)
        if pa.types.is_null(cells.type):
            cells = cells.cast(pa.string())
        columns[column.name] = cells
    return pa.table(columns)


def check_statement(query: Query, error: Exception) -> ReadError:
    """A ReadError for what a database said, without the address's secrets."""
    return ReadError(
        f"The database refused: {clean(query, error)}", where=query.name, fix="check address and statement"
    )


def clean(query: Query, error: Exception) -> str:
    """The first line of a database's error, with the password of the address taken out."""
    text = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    for secret in _secrets(query.address):
        text = text.replace(secret, "***")
    return text


def _secrets(address: str) -> list[str]:
    from urllib.parse import unquote

    found = list(re.findall(r"://[^/@:?]*:(.*)@", address))
    found += re.findall(r"[?&](?:password|passwd|pwd|token|sslpassword|secret)=([^&]*)", address, re.IGNORECASE)
    return [word for raw in found for word in (address, raw, unquote(raw)) if word]
