"""The base of all datasets: frozen Arrow tables plus a schema, counted, split and sampled in units.

A modality is a view, not a storage format: subclasses add checks and `from_*`/`to_*` helpers, nothing else.
"""

from __future__ import annotations

import hashlib
import html
import importlib
import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa

from synthwright.core.context import Note
from synthwright.core.errors import ConfigError, DataError, Problem, Unsupported, listing
from synthwright.core.extras import need
from synthwright.data.schema import MAIN, Column, Schema

Flavour = Literal["dataset", "arrow", "pandas", "polars"]
# modality -> "module:Class"; the place to add one.
DATASETS: dict[str, str] = {
    "table": "synthwright.data.table:Table",
    "images": "synthwright.data.images:ImageSet",
    "series": "synthwright.data.sequences:SeriesSet",
    "text": "synthwright.data.corpus:Corpus",
}


def dataset_class(modality: str) -> type[Dataset]:
    """The Dataset class of a modality. Raises Unsupported."""
    if modality not in DATASETS:
        raise Unsupported(f"Unknown modality {modality!r}.", fix=f"use one of: {listing(DATASETS)}")
    module, _, name = DATASETS[modality].partition(":")
    found: type[Dataset] = getattr(importlib.import_module(module), name)
    return found


class Dataset:
    """Immutable Arrow tables and their schema.

    tables: name -> pa.Table; schema: describes every column of every table, in order.
    notes: what was changed while the data were read.
    Raises DataError holding all problems found (with the first three rows of each).
    """

    modality: ClassVar[str] = ""
    main: ClassVar[str] = MAIN  # the table whose rows are the units, unless a subclass says otherwise

    schema: Schema
    tables: Mapping[str, pa.Table]
    notes: tuple[Note, ...]

    def __init__(self, tables: Mapping[str, pa.Table], schema: Schema, notes: Sequence[Note] = ()) -> None:
        bare = {name: table.replace_schema_metadata(None) for name, table in tables.items()}
        object.__setattr__(self, "schema", schema)
        object.__setattr__(self, "tables", MappingProxyType(bare))
        object.__setattr__(self, "notes", tuple(notes))
        problems = self._problems()
        if problems:
            error = DataError.of(problems)
            raise error

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a dataset is frozen; make a new one instead of setting {name!r}")

    def _problems(self) -> list[Problem]:
        """Everything that is wrong with tables and schema together. Subclasses extend the list."""
        found = []
        if self.schema.modality != self.modality:
            found.append(
                Problem(f"The schema is of modality {self.schema.modality!r}; this is {self.modality!r}.", "schema")
            )
        for name in sorted(set(self.schema.tables) | set(self.tables)):
            declared = [column.name for column in self.schema.of(name)]
            present = self.tables[name].column_names if name in self.tables else []
            if declared != present:
                missing, extra = [c for c in declared if c not in present], [c for c in present if c not in declared]
                words = [f"missing: {listing(missing)}"] * bool(missing) + [
                    f"not in the schema: {listing(extra)}"
                ] * bool(extra)
                found.append(
                    Problem(
                        f"The columns differ from the schema ({'; '.join(words) or 'another order'}).",
                        f"table {name!r}",
                        "correct the schema, or infer it anew",
                    )
                )
        return found

    # -- units

    def __len__(self) -> int:
        return int(self.tables[self.main].num_rows)

    def select(self, units: Sequence[int] | np.ndarray) -> Self:
        """The units with these indices, in this order; indices may repeat."""
        index = pa.array(np.asarray(units, dtype=np.int64))
        return self._trusted({**self.tables, self.main: self.tables[self.main].take(index)})

    def batches(self, units: int) -> Iterator[Self]:
        """Consecutive parts of `units` units; the last may be shorter."""
        for start in range(0, len(self), units):
            yield self.select(np.arange(start, min(start + units, len(self))))

    def replace(self, tables: Mapping[str, pa.Table], schema: Schema | None = None) -> Self:
        """A dataset with some tables (and the schema, if given) exchanged."""
        return type(self)({**self.tables, **tables}, schema or self.schema, self.notes)

    def noted(self, *notes: Note) -> Self:
        """The same data with more notes."""
        made = self._trusted(self.tables)
        object.__setattr__(made, "notes", (*self.notes, *notes))
        return made

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """All units of the parts in order; schema and notes of the first. The parts have equal columns."""
        first = parts[0]
        return first._trusted({name: pa.concat_tables([part.tables[name] for part in parts]) for name in first.tables})

    def _trusted(self, tables: Mapping[str, pa.Table]) -> Self:
        """A dataset of this schema from cells that were checked before: no second check of every cell."""
        made = object.__new__(type(self))
        object.__setattr__(made, "schema", self.schema)
        object.__setattr__(made, "tables", MappingProxyType(dict(tables)))
        object.__setattr__(made, "notes", self.notes)
        return made

    def renumbered(self, start: int) -> Self:
        """The units as number `start`, `start` + 1, ... of a sample. Modalities whose units carry names override it."""
        return self

    def split_parts(self, shares: np.ndarray, rng: np.random.Generator) -> tuple[Sequence[Self], str] | None:
        """The parts train, holdout and test, and by what they were divided; None: by the schema's roles.

        shares: of the three parts, adding up to 1. For modalities that must be cut otherwise than between
        independent units: one long series is cut in time.
        """
        return None

    def with_origin(self, synthetic: Self) -> Self:
        """These units followed by synthetic ones, told apart by a new column `_origin` (role `ignore`)."""
        both = self.concat([self, synthetic])
        origin = pa.array(["real"] * self.arrow.num_rows + ["synthetic"] * synthetic.arrow.num_rows)
        column = Column(name="_origin", kind="category", table=self.main, dtype="string", role="ignore", nullable=False)
        schema = self.schema.model_copy(update={"columns": (*self.schema.columns, column)})
        return self.replace({self.main: both.arrow.append_column("_origin", origin)}, schema)

    # -- identity

    def fingerprint(self) -> str:
        """sha256 of schema and content; independent of chunking, file format and dictionary order."""
        schema = self.schema.model_copy(update={"csv": None})
        digest = hashlib.sha256(json.dumps(schema.to_json(), sort_keys=True).encode())
        for name in sorted(self.tables):
            digest.update(name.encode())
            digest.update(_content_hash(self.tables[name]))
        return digest.hexdigest()

    # -- borders

    @property
    def arrow(self) -> pa.Table:
        """The main table."""
        return self.tables[self.main]

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The flat table by the Arrow C stream protocol: `pl.DataFrame(data)`, `pd.DataFrame.from_arrow(data)`."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_arrow(self) -> pa.Table:
        """The whole dataset as one flat table: what files, blocks and data frames hold."""
        return self.arrow

    @classmethod
    def from_arrow(cls, table: pa.Table, schema: Schema, notes: Sequence[Note] = ()) -> Self:
        """The inverse of `to_arrow`. Raises DataError."""
        return cls({cls.main: table}, schema, notes)

    def to_pandas(self) -> Any:
        """The flat table as a pandas DataFrame (extra `frames`); integers with missing cells become Int64."""
        pandas = need("pandas", extra="frames", who="to_pandas")
        nullable = {
            pa.int8(): pandas.Int8Dtype(),
            pa.int16(): pandas.Int16Dtype(),
            pa.int32(): pandas.Int32Dtype(),
            pa.int64(): pandas.Int64Dtype(),
            pa.bool_(): pandas.BooleanDtype(),
        }
        flat = self.to_arrow()
        holey = {flat.schema.field(i).type for i, c in enumerate(flat.columns) if c.null_count}
        return flat.to_pandas(types_mapper=lambda kind: nullable.get(kind) if kind in holey else None)

    def to_polars(self) -> Any:
        """The flat table as a polars DataFrame (extra `frames`)."""
        return need("polars", extra="frames", who="to_polars").DataFrame(self)

    def in_flavour(self, flavour: Flavour) -> Any:
        """The dataset itself, or its flat table as arrow, pandas or polars. Raises ConfigError, MissingExtra."""
        makers = {
            "dataset": lambda: self,
            "arrow": self.to_arrow,
            "pandas": self.to_pandas,
            "polars": self.to_polars,
        }
        if flavour not in makers:
            raise ConfigError(f"Unknown flavour {flavour!r}.", where="as_", fix="use dataset, arrow, pandas or polars")
        return makers[flavour]()

    # -- looks

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {table.num_rows:,} x {table.num_columns}" for name, table in self.tables.items())
        return f"<{type(self).__name__} {sizes}>"

    def _repr_html_(self) -> str:
        head = self.arrow.slice(0, 5)
        title = html.escape(repr(self))
        cells = "".join(f"<th>{html.escape(name)}</th>" for name in head.column_names)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(value)[:60])}</td>" for value in row.values()) + "</tr>"
            for row in head.to_pylist()
        )
        return f"<p>{title}</p><table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>"


def _content_hash(table: pa.Table) -> bytes:
    """sha256 over one canonical IPC stream: plain types, one chunk, no padding bits that depend on slicing."""
    columns = []
    for column in table.columns:
        kind = column.type
        if pa.types.is_dictionary(kind):
            column = column.cast(kind.value_type)
        if pa.types.is_string(column.type):
            column = column.cast(pa.large_string())
        columns.append(column)
    plain = pa.table(dict(zip(table.column_names, columns, strict=True)))
    # `take` rebuilds every buffer from zero: offsets, validity bits and unused tails no longer depend on the past.
    plain = plain.take(pa.array(np.arange(plain.num_rows))).combine_chunks()
    sink = _HashSink()
    with pa.ipc.new_stream(pa.PythonFile(sink, mode="w"), plain.schema) as writer:
        writer.write_table(plain)
    return sink.digest.digest()


class _HashSink:
    """A file that only hashes what is written to it."""

    closed = False

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return len(content)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""
