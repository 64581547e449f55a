"""Delimited text (CSV): find encoding, delimiter and header, read all cells as text, write them back.

Cells stay text here; `io.cells` gives them types. An unquoted empty cell is null, a quoted one is an empty text.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pacsv

from synthwright.core.context import Note
from synthwright.core.errors import ReadError, listing
from synthwright.io.streams import open_input

DELIMITERS = (",", ";", "\t", "|")
_CHUNK = 8 * 2**20
_HEAD = 2**18  # bytes looked at for delimiter and header
_BLOCK = 4 * 2**20
_ROWS = 65_536  # rows written at once
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHOWN = 3


@dataclass(frozen=True)
class Dialect:
    """How one delimited file is written. names: columns; n_quotes: quotation marks in the whole file."""

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    has_header: bool
    n_quotes: int
    notes: tuple[Note, ...] = ()


def sniff(path: Path, *, delimiter: str | None = None, encoding: str | None = None, header: bool = True) -> Dialect:
    """Find out how a file is written; the file is read once, in pieces. Raises ReadError."""
    head, n_quotes, found, notes = _encoding_of(path, encoding)
    text = head.decode(found, errors="ignore") if found != "utf-8-sig" else head.decode("utf-8-sig", errors="ignore")
    mark = delimiter or _delimiter_of(text)
    try:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
        while not first:
            first = next(csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=mark))
    except (StopIteration, csv.Error) as error:
        raise ReadError("The file has no rows.", where=str(path), fix="check how it was made") from error
    names, more = _header(first, path) if header else (tuple(f"column_{i + 1}" for i in range(len(first))), [])
    return Dialect(found, mark, names, header, n_quotes, (*notes, *more))


def _encoding_of(path: Path, asked: str | None) -> tuple[bytes, int, str, list[Note]]:
    """The first bytes, how many quotes there are, and an encoding that the whole file obeys."""
    with open_input(path) as stream:
        head = stream.read(_HEAD)
        encoding = asked or _encoding_by_mark(head)
        candidate = encoding or "utf-8"
        decoder = _decoder(candidate, path)
        n_quotes, is_wide, chunk, offset = 0, candidate.startswith(("utf-16", "utf-32")), head, 0
        high: set[int] = set()
        while chunk:
            if not is_wide and b"\0" in chunk:
                raise _nul_error(path, offset + chunk.index(b"\0"))
            n_quotes += chunk.count(b'"')
            if decoder is not None:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    if encoding is not None:
                        raise _encoding_error(path, candidate, offset, error) from error
                    decoder = None
            if decoder is None:
                high.update(chunk)
            offset += len(chunk)
            chunk = stream.read(_CHUNK)
    if not head:
        raise ReadError("The file is empty.", where=str(path), fix="check how it was made")
    if decoder is not None:
        return head, n_quotes, candidate, []
    # Five bytes have no meaning in Windows' western encoding; ISO 8859-1 gives every byte one.
    found = "latin-1" if high & {0x81, 0x8D, 0x8F, 0x90, 0x9D} else "cp1252"
    return head, n_quotes, found, [Note("R101", f"the file is not UTF-8; it was read as {found}", path.name)]


def _encoding_by_mark(head: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if head.startswith(mark):
            return encoding
    sample = head[: 2 * (min(len(head), 400) // 2)]
    if len(sample) >= 4:
        for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
            if zeros.count(0) > 0.7 * len(zeros) and sample.count(0) < 0.6 * len(sample):
                return encoding
    return None


def _decoder(encoding: str, path: Path) -> codecs.IncrementalDecoder | None:
    try:
        return codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise ReadError(
            f"Unknown encoding {encoding!r}.", where=str(path), fix="use utf-8, utf-16, cp1252, ..."
        ) from None


def _nul_error(path: Path, offset: int) -> ReadError:
    return ReadError(
        f"The file has a NUL byte (at byte {offset:,}): it is not text, or it is damaged.",
        where=str(path),
        fix="if it is a Parquet or Arrow file, give it that suffix; if it is UTF-16, pass encoding='utf-16'",
    )


def _encoding_error(path: Path, encoding: str, offset: int, error: UnicodeDecodeError) -> ReadError:
    return ReadError(
        f"The file is not {encoding}: byte {offset + error.start:,} cannot be decoded ({error.reason}).",
        where=str(path),
        fix="pass the right encoding=, or leave it out to have it found",
    )


def _delimiter_of(text: str) -> str:
    """The mark that cuts the first lines into the same number (over one) of fields; a comma when none does."""
    scores = []
    for rank, mark in enumerate(DELIMITERS):
        rows = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=mark):
                if row:
                    rows.append(len(row))
                if len(rows) == 200:
                    break
        except csv.Error:
            continue
        body = rows[:-1] if len(rows) > 2 else rows
        width, n = Counter(body).most_common(1)[0] if body else (1, 0)
        if width > 1:
            scores.append((n / len(body), width, -rank, mark))
    return max(scores)[-1] if scores else ","


def _header(cells: Sequence[str], path: Path) -> tuple[tuple[str, ...], list[Note]]:
    notes = []
    names = [cell.strip() for cell in cells]
    if names != list(cells):
        notes.append(Note("R106", "blanks around column names were removed", path.name))
    for i, name in enumerate(names):
        if not name:
            names[i] = next(word for k in range(i + 1, 10**6) if (word := f"column_{k}") not in names)
            notes.append(Note("R102", f"column {i + 1} has no name; it is called {names[i]!r}", path.name))
    twice = sorted(name for name, n in Counter(names).items() if n > 1)
    if twice:
        raise ReadError(
            f"Column names stand twice in the header: {listing(twice)}.", where=f"{path}, line 1", fix="rename them"
        )
    if len(names) > 1 and all(_is_number(name) for name in names):
        raise ReadError(
            "The first line holds numbers only: the file seems to have no header.",
            where=f"{path}, line 1",
            fix="add a line with the column names, or read(File(path, header=False))",
        )
    return tuple(names), notes


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# -- reading


def read_texts(path: Path, dialect: Dialect) -> pa.Table:
    """The whole file as a table of texts. Raises ReadError naming the first ragged lines, or when there is no row."""
    with open_input(path) as stream:
        try:
            table = pacsv.read_csv(stream, **_options(dialect, threads=True))
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise _explain(path, dialect, error) from error
    if not table.num_rows:
        raise _no_rows(path)
    _check_last_quote(table, dialect, path)
    return table


def _no_rows(path: Path) -> ReadError:
    return ReadError("The file has a header but no rows.", where=str(path), fix="a header alone is no data")


def _check_last_quote(table: pa.Table, dialect: Dialect, path: Path) -> None:
    """A quotation mark that is never closed swallows the rest of the file into one cell of the last row."""
    if dialect.n_quotes % 2 and any(
        "\n" in (text or "") for text in table.slice(table.num_rows - 1).to_pylist()[0].values()
    ):
        raise ReadError(
            f"A quoted cell is never closed; it begins in row {table.num_rows - 1} (counted from 0).",
            where=str(path),
            fix='close the quotation mark, or double it ("") inside a cell',
        )


def scan_texts(path: Path, dialect: Dialect, batch_rows: int) -> Iterator[pa.Table]:
    """The file as tables of texts of `batch_rows` rows each (the last may be shorter); memory holds about two."""
    held: list[pa.RecordBatch] = []
    n_held = 0
    with open_input(path) as stream:
        try:
            for batch in pacsv.open_csv(stream, **_options(dialect, threads=False)):
                held.append(batch)
                n_held += batch.num_rows
                while n_held >= batch_rows:
                    table = pa.Table.from_batches(held)
                    yield table.slice(0, batch_rows)
                    held = table.slice(batch_rows).to_batches()
                    n_held -= batch_rows
        except (pa.ArrowInvalid, UnicodeDecodeError) as error:
            raise _explain(path, dialect, error) from error
    if n_held:
        yield pa.Table.from_batches(held)


def _options(dialect: Dialect, *, threads: bool) -> dict[str, object]:
    encoding = {"utf-8-sig": "utf8", "utf-8": "utf8"}.get(dialect.encoding, dialect.encoding)
    reading = pacsv.ReadOptions(
        use_threads=threads,
        block_size=_BLOCK,
        column_names=list(dialect.names),
        skip_rows_after_names=1 if dialect.has_header else 0,
        encoding=encoding,
    )
    parsing = pacsv.ParseOptions(delimiter=dialect.delimiter, newlines_in_values=dialect.n_quotes > 0)
    converting = pacsv.ConvertOptions(
        column_types={name: pa.string() for name in dialect.names},
        null_values=[""],
        strings_can_be_null=True,
        # In a file of one column a missing cell is written as "", since an empty line would be no row.
        quoted_strings_can_be_null=len(dialect.names) == 1,
    )
    return {"read_options": reading, "parse_options": parsing, "convert_options": converting}


def _explain(path: Path, dialect: Dialect, error: Exception) -> ReadError:
    """A ReadError that names the first ragged lines; the file is read once more, slowly, to find them."""
    ragged: list[str] = []
    n_ragged = n_rows = 0
    with open_input(path) as stream:
        lines = csv.reader(_text_stream(stream, dialect.encoding), delimiter=dialect.delimiter)
        try:
            for row in lines:
                n_rows += bool(row)
                if row and len(row) != len(dialect.names):
                    n_ragged += 1
                    if len(ragged) < _SHOWN:
                        ragged.append(f"line {lines.line_num} has {len(row)} cells")
        except csv.Error as problem:
            return ReadError(f"The text cannot be cut into cells: {problem}", where=f"{path}, line {lines.line_num}")
    if n_rows == dialect.has_header:
        return _no_rows(path)
    if not ragged:
        return ReadError(f"The file cannot be read as delimited text: {error}", where=str(path), fix="check the file")
    more = ", ..." if n_ragged > len(ragged) else ""
    return ReadError(
        f"{n_ragged:,} lines have another number of cells than the header, which has {len(dialect.names)}: "
        f"{', '.join(ragged)}{more}.",
        where=str(path),
        fix=f"correct the lines, or pass the delimiter if it is not {dialect.delimiter!r}",
    )


def _text_stream(stream: IO[bytes], encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, encoding=encoding, errors="replace", newline="")


# -- writing


def write_header(put: Callable[[str], None], names: Sequence[str], delimiter: str) -> None:
    """One line with the column names."""
    texts = [_quoted(pa.array([name]), delimiter)[0].as_py() for name in names]
    put(delimiter.join(texts) + "\n")


def write_texts(put: Callable[[str], None], table: pa.Table, delimiter: str) -> None:
    """Lines of a table of texts: null as nothing, an empty text as "", quotes only where needed, LF."""
    for batch in table.to_batches(max_chunksize=_ROWS):
        columns = [_quoted(column, delimiter) for column in batch.columns]
        # In a table of one column an empty line would be no row.
        blank = '""' if len(columns) == 1 else ""
        lines = pc.binary_join_element_wise(
            *columns, pa.scalar(delimiter, columns[0].type), null_handling="replace", null_replacement=blank
        )
        put("\n".join(lines.to_pylist()) + "\n")


def _quoted(texts: pa.Array, delimiter: str) -> pa.Array:
    texts = texts.cast(pa.large_string())
    special = rf'["\r\n]|^$|{delimiter if delimiter.isspace() else re.escape(delimiter)}'
    needs = pc.match_substring_regex(texts, special)
    doubled = pc.replace_substring(texts, '"', '""')
    quote = pa.scalar('"', pa.large_string())
    marked = pc.binary_join_element_wise(quote, doubled, quote, pa.scalar("", pa.large_string()))
    return pc.if_else(needs, marked, texts)
