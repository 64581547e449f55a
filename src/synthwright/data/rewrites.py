"""Rules that hold by construction: columns rewritten before learning and written back after drawing.

Each rewrite takes some columns away (`writes`), puts others in their place (`learn`), and restores the former from
the latter and from columns it `reads`. Whole numbers, moments and counts of days are handled exactly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.data.cells import from_plain, to_plain
from synthwright.data.condition_parser import parse_text
from synthwright.data.condition_tree import columns_of, truth
from synthwright.data.schema import Column, arrow_type

Cells = Any  # pa.Array | pa.ChunkedArray, which mypy cannot follow
RARE = 5  # as in columns.py: fewer rows than this do not name a combination, nor set an end


@dataclass(frozen=True)
class Rewrite(ABC):
    """Base: which columns it reads and writes, and JSON."""

    kind: ClassVar[str]
    takes_away: ClassVar[bool] = True  # whether the columns it writes are not learned themselves

    @property
    @abstractmethod
    def reads(self) -> tuple[str, ...]:
        """Columns that must be complete before `restore`."""

    @property
    @abstractmethod
    def writes(self) -> tuple[str, ...]:
        """Columns that `restore` makes."""

    @abstractmethod
    def learn(self, table: pa.Table) -> list[tuple[Column, Cells]]:
        """The columns learned in place of `writes`."""

    @abstractmethod
    def restore(self, cells: Mapping[str, Cells], rng: np.random.Generator) -> dict[str, Cells]:
        """The columns `writes`, from learned columns and `reads`."""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {"kind": self.kind, **{field.name: getattr(self, field.name) for field in fields(self)}}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`; lists become tuples."""
        return cls(**{key: _tuples(value) for key, value in document.items() if key != "kind"})


@dataclass(frozen=True)
class Gap(Rewrite):
    """`left < right` (or <=): the difference is learned in place of `right`.

    It is never below the smallest one seen, so the order holds. `high` caps `right` at the largest value seen (the
    sixth largest, protected) wherever `left` leaves room. Where `left` is missing the difference counts from
    `origin`, below all of both.
    """

    left: str
    right: str
    is_strict: bool
    dtype: str
    origin: float | int
    least: float | int
    high: float | int
    decimals: int | None
    is_whole: bool

    kind: ClassVar[str] = "gap"

    @classmethod
    def fit(cls, table: pa.Table, left: str, right: str, *, is_strict: bool, protect: bool) -> Self:
        """On rows that keep the rule."""
        a, b = table.column(left), table.column(right)
        is_whole = all(pa.types.is_integer(x.type) or pa.types.is_temporal(x.type) for x in (a, b))
        x, y = _raw(a, is_whole), _raw(b, is_whole)
        known_x, known_y = (pc.is_valid(c).to_numpy().astype(bool) for c in (a, b))
        both = known_x & known_y
        least = (y[both] - x[both]).min() if both.any() else 0
        origin = min(x[known_x].min() if known_x.any() else 0, y[known_y].min() - least if known_y.any() else 0)
        top = np.sort(y[known_y])
        high = top[-1 - RARE] if protect and len(top) > 10 * RARE else top[-1] if len(top) else 0
        decimals = None if is_whole else decimals_of(np.concatenate([x[known_x], y[known_y]]))
        as_number = int if is_whole else float
        ends = (as_number(origin), as_number(least), as_number(high))
        return cls(left, right, is_strict, str(b.type), *ends, decimals, is_whole)

    @property
    def name(self) -> str:
        """Name of the learned column."""
        return f"{self.right} - {self.left}"

    @property
    def reads(self) -> tuple[str, ...]:
        """See Rewrite."""
        return (self.left, self.name)

    @property
    def writes(self) -> tuple[str, ...]:
        """See Rewrite."""
        return (self.right,)

    def learn(self, table: pa.Table) -> list[tuple[Column, Cells]]:
        """See Rewrite."""
        a, b = table.column(self.left), table.column(self.right)
        x = np.where(pc.is_valid(a).to_numpy().astype(bool), _raw(a, self.is_whole), self.origin)
        gap = _raw(b, self.is_whole) - x
        if self.decimals is not None:
            gap = np.round(gap, self.decimals)
        gone = pc.is_null(b).to_numpy().astype(bool)
        kind = self._kind
        column = Column(
            name=self.name,
            kind="duration" if pa.types.is_duration(kind) else "integer" if self.is_whole else "number",
            dtype=str(kind),
        )
        return [(column, pa.array(gap, mask=gone).cast(kind))]

    @property
    def _kind(self) -> pa.DataType:
        kind = arrow_type(self.dtype)
        if pa.types.is_timestamp(kind) or pa.types.is_duration(kind):
            return pa.duration(kind.unit)
        return pa.int64() if self.is_whole else pa.float64()

    def restore(self, cells: Mapping[str, Cells], rng: np.random.Generator) -> dict[str, Cells]:
        """See Rewrite."""
        a, gap_cells = cells[self.left], cells[self.name]
        known = pc.is_valid(a).to_numpy().astype(bool)
        gap = _raw(gap_cells, self.is_whole)
        gone = pc.is_null(gap_cells).to_numpy().astype(bool)
        x = np.where(known, _raw(a, self.is_whole), self.origin)
        y = np.minimum(x + gap, self.high)
        y = np.where(known, np.maximum(y, x + self.least), y)
        kind = arrow_type(self.dtype)
        decimals = 0 if pa.types.is_integer(kind) and not self.is_whole else self.decimals
        if decimals is not None:  # rounding last could break the order: then the next grid point above
            y, unit = np.round(y, decimals), 10.0**-decimals
            above = np.floor(x / unit) * unit + unit if self.is_strict else np.ceil(x / unit) * unit
            y = np.where(known & (y <= x if self.is_strict else y < x), np.round(above, decimals), y)
        return {self.right: _cells(y, gone, kind)}


@dataclass(frozen=True)
class Joint(Rewrite):
    """Fixed combinations: the combination is learned as one category in place of its columns.

    keys: combinations in plain values, one tuple a combination, those in fewer than 5 rows left out (protected);
    weights: their counts. Left-out ones are learned together and drawn as a kept one by frequency.
    """

    names: tuple[str, ...]
    dtypes: tuple[str, ...]
    keys: tuple[tuple[Any, ...], ...]
    weights: tuple[int, ...]

    kind: ClassVar[str] = "joint"

    @classmethod
    def fit(cls, table: pa.Table, names: tuple[str, ...], *, protect: bool) -> Self:
        """All combinations that occur."""
        codes, keys = combinations(table, names)
        counts = np.bincount(codes, minlength=len(keys))
        fewest = RARE if protect and counts.max() >= RARE else 1
        order = [int(i) for i in np.argsort(-counts, kind="stable") if counts[i] >= fewest]
        dtypes = tuple(str(table.schema.field(name).type) for name in names)
        return cls(names, dtypes, tuple(keys[i] for i in order), tuple(int(counts[i]) for i in order))

    @property
    def name(self) -> str:
        """Name of the learned column."""
        return " + ".join(self.names)

    @property
    def reads(self) -> tuple[str, ...]:
        """See Rewrite."""
        return (self.name,)

    @property
    def writes(self) -> tuple[str, ...]:
        """See Rewrite."""
        return self.names

    def learn(self, table: pa.Table) -> list[tuple[Column, Cells]]:
        """See Rewrite."""
        codes, keys = combinations(table, self.names)
        place = {key: i for i, key in enumerate(self.keys)}
        number = np.array([place.get(key, len(place)) for key in keys], dtype=np.int64)[codes]
        return [(Column(name=self.name, kind="category", dtype="int64", nullable=False), pa.array(number))]

    def restore(self, cells: Mapping[str, Cells], rng: np.random.Generator) -> dict[str, Cells]:
        """See Rewrite."""
        number = np.array(cells[self.name].to_numpy(), dtype=np.int64)
        other = np.flatnonzero(number >= len(self.keys))
        shares = np.array(self.weights) / sum(self.weights)
        number[other] = rng.choice(len(shares), size=len(other), p=shares)
        index = pa.array(number)
        return {
            name: from_plain([key[j] for key in self.keys], arrow_type(dtype)).take(index)
            for j, (name, dtype) in enumerate(zip(self.names, self.dtypes, strict=True))
        }


@dataclass(frozen=True)
class OneHot(Rewrite):
    """Exactly one of the columns is on: which one is learned as a category."""

    names: tuple[str, ...]
    dtypes: tuple[str, ...]

    kind: ClassVar[str] = "one_hot"

    @property
    def name(self) -> str:
        """Name of the learned column."""
        return " | ".join(self.names)

    @property
    def reads(self) -> tuple[str, ...]:
        """See Rewrite."""
        return (self.name,)

    @property
    def writes(self) -> tuple[str, ...]:
        """See Rewrite."""
        return self.names

    def learn(self, table: pa.Table) -> list[tuple[Column, Cells]]:
        """See Rewrite."""
        on = np.column_stack([_raw(table.column(name), False) for name in self.names]).argmax(1)
        column = Column(name=self.name, kind="category", dtype="string", nullable=False)
        return [(column, pa.array(list(self.names)).take(pa.array(on)))]

    def restore(self, cells: Mapping[str, Cells], rng: np.random.Generator) -> dict[str, Cells]:
        """See Rewrite."""
        chosen = cells[self.name]
        return {
            name: pc.equal(chosen, name).cast(pa.int8()).cast(arrow_type(dtype))
            for name, dtype in zip(self.names, self.dtypes, strict=True)
        }


@dataclass(frozen=True)
class Shares(Rewrite):
    """Non-negative parts of a constant total, by breaking a stick: each part's share of what is left is learned.

    Parts are rounded to their grid one after the other and the last takes what remains, so the sum is exact.
    """

    names: tuple[str, ...]
    dtypes: tuple[str, ...]
    total: float
    decimals: int | None

    kind: ClassVar[str] = "shares"

    @property
    def _learned(self) -> tuple[str, ...]:
        return tuple(f"share of {name}" for name in self.names[:-1])

    @property
    def reads(self) -> tuple[str, ...]:
        """See Rewrite."""
        return self._learned

    @property
    def writes(self) -> tuple[str, ...]:
        """See Rewrite."""
        return self.names

    def learn(self, table: pa.Table) -> list[tuple[Column, Cells]]:
        """See Rewrite."""
        left = np.full(table.num_rows, self.total)
        found: list[tuple[Column, Cells]] = []
        for name, learned in zip(self.names, self._learned, strict=False):
            part = _raw(table.column(name), False)
            share = np.divide(part, left, out=np.zeros_like(left), where=left > 0)
            left = left - part
            found.append((Column(name=learned, kind="number", dtype="double", nullable=False), pa.array(share)))
        return found

    def restore(self, cells: Mapping[str, Cells], rng: np.random.Generator) -> dict[str, Cells]:
        """See Rewrite."""
        left = np.full(len(cells[self._learned[0]]), self.total)
        made: dict[str, Cells] = {}
        for name, dtype, learned in zip(self.names, self.dtypes, (*self._learned, ""), strict=True):
            part = left * np.clip(_raw(cells[learned], False), 0, 1) if learned else left
            if self.decimals is not None:
                part = np.round(part, self.decimals)
            part = np.minimum(part, left)
            left = left - part if self.decimals is None else np.round(left - part, self.decimals)
            made[name] = _cells(part, np.zeros(len(part), dtype=bool), arrow_type(dtype))
        return made


@dataclass(frozen=True)
class Computed(Rewrite):
    """`result` is computed: left op right, or constant + sum of weights * parts; nothing is learned in its place."""

    result: str
    parts: tuple[str, ...]
    weights: tuple[float, ...]
    constant: float
    op: str  # "sum" for the weighted sum, else * or / of the two parts (or of one part and the constant)
    dtype: str
    decimals: int | None

    kind: ClassVar[str] = "computed"

    @property
    def reads(self) -> tuple[str, ...]:
        """See Rewrite."""
        return self.parts

    @property
    def writes(self) -> tuple[str, ...]:
        """See Rewrite."""
        return (self.result,)

    def learn(self, table: pa.Table) -> list[tuple[Column, Cells]]:
        """See Rewrite."""
        return []

    def values(self, cells: Mapping[str, Cells]) -> np.ndarray:
        """The result before rounding, NaN where a part is missing or the divisor is 0."""
        parts = [_raw(cells[name], False) for name in self.parts]
        if self.op == "sum":
            return np.asarray(sum(w * part for w, part in zip(self.weights, parts, strict=True)) + self.constant)
        right = parts[1] if len(parts) > 1 else np.full_like(parts[0], self.constant)
        if self.op == "*":
            return np.asarray(parts[0] * right)
        return np.asarray(np.divide(parts[0], right, out=np.full_like(parts[0], np.nan), where=right != 0))

    def restore(self, cells: Mapping[str, Cells], rng: np.random.Generator) -> dict[str, Cells]:
        """See Rewrite."""
        values = self.values(cells)
        if self.decimals is not None:
            values = np.round(values, self.decimals)
        return {self.result: _cells(values, np.isnan(values), arrow_type(self.dtype))}


@dataclass(frozen=True)
class Blank(Rewrite):
    """`column` is missing wherever the condition is true."""

    column: str
    condition: str
    known: tuple[str, ...]

    kind: ClassVar[str] = "blank"
    takes_away: ClassVar[bool] = False

    @property
    def reads(self) -> tuple[str, ...]:
        """See Rewrite."""
        return (*columns_of(parse_text(self.condition, self.known)), self.column)

    @property
    def writes(self) -> tuple[str, ...]:
        """See Rewrite."""
        return (self.column,)

    def learn(self, table: pa.Table) -> list[tuple[Column, Cells]]:
        """See Rewrite."""
        return []

    def restore(self, cells: Mapping[str, Cells], rng: np.random.Generator) -> dict[str, Cells]:
        """See Rewrite."""
        node = parse_text(self.condition, self.known)
        table = pa.table({name: cells[name] for name in columns_of(node)})
        met = pc.fill_null(truth(node, table), False)
        column = cells[self.column]
        met = pa.concat_arrays(met.chunks) if isinstance(met, pa.ChunkedArray) else met
        plain = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
        keep = pc.if_else(met, pa.scalar(None, pa.int64()), pa.array(np.arange(len(met))))
        return {self.column: plain.take(keep)}


KINDS: dict[str, type[Rewrite]] = {cls.kind: cls for cls in (Gap, Joint, OneHot, Shares, Computed, Blank)}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list | tuple) else value


def _raw(cells: Cells, is_whole: bool) -> np.ndarray:
    """Stored whole numbers as int64 (missing: 0), or float64 (missing: NaN)."""
    if not is_whole:
        if pa.types.is_boolean(cells.type):
            cells = cells.cast(pa.int8())
        plain = pc.fill_null(cells.cast(pa.float64(), safe=False), float("nan"))
        return np.array(plain.to_numpy(), dtype=np.float64)
    if pa.types.is_temporal(cells.type):
        cells = cells.cast(pa.int32() if cells.type.bit_width == 32 else pa.int64())
    return np.array(pc.fill_null(cells.cast(pa.int64()), 0).to_numpy(), dtype=np.int64)


def _cells(values: np.ndarray, gone: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_temporal(kind):
        narrow = np.int32 if kind.bit_width == 32 else np.int64
        return pa.array(values.astype(narrow), mask=gone).cast(kind)
    if pa.types.is_integer(kind):
        whole = np.rint(np.where(gone, 0, values)).astype(np.int64) if values.dtype.kind == "f" else values
        return pa.array(whole, mask=gone).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.array(np.round(np.where(gone, 0.0, values), kind.scale), mask=gone).cast(kind, safe=False)
    return pa.array(values.astype(np.float64), mask=gone).cast(kind, safe=False)


def decimals_of(values: np.ndarray) -> int | None:
    """The fewest decimals, at most 6, that write all values; None when there are more."""
    known = values[~np.isnan(values)]
    return next((d for d in range(7) if np.array_equal(np.round(known, d), known)), None)


def combinations(table: pa.Table, names: tuple[str, ...]) -> tuple[np.ndarray, list[tuple[Any, ...]]]:
    """A number for each row's combination, and the combinations as plain values, in order of first appearance."""
    codes = np.zeros(table.num_rows, dtype=np.int64)
    for name in names:
        cells = table.column(name)
        cells = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
        coded = pa.concat_arrays(cells.chunks).dictionary_encode()
        index = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy().astype(np.int64)
        codes = np.unique(codes * (len(coded.dictionary) + 1) + index, return_inverse=True)[1]
    _, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    chosen = table.select(list(names)).take(pa.array(first))
    return codes, list(zip(*(to_plain(chosen.column(name)) for name in names), strict=True))
