"""What a model learns of a dataset, and how its draws become complete rows again.

Of a table, a model sees only numbers and levels that carry information. Identifiers and other direct references to
people are re-made by their format; constants and columns that follow from another one are added back; columns that
rules rewrite are rewritten back; text that a tabular model cannot learn stays empty, with a Note, and so do columns
of which every level is rare. Of series, free text and such columns stay empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Context
from synthwright.core.errors import DataError, SampleError, counted
from synthwright.data.cells import from_plain, to_plain
from synthwright.data.columns import FEWEST_TO_PROTECT, RARE, kept_levels
from synthwright.data.constraints import names_in, validate
from synthwright.data.dataset import Dataset
from synthwright.data.derived import Derived, find_derived
from synthwright.data.identifiers import IdFormat, uniform
from synthwright.data.rules import RulePlan, bounds_free
from synthwright.data.schema import MAIN, Column, Schema, arrow_type

_GROUP_SKETCH = 1024  # group sizes kept
_RARE_WORDS = f"every level is in fewer than {RARE} rows"
_LARGEST = 1e150  # the squares of larger numbers, summed over rows, leave the range of float64
_EXACT = 2**53  # whole numbers beyond have no exact float


@dataclass(frozen=True)
class Preparation:
    """A fitted plan from complete rows to learned columns and back.

    For modalities other than tables it empties columns at most: all stand in what a generator's `_sample` returns.

    schema: of complete rows, as samples have it. learned_schema: of what a generator's `_fit` sees and its
    `_sample` returns. Everything is JSON-able; no training row is kept.
    """

    schema: Schema
    learned_schema: Schema
    kept: tuple[str, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    derived: tuple[Derived, ...] = ()
    remade: Mapping[str, IdFormat] = field(default_factory=dict)
    empty: tuple[str, ...] = ()
    group: str | None = None
    group_sizes: tuple[int, ...] = ()
    rules: RulePlan | None = None

    @classmethod
    def fit(cls, data: Dataset, ctx: Context, *, protect: bool = True) -> Self:
        """Decide what is learned. Raises DataError when nothing is or numbers are too large, ConstraintError.

        protect: levels in fewer than 5 rows do not stand in the schema of samples, nor in the saved model.
        """
        _check_sizes(data)
        if data.modality == "series":
            return cls(**_plan_of_series(data, ctx, protect))
        if data.modality != "table":
            return cls(data.schema, data.schema)
        return cls(**_plan(data, ctx, protect))

    @property
    def is_identity(self) -> bool:
        """Whether draws have all columns already."""
        return self.schema.modality != "table"

    def learned(self, data: Dataset) -> Dataset:
        """The dataset with only what a model learns."""
        if self.is_identity:
            return self._emptied(data)
        table = data.arrow.select(list(self.kept))
        if self.rules is not None:
            table = self.rules.transform(table)
        return data.replace({MAIN: table.select(list(self.learned_schema.names))}, self.learned_schema)

    def _emptied(self, data: Dataset) -> Dataset:
        """The dataset in the learned schema, without the cells of the columns that stay empty."""
        if not self.empty and self.learned_schema == data.schema:
            return data
        tables = dict(data.tables)
        for name, table in data.tables.items():
            for gone in set(self.empty).intersection(table.column_names):
                place = table.column_names.index(gone)
                tables[name] = tables[name].set_column(
                    place, gone, pa.chunked_array([pa.nulls(table.num_rows, table.column(gone).type)])
                )
        return data.replace(tables, self.learned_schema)

    def restore(self, drawn: Dataset, rng: np.random.Generator) -> Dataset:
        """Complete rows in the original columns, order and types; identifiers hold a placeholder until `identify`."""
        if self.is_identity:
            return drawn if self.schema == self.learned_schema else drawn.replace({}, self.schema)
        table = drawn.arrow
        if self.rules is not None:
            table = self.rules.inverse(table, rng)
        columns = {name: table.column(name) for name in table.column_names}
        for one in self.derived:
            columns[one.name] = one.make(columns[one.source])
        n = table.num_rows
        for name, value in self.constants.items():
            columns[name] = _repeated(value, self.schema[name], n)
        for name in self.empty:
            columns[name] = pa.nulls(n, arrow_type(self.schema[name].dtype))
        for name, format_ in self.remade.items():
            one_cell = replace(format_, null_rate=0.0).make(np.zeros(1, dtype=np.int64))
            columns[name] = one_cell.take(pa.array(np.zeros(n, dtype=np.int64)))
        complete = pa.table({column.name: columns[column.name] for column in self.schema.columns})
        schema = self.schema
        if self.rules is not None:  # computed cells may lie outside their bounds until `satisfied` has sorted them out
            free = bounds_free(schema.columns, self.rules.rewritten)
            schema = schema.model_copy(update={"columns": free})
        return drawn.replace({MAIN: complete}, schema)

    def satisfied(self, drawn: Dataset) -> np.ndarray:
        """For each unit, whether it keeps every rule of the schema."""
        return np.ones(len(drawn), dtype=bool) if self.rules is None else self.rules.satisfied(drawn)

    def identify(self, block: Dataset, start: int) -> Dataset:
        """Fill the identifiers of units `start`, `start + 1`, ... of the sample."""
        if self.is_identity:
            return block.renumbered(start)
        table = block.arrow
        rows = np.arange(start, start + table.num_rows, dtype=np.int64)
        groups = self._group_of(rows)
        for name, format_ in self.remade.items():
            cells = format_.make(groups if name == self.group else rows)
            table = table.set_column(table.column_names.index(name), name, cells)
        return block.replace({MAIN: table}, self.schema)

    def _group_of(self, rows: np.ndarray) -> np.ndarray:
        """The group number of each row: training sizes in a fixed shuffled order, repeated without end."""
        if not self.group_sizes:
            return rows
        ends = np.cumsum(self.group_sizes)
        lap, place = np.divmod(rows, int(ends[-1]))
        return lap * len(ends) + np.searchsorted(ends, place, side="right")

    def check_capacity(self, n: int) -> None:
        """Raise SampleError when a format has fewer than n different identifiers."""
        for name, format_ in self.remade.items():
            needed = int(self._group_of(np.array([n - 1]))[0]) + 1 if name == self.group else n
            if needed > format_.capacity:
                raise SampleError(
                    f"{needed:,} different values of {name!r} are needed; its format {format_.words!r} has "
                    f"{format_.capacity:,}.",
                    where=f"column {name!r}",
                    fix=f"sample at most {format_.capacity:,} rows, or use wider identifiers in the training data",
                )

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {
            "schema": self.schema.to_json(),
            "learned_schema": self.learned_schema.to_json(),
            "kept": list(self.kept),
            "constants": dict(self.constants),
            "derived": [one.to_json() for one in self.derived],
            "remade": {name: format_.to_json() for name, format_ in self.remade.items()},
            "empty": list(self.empty),
            "group": self.group,
            "group_sizes": list(self.group_sizes),
            "rules": self.rules.to_json() if self.rules else None,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        schema = Schema.from_json(document["schema"])
        return cls(
            schema,
            Schema.from_json(document["learned_schema"]),
            tuple(document["kept"]),
            dict(document["constants"]),
            tuple(Derived.from_json(one) for one in document["derived"]),
            {name: IdFormat.from_json(format_) for name, format_ in document["remade"].items()},
            tuple(document["empty"]),
            document["group"],
            tuple(document["group_sizes"]),
            RulePlan.from_json(document["rules"], schema) if document["rules"] else None,
        )


def _plan(data: Dataset, ctx: Context, protect: bool) -> dict[str, Any]:
    """The fields of a table's preparation."""
    schema, table = data.schema, data.arrow
    remade, empty = _left_out(data, ctx, protect)
    constants: dict[str, Any] = {}
    kept: list[Column] = []
    for rule in schema.constraints:
        validate(rule, schema)
    ruled = {name for rule in schema.constraints for name in names_in(rule, schema)}
    for column in schema.columns:
        if column.name in remade or column.name in empty:
            continue
        cells = table.column(column.name)
        if (column.name not in ruled or cells.null_count == len(cells)) and _is_constant(cells):
            constants[column.name] = _constant(cells, column)
            what = "every cell is missing" if cells.null_count else "every cell has the same value"
            ctx.note("N013", f"{what}: repeated, not learned", column.name)
        else:
            kept.append(column)
    if not kept:
        raise DataError(
            f"There is nothing to learn: of {len(schema.columns)} columns, {len(remade)} are re-made by format, "
            f"{len(empty)} hold text, files or rare levels, {len(constants)} are constant.",
            where="table 'rows'",
            fix="add a column of numbers or categories, or correct kinds and roles in the schema",
        )
    _note_coarse(table, kept, ctx)
    derived = find_derived(table, [column for column in kept if column.name not in ruled], ctx)
    gone = {one.name for one in derived}
    kept = [column for column in kept if column.name not in gone]
    names = tuple(column.name for column in kept)
    rules = None
    learned = schema.keep(names)
    if schema.constraints:
        rules = RulePlan.fit(data, names, ctx, protect=protect and len(data) >= FEWEST_TO_PROTECT)
        learned = rules.learned_schema(learned, table)
    group, sizes = _groups(data, remade, ctx)
    return {
        "schema": _sampled_schema(data, {*remade, *empty}, set(empty), protect),
        "learned_schema": _learned_schema(learned),
        "kept": names,
        "constants": constants,
        "derived": derived,
        "remade": remade,
        "empty": tuple(empty),
        "group": group,
        "group_sizes": sizes,
        "rules": rules,
    }


def _check_sizes(data: Dataset) -> None:
    for table in data.tables.values():
        for name, cells in zip(table.column_names, table.columns, strict=True):
            if not pa.types.is_floating(cells.type):
                continue
            values = cells.to_numpy()
            beyond = np.flatnonzero(np.abs(values) > _LARGEST)
            if len(beyond):
                shown = ", ".join(f"row {i} ({values[i]:g})" for i in beyond[:3])
                subject = counted(len(beyond), f"value of {name!r} is", f"values of {name!r} are")
                raise DataError(
                    f"{subject} larger than {_LARGEST:g}, too large to calculate with: {shown}.",
                    where=f"column {name!r}",
                    fix="correct them, or give the column in a larger unit",
                )


def _plan_of_series(data: Dataset, ctx: Context, protect: bool) -> dict[str, Any]:
    """The fields of a preparation of series: free text and columns of rare levels become empty text.

    Levels are counted in rows that stand once, as the codec of series does.
    """
    from synthwright.data.series_codec import distinct_rows

    tables = {**data.tables, MAIN: distinct_rows(data)}  # type: ignore[arg-type]  # a SeriesSet, by its modality
    empty: list[str] = []
    shown: list[Column] = []
    learned: list[Column] = []
    for column in data.schema.columns:
        cells = tables[column.table].column(column.name)
        if why := _why_empty_in_series(column, cells, protect):
            empty.append(column.name)
            ctx.note("N014", f"{why}: left empty in samples", column.name)
            column = column.model_copy(update={"nullable": True, "categories": None})
            shown.append(column)
            learned.append(column.model_copy(update={"kind": "text"}))
            continue
        levels = _listed(column, cells, protect)
        shown.append(column.model_copy(update={"categories": levels}))
        is_cut = levels != column.categories and column.kind != "ordinal"
        learned.append(column.model_copy(update={"categories": None}) if is_cut else column)
    return {
        "schema": data.schema.model_copy(update={"columns": tuple(shown)}),
        "learned_schema": data.schema.model_copy(update={"columns": tuple(learned)}),
        "empty": tuple(empty),
    }


def _why_empty_in_series(column: Column, cells: pa.ChunkedArray, protect: bool) -> str:
    if column.table == MAIN and column.kind == "text":
        return _why_empty(column)
    if column.table == MAIN and cells.null_count == len(cells):
        return "every cell is missing"
    return _RARE_WORDS if column.is_discrete and column.is_learned and _is_rare(cells, protect) else ""


def _left_out(data: Dataset, ctx: Context, protect: bool) -> tuple[dict[str, IdFormat], list[str]]:
    """Columns that are re-made by a format, and columns that stay empty."""
    remade: dict[str, IdFormat] = {}
    empty: list[str] = []
    unique = {rule.get("column") for rule in data.schema.constraints if rule.get("rule") == "unique"}
    ruled = {name for rule in data.schema.constraints for name in names_in(rule, data.schema)}
    for column in data.schema.columns:
        cells = data.arrow.column(column.name)
        if column.is_learned and column.name not in unique and _is_plain(cells.type):
            if column.is_discrete and column.name not in ruled and _is_rare(cells, protect):
                empty.append(column.name)
                ctx.note("N014", f"{_RARE_WORDS}: left empty in samples", column.name)
            continue
        is_reference = column.kind == "identifier" or column.role in ("id", "key", "group")
        format_ = None
        if is_reference or column.sensitivity == "direct" or column.name in unique:
            format_ = IdFormat.of(cells, column) if cells.null_count < len(cells) else None
        if format_ is None:
            empty.append(column.name)
            ctx.note("N014", f"{_why_empty(column)}: left empty in samples", column.name)
            continue
        remade[column.name] = format_
        ctx.note("N012", f"re-made, not learned, as {format_.words}", column.name)
        if format_.style != "spread" and format_.n_free < len(data):
            ctx.note(
                "N015",
                f"only {format_.n_free:,} of {format_.capacity:,} possible values are certain to differ from real ones",
                column.name,
            )
    return remade, empty


def _why_empty(column: Column) -> str:
    if column.role in ("ignore", "split"):
        return f"role {column.role}"
    if column.sensitivity == "direct" or column.kind == "identifier":
        return f"direct reference without a format ({column.dtype or column.kind})"
    return f"{column.kind} is not learned"


def _is_rare(cells: pa.ChunkedArray, protect: bool) -> bool:
    """Whether there are levels, and none that may leave the model."""
    return cells.null_count < len(cells) and not kept_levels(cells, protect)


def _is_plain(kind: pa.DataType) -> bool:
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return not (pa.types.is_nested(value) or pa.types.is_null(value) or pa.types.is_binary(value))


def _is_constant(cells: pa.ChunkedArray) -> bool:
    if cells.null_count:
        return bool(cells.null_count == len(cells))
    plain = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
    return bool(pc.count_distinct(plain).as_py() == 1)


def _constant(cells: pa.ChunkedArray, column: Column) -> Any:
    return None if cells.null_count else to_plain(cells.slice(0, 1))[0]


def _repeated(value: Any, column: Column, n: int) -> pa.Array:
    kind = arrow_type(column.dtype)
    return pa.nulls(n, kind) if value is None else from_plain([value], kind).take(pa.array(np.zeros(n, dtype=np.int64)))


def _note_coarse(table: pa.Table, kept: list[Column], ctx: Context) -> None:
    for column in kept:
        cells = table.column(column.name)
        if pa.types.is_integer(cells.type) and cells.null_count < len(cells):
            ends = pc.min_max(cells).as_py()
            if ends["max"] - ends["min"] >= _EXACT:
                ctx.note("N017", "values span more than 2**53: learned to 16 digits only", column.name)


def _groups(data: Dataset, remade: Mapping[str, IdFormat], ctx: Context) -> tuple[str | None, tuple[int, ...]]:
    found = [column.name for column in data.schema.with_role("group") if column.name in remade]
    if not found:
        return None, ()
    counts = np.sort(pc.value_counts(data.arrow.column(found[0]).drop_null()).field("counts").to_numpy())
    if len(counts) > _GROUP_SKETCH:
        counts = counts[np.round(np.linspace(0, len(counts) - 1, _GROUP_SKETCH)).astype(np.int64)]
    # The order is a hash of the place, so that equal data give equal groups whatever the seed.
    order = np.argsort(uniform(np.arange(len(counts)), 17), kind="stable")
    ctx.note("N016", "rows of one group share its identifier but are made independently of each other", found[0])
    return found[0], tuple(int(size) for size in counts[order])


def _sampled_schema(data: Dataset, unlearned: set[str], empty: set[str], protect: bool) -> Schema:
    """The schema of samples: columns left empty may be missing; re-made ones are not bound to known values.

    Of learned columns, only levels that can be sampled are listed.
    """
    changed = []
    for column in data.schema.columns:
        if column.name in empty:
            column = column.model_copy(update={"nullable": True, "categories": None})
        elif column.name in unlearned:
            column = column.model_copy(update={"categories": None})
        elif column.categories is not None and column.is_discrete:
            levels = _listed(column, data.arrow.column(column.name), protect)
            column = column.model_copy(update={"categories": levels})
        changed.append(column)
    return data.schema.model_copy(update={"columns": tuple(changed)})


def _listed(column: Column, cells: pa.ChunkedArray, protect: bool) -> tuple[Any, ...] | None:
    """The levels that a column lists and that may leave the model; None when there are none."""
    if column.categories is None or not column.is_discrete:
        return column.categories
    kept = kept_levels(cells, protect)
    return tuple(level for level in column.categories if level in kept) or None


def _learned_schema(schema: Schema) -> Schema:
    """Without rules, which the preparation keeps, and without lists of unordered levels, which the codec makes."""
    columns = tuple(c if c.kind == "ordinal" else c.model_copy(update={"categories": None}) for c in schema.columns)
    return schema.model_copy(update={"columns": columns, "constraints": ()})
