"""The one codec of all tabular models: a table to values, tokens or a dense matrix, and back.

    values   numbers as float64 with NaN, levels as codes              trees, bootstrap
    tokens   every cell a whole number                                 boosting, mixtures, marginals
    dense    normal scores, +-1 flags and +-1 one-hot                  copula, flows, GANs

Each view inverts exactly on seen types: what comes back has the column's grid, ends, levels and Arrow type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import pyarrow as pa
from scipy.special import ndtr, ndtri

from synthwright.core.context import Note
from synthwright.core.errors import DataError, counted, listing
from synthwright.core.seeds import named_rng
from synthwright.data.columns import FEWEST_TO_PROTECT, RARE, ColumnCodec
from synthwright.data.conditions import Condition
from synthwright.data.dataset import Dataset
from synthwright.data.marginal import Marginal
from synthwright.data.schema import MAIN, Schema
from synthwright.data.table import Table

ONE_HOT = 32  # most levels coded one by one; above, two digits in base sqrt(levels)


@dataclass(frozen=True, eq=False)
class Limit:
    """What a condition says about one column, in the units of `Codec.values`.

    Numbers: closed ends, and single values when only these are possible. Levels: which codes are possible.
    missing: True when the cell must be missing, False when it must not, None when either will do.
    """

    low: float = -np.inf
    high: float = np.inf
    values: np.ndarray | None = None
    codes: np.ndarray | None = None
    missing: bool | None = None


@dataclass(frozen=True, eq=False)
class Codec:
    """Fitted on one table; JSON-able; holds no rows, and at most 512 order statistics of a column."""

    schema: Schema
    columns: tuple[ColumnCodec, ...]
    notes: tuple[Note, ...] = ()

    @classmethod
    def fit(cls, data: Dataset, *, protect: bool = True, bins: int = 32) -> Self:
        """Learn grids, ends, atoms, quantiles and levels: one sort per column.

        protect: pool levels with fewer than 5 rows and hide the lowest and highest 5 values, in tables of at least
        50 rows. This is no differential privacy. bins: quantile bins of a number's tokens. What was pooled or hidden
        is told in `notes`. Raises DataError for columns that are neither numbers nor levels.
        """
        if bins < 2:
            raise DataError(f"bins must be at least 2, not {bins}.", where="bins", fix="use bins=32")
        columns = tuple(
            ColumnCodec.fit(data.arrow.column(column.name), column, protect, bins) for column in data.schema.columns
        )
        return cls(data.schema, columns, tuple(_notes(data, columns, protect)))

    def __getitem__(self, name: str) -> ColumnCodec:
        """The fitted column called `name`. Raises KeyError."""
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @cached_property
    def _by_name(self) -> dict[str, ColumnCodec]:
        return {column.name: column for column in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        """Column names, in order."""
        return tuple(column.name for column in self.columns)

    # -- values

    def values(self, data: Dataset) -> dict[str, np.ndarray]:
        """By column: float64 with NaN for missing, or int32 codes. Raises DataError for unseen levels."""
        self._check(data)
        return {column.name: column.values(data.arrow.column(column.name)) for column in self.columns}

    def from_values(self, values: Mapping[str, np.ndarray], rng: np.random.Generator) -> Table:
        """The inverse: rounded to each column's grid, then clipped to its ends; original Arrow types and levels."""
        cells = {column.name: column.cells(values[column.name], rng) for column in self.columns}
        return Table({MAIN: pa.table(cells)}, self.schema)

    def _check(self, data: Dataset) -> None:
        absent = [name for name in self.names if name not in data.arrow.column_names]
        if absent:
            raise DataError(f"Columns are absent: {listing(absent)}.", fix="encode data with the columns of the fit")

    # -- tokens

    @property
    def cardinality(self) -> tuple[int, ...]:
        """Number of tokens of each column."""
        return tuple(column.cardinality for column in self.columns)

    def tokens(self, data: Dataset, rng: np.random.Generator | None = None) -> np.ndarray:
        """(rows, columns) int32. Number: atom, else len(atoms) + quantile bin; missing is the last token.

        A token is a function of the cell: `rng` is accepted so that all views are called alike, and not used.
        """
        values = self.values(data)
        return np.column_stack([column.tokens(values[column.name]) for column in self.columns])

    def from_tokens(self, tokens: np.ndarray, rng: np.random.Generator) -> Table:
        """Draw within bins along the order statistics; the rest as `from_values`."""
        values = {column.name: column.from_tokens(tokens[:, j], rng) for j, column in enumerate(self.columns)}
        return self.from_values(values, rng)

    # -- dense

    @cached_property
    def blocks(self) -> dict[str, slice]:
        """Channels of each column in the dense view."""
        found, start = {}, 0
        for column in self.columns:
            width = sum(_widths(column))
            found[column.name] = slice(start, start + width)
            start += width
        return found

    @property
    def width(self) -> int:
        """Number of dense channels."""
        return self.blocks[self.columns[-1].name].stop if self.columns else 0

    def dense(self, data: Dataset, rng: np.random.Generator) -> np.ndarray:
        """(rows, width) float32.

        Number: z = Phi^-1(u) with u ~ U(F(x-), F(x)) clipped to [0.5/n, 1 - 0.5/n] (standard normal where missing);
        then +-1 for {continuous, atom 1, ...} if there are both; then +-1 for missing. Levels: +-1 one-hot up to 32,
        above two one-hot digits.
        """
        values = self.values(data)
        parts = [
            _dense_number(column, values[column.name], rng)
            if column.kind == "number"
            else _dense_level(column, values[column.name])
            for column in self.columns
        ]
        return np.concatenate(parts, axis=1)

    def from_dense(self, x: np.ndarray, rng: np.random.Generator) -> Table:
        """The inverse: largest channel of each one-hot, inverse quantile of each score."""
        values = {}
        for column in self.columns:
            part = np.asarray(x[:, self.blocks[column.name]], dtype=np.float64)
            values[column.name] = _number_of(column, part) if column.kind == "number" else _level_of(column, part)
        return self.from_values(values, rng)

    # -- conditions

    def limits(self, condition: Condition) -> dict[str, Limit]:
        """The conjunctive parts of a condition that concern these columns, in the units of `values`.

        Columns the codec does not have (rewritten by a rule, derived) are left to the caller's verification.
        Raises ConditionError for a level that is protected.
        """
        found = {}
        for name in dict.fromkeys([*condition.equal, *condition.ranges, *condition.members, *condition.present]):
            if name in self:
                found[name] = _limit(self[name], condition)
        return found

    # -- files

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {
            "schema": self.schema.to_json(),
            "columns": [column.to_json() for column in self.columns],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`. Notes are kept by the generator, not here."""
        columns = tuple(ColumnCodec.from_json(column) for column in document["columns"])
        return cls(Schema.from_json(document["schema"]), columns)


def encode(data: Dataset, *, protect: bool = True, bins: int = 32) -> tuple[Codec, np.ndarray]:
    """A codec fitted on `data` and the dense view of it, with the randomised ranks of a fixed stream."""
    codec = Codec.fit(data, protect=protect, bins=bins)
    return codec, codec.dense(data, named_rng(0, "encode"))


def _notes(data: Dataset, columns: tuple[ColumnCodec, ...], protect: bool) -> list[Note]:
    found: list[Note] = []
    n = data.arrow.num_rows
    if not protect:
        found.append(Note("N021", "rare levels and extreme values are not protected (protect=False)"))
    elif n < FEWEST_TO_PROTECT:
        found.append(
            Note("N021", f"{counted(n, 'row is', 'rows are')} too few to protect rare levels and extreme values")
        )
    for column in columns:
        if column.other_code is not None:
            share = column.weights[column.other_code]
            found.append(
                Note(
                    "N022",
                    f"levels in fewer than {RARE} rows ({share:.2%} of cells) are replaced by frequent ones",
                    column.name,
                )
            )
        elif (
            protect
            and n >= FEWEST_TO_PROTECT
            and column.kind == "level"
            and column.weights[: len(column.levels)].max() * n < RARE
        ):
            found.append(Note("N023", "every level is rare; none could be protected", column.name))
    if protect and n >= FEWEST_TO_PROTECT and any(column.kind == "number" for column in columns):
        found.append(
            Note("N024", f"the lowest and highest {RARE} values of each number are exchanged for the next {RARE}")
        )
    return found


def _widths(column: ColumnCodec) -> tuple[int, int, int]:
    """Channels for scores, one-hot, and missing flag (levels: first digit, second digit, nothing)."""
    if column.kind == "number":
        has_both = len(column.atoms) > 0 and column.rest is not None
        return 1, (len(column.atoms) + 1 if has_both else 0), int(column.missing)
    if column.n_levels <= ONE_HOT:
        return column.n_levels, 0, 0
    base = _base(column.n_levels)
    return -(-column.n_levels // base), base, 0


def _base(n_levels: int) -> int:
    return int(np.ceil(np.sqrt(n_levels)))


def _one_hot(codes: np.ndarray, width: int) -> np.ndarray:
    flags = np.full((len(codes), width), -1.0, dtype=np.float32)
    flags[np.arange(len(codes)), codes] = 1.0
    return flags


def _dense_number(column: ColumnCodec, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    z = normal_scores(column, values, rng)
    gone = np.isnan(values)
    z[gone] = rng.standard_normal(int(gone.sum()))
    _, n_hot, n_flag = _widths(column)
    parts = [z[:, None].astype(np.float32)]
    if n_hot:
        place = np.minimum(np.searchsorted(column.atoms, values), len(column.atoms) - 1)
        parts.append(_one_hot(np.where(column.atoms[place] == values, place + 1, 0), n_hot))
    if n_flag:
        parts.append(np.where(gone, 1.0, -1.0).astype(np.float32)[:, None])
    return np.concatenate(parts, axis=1)


def normal_scores(column: ColumnCodec, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Phi^-1 of the randomised rank, clipped to [0.5/n, 1 - 0.5/n]; NaN where missing."""
    marginal = _marginal(column)
    margin = 0.5 / max(2, column.rows)
    scores: np.ndarray = ndtri(np.clip(marginal.rank(values, rng), margin, 1 - margin))
    return scores


def _marginal(column: ColumnCodec) -> Marginal:
    if column.marginal is None:
        raise DataError(f"{column.name!r} holds levels, not numbers.", where=f"column {column.name!r}")
    return column.marginal


def _number_of(column: ColumnCodec, part: np.ndarray) -> np.ndarray:
    values = _marginal(column).inverse(ndtr(part[:, 0]))
    _, n_hot, n_flag = _widths(column)
    if n_hot and column.rest is not None:
        choice = part[:, 1 : 1 + n_hot].argmax(1)
        is_atom = choice > 0
        smooth = ~is_atom & np.isin(values, column.atoms)  # said to be no atom: the nearest place off the atoms
        values[smooth] = column.rest.inverse(column.rest.ends(values[smooth])[0])
        values[is_atom] = column.atoms[choice[is_atom] - 1]
    if n_flag:
        values[part[:, -1] > 0] = np.nan
    return values


def _dense_level(column: ColumnCodec, codes: np.ndarray) -> np.ndarray:
    first, second, _ = _widths(column)
    if not second:
        return _one_hot(codes, first)
    return np.concatenate([_one_hot(codes // second, first), _one_hot(codes % second, second)], axis=1)


def _level_of(column: ColumnCodec, part: np.ndarray) -> np.ndarray:
    first, second, _ = _widths(column)
    if not second:
        return np.asarray(part.argmax(1).astype(np.int32))
    high, low = part[:, :first].argmax(1), part[:, first:]
    n_last = column.n_levels - (first - 1) * second
    allowed = (high[:, None] < first - 1) | (np.arange(second)[None, :] < n_last)
    return np.asarray((high * second + np.where(allowed, low, -np.inf).argmax(1)).astype(np.int32))


def _limit(column: ColumnCodec, condition: Condition) -> Limit:
    name = column.name
    if name in condition.equal and condition.equal[name] is None:
        codes = np.arange(column.n_levels) == column.missing_code if column.kind == "level" else None
        return Limit(codes=codes, missing=True)
    wanted: tuple[Any, ...] | None = condition.members.get(name)
    if name in condition.equal:
        wanted = (condition.equal[name],)
    if column.kind == "level":
        if wanted is None:
            return Limit(codes=np.arange(column.n_levels) != column.missing_code, missing=False)
        possible = np.zeros(column.n_levels, dtype=bool)
        possible[[column.code_of(value) for value in wanted]] = True
        return Limit(codes=possible, missing=False)
    if wanted is not None:
        values = np.sort([column.number_of(value) for value in wanted])
        return Limit(float(values[0]), float(values[-1]), values=values, missing=False)
    low, high = condition.ranges.get(name, (None, None))
    return Limit(
        -np.inf if low is None else column.number_of(low),
        np.inf if high is None else column.number_of(high),
        missing=False,
    )
