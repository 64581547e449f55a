"""pandas, polars, DuckDB and Arrow objects in and out, by the Arrow C stream; no frame library is imported to read."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa

from synthwright.core.errors import DataError, Problem, Unsupported
from synthwright.data.table import Table
from synthwright.data.table import as_arrow as _as_arrow

FLAVOURS = ("arrow", "pandas", "polars")


def as_arrow(data: Any) -> pa.Table:
    """An Arrow table from a frame, a relation, a record batch or a mapping of columns.

    A column of objects must hold one type. Raises DataError naming each column that does not, with its types.
    """
    if hasattr(data, "collect") and type(data).__module__.startswith("polars"):
        data = data.collect()
    if _is_pandas(data) and not all(isinstance(name, str) for name in data.columns):
        data = data.rename(columns=str)
    problems = _mixed_columns(data)
    if problems:
        raise DataError.of(problems)
    return _as_arrow(data)


def _is_pandas(data: Any) -> bool:
    return type(data).__module__.startswith("pandas") and hasattr(data, "dtypes") and hasattr(data, "columns")


def _mixed_columns(data: Any) -> list[Problem]:
    """Columns of a pandas frame whose cells are of several types, for which Arrow has no type."""
    if not _is_pandas(data):
        return []
    found = []
    for place, name in enumerate(data.columns):
        series = data.iloc[:, place]
        if series.dtype != object:
            continue
        kinds = Counter(type(value).__name__ for value in series[series.notna()])
        if len(kinds) > 1 and set(kinds) != {"int", "float"}:
            words = ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common())
            found.append(
                Problem(
                    f"Column {str(name)!r} holds cells of several types: {words}.",
                    f"column {str(name)!r}",
                    f"convert it, for example frame[{name!r}] = frame[{name!r}].astype(str)",
                )
            )
    return found


def to_frame(data: Table, flavour: str) -> Any:
    """The table as an Arrow, pandas or polars object. Raises Unsupported, MissingExtra."""
    makers = {"arrow": data.to_arrow, "pandas": data.to_pandas, "polars": data.to_polars}
    if flavour not in makers:
        raise Unsupported(f"Unknown flavour {flavour!r}.", fix=f"use one of: {', '.join(FLAVOURS)}")
    return makers[flavour]()
