"""One fitted column of the codec: Arrow cells to numbers or level codes and back, and what models need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.errors import ConditionError, DataError, listing
from synthwright.data.cells import decimals_from, from_plain, numbers_of, scale_of, to_plain
from synthwright.data.condition_tree import scalar_for
from synthwright.data.marginal import Marginal, find_heaps, find_step, hidden_ends, on_grid, snap, tucked
from synthwright.data.schema import Column, arrow_type

RARE = 5  # rows below which a level is rare, and extreme values that are hidden at each end
FEWEST_TO_PROTECT = 50  # in smaller tables every level and most values would be rare
_ATOM_SHARE, _MOST_ATOMS, _FEW_VALUES = 0.01, 32, 64
_ROWS_IN_BIN = 10  # fewest rows of a quantile bin, on average


@dataclass(frozen=True, eq=False)
class ColumnCodec:
    """A column as models see it.

    kind "number": float64 values, NaN is missing; `atoms` are values with point mass (a share of at least 1 % and 5
    rows, at most 32; all values when there are at most 64 and 5 rows for each), `marginal` is the distribution of
    all present values, `step` the grid of the values, `low` and `high` the ends (protected, from 50 rows on: the sixth
    values from each end; the five beyond are exchanged for the sixth to tenth), `missing_rate` the share of missing
    cells.
    Moments and durations are counted from the column's minimum in units of their greatest common divisor.

    kind "level": int32 codes 0..n_levels-1: the levels in schema order if the schema lists them, else by falling
    frequency; then OTHER (rare levels, pooled) if `other`, then missing if `missing`. `weights` are the shares of the
    codes.
    """

    column: Column
    kind: Literal["number", "level"]
    rows: int
    missing_rate: float
    missing: bool
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0))
    levels: tuple[Any, ...] = ()
    other: bool = False
    offset: int = 0
    unit: int = 1
    step: float | None = None
    heaps: tuple[tuple[float, float], ...] = ()  # coarser grids, and the shares of values (atoms aside) on them
    lows: tuple[float, ...] = (0.0,)  # from the end inwards
    highs: tuple[float, ...] = (0.0,)
    atoms: np.ndarray = field(default_factory=lambda: np.zeros(0))
    marginal: Marginal | None = None
    bins: int = 32

    @property
    def low(self) -> float:
        """The smallest value that leaves the codec."""
        return self.lows[0]

    @property
    def high(self) -> float:
        """The largest value that leaves the codec."""
        return self.highs[0]

    @property
    def name(self) -> str:
        """Column name."""
        return self.column.name

    @property
    def n_levels(self) -> int:
        """Number of codes of a level column, OTHER and missing included; 0 for numbers."""
        return len(self.weights) if self.kind == "level" else 0

    @property
    def other_code(self) -> int | None:
        """The code of pooled rare levels."""
        return len(self.levels) if self.other else None

    @property
    def missing_code(self) -> int | None:
        """The code of missing cells."""
        return self.n_levels - 1 if self.missing and self.kind == "level" else None

    @cached_property
    def type(self) -> pa.DataType:
        """Arrow type of the cells."""
        return arrow_type(self.column.dtype)

    @cached_property
    def rest(self) -> Marginal | None:
        """Distribution of the values that are no atoms; None when all are."""
        return self.marginal.without(self.atoms) if self.marginal is not None else None

    # -- fit

    @classmethod
    def fit(cls, cells: pa.ChunkedArray, column: Column, protect: bool, bins: int) -> Self:
        """Raises DataError for a type that cannot be learned."""
        column = column.model_copy(update={"dtype": str(cells.type)})
        if column.is_discrete:
            return cls._fit_levels(cells, column, protect and len(cells) >= FEWEST_TO_PROTECT)
        if not column.is_numeric:
            raise DataError(
                f"{column.name!r} is of kind {column.kind}: only numbers, moments and levels can be encoded.",
                where=f"column {column.name!r}",
                fix="leave the column out, or correct its kind in the schema",
            )
        return cls._fit_numbers(cells, column, protect and len(cells) >= FEWEST_TO_PROTECT, bins)

    @classmethod
    def _fit_levels(cls, cells: pa.ChunkedArray, column: Column, protect: bool) -> Self:
        counted = pc.value_counts(_decoded(cells).drop_null())
        values, counts = counted.field("values"), counted.field("counts").to_numpy()
        plain = to_plain(values)
        kept = [i for i in _level_order(plain, counts, column) if counts[i] >= _fewest_rows(counts, protect)]
        weights = [int(counts[i]) for i in kept]
        n_rare = int(counts.sum()) - sum(weights)
        n_missing = cells.null_count
        shares = np.array(weights + [n_rare] * (n_rare > 0) + [n_missing] * (n_missing > 0), dtype=np.float64)
        return cls(
            column,
            "level",
            len(cells),
            n_missing / len(cells),
            n_missing > 0,
            shares / len(cells),
            tuple(plain[i] for i in kept),
            n_rare > 0,
        )

    @classmethod
    def _fit_numbers(cls, cells: pa.ChunkedArray, column: Column, protect: bool, bins: int) -> Self:
        offset, unit = scale_of(cells, column.name)
        values = numbers_of(cells, offset, unit)
        present = values[~np.isnan(values)]
        if not len(present):
            raise DataError("Every cell is missing.", where=f"column {column.name!r}", fix="leave the column out")
        lows, highs = hidden_ends(present, RARE if protect else 0)
        distinct, counts = np.unique(tucked(present, lows, highs), return_counts=True)
        dtype = cells.type.to_pandas_dtype() if pa.types.is_floating(cells.type) else np.float64
        # The grid is that of the protected values: one odd extreme must not refine it.
        steps = (find_step(distinct, np.dtype(dtype)), _declared_step(column, distinct))
        step = max((one for one in steps if one is not None), default=None)
        atoms = _atoms(distinct, counts)
        plain = (
            present[~np.isin(present, atoms)] if not offset and column.kind in ("number", "integer") else present[:0]
        )
        return cls(
            column,
            "number",
            len(cells),
            cells.null_count / len(cells),
            cells.null_count > 0,
            offset=offset,
            unit=unit,
            step=step,
            heaps=find_heaps(plain, step),
            lows=lows,
            highs=highs,
            atoms=atoms,
            marginal=Marginal.fit(distinct, counts, atoms),
            bins=bins,
        )

    # -- values

    def values(self, cells: pa.ChunkedArray) -> np.ndarray:
        """Cells as float64 (NaN: missing; tucked in at the ends) or int32 codes.

        Raises DataError for unknown levels.
        """
        if self.kind == "number":
            return tucked(numbers_of(cells, self.offset, self.unit), self.lows, self.highs)
        found = pc.index_in(_decoded(cells), value_set=self._level_cells)
        codes = pc.fill_null(found, -1).to_numpy().astype(np.int32)
        unknown = codes < 0
        if not unknown.any():
            return np.asarray(codes)
        if cells.null_count:
            is_null = pc.is_null(cells).to_numpy().astype(bool)
            codes[is_null] = self._code_or_raise(self.missing_code, ["null"])
            unknown &= ~is_null
        if unknown.any():
            seen = pc.unique(_decoded(cells).filter(pa.array(unknown))).to_pylist()
            codes[unknown] = self._code_or_raise(self.other_code, seen)
        return np.asarray(codes)

    def _code_or_raise(self, code: int | None, seen: list[Any]) -> int:
        if code is None:
            raise DataError(
                f"{listing([repr(value) for value in seen], 3)} did not occur in {self.name!r} at fit.",
                where=f"column {self.name!r}",
                fix="fit on data with these values, or drop the rows",
            )
        return code

    @cached_property
    def _level_cells(self) -> pa.Array:
        kind = self.type.value_type if pa.types.is_dictionary(self.type) else self.type
        return from_plain(self.levels, kind)

    def cells(self, values: np.ndarray, rng: np.random.Generator) -> pa.Array:
        """The inverse of `values`, in the column's Arrow type.

        Numbers are rounded to the grid and clipped to the ends, in this order of need: what leaves is on the grid
        and inside. OTHER is drawn anew among the kept levels by frequency.
        """
        if self.kind == "number":
            return self._number_cells(self._heaped(np.asarray(values, dtype=np.float64), rng))
        codes = np.asarray(values, dtype=np.int64).copy()
        if self.other_code is not None:
            pooled = np.flatnonzero(codes == self.other_code)
            shares = self.weights[: len(self.levels)] / self.weights[: len(self.levels)].sum()
            codes[pooled] = rng.choice(len(self.levels), size=len(pooled), p=shares)
        gone = codes >= len(self.levels)
        index = pa.array(np.where(gone, 0, codes), mask=gone)
        return self._level_cells.take(index).cast(self.type)

    def rounded(self, values: np.ndarray) -> np.ndarray:
        """Numbers on the column's grid and within its ends; to the nearest atom when all values are atoms."""
        values = np.clip(values, self.low, self.high)
        if self.rest is None and len(self.atoms):
            middles = (self.atoms[1:] + self.atoms[:-1]) / 2
            nearest = self.atoms[np.searchsorted(middles, np.nan_to_num(values, nan=self.low), side="left")]
            return np.where(np.isnan(values), np.nan, nearest)
        if self.step is None:
            return values
        # The ends are values of the data, so they lie on the grid themselves.
        return np.asarray(np.clip(snap(values, self.step), self.low, self.high))

    def _heaped(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Values with as many of them moved to coarser grids as the data have there; smoothing took some off."""
        if not self.heaps:
            return values
        heaped = values.copy()
        free = np.flatnonzero(~np.isnan(values) & ~np.isin(values, self.atoms))
        for coarse, share in self.heaps:
            off = free[~on_grid(heaped[free], coarse)]
            lacking = share * len(free) - (len(free) - len(off))
            target = np.clip(snap(heaped[off], coarse), self.low, self.high)
            movable = ~np.isin(target, self.atoms)
            off, target = off[movable], target[movable]
            if lacking > 0 and len(off):
                moved = rng.random(len(off)) < lacking / len(off)
                heaped[off[moved]] = target[moved]
        return heaped

    def _number_cells(self, values: np.ndarray) -> pa.Array:
        values = self.rounded(values)
        gone = np.isnan(values)
        if pa.types.is_floating(self.type):
            return pa.array(values, mask=gone).cast(self.type, safe=False)
        filled = np.where(gone, 0.0, values)
        if pa.types.is_decimal(self.type):
            return decimals_from(np.rint(filled * self.unit).astype(np.int64), gone, self.type)
        raw = np.rint(filled).astype(np.int64) * self.unit + self.offset  # whole numbers throughout: no rounding
        raw = np.where(gone, 0, raw)
        narrow = pa.int32() if pa.types.is_temporal(self.type) and self.type.bit_width == 32 else pa.int64()
        return pa.array(raw, mask=gone).cast(narrow).cast(self.type)

    def number_of(self, literal: Any) -> float:
        """A condition's literal in the units of `values`."""
        if isinstance(literal, str):
            literal = scalar_for(literal, self.type)
        elif pa.types.is_duration(self.type):
            literal = scalar_for(literal, self.type).cast(self.type, safe=False)
        else:
            return float((literal - self.offset) if self.offset else literal)
        cells = pa.chunked_array([pa.array([literal.as_py()], self.type)])
        return float(numbers_of(cells, self.offset, self.unit)[0])

    def code_of(self, literal: Any) -> int:
        """A condition's literal as a level code. Raises ConditionError when the level is not kept."""
        for code, level in enumerate(self._level_cells.to_pylist()):
            if level == literal and isinstance(level, bool) == isinstance(literal, bool):
                return code
        raise ConditionError(
            f"{literal!r} of {self.name!r} cannot be sampled: it was seen in fewer than {RARE} rows, or never.",
            where=f"column {self.name!r}",
            fix="fit with protect=False to model rare levels",
        )

    # -- tokens

    @cached_property
    def edges(self) -> np.ndarray:
        """Inner edges of the quantile bins of values that are no atoms; fewer than `bins` - 1 in short columns."""
        if self.rest is None:
            return np.zeros(0)
        n_rest = self.rows * (1 - self.missing_rate) * self._share_of_rest
        n_bins = int(min(self.bins, max(2, n_rest // _ROWS_IN_BIN)))
        inner = self.rest.inverse(np.arange(1, n_bins) / n_bins)
        if self.step is not None:  # half-way between grid points, so that rounding never leaves a bin
            inner = snap(inner, self.step) - self.step / 2
        inner = np.unique(inner)
        edges: np.ndarray = inner[(inner > self.rest.values[0]) & (inner <= self.rest.values[-1])]
        return edges

    @property
    def _share_of_rest(self) -> float:
        if self.marginal is None or not len(self.atoms):
            return 1.0
        first, last = self.marginal.ends(self.atoms)
        return float(max(0.0, 1.0 - (last - first).sum()))

    @property
    def n_bins(self) -> int:
        """Number of quantile bins; 0 for levels and when every value is an atom."""
        return 0 if self.rest is None else len(self.edges) + 1

    @property
    def cardinality(self) -> int:
        """Number of tokens: levels; or atoms, bins and missing."""
        return self.n_levels if self.kind == "level" else len(self.atoms) + self.n_bins + int(self.missing)

    def tokens(self, values: np.ndarray) -> np.ndarray:
        """int32 tokens of values: an atom's place, else len(atoms) + bin; missing last. Levels: their codes."""
        if self.kind == "level":
            return np.asarray(values, dtype=np.int32)
        n_atoms = len(self.atoms)
        if self.rest is None:  # every value is an atom; unseen ones take the nearest
            middles = (self.atoms[1:] + self.atoms[:-1]) / 2
            tokens = np.searchsorted(middles, values).astype(np.int32)
        else:
            tokens = (n_atoms + np.searchsorted(self.edges, values, side="right")).astype(np.int32)
            if n_atoms:
                place = np.minimum(np.searchsorted(self.atoms, values), n_atoms - 1).astype(np.int32)
                tokens = np.where(self.atoms[place] == values, place, tokens)
        tokens[np.isnan(values)] = n_atoms + self.n_bins
        return tokens

    def from_tokens(self, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Values of tokens: an atom itself, or a draw from the bin's part of the distribution, not yet rounded."""
        if self.kind == "level":
            return np.asarray(tokens, dtype=np.int32)
        n_atoms = len(self.atoms)
        values = np.full(len(tokens), np.nan)
        is_atom = tokens < n_atoms
        values[is_atom] = self.atoms[tokens[is_atom]]
        in_bin = (tokens >= n_atoms) & (tokens < n_atoms + self.n_bins)
        if self.rest is not None and in_bin.any():
            starts = np.concatenate([[0.0], self.rest.ends(self.edges)[0], [1.0]])
            place = tokens[in_bin] - n_atoms
            u = starts[place] + rng.random(len(place)) * (starts[place + 1] - starts[place])
            values[in_bin] = self.rest.inverse(u)
        return values

    # -- files

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {
            "column": self.column.model_dump(mode="json", exclude_defaults=True),
            "kind": self.kind,
            "rows": self.rows,
            "missing_rate": self.missing_rate,
            "missing": self.missing,
            "weights": self.weights.tolist(),
            "levels": list(self.levels),
            "other": self.other,
            "offset": self.offset,
            "unit": self.unit,
            "step": self.step,
            "heaps": [list(one) for one in self.heaps],
            "lows": list(self.lows),
            "highs": list(self.highs),
            "atoms": self.atoms.tolist(),
            "marginal": self.marginal.to_json() if self.marginal is not None else None,
            "bins": self.bins,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        values = dict(document)
        values["column"] = Column(**values["column"])
        values["levels"] = tuple(values["levels"])
        values["heaps"] = tuple((float(coarse), float(share)) for coarse, share in values["heaps"])
        values["lows"], values["highs"] = tuple(values["lows"]), tuple(values["highs"])
        for key in ("weights", "atoms"):
            values[key] = np.array(values[key], dtype=np.float64)
        values["marginal"] = Marginal.from_json(values["marginal"]) if values["marginal"] is not None else None
        return cls(**values)


def _decoded(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    return cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells


def _fewest_rows(counts: np.ndarray, protect: bool) -> int:
    """Rows that a level needs to be kept; when every level is rare, pooling would leave nothing to draw."""
    return RARE if protect and len(counts) and counts.max() >= RARE else 1


def kept_levels(cells: pa.ChunkedArray, protect: bool) -> set[Any]:
    """The levels of a column that may leave the model, as plain values; none when all of them are rare."""
    counted = pc.value_counts(_decoded(cells).drop_null())
    counts = counted.field("counts").to_numpy()
    fewest = RARE if protect and len(cells) >= FEWEST_TO_PROTECT else 1
    return {level for level, count in zip(to_plain(counted.field("values")), counts, strict=True) if count >= fewest}


def _level_order(plain: list[Any], counts: np.ndarray, column: Column) -> list[int]:
    if column.kind == "ordinal" and column.categories is not None:
        place = {(type(level) is bool, level): i for i, level in enumerate(column.categories)}
        return sorted(range(len(plain)), key=lambda i: place.get((type(plain[i]) is bool, plain[i]), len(place)))
    if column.kind == "boolean":
        return sorted(range(len(plain)), key=lambda i: str(plain[i]))
    if column.kind == "ordinal" and all(isinstance(level, int | float) for level in plain):
        return sorted(range(len(plain)), key=lambda i: plain[i])
    return sorted(range(len(plain)), key=lambda i: (-int(counts[i]), str(plain[i])))


def _declared_step(column: Column, distinct: np.ndarray) -> float | None:
    if column.step is None or column.kind in ("datetime", "duration"):
        return None
    return column.step if np.allclose(snap(distinct, column.step), distinct, rtol=1e-12, atol=0) else None


def _atoms(distinct: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Values with point mass, ascending."""
    n = counts.sum()
    if len(distinct) <= _FEW_VALUES and n >= RARE * len(distinct):
        return distinct.astype(np.float64)
    heavy = np.flatnonzero(counts >= max(_ATOM_SHARE * n, RARE))
    chosen = heavy[np.argsort(-counts[heavy], kind="stable")[:_MOST_ATOMS]]
    return np.sort(distinct[chosen]).astype(np.float64)
