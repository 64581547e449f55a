"""Files in and out: delimited text, JSON lines, Parquet and Arrow; whole, or batch by batch.

A text file carries no types: without a schema they are found by the rules of `io.cells` and `data.infer`. Parquet
and Arrow files written here carry the schema in their metadata.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from synthwright.core.config import Config
from synthwright.core.context import Note
from synthwright.core.errors import Problem, ReadError, SchemaError, Unsupported, listing
from synthwright.data.infer import infer_schema
from synthwright.data.schema import Column, CsvForm, Schema
from synthwright.io.cells import guess_cells
from synthwright.io.delimited import Dialect, read_texts, scan_texts, sniff
from synthwright.io.jsonlines import Hints, date_cells, read_json, scan_json
from synthwright.io.streams import check_readable, open_input, split_suffix
from synthwright.io.typed import column_type, typed_cells
from synthwright.io.words import Style

Format = Literal["csv", "jsonl", "json", "parquet", "arrow"]
SUFFIXES: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".tab": "csv",
    ".txt": "csv",
    ".data": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
METADATA = b"synthwright.schema"  # key of the schema in Parquet and Arrow files
_LOOKED_AT = 10_000  # rows
_WITH_COMMA = r"^\s*[+-]?\d[\d.]*(?:,\d+)+(?:[eE][+-]?\d+)?\s*$"
_WITH_POINT = r"^\s*[+-]?\d*\.(?:\d{1,2}|\d{4,})(?:[eE][+-]?\d+)?\s*$"  # and no point between thousands


class File(Config):
    """A file and how it is written, where that cannot be found out: `read(File(path="a.txt", delimiter=";"))`."""

    path: Path = Field(description="Where it is.")
    format: Format | None = Field(None, description="What it is; by suffix when not given.")
    delimiter: str | None = Field(None, min_length=1, max_length=1, description="Between cells; found when not given.")
    encoding: str | None = Field(None, description="Of text; found when not given, and written as UTF-8.")
    decimal: Literal[".", ","] | None = Field(None, description="Decimal mark; found when not given.")
    day_first: bool | None = Field(None, description="Order of dates such as 1/2/2020 when the data do not tell.")
    header: bool = Field(True, description="Whether the first line names the columns.")

    @property
    def delimiter_of_suffix(self) -> str | None:
        """What cuts cells in files of this suffix; None when it does not say."""
        return "\t" if split_suffix(self.path)[0] in (".tsv", ".tab") else None

    @property
    def kind(self) -> Format:
        """The format, given or by suffix. Raises Unsupported."""
        if self.format:
            return self.format
        suffix, _ = split_suffix(self.path)
        if suffix not in SUFFIXES:
            raise Unsupported(
                f"Unknown file type {suffix or self.path.name!r}.",
                where=str(self.path),
                fix=f"use one of {listing(SUFFIXES, 20)} (and .gz, .bz2, .xz, .zst, .zip), or File(path=, format=)",
            )
        return SUFFIXES[suffix]


class Loaded(NamedTuple):
    """A table, its schema, and what was changed on the way.

    misfits: column -> texts that do not fit the schema (missing in the table), null at all other rows.
    """

    table: pa.Table
    schema: Schema
    notes: tuple[Note, ...]
    misfits: dict[str, pa.ChunkedArray]


def load_file(file: File, *, schema: Schema | None, null_words: Sequence[str] | None, rows: int | None) -> Loaded:
    """Read a file; typed by the schema when there is one. rows: only the first so many. Raises ReadError."""
    check_readable(file.path)
    if file.kind == "csv":
        dialect = _dialect(file)
        texts = next(scan_texts(file.path, dialect, rows), None) if rows else read_texts(file.path, dialect)
        if texts is None:
            raise ReadError("The file has a header but no rows.", where=str(file.path), fix="a header alone is no data")
        style, more = _style(file, dialect, null_words, texts, schema)
        loaded = type_texts(texts, schema, style, where=str(file.path))
        written = _as_written(loaded.schema, file, dialect, style)
        return loaded._replace(schema=written, notes=(*dialect.notes, *more, *loaded.notes))
    if file.kind in ("jsonl", "json"):
        with open_input(file.path) as stream:
            table, hints, notes = read_json(stream, str(file.path), lines=file.kind == "jsonl", rows=rows)
        return with_types(table, schema, hints, tuple(notes), str(file.path))
    table = read_binary(file, rows)
    return with_types(table, schema or _embedded(table), {}, (), str(file.path))


def scan_file(file: File, *, schema: Schema | None, batch_rows: int) -> Iterator[Loaded]:
    """Read a file in batches of `batch_rows` rows; all have the schema of the first when none is given.

    Levels found in the first batch are not binding for the later ones.
    """
    check_readable(file.path)
    tables = _table_batches(file, batch_rows)
    first = next(tables, None)
    if first is None:
        raise ReadError("The file has no rows.", where=str(file.path), fix="a header alone is no data")
    dialect = _dialect(file) if file.kind == "csv" else None
    style = _style(file, dialect, None, first, schema)[0] if dialect else Style()
    if schema is None:
        made = type_texts(first, None, style, where=str(file.path)).schema if dialect else infer_schema(first)
        open_columns = tuple(
            c.model_copy(update={"categories": None}) if c.kind == "category" else c for c in made.columns
        )
        schema = made.model_copy(update={"columns": open_columns})
    if dialect:
        schema = _as_written(schema, file, dialect, style)
    for table in chain([first], tables):
        if dialect:
            yield type_texts(table, schema, style, where=str(file.path))
        else:
            yield with_types(table, schema, {}, (), str(file.path))


def _table_batches(file: File, batch_rows: int) -> Iterator[pa.Table]:
    if file.kind == "csv":
        yield from scan_texts(file.path, _dialect(file), batch_rows)
    elif file.kind == "parquet":
        check_readable(file.path)
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(batch_rows):
                yield pa.Table.from_batches([batch])
    elif file.kind == "jsonl":
        with open_input(file.path) as stream:
            yield from scan_json(stream, str(file.path), batch_rows)
    else:
        table = load_file(file, schema=None, null_words=None, rows=None).table
        for start in range(0, table.num_rows, batch_rows):
            yield table.slice(start, batch_rows)


# -- text to types


def _dialect(file: File) -> Dialect:
    delimiter = file.delimiter or file.delimiter_of_suffix
    return sniff(file.path, delimiter=delimiter, encoding=file.encoding, header=file.header)


def _as_written(schema: Schema, file: File, dialect: Dialect, style: Style) -> Schema:
    """The schema with how the file is written, unless it is plain CSV or the schema says so already.

    What the suffix says (tabs) is no part of it: under another suffix the data are written otherwise.
    """
    from_suffix = dialect.delimiter == file.delimiter_of_suffix
    form = CsvForm(
        delimiter="," if from_suffix else dialect.delimiter,
        decimal="," if style.decimal == "," and dialect.delimiter != "," else ".",
        encoding="utf-8-sig" if codecs.lookup(dialect.encoding).name == "utf-8-sig" else "utf-8",
    )
    return schema if schema.csv is not None or form == CsvForm() else schema.model_copy(update={"csv": form})


def _style(
    file: File, dialect: Dialect, null_words: Sequence[str] | None, texts: pa.Table, schema: Schema | None
) -> tuple[Style, list[Note]]:
    decimal, notes = (file.decimal, []) if file.decimal else _decimal_mark(texts, dialect.delimiter)
    if not file.decimal and schema is not None and schema.csv is not None and schema.csv.decimal == ",":
        decimal, notes = _decimal_by(schema, texts, dialect.delimiter) or decimal, []
    words = None if null_words is None else tuple(null_words)
    return Style(decimal=decimal, day_first=file.day_first, null_words=words), notes


def _decimal_by(schema: Schema, texts: pa.Table, delimiter: str) -> str | None:
    """The decimal mark of a file whose schema expects a comma, by its columns of numbers; None when cut at commas.

    Few rows may show too few commas to be sure of without a schema.
    """
    if delimiter == ",":
        return None
    names = [column.name for column in schema.of() if column.kind == "number" and column.name in texts.column_names]
    columns = [texts.column(name).slice(0, _LOOKED_AT) for name in names]
    has_comma, has_point = (
        any(pc.any(pc.match_substring_regex(cells, pattern)).as_py() for cells in columns)
        for pattern in (_WITH_COMMA, _WITH_POINT)
    )
    return "." if has_point and not has_comma else ","


def _decimal_mark(texts: pa.Table, delimiter: str) -> tuple[str, list[Note]]:
    """The decimal mark of a file, judged by columns that are mostly numbers with a comma, in its first 10,000 rows.

    A comma that is not followed by three digits is a decimal mark. When three always follow, it is one in files cut
    at another mark than a comma (with a Note), and parts thousands in the others.
    """
    is_doubtful = False
    for column in texts.slice(0, _LOOKED_AT).columns:
        known = column.drop_null()
        if not len(known) or pc.mean(pc.match_substring_regex(known, _WITH_COMMA)).as_py() <= 0.5:
            continue
        if pc.any(
            pc.match_substring_regex(known, r"^\s*[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+),(?:\d{1,2}|\d{4,})\s*$")
        ).as_py():
            return ",", []
        is_doubtful = True
    if is_doubtful and delimiter != ",":
        return ",", [
            Note("R114", "a comma inside numbers was read as the decimal mark; if it parts thousands: decimal='.'")
        ]
    return ".", []


def type_texts(texts: pa.Table, schema: Schema | None, style: Style, *, where: str) -> Loaded:
    """Type a table of texts by the schema, or by our own rules."""
    if schema is not None:
        return _typed_by(texts, schema, style, where)
    typed = [guess_cells(name, cells, style) for name, cells in zip(texts.column_names, texts.columns, strict=True)]
    orders = {column.order for column in typed} & {"day", "month"}
    if len(orders) == 1 and style.day_first is None:
        decided = replace(style, day_first=orders == {"day"})
        typed = [
            guess_cells(name, texts.column(name), decided) if column.order == "either" else column
            for name, column in zip(texts.column_names, typed, strict=True)
        ]
    table = pa.table([column.cells for column in typed], names=texts.column_names)
    hints = {name: column.hint for name, column in zip(texts.column_names, typed, strict=True)}
    notes = tuple(note for column in typed for note in column.notes)
    return Loaded(table, infer_schema(table, hints=hints), notes, {})


def _typed_by(texts: pa.Table, schema: Schema, style: Style, where: str) -> Loaded:
    check_columns(schema, texts.column_names, where)
    cells, misfits = {}, {}
    for column in schema.of():
        cells[column.name], bad = typed_cells(column, texts.column(column.name), style)
        if bad is not None:
            misfits[column.name] = bad
    return Loaded(pa.table(cells), schema, (), misfits)


def check_columns(schema: Schema, names: Sequence[str], where: str) -> None:
    """Raise SchemaError when a file lacks columns of the schema, or has others."""
    wanted = [column.name for column in schema.of()]
    missing, extra = [c for c in wanted if c not in names], [c for c in names if c not in wanted]
    problems = []
    if missing:
        problems.append(Problem(f"Columns of the schema are missing: {listing(missing)}.", where, "check the file"))
    if extra:
        problems.append(Problem(f"Columns are not in the schema: {listing(extra)}.", where, "add them to the schema"))
    if problems:
        raise SchemaError.of(problems)


def with_types(table: pa.Table, schema: Schema | None, hints: Hints, notes: tuple[Note, ...], where: str) -> Loaded:
    """A table that has types already, cast to the schema's; texts among them are parsed."""
    if not table.num_rows:
        raise ReadError("There are no rows.", where=where, fix="check how the source was made")
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise ReadError(f"Column names stand twice: {listing(twice)}.", where=where, fix="rename them")
    if schema is None:
        table, hints, more = _parse_date_texts(table, hints)
        return Loaded(table, infer_schema(table, hints=hints), (*notes, *more), {})
    check_columns(schema, table.column_names, where)
    cells, misfits = {}, {}
    for column in schema.of():
        cells[column.name], bad = _cast(column, table.column(column.name))
        if bad is not None:
            misfits[column.name] = bad
    return Loaded(pa.table(cells), schema, notes, misfits)


def _parse_date_texts(table: pa.Table, hints: Hints) -> tuple[pa.Table, Hints, list[Note]]:
    """Text columns in which every cell is a date, in one form and one order, become dates, with a Note."""
    hints, notes = dict(hints), []
    for i, field in enumerate(table.schema):
        if field.name in hints or not (pa.types.is_string(field.type) or pa.types.is_large_string(field.type)):
            continue
        typed = date_cells(field.name, table.column(i).cast(pa.string()))
        if typed is not None and typed.order != "either":
            table = table.set_column(i, field.name, typed.cells)
            hints[field.name] = dict(typed.hint)
            notes += [Note("R113", "texts that are all dates were read as dates", field.name), *typed.notes]
    return table, hints, notes


def _cast(column: Column, cells: pa.ChunkedArray) -> tuple[pa.ChunkedArray, pa.ChunkedArray | None]:
    wanted = column_type(column)
    if cells.type == wanted:
        return cells, None
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return typed_cells(column, cells.cast(pa.string()), Style())
    try:
        return cells.cast(wanted), None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SchemaError(
            f"Cells of type {cells.type} cannot become {wanted}: {error}",
            where=f"column {column.name!r}",
            fix="correct dtype in the schema",
        ) from error


# -- Parquet and Arrow


def read_binary(file: File, rows: int | None) -> pa.Table:
    """A Parquet or Arrow file as it is; rows: only the first so many. Raises ReadError."""
    check_readable(file.path)
    try:
        if file.kind == "parquet":
            with pq.ParquetFile(file.path) as parquet:
                if rows is None:
                    return parquet.read()
                schema = parquet.schema_arrow
                batches = list(parquet.iter_batches(rows))[:1] if rows else []
            return pa.Table.from_batches(batches, batches[0].schema if batches else schema)
        with open_input(file.path) as stream, pa.ipc.open_file(stream.read()) as reader:
            table = reader.read_all()
            return table.slice(0, rows) if rows else table
    except pa.ArrowException as error:
        raise ReadError(
            f"The file is not a complete {file.kind} file: {error}",
            where=str(file.path),
            fix="copy it again, or check its suffix",
        ) from error


def _embedded(table: pa.Table) -> Schema | None:
    """The schema that a file written here carries, if it still describes the columns."""
    content = (table.schema.metadata or {}).get(METADATA)
    if content is None:
        return None
    schema = Schema.from_json(json.loads(content), where="metadata of the file")
    fits = [(c.name, c.dtype) for c in schema.columns] == [(f.name, str(f.type)) for f in table.schema]
    return schema if fits else None


def embedded_schema(file: File) -> Schema | None:
    """The schema in the metadata of a Parquet or Arrow file, without reading its rows; None when it has none."""
    try:
        if file.kind == "parquet":
            found = pq.read_schema(file.path)
        else:
            packed = split_suffix(file.path)[1]
            source = open_input(file.path) if packed else pa.memory_map(str(file.path))
            with source as stream, pa.ipc.open_file(stream.read() if packed else stream) as reader:
                found = reader.schema
    except (pa.ArrowException, OSError):
        return None  # whoever reads the rows says what is wrong with the file
    content = (found.metadata or {}).get(METADATA)
    return None if content is None else Schema.from_json(json.loads(content), where=f"metadata of {file.path}")
