"""Units of a dataset as rows of one matrix, for classifiers and kernels that compare real with synthetic ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, cast

import numpy as np

from synthwright.core.errors import Unsupported
from synthwright.data.columns import ColumnCodec
from synthwright.data.dataset import Dataset
from synthwright.data.encode import Codec
from synthwright.data.schema import MAIN
from synthwright.data.sequences import SeriesSet

_MOST_CODES = 255  # levels above it are told apart by their frequency rank alone
_MOST_STEPS = 64  # of a series that are looked at one by one, evenly spaced
_EDGE = 1e-4


class View(Protocol):
    """Fitted on real units; JSON-able."""

    def rows(self, data: Any) -> np.ndarray:
        """(units, d) float32: numbers as ranks on [0, 1], NaN missing; codes of levels."""

    @property
    def levels(self) -> list[int]:
        """Columns that hold codes."""

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""


def view_of(data: Dataset, *, protect: bool) -> View:
    """The view of a dataset's modality. Raises Unsupported where there is none."""
    if data.modality == "table":
        return TableView(Codec.fit(data, protect=protect))
    if data.modality == "series":
        return SeriesView.fit(cast(SeriesSet, data), protect=protect)
    raise Unsupported(
        f"Units of {data.modality} cannot be compared here; tables and series can.",
        fix="use one of the parents by itself",
    )


def view_from_json(document: Mapping[str, Any]) -> View:
    """The inverse of `to_json`."""
    return TableView.from_json(document) if document["kind"] == "table" else SeriesView.from_json(document)


@dataclass(frozen=True, eq=False)
class TableView:
    """A row of a table: the rank of each number, the code of each level."""

    codec: Codec

    def rows(self, data: Dataset) -> np.ndarray:
        """See View."""
        values = self.codec.values(data)
        return np.column_stack([_ranks(c, values[c.name]) for c in self.codec.columns]).astype(np.float32)

    @property
    def levels(self) -> list[int]:
        """See View."""
        return [j for j, c in enumerate(self.codec.columns) if c.kind == "level" and c.n_levels <= _MOST_CODES]

    def to_json(self) -> dict[str, Any]:
        """See View."""
        return {"kind": "table", "codec": self.codec.to_json()}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(Codec.from_json(document["codec"]))


@dataclass(frozen=True, eq=False)
class SeriesView:
    """A series: its channels at evenly spaced steps, the changes between them, mean, spread, ends and length."""

    channels: tuple[ColumnCodec, ...]
    length: int

    @classmethod
    def fit(cls, data: SeriesSet, *, protect: bool) -> Self:
        """Ranks of each channel over all steps; the longest series."""
        rows = data.tables[MAIN]
        found = tuple(ColumnCodec.fit(rows.column(c.name), c, protect, 32) for c in data.channels)
        return cls(found, int(data.lengths.max()))

    @property
    def places(self) -> np.ndarray:
        """The steps that are looked at."""
        return np.unique(np.linspace(0, self.length - 1, min(self.length, _MOST_STEPS)).astype(np.int64))

    def rows(self, data: SeriesSet) -> np.ndarray:
        """See View. A level channel takes part by the code's place among its codes."""
        table, places, found = data.tables[MAIN], self.places, []
        for channel in self.channels:
            ranks = _ranks(channel, channel.values(table.column(channel.name)))
            if channel.kind == "level":
                ranks = ranks / max(1, channel.n_levels - 1)
            cube = data.padded(ranks)[:, : self.length]
            cube = np.pad(cube, ((0, 0), (0, self.length - cube.shape[1])), constant_values=np.nan)
            at = cube[:, places]  # (series, places)
            found += [at, 0.5 + np.diff(at, axis=1) / 2, _summary(cube)]
        found.append(np.minimum(data.lengths / self.length, 1.0)[:, None])
        return np.concatenate(found, axis=1).astype(np.float32)

    @property
    def levels(self) -> list[int]:
        """See View."""
        return []

    def to_json(self) -> dict[str, Any]:
        """See View."""
        return {"kind": "series", "length": self.length, "channels": [c.to_json() for c in self.channels]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(tuple(ColumnCodec.from_json(c) for c in document["channels"]), int(document["length"]))


def _ranks(column: ColumnCodec, values: np.ndarray) -> np.ndarray:
    """Middle ranks of numbers, NaN missing; codes of levels, or their frequency rank on [0, 1] when they are many."""
    if column.kind == "level":
        if column.n_levels <= _MOST_CODES:
            return values.astype(np.float64)
        place = np.empty(column.n_levels)
        place[np.argsort(-column.weights, kind="stable")] = np.arange(column.n_levels)
        return np.asarray(place[values] / column.n_levels)
    if column.marginal is None:
        raise TypeError(f"{column.name} has no distribution")
    first, last = column.marginal.ends(np.nan_to_num(values, nan=column.low))
    return np.where(np.isnan(values), np.nan, np.clip((first + last) / 2, _EDGE, 1 - _EDGE))


def _summary(cube: np.ndarray) -> np.ndarray:
    """(series, 6): mean, spread, least, greatest, mean step and persistence of each row of (series, steps)."""
    seen = ~np.isnan(cube)
    n = np.maximum(seen.sum(1), 1)
    x = np.where(seen, cube, 0.0)
    mean = x.sum(1) / n
    d = np.where(seen, cube - mean[:, None], 0.0)
    power = (d * d).sum(1)
    both = seen[:, 1:] & seen[:, :-1]
    steps = np.where(both, np.abs(x[:, 1:] - x[:, :-1]), 0.0).sum(1) / np.maximum(both.sum(1), 1)
    kept = np.where(both, d[:, 1:] * d[:, :-1], 0.0).sum(1) / np.maximum(power, 1e-9)
    least, greatest = np.where(seen, cube, np.inf).min(1), np.where(seen, cube, -np.inf).max(1)
    empty = ~seen.any(1)
    made = np.column_stack([mean, np.sqrt(power / n), least, greatest, steps, 0.5 + kept / 2])
    return np.where(empty[:, None], np.nan, made)
