"""Sets of series: what is measured again and again, in order, of one thing or of many.

Two tables: `static` has one row for each series (its identifier and what does not change within it), `rows` is long:
identifier, order, channels. A series is a unit: it is split, drawn, counted and sampled as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Note
from synthwright.core.errors import DataError, Problem, did_you_mean, listing
from synthwright.data.dataset import Dataset
from synthwright.data.schema import MAIN, Column, Schema
from synthwright.data.sequence_checks import cell_problems, empty_problems, order_problems, static_problems
from synthwright.data.sequence_reading import STATIC, found_static, fresh_name, special_columns, with_schema
from synthwright.data.table import as_arrow, shape_problems, without_nan

FEW = 10  # fewer series than this are divided in time, not between series
GAP = 23  # steps left out between the parts of one series: windows of 24 then share no step
WHOLE = 64  # series of up to so many steps are learned and judged whole


class SeriesSet(Dataset):
    """Series of equal or unequal lengths, with channels of numbers and levels and attributes that stay.

    >>> data = SeriesSet.of({"who": ["a", "a", "b", "b", "b"], "day": [1, 2, 1, 2, 4], "x": [0.5, 0.6, 3, 4, 5]},
    ...                     entity="who", order="day")
    >>> len(data), data.lengths.tolist(), [column.name for column in data.channels]
    (2, [2, 3], ['x'])
    """

    modality: ClassVar[str] = "series"
    main: ClassVar[str] = STATIC

    # -- making one

    @classmethod
    def of(
        cls, data: Any, *, entity: str | None = None, order: str | None = None, static: Sequence[str] | None = None
    ) -> Self:
        """Series from a long table: a data frame, Arrow table or mapping of columns with one row a step.

        entity: the column that tells one series from another; without it all rows are one series. order: the column
        of numbers or moments that rises within each series; without it the rows count. static: columns that do not
        change within a series; when not given, those that differ between series and never within one, with a Note.
        Rows of different series may alternate. NaN becomes missing, with a Note.
        Raises DataError holding all problems.
        """
        table = as_arrow(data)
        problems = shape_problems(table)
        for word, name in (("entity", entity), ("order", order), *(("static", one) for one in static or ())):
            if name is not None and name not in table.column_names:
                hint = did_you_mean(name, table.column_names)
                problems.append(
                    Problem(f"There is no column {name!r}.{hint}", word, f"columns: {listing(table.column_names)}")
                )
        named = [name for name in (entity, order, *(static or ())) if name is not None]
        for name in sorted({name for name in named if named.count(name) > 1}):
            fix = "name each column once, as entity, order or static"
            problems.append(Problem(f"Column {name!r} is named {named.count(name)} times.", f"column {name!r}", fix))
        if problems:
            raise DataError.of(problems)
        table, notes = without_nan(table)
        if static is None and entity is not None:
            static = found_static(table, entity, order)
            notes = [*notes, *(Note("Q003", "never changes within a series: an attribute of it", n) for n in static)]
        table, entity, order, schema = with_schema(table, entity, order, tuple(static or ()))
        if problems := empty_problems(
            table.select([c.name for c in schema.of(MAIN) if c.role not in ("key", "order")])
        ):
            raise DataError.of(problems)
        return cls.from_arrow(table, schema, notes)

    @classmethod
    def from_windows(cls, values: np.ndarray, *, channels: Sequence[str] = ()) -> Self:
        """Series of equal length from an array (series, steps) or (series, steps, channels). Raises DataError."""
        cube = np.asarray(values)
        if cube.ndim == 2:
            cube = cube[:, :, None]
        names = tuple(channels) or tuple(f"x{i + 1}" for i in range(cube.shape[-1]))
        if cube.ndim != 3 or not cube.size or len(names) != cube.shape[2]:
            raise DataError(
                f"An array of shape {np.shape(values)} with {len(channels)} names of channels are no windows.",
                where="from_windows(values)",
                fix="pass (series, steps) or (series, steps, channels), and as many names as channels",
            )
        n, length, _ = cube.shape
        columns: dict[str, Any] = {"series": np.repeat(np.arange(n), length), "step": np.tile(np.arange(length), n)}
        columns |= {name: cube[:, :, i].ravel() for i, name in enumerate(names)}
        return cls.of(columns, entity="series", order="step", static=())

    @classmethod
    def from_arrow(cls, table: pa.Table, schema: Schema, notes: Sequence[Note] = ()) -> Self:
        """Series from the flat table that `to_arrow` gives. Raises DataError."""
        entity = special_columns(schema)[0]
        absent = [column.name for column in schema.columns if column.name not in table.column_names]
        if absent:
            raise DataError(f"Columns are absent: {listing(absent)}.", fix="give every column of the schema")
        ids = table.column(entity)
        if pa.types.is_dictionary(ids.type):
            ids = ids.cast(ids.type.value_type)
        if ids.null_count:
            first = int(pc.index(pc.is_null(ids), True).as_py())
            raise DataError(
                f"{ids.null_count:,} rows have no {entity!r}, the first is row {first}.",
                where=f"column {entity!r}",
                fix="fill it in, or drop these rows",
            )
        coded = pa.concat_arrays(ids.chunks).dictionary_encode() if ids.num_chunks else ids.dictionary_encode()
        codes = coded.indices.to_numpy().astype(np.int64)
        places = np.argsort(codes, kind="stable")  # rows of one series together, series in order of appearance
        alternate = not np.array_equal(places, np.arange(len(places)))
        if alternate:
            notes = (*notes, Note("Q001", "rows of different series alternate: put together series by series", entity))
        rows = table.set_column(table.column_names.index(entity), entity, ids).take(pa.array(places))
        firsts = np.searchsorted(codes[places], np.arange(len(coded.dictionary)))
        static_names = [column.name for column in schema.of(STATIC) if column.name != entity]
        row_names = [column.name for column in schema.of(MAIN)]
        problems = static_problems(rows, codes[places], firsts, static_names, coded.dictionary)
        if problems:
            raise DataError.of(problems)
        static = pa.table(
            {entity: coded.dictionary, **{name: rows.column(name).take(pa.array(firsts)) for name in static_names}}
        )
        schema = schema.edit(
            {f"{name}.{entity}": {"dtype": str(ids.type)} for name in (STATIC, MAIN)}
        )  # a dictionary of identifiers is stored plain
        static = static.select([column.name for column in schema.of(STATIC)])
        try:
            return cls({STATIC: static, MAIN: rows.select(row_names)}, schema, notes)
        except DataError as error:
            if not alternate:
                raise
            place = "{}, rows counted series by series"
            found = [replace(p, where=place.format(p.where)) if " row " in p.what else p for p in error.problems]
            raise DataError.of(found) from error

    def to_arrow(self) -> pa.Table:
        """The long table: identifier, order, attributes repeated in every row, channels and free text."""
        flat = {self.entity: self._rows.column(self.entity), self.order: self._rows.column(self.order)}
        repeated = pa.array(np.repeat(np.arange(len(self)), self.lengths))
        for column in self.statics:
            flat[column.name] = self.arrow.column(column.name).take(repeated)
        for column in self.schema.of(MAIN):
            flat.setdefault(column.name, self._rows.column(column.name))
        return pa.table(flat)

    # -- what it holds

    @cached_property
    def entity(self) -> str:
        """Name of the column that identifies a series."""
        return special_columns(self.schema)[0]

    @cached_property
    def order(self) -> str:
        """Name of the column that orders the steps of a series."""
        return special_columns(self.schema)[1]

    @property
    def channels(self) -> tuple[Column, ...]:
        """Columns of numbers, moments and levels that change within a series; free text is carried along."""
        special = (self.entity, self.order)
        return tuple(c for c in self.schema.of(MAIN) if c.name not in special and (c.is_numeric or c.is_discrete))

    @property
    def statics(self) -> tuple[Column, ...]:
        """Columns that stay the same within a series, without its identifier."""
        return tuple(column for column in self.schema.of(STATIC) if column.name != self.entity)

    @property
    def _rows(self) -> pa.Table:
        return self.tables[MAIN]

    @cached_property
    def lengths(self) -> np.ndarray:
        """Number of steps of each series: (series,) int64."""
        places = _places(self._rows.column(self.entity), self.arrow.column(self.entity))
        return np.bincount(places, minlength=len(self))

    @cached_property
    def starts(self) -> np.ndarray:
        """First row of each series in the table `rows`: (series,) int64."""
        return np.asarray(np.cumsum(self.lengths) - self.lengths)

    def padded(self, values: np.ndarray, *, fill: float = np.nan) -> np.ndarray:
        """Values of all rows, (rows,) or (rows, k), as (series, longest, ...); `fill` beyond each end."""
        return padded(values, self.lengths, fill)

    # -- units

    def select(self, units: Sequence[int] | np.ndarray) -> Self:
        """The series with these indices, in this order; a series that is repeated gets a new identifier."""
        index = np.asarray(units, dtype=np.int64)
        index = np.where(index < 0, index + len(self), index)
        lengths = self.lengths[index]
        steps = places_within(lengths)
        rows = self._rows.take(pa.array(np.repeat(self.starts[index], lengths) + steps))
        static = self.arrow.take(pa.array(index))
        return self._named(static, rows, unique_names(static.column(self.entity)), lengths)

    def _named(self, static: pa.Table, rows: pa.Table, names: pa.Array, lengths: np.ndarray) -> Self:
        """A set of these tables in which series have these identifiers."""
        repeated = names.take(pa.array(np.repeat(np.arange(len(lengths)), lengths)))
        static = static.set_column(static.column_names.index(self.entity), self.entity, names)
        rows = rows.set_column(rows.column_names.index(self.entity), self.entity, repeated)
        made = self._trusted({STATIC: static, MAIN: rows})
        made.__dict__["lengths"] = lengths
        return made

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All series of the parts in order; identifiers that stand twice are renewed in the later part."""
        first = parts[0]
        static, rows = (pa.concat_tables([part.tables[name] for part in parts]) for name in (STATIC, MAIN))
        lengths = np.concatenate([part.lengths for part in parts])
        return first._named(static, rows, unique_names(static.column(first.entity)), lengths)

    def renumbered(self, start: int) -> Self:
        """The series as number `start`, `start` + 1, ...: whole numbers, or texts `synthetic-17`."""
        kind = self.arrow.column(self.entity).type
        numbers = np.arange(start, start + len(self))
        if pa.types.is_integer(kind):
            return self._named(self.arrow, self._rows, pa.array(numbers).cast(kind), self.lengths)
        names = pa.array([f"synthetic-{number}" for number in numbers]).cast(kind)
        return self._named(self.arrow, self._rows, names, self.lengths)

    # -- cutting

    def windows(
        self, length: int, *, stride: int = 1, short: Literal["error", "drop"] = "error", source: bool = True
    ) -> Self:
        """Every stretch of `length` steps, as a series of its own.

        stride: steps between the starts of two windows. short: what happens to series with fewer steps. source: add
        an attribute `source` with the identifier of the series, so that `split` divides overlapping windows in time
        and never at random. Raises DataError.
        """
        if length < 1 or stride < 1:
            raise DataError(f"length={length} and stride={stride} must be at least 1.", where="windows")
        small = np.flatnonzero(self.lengths < length)
        ids = self.arrow.column(self.entity)
        notes = list(self.notes)
        if len(small):
            named = listing([f"{ids[int(i)].as_py()!r} ({self.lengths[i]} steps)" for i in small[:3]])
            if short == "error" or len(small) == len(self):
                raise DataError(
                    f"{len(small):,} of {len(self):,} series have fewer than {length} steps: {named}.",
                    where=f"windows({length})",
                    fix='use shorter windows, or windows(..., short="drop")',
                )
            notes.append(Note("Q002", f"{len(small):,} series have fewer than {length} steps and were left out"))
        counts = np.where(self.lengths >= length, (self.lengths - length) // stride + 1, 0)
        unit = np.repeat(np.arange(len(self)), counts)
        offset = places_within(counts) * stride
        return self._cut(unit, offset, np.full(len(unit), length), notes, bind=source)

    def pieces(self, count: int, *, gap: int = GAP) -> Self:
        """Each series cut in `count` consecutive pieces as series of their own, `gap` steps left out between them.

        Split afterwards, pieces fall whole into train, holdout or test. That keeps the parts apart in time and yet
        alike when a long series drifts. Raises DataError when pieces would be empty.
        """
        room = self.lengths - gap * (count - 1)
        if count < 1 or gap < 0 or (room < count).any():
            raise DataError(
                f"A series of {int(self.lengths.min())} steps cannot be cut in {count} pieces with gaps of {gap}.",
                where="pieces",
                fix="use fewer pieces or a smaller gap",
            )
        cuts = np.floor(room[:, None] * np.arange(count + 1) / count).astype(np.int64)
        sizes = np.diff(cuts, axis=1)
        offset = cuts[:, :-1] + gap * np.arange(count)
        unit = np.repeat(np.arange(len(self)), count)
        return self._cut(unit, offset.ravel(), sizes.ravel(), list(self.notes), bind=False)

    def _cut(
        self, unit: np.ndarray, offset: np.ndarray, lengths: np.ndarray, notes: Sequence[Note], *, bind: bool = True
    ) -> Self:
        steps = places_within(lengths)
        rows = self._rows.take(pa.array(np.repeat(self.starts[unit] + offset, lengths) + steps))
        static = self.arrow.take(pa.array(unit))
        source = static.column(self.entity)
        if not pa.types.is_integer(source.type):
            names = pa.array([f"{one}@{at}" for one, at in zip(source.to_pylist(), offset.tolist(), strict=True)])
            names = names.cast(source.type)
        else:
            names = pa.array(np.arange(len(unit))).cast(source.type)
        made = self._named(static, rows, unique_names(names), lengths)
        if not bind or any(column.role == "group" for column in self.statics):
            return type(self)(made.tables, made.schema, notes)
        name = fresh_name("source", [column.name for column in self.schema.columns])
        column = Column(
            name=name, kind="identifier", table=STATIC, dtype=str(source.type), role="group", evidence="cut from it"
        )
        schema = self.schema.model_copy(update={"columns": (*self.schema.of(STATIC), column, *self.schema.of(MAIN))})
        return type(self)({STATIC: made.arrow.append_column(name, source), MAIN: made.tables[MAIN]}, schema, notes)

    # -- splitting

    def split_parts(self, shares: np.ndarray, rng: np.random.Generator) -> tuple[Sequence[Self], str] | None:
        """Few series, or windows cut from few: train before holdout before test, in time, with a gap between them."""
        bound = next((column for column in self.statics if column.role == "group"), None)
        marked = any(column.role == "split" for column in self.statics)
        if bound is not None and pc.count_distinct(self.arrow.column(bound.name)).as_py() < FEW:
            return self._split_windows(bound.name, shares)
        if bound is not None or marked or len(self) >= FEW:
            return None
        shortest = int(self.lengths.min())
        gap = min(GAP, shortest // 20)
        room = self.lengths - 2 * gap
        ends = np.floor(room[:, None] * np.cumsum(shares)).astype(np.int64)
        begins = np.column_stack([np.zeros(len(self), dtype=np.int64), ends[:, :-1]])
        if (ends - begins).min() < 1:
            raise DataError(
                f"A series of {shortest} steps cannot be divided into three parts.", where="split", fix="use more steps"
            )
        units = np.arange(len(self))
        parts = [
            self._cut(units, begins[:, k] + k * gap, ends[:, k] - begins[:, k], self.notes, bind=False)
            for k in range(3)
        ]
        return parts, f"in time, each series, with {gap} steps left out between parts"

    def _split_windows(self, bound: str, shares: np.ndarray) -> tuple[Sequence[Self], str]:
        """Windows in the order of their first steps; those that share a step with a later part are left out."""
        group = pa.concat_arrays(self.arrow.column(bound).chunks).dictionary_encode().indices.to_numpy()
        at = order_numbers(self._rows.column(self.order))
        first, last = at[self.starts], at[self.starts + self.lengths - 1]
        part = np.full(len(self), -1)
        for one in np.unique(group):
            own = np.flatnonzero(group == one)
            own = own[np.argsort(first[own], kind="stable")]
            cuts = np.floor(len(own) * np.cumsum(shares)).astype(np.int64)
            begins = [0, *cuts[:-1].tolist()]
            for k in range(3):
                inside = own[begins[k] : cuts[k]]
                if k < 2 and cuts[k] < len(own):
                    inside = inside[last[inside] < first[own[cuts[k]]]]
                part[inside] = k
        lost = int((part < 0).sum())
        words = f"in time by {bound!r}; {lost:,} windows that overlap two parts were left out"
        return [self.select(np.flatnonzero(part == k)) for k in range(3)], words

    # -- checks

    def _problems(self) -> list[Problem]:
        found = super()._problems()
        if found:
            return found
        found += cell_problems(self.schema, self.tables, self.entity, self.order)
        ids, owners = self.arrow.column(self.entity), self._rows.column(self.entity)
        if pc.count_distinct(ids).as_py() != len(ids):
            found.append(Problem("Identifiers of series stand twice.", f"column {self.entity!r} of table 'static'"))
            return found
        places = _places(owners, ids)
        if (places < 0).any() or len(np.unique(places)) != len(ids):
            what = "The tables name different series: each needs one row in 'static' and at least one in 'rows'."
            found.append(Problem(what, f"column {self.entity!r}"))
        elif (np.diff(places) < 0).any():
            what = "Rows are not in the order of table 'static'."
            found.append(Problem(what, f"column {self.entity!r}", "use SeriesSet.of(long table, entity=...)"))
        else:
            found += order_problems(self._rows.column(self.order), places, ids, self.order)
        return found


def padded(values: np.ndarray, lengths: np.ndarray, fill: float = np.nan) -> np.ndarray:
    """Rows of all series one after another, (rows,) or (rows, k), as (series, longest, ...); `fill` beyond each end."""
    values = np.asarray(values)
    kind = np.result_type(values.dtype, type(fill)) if isinstance(fill, float) else values.dtype
    cube = np.full((len(lengths), int(lengths.max(initial=0)), *values.shape[1:]), fill, dtype=kind)
    cube[present(lengths)] = values
    return cube


def present(lengths: np.ndarray, steps: int | None = None) -> np.ndarray:
    """Which steps of a padded array exist: (series, steps) bool; as many steps as the longest series when not given."""
    longest = int(lengths.max(initial=0)) if steps is None else steps
    return np.asarray(np.arange(longest)[None, :] < lengths[:, None])


def places_within(lengths: np.ndarray) -> np.ndarray:
    """0, 1, 2, ... within each series, one after another: (rows,)."""
    return np.asarray(np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths))


def order_numbers(cells: pa.ChunkedArray) -> np.ndarray:
    """Places or moments as float64 counts of their unit."""
    if pa.types.is_temporal(cells.type):
        cells = cells.cast(pa.int32() if cells.type.bit_width == 32 else pa.int64())
    return np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def unique_names(cells: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Identifiers with repetitions renewed: texts get `#2`, `#3`, ..., whole numbers the next free ones."""
    plain = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    if pc.count_distinct(plain).as_py() == len(plain):
        return plain
    values, seen = plain.to_pylist(), set(plain.to_pylist())
    met: dict[Any, int] = {}
    free = max(seen) + 1 if pa.types.is_integer(plain.type) else 0
    for i, value in enumerate(values):
        met[value] = met.get(value, 0) + 1
        if met[value] == 1:
            continue
        if pa.types.is_integer(plain.type):
            values[i], free = free, free + 1
            continue
        while f"{value}#{met[value]}" in seen:
            met[value] += 1
        values[i] = f"{value}#{met[value]}"
        seen.add(values[i])
    return pa.array(values, plain.type)


def _places(owners: pa.ChunkedArray, ids: pa.ChunkedArray) -> np.ndarray:
    found = pc.fill_null(pc.index_in(owners, value_set=ids.combine_chunks()), -1)
    return np.asarray(found.to_numpy().astype(np.int64))
