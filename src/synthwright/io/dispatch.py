"""`read`, `write` and `scan`: one table of scheme or suffix -> reader and writer.

A source is a path, a `File` (path and how it is written), a SQL address (`sqlite:///a.db::table`,
`postgresql://host/db::table`, `a.duckdb::table`), a `Query`, "-" for JSON lines on standard input, a Table, or
anything with the Arrow C stream: pandas, polars, DuckDB, Arrow.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from synthwright.core.errors import ConfigError, SchemaError, Unsupported, WriteError, did_you_mean, listing
from synthwright.data.dataset import Dataset
from synthwright.data.schema import Schema
from synthwright.data.sequence_guess import hint
from synthwright.data.table import Table
from synthwright.io import frames, sql
from synthwright.io.files import File, Loaded, load_file, scan_file, with_types
from synthwright.io.invalid import OnInvalid, settle
from synthwright.io.jsonlines import read_json, write_json_lines
from synthwright.io.modalities import Form, checked_size, modality_of, read_other, saved_schema, write_other
from synthwright.io.saving import save_file, save_parts
from synthwright.io.sql import Query
from synthwright.io.streams import split_suffix

Source = Any  # a path, File, Query, SQL address, Table, frame or "-"
PREVIEW_ROWS = 65_536


def read(
    source: Source,
    *,
    schema: Schema | str | Path | None = None,
    target: str | None = None,
    on_invalid: OnInvalid = "error",
    null_words: Sequence[str] | None = None,
    rows: int | None = None,
    modality: str = "auto",
    entity: str | None = None,
    order: str | None = None,
    static: Sequence[str] = (),
    image_size: int | tuple[int, int] | None = None,
) -> Any:
    """Read a dataset; kinds, roles and sensitivity are inferred unless a schema (or the path of one) is given.

    target: name of the column to be predicted. on_invalid: what happens to cells that do not fit the schema or are
    infinite: an error naming the first three, or they become missing ("null"), or their rows go ("drop"), with a
    Note. null_words: exactly these words stand for missing cells of a text file (empty cells always do).
    rows: only the first so many. on_invalid and null_words are for tables only.
    modality: table, series, images or text; "auto" takes what the schema or the source says: a folder or .npz file
    holds images, JSON lines of records hold text, all else tables. entity, order, static: of a long table of series,
    the columns that name and order them and those that do not change within one. image_size: of images, height and
    width (one number is both) that they are resized to, with a Note.
    Raises ReadError, SchemaError, DataError, ConfigError, Unsupported, MissingExtra.
    """
    if on_invalid not in ("error", "null", "drop"):
        raise ConfigError(f"Unknown on_invalid={on_invalid!r}.", where="read", fix='use "error", "null" or "drop"')
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 1):
        raise ConfigError(f"rows must be a whole number above 0, not {rows!r}.", where="read", fix="pass rows=1000")
    wanted = Schema.load(schema) if isinstance(schema, str | Path) else schema
    form = Form(modality, entity, order, tuple(static), checked_size(image_size))
    kind = modality_of(source, form, wanted)
    if kind != "table":
        if on_invalid != "error" or null_words is not None:
            raise Unsupported(
                f"on_invalid and null_words are for tables, not for {kind}.", where="read", fix="leave them out"
            )
        found = read_other(kind, source, wanted, form)
        found = found if rows is None else found.select(range(min(rows, len(found))))
        return found if target is None else found.replace({}, _with_target(found.schema, target))
    loaded = _load(source, wanted, null_words, rows)
    chosen = _with_target(loaded.schema, target)
    if wanted is None and not isinstance(source, Table):
        loaded = loaded._replace(notes=(*loaded.notes, *hint(loaded.table)))
    return settle(loaded._replace(schema=chosen), on_invalid, where=name_of(source))


def _load(source: Source, schema: Schema | None, null_words: Sequence[str] | None, rows: int | None) -> Loaded:
    if isinstance(source, str) and source == "-":
        table, hints, notes = read_json(sys.stdin.buffer, "standard input", lines=True, rows=rows)
        return with_types(table, schema, hints, tuple(notes), "standard input")
    if query := sql.as_query(source):
        return with_types(sql.read_query(query, rows=rows), schema, sql.reflect(query), (), query.name)
    if isinstance(source, str | Path | File):
        return load_file(_as_file(source), schema=schema, null_words=null_words, rows=rows)
    if isinstance(source, Table):
        found = source.arrow if rows is None else source.arrow.slice(0, rows)
        if schema is None:
            return Loaded(found, source.schema, source.notes, {})
        return with_types(found, schema, {}, source.notes, "the table")
    table = frames.as_arrow(source)
    table = table if rows is None else table.slice(0, rows)
    return with_types(table, schema, {}, (), f"the {type(source).__name__}")


def _as_file(source: str | Path | File) -> File:
    return source if isinstance(source, File) else File(path=Path(source).expanduser())


def _with_target(schema: Schema, target: str | None) -> Schema:
    if target is None:
        return schema
    if target not in schema:
        raise SchemaError(
            f"There is no column {target!r} to be the target.{did_you_mean(target, schema.names)}",
            where="target",
            fix=f"columns: {listing(schema.names, 40)}",
        )
    return schema.with_target(target)


def name_of(source: Source) -> str:
    """A short name of a source for messages; never a password."""
    if isinstance(source, File):
        return str(source.path)
    if query := sql.as_query(source):
        return query.name
    return str(source) if isinstance(source, str | Path) else f"a {type(source).__name__}"


def scan(source: str | Path | File, *, batch_rows: int = PREVIEW_ROWS, schema: Schema | None = None) -> Iterator[Table]:
    """Read a large file in tables of `batch_rows` rows; memory holds about two of them.

    Without a schema the first batch decides it (its levels do not bind the others). Cells that do not fit raise
    ReadError naming batch and rows. A target or roles: give the schema.
    """
    if batch_rows < 1:
        raise ConfigError(f"batch_rows must be above 0, not {batch_rows}.", where="scan", fix="pass batch_rows=65536")
    file = _as_file(source)
    for i, loaded in enumerate(scan_file(file, schema=schema, batch_rows=batch_rows)):
        yield settle(loaded, "error", where=f"{file.path}, batch {i} (rows from {i * batch_rows + 1:,})")


def write(data: Any, target: str | Path | File | Query, *, replace: bool | None = None) -> Path | str:
    """Write a dataset to a file, a SQL table or ("-") standard output as JSON lines; returns where it went.

    Text files are written as the schema says: column order, decimals, date formats, null words; the suffix decides
    format and compression. A file or SQL table appears only when it is complete. replace: whether an existing one
    may be replaced; when not given, files are and SQL tables are not. Raises WriteError, Unsupported, MissingExtra.
    """
    if isinstance(data, Dataset) and not isinstance(data, Table):
        return _write_other(data, target, replace)
    table = data if isinstance(data, Table) else read(data)
    if isinstance(target, str) and target == "-":
        write_json_lines(sys.stdout.buffer, table.arrow, table.schema)
        sys.stdout.buffer.flush()
        return "-"
    if query := sql.as_query(target):
        return sql.write_query(table.arrow, table.schema, query, replace=bool(replace))
    file = target if isinstance(target, File) else File(path=Path(str(target)).expanduser())
    if replace is False and file.path.exists():
        raise WriteError("The file exists.", where=str(file.path), fix="choose another name, or pass replace=True")
    return save_file(table.arrow, table.schema, file)


def write_parts(parts: Iterable[Dataset], target: str | Path | File | Query) -> Path | str:
    """Write a dataset that comes in parts, in the memory of a few of them; returns where it went.

    Files of rows and "-" grow part by part, and appear when they are complete. What has no rows to append to (SQL
    tables, folders of images, records of text) is joined in memory first. Raises what `write` raises.
    """
    waiting = iter(parts)
    first = next(waiting, None)
    if first is None:
        raise WriteError("There is nothing to write.", where=str(target), fix="give at least one part")
    everything = chain([first], waiting)
    if target == "-":
        for part in everything:
            write(part, "-")
        return "-"
    if not sql.as_query(target):
        file = target if isinstance(target, File) else File(path=Path(str(target)).expanduser())
        names = first.to_arrow().column_names
        is_folder = first.modality == "images" and split_suffix(file.path)[0] in ("", ".npz")
        schema = None if is_folder else saved_schema(first.schema, names, file)
        if schema is not None:
            return save_parts((part.to_arrow() for part in everything), schema, file)
    return write(first.concat(list(everything)), target)


def _write_other(data: Dataset, target: str | Path | File | Query, replace: bool | None) -> Path | str:
    if target == "-":
        write_json_lines(sys.stdout.buffer, data.to_arrow(), data.schema)
        sys.stdout.buffer.flush()
        return "-"
    if sql.as_query(target):
        raise Unsupported(
            f"{data.modality.capitalize()} are not written to databases.", where="write", fix="name a file"
        )
    path = target.path if isinstance(target, File) else Path(str(target)).expanduser()
    if replace is False and path.exists():
        raise WriteError("It exists already.", where=str(path), fix="choose another name, or pass replace=True")
    return write_other(data, target)  # type: ignore[arg-type]  # a Query was refused above
