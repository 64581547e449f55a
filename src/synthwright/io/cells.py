"""Text cells to typed cells by our own rules, and back to the same text.

Rules, in this order, on the distinct words of a column:
1. an empty cell is missing; a quoted empty cell too, unless the column also has unquoted ones;
2. null words (NA, ?, null, -, ...) are missing when all other words are numbers, dates, true/false or times;
3. otherwise only the plain ones (NA, N/A, NaN, NULL, ?, ...) are, and not among codes of the same shape (NA for Namibia);
4. numbers with a leading zero are codes and stay text; whole numbers stay whole next to missing cells;
5. what is left is text. Yes/No and Y/N are text (levels), true/false is boolean.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Note
from synthwright.core.errors import Unsupported
from synthwright.data.schema import Column, arrow_type
from synthwright.io.dates import Dates, guess_dates, parse_dates, write_dates

PLAIN_NULLS = ("NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "?", "<NA>", "#N/A", "NaT")
WEAK_NULLS = ("None", "none", "na", "-", "--", ".", "nil", "missing", "Missing", "unknown", "Unknown")
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity)$"
_THOUSANDS = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_DECIMAL_COMMA = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+$"
_CLOCK = r"^(?P<hour>\d{1,3}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?$"
_BOOLEANS = (("true", "false"), ("True", "False"), ("TRUE", "FALSE"))
_HEAD = 256
_LIKELY = 0.5  # share of number cells from which the other cells deserve a Note


@dataclass(frozen=True)
class Style:
    """How a file writes cells. decimal: "." or ","; day_first: order of ambiguous dates; null_words: replace the rules."""

    decimal: str = "."
    day_first: bool | None = None
    null_words: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Typed:
    """A typed column, what is known of it for the schema, and notes. order: see `dates.Dates`."""

    cells: pa.ChunkedArray
    hint: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    order: str = ""


@dataclass(frozen=True)
class _Words:
    """Distinct words of a column, how often each occurs, and where."""

    words: pa.Array
    counts: np.ndarray
    index: pa.ChunkedArray

    def spread(self, values: pa.Array) -> pa.ChunkedArray:
        """Cells from one value for each distinct word."""
        return values.take(self.index) if len(values) else pa.chunked_array([pa.nulls(len(self.index), values.type)])

    def count(self, mask: np.ndarray) -> int:
        """Cells whose word is in the mask."""
        return int(self.counts[mask].sum())


@dataclass(frozen=True)
class _Parsed:
    """Typed values of words (null where a word does not fit), the format to write them, and a reason."""

    values: pa.Array
    format: str | None
    why: str
    order: str = ""
    notes: tuple[Note, ...] = ()


def _distinct(cells: pa.ChunkedArray) -> _Words:
    if cells.nbytes > 2**31 - 1 and pa.types.is_string(cells.type):
        cells = cells.cast(pa.large_string())
    # One chunk first: unifying the dictionaries of many chunks took 45 s for a million rows, this takes 2 s.
    coded = (cells.combine_chunks() if cells.num_chunks else pa.array([], cells.type)).dictionary_encode()
    words, index = coded.dictionary, coded.indices
    counts = np.bincount(index.drop_null().to_numpy(zero_copy_only=False), minlength=len(words))
    return _Words(words, counts, pa.chunked_array([index]))


# -- without a schema


def guess_cells(name: str, cells: pa.ChunkedArray, style: Style) -> Typed:
    """Type a column of texts (null: an unquoted empty cell) by the rules above."""
    found = _distinct(cells)
    has_empty = cells.null_count > 0
    trimmed, trim_notes = _trim(name, found)
    blank = np.asarray(pc.equal(trimmed, "")) & (not has_empty) if len(trimmed) else np.zeros(0, bool)
    blank |= np.asarray(pc.and_(pc.equal(trimmed, ""), pc.not_equal(found.words, ""))) if len(trimmed) else False
    plain, weak = _null_masks(trimmed, style)
    if not (~(blank | plain | weak)).any() and not plain.any() and style.null_words is None:
        weak = np.zeros(len(trimmed), bool)
    nulls = blank | plain | weak
    rest = trimmed.filter(pa.array(~nulls))
    parsed = _parse(rest, style) if len(rest) else None
    if parsed is not None and parsed.order != "mixed":
        values = _scatter(parsed.values, ~nulls)
        hint = {"format": parsed.format, **_null_hint(trimmed, nulls, found, has_empty), "evidence": parsed.why}
        notes = (*(replace(note, where=name) for note in parsed.notes), *_loss_notes(name, found, trimmed, parsed))
        return Typed(found.spread(values), hint, notes, parsed.order)
    notes = trim_notes
    if parsed is not None:
        notes = (*notes, Note("R105", "dates are written in both orders of day and month; they stay text", name))
    return _as_text(name, found, trimmed, (blank, plain), notes, has_empty=has_empty)


def _trim(name: str, found: _Words) -> tuple[pa.Array, tuple[Note, ...]]:
    """Words without outer blanks: for numbers always, for texts when every cell has them."""
    trimmed = pc.utf8_trim_whitespace(found.words)
    padded = np.asarray(pc.not_equal(trimmed, found.words)) if len(trimmed) else np.zeros(0, bool)
    if padded.all() and len(padded) and not _all_match(trimmed, _NUMBER):
        return trimmed, (Note("R106", "blanks around every text were removed", name),)
    return trimmed, ()


def _null_masks(words: pa.Array, style: Style) -> tuple[np.ndarray, np.ndarray]:
    """Which words are plain and weak null words; with `null_words` given, those are the plain ones."""
    plain = PLAIN_NULLS if style.null_words is None else style.null_words
    weak = WEAK_NULLS if style.null_words is None else ()
    return _is_in(words, plain), _is_in(words, weak)


def _is_in(words: pa.Array, wanted: Sequence[str]) -> np.ndarray:
    if not len(words) or not wanted:
        return np.zeros(len(words), bool)
    return np.asarray(pc.is_in(words, value_set=pa.array(list(wanted), words.type)))


def _null_hint(trimmed: pa.Array, nulls: np.ndarray, found: _Words, has_empty: bool) -> dict[str, object]:
    """The null words met, most frequent first; nothing when only empty cells stood for missing."""
    met = [(int(found.counts[i]), trimmed[int(i)].as_py()) for i in np.flatnonzero(nulls)]
    n_empty = int(found.index.null_count)
    if has_empty:
        met.append((n_empty, ""))
    words = tuple(dict.fromkeys(word for _, word in sorted(met, key=lambda item: (-item[0], item[1]))))
    return {} if set(words) <= {""} else {"null_words": words}


def _scatter(values: pa.Array, where: np.ndarray) -> pa.Array:
    """`values` at the places where the mask holds, null elsewhere."""
    position = np.cumsum(where) - 1
    return values.take(pa.array(position, pa.int64(), mask=~where))


def _parse(words: pa.Array, style: Style) -> _Parsed | None:
    for attempt in (_parse_numbers, _parse_booleans, _parse_dates, _parse_clock):
        if parsed := attempt(words, style):
            return parsed
    return None


def _all_match(words: pa.Array, pattern: str) -> bool:
    # Most columns fail on their first words.
    if len(words) > _HEAD and not _all_match(words.slice(0, _HEAD), pattern):
        return False
    return bool(pc.all(pc.match_substring_regex(words, pattern), min_count=0).as_py())


def _any_match(words: pa.Array, pattern: str) -> bool:
    return bool(pc.any(pc.match_substring_regex(words, pattern), min_count=0).as_py())


def _parse_numbers(words: pa.Array, style: Style) -> _Parsed | None:
    if not _any_match(words.slice(0, 1), r"\d|(?i:inf)"):
        return None
    plain, grouped = words, False
    if style.decimal == ",":
        if not _all_match(words, f"{_DECIMAL_COMMA}|{_NUMBER}"):
            return None
        if _any_match(words, ","):
            plain = pc.replace_substring(pc.replace_substring(words, ".", ""), ",", ".")
    elif not _all_match(words, _NUMBER):
        if not _all_match(words, rf"{_THOUSANDS}|^[+-]?\d{{1,3}}(?:\.\d+)?$"):
            return None
        plain, grouped = pc.replace_substring(words, ",", ""), True
    if _any_match(plain, r"^[+-]?0\d"):
        return None
    return _whole(plain, grouped) or _fractions(plain, grouped)


def _whole(words: pa.Array, grouped: bool) -> _Parsed | None:
    """Whole numbers, also when every one is written with the same useless zeros (3.0)."""
    comma = "," if grouped else ""
    if _all_match(words, r"^[+-]?\d+$"):
        digits, form, why = words, f"{comma}d" if grouped else None, ""
    elif _all_match(words, r"^[+-]?\d{1,15}\.0+$"):
        zeros = pc.min_max(pc.utf8_length(pc.extract_regex(words, r"\.(?P<z>0+)$").field("z"))).as_py()
        if zeros["min"] != zeros["max"]:
            return None
        digits = pc.replace_substring_regex(words, r"\.0+$", "")
        form, why = f"{comma}.{zeros['min']}f", "decimals are all zero"
    else:
        return None
    try:
        values = pc.utf8_ltrim(digits, "+").cast(pa.int64())
    except pa.ArrowInvalid:
        return None
    return _Parsed(values, form, why)


def _fractions(words: pa.Array, grouped: bool) -> _Parsed | None:
    if _all_match(words, r"^[+-]?\d+$"):
        return None  # whole numbers beyond 64 bits: a float would not be exact
    values = _to_float(words)
    return _Parsed(values, _decimal_format(words, grouped), "")


def _to_float(words: pa.Array) -> pa.Array:
    plain = pc.utf8_ltrim(words, "+")
    plain = pc.replace_substring_regex(plain, r"(?i)infinity", "inf")
    plain = pc.replace_substring_regex(plain, r"\.$|\.(?P<e>[eE])", r"\1")
    return plain.cast(pa.float64())


def _decimal_format(words: pa.Array, grouped: bool) -> str | None:
    """`.2f` when all words have the same number of decimals, `g` when whole values are written bare (3), else None."""
    comma = "," if grouped else ""
    if _all_match(words, r"^[+-]?\d{1,15}\.\d+$"):
        lengths = pc.min_max(pc.utf8_length(pc.extract_regex(words, r"\.(?P<d>\d+)$").field("d"))).as_py()
        if lengths["min"] == lengths["max"] <= 15:
            return f"{comma}.{lengths['min']}f"
    if grouped:
        return ","
    return "g" if _any_match(words, r"^[+-]?\d+$") else None


def _parse_booleans(words: pa.Array, style: Style) -> _Parsed | None:
    if len(words) > 2:
        return None
    for yes, no in _BOOLEANS:
        if set(words.to_pylist()) <= {yes, no}:
            return _Parsed(pc.equal(words, yes), f"{yes}|{no}", "")
    return None


def _parse_dates(words: pa.Array, style: Style) -> _Parsed | None:
    dates = guess_dates(words, day_first=style.day_first)
    if dates is None:
        return None
    return _Parsed(dates.values, dates.format, f"dates as {dates.format or 'ISO 8601'}", dates.order, _date_notes(dates))


def _date_notes(dates: Dates) -> tuple[Note, ...]:
    notes = []
    if dates.order == "either":
        first = "day" if (dates.format or "").lstrip("%-").startswith("d") else "month"
        notes.append(Note("R104", f"day and month cannot be told apart; read with the {first} first ({dates.format})"))
    if dates.format and dates.format.endswith("z") and dates.values.type.tz == "UTC":
        notes.append(Note("R107", "times of several zone offsets (or UTC) were read as UTC"))
    return tuple(notes)


def _parse_clock(words: pa.Array, style: Style) -> _Parsed | None:
    if not _all_match(words, _CLOCK):
        return None
    has_seconds = _all_match(words, r"^\d+:\d+:\d+$")
    if not has_seconds and _any_match(words, r"^\d+:\d+:\d+$"):
        return None
    padded = _all_match(words, r"^\d\d:")
    form = ("%H" if padded else "%-H") + ":%M" + (":%S" if has_seconds else "")
    return _Parsed(_clock_seconds(words), form, f"times as {form}")


def _clock_seconds(words: pa.Array) -> pa.Array:
    parts = pc.extract_regex(words, _CLOCK)
    total = None
    for name, factor in (("hour", 3600), ("minute", 60), ("second", 1)):
        text = pc.struct_field(parts, name)
        term = pc.multiply(pc.if_else(pc.equal(text, ""), "0", text).cast(pa.int64()), factor)
        total = term if total is None else pc.add(total, term)
    return total.cast(pa.duration("s"))


def _loss_notes(name: str, found: _Words, trimmed: pa.Array, parsed: _Parsed) -> list[Note]:
    if not pa.types.is_floating(parsed.values.type):
        return []
    long = np.asarray(pc.match_substring_regex(trimmed, r"^[+-]?0*\.?0*[1-9]\.?(?:\d\.?){17,}$"))
    n = found.count(long)
    return [Note("R108", f"{n:,} numbers have more than 17 digits; the last ones were rounded", name)] if n else []


def _as_text(
    name: str,
    found: _Words,
    trimmed: pa.Array,
    masks: tuple[np.ndarray, np.ndarray],
    notes: tuple[Note, ...],
    *,
    has_empty: bool,
) -> Typed:
    blank, plain = masks
    words = trimmed if notes and notes[0].code == "R106" else found.words
    rest = [word for word, null in zip(words.to_pylist(), blank | plain, strict=True) if not null] if plain.any() else []
    evidence = []
    if rest and _same_short_shape(rest, [w for w, p in zip(words.to_pylist(), plain, strict=True) if p]):
        plain = np.zeros(len(plain), bool)
        evidence.append("a null word is kept: it has the shape of the other codes")
    nulls = blank | plain
    if len(words) and nulls.all() and not has_empty:
        evidence.append("only null words")
    number = np.asarray(pc.match_substring_regex(trimmed, _NUMBER)) & ~nulls if len(trimmed) else nulls
    if len(number) and number.any() and _any_match(trimmed.filter(pa.array(number)), r"^[+-]?0\d"):
        evidence.append("leading zeros: codes, not numbers")
    notes = (*notes, *_mixed_notes(name, found, number, nulls))
    hint: dict[str, object] = {**_null_hint(trimmed, nulls, found, has_empty), "evidence": "; ".join(evidence)}
    values = pc.if_else(pa.array(nulls, pa.bool_()), pa.scalar(None, pa.string()), words) if len(words) else words
    return Typed(found.spread(values), hint, notes)


def _same_short_shape(words: Sequence[str], nulls: Sequence[str]) -> bool:
    """Whether a null word looks like the other words: upper-case codes of the same length, as NA among DE, FR, US."""
    sizes = {len(word) for word in nulls}
    return all(w.isalpha() and w.isupper() for w in nulls) and all(
        w.isalpha() and w.isupper() and len(w) in sizes for w in words
    )


def _mixed_notes(name: str, found: _Words, number: np.ndarray, nulls: np.ndarray) -> list[Note]:
    """A Note when most cells of a text column are numbers: how many are not, and in which rows."""
    others = ~number & ~nulls
    n_number, n_other = found.count(number), found.count(others)
    if not n_other and n_number and len(number):
        words = found.words.filter(pa.array(number))
        if _all_match(words, r"^\s*[+-]?[1-9]\d*\s*$"):
            return [Note("R109", "whole numbers beyond 64 bits stay text, so that no digit is lost", name)]
    if not n_other or n_number < _LIKELY * (n_number + n_other):
        return []
    flags = found.spread(pa.array(others))
    rows = [int(i) for i in pc.indices_nonzero(flags.fill_null(False))[:3].to_pylist()]
    what = f"{n_other:,} of {n_number + n_other:,} cells are not numbers (rows {', '.join(map(str, rows))}"
    more = ", ..." if n_other > len(rows) else ""
    return [Note("R103", f"{what}{more}); the column stays text", name)]


# -- with a schema


def typed_cells(
    column: Column, cells: pa.ChunkedArray, style: Style
) -> tuple[pa.ChunkedArray, pa.ChunkedArray | None]:
    """Type a column of texts as the schema says. Returns cells, and the texts that do not fit if there are any.

    Raises Unsupported for a type that text cannot hold.
    """
    kind = column_type(column)
    found = _distinct(cells)
    words = pc.utf8_trim_whitespace(found.words)
    nulls = _schema_nulls(column, found.words if _is_text(kind) else words, style, text=_is_text(kind))
    if style.decimal == "," and (pa.types.is_floating(kind) or pa.types.is_decimal(kind)):
        words = pc.replace_substring(pc.replace_substring(words, ".", ""), ",", ".")
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
    nulls = _is_in(words, allowed)
    if not text:
        nulls |= _is_in(words, ("",))
    return nulls


def _values_as(kind: pa.DataType, column: Column, words: pa.Array) -> pa.Array:
    """Words as values of a type; null where a word does not fit."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if _is_text(kind):
        return words.cast(kind)
    if pa.types.is_boolean(kind):
        yes, _, no = (column.format or "|").partition("|")
        is_yes = _is_in(words, (yes, "true", "True", "TRUE", "1"))
        is_no = _is_in(words, (no, "false", "False", "FALSE", "0"))
        return pa.array(is_yes, mask=~(is_yes | is_no))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _dates_as(kind, column.format, words)
    if pa.types.is_duration(kind):
        fits = pc.match_substring_regex(words, _CLOCK)
        return _masked(words, fits, "0:00", _clock_seconds).cast(kind)
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
        values = _masked(plain, pc.match_substring_regex(plain, _NUMBER), "0", _to_float)
        return values.cast(kind) if pa.types.is_floating(kind) else _decimals_as(kind, plain, values)
    digits = pc.utf8_ltrim(pc.replace_substring_regex(plain, r"\.0*$", ""), "+")
    fits = pc.match_substring_regex(digits, r"^-?\d{1,19}$")
    try:
        return _masked(digits, fits, "0", lambda w: w.cast(kind))
    except pa.ArrowInvalid:
        info = np.iinfo(kind.to_pandas_dtype())
        inside = [bool(ok) and info.min <= int(word) <= info.max for word, ok in zip(digits.to_pylist(), fits.to_pylist(), strict=True)]
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


def written(column: Column, cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts of typed cells by the column's format; missing cells become its first null word, or stay null."""
    text = _written_values(cells, column.format)
    if column.null_words and column.null_words[0]:
        return text.fill_null(column.null_words[0])
    return text


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
        distinct = _distinct(cells)
        spec = form.removesuffix("d") if pa.types.is_floating(cells.type) else form
        texts = [format(value, spec) for value in distinct.words.to_pylist()]
        return distinct.spread(pa.array(texts, pa.string()))
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
