"""The `where` language: text, mapping or pyarrow expression to one checked `Condition`.

    age >= 65 and sex == 'F'          18 <= age < 65 or income is null
    city in ['Rome', 'Oslo']          not (smoker and `blood pressure` > 140)
    admitted < '2020-03-01'           start < end

Comparisons with a missing cell are unknown, as in SQL: a row is kept only where the whole is true.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pyarrow.compute as pc

from synthwright.core.errors import ConditionError, did_you_mean, listing
from synthwright.data.condition_parser import expression_text, parse_text
from synthwright.data.condition_tree import (
    All,
    Compare,
    ComparePair,
    Either,
    Member,
    Missing,
    Node,
    Not,
    Op,
    Value,
    columns_of,
    text_of,
    truth,
)
from synthwright.data.dataset import Dataset, dataset_class
from synthwright.data.schema import Column, Schema

Range = tuple[Any, Any]


@dataclass(frozen=True)
class Condition:
    """A condition that fits a schema. Two conditions are equal when their canonical texts are.

    text: canonical; `parse_condition(c.text, schema)` gives an equal condition.
    equal, ranges, members, present: the parts that must all hold, for methods that condition exactly. `equal` maps a
    column to its value (None: missing), `ranges` to closed ends (None: open; whole-number columns have whole ends;
    moments are ISO text), `members` to its possible values, `present` names columns that are not missing. They may
    say less than the whole condition: whoever uses them verifies rows by `mask`.
    """

    text: str
    node: Node = field(repr=False, compare=False)
    equal: Mapping[str, Any] = field(repr=False, compare=False)
    ranges: Mapping[str, Range] = field(repr=False, compare=False)
    members: Mapping[str, tuple[Any, ...]] = field(repr=False, compare=False)
    present: tuple[str, ...] = field(repr=False, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns it speaks of, in order."""
        return columns_of(self.node)

    def mask(self, data: Dataset) -> np.ndarray:
        """For each unit, whether the condition is true. Raises ConditionError when a column is absent."""
        table = data.arrow
        absent = [name for name in self.columns if name not in table.column_names]
        if absent:
            raise ConditionError(f"Unknown column {absent[0]!r}.", where=f"where={self.text!r}")
        return np.asarray(pc.fill_null(truth(self.node, table), False).to_numpy(), dtype=bool)

    def __str__(self) -> str:
        return self.text


def parse_condition(where: Any, schema: Schema) -> Condition:
    """Check a condition against a schema.

    where: text; a mapping of column to value (equal), None (missing), list or set (one of), or pair as a tuple
    (closed range, None is open); a pyarrow expression; or a Condition. Raises ConditionError for unknown columns
    and levels, literals of the wrong type, and conditions that no row can meet.
    """
    columns = {column.name: column for column in schema.of(dataset_class(schema.modality).main)}
    if isinstance(where, Condition):
        where = where.text
    if isinstance(where, str):
        shown, node = where, parse_text(where, columns)
    elif isinstance(where, Mapping):
        shown, node = str(dict(where)), _of_mapping(where, columns)
    elif isinstance(where, pc.Expression):
        shown = expression_text(where, columns)
        node = parse_text(shown, columns)
    else:
        raise ConditionError(
            f"A condition is text, a mapping or a pyarrow expression, not a {type(where).__name__}.", where="where"
        )
    place = f"where={shown!r}"
    checked = _checked(node, columns, place)
    return _summary(checked, columns, place)


def _of_mapping(where: Mapping[Any, Any], columns: Mapping[str, Column]) -> Node:
    parts: list[Node] = []
    for name, value in where.items():
        if name not in columns:
            raise ConditionError(
                f"Unknown column {name!r}.{did_you_mean(str(name), columns)}",
                where="where",
                fix=f"columns: {listing(columns)}",
            )
        parts += _of_entry(str(name), value)
    if not parts:
        raise ConditionError(
            "The mapping is empty.", where="where", fix="leave `where` out to sample without a condition"
        )
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _of_entry(name: str, value: Any) -> list[Node]:
    if value is None:
        return [Missing(name)]
    if isinstance(value, tuple):
        if len(value) != 2:
            raise ConditionError(
                f"A range has two ends, not {len(value)}.", where=f"where[{name!r}]", fix="use a list for one-of"
            )
        ends: list[Node] = [
            Compare(name, cast(Op, op), _plain(end))
            for op, end in ((">=", value[0]), ("<=", value[1]))
            if end is not None
        ]
        return ends or [Not(Missing(name))]
    if isinstance(value, list | set | frozenset | np.ndarray):
        values = sorted(value, key=repr) if isinstance(value, set | frozenset) else list(value)
        known = tuple(dict.fromkeys(_plain(one) for one in values if one is not None))
        parts: list[Node] = [*[Member(name, known)] * bool(known), *[Missing(name)] * (None in values)]
        if not parts:
            raise ConditionError("The list is empty, so no row can match.", where=f"where[{name!r}]")
        return [parts[0] if len(parts) == 1 else Either(tuple(parts))]
    return [Compare(name, "==", _plain(value))]


def _plain(value: Any) -> Value:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, bool | int | float | str):
        return value
    raise ConditionError(
        f"Cannot compare with a {type(value).__name__}.", where="where", fix="use a number, text or moment"
    )


def _checked(node: Node, columns: Mapping[str, Column], place: str) -> Node:
    """The tree with every literal in its column's type; orders of ordinals become sets of levels."""
    match node:
        case Not(part):
            return Not(_checked(part, columns, place))
        case All(parts):
            return All(tuple(_checked(part, columns, place) for part in parts))
        case Either(parts):
            return Either(tuple(_checked(part, columns, place) for part in parts))
        case Compare(name, op, value):
            column = columns[name]
            value = _literal(column, value, place)
            if op in ("<", "<=", ">", ">=") and not column.is_numeric:
                return _ordered(column, op, value, place)
            return Compare(name, op, value)
        case Member(name, values):
            return Member(name, tuple(dict.fromkeys(_literal(columns[name], value, place) for value in values)))
        case ComparePair(left, _, right):
            kinds = [_family(columns[name]) for name in (left, right)]
            if kinds[0] != kinds[1]:
                raise ConditionError(
                    f"{left!r} ({columns[left].kind}) and {right!r} ({columns[right].kind}) cannot be compared.",
                    where=place,
                    fix=f"if {right!r} is a value, put it in quotes",
                )
    return node


def _family(column: Column) -> str:
    if column.kind in ("number", "integer"):
        return "number"
    return "level" if column.is_discrete or column.kind in ("text", "identifier") else column.kind


def _ordered(column: Column, op: Op, value: Value, place: str) -> Node:
    if column.kind != "ordinal" or column.categories is None:
        raise ConditionError(
            f"{column.name!r} ({column.kind}) has no order, so {op} has no meaning.",
            where=place,
            fix="use == or in; or make the column ordinal and list its categories in order",
        )
    rank = column.categories.index(value)
    keep = {"<": slice(0, rank), "<=": slice(0, rank + 1), ">": slice(rank + 1, None), ">=": slice(rank, None)}[op]
    levels = column.categories[keep]
    if not levels:
        raise ConditionError(
            f"No level of {column.name!r} is {op} {value!r}.", where=place, fix=f"levels: {listing(column.categories)}"
        )
    return Member(column.name, tuple(levels))


def _literal(column: Column, value: Value, place: str) -> Value:
    wrong = ConditionError(
        f"{column.name!r} is of kind {column.kind}; {value!r} is {_word_of(value)}.",
        where=place,
        fix=_FIXES.get(column.kind, ""),
    )
    if column.kind in ("number", "integer", "duration"):
        if isinstance(value, str | bool) or value != value:
            raise wrong
        return int(value) if column.kind == "integer" and float(value).is_integer() else value
    if column.kind == "datetime":
        if not isinstance(value, str):
            raise wrong
        return _moment(column, value, wrong)
    if column.kind == "boolean" and column.categories is None:
        if not isinstance(value, bool):
            raise wrong
        return value
    if column.categories is not None:
        return _level(column, value, place)
    if column.dtype and not _fits(value, column.dtype):
        raise wrong
    return value


_FIXES = {
    "number": "write a number without quotes",
    "integer": "write a number without quotes",
    "duration": "write the number of seconds",
    "datetime": "write ISO text in quotes: '2020-03-01' or '2020-03-01T12:00:00'",
    "boolean": "write true or false",
    "category": "write the level as it stands in the data: text in quotes, numbers without",
    "ordinal": "write the level as it stands in the data: text in quotes, numbers without",
    "text": "put the value in quotes",
    "identifier": "write the value as it stands in the data: text in quotes, numbers without",
}


def _word_of(value: Value) -> str:
    return {bool: "true or false", str: "text"}.get(type(value), "a number")


def _fits(value: Value, dtype: str) -> bool:
    if "binary" in dtype:  # images and other content have no values to write down
        return False
    if "string" in dtype:
        return isinstance(value, str)
    if dtype == "bool" or "values=bool" in dtype:
        return isinstance(value, bool)
    return not isinstance(value, str | bool)


def _moment(column: Column, value: str, wrong: ConditionError) -> str:
    try:
        if column.dtype.startswith(("time32", "time64")):
            return dt.time.fromisoformat(value).isoformat()
        moment = dt.datetime.fromisoformat(value)
    except ValueError:
        raise wrong from None
    if moment.tzinfo is not None and "tz=" not in column.dtype:
        raise ConditionError(
            f"{column.name!r} has no time zone; {value!r} has one.", where=wrong.where, fix="leave the zone out"
        )
    if column.dtype.startswith("date"):
        if moment.time() != dt.time() or moment.tzinfo:
            raise ConditionError(
                f"{column.name!r} holds dates; {value!r} has a time.", where=wrong.where, fix="write the date alone"
            )
        return moment.date().isoformat()
    return moment.isoformat()


def _level(column: Column, value: Value, place: str) -> Value:
    known = column.categories or ()
    for level in known:
        if level == value and isinstance(level, bool) == isinstance(value, bool):
            return level
    levels = f"levels: {listing([repr(level) for level in known], 30)}"
    kinds = dict.fromkeys(_word_of(level) for level in known)
    if known and _word_of(value) not in kinds:
        given = f"it is {_word_of(value)}, and each level is {' or '.join(kinds)}"
        raise ConditionError(
            f"{value!r} is no level of {column.name!r}: {given}.",
            where=place,
            fix=f"{_FIXES['category']}; {levels}",
        )
    hint = did_you_mean(value, [level for level in known if isinstance(level, str)]) if isinstance(value, str) else ""
    raise ConditionError(
        f"{value!r} is no level of {column.name!r}: a value never seen cannot be sampled.{hint}",
        where=place,
        fix=levels,
    )


# -- what must hold in any case


def _summary(node: Node, columns: Mapping[str, Column], place: str) -> Condition:
    known: dict[str, _Known] = {}
    for part in node.parts if isinstance(node, All) else (node,):
        match part:
            case Compare(name, op, value):
                known.setdefault(name, _Known(columns[name], place)).compare(op, value)
            case Member(name, values):
                known.setdefault(name, _Known(columns[name], place)).restrict(values)
            case Missing(name):
                known.setdefault(name, _Known(columns[name], place)).is_missing = True
            case Not(Missing(name)):
                known.setdefault(name, _Known(columns[name], place)).is_present = True
    equal: dict[str, Any] = {}
    ranges: dict[str, Range] = {}
    members: dict[str, tuple[Any, ...]] = {}
    for name, facts in known.items():
        facts.check()
        if facts.is_missing:
            equal[name] = None
        elif facts.values is not None and len(facts.values) == 1:
            equal[name] = facts.values[0]
        elif facts.values is not None:
            members[name] = facts.values
        elif facts.low is not None or facts.high is not None:
            ranges[name] = facts.closed()
    present = tuple(name for name, facts in known.items() if not facts.is_missing)
    return Condition(text_of(node), node, equal, ranges, members, present)


@dataclass
class _Known:
    """What the conjunctive parts say about one column."""

    column: Column
    place: str
    low: Any = None
    high: Any = None
    low_open: bool = False
    high_open: bool = False
    values: tuple[Any, ...] | None = None
    is_missing: bool = False
    is_present: bool = False

    def compare(self, op: Op, value: Value) -> None:
        self.is_present = True
        if op == "==":
            self.restrict((value,))
        elif op in (">", ">=") and (self.low is None or (_key(value), op == ">") > (_key(self.low), self.low_open)):
            self.low, self.low_open = value, op == ">"
        elif op in ("<", "<=") and (
            self.high is None or (_key(value), op != "<") < (_key(self.high), not self.high_open)
        ):
            self.high, self.high_open = value, op == "<"

    def restrict(self, values: tuple[Any, ...]) -> None:
        self.is_present = True
        self.values = values if self.values is None else tuple(value for value in self.values if value in values)

    def closed(self) -> Range:
        low, high = self.low, self.high
        if self.column.kind == "integer":
            if low is not None:
                low = int(np.floor(low)) + 1 if self.low_open else int(np.ceil(low))
            if high is not None:
                high = int(np.ceil(high)) - 1 if self.high_open else int(np.floor(high))
        return low, high

    def inside(self, value: Any) -> bool:
        key = _key(value)
        above = self.low is None or key > _key(self.low) or (key == _key(self.low) and not self.low_open)
        return above and (self.high is None or key < _key(self.high) or (key == _key(self.high) and not self.high_open))

    def check(self) -> None:
        if self.is_missing and self.is_present:
            raise self._contradiction()
        if not self.column.nullable and self.is_missing:
            raise ConditionError(f"{self.column.name!r} is never missing.", where=self.place, fix="leave `is null` out")
        if self.values is not None:
            if self.column.is_numeric:
                self.values = tuple(value for value in self.values if self.inside(value))
            if not self.values:
                raise self._contradiction()
        elif self.low is not None and self.high is not None:
            low, high = (_key(end) for end in self.closed())
            if low > high or (low == high and (self.low_open or self.high_open) and self.column.kind != "integer"):
                raise self._contradiction()
        self._check_bounds()

    def _contradiction(self) -> ConditionError:
        return ConditionError(
            f"The condition contradicts itself: no value of {self.column.name!r} can meet all its parts.",
            where=self.place,
            fix="use `or` where one of the parts is enough",
        )

    def _check_bounds(self) -> None:
        if not self.column.bounds or not self.column.is_numeric:
            return
        low, high = self.column.bounds
        wanted = self.values if self.values is not None else (None,)
        for value in wanted:
            first, last = (value, value) if value is not None else (self.low, self.high)
            too_high = high is not None and first is not None and _key(first) > _key(high)
            too_low = low is not None and last is not None and _key(last) < _key(low)
            if not (too_high or too_low):
                return
        raise ConditionError(
            f"No value of {self.column.name!r} can meet the condition: its bounds are {list(self.column.bounds)}.",
            where=self.place,
            fix="correct the condition, or widen the bounds in the schema before fitting",
        )


def _key(value: Any) -> Any:
    """A value that can be ordered: moments compare as times, not as text."""
    if isinstance(value, str):
        try:
            moment = dt.datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment.timestamp() if moment.tzinfo else moment.replace(tzinfo=dt.UTC).timestamp()
    return value
