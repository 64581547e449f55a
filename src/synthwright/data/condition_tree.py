"""A condition as a tree of comparisons, its text, and its truth for every row (three-valued, as in SQL)."""

from __future__ import annotations

import datetime as dt
import keyword
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

Op = Literal["==", "!=", "<", "<=", ">", ">="]
Value = bool | int | float | str
RESERVED = {"null", "true", "false", *keyword.kwlist}
_COMPARE: dict[str, Callable[..., pa.ChunkedArray]] = {
    "==": pc.equal,
    "!=": pc.not_equal,
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


@dataclass(frozen=True)
class Compare:
    """Column against a value; moments are ISO text, durations are seconds."""

    column: str
    op: Op
    value: Value


@dataclass(frozen=True)
class ComparePair:
    """Column against column."""

    left: str
    op: Op
    right: str


@dataclass(frozen=True)
class Member:
    """Column is one of the values."""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Missing:
    """Column is null."""

    column: str


@dataclass(frozen=True)
class Not:
    """The part is false."""

    part: Node


@dataclass(frozen=True)
class All:
    """Every part is true."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    """At least one part is true."""

    parts: tuple[Node, ...]


Node = Compare | ComparePair | Member | Missing | Not | All | Either


def columns_of(node: Node) -> tuple[str, ...]:
    """Names of the columns, in order of first appearance."""
    match node:
        case ComparePair(left, _, right):
            return tuple(dict.fromkeys((left, right)))
        case Not(part):
            return columns_of(part)
        case All(parts) | Either(parts):
            return tuple(dict.fromkeys(name for part in parts for name in columns_of(part)))
    return (node.column,)


def text_of(node: Node) -> str:
    """The canonical text: parsing it gives the same tree."""
    match node:
        case Compare(column, op, value):
            return f"{quoted(column)} {op} {value!r}"
        case ComparePair(left, op, right):
            return f"{quoted(left)} {op} {quoted(right)}"
        case Member(column, values):
            return f"{quoted(column)} in [{', '.join(repr(value) for value in values)}]"
        case Missing(column):
            return f"{quoted(column)} is null"
        case Not(Member(column, values)):
            return f"{quoted(column)} not in [{', '.join(repr(value) for value in values)}]"
        case Not(Missing(column)):
            return f"{quoted(column)} is not null"
        case Not(part):
            return f"not ({text_of(part)})"
        case All(parts):
            return " and ".join(f"({text_of(part)})" if isinstance(part, Either) else text_of(part) for part in parts)
        case Either(parts):
            return " or ".join(text_of(part) for part in parts)


def quoted(name: str) -> str:
    """A column name as the text language writes it."""
    return name if name.isidentifier() and name.lower() not in RESERVED else "`" + name.replace("`", "``") + "`"


def truth(node: Node, table: pa.Table) -> pa.ChunkedArray:
    """True, false or null for every row."""
    match node:
        case Compare(column, op, value):
            cells = _comparable(table.column(column))
            return _COMPARE[op](cells, scalar_for(value, cells.type))
        case ComparePair(left, op, right):
            return _COMPARE[op](_comparable(table.column(left)), _comparable(table.column(right)))
        case Member(column, values):
            cells = _comparable(table.column(column))
            inside = pc.is_in(cells, value_set=_values_for(values, cells.type))
            return pc.if_else(pc.is_valid(cells), inside, pa.scalar(None, pa.bool_()))
        case Missing(column):
            return pc.is_null(table.column(column))
        case Not(part):
            return pc.invert(truth(part, table))
        case All(parts):
            return _folded(pc.and_kleene, (truth(part, table) for part in parts))
        case Either(parts):
            return _folded(pc.or_kleene, (truth(part, table) for part in parts))


def _folded(combine: Callable[..., pa.ChunkedArray], parts: Iterable[pa.ChunkedArray]) -> pa.ChunkedArray:
    first, *rest = parts
    for part in rest:
        first = combine(first, part)
    return first


def _comparable(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells without dictionaries; numbers other than whole ones as float64."""
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if pa.types.is_decimal(cells.type) or pa.types.is_floating(cells.type):
        cells = cells.cast(pa.float64())
    return cells


def scalar_for(value: Value, kind: pa.DataType) -> pa.Scalar:
    """The value as an Arrow scalar that compares with cells of type `kind`."""
    if pa.types.is_duration(kind):
        return pa.scalar(dt.timedelta(seconds=float(value)))
    if pa.types.is_temporal(kind):
        return pa.scalar(moment_of(str(value), kind)).cast(kind, safe=False)
    if pa.types.is_integer(kind) and not isinstance(value, str) and float(value).is_integer():
        return pa.scalar(int(value))
    return pa.scalar(value)


def moment_of(text: str, kind: pa.DataType) -> dt.datetime | dt.date | dt.time:
    """ISO text as the kind of moment that `kind` holds; a moment without zone is in the column's zone."""
    if pa.types.is_time(kind):
        return dt.time.fromisoformat(text)
    if pa.types.is_date(kind):
        return dt.datetime.fromisoformat(text).date()
    moment = dt.datetime.fromisoformat(text)
    if getattr(kind, "tz", None) and moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(kind.tz))
    return moment


def _values_for(values: tuple[Value, ...], kind: pa.DataType) -> pa.Array:
    if pa.types.is_integer(kind):  # a fraction is equal to no whole number
        values = tuple(value for value in values if isinstance(value, str) or float(value).is_integer())
    scalars = [scalar_for(value, kind).as_py() for value in values]
    return pa.array(scalars, kind)
