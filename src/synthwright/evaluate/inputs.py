"""Bring data frames and datasets to the columns and types of the training data, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from synthwright.core.context import Note
from synthwright.core.errors import DataError, Problem, SynthwrightError, Unsupported, counted, listing
from synthwright.data.dataset import Dataset, dataset_class
from synthwright.data.schema import MAIN, Column, Schema


def training(data: Any, target: str | None) -> Dataset:
    """The training data as a dataset; a data frame becomes a table with an inferred schema."""
    if isinstance(data, Dataset):
        if target is None or data.schema.target == target:
            return data
        return data.replace({}, data.schema.with_target(target))
    found: Dataset = dataset_class("table").of(data, target=target)  # type: ignore[attr-defined]  # Table has `of`
    return found


def aligned(data: Any, train: Dataset, part: str, notes: list[Note]) -> Dataset:
    """`data` with the columns of train, in its order and types; rules on values are not enforced, they are judged.

    Columns that train lacks are dropped with a Note. Raises DataError for missing columns, Unsupported for another
    modality.
    """
    if train.modality != "table":
        return _same_modality(data, train, part)
    table = _arrow(data, part)
    wanted = train.schema.of(MAIN)
    absent = [column.name for column in wanted if column.name not in table.column_names and _is_needed(column)]
    if absent:
        raise DataError(
            f"The {part} data lack {counted(len(absent), 'column')} of the training data: {listing(absent)}.",
            where=f"{part}=",
            fix="give the same columns; rename them, or drop them from train",
        )
    extra = [name for name in table.column_names if name not in train.schema.names]
    if extra:
        notes.append(Note("E001", f"columns that train lacks were not judged: {listing(extra)}", part))
    kept = [column for column in wanted if column.name in table.column_names]
    cells = [_cast(table.column(column.name), train.arrow.schema.field(column.name).type) for column in kept]
    if problems := [
        _problem(column, one, part) for column, one in zip(kept, cells, strict=True) if _unfit(column, one)
    ]:
        raise DataError.of(problems)
    columns = [_free(column, str(one.type)) for column, one in zip(kept, cells, strict=True)]
    schema = Schema(columns=tuple(columns))
    return type(train)({MAIN: pa.table(dict(zip([c.name for c in kept], cells, strict=True)))}, schema)


def _same_modality(data: Any, train: Dataset, part: str) -> Dataset:
    """The data themselves, once they are of the modality and have the columns of train."""
    if not isinstance(data, Dataset) or data.modality != train.modality:
        kind = data.modality if isinstance(data, Dataset) else type(data).__name__
        raise Unsupported(
            f"The {part} data are of modality {kind!r}, the training data of {train.modality!r}.",
            where=f"{part}=",
            fix="read both in one way",
        )
    absent = [name for name in train.schema.names if name not in data.schema.names]
    if absent:
        raise DataError(
            f"The {part} data lack {counted(len(absent), 'column')} of the training data: {listing(absent)}.",
            where=f"{part}=",
            fix="give the same columns",
        )
    return data


def _arrow(data: Any, part: str) -> pa.Table:
    if isinstance(data, Dataset):
        if data.modality != "table":
            raise Unsupported(
                f"The {part} data are of modality {data.modality!r}, the training data are a table.",
                where=f"{part}=",
                fix="give data of one kind: train and holdout of the kind of the synthetic data",
            )
        return data.arrow
    try:
        return dataset_class("table").of(data).arrow  # type: ignore[attr-defined]  # Table has `of`
    except SynthwrightError as error:
        raise type(error)(error.what, where=f"{part}= {error.where}".strip(), fix=error.fix) from error


def _is_needed(column: Column) -> bool:
    return column.is_learned


def _cast(cells: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Cells in the training type; as they are when that would lose something."""
    if cells.type == kind:
        return cells
    plain = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
    try:
        return plain.cast(kind.value_type if pa.types.is_dictionary(kind) else kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return plain


def _unfit(column: Column, cells: pa.ChunkedArray) -> bool:
    kind = cells.type
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return column.is_learned and column.is_numeric and not (numeric or pa.types.is_temporal(kind))


def _problem(column: Column, cells: pa.ChunkedArray, part: str) -> Problem:
    shown = next((str(value) for value in cells.to_pylist() if value is not None), "nothing")
    return Problem(
        f"Column {column.name!r} is {column.kind} in train and holds {cells.type} in {part}, such as {shown[:40]!r}.",
        f"{part}=",
        "convert it, or read both files with one schema: read(path, schema=)",
    )


def without_limits(schema: Schema) -> Schema:
    """The schema with its types and formats, but no limits on values: what is judged must not be refused."""
    columns = tuple(_free(column, column.dtype) for column in schema.columns)
    return schema.model_copy(update={"columns": columns, "constraints": ()})


def _free(column: Column, dtype: str) -> Column:
    """A column description that any value satisfies."""
    return column.model_copy(update={"dtype": dtype, "nullable": True, "categories": None, "bounds": None})


def describe(parts: Sequence[tuple[str, Dataset]]) -> dict[str, dict[str, Any]]:
    """Rows, columns and fingerprint of each part."""
    return {
        name: {"rows": len(part), "columns": len(part.schema.columns), "fingerprint": part.fingerprint()}
        for name, part in parts
    }
