"""From a long table to the schema of series: which column names them, orders them, stays, and changes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.errors import DataError
from synthwright.data.infer import infer_schema
from synthwright.data.schema import MAIN, Column, Kind, Link, Schema, arrow_type

STATIC = "static"  # the table with one row for each series


def special_columns(schema: Schema) -> tuple[str, str]:
    """Names of the identifying and the ordering column. Raises DataError when the schema has none."""
    entity = next((column.name for column in schema.of(STATIC) if column.role == "id"), None)
    order = next((column.name for column in schema.of(MAIN) if column.role == "order"), None)
    if entity is None or order is None:
        raise DataError(
            "A schema of series has a column with role id in table 'static' and one with role order in table 'rows'.",
            where="schema",
            fix="use SeriesSet.of(long table, entity=..., order=...)",
        )
    return entity, order


def found_static(table: pa.Table, entity: str, order: str | None) -> tuple[str, ...]:
    """Columns that differ between series and never change within one; none when every series has one step.

    At least one column stays a channel: a set in which nothing ever changes has no attributes.
    """
    others = [name for name in table.column_names if name not in (entity, order)]
    plain = {}
    for name in (entity, *others):
        cells = table.column(name)
        if pa.types.is_nested(cells.type):
            return ()
        plain[name] = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
    every = pc.CountOptions(mode="all")
    within = pa.table(plain).group_by(entity).aggregate([(name, "count_distinct", every) for name in others])
    if within.num_rows < 2 or within.num_rows == table.num_rows:
        return ()
    found = [
        name
        for name in others
        if pc.max(within.column(f"{name}_count_distinct")).as_py() == 1 and pc.count_distinct(plain[name]).as_py() > 1
    ]
    return tuple(found) if len(found) < len(others) else ()


def with_schema(
    table: pa.Table, entity: str | None, order: str | None, static: tuple[str, ...]
) -> tuple[pa.Table, str, str, Schema]:
    """The long table with an entity and an order column, and the schema of both tables."""
    if entity is None:
        entity = fresh_name("series", table.column_names)
        table = table.append_column(entity, pa.array(["series-0"] * table.num_rows))
    ids = table.column(entity)
    if not (pa.types.is_integer(ids.type) or pa.types.is_string(ids.type)):
        ids = ids.cast(pa.string())
        table = table.set_column(table.column_names.index(entity), entity, ids)
    if order is None:
        order = fresh_name("step", table.column_names)
        codes = ids.combine_chunks().dictionary_encode().indices
        table = table.append_column(order, pa.array(_counted(pc.fill_null(codes, -1).to_numpy())))
    else:
        table = table.set_column(table.column_names.index(order), order, _moments(table.column(order), order))
    guessed = {column.name: column for column in infer_schema(table).columns}
    key = Column(name=entity, kind="identifier", table=STATIC, dtype=str(ids.type), role="id", nullable=False)
    kind = table.column(order).type
    order_kind: Kind = (
        "datetime" if pa.types.is_temporal(kind) else "integer" if pa.types.is_integer(kind) else "number"
    )
    columns = [key, *(_attribute(guessed[name], STATIC) for name in static)]
    columns.append(key.model_copy(update={"table": MAIN, "role": "key"}))
    columns.append(Column(name=order, kind=order_kind, table=MAIN, dtype=str(kind), role="order", nullable=False))
    channels = [_attribute(guessed[n], MAIN) for n in table.column_names if n not in (entity, order, *static)]
    if all(column.kind == "text" for column in channels):
        what = "There is no channel: every column names, orders or stays, or holds free text."
        raise DataError(what, fix="add a column that changes")
    columns += channels
    link = Link(child=MAIN, parent=STATIC, on=((entity, entity),))
    return table, entity, order, Schema(modality="series", columns=tuple(columns), links=(link,))


def _attribute(column: Column, table: str) -> Column:
    """A guessed column as attribute or channel: one that changes is a number, a level or free text."""
    changes: dict[str, Any] = {"table": table, "nullable": True, "bounds": None}
    changes["role"] = "target" if column.role == "target" else "feature"
    if column.kind == "identifier" and table == MAIN:
        kind = arrow_type(column.dtype)
        changes["kind"] = "integer" if pa.types.is_integer(kind) else "category"
    return column.model_copy(update=changes)


def _counted(codes: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within each code, in the order of the rows."""
    places = np.argsort(codes, kind="stable")
    ordered = codes[places]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(codes) else np.zeros(0, int)
    steps = np.empty(len(codes), dtype=np.int64)
    steps[places] = np.arange(len(codes)) - np.repeat(starts, np.diff(np.append(starts, len(codes))))
    return steps


def _moments(cells: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    """An order of numbers or moments; texts are read as ISO moments. Raises DataError."""
    kind = cells.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return cells
    read: list[Any] = []
    try:
        read = [None if text is None else dt.datetime.fromisoformat(text) for text in cells.to_pylist()]
    except (TypeError, ValueError):
        raise DataError(
            f"The order {name!r} holds {kind}, such as {cells[0].as_py()!r}: neither numbers nor ISO moments.",
            where=f"column {name!r}",
            fix="convert it to numbers or dates",
        ) from None
    zoned = [i for i, moment in enumerate(read) if moment is not None and moment.tzinfo is not None]
    if zoned and len(zoned) < len(read) - cells.null_count:
        bare = next(i for i, moment in enumerate(read) if moment is not None and moment.tzinfo is None)
        raise DataError(
            f"{len(zoned):,} of {len(read):,} moments have a time zone, such as row {zoned[0]}; row {bare} has none.",
            where=f"column {name!r}",
            fix="write all moments with a zone, or none",
        )
    return pa.chunked_array([pa.array(read, pa.timestamp("us", tz="UTC" if zoned else None))])


def fresh_name(wanted: str, taken: Sequence[str]) -> str:
    """`wanted`, with underscores added until no column has this name."""
    while wanted in taken:
        wanted += "_"
    return wanted
