"""JSON lines (and JSON lists of objects) to typed columns and back.

JSON says what is a number and what is text, so "007" stays text. Texts that are dates become dates. Objects and
lists inside cells stay JSON text (kind json) and are written back as JSON.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import IO, Any

import pyarrow as pa

from synthwright.core.context import Note
from synthwright.core.errors import ReadError, Unsupported
from synthwright.data.schema import Schema
from synthwright.io.cells import Typed, guess_cells
from synthwright.io.dates import guess_dates
from synthwright.io.typed import written
from synthwright.io.words import Style

_ROWS = 8_192  # rows written at once
Hints = dict[str, dict[str, object]]


def read_json(
    stream: IO[bytes], where: str, *, lines: bool, rows: int | None = None
) -> tuple[pa.Table, Hints, list[Note]]:
    """Columns in order of first appearance; a key that a row lacks is missing there. Raises ReadError with the line."""
    records = _records(stream, where) if lines else _listed(stream, where)
    found = list(islice(records, rows))
    if not found:
        raise ReadError("There are no rows.", where=where, fix="check how the file was made")
    return _table(found)


def scan_json(stream: IO[bytes], where: str, batch_rows: int) -> Iterator[pa.Table]:
    """Tables of `batch_rows` rows each."""
    records = _records(stream, where)
    while part := list(islice(records, batch_rows)):
        yield _table(part)[0]


def _records(stream: IO[bytes], where: str) -> Iterator[dict[str, Any]]:
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="\n")
    try:
        for number, line in enumerate(text, 1):
            if line.strip():
                yield _record(line, f"{where}, line {number}")
    except UnicodeDecodeError as error:
        raise ReadError(f"The text is not UTF-8: {error.reason}.", where=where, fix="save it as UTF-8") from error
    finally:
        if not stream.closed:
            text.detach()


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line, object_pairs_hook=lambda pairs: _object(pairs, where))
    except ValueError as error:
        raise ReadError(f"The line is not JSON: {error}", where=where, fix="one JSON object a line") from error
    if not isinstance(record, dict):
        raise ReadError(f"The line holds a {type(record).__name__}, not an object.", where=where)
    return record


def _object(pairs: list[tuple[str, Any]], where: str) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        twice = next(key for i, (key, _) in enumerate(pairs) if key in [k for k, _ in pairs[:i]])
        raise ReadError(f"The key {twice!r} stands twice.", where=where, fix="rename it")
    return record


def _listed(stream: IO[bytes], where: str) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(stream.read().decode("utf-8-sig"), object_pairs_hook=lambda pairs: _object(pairs, where))
    except ValueError as error:
        raise ReadError(
            f"The file is not JSON: {error}", where=where, fix="is it JSON lines? name it .jsonl"
        ) from error
    if not isinstance(document, list) or not all(isinstance(item, dict) for item in document):
        raise ReadError("The file is not a list of JSON objects.", where=where, fix="write one object for each row")
    return iter(document)


def _table(records: Sequence[dict[str, Any]]) -> tuple[pa.Table, Hints, list[Note]]:
    names = list(dict.fromkeys(name for record in records for name in record))
    columns, hints, notes = [], {}, []
    for name in names:
        cells, hint, more = _column(name, [record.get(name) for record in records])
        columns.append(cells)
        hints[name] = hint
        notes += more
    return pa.table(columns, names=names), hints, notes


def _column(name: str, values: list[Any]) -> tuple[pa.ChunkedArray, dict[str, object], list[Note]]:
    kinds = {_kind_of(value) for value in values if value is not None}
    if not kinds:
        return pa.chunked_array([pa.nulls(len(values), pa.string())]), {}, []
    if kinds <= {"number"}:
        if all(isinstance(v, int) for v in values if v is not None):
            try:
                return pa.chunked_array([pa.array(values, pa.int64())]), {}, []
            except (OverflowError, pa.ArrowInvalid):
                note = Note("R109", "whole numbers beyond 64 bits stay text, so that no digit is lost", name)
                texts = [None if v is None else str(v) for v in values]
                return pa.chunked_array([pa.array(texts, pa.string())]), {}, [note]
        floats = [None if v is None else float(v) for v in values]
        return pa.chunked_array([pa.array(floats, pa.float64())]), {}, []
    if kinds == {"boolean"}:
        return pa.chunked_array([pa.array(values, pa.bool_())]), {}, []
    if kinds == {"text"}:
        return _text_column(name, pa.chunked_array([pa.array(values, pa.string())]))
    texts = [None if v is None else v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in values]
    cells = pa.chunked_array([pa.array(texts, pa.string())])
    if kinds == {"json"}:
        return cells, {"kind": "json", "evidence": "JSON objects or lists", "categories": None}, []
    what = ", ".join(f"{sum(_kind_of(v) == k for v in values if v is not None):,} {k}" for k in sorted(kinds))
    return cells, {}, [Note("R103", f"cells of several types ({what}); the column became text", name)]


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "json"


def _text_column(name: str, cells: pa.ChunkedArray) -> tuple[pa.ChunkedArray, dict[str, object], list[Note]]:
    typed = date_cells(name, cells)
    return (cells, {}, []) if typed is None else (typed.cells, dict(typed.hint), list(typed.notes))


def date_cells(name: str, cells: pa.ChunkedArray) -> Typed | None:
    """A column of texts as dates when every known text is one; else None."""
    words = cells.drop_null().slice(0, 1)
    if not len(words) or guess_dates(words.combine_chunks()) is None:
        return None
    typed = guess_cells(name, cells, Style(null_words=()))
    is_date = pa.types.is_date(typed.cells.type) or pa.types.is_timestamp(typed.cells.type)
    return typed if is_date and typed.cells.null_count == cells.null_count else None


def write_json_lines(stream: IO[bytes], table: pa.Table, schema: Schema) -> None:
    """One object a line, keys in column order; missing cells are null, dates are text by the column's format."""
    plain, json_names = {}, set()
    for column in schema.of():
        cells = table.column(column.name)
        if pa.types.is_binary(cells.type) or pa.types.is_fixed_size_binary(cells.type):
            raise Unsupported(
                f"Column {column.name!r} holds {column.kind}s, which JSON lines have no text for.",
                where="write",
                fix="write a .parquet file; images also go to a folder or an .npz file",
            )
        if pa.types.is_temporal(cells.type):
            cells = written(column.model_copy(update={"null_words": ()}), cells)
        elif column.kind == "json" and not pa.types.is_nested(cells.type):
            json_names.add(column.name)
        plain[column.name] = cells
    for batch in pa.table(plain).to_batches(max_chunksize=_ROWS):
        rows = batch.to_pylist()
        for row in rows:
            for name in json_names:
                row[name] = _unpacked(row[name])
        text = "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
        stream.write(text.encode())


def _unpacked(text: str | None) -> Any:
    """The JSON value of a cell, or the text itself when it is none."""
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text
