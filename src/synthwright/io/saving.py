"""Tables to files, whole or part by part: a sample of any size is written in the memory of a few of its parts."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from synthwright.core.errors import Unsupported, WriteError
from synthwright.core.store import atomic_file
from synthwright.data.schema import CsvForm, Schema
from synthwright.io.delimited import write_header, write_texts
from synthwright.io.files import METADATA, File
from synthwright.io.jsonlines import write_json_lines
from synthwright.io.streams import open_output, refuse_compression
from synthwright.io.typed import written

GROUP_ROWS, _GROUP_BYTES = 131_072, 128 * 2**20  # a row group of Parquet, a batch of Arrow: whichever comes first
Put = Callable[[pa.Table], None]


def save_file(table: pa.Table, schema: Schema, file: File) -> Path:
    """Write a table as the schema says, in one step. Raises WriteError, Unsupported."""
    return save_parts([table], schema, file)


def save_parts(parts: Iterable[pa.Table], schema: Schema, file: File) -> Path:
    """Write tables of equal columns as one file that appears when the last is written; at least one.

    Memory holds one part and one row group. Equal rows give equal bytes, however they are cut into parts (below
    128 MiB in 131,072 rows). Raises WriteError, Unsupported, and what making the parts raises.
    """
    with _writer(schema, file) as put:
        n_parts = 0
        for part in parts:
            put(part)
            n_parts += 1
        if not n_parts:
            raise WriteError("There is nothing to write.", where=str(file.path), fix="give at least one part")
    return file.path


def _writer(schema: Schema, file: File) -> AbstractContextManager[Put]:
    if file.kind == "csv":
        return _csv(schema, file)
    if file.kind == "jsonl":
        return _json_lines(schema, file)
    if file.kind == "json":
        raise Unsupported("Tables are written as JSON lines.", where=str(file.path), fix="end the name in .jsonl")
    refuse_compression(file.path, file.kind.capitalize())
    return _binary(schema, file)


@contextmanager
def _json_lines(schema: Schema, file: File) -> Iterator[Put]:
    with open_output(file.path) as stream:
        yield lambda part: write_json_lines(stream, part, schema)


@contextmanager
def _csv(schema: Schema, file: File) -> Iterator[Put]:
    form = _csv_form(schema, file)
    has_begun = False
    with open_output(file.path) as stream:
        put_text = _encoded(stream, form.encoding, file.path)

        def put(part: pa.Table) -> None:
            nonlocal has_begun
            if file.header and not has_begun:
                write_header(put_text, part.column_names, form.delimiter)
            has_begun = True
            write_texts(put_text, _texts(part, schema, form.decimal), form.delimiter)

        yield put


def _csv_form(schema: Schema, file: File) -> CsvForm:
    """How a file is written: as was asked for, then as its suffix says, then like the file the data come from."""
    own = schema.csv or CsvForm()
    if len(schema.of()) == 1:
        own = CsvForm(encoding=own.encoding)  # nothing in the file would show what cuts cells
    delimiter = file.delimiter or file.delimiter_of_suffix or own.delimiter
    # Between commas, 1,234 could not be told from a thousand: a decimal comma stands there only when it is asked for.
    decimal = file.decimal or ("." if delimiter == "," else own.decimal)
    return CsvForm(delimiter=delimiter, decimal=decimal, encoding=file.encoding or own.encoding)


def _encoded(stream: IO[bytes], encoding: str, path: Path) -> Callable[[str], None]:
    """A function that appends text to the stream. Raises WriteError for what the encoding lacks."""
    try:
        encoder = codecs.getincrementalencoder(encoding)()
    except LookupError:
        fix = "use utf-8, utf-8-sig, utf-16, cp1252, ..."
        raise WriteError(f"Unknown encoding {encoding!r}.", where=str(path), fix=fix) from None

    def put(text: str) -> None:
        try:
            stream.write(encoder.encode(text))
        except UnicodeEncodeError as error:
            what = f"The encoding {encoding} has no {text[error.start]!r}, which the data hold."
            raise WriteError(what, where=str(path), fix="leave the encoding out: UTF-8 holds everything") from error

    return put


def _texts(table: pa.Table, schema: Schema, decimal: str) -> pa.Table:
    texts = {}
    for column in schema.of():
        cells = table.column(column.name)
        nested = pa.types.is_nested(cells.type)
        texts[column.name] = _json_texts(cells) if nested else written(column, cells, decimal=decimal)
    return pa.table(texts)


def _json_texts(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    texts = [None if value is None else json.dumps(value, ensure_ascii=False) for value in cells.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


@contextmanager
def _binary(schema: Schema, file: File) -> Iterator[Put]:
    """Parquet or Arrow, in groups of an even size, with our schema in the metadata."""
    marks = {METADATA: json.dumps(schema.to_json(), sort_keys=True).encode()}
    with atomic_file(file.path) as temporary:
        groups = _Groups(temporary, is_parquet=file.kind == "parquet", marks=marks)
        with closing(groups):
            yield groups.put
            groups.flush()


class _Groups:
    """Gathers rows, and writes them when they make a group."""

    def __init__(self, path: Path, *, is_parquet: bool, marks: dict[bytes, bytes]) -> None:
        self.path, self.is_parquet, self.marks = str(path), is_parquet, marks
        self.waiting: list[pa.Table] = []
        self.writer: pq.ParquetWriter | pa.RecordBatchFileWriter | None = None

    def put(self, part: pa.Table) -> None:
        """Take a part; write as many whole groups as there are."""
        self.waiting.append(part)
        rows, size = sum(one.num_rows for one in self.waiting), sum(one.nbytes for one in self.waiting)
        if rows < GROUP_ROWS and size < _GROUP_BYTES:
            return
        whole, start = pa.concat_tables(self.waiting), 0
        while rows - start >= GROUP_ROWS:
            self._write(whole.slice(start, GROUP_ROWS))
            start += GROUP_ROWS
        self.waiting = [whole.slice(start)] if start < rows else []
        if self.waiting and self.waiting[0].nbytes >= _GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits, as a group of its own."""
        if self.waiting:
            self._write(pa.concat_tables(self.waiting))
            self.waiting = []

    def _write(self, table: pa.Table) -> None:
        table = table.replace_schema_metadata(self.marks)
        if self.writer is None and self.is_parquet:
            self.writer = pq.ParquetWriter(self.path, table.schema, compression="zstd")
        elif self.writer is None:
            self.writer = pa.ipc.new_file(self.path, table.schema)
        self.writer.write_table(table.combine_chunks())

    def close(self) -> None:
        """Finish the file."""
        if self.writer is not None:
            self.writer.close()
