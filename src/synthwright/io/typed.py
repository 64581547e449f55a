"""Text cells to the types of a schema, and typed cells back to the same text."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.errors import Unsupported
from synthwright.data.schema import Column, arrow_type
from synthwright.io.dates import parse_dates, write_dates
from synthwright.io.words import (
    CLOCK,
    NUMBER,
    PLAIN_NULLS,
    WEAK_NULLS,
    Style,
    any_match,
    clock_seconds,
    distinct,
    is_in,
    to_float,
)


def typed_cells(column: Column, cells: pa.ChunkedArray, style: Style) -> tuple[pa.ChunkedArray, pa.ChunkedArray | None]:
    """Type a column of texts as the schema says. Returns cells, and the texts that do not fit if there are any.

    Raises Unsupported for a type that text cannot hold.
    """
    kind = column_type(column)
    found = distinct(cells)
    words = pc.utf8_trim_whitespace(found.words)
    nulls = _schema_nulls(column, found.words if _is_text(kind) else words, style, text=_is_text(kind))
    if style.decimal == "," and _has_mark(kind):
        words = _with_points(words, column.format or "")
    values = _values_as(kind, column, found.words if _is_text(kind) else words)
    values = pc.if_else(pa.array(nulls, pa.bool_()), pa.scalar(None, values.type), values) if len(values) else values
    bad = ~nulls & ~np.asarray(values.is_valid())
    typed = found.spread(values)
    if pa.types.is_dictionary(kind):
        typed = typed.cast(kind.value_type).dictionary_encode()
    typed = typed.cast(kind)
    if not bad.any():
        return typed, None
    return typed, found.spread(pc.if_else(pa.array(bad), found.words, pa.scalar(None, pa.string())))


def _has_mark(kind: pa.DataType) -> bool:
    """Whether values may be written with a decimal mark; whole numbers may, as 3.00."""
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind) or pa.types.is_integer(kind))


def _with_points(words: pa.Array, form: str) -> pa.Array:
    """Numbers with decimal commas as numbers with points; points before a comma part thousands.

    Where no word has a comma, the points are decimal marks all the same, as when no schema is given.
    """
    if "," not in form and not any_match(words, ","):
        return words
    return pc.replace_substring(pc.replace_substring(words, ".", ""), ",", ".")


def column_type(column: Column) -> pa.DataType:
    """The Arrow type of a column; by its kind when the schema names none."""
    if column.dtype:
        return arrow_type(column.dtype)
    plain = {"number": pa.float64(), "integer": pa.int64(), "boolean": pa.bool_(), "duration": pa.duration("s")}
    if column.kind == "datetime":
        has_clock = column.format is None or "H" in column.format or "I" in column.format
        return pa.timestamp("us") if has_clock else pa.date32()
    levels = column.categories or ()
    if levels and not any(isinstance(level, str) for level in levels):
        return pa.array(list(levels)).type
    return plain.get(column.kind, pa.string())


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _schema_nulls(column: Column, words: pa.Array, style: Style, *, text: bool) -> np.ndarray:
    allowed = style.null_words if style.null_words is not None else column.null_words
    if not allowed and not text:
        allowed = (*PLAIN_NULLS, *WEAK_NULLS)
    nulls = is_in(words, allowed)
    if not text:
        nulls |= is_in(words, ("",))
    return nulls


def _values_as(kind: pa.DataType, column: Column, words: pa.Array) -> pa.Array:
    """Words as values of a type; null where a word does not fit."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if _is_text(kind):
        return words.cast(kind)
    if pa.types.is_boolean(kind):
        yes, _, no = (column.format or "|").partition("|")
        is_yes = is_in(words, (yes, "true", "True", "TRUE", "1"))
        is_no = is_in(words, (no, "false", "False", "FALSE", "0"))
        return pa.array(is_yes, mask=~(is_yes | is_no))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _dates_as(kind, column.format, words)
    if pa.types.is_duration(kind):
        fits = pc.match_substring_regex(words, CLOCK)
        return _masked(words, fits, "0:00", clock_seconds).cast(kind)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers_as(kind, column.format or "", words)
    raise Unsupported(
        f"Text cells cannot be read as {kind}.", where=f"column {column.name!r}", fix="use Parquet or Arrow files"
    )


def _masked(words: pa.Array, fits: pa.Array, dummy: str, convert: object) -> pa.Array:
    """`convert` applied to the words that fit; null for the others."""
    values = convert(pc.if_else(fits, words, pa.scalar(dummy, words.type)))  # type: ignore[operator]  # a function
    return pc.if_else(fits, values, pa.scalar(None, values.type))


def _numbers_as(kind: pa.DataType, form: str, words: pa.Array) -> pa.Array:
    plain = pc.replace_substring(words, ",", "") if "," in form else words
    if not pa.types.is_integer(kind):
        values = _masked(plain, pc.match_substring_regex(plain, NUMBER), "0", to_float)
        return values.cast(kind) if pa.types.is_floating(kind) else _decimals_as(kind, plain, values)
    digits = pc.utf8_ltrim(pc.replace_substring_regex(plain, r"\.0*$", ""), "+")
    fits = pc.match_substring_regex(digits, r"^-?\d{1,19}$")
    try:
        return _masked(digits, fits, "0", lambda w: w.cast(kind))
    except pa.ArrowInvalid:
        info = np.iinfo(kind.to_pandas_dtype())
        inside = [
            bool(ok) and info.min <= int(word) <= info.max
            for word, ok in zip(digits.to_pylist(), fits.to_pylist(), strict=True)
        ]
        return _masked(digits, pa.array(inside), "0", lambda w: w.cast(kind))


def _decimals_as(kind: pa.DataType, words: pa.Array, floats: pa.Array) -> pa.Array:
    fits = pc.match_substring_regex(words, r"^[+-]?\d+(?:\.\d+)?$")
    return _masked(words, pc.and_(fits, floats.is_valid()), "0", lambda w: w.cast(kind))


def _dates_as(kind: pa.DataType, form: str | None, words: pa.Array) -> pa.Array:
    values = parse_dates(words, form)
    if values is None and form is not None:
        values = parse_dates(words, None)
    if values is None:
        return pa.nulls(len(words), kind)
    if pa.types.is_timestamp(kind) and pa.types.is_timestamp(values.type) and kind.tz and values.type.tz is None:
        values = values.cast(pa.timestamp(values.type.unit, tz=kind.tz))
    return values.cast(kind)


# -- writing


def written(column: Column, cells: pa.ChunkedArray, *, decimal: str = ".") -> pa.ChunkedArray:
    """Texts of typed cells by the column's format; missing cells become its first null word, or stay null."""
    text = _written_values(cells, column.format)
    if decimal == "," and _has_mark(cells.type):
        text = _with_commas(text)
    if column.null_words and column.null_words[0]:
        return text.fill_null(column.null_words[0])
    return text


def _with_commas(words: pa.ChunkedArray) -> pa.ChunkedArray:
    """Numbers with points as numbers with decimal commas.

    Thousands are parted by points where a comma follows, else by nothing: 1.234 alone would be read as a fraction.
    """
    bare = pc.if_else(pc.match_substring(words, "."), words, pc.replace_substring(words, ",", ""))
    return pc.replace_substring(pc.replace_substring(pc.replace_substring(bare, ",", "'"), ".", ","), "'", ".")


def _written_values(cells: pa.ChunkedArray, form: str | None) -> pa.ChunkedArray:
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return _written_values(cells.cast(kind.value_type), form)
    if _is_text(kind):
        return cells.cast(pa.string()) if not pa.types.is_large_string(kind) else cells
    if pa.types.is_boolean(kind):
        yes, _, no = (form or "true|false").partition("|")
        return pc.if_else(cells, yes, no)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return write_dates(cells, form)
    if pa.types.is_duration(kind):
        return _written_clock(cells, form)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _written_numbers(cells, form)
    if pa.types.is_decimal(kind) or pa.types.is_time(kind) or pa.types.is_null(kind):
        return cells.cast(pa.string())
    raise Unsupported(f"Cells of type {kind} cannot be written as text.", fix="write Parquet, Arrow or JSON lines")


def _written_numbers(cells: pa.ChunkedArray, form: str | None) -> pa.ChunkedArray:
    """Shortest texts that give the same number, whole floats as 3.0; or by a format such as `.2f`, `,d`, `05d`, `g`."""
    if form and re.fullmatch(r"(?:0\d+)?,?(?:\.\d+f|d)?", form):
        found = distinct(cells)
        spec = form.removesuffix("d") if pa.types.is_floating(cells.type) else form
        texts = [format(value, spec) for value in found.words.to_pylist()]
        return found.spread(pa.array(texts, pa.string()))
    text = cells.cast(pa.string())
    if form == "g" or pa.types.is_integer(cells.type):
        return text
    is_bare = pc.match_substring_regex(text, r"^-?\d+$")
    return pc.if_else(is_bare, pc.binary_join_element_wise(text, "0", "."), text)


def _written_clock(cells: pa.ChunkedArray, form: str | None) -> pa.ChunkedArray:
    total = cells.cast(pa.duration("s"), safe=False).cast(pa.int64())
    pieces = (form or "%H:%M:%S").split(":")
    texts = []
    for piece, values in zip(pieces, _clock_parts(total), strict=False):
        texts.append(values if piece.startswith("%-") else pc.utf8_lpad(values, 2, "0"))
    return pc.binary_join_element_wise(*texts, ":")


def _clock_parts(total: pa.ChunkedArray) -> list[pa.ChunkedArray]:
    hours = pc.divide(total, 3600)
    rest = pc.subtract(total, pc.multiply(hours, 3600))
    minutes = pc.divide(rest, 60)
    seconds = pc.subtract(rest, pc.multiply(minutes, 60))
    return [part.cast(pa.string()) for part in (hours, minutes, seconds)]
