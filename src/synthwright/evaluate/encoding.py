"""All parts of an evaluation as arrays on one common scale, made once: what metrics read instead of tables."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.classic.neighbours import Points, row_hashes
from synthwright.core.errors import DataError, Unsupported, listing
from synthwright.core.seeds import named_rng
from synthwright.data.dataset import Dataset
from synthwright.data.schema import Column

if TYPE_CHECKING:
    from synthwright.evaluate.metric import Evidence, Score

ResultT = TypeVar("ResultT")
BINS = 8  # quantile bins of a number, and levels kept apart, in pair tables
LEVELS_MOST = 255  # above it LightGBM gets the frequency rank of a level instead of the level
_KEEP_ALL = 0.001  # distances are scaled by the range without this share at either end
MISSING = -1


@dataclass(frozen=True)
class Field:
    """One column on all parts. values: part -> float64 with NaN (numbers) or int32 codes, -1 missing (levels).

    levels: the texts of the codes, most frequent in the real data first. is_moment: numbers are counts of time.
    """

    column: Column
    is_number: bool
    values: Mapping[str, np.ndarray]
    levels: tuple[str, ...] = ()
    is_moment: bool = False

    @property
    def name(self) -> str:
        """Column name."""
        return self.column.name

    def present(self, part: str) -> np.ndarray:
        """Values of a part without the missing ones."""
        values = self.values[part]
        return np.asarray(values[~np.isnan(values)] if self.is_number else values[values != MISSING])

    def missing(self, part: str) -> np.ndarray:
        """Whether each cell of a part is missing: bool."""
        values = self.values[part]
        return np.asarray(np.isnan(values) if self.is_number else values == MISSING)

    def counts(self, part: str) -> np.ndarray:
        """How often each level occurs in a part."""
        return np.bincount(self.present(part), minlength=len(self.levels))


class TableEncoding:
    """The columns that are judged, on the parts train, holdout, test, synthetic and two that are derived.

    `real`: train then holdout. `independent`: train with every column shuffled on its own, a known-bad reference.
    fields: in schema order. skipped: names of columns that are re-made, not learned, and so are not judged.
    Everything derived is computed on first use and kept: a few float32 arrays of rows x columns.
    """

    def __init__(self, parts: Mapping[str, Dataset], *, seed: int = 0) -> None:
        columns = parts["train"].schema.columns
        self.rows = {name: len(part) for name, part in parts.items()}
        self.rows["real"] = self.rows["train"] + self.rows.get("holdout", 0)
        self.skipped = tuple(column.name for column in columns if not column.is_learned)
        tables = {name: part.arrow for name, part in parts.items()}
        self.seed = seed
        shuffle = named_rng(seed, "independent")
        self.rows["independent"] = self.rows["train"]
        self.fields = tuple(_field(column, tables, shuffle) for column in columns if column.is_learned)
        if not self.fields:
            raise DataError(
                "No column can be judged: all are identifiers, text or left out.",
                fix="set kind and role in the schema (schema.edit)",
            )
        self.index = {field.name: i for i, field in enumerate(self.fields)}
        self._kept: dict[object, Any] = {}

    def __getitem__(self, name: str) -> Field:
        return self.fields[self.index[name]]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the judged columns."""
        return tuple(field.name for field in self.fields)

    def once(self, key: object, make: Callable[[], ResultT]) -> ResultT:
        """`make()`, computed on first use. Keys are few and fixed, so the store stays small."""
        if key not in self._kept:
            self._kept[key] = make()
        found: ResultT = self._kept[key]
        return found

    def draw(self, part: str, most: int, name: str) -> np.ndarray:
        """At most `most` row numbers of a part, ascending, drawn by the stream called `name`."""
        n = self.rows[part]
        if n <= most:
            return np.arange(n)
        return np.sort(named_rng(self.seed, f"{name} {part}").choice(n, size=most, replace=False))

    def points(self, part: str) -> Points:
        """The rows of a part ready for distances."""
        return self.once(("points", part), lambda: self._points(part))

    def hashes(self, part: str) -> np.ndarray:
        """One 64-bit number per row of a part; numbers are compared to seven digits."""
        return self.once(("hashes", part), lambda: self._hashes(part))

    def bins(self, part: str) -> tuple[np.ndarray, tuple[int, ...]]:
        """Codes (n, d) uint8 of all columns in at most BINS + 2 bins, and the number of bins of each column."""
        return self.once(("bins", part), lambda: self._bins(part))

    def pictures(self, scores: Sequence[Score]) -> dict[str, Any]:
        """JSON-able data of all figures that the measured scores give rise to."""
        from synthwright.evaluate.pictures import pictures

        return pictures(self, scores)

    def _points(self, part: str) -> Points:
        numbers, levels = [], []
        for field in self.fields:
            values = field.values[part]
            if not field.is_number:
                levels.append(np.minimum(values + 1, 65535))
                continue
            low, spread = _range(field.present("real"))
            scaled = np.clip((values - low) / spread, -1, 2)
            hole = np.isnan(scaled)
            numbers.append(np.where(hole, 0.5, scaled))
            if field.missing("real").any() or field.missing("synthetic").any():
                levels.append(hole)
        n = self.rows[part]
        stack = partial(_stacked, n=n)
        return Points(stack(numbers, np.float32), stack(levels, np.uint16))

    def _hashes(self, part: str) -> np.ndarray:
        columns = np.empty((self.rows[part], len(self.fields)), np.uint64)
        for j, field in enumerate(self.fields):
            values = field.values[part]
            if field.is_number and not field.is_moment:
                single = values.astype(np.float32) + np.float32(0)  # + 0 turns -0 into 0
                single[np.isnan(single)] = np.float32("nan")
                columns[:, j] = single.view(np.uint32)
            elif field.is_number:
                columns[:, j] = np.where(np.isnan(values), -(2.0**62), values).astype(np.int64).view(np.uint64)
            else:
                columns[:, j] = (values + 1).astype(np.uint64)
        return row_hashes(columns)

    def _bins(self, part: str) -> tuple[np.ndarray, tuple[int, ...]]:
        codes = np.empty((self.rows[part], len(self.fields)), np.uint8)
        sizes = []
        for j, field in enumerate(self.fields):
            values, hole = field.values[part], field.missing(part)
            if field.is_number:
                edges = self.edges(field.name)
                found = np.searchsorted(edges, values, side="left")
                size = len(edges) + 1
            else:
                found = np.minimum(values, BINS)
                size = min(len(field.levels), BINS + 1)
            codes[:, j] = np.where(hole, size, found)
            sizes.append(size + 1)
        return codes, tuple(sizes)

    def edges(self, name: str, bins: int = BINS) -> np.ndarray:
        """Inner edges of the quantile bins of a number on the real rows; bin i is (edge i-1, edge i]."""
        values = self[name].present("real")
        if not len(values):
            return np.empty(0)
        inner = np.quantile(values, np.arange(1, bins) / bins, method="inverted_cdf")
        return np.unique(inner[inner < values.max()])

    def features(self, part: str, rows: np.ndarray | None = None, *, without: str = "") -> np.ndarray:
        """A matrix for trees: numbers scaled, NaN missing; levels as codes, NaN missing. (n, d) float32."""
        found = []
        for field in self.fields:
            if field.name != without:
                values = field.values[part] if rows is None else field.values[part][rows]
                if field.is_number:
                    low, spread = _range(field.present("real"))
                    found.append((values - low) / spread)
                else:
                    found.append(np.where(values == MISSING, np.nan, values))
        return _stacked(found, np.float32, n=self.rows[part] if rows is None else len(rows))

    def level_features(self, *, without: str = "") -> list[int]:
        """Positions of the columns of `features` that trees should take as levels."""
        kept = [field for field in self.fields if field.name != without]
        return [i for i, field in enumerate(kept) if not field.is_number and 2 < len(field.levels) <= LEVELS_MOST]

    def dense(self, part: str, rows: np.ndarray, *, without: str = "") -> np.ndarray:
        """A matrix for linear models: numbers standardised, holes at 0 plus a flag, common levels one-hot."""
        found = []
        for field in self.fields:
            if field.name == without:
                continue
            values = field.values[part][rows]
            if field.is_number:
                real = field.present("real")
                low, high = np.quantile(real, [0.01, 0.99]) if len(real) else (0.0, 1.0)
                spread = (real.std() if len(real) else 0.0) or 1.0
                found.append(
                    np.nan_to_num(
                        (np.clip(values, low, high) - (np.clip(real, low, high).mean() if len(real) else 0.0)) / spread
                    )
                )
                if field.missing("real").any():
                    found.append(np.isnan(values))
            else:
                found += [values == code for code in range(-1, min(len(field.levels), 30))]
        return _stacked(found, np.float64, n=len(rows))


def _stacked(columns: Sequence[np.ndarray], kind: Any, *, n: int) -> np.ndarray:
    return np.column_stack(columns).astype(kind) if columns else np.empty((n, 0), kind)


def _range(values: np.ndarray) -> tuple[float, float]:
    """Low end and width of the bulk of some values; of all of them when the bulk is one value."""
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [_KEEP_ALL, 1 - _KEEP_ALL])
    if high <= low:
        low, high = values.min(), values.max()
    return float(low), float(high - low) or 1.0


def _field(column: Column, tables: Mapping[str, pa.Table], shuffle: np.random.Generator) -> Field:
    cells = {part: table.column(column.name).combine_chunks() for part, table in tables.items()}
    if column.is_numeric:
        values = {part: _floats(one) for part, one in cells.items()}
        return Field(column, True, _derived(values, shuffle), is_moment=pa.types.is_temporal(cells["train"].type))
    local = {part: _plain(one).dictionary_encode() for part, one in cells.items()}
    tally: dict[str, int] = {}
    for part, one in local.items():
        weight = int(part in ("train", "holdout"))
        counts = np.bincount(pc.drop_null(one.indices).to_numpy(), minlength=len(one.dictionary))
        for text, count in zip(one.dictionary.to_pylist(), counts.tolist(), strict=True):
            tally[text] = tally.get(text, 0) + weight * count
    levels = sorted(tally, key=lambda text: (-tally[text], text))
    codes = {text: i for i, text in enumerate(levels)}
    values = {}
    for part, one in local.items():
        table = np.array([codes[text] for text in one.dictionary.to_pylist()] + [MISSING], np.int32)
        values[part] = table[pc.fill_null(one.indices, len(table) - 1).to_numpy(zero_copy_only=False)]
    return Field(column, False, _derived(values, shuffle), tuple(levels))


def _plain(cells: pa.Array) -> pa.Array:
    kind = cells.type
    return (cells.cast(kind.value_type) if pa.types.is_dictionary(kind) else cells).cast(pa.string())


def _floats(cells: pa.Array) -> np.ndarray:
    kind = cells.type
    if pa.types.is_temporal(kind):
        cells = cells.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    # Integers above 2^53 lose their last digits here, which no judgement below depends on.
    return np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64))


def _derived(values: dict[str, np.ndarray], shuffle: np.random.Generator) -> dict[str, np.ndarray]:
    real = [values[part] for part in ("train", "holdout") if part in values]
    return {**values, "real": np.concatenate(real), "independent": shuffle.permutation(values["train"])}


# modality -> "module:Class"; the place to add one.
_ENCODINGS: dict[str, str] = {
    "table": "synthwright.evaluate.encoding:TableEncoding",
    "images": "synthwright.evaluate.images:ImageEncoding",
    "series": "synthwright.evaluate.series:SeriesEncoding",
    "text": "synthwright.evaluate.text:TextEncoding",
}


class Encoding(Protocol):
    """All parts of an evaluation as arrays: what a modality brings to be judged, beside its metrics.

    Made from the parts by name (train, synthetic, holdout, test; absent ones are left out) and a seed.
    skipped: names of columns that are not judged.
    """

    skipped: tuple[str, ...]

    def hashes(self, part: str) -> np.ndarray:
        """One 64-bit number per unit of a part; equal units have equal numbers."""
        ...

    def pictures(self, scores: Sequence[Score]) -> dict[str, Any]:
        """JSON-able data of all figures that the measured scores give rise to."""
        ...


def encode(evidence: Evidence) -> Any:
    """The encoding of an evidence's modality. Raises Unsupported."""
    modality = evidence.synthetic.modality
    if modality not in _ENCODINGS:
        raise Unsupported(
            f"Datasets of modality {modality!r} cannot be judged.", fix=f"use one of: {listing(sorted(_ENCODINGS))}"
        )
    module, _, name = _ENCODINGS[modality].partition(":")
    named = ("train", "synthetic", "holdout", "test")
    parts = {part: getattr(evidence, part) for part in named if getattr(evidence, part) is not None}
    return getattr(importlib.import_module(module), name)(parts, seed=evidence.seed)
