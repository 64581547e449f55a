"""Columns that follow exactly from another column: found once, left out of learning, computed again afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Context
from synthwright.data.cells import from_plain, to_plain
from synthwright.data.schema import Column, arrow_type

_CLOSE = 1e-9  # 1 - |rho| of columns that are affine functions of each other, up to rounding
_MOST_LEVELS = 256  # larger look-up tables are not worth keeping
_FEWEST = 5  # rows a value needs before a look-up table may name it: the limit of rare-value protection
_ROWS_LOOKED_AT = 2000


@dataclass(frozen=True)
class Derived:
    """`name` equals slope * source + offset (rounded to `decimals`), or is looked up by the value of `source`."""

    name: str
    source: str
    dtype: str
    slope: float = 1.0
    offset: float = 0.0
    decimals: int | None = None
    source_dtype: str = ""
    keys: tuple[Any, ...] = ()
    values: tuple[Any, ...] = ()

    def make(self, source: pa.ChunkedArray | pa.Array) -> pa.Array | pa.ChunkedArray:
        """The derived cells."""
        kind = arrow_type(self.dtype)
        if self.keys:
            source_kind = arrow_type(self.source_dtype)
            plain_kind = source_kind.value_type if pa.types.is_dictionary(source_kind) else source_kind
            place = pc.index_in(source.cast(plain_kind), value_set=from_plain(self.keys, plain_kind))
            value_kind = kind.value_type if pa.types.is_dictionary(kind) else kind
            return from_plain(self.values, value_kind).take(_one_chunk(place)).cast(kind)
        values = self.slope * _floats(source) + self.offset
        values = values if self.decimals is None else np.round(values, self.decimals)
        return _from_floats(values, kind)

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {**self.__dict__, "keys": list(self.keys), "values": list(self.values)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**document, "keys": tuple(document["keys"]), "values": tuple(document["values"])})


def find_derived(table: pa.Table, columns: Sequence[Column], ctx: Context) -> tuple[Derived, ...]:
    """Duplicates, affine functions and one-to-one re-codings among `columns`; targets are never derived.

    Every relation is verified on all rows, after rounding. Each gets a Note.
    """
    ordered = sorted(columns, key=lambda column: column.role != "target")  # stable: the target comes first, and stays
    found = _affine(table, ordered)
    gone = {one.name for one in found}
    found += _recoded(table, [column for column in ordered if column.name not in gone])
    for one in found:
        how = "one-to-one with" if one.keys else f"{one.slope:.6g} times the value plus {one.offset:.6g} of"
        ctx.note("N018", f"not learned: {how} {one.source!r}, computed from it", one.name)
    return tuple(found)


def _affine(table: pa.Table, columns: Sequence[Column]) -> list[Derived]:
    numeric = [c for c in columns if c.kind in ("number", "integer") and _has_floats(table.column(c.name).type)]
    if len(numeric) < 2:
        return []
    rows = np.unique(np.linspace(0, table.num_rows - 1, _ROWS_LOOKED_AT).astype(np.int64))
    sample = np.column_stack([_floats(table.column(c.name).take(pa.array(rows))) for c in numeric])
    missing = np.isnan(sample)
    filled = np.where(missing, 0.0, sample)
    counts = np.maximum((~missing).sum(0), 1)
    centred = np.where(missing, 0.0, sample - filled.sum(0) / counts)
    spread = np.sqrt((centred**2).sum(0))
    rho = centred.T @ centred / np.maximum(np.outer(spread, spread), 1e-300)
    found: list[Derived] = []
    gone: set[int] = set()
    for i in range(len(numeric)):
        for j in range(i + 1, len(numeric)):
            if i in gone or j in gone or spread[i] == 0 or abs(rho[i, j]) < 1 - _CLOSE:
                continue
            one = _fit_affine(table, numeric[i].name, numeric[j].name) if numeric[j].role != "target" else None
            if one is not None:
                gone.add(j)
                found.append(one)
    return found


def _fit_affine(table: pa.Table, source: str, name: str) -> Derived | None:
    x, y = _floats(table.column(source)), _floats(table.column(name))
    present = ~np.isnan(x)
    if not np.array_equal(present, ~np.isnan(y)) or present.sum() < 3:
        return None
    x, y = x[present], y[present]
    low, high = int(np.argmin(x)), int(np.argmax(x))
    if x[low] == x[high]:
        return None
    slope = (y[high] - y[low]) / (x[high] - x[low])
    slope = float(np.round(slope)) if abs(slope - np.round(slope)) < 1e-12 * abs(slope) else float(slope)
    offset = float(y[low] - slope * x[low])
    kind = table.schema.field(name).type
    made = slope * x + offset
    for decimals in range(7):
        if np.array_equal(np.round(made, decimals), y):
            return Derived(name, source, str(kind), slope, offset, decimals)
    close = np.abs(made - y) <= 1e-9 * max(float(np.abs(y).max()), 1e-300)
    return Derived(name, source, str(kind), slope, offset) if pa.types.is_floating(kind) and close.all() else None


def _recoded(table: pa.Table, columns: Sequence[Column]) -> list[Derived]:
    """Pairs of columns with equally many values where each value of one meets one value of the other."""
    codes: list[tuple[Column, np.ndarray, pa.Array]] = []
    for column in columns:
        cells = table.column(column.name)
        kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
        coded = _one_chunk(cells.cast(kind)).dictionary_encode()
        if 2 <= len(coded.dictionary) <= _MOST_LEVELS:
            code = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int64)
            if np.bincount(code + 1)[1:].min() >= _FEWEST:
                codes.append((column, code, coded.dictionary))
    found: list[Derived] = []
    gone: set[str] = set()
    for i, (source, code, levels) in enumerate(codes):
        for column, other, others in codes[i + 1 :]:
            if {source.name, column.name} & gone or len(levels) != len(others) or column.role == "target":
                continue
            pairs = np.unique(np.column_stack([code, other]), axis=0)
            pairs = pairs[(pairs >= 0).any(1)]
            if len(pairs) == len(levels) and (pairs >= 0).all():
                keys, values = (
                    to_plain(v.take(pa.array(p))) for v, p in ((levels, pairs[:, 0]), (others, pairs[:, 1]))
                )
                dtypes = (str(table.schema.field(column.name).type), str(table.schema.field(source.name).type))
                gone.add(column.name)
                found.append(
                    Derived(
                        column.name,
                        source.name,
                        dtypes[0],
                        source_dtype=dtypes[1],
                        keys=tuple(keys),
                        values=tuple(values),
                    )
                )
    return found


def _one_chunk(cells: pa.ChunkedArray | pa.Array) -> pa.Array:
    return pa.concat_arrays(cells.chunks) if isinstance(cells, pa.ChunkedArray) and cells.num_chunks else (
        pa.array([], cells.type) if isinstance(cells, pa.ChunkedArray) else cells
    )  # fmt: skip


def _has_floats(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _floats(cells: pa.ChunkedArray | pa.Array) -> np.ndarray:
    values: np.ndarray = pc.fill_null(cells.cast(pa.float64(), safe=False), float("nan")).to_numpy()
    return values


def _from_floats(values: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_integer(kind) or pa.types.is_decimal(kind):
        values = np.round(values) if pa.types.is_integer(kind) else values
    cells = pa.array(values, mask=np.isnan(values))
    return cells.cast(kind, safe=False)
