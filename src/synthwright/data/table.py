"""One table: a row is a unit, unless a column with role `group` binds rows together when they are split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Note
from synthwright.core.errors import DataError, Problem, listing
from synthwright.data.dataset import Dataset
from synthwright.data.schema import MAIN, Column, Schema

_SHOWN = 3  # rows named in a message


class Table(Dataset):
    """Rows and columns.

    >>> data = Table.of({"age": [31, 64, None], "sex": ["F", "M", "F"]})
    >>> len(data), data.schema["age"].kind
    (3, 'integer')
    """

    modality: ClassVar[str] = "table"

    @classmethod
    def of(cls, data: Any, schema: Schema | None = None, *, target: str | None = None) -> Self:
        """A table from a mapping of columns, or anything with the Arrow C stream (pandas, polars, DuckDB, Arrow).

        schema: inferred when not given. NaN becomes missing, with a Note. Raises DataError, SchemaError.
        """
        if isinstance(data, cls):
            return (
                data
                if schema is None and target is None
                else cls._with(data.arrow, schema or data.schema, target, data.notes)
            )
        table = as_arrow(data)
        problems = shape_problems(table)
        if problems:
            raise DataError.of(problems)
        table, notes = without_nan(table)
        if schema is None:
            from synthwright.data.infer import infer_schema

            schema = infer_schema(table)
        return cls._with(table, schema, target, notes)

    @classmethod
    def _with(cls, table: pa.Table, schema: Schema, target: str | None, notes: Sequence[Note]) -> Self:
        return cls({MAIN: table}, schema.with_target(target) if target else schema, notes)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The schema's columns."""
        return self.schema.columns

    def __getitem__(self, name: str) -> pa.ChunkedArray:
        """The cells of one column. Raises SchemaError for an unknown name."""
        self.schema[name]
        return self.arrow.column(name)

    def keep(self, names: Sequence[str]) -> Self:
        """The table with only these columns, in the table's own order."""
        schema = self.schema.keep(names)
        return type(self)({MAIN: self.arrow.select(list(schema.names))}, schema, self.notes)

    def _problems(self) -> list[Problem]:
        found = super()._problems()
        if found:
            return found
        for column in self.columns:
            found += _column_problems(column, self.arrow.column(column.name))
        return found


def as_arrow(data: Any) -> pa.Table:
    """A mapping of columns, or anything with the Arrow C stream, as an Arrow table. Raises DataError."""
    if isinstance(data, pa.Table):
        return _without_views(data)
    try:
        if isinstance(data, Mapping):
            return pa.table(dict(data))
        if hasattr(data, "__arrow_c_stream__"):
            return _without_views(pa.table(data))
        if isinstance(data, pa.RecordBatch):
            return _without_views(pa.Table.from_batches([data]))
        if hasattr(data, "arrow") and type(data).__module__.startswith("duckdb"):
            return _without_views(pa.table(data.arrow()))
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError, TypeError) as error:
        raise DataError(
            f"The {type(data).__name__} cannot be turned into columns of one type each: {error}",
            fix="give each column one type (for pandas: convert the object columns), or read a CSV file",
        ) from error
    raise DataError(
        f"Cannot use a {type(data).__name__} as a table.",
        fix="pass a pandas or polars DataFrame, a pyarrow Table, a DuckDB relation or a mapping of columns",
    )


def _without_views(table: pa.Table) -> pa.Table:
    """String views (polars) as plain strings: Arrow's own functions do not know views. Raises DataError."""
    for i, field in enumerate(table.schema):
        kind = field.type
        if isinstance(kind, pa.BaseExtensionType) and not pa.types.is_string(kind.storage_type):
            raise DataError(
                f"Column {field.name!r} is of the extension type {kind.extension_name}, which has no plain values.",
                where=f"column {field.name!r}",
                fix="convert it first, for example to timestamps or text",
            )
        plain = next((made for is_kind, made in _PLAIN if is_kind(kind)), None)
        if plain is not None:
            table = table.set_column(i, field.name, table.column(i).cast(plain))
    return table


_PLAIN: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (lambda kind: isinstance(kind, pa.BaseExtensionType), pa.string()),
    (pa.types.is_string_view, pa.large_string()),
    (pa.types.is_binary_view, pa.large_binary()),
)


def shape_problems(table: pa.Table) -> list[Problem]:
    """What makes a table no data at all: no columns, no rows, or names that stand twice."""
    found = []
    if table.num_columns == 0:
        found.append(Problem("The table has no columns.", fix="check the source"))
    elif table.num_rows == 0:
        found.append(Problem("The table has no rows.", fix="check the source: a header alone is no data"))
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        found.append(Problem(f"Column names stand twice: {listing(twice)}.", fix="rename them"))
    return found


def without_nan(table: pa.Table) -> tuple[pa.Table, list[Note]]:
    """The table with NaN as missing cells, and a Note for each column that had some."""
    notes = []
    for i, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            is_nan = pc.fill_null(pc.is_nan(table.column(i)), False)
            count = pc.sum(is_nan).as_py() or 0
            if count:
                nothing = pa.scalar(None, type=field.type)
                table = table.set_column(i, field.name, pc.if_else(is_nan, nothing, table.column(i)))
                notes.append(Note("D001", f"{count:,} NaN cells were read as missing", field.name))
    return table, notes


def _column_problems(column: Column, cells: pa.ChunkedArray) -> list[Problem]:
    found = []
    for what, wrong, fix in wrong_cells(column, cells):
        rows = pc.indices_nonzero(wrong).to_pylist()
        shown = ", ".join(f"row {row} ({cells[row].as_py()})" for row in rows[:_SHOWN])
        found.append(
            Problem(f"{len(rows):,} values of {column.name!r} {what}: {shown}.", f"column {column.name!r}", fix)
        )
    return found


def wrong_cells(column: Column, cells: pa.ChunkedArray) -> Iterator[tuple[str, pa.ChunkedArray, str]]:
    """Each way in which cells break what the schema says of their column: in words, as a mask, and how to fix it."""
    for what, wrong, fix in (
        ("are infinite", _infinite(cells), "replace them, or read(..., on_invalid='null')"),
        (
            "are missing although the column is not nullable",
            None if column.nullable else pc.is_null(cells),
            "set nullable in the schema",
        ),
        (
            f"are outside {list(column.bounds or ())}",
            _outside(column, cells),
            "correct them, widen bounds in the schema, or read(..., on_invalid='null')",
        ),
        ("are not among the categories", _unlisted(column, cells), "correct them, or extend categories in the schema"),
    ):
        if wrong is not None and pc.any(wrong, min_count=0).as_py():
            yield what, pc.fill_null(wrong, False), fix


def _infinite(cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    return pc.is_inf(cells) if pa.types.is_floating(cells.type) else None


def _outside(column: Column, cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if not column.bounds or not column.is_numeric:
        return None
    low, high = (_bound(value, cells.type) for value in column.bounds)
    wrong = None
    for bound, compare in ((low, pc.less), (high, pc.greater)):
        if bound is not None:
            part = compare(cells, bound)
            wrong = part if wrong is None else pc.or_(wrong, part)
    return wrong


def _bound(value: float | str | None, kind: pa.DataType) -> pa.Scalar | None:
    if value is None:
        return None
    if isinstance(value, str):
        return pa.scalar(value).cast(kind)
    if pa.types.is_integer(kind) and not float(value).is_integer():
        return pa.scalar(value, pa.float64())
    return pa.scalar(int(value) if pa.types.is_integer(kind) else value).cast(kind)


def _unlisted(column: Column, cells: pa.ChunkedArray) -> pa.ChunkedArray | None:
    if column.categories is None or not column.is_discrete:
        return None
    kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
    allowed = pa.array(list(column.categories)).cast(kind)
    plain = cells.cast(kind) if pa.types.is_dictionary(cells.type) else cells
    return pc.and_(pc.invert(pc.is_in(plain, value_set=allowed)), pc.is_valid(plain))
