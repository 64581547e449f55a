"""Arrow cells as plain JSON values or as floats, and back: exact for whole numbers, moments and decimals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.errors import DataError

_EXACT = 2**53  # whole numbers beyond have no exact float


def to_plain(cells: pa.Array | pa.ChunkedArray) -> list[Any]:
    """Values that JSON can hold: booleans, numbers and text as they are, moments as counts of their unit, else text."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return to_plain(cells.cast(kind.value_type))
    if pa.types.is_temporal(kind):
        return list(cells.cast(pa.int32() if kind.bit_width == 32 else pa.int64()).to_pylist())
    if pa.types.is_decimal(kind):
        return list(cells.cast(pa.string()).to_pylist())
    return list(cells.to_pylist())


def from_plain(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """The inverse of `to_plain` for cells of type `kind`."""
    if pa.types.is_dictionary(kind):
        return from_plain(values, kind.value_type).cast(kind)
    if pa.types.is_temporal(kind):
        return pa.array(values, pa.int32() if kind.bit_width == 32 else pa.int64()).cast(kind)
    if pa.types.is_decimal(kind):
        return pa.array(values, pa.string()).cast(kind)
    return pa.array(values, kind)


def scale_of(cells: pa.ChunkedArray, name: str) -> tuple[int, int]:
    """Offset and unit that turn stored whole numbers into small ones that floats hold exactly."""
    kind = cells.type
    if pa.types.is_decimal(kind):
        return 0, 10**kind.scale
    if pa.types.is_temporal(kind):
        raw = np.unique(_raw(cells.drop_null()))
        if not len(raw):
            return 0, 1
        steps = np.diff(raw)
        return int(raw[0]), int(np.gcd.reduce(steps)) if len(steps) else 1
    if pa.types.is_integer(kind) and cells.null_count < len(cells):
        ends = pc.min_max(cells).as_py()
        if ends["max"] >= 2**63:
            raise DataError(
                "Whole numbers of 2**63 and more cannot be learned.",
                where=f"column {name!r}",
                fix="declare the column an identifier, or store it as float64",
            )
        if max(abs(ends["min"]), abs(ends["max"])) >= _EXACT:
            return int(ends["min"]), 1
    return 0, 1


def _raw(cells: pa.ChunkedArray) -> np.ndarray:
    """Stored whole numbers of integers and moments; missing cells are 0."""
    if pa.types.is_temporal(cells.type):
        cells = cells.cast(pa.int32() if cells.type.bit_width == 32 else pa.int64())
    filled = pc.fill_null(cells, 0) if cells.null_count else cells
    raw: np.ndarray = filled.cast(pa.int64()).to_numpy()
    return raw


def numbers_of(cells: pa.ChunkedArray, offset: int, unit: int) -> np.ndarray:
    """Cells as float64, (stored - offset) / unit; NaN where missing."""
    kind = cells.type
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        plain = cells.cast(pa.float64(), safe=False)
        return np.array(pc.fill_null(plain, float("nan")).to_numpy(), dtype=np.float64)
    values = (_raw(cells) - offset).astype(np.float64) if offset else _raw(cells).astype(np.float64)
    if unit != 1:
        values /= unit
    if cells.null_count:
        values[pc.is_null(cells).to_numpy().astype(bool)] = np.nan
    return values


def decimals_from(raw: np.ndarray, gone: np.ndarray, kind: pa.DataType) -> pa.Array:
    """Decimals from counts of their last digit, by their 16-byte two's complement layout."""
    words = np.column_stack([raw, raw >> 63]) if kind.bit_width == 128 else np.column_stack([raw, *[raw >> 63] * 3])
    made = pa.Array.from_buffers(kind, len(raw), [None, pa.py_buffer(np.ascontiguousarray(words))])
    return pc.if_else(pa.array(~gone), made, pa.scalar(None, kind))
