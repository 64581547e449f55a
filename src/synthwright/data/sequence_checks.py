"""What can be wrong with series: cells, attributes that change, and an order that does not rise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.errors import Problem
from synthwright.data.schema import MAIN, Schema
from synthwright.data.table import wrong_cells

_SHOWN = 3  # places named in a message


def cell_problems(schema: Schema, tables: Mapping[str, pa.Table], entity: str, order: str) -> list[Problem]:
    """Infinite cells, cells against the schema, and kinds that no model learns."""
    found = []
    for column in schema.columns:
        cells = tables[column.table].column(column.name)
        owners = tables[column.table].column(entity)
        if column.name == order and cells.null_count:
            continue  # told by `order_problems`
        for what, wrong, fix in wrong_cells(column, cells):
            fix = fix.split(", or read(")[0]  # on_invalid is for tables
            rows = pc.indices_nonzero(wrong).to_pylist()
            shown = ", ".join(f"{owners[i].as_py()!r} row {i} ({cells[i].as_py()})" for i in rows[:_SHOWN])
            found.append(
                Problem(f"{len(rows):,} values of {column.name!r} {what}: {shown}.", f"column {column.name!r}", fix)
            )
        if column.table != MAIN or column.name in (entity, order):
            continue
        if not (column.is_numeric or column.is_discrete or column.kind == "text"):
            found.append(
                Problem(
                    f"Channel {column.name!r} is of kind {column.kind}; they hold numbers, moments, levels or texts.",
                    f"column {column.name!r}",
                    "leave it out, or name it in static=",
                )
            )
    return found


def empty_problems(rows: pa.Table) -> list[Problem]:
    """Channels that are missing in every row: of what kind they are cannot be guessed."""
    return [
        Problem(f"Channel {name!r} is missing in every row.", f"column {name!r}", "leave it out, or give a schema")
        for name, cells in zip(rows.column_names, rows.columns, strict=True)
        if cells.null_count == len(cells)
    ]


def static_problems(
    rows: pa.Table, codes: np.ndarray, firsts: np.ndarray, names: Sequence[str], ids: pa.Array
) -> list[Problem]:
    """Attributes that change within a series. rows: grouped by series; codes: (rows,) number of the series."""
    found = []
    for name in names:
        cells = rows.column(name)
        plain = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
        coded = plain.combine_chunks().dictionary_encode() if len(plain) else plain
        levels = pc.fill_null(coded.indices, -1).to_numpy()
        wrong = np.flatnonzero(levels != levels[firsts][codes])
        if len(wrong):
            owners = np.unique(codes[wrong])
            i = int(wrong[0])
            found.append(
                Problem(
                    f"{name!r} changes within {len(owners):,} series: {ids[int(codes[i])].as_py()!r} has "
                    f"{plain[int(firsts[codes[i]])].as_py()!r} and later {plain[i].as_py()!r}.",
                    f"column {name!r}",
                    "leave it out of static= to make it a channel",
                )
            )
    return found


def order_problems(cells: pa.ChunkedArray, places: np.ndarray, ids: pa.ChunkedArray, name: str) -> list[Problem]:
    """Steps that repeat or go back within a series. places: (rows,) number of the series of each row."""
    if cells.null_count:
        rows = pc.indices_nonzero(pc.is_null(cells)).to_pylist()
        shown = ", ".join(f"{ids[int(places[i])].as_py()!r} row {i}" for i in rows[:_SHOWN])
        fix = "fill it in, or drop these rows"
        return [Problem(f"{len(rows):,} rows have no {name!r}: {shown}.", f"column {name!r}", fix)]
    shown_cells = cells
    if pa.types.is_temporal(cells.type):
        cells = cells.cast(pa.int32() if cells.type.bit_width == 32 else pa.int64())
    at = cells.to_numpy()
    same = np.diff(places) == 0
    found = []
    for wrong, words, fix in (
        (same & (np.diff(at) == 0), "repeat", "keep one row for each step"),
        (same & (np.diff(at) < 0), "go back", "sort the rows by it"),
    ):
        rows = np.flatnonzero(wrong) + 1
        if len(rows):
            shown = ", ".join(f"{ids[int(places[i])].as_py()!r} row {i} ({shown_cells[int(i)]})" for i in rows[:_SHOWN])
            found.append(Problem(f"{len(rows):,} steps of {name!r} {words}: {shown}.", f"column {name!r}", fix))
    return found
