"""What happens to cells that do not fit: an error that names them, or missing cells, or dropped rows with a Note."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Note
from synthwright.core.errors import DataError, Problem
from synthwright.data.schema import MAIN, Column
from synthwright.data.table import Table, shape_problems, without_nan, wrong_cells
from synthwright.io.files import Loaded

OnInvalid = Literal["error", "null", "drop"]
_SHOWN = 3


def settle(loaded: Loaded, on_invalid: OnInvalid, *, where: str) -> Table:
    """The Table of what was loaded. Raises DataError: for "error" with all misfits, else if no row is left."""
    problems = shape_problems(loaded.table)
    if problems:
        raise DataError.of([Problem(p.what, where, p.fix) for p in problems])
    table, nan_notes = without_nan(loaded.table)
    notes = [*loaded.notes, *nan_notes]
    if on_invalid == "error":
        misfit = [_problem(loaded.schema[name], texts, where) for name, texts in loaded.misfits.items()]
        if misfit:
            raise DataError.of(misfit)
        return _table(table, loaded, notes, where)
    doomed: pa.ChunkedArray | None = None
    for column in loaded.schema.of():
        bad = _wrong_rows(column, table.column(column.name), loaded)
        if bad is None:
            continue
        n_bad = pc.sum(bad).as_py()
        if on_invalid == "null" and column.nullable:
            cells = table.column(column.name)
            place = table.column_names.index(column.name)
            table = table.set_column(place, column.name, pc.if_else(bad, pa.scalar(None, cells.type), cells))
            notes.append(Note("R110", f"{n_bad:,} cells that do not fit became missing", column.name))
        else:
            doomed = bad if doomed is None else pc.or_(doomed, bad)
            notes.append(Note("R111", f"{n_bad:,} rows whose cell does not fit were dropped", column.name))
    if doomed is not None:
        table = table.filter(pc.invert(doomed))
        notes.append(Note("R112", f"{pc.sum(doomed).as_py():,} of {len(doomed):,} rows were dropped", where))
        if not table.num_rows:
            raise DataError(
                "No row is left: every one has a cell that does not fit.", where=where, fix="check the schema"
            )
    return _table(table, loaded, notes, where)


def _table(table: pa.Table, loaded: Loaded, notes: list[Note], where: str) -> Table:
    try:
        return Table({MAIN: table}, loaded.schema, notes)
    except DataError as error:
        placed = [Problem(p.what, f"{where}, {p.where}", p.fix) for p in error.problems]
        raise DataError.of(placed) from None


def _problem(column: Column, texts: pa.ChunkedArray, where: str) -> Problem:
    rows = pc.indices_nonzero(texts.is_valid()).to_pylist()
    shown = ", ".join(f"row {row} ({texts[row].as_py()!r:.60})" for row in rows[:_SHOWN])
    more = ", ..." if len(rows) > _SHOWN else ""
    kind = column.dtype or column.kind
    return Problem(
        f"{len(rows):,} cells of {column.name!r} are not {kind}: {shown}{more}.",
        f"{where}, column {column.name!r}",
        "correct them, change the schema, or read(..., on_invalid='null')",
    )


def _wrong_rows(column: Column, cells: pa.ChunkedArray, loaded: Loaded) -> pa.ChunkedArray | None:
    """Rows in which a cell does not fit for any reason; None when all fit."""
    masks = [mask for _, mask, _ in wrong_cells(column, cells)]
    if column.name in loaded.misfits:
        masks.append(loaded.misfits[column.name].is_valid())
    wrong = None
    for mask in masks:
        wrong = mask if wrong is None else pc.or_(wrong, mask)
    return wrong
