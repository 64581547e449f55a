"""Text cells to typed cells by our own rules.

Rules, in this order, on the distinct words of a column:
1. an empty cell is missing; a quoted empty cell too, unless the column also has unquoted ones;
2. null words (NA, ?, null, -, ...) are missing when all other words are numbers, dates, true/false or times;
3. otherwise only the plain ones (NA, N/A, NaN, NULL, ?, ...) are, but not among codes of their shape (NA for Namibia);
4. numbers with a leading zero are codes and stay text; whole numbers stay whole next to missing cells;
5. up to three other words that come again and again among many numbers or dates (k.A., refused) are missing: a Note;
6. what is left is text. Yes/No and Y/N are text (levels), true/false is boolean.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Note
from synthwright.io.dates import Dates, guess_dates
from synthwright.io.words import (
    CLOCK,
    NUMBER,
    PLAIN_NULLS,
    WEAK_NULLS,
    Style,
    Words,
    all_match,
    any_match,
    clock_seconds,
    distinct,
    is_in,
    to_float,
)

_THOUSANDS = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_DECIMAL_COMMA = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+|\d+),\d+$"
_BOOLEANS = (("true", "false"), ("True", "False"), ("TRUE", "FALSE"))
_UNUSABLE = {
    "mixed": Note("R105", "dates are written in both orders of day and month; they stay text"),
    "zones": Note("R115", "some moments have a time zone and some have none; they stay text"),
}
_LIKELY = 0.5  # share of number cells from which the other cells deserve a Note
_MARKERS, _MARKED = 3, 5  # words that stand for missing among numbers: at most so many, each at least so often
_BESIDE, _VALUES = 0.8, 20  # share of the numbers beside them, and how many differ: among few, a word is a level


@dataclass(frozen=True)
class Typed:
    """A typed column, what is known of it for the schema, and notes. order: see `dates.Dates`."""

    cells: pa.ChunkedArray
    hint: Mapping[str, object] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    order: str = ""


@dataclass(frozen=True)
class _Parsed:
    """Typed values of words (null where a word does not fit), the format to write them, and a reason."""

    values: pa.Array
    format: str | None
    why: str
    order: str = ""
    notes: tuple[Note, ...] = ()


def guess_cells(name: str, cells: pa.ChunkedArray, style: Style) -> Typed:
    """Type a column of texts (null: an unquoted empty cell) by the rules above."""
    found = distinct(cells)
    has_empty = cells.null_count > 0
    trimmed, trim_notes = _trim(name, found)
    blank = np.asarray(pc.equal(trimmed, "")) & (not has_empty) if len(trimmed) else np.zeros(0, bool)
    blank |= np.asarray(pc.and_(pc.equal(trimmed, ""), pc.not_equal(found.words, ""))) if len(trimmed) else False
    plain, weak = _null_masks(trimmed, style)
    if not (~(blank | plain | weak)).any() and not plain.any() and style.null_words is None:
        weak = np.zeros(len(trimmed), bool)
    nulls = blank | plain | weak
    marked = _markers(trimmed, found, nulls, style)
    nulls |= marked
    rest = trimmed.filter(pa.array(~nulls))
    parsed = _parse(rest, style) if len(rest) else None
    if parsed is not None and parsed.order not in _UNUSABLE:
        values = _scatter(parsed.values, ~nulls)
        hint = {"format": parsed.format, **_null_hint(trimmed, nulls, found, has_empty), "evidence": parsed.why}
        notes = (
            *(replace(note, where=name) for note in parsed.notes),
            *_loss_notes(name, found, trimmed, parsed),
            *_marker_notes(name, found, trimmed, marked),
        )
        return Typed(found.spread(values), hint, notes, parsed.order)
    notes = trim_notes
    if parsed is not None:
        notes = (*notes, replace(_UNUSABLE[parsed.order], where=name))
    return _as_text(name, found, trimmed, (blank, plain), notes, has_empty=has_empty)


def _trim(name: str, found: Words) -> tuple[pa.Array, tuple[Note, ...]]:
    """Words without outer blanks: for numbers always, for texts when every cell has them."""
    trimmed = pc.utf8_trim_whitespace(found.words)
    padded = np.asarray(pc.not_equal(trimmed, found.words)) if len(trimmed) else np.zeros(0, bool)
    if padded.all() and len(padded) and not all_match(trimmed, NUMBER):
        return trimmed, (Note("R106", "blanks around every text were removed", name),)
    return trimmed, ()


def _null_masks(words: pa.Array, style: Style) -> tuple[np.ndarray, np.ndarray]:
    """Which words are plain and weak null words; with `null_words` given, those are the plain ones."""
    plain = PLAIN_NULLS if style.null_words is None else style.null_words
    weak = WEAK_NULLS if style.null_words is None else ()
    return is_in(words, plain), is_in(words, weak)


def _markers(words: pa.Array, found: Words, nulls: np.ndarray, style: Style) -> np.ndarray:
    """Which words stand for missing because all others are numbers or dates: a mask, empty when that is not clear."""
    none = np.zeros(len(words), bool)
    if style.null_words is not None or not len(words):
        return none
    odd = ~np.asarray(pc.match_substring_regex(words, r"\d")) & ~nulls
    rest = ~odd & ~nulls
    if not 1 <= odd.sum() <= _MARKERS or found.counts[odd].min() < _MARKED or rest.sum() < _VALUES:
        return none
    if found.count(rest) < _BESIDE * found.count(rest | odd):
        return none
    parsed = _parse(words.filter(pa.array(rest)), style)
    return none if parsed is None or parsed.order in _UNUSABLE else odd


def _marker_notes(name: str, found: Words, words: pa.Array, marked: np.ndarray) -> list[Note]:
    if not marked.any():
        return []
    said = ", ".join(f"{words[int(i)].as_py()!r} ({found.counts[i]:,})" for i in np.flatnonzero(marked))
    return [Note("R116", f"cells that are no values like the others count as missing: {said}", name)]


def _null_hint(trimmed: pa.Array, nulls: np.ndarray, found: Words, has_empty: bool) -> dict[str, object]:
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


def _parse_numbers(words: pa.Array, style: Style) -> _Parsed | None:
    if not any_match(words.slice(0, 1), r"\d|(?i:inf)"):
        return None
    plain, grouped = words, False
    if style.decimal == ",":
        if not all_match(words, f"{_DECIMAL_COMMA}|{NUMBER}"):
            return None
        if any_match(words, ","):
            plain, grouped = (
                pc.replace_substring(pc.replace_substring(words, ".", ""), ",", "."),
                any_match(words, r"\."),
            )
    elif not all_match(words, NUMBER):
        if not all_match(words, rf"{_THOUSANDS}|^[+-]?\d{{1,3}}(?:\.\d+)?$"):
            return None
        plain, grouped = pc.replace_substring(words, ",", ""), True
    if any_match(plain, r"^[+-]?0\d"):
        return None
    return _whole(plain, grouped) or _fractions(plain, grouped)


def _whole(words: pa.Array, grouped: bool) -> _Parsed | None:
    """Whole numbers, also when every one is written with the same useless zeros (3.0)."""
    comma = "," if grouped else ""
    if all_match(words, r"^[+-]?\d+$"):
        digits, form, why = words, f"{comma}d" if grouped else None, ""
    elif all_match(words, r"^[+-]?\d{1,15}\.0+$"):
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
    if all_match(words, r"^[+-]?\d+$"):
        return None  # whole numbers beyond 64 bits: a float would not be exact
    values = to_float(words)
    return _Parsed(values, _decimal_format(words, grouped), "")


def _decimal_format(words: pa.Array, grouped: bool) -> str | None:
    """`.2f` when all words have the same number of decimals, `g` when whole values are written bare (3), else None."""
    comma = "," if grouped else ""
    if all_match(words, r"^[+-]?\d{1,15}\.\d+$"):
        lengths = pc.min_max(pc.utf8_length(pc.extract_regex(words, r"\.(?P<d>\d+)$").field("d"))).as_py()
        if lengths["min"] == lengths["max"] <= 15:
            return f"{comma}.{lengths['min']}f"
    if grouped:
        return ","
    return "g" if any_match(words, r"^[+-]?\d+$") else None


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
    return _Parsed(
        dates.values, dates.format, f"dates as {dates.format or 'ISO 8601'}", dates.order, _date_notes(dates, words)
    )


def _date_notes(dates: Dates, words: pa.Array) -> tuple[Note, ...]:
    notes = []
    if dates.order == "either":
        first = "day" if (dates.format or "").lstrip("%-").startswith("d") else "month"
        notes.append(Note("R104", f"day and month cannot be told apart; read with the {first} first ({dates.format})"))
    if getattr(dates.values.type, "tz", None) == "UTC" and not all_match(words, "Z$"):
        notes.append(Note("R107", "times of several zone offsets (or UTC) were read as UTC"))
    return tuple(notes)


def _parse_clock(words: pa.Array, style: Style) -> _Parsed | None:
    if not all_match(words, CLOCK):
        return None
    has_seconds = all_match(words, r"^\d+:\d+:\d+$")
    if not has_seconds and any_match(words, r"^\d+:\d+:\d+$"):
        return None
    padded = all_match(words, r"^\d\d:")
    form = ("%H" if padded else "%-H") + ":%M" + (":%S" if has_seconds else "")
    return _Parsed(clock_seconds(words), form, f"times as {form}")


def _loss_notes(name: str, found: Words, trimmed: pa.Array, parsed: _Parsed) -> list[Note]:
    if not pa.types.is_floating(parsed.values.type):
        return []
    long = np.asarray(pc.match_substring_regex(trimmed, r"^[+-]?0*\.?0*[1-9]\.?(?:\d\.?){17,}$"))
    n = found.count(long)
    return [Note("R108", f"{n:,} numbers have more than 17 digits; the last ones were rounded", name)] if n else []


def _as_text(
    name: str,
    found: Words,
    trimmed: pa.Array,
    masks: tuple[np.ndarray, np.ndarray],
    notes: tuple[Note, ...],
    *,
    has_empty: bool,
) -> Typed:
    blank, plain = masks
    words = trimmed if notes and notes[0].code == "R106" else found.words
    rest = (
        [word for word, null in zip(words.to_pylist(), blank | plain, strict=True) if not null] if plain.any() else []
    )
    evidence = []
    if rest and _same_short_shape(rest, [w for w, p in zip(words.to_pylist(), plain, strict=True) if p]):
        plain = np.zeros(len(plain), bool)
        evidence.append("a null word is kept: it has the shape of the other codes")
    nulls = blank | plain
    if len(words) and nulls.all() and not has_empty:
        evidence.append("only null words")
    numbers = f"{NUMBER}|{_DECIMAL_COMMA}"
    number = np.asarray(pc.match_substring_regex(trimmed, numbers)) & ~nulls if len(trimmed) else nulls
    if len(number) and number.any() and any_match(trimmed.filter(pa.array(number)), r"^[+-]?0\d"):
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


def _mixed_notes(name: str, found: Words, number: np.ndarray, nulls: np.ndarray) -> list[Note]:
    """A Note when most cells of a text column are numbers: how many are not, and in which rows."""
    others = ~number & ~nulls
    n_number, n_other = found.count(number), found.count(others)
    if not n_other and n_number and len(number):
        words = found.words.filter(pa.array(number))
        if all_match(words, r"^\s*[+-]?[1-9]\d*\s*$"):
            return [Note("R109", "whole numbers beyond 64 bits stay text, so that no digit is lost", name)]
    if not n_other or n_number < _LIKELY * (n_number + n_other):
        return []
    flags = found.spread(pa.array(others))
    rows = [int(i) for i in pc.indices_nonzero(flags.fill_null(False))[:3].to_pylist()]
    what = f"{n_other:,} of {n_number + n_other:,} cells are not numbers (rows {', '.join(map(str, rows))}"
    more = ", ..." if n_other > len(rows) else ""
    return [Note("R103", f"{what}{more}); the column stays text", name)]
