"""Which columns of a long table name its series and order their steps, found from the cells alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from synthwright.core.context import Note

_FEWEST_STEPS = 5  # mean number of steps a series: rows in random order rise so far once in 120 times, for each series
_FEWEST_ROWS = 30  # of a single series
_MOST_ROWS = 200_000  # looked at; a table that only begins like series is not one
_FIRST = 1_000  # rows that rule out most columns
_UNEVEN = 1.25  # longest by shortest gap of even steps: months have 28 to 31 days


class Shape(NamedTuple):
    """What names the series of a long table (None: all rows are one) and what orders their steps."""

    entity: str | None
    order: str

    @property
    def words(self) -> str:
        """How the columns are named when reading."""
        return f"order {self.order}" if self.entity is None else f"entity {self.entity}, order {self.order}"


def found_shape(table: pa.Table, *, entity: str | None = None, order: str | None = None) -> Shape | None:
    """The columns that name and order series, or None when rows do not show it.

    entity, order: those that are known. Moments that rise within every value of another column, and begin again with
    the next or are shared by many; or whole numbers that count within it. Moments at even steps alone: one series.
    """
    table = table.slice(0, _MOST_ROWS)
    for name, moments in _orders(table, order):
        gaps = np.diff(moments)
        rises = bool(len(gaps) and gaps.min() > 0)
        if rises and entity is None:
            even = len(moments) >= _FEWEST_ROWS and gaps.max() <= _UNEVEN * gaps.min()
            if even or order is not None:
                return Shape(None, name)
            continue  # a table in the order of its dates: any column would do
        for candidate in table.column_names if entity is None else (entity,):
            if candidate != name and _names_series(table.column(candidate), moments, known=entity is not None):
                return Shape(candidate, name)
    return None


def hint(table: pa.Table) -> list[Note]:
    """A Note when a table looks like series: as a table, its rows are taken for independent ones."""
    shape = found_shape(table)
    if shape is None:
        return []
    whose = "rows follow each other" if shape.entity is None else f"rows of one {shape.entity!r} follow each other"
    words = f"{whose} in {shape.order!r}, but a table is learned and judged as independent rows; to keep their order"
    return [Note("Q004", f"{words}, read it as series: {shape.words}", shape.entity or shape.order)]


def _orders(table: pa.Table, known: str | None) -> Iterator[tuple[str, np.ndarray]]:
    """Columns that could order steps, moments first, as whole numbers."""
    names = table.column_names if known is None else [known]
    moments = [name for name in names if pa.types.is_temporal(table.schema.field(name).type)]
    numbers = [name for name in names if pa.types.is_integer(table.schema.field(name).type)]
    for name in (*moments, *numbers):
        cells = table.column(name)
        if cells.null_count or len(cells) < 2 * _FEWEST_STEPS:
            continue
        values = _whole(cells)
        if values is not None and (name in moments or known is not None or _counts(values)):
            yield name, values


def _whole(cells: pa.ChunkedArray) -> np.ndarray | None:
    """Moments or numbers as int64; None for types that are neither (durations, times of a day)."""
    kind = cells.type
    if pa.types.is_date(kind):
        cells = cells.cast(pa.timestamp("ms"))
    elif not (pa.types.is_timestamp(kind) or pa.types.is_integer(kind)):
        return None
    try:
        return np.asarray(cells.cast(pa.int64()).to_numpy())
    except pa.ArrowInvalid:  # unsigned numbers beyond int64
        return None


def _counts(values: np.ndarray) -> bool:
    """Whether numbers count 1, 2, 3 and begin again, as steps do that stand series by series."""
    gaps = np.diff(values)
    back = gaps < 0
    return bool(back.any() and (gaps[~back] == 1).all() and values[0] in (0, 1))


def _names_series(cells: pa.ChunkedArray, moments: np.ndarray, *, known: bool) -> bool:
    """Whether moments rise within each value of a column, and could not do so by their order in the table alone."""
    kind = cells.type
    if cells.null_count or not any(
        is_it(kind) for is_it in (pa.types.is_string, pa.types.is_integer, pa.types.is_dictionary)
    ):
        return False
    if not _rises(_codes(cells.slice(0, _FIRST)), moments[:_FIRST]):
        return False
    codes = _codes(cells)
    n = len(np.unique(codes))
    if not known and (n < 2 or len(codes) < _FEWEST_STEPS * n):
        return False
    if not _rises(codes, moments):
        return False
    gaps = np.diff(moments)
    return known or bool((gaps < 0).any()) or len(np.unique(moments)) <= len(moments) / 2


def _codes(cells: pa.ChunkedArray) -> np.ndarray:
    array = cells.combine_chunks()
    return np.asarray((array if pa.types.is_dictionary(cells.type) else array.dictionary_encode()).indices.to_numpy())


def _rises(codes: np.ndarray, moments: np.ndarray) -> bool:
    """Whether moments rise from row to row of each code."""
    places = np.argsort(codes, kind="stable")
    same = np.diff(codes[places]) == 0
    return not (np.diff(moments[places])[same] <= 0).any()
