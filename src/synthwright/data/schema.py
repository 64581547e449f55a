"""What the columns of a dataset are: kind, role, sensitivity, rules, and links between its tables.

A schema is a value: frozen, comparable, and the same in JSON. Edits return a new one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from synthwright.core.config import Config, build
from synthwright.core.errors import SchemaError, did_you_mean, listing

Kind = Literal[
    "number",
    "integer",
    "boolean",
    "category",
    "ordinal",
    "datetime",
    "duration",
    "text",
    "image",
    "audio",
    "tensor",
    "identifier",
    "json",
]
Role = Literal["feature", "target", "id", "key", "group", "order", "split", "weight", "ignore"]
Sensitivity = Literal["public", "quasi", "sensitive", "direct"]
Scalar = bool | int | float | str
MAIN = "rows"  # the name of the only table of a single-table dataset


class Column(Config):
    """One column. `dtype` is its Arrow type; `evidence` says why inference chose this kind and role."""

    name: str = Field(min_length=1, description="Column name as in the data.")
    kind: Kind = Field(description="What the values mean.")
    table: str = Field(MAIN, description="Table the column belongs to.")
    dtype: str = Field("", description="Arrow type of the stored values, for example int64 or timestamp[us, tz=UTC].")
    role: Role = Field("feature", description="What the column is used for.")
    nullable: bool = Field(True, description="Whether cells may be missing.")
    categories: tuple[Scalar, ...] | None = Field(None, description="All allowed values, in order for ordinals.")
    bounds: tuple[float | str | None, float | str | None] | None = Field(
        None, description="Smallest and largest allowed value; None is open. Dates as ISO text."
    )
    step: float | None = Field(None, gt=0, description="Grid of the values: 1 for whole numbers, 0.01 for cents.")
    unit: str | None = Field(None, description="Unit of measure, for people.")
    format: str | None = Field(
        None, description="How text is written: strftime for dates, .2f or 05d for numbers, a pattern for identifiers."
    )
    null_words: tuple[str, ...] = Field((), description="Words that stood for a missing cell, most frequent first.")
    sensitivity: Sensitivity = Field("public", description="How closely a value points at a person.")
    description: str = Field("", description="For people.")
    evidence: str = Field("", description="Why inference chose this kind and role.")

    @property
    def is_numeric(self) -> bool:
        """Whether values have an order and distances (dates and durations included)."""
        return self.kind in ("number", "integer", "datetime", "duration")

    @property
    def is_discrete(self) -> bool:
        """Whether values are levels: categories, booleans, ordinals."""
        return self.kind in ("category", "boolean", "ordinal")

    @property
    def is_learned(self) -> bool:
        """Whether a tabular model learns the column; the others are re-made or left out."""
        return (
            (self.is_numeric or self.is_discrete)
            and self.role not in ("id", "key", "ignore", "split")
            and not (self.role == "group" and not self.is_discrete)  # a number that binds rows is an identifier
            and self.sensitivity != "direct"
        )


class Link(Config):
    """A foreign key: columns `on` of table `child` hold values of the same columns of table `parent`."""

    child: str = Field(description="Table that refers.")
    parent: str = Field(description="Table that is referred to.")
    on: tuple[tuple[str, str], ...] = Field(min_length=1, description="Pairs (child column, parent column).")


class CsvForm(Config):
    """How the text file that data come from is written; a CSV file of such data is written in the same way."""

    delimiter: str = Field(",", min_length=1, max_length=1, description="Between cells.")
    decimal: Literal[".", ","] = Field(".", description="Decimal mark; a comma is not kept between commas.")
    encoding: str = Field("utf-8", description="Of the text; utf-8-sig begins with a byte order mark.")


class Schema(Config):
    """All columns of a dataset, the links between its tables and the rules its rows keep."""

    modality: str = Field("table", description="Kind of dataset: table, series, images, ...")
    columns: tuple[Column, ...] = Field(description="Columns in the order of the data.")
    links: tuple[Link, ...] = Field((), description="Foreign keys.")
    constraints: tuple[dict[str, Any], ...] = Field((), description="Rules, for example {rule: lt, left: a, right: b}.")
    csv: CsvForm | None = Field(None, description="How the text file was written, when not as plain CSV.")

    @field_validator("columns")
    @classmethod
    def _names_are_unique(cls, columns: tuple[Column, ...]) -> tuple[Column, ...]:
        if not columns:
            raise ValueError("a schema has at least one column")
        seen: set[tuple[str, str]] = set()
        for column in columns:
            if (column.table, column.name) in seen:
                raise ValueError(f"column {column.name!r} stands twice in table {column.table!r}")
            seen.add((column.table, column.name))
        return columns

    @model_validator(mode="after")
    def _links_lead_somewhere(self) -> Self:
        for link in self.links:
            for child, parent in link.on:
                for table, name in ((link.child, child), (link.parent, parent)):
                    if not any(c.table == table and c.name == name for c in self.columns):
                        raise ValueError(f"a link names {table}.{name}, which does not exist")
        return self

    # -- look-up

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the tables, in order of first appearance."""
        return tuple(dict.fromkeys(column.table for column in self.columns))

    def of(self, table: str = MAIN) -> tuple[Column, ...]:
        """Columns of one table."""
        return tuple(column for column in self.columns if column.table == table)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order; of several tables, as `table.column`."""
        if len(self.tables) == 1:
            return tuple(column.name for column in self.columns)
        return tuple(f"{column.table}.{column.name}" for column in self.columns)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Column:
        """The column called `name` (`table.column` when there are several tables). Raises SchemaError."""
        try:
            return self.columns[self.names.index(name)]
        except ValueError:
            raise SchemaError(
                f"Unknown column {name!r}.{did_you_mean(name, self.names)}",
                fix=f"columns: {listing(self.names, 40)}",
            ) from None

    def with_role(self, role: Role) -> tuple[Column, ...]:
        """Columns that have a role."""
        return tuple(column for column in self.columns if column.role == role)

    @property
    def target(self) -> str | None:
        """Name of the first target column, if there is one."""
        found = self.with_role("target")
        return found[0].name if found else None

    # -- edits

    def edit(
        self, changes: Mapping[str, Mapping[str, object]] | None = None, /, **by_name: Mapping[str, object]
    ) -> Self:
        """Return a schema with some columns changed: `schema.edit(age={"kind": "integer"})`. Raises SchemaError."""
        wanted = {**(changes or {}), **by_name}
        for name in wanted:
            self[name]
        columns = [
            build(Column, {**column.model_dump(), **wanted.get(name, {})}, where=f"column {name!r}")
            for name, column in zip(self.names, self.columns, strict=True)
        ]
        return self.model_copy(update={"columns": tuple(columns)})

    def with_target(self, name: str) -> Self:
        """Return a schema whose only target is `name`. Raises SchemaError."""
        self[name]
        demoted = {column.name: {"role": "feature"} for column in self.with_role("target")}
        return self.edit({**demoted, name: {"role": "target"}})

    def keep(self, names: Iterable[str]) -> Self:
        """Return a schema with only these columns, in the schema's own order; links and rules that lose one go."""
        wanted = set(names)
        columns = tuple(column for name, column in zip(self.names, self.columns, strict=True) if name in wanted)
        rules = tuple(rule for rule in self.constraints if rule_columns(rule) <= wanted)
        return self.model_copy(update={"columns": columns, "constraints": rules})

    # -- JSON

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document; fields at their default are left out."""
        return self.model_dump(mode="json", exclude_defaults=True)

    @classmethod
    def from_json(cls, document: Mapping[str, Any], *, where: str = "schema") -> Self:
        """Read what `to_json` made. Raises SchemaError listing every problem."""
        from synthwright.core.errors import ConfigError

        try:
            return build(cls, document, where=where)
        except ConfigError as error:
            raise SchemaError.of(error.problems) from None

    def save(self, path: str | Path) -> Path:
        """Write the schema as a JSON file that a person can edit."""
        from synthwright.core.store import write_json

        return write_json(path, self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a schema file. Raises SchemaError."""
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SchemaError(f"Cannot read the schema: {error}", where=str(path)) from error
        return cls.from_json(document, where=str(path))

    def diff(self, other: Schema) -> list[str]:
        """Differences in words, empty when `other` describes the same data: added, gone and changed columns."""
        mine, theirs = (
            dict(zip(self.names, self.columns, strict=True)),
            dict(zip(other.names, other.columns, strict=True)),
        )
        words = [f"column {name!r} is missing" for name in mine if name not in theirs]
        words += [f"column {name!r} is new" for name in theirs if name not in mine]
        if self.modality != other.modality:
            words.insert(0, f"modality is {other.modality!r}, not {self.modality!r}")
        for name, column in mine.items():
            if name in theirs:
                for field in ("kind", "role", "dtype", "sensitivity"):
                    old, new = getattr(column, field), getattr(theirs[name], field)
                    if old != new:
                        words.append(f"column {name!r} has {field} {new!r}, not {old!r}")
        return words


def rule_columns(rule: Mapping[str, Any]) -> set[str]:
    """Names of the columns a constraint speaks of: every text under a column key, and lists of them."""
    found: set[str] = set()
    for key in ("column", "left", "right", "result", "columns", "parts"):
        value = rule.get(key)
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, list | tuple):
            found.update(str(item) for item in value)
    if isinstance(rule.get("condition"), str):
        bare = _QUOTES.sub(" ", rule["condition"])
        found.update(name.strip("`") for name in _NAMES_IN_TEXT.findall(bare))
    return found - _CONDITION_WORDS


_QUOTES = re.compile(r"'[^']*'|\"[^\"]*\"")
_NAMES_IN_TEXT = re.compile(r"`[^`]+`|[^\W\d]\w*")
_CONDITION_WORDS = {"and", "or", "not", "in", "is", "null", "True", "False", "true", "false"}
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:, tz=(.+))?\]")
_DECIMAL = re.compile(r"decimal(128|256)\((\d+), (-?\d+)\)")
_DICTIONARY = re.compile(r"dictionary<values=(.+), indices=(\w+), ordered=([01])>")
_LIST = re.compile(r"(large_)?list<(?:item|element): (.+?)(?: not null)?>")


def arrow_type(text: str) -> pa.DataType:
    """The Arrow type that `str(type)` printed as `text`. Raises SchemaError."""
    if match := _TIMESTAMP.fullmatch(text):
        return pa.timestamp(match[1], tz=match[2])
    if match := _DECIMAL.fullmatch(text):
        make = pa.decimal128 if match[1] == "128" else pa.decimal256
        return make(int(match[2]), int(match[3]))
    if match := _DICTIONARY.fullmatch(text):
        return pa.dictionary(arrow_type(match[2]), arrow_type(match[1]), ordered=match[3] == "1")
    if match := _LIST.fullmatch(text):
        return (pa.large_list if match[1] else pa.list_)(arrow_type(match[2]))
    try:
        return pa.type_for_alias({"double": "float64", "float": "float32", "halffloat": "float16"}.get(text, text))
    except ValueError:
        raise SchemaError(f"Unknown type {text!r}.", fix="use an Arrow type such as int64, double, string") from None
