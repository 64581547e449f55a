"""Dates and times as text: recognise one form for a whole column, parse it, write it back the same way.

Formats are strftime formats with four additions: `%-d` and `%-m` (no leading zero), `%:z` (+01:00) and `%3f` (a
fraction of three digits). A column of mixed ISO forms has no format and is written as ISO 8601.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Order = Literal["day", "month", "either", "mixed", "zones", ""]

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_SHORT = tuple(month[:3] for month in _MONTHS)
_TOKEN = re.compile(r"%(:z|-?[a-zA-Z]|\df)")
_FIELDS = {
    "Y": r"(?P<year>\d{4})",
    "y": r"(?P<short_year>\d{2})",
    "m": r"(?P<month>\d{2})",
    "-m": r"(?P<month>\d{1,2})",
    "d": r"(?P<day>\d{2})",
    "-d": r"(?P<day>\d{1,2})",
    "b": rf"(?P<month_name>(?i:{'|'.join(_SHORT)}))",
    "B": rf"(?P<month_name>(?i:{'|'.join(_MONTHS)}))",
    "H": r"(?P<hour>\d{2})",
    "-H": r"(?P<hour>\d{1,2})",
    "I": r"(?P<hour12>\d{2})",
    "-I": r"(?P<hour12>\d{1,2})",
    "p": r"(?P<half>(?i:AM|PM))",
    "M": r"(?P<minute>\d{2})",
    "S": r"(?P<second>\d{2})",
    "f": r"(?P<fraction>\d{6})",
    "z": r"(?P<zone>[+-]\d{4})",
    ":z": r"(?P<zone>[+-]\d{2}:\d{2})",
}
_ISO = (
    r"^(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"
    r"(?:[T ](?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?)?$"
)
# Two-digit years below this one are of this century, as POSIX has it.
_CENTURY_TURN = 69
_HOURS = (
    "%H:%M",
    "%H:%M:%S",
    "%H:%M:%S.%f",
    "%-H:%M",
    "%-H:%M:%S",
    "%I:%M %p",
    "%I:%M:%S %p",
    "%-I:%M %p",
    "%-I:%M:%S %p",
)
_CLOCKS = tuple(gap + hour for gap in " T" for hour in _HOURS)
_ZONES = ("", "Z", "%:z", "%z", " %z")
_MAY_BE_DATE = re.compile(r"^[A-Za-z\d][A-Za-z\d ,:./+TZ-]{4,40}$")


@dataclass(frozen=True)
class Dates:
    """A parsed column of dates: values (date32 or timestamp), format, and the order of day and month.

    order "mixed" (both orders) and "zones" (moments with and without a zone) have no usable values.
    """

    values: pa.Array
    format: str | None
    order: Order = ""


def guess_dates(words: pa.Array, *, day_first: bool | None = None) -> Dates | None:
    """Parse distinct texts that all have one date form; None when they do not.

    When both orders of day and month fit every word, `day_first` decides; without it a slash means month first and
    a point or a dash day first, and `order` says "either". Words that need both orders give `order` "mixed", ISO
    words of which only some have a zone "zones".
    """
    if not len(words) or not _MAY_BE_DATE.match(words[0].as_py()):
        return None
    fits = _forms_of(words[0].as_py())
    parsed = [(form, parse_dates(words, form)) for form in fits]
    good = [(form, values) for form, values in parsed if values is not None and not values.null_count]
    if good:
        return _choose(good, day_first)
    if (values := _parse(words, _ISO)) is not None:
        if not values.null_count:
            return Dates(values, None)
        if _all_dates(words.filter(values.is_null())):
            return Dates(pa.nulls(len(words), pa.date32()), None, "zones")
    if _is_mixed(words, fits):
        return Dates(pa.nulls(len(words), pa.date32()), None, "mixed")
    return None


def _choose(good: list[tuple[str, pa.Array]], day_first: bool | None) -> Dates:
    orders = {_order(form) for form, _ in good}
    if orders == {"day", "month"}:
        wanted = day_first if day_first is not None else "/" not in good[0][0]
        good = [item for item in good if (_order(item[0]) == "day") == wanted]
        form, values = good[0]
        return Dates(values, form, "either" if day_first is None else _order(form))
    form, values = good[0]
    return Dates(values, form, _order(form))


def _all_dates(words: pa.Array) -> bool:
    values = _parse(words, _ISO)
    return values is not None and not values.null_count


def _order(form: str) -> Order:
    """Which of day and month comes first, for the forms in which a reader could doubt it."""
    if form.startswith("%Y") or "%b" in form.lower():
        return ""
    return "day" if re.match("%-?d", form) else "month"


def _is_mixed(words: pa.Array, fits: list[str]) -> bool:
    """Whether every word is a date in one order or the other, but no single order fits all."""
    for form in fits:
        if not _order(form) or "%-" not in form:
            continue
        swapped = form.replace("%-d", "%?").replace("%-m", "%-d").replace("%?", "%-m")
        one, two = parse_dates(words, form), parse_dates(words, swapped)
        if (
            one is not None
            and two is not None
            and bool(np.all(np.asarray(one.is_valid()) | np.asarray(two.is_valid())))
        ):
            return True
    return False


def _forms_of(word: str) -> list[str]:
    """All formats that one text fits, strict ones (with leading zeros) first."""
    return [
        day + clock + zone
        for day, end in _fitting(word, _day_forms())
        for clock, clock_end in (_fitting(word[end:], _CLOCKS) if end < len(word) else [("", 0)])
        for zone, zone_end in _fitting(word[end + clock_end :], _ZONES)
        if end + clock_end + zone_end == len(word)
    ]


def _fitting(text: str, forms: Iterable[str]) -> list[tuple[str, int]]:
    """The formats that a text begins with, and where the rest starts."""
    found = []
    for form in forms:
        if match := _regex(form).match(text):
            digits = len(match["fraction"]) if "fraction" in match.groupdict() else 6
            found.append((form if digits == 6 else form.replace("%f", f"%{digits}f"), match.end()))
    return found


@cache
def _day_forms() -> tuple[str, ...]:
    days = [f"%Y{s}%m{s}%d" for s in "-/."]
    for s, year in product("/.-", "Yy"):
        days += [f"%{a}{s}%{b}{s}%{year}" for a, b in (("d", "m"), ("m", "d"), ("-d", "-m"), ("-m", "-d"))]
    days += [f"%{d}{s}%{b}{s}%Y" for d in ("d", "-d") for s in " -/" for b in "bB"]
    days += ["%d-%b-%y", *(f"%{b} %{d}, %Y" for d in ("d", "-d") for b in "bB"), "%Y-%-m-%-d", "%Y/%-m/%-d"]
    return tuple(days)


@cache
def _regex(form: str) -> re.Pattern[str]:
    return re.compile(_pattern(form)[:-1].replace(r"(?P<fraction>\d{6})", r"(?P<fraction>\d{1,9})"))


@cache
def _pattern(form: str) -> str:
    """The regular expression (RE2 and Python) of a format. Raises KeyError for an unknown token."""
    parts = ["^"]
    place = 0
    for token in _TOKEN.finditer(form):
        parts.append(re.escape(form[place : token.start()]))
        name = token[1]
        parts.append(rf"(?P<fraction>\d{{{name[0]}}})" if name[0].isdigit() else _FIELDS[name])
        place = token.end()
    return "".join([*parts, re.escape(form[place:]), "$"]).replace(r"\ ", " ").replace(r"\-", "-").replace("\\/", "/")


def parse_dates(words: pa.Array, form: str | None) -> pa.Array | None:
    """Dates from texts by a format (None: ISO 8601); words that do not fit become null.

    Among ISO words with a zone, those without one do not fit: which moment they mean is unknown.

    Returns date32 for formats without a clock, else a timestamp as fine as the fraction, with the zone when the
    texts have one; None when nothing fits. Raises KeyError for a format with an unknown token.
    """
    found = _parse(words, _ISO if form is None else _pattern(form))
    if found is not None and form is not None and form.endswith("Z") and not pa.types.is_date(found.type):
        return found.cast(pa.timestamp(found.type.unit, tz="UTC"))
    return found


def _parse(words: pa.Array, pattern: str) -> pa.Array | None:
    parts = pc.extract_regex(words, pattern)
    fits = np.asarray(parts.is_valid())
    if not fits.any():
        return None
    names = {field.name for field in parts.type}

    def number(name: str, default: int) -> np.ndarray:
        if name not in names:
            return np.full(len(words), default, dtype=np.int64)
        text = pc.struct_field(parts, name)
        cells = pc.if_else(pc.equal(text, ""), str(default), text).cast(pa.int64())
        return np.asarray(cells.fill_null(default), dtype=np.int64)

    year = number("year", 0)
    if "short_year" in names:
        short = number("short_year", 0)
        year = short + np.where(short < _CENTURY_TURN, 2000, 1900)
    month = number("month", 1) if "month_name" not in names else _month_number(pc.struct_field(parts, "month_name"))
    day = number("day", 1)
    hour, minute, second = number("hour", 0), number("minute", 0), number("second", 0)
    fits = fits & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60) & (year > 0)
    if "hour12" in names:
        twelve = number("hour12", 0)
        is_late = np.asarray(pc.equal(pc.utf8_upper(pc.struct_field(parts, "half")), "PM").fill_null(False))
        hour = twelve % 12 + 12 * is_late
        fits &= (twelve >= 1) & (twelve <= 12)
    months = ((year - 1970) * 12 + np.where(fits, month, 1) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    fits &= days.astype("datetime64[M]") == months
    if not fits.any():
        return None
    if names.isdisjoint({"hour", "hour12"}) or (pattern == _ISO and _all_empty(parts, "hour", fits)):
        return pa.array(days.astype("datetime64[D]"), pa.date32(), mask=~fits)
    seconds = days.astype("datetime64[s]").astype(np.int64) + hour * 3600 + minute * 60 + second
    return _timestamps(parts, names, seconds, fits)


def _all_empty(parts: pa.StructArray, name: str, fits: np.ndarray) -> bool:
    return bool(np.all(np.asarray(pc.equal(pc.struct_field(parts, name), "").fill_null(True))[fits]))


def _month_number(texts: pa.Array) -> np.ndarray:
    keys = pc.utf8_slice_codeunits(pc.utf8_lower(texts), 0, 3)
    index = pc.index_in(keys, value_set=pa.array([month.lower() for month in _SHORT]))
    return np.asarray(index.fill_null(-1), dtype=np.int64) + 1


def _timestamps(parts: pa.StructArray, names: set[str], seconds: np.ndarray, fits: np.ndarray) -> pa.Array:
    """Timestamps from whole seconds, the fraction and the zone of the matched texts."""
    unit, fraction = "s", np.zeros(len(seconds), dtype=np.int64)
    if "fraction" in names:
        text = pc.struct_field(parts, "fraction").fill_null("")
        digits = int(pc.max(pc.utf8_length(text)).as_py() or 0)
        unit, width = next(((u, w) for u, w in (("s", 0), ("ms", 3), ("us", 6), ("ns", 9)) if digits <= w))
        if width:
            fraction = np.asarray(pc.utf8_rpad(text, width, "0").cast(pa.int64()), dtype=np.int64)
    zone = None
    if "zone" in names:
        text = pc.struct_field(parts, "zone").fill_null("")
        offsets = np.array([_offset_seconds(v) for v in text.to_pylist()], dtype=np.int64)
        known = pc.unique(text.filter(pa.array(fits))).to_pylist()
        if any(known):
            fits = fits & np.asarray(pc.not_equal(text, ""))
            seconds = seconds - offsets
            zone = _zone_name([one for one in known if one])
    factor = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    limit = 2**63 // factor - 1
    fits = fits & (np.abs(seconds) < limit)
    values = np.where(fits, seconds, 0) * factor + fraction
    return pa.array(values, pa.int64(), mask=~fits).cast(pa.timestamp(unit, tz=zone))


def _offset_seconds(text: str) -> int:
    if text in ("", "Z"):
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:])
    return (-1 if text[0] == "-" else 1) * (hours * 3600 + minutes * 60)


def _zone_name(texts: list[str]) -> str:
    """The common offset as `+01:00`, or UTC when the texts differ."""
    offsets = {_offset_seconds(text) for text in texts}
    if len(offsets) > 1 or offsets == {0}:
        return "UTC"
    return _offset_text(offsets.pop(), ":")


def _offset_text(seconds: int, colon: str) -> str:
    sign, minutes = ("-" if seconds < 0 else "+"), abs(seconds) // 60
    return f"{sign}{minutes // 60:02d}{colon}{minutes % 60:02d}"


def write_dates(cells: pa.ChunkedArray, form: str | None) -> pa.ChunkedArray:
    """Dates as texts by a format (None: ISO 8601 with as many digits as the type holds)."""
    kind = cells.type
    if form is None:
        form = "%Y-%m-%d" if pa.types.is_date(kind) else _iso_form(kind)
    local, offsets = _local_micro(cells)
    pieces: list[pa.Array | str] = []
    place = 0
    for token in _TOKEN.finditer(form):
        pieces += [form[place : token.start()], _piece(token[1], local, offsets)]
        place = token.end()
    pieces.append(form[place:])
    text = pc.binary_join_element_wise(*[p if isinstance(p, pa.Array) else pa.scalar(p) for p in pieces], "")
    return pa.chunked_array([pc.if_else(pa.array(np.isnat(local)), pa.scalar(None, pa.string()), text)])


def _iso_form(kind: pa.DataType) -> str:
    tail = {"s": "", "ms": ".%3f", "us": ".%6f", "ns": ".%9f"}[kind.unit]
    zone = "" if kind.tz is None else "Z" if kind.tz in ("UTC", "Etc/UTC", "+00:00") else "%:z"
    return f"%Y-%m-%dT%H:%M:%S{tail}{zone}"


def _local_micro(cells: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Wall-clock times as datetime64 in the column's own unit, and the zone's offset of each in seconds."""
    whole = pa.chunked_array([cells.combine_chunks()]) if cells.num_chunks != 1 else cells
    array = whole.chunk(0) if whole.num_chunks else pa.nulls(0, cells.type)
    kind = array.type
    if pa.types.is_date(kind):
        days = array.cast(pa.date32()).cast(pa.timestamp("s")).to_numpy(zero_copy_only=False)
        return days, np.zeros(len(days), dtype=np.int64)
    utc = array.cast(pa.timestamp(kind.unit)).to_numpy(zero_copy_only=False)
    if kind.tz is None:
        return utc, np.zeros(len(utc), dtype=np.int64)
    if match := re.fullmatch(r"[+-]\d{2}:\d{2}", kind.tz):
        offset = np.full(len(utc), _offset_seconds(match[0]), dtype=np.int64)
        return utc + offset.astype("timedelta64[s]"), offset
    local = pc.local_timestamp(array).to_numpy(zero_copy_only=False)
    return local, np.where(np.isnat(utc), 0, (local - utc).astype("timedelta64[s]").astype(np.int64))


def _piece(token: str, local: np.ndarray, offsets: np.ndarray) -> pa.Array:
    """Texts of one format token."""
    known = np.where(np.isnat(local), np.datetime64(0, "s").astype(local.dtype), local)
    day = known.astype("datetime64[D]")
    month0 = known.astype("datetime64[M]").astype(np.int64)
    seconds = (known - day).astype("timedelta64[s]").astype(np.int64)
    if token in ("z", ":z"):
        names = {int(v): _offset_text(int(v), token[:-1]) for v in np.unique(offsets)}
        return pa.array([names[int(v)] for v in offsets], pa.string())
    if token in ("b", "B"):
        return pa.array(_SHORT if token == "b" else _MONTHS).take(pa.array(month0 % 12))
    if token == "p":
        return pa.array(["AM", "PM"]).take(pa.array(seconds // 43200))
    if token.endswith("f"):
        width = int(token[0]) if token[0].isdigit() else 6
        whole = known.astype("datetime64[s]")
        nanos = (known.astype("datetime64[ns]") - whole.astype("datetime64[ns]")).astype(np.int64)
        return _padded(nanos // 10 ** (9 - width), width)
    hour = seconds // 3600
    year = month0 // 12 + 1970
    numbers = {
        "Y": (year, 4),
        "y": (year % 100, 2),
        "m": (month0 % 12 + 1, 2),
        "d": ((day - known.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64) + 1, 2),
        "H": (hour, 2),
        "I": ((hour + 11) % 12 + 1, 2),
        "M": (seconds // 60 % 60, 2),
        "S": (seconds % 60, 2),
    }
    values, width = numbers[token.lstrip("-")]
    return _padded(values, 1 if token[0] == "-" else width)


def _padded(values: np.ndarray, width: int) -> pa.Array:
    return pc.utf8_lpad(pa.array(values.astype(np.int64)).cast(pa.string()), width, "0")
