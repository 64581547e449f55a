"""All parts of an evaluation of series as windows of one length: what the metrics of series read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pyarrow as pa

from synthwright.classic.neighbours import row_hashes
from synthwright.core.errors import DataError
from synthwright.core.seeds import named_rng
from synthwright.data.schema import MAIN, Column
from synthwright.data.sequences import WHOLE, SeriesSet, order_numbers, padded, places_within
from synthwright.evaluate.encoding import Field, _field

if TYPE_CHECKING:
    from synthwright.evaluate.metric import Score

ResultT = TypeVar("ResultT")
WINDOW = 24
_MOST = 3_000  # windows of a part
_LEVELS = 8  # levels of a channel that get a flag
MANY = 10  # series of which each is a block of its own; fewer are cut in stretches of time
_STRETCHES = 40  # stretches of time that a long series is cut in, at most


@dataclass(frozen=True)
class Windows:
    """Windows of one part. values: (n, length, k) numbers, no NaN; block: (n,) stretches of time that share nothing.

    Windows of different blocks have no step in common: folds and intervals are drawn over blocks. unit: the series
    each window is of.
    """

    values: np.ndarray
    block: np.ndarray
    unit: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: np.ndarray) -> Windows:
        """Some of the windows."""
        return Windows(self.values[rows], self.block[rows], self.unit[rows])


class SeriesEncoding:
    """The channels that are judged, in windows of `length` steps, of every part and of a known-bad one.

    Short series are judged from their start; of long ones all windows are taken, evenly thinned to 3,000. `shuffled`:
    the steps of each training window in random order, a known-bad reference. Numbers are in units of the standard
    deviation of the real channel; levels are flags; holes get the channel's mean and a flag.
    names: of the k numbers. fields: attributes of series, as tables judge columns.
    """

    def __init__(self, parts: Mapping[str, SeriesSet], *, seed: int = 0) -> None:
        self.parts, self.seed = dict(parts), seed
        train = parts["train"]
        self.channels: tuple[Column, ...] = train.channels
        self.skipped = tuple(column.name for column in train.statics if not _is_judged(column))
        self.length = _common_length(parts)
        self.rows = {name: len(part) for name, part in parts.items()}
        self._kept: dict[object, Any] = {}
        self.ends, self._levels, self._holes = {}, {}, {}
        real = [part for name, part in parts.items() if name != "synthetic"]
        for column in self.channels:
            if column.is_discrete:
                counts: dict[str, int] = {}
                for part in real:
                    for text in _texts(part, column.name):
                        counts[text] = counts.get(text, 0) + 1
                self._levels[column.name] = sorted(counts, key=lambda text: (-counts[text], text))[:_LEVELS]
                continue
            values = np.concatenate([_numbers(part, column.name) for part in real])
            known = values[~np.isnan(values)]
            if not len(known):
                raise DataError(f"Channel {column.name!r} is missing in all real rows.", fix="leave it out")
            self.ends[column.name] = (float(known.mean()), float(known.std()) or 1.0)
            self._holes[column.name] = any(np.isnan(_numbers(part, column.name)).any() for part in parts.values())
        self.names = tuple(self._names())

    def _names(self) -> list[str]:
        found = []
        for column in self.channels:
            if column.name in self._levels:
                found += [f"{column.name}={level}" for level in self._levels[column.name]]
            else:
                found += [column.name, *[f"{column.name} missing"] * self._holes[column.name]]
        return found

    @property
    def numbers(self) -> list[int]:
        """Places of the k numbers that are channels of numbers, not flags."""
        known = {column.name for column in self.channels if column.name not in self._levels}
        return [i for i, name in enumerate(self.names) if name in known]

    def once(self, key: object, make: Callable[[], ResultT]) -> ResultT:
        """`make()`, computed on first use. Keys are few and fixed."""
        if key not in self._kept:
            self._kept[key] = make()
        found: ResultT = self._kept[key]
        return found

    def windows(self, part: str) -> Windows:
        """The windows of a part, or of `shuffled`."""
        return self.once(("windows", part), lambda: self._shuffled() if part == "shuffled" else self._windows(part))

    @property
    def unseen(self) -> str:
        """The part of real series that the generator never saw: holdout, test, or "" when there is none."""
        return next((name for name in ("holdout", "test") if name in self.parts), "")

    def fields(self) -> tuple[Field, ...]:
        """Attributes of series and, when they vary, lengths: one value a series."""
        return self.once("fields", self._fields)

    def hashes(self, part: str) -> np.ndarray:
        """One 64-bit number per series of a part: of its length and its channels, to seven digits."""
        return self.once(("hashes", part), lambda: _unit_hashes(self.row_codes(part), self.parts[part].lengths))

    def row_codes(self, part: str) -> np.ndarray:
        """One 64-bit number for the channels of every row of a part."""
        return self.once(("row codes", part), lambda: row_codes(self.parts[part]))

    def pictures(self, scores: Sequence[Score]) -> dict[str, Any]:
        """JSON-able data of all figures that the measured scores give rise to."""
        from synthwright.evaluate.series_pictures import pictures

        return pictures(self, scores)

    # -- making them

    def _windows(self, part: str) -> Windows:
        data = self.parts[part]
        columns = []
        for column in self.channels:
            if column.name in self._levels:
                texts = np.array(_texts(data, column.name), dtype=object)
                columns += [(texts == level).astype(np.float64) for level in self._levels[column.name]]
                continue
            mean, spread = self.ends[column.name]
            values = _numbers(data, column.name)
            columns.append(np.nan_to_num((values - mean) / spread, nan=0.0, posinf=1e6, neginf=-1e6))
            if self._holes[column.name]:
                columns.append(np.isnan(values).astype(np.float64))
        flat = np.column_stack(columns)
        unit, offset = _cut(data.lengths, self.length)
        if not len(unit):
            raise DataError(f"No series of the {part} part has {self.length} steps.", fix="evaluate longer series")
        kept = evenly(len(unit), _MOST)
        unit, offset = unit[kept], offset[kept]
        rows = data.starts[unit][:, None] + offset[:, None] + np.arange(self.length)
        block = _blocks(data, unit, offset, self.length)
        whole = block >= 0
        return Windows(flat[rows][whole], np.unique(block[whole], return_inverse=True)[1], unit[whole])

    def _shuffled(self) -> Windows:
        train = self.windows("train")
        rng = named_rng(self.seed, "shuffled")
        order = np.argsort(rng.random((len(train), self.length)), axis=1)
        return Windows(np.take_along_axis(train.values, order[:, :, None], axis=1), train.block, train.unit)

    def _fields(self) -> tuple[Field, ...]:
        shuffle = named_rng(self.seed, "independent")
        found = []
        for column in self.parts["train"].statics:
            if _is_judged(column):
                tables = {name: part.arrow for name, part in self.parts.items()}
                found.append(_field(column, tables, shuffle))
        lengths = {name: part.lengths for name, part in self.parts.items()}
        if all(len(np.unique(one)) > 1 for one in lengths.values()) and self.length < WHOLE:
            tables = {name: pa.table({"length": one}) for name, one in lengths.items()}
            found.append(_field(Column(name="length", kind="integer"), tables, shuffle))
        return tuple(found)


def _is_judged(column: Column) -> bool:
    return column.is_learned and column.role not in ("group", "order")


def _numbers(data: SeriesSet, name: str) -> np.ndarray:
    cells = data.tables[MAIN].column(name)
    if pa.types.is_temporal(cells.type):
        return order_numbers(cells)
    return np.asarray(cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _texts(data: SeriesSet, name: str) -> list[str]:
    cells = data.tables[MAIN].column(name)
    plain = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
    return [str(value) for value in plain.cast(pa.string()).to_pylist()]


def _common_length(parts: Mapping[str, SeriesSet]) -> int:
    """Steps of a window: 24, or fewer so that nine of ten series of every part are long enough."""
    found = min(int(np.quantile(part.lengths, 0.1)) for part in parts.values())
    return max(1, min(WINDOW, found))


def _cut(lengths: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Series and first step of every window. Short series give one window, their first; long ones all."""
    counts = np.where(lengths > WHOLE, lengths - length + 1, 1) * (lengths >= length)
    unit = np.repeat(np.arange(len(lengths)), counts)
    return unit, places_within(counts)


def _blocks(data: SeriesSet, unit: np.ndarray, offset: np.ndarray, length: int) -> np.ndarray:
    """The stretch of time of each window, -1 for one that lies across two. Series that are not related are stretches.

    Windows that were cut from one series before (an attribute with role `group`) are told apart by their moments.
    """
    group = next((column.name for column in data.statics if column.role == "group"), None)
    source, at = unit, offset.astype(np.float64)
    if group is not None and data.arrow.column(group).null_count == 0:
        coded = data.arrow.column(group).combine_chunks().dictionary_encode().indices.to_numpy()
        source = coded[unit].astype(np.int64)
        moments = order_numbers(data.tables[MAIN].column(data.order))
        steps = moments[np.minimum(data.starts + 1, len(moments) - 1)] - moments[data.starts]
        beat = float(np.median(steps[data.lengths > 1])) if (data.lengths > 1).any() else 1.0
        at = moments[data.starts[unit] + offset] / max(beat, 1e-12)
    if len(np.unique(source)) >= MANY:
        return np.unique(source, return_inverse=True)[1]
    block = np.zeros(len(unit), dtype=np.int64)
    used = 0
    order = np.argsort(source, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(source[order])) + 1):
        since = at[rows] - at[rows].min()
        span = since.max() + length
        stretch = max(4.0 * length, span / _STRETCHES)
        if span < 2 * stretch:
            block[rows], used = used, used + 1
            continue
        first, last = np.floor(since / stretch), np.floor((since + length - 1) / stretch)
        block[rows] = np.where(first == last, used + first, -1)
        used += int(first.max()) + 1
    return block


def row_codes(data: SeriesSet) -> np.ndarray:
    """One 64-bit number for the channels of every row; numbers are compared to seven digits."""
    columns = []
    for column in data.channels:
        if column.is_discrete:
            texts = pa.array(_texts(data, column.name)).dictionary_encode()
            names = np.array([_text_number(str(text)) for text in texts.dictionary.to_pylist()], dtype=np.uint64)
            columns.append(np.append(names, np.uint64(0))[texts.indices.fill_null(len(names)).to_numpy()])
        else:
            single = _numbers(data, column.name).astype(np.float32) + np.float32(0)
            single[np.isnan(single)] = np.float32("nan")
            columns.append(single.view(np.uint32).astype(np.uint64))
    return row_hashes(np.column_stack(columns))


def _unit_hashes(codes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    return row_hashes(np.column_stack([padded(codes, lengths, 0), lengths.astype(np.uint64)]))


def evenly(n: int, most: int) -> np.ndarray:
    """At most `most` of n places, ascending and evenly spread."""
    return np.arange(n) if n <= most else np.unique(np.linspace(0, n - 1, most).astype(int))


def _text_number(text: str) -> int:
    """A 64-bit number of a text that is the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
