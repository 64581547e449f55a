"""The codec of all series models: series of up to L steps to an array of nearly normal numbers, and back.

Each channel becomes one or more latent channels: its level, or its start and its steps when it walks at random; the
gap above channels that it never undercuts; noisy flags for levels; a flag where cells are missing; the time between
steps when it varies. What comes back lies on the data's grid, within its ends and in its order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa

from synthwright.core.errors import DataError
from synthwright.data.columns import ColumnCodec
from synthwright.data.schema import MAIN, Schema, arrow_type
from synthwright.data.sequence_reading import STATIC
from synthwright.data.sequences import SeriesSet, order_numbers, present
from synthwright.data.series_channels import Channel, flags, relate, scale_choice
from synthwright.data.series_latents import Latent

Steps = Literal["auto", "always", "never"]
_WALK = 0.95  # a walk: steps have less than the other 5 % of the variance of the level


@dataclass(frozen=True, eq=False)
class SeriesCodec:
    """Fitted on one set of series of at most `length` steps; JSON-able; holds no series."""

    schema: Schema
    length: int
    channels: tuple[Channel, ...]
    levels: tuple[ColumnCodec, ...]
    latents: tuple[Latent, ...]
    beat: float  # time between steps when it is the same everywhere, else 0

    @classmethod
    def fit(
        cls, data: SeriesSet, rng: np.random.Generator, *, protect: bool = True, steps: Steps = "auto",
        own_scale: bool | None = None, original: SeriesSet | None = None,
    ) -> Self:  # fmt: skip
        """Learn grids, ends, relations between channels and their distributions. Raises DataError.

        steps: whether steps are learned instead of levels; own_scale: whether series get a scale (and a level) of their
        own; None: where they vary. original: the series that `data` are windows of, when they are: grids are looked for
        in rows that stand once.
        """
        rows = distinct_rows(data if original is None else original)
        channels, levels, values, once = [], [], {}, {}
        for column in data.channels:
            cells = rows.column(column.name)
            if column.is_discrete:
                levels.append(ColumnCodec.fit(cells, column, protect, 32))
            else:
                channel, once[column.name] = Channel.fit(cells, column, protect=protect)
                values[column.name] = channel.values(data.tables[MAIN].column(column.name))
                channels.append(channel)
        inner = np.flatnonzero(np.diff(np.repeat(np.arange(len(data)), data.lengths)) == 0)
        chosen = []
        for channel in relate(channels, once):
            x = values[channel.name]
            known = inner[~np.isnan(x[inner]) & ~np.isnan(x[inner + 1])]
            if not channel.sum_of:
                channel = scale_choice(channel, x[known], x[known + 1] - x[known])
            chosen.append(_walking(channel, x, inner, steps))
        walks = {channel.name for channel in chosen if channel.is_step}
        for _ in chosen:  # relations lead on: as many rounds as there are channels suffice
            walks |= {c.name for c in chosen if c.same_as in walks or walks & {*c.below, *c.sum_of}}
        chosen = [replace(channel, is_free=channel.name in walks) for channel in chosen]
        beat = _beat(data, inner)
        made = cls(data.schema, int(data.lengths.max()), tuple(chosen), tuple(levels), (), beat)
        quantities = made.quantities(values, rng)
        latents = [
            Latent.fit(name, part, quantity, data.lengths, own_scale=own_scale)
            for (name, part), quantity in quantities.items()
        ]
        curved = {latent.column for latent in latents if latent.curve is not None}
        chosen = [replace(c, is_free=c.is_free or c.name in curved) for c in chosen]
        latents += [Latent(codec.name, "flags", codec.n_levels) for codec in levels if codec.n_levels > 1]
        if beat == 0:
            gaps = _gaps(data)
            latents.append(Latent.fit(data.order, "time", np.log(gaps), data.lengths, own_scale=False))
        if not latents:
            raise DataError("Every channel is constant: there is nothing to learn.", fix="add a channel that changes")
        return cls(data.schema, made.length, tuple(chosen), made.levels, tuple(latents), beat)

    @property
    def width(self) -> int:
        """How many numbers describe one series."""
        return sum(latent.size(self.length) for latent in self.latents)

    def spans(self) -> list[np.ndarray]:
        """The places of each latent channel among the numbers of a series."""
        ends = np.cumsum([latent.size(self.length) for latent in self.latents])
        return [np.arange(end - latent.size(self.length), end) for latent, end in zip(self.latents, ends, strict=True)]

    def describe(self) -> list[str]:
        """What was found, in words, for Notes."""
        words = []
        for channel in self.channels:
            if channel.same_as:
                words.append(f"{channel.name} repeats {channel.same_as}")
            elif channel.is_constant:
                words.append(f"{channel.name} is constant")
            elif channel.below:
                words.append(f"{channel.name} is never below {', '.join(channel.below)}: the gap is learned")
            elif channel.sum_of:
                words.append(f"{channel.name} is nearly a sum of {', '.join(channel.sum_of)}: the rest is learned")
            elif channel.is_step:
                words.append(f"{channel.name} walks at random: its {'relative ' * channel.is_log}steps are learned")
        for latent in self.latents:
            if latent.floor:
                words.append(f"{latent.column}: the scale of each series is learned beside it")
            if latent.curve is not None:
                words.append(f"{latent.column} is a smooth curve with {latent.curve.size} degrees of freedom")
        return words

    # -- forward

    def encode(self, data: SeriesSet, rng: np.random.Generator) -> np.ndarray:
        """(series, width) float64; NaN beyond the end of a series."""
        rows = data.tables[MAIN]
        quantities = self.quantities(self.values(data), rng)
        found = []
        inside = present(data.lengths, self.length)
        for latent in self.latents:
            if latent.part == "flags":
                codec = next(one for one in self.levels if one.name == latent.column)
                grid = np.full((len(data), self.length, latent.width), np.nan)
                grid[inside] = flags(codec.values(rows.column(latent.column)), latent.width, rng)
                found.append(grid.reshape(len(data), -1))
                continue
            quantity = np.log(_gaps(data)) if latent.part == "time" else quantities[latent.column, latent.part]
            found.append(latent.forward(quantity, data.lengths, self.length, rng))
        return np.concatenate(found, axis=1)

    def values(self, data: SeriesSet) -> dict[str, np.ndarray]:
        """Channels of numbers by name: (rows,) within the ends, NaN missing."""
        rows = data.tables[MAIN]
        return {channel.name: channel.values(rows.column(channel.name)) for channel in self.channels}

    def quantities(
        self, values: Mapping[str, np.ndarray], rng: np.random.Generator | None
    ) -> dict[tuple[str, str], np.ndarray]:
        """What is learned of each channel of numbers, by (column, part): (rows,) with holes filled.

        rng: spreads values over the cells of their grid; None leaves them.
        """
        found: dict[tuple[str, str], np.ndarray] = {}
        for channel in self.channels:
            if channel.is_constant or channel.same_as:
                continue
            x = values[channel.name]
            if channel.below:
                floor = np.max([values[name] for name in channel.below], axis=0)
                gap = channel.scaled(x) - channel.scaled(floor)
                found[channel.name, "gap"] = np.maximum(gap, 0.0)
                continue
            if channel.sum_of:
                spread = x if rng is None else channel.spread(x, rng)
                found[channel.name, "rest"] = spread - channel.sum_from(values)
                continue
            smooth = channel.scaled(x if rng is None else channel.spread(x, rng))
            part = "step" if channel.is_step else "level"
            found[channel.name, part] = _filled(smooth)
            if np.isnan(x).any() or channel.missing_rate > 0:
                found[channel.name, "missing"] = np.isnan(x).astype(np.float64)
        return found

    # -- back

    def decode(
        self, flat: np.ndarray, lengths: np.ndarray, static: Mapping[str, Any], starts: np.ndarray,
        rng: np.random.Generator,
    ) -> SeriesSet:  # fmt: skip
        """Series from numbers (series, width), the attributes by name, and the first place or moment of each.

        static: every column of the table `static` but the identifier, as Arrow cells.
        """
        inside = present(lengths, self.length)
        numbers: dict[str, np.ndarray] = {}
        holes: dict[str, np.ndarray] = {}
        cells: dict[str, Any] = {}
        gaps = np.full(inside.shape, self.beat)
        place = 0
        for latent in self.latents:
            own = flat[:, place : place + latent.size(self.length)]
            place += own.shape[1]
            if latent.part == "flags":
                codec = next(one for one in self.levels if one.name == latent.column)
                codes = own.reshape(len(flat), self.length, latent.width)[inside].argmax(axis=1)
                cells[latent.column] = codec.cells(codes, rng)
                continue
            made = latent.backward(own, lengths)
            if latent.part == "time":
                gaps = np.exp(made)
            elif latent.part == "missing":
                holes[latent.column] = made > 0.5
            else:
                numbers[latent.column] = made
        self.settle(numbers)
        for channel in self.channels:
            flat = numbers[channel.name][inside]
            gone = holes.get(channel.same_as or channel.name)
            if gone is not None:
                flat = np.where(gone[inside], np.nan, flat)
            cells[channel.name] = channel.cells(flat)
        for codec in self.levels:
            if codec.name not in cells:
                cells[codec.name] = codec.cells(np.zeros(int(inside.sum()), dtype=np.int64), rng)
        return self._assembled(cells, lengths, static, self._moments(starts, gaps, inside))

    def settle(self, numbers: dict[str, np.ndarray]) -> None:
        """Quantities as values on their grids: channels without relations first, then gaps upwards, then twins."""
        shape = next(iter(numbers.values())).shape if numbers else (0, 0)
        by_name = {channel.name: channel for channel in self.channels}
        done: set[str] = set()

        def settle(channel: Channel) -> None:
            if channel.name in done:
                return
            if channel.same_as:
                settle(by_name[channel.same_as])
                numbers[channel.name] = numbers[channel.same_as]
            elif channel.is_constant:
                numbers[channel.name] = np.full(shape, channel.lows[0])
            elif channel.below:
                for name in channel.below:
                    settle(by_name[name])
                floor = np.max([numbers[name] for name in channel.below], axis=0)
                above = channel.unscaled(channel.scaled(floor) + np.maximum(numbers[channel.name], 0.0))
                numbers[channel.name] = np.maximum(channel.settle(above), floor)
            elif channel.sum_of:
                for name in channel.sum_of:
                    settle(by_name[name])
                numbers[channel.name] = channel.settle(channel.sum_from(numbers) + numbers[channel.name])
            else:
                numbers[channel.name] = channel.settle(channel.unscaled(numbers[channel.name]))
            done.add(channel.name)

        for channel in self.channels:
            settle(channel)

    def _moments(self, starts: np.ndarray, gaps: np.ndarray, inside: np.ndarray) -> pa.Array:
        """Places or moments that rise from each start."""
        kind = arrow_type(next(c for c in self.schema.of(MAIN) if c.role == "order").dtype)
        is_whole = not pa.types.is_floating(kind)
        gaps = np.maximum(np.rint(gaps), 1) if is_whole else np.maximum(gaps, 1e-9)
        since = np.cumsum(gaps, axis=1) - gaps[:, :1]
        at = (starts[:, None] + since)[inside]
        if not is_whole:
            return pa.array(at, kind)
        narrow = pa.int32() if pa.types.is_temporal(kind) and kind.bit_width == 32 else pa.int64()
        return pa.array(np.rint(at).astype(np.int64)).cast(narrow).cast(kind)

    def _assembled(
        self, cells: Mapping[str, Any], lengths: np.ndarray, static: Mapping[str, Any], order: pa.Array
    ) -> SeriesSet:
        columns = self.schema.of(STATIC)
        entity = next(column for column in columns if column.role == "id")
        kind = arrow_type(entity.dtype)
        numbers = pa.array(np.arange(len(lengths)))
        ids = numbers.cast(kind) if pa.types.is_integer(kind) else numbers.cast(pa.string()).cast(kind)
        table = pa.table({c.name: ids if c.name == entity.name else static[c.name] for c in columns})
        owners = ids.take(pa.array(np.repeat(np.arange(len(lengths)), lengths)))
        rows: dict[str, Any] = {}
        for column in self.schema.of(MAIN):
            if column.name == entity.name:
                rows[column.name] = owners
            elif column.role == "order":
                rows[column.name] = order
            else:  # free text is not learned
                rows[column.name] = cells.get(column.name, pa.nulls(len(owners), arrow_type(column.dtype)))
        return SeriesSet({STATIC: table, MAIN: pa.table(rows)}, self.schema)

    # -- files

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {
            "schema": self.schema.to_json(),
            "length": self.length,
            "beat": self.beat,
            "channels": [channel.to_json() for channel in self.channels],
            "levels": [codec.to_json() for codec in self.levels],
            "latents": [latent.to_json() for latent in self.latents],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            Schema.from_json(document["schema"]),
            int(document["length"]),
            tuple(Channel.from_json(one) for one in document["channels"]),
            tuple(ColumnCodec.from_json(one) for one in document["levels"]),
            tuple(Latent.from_json(one) for one in document["latents"]),
            float(document["beat"]),
        )


def distinct_rows(data: SeriesSet) -> pa.Table:
    """The rows of a set of series; of overlapping windows (an attribute with role `group`), every step once."""
    rows = data.tables[MAIN]
    group = next((column.name for column in data.statics if column.role == "group"), None)
    if group is None or data.arrow.column(group).null_count:
        return rows
    source = data.arrow.column(group).combine_chunks().dictionary_encode().indices.to_numpy()
    at = order_numbers(rows.column(data.order))
    _, first = np.unique(np.column_stack([np.repeat(source, data.lengths), at]), axis=0, return_index=True)
    return rows.take(pa.array(np.sort(first)))


def _walking(channel: Channel, x: np.ndarray, inner: np.ndarray, steps: Steps) -> Channel:
    """The channel with `is_step` set when its level is that of a random walk: steps far smaller than the level."""
    if channel.is_constant or channel.below or channel.same_as or channel.sum_of or steps == "never":
        return channel
    if steps == "always":
        return replace(channel, is_step=True)
    level = channel.scaled(x)
    known = inner[~np.isnan(level[inner]) & ~np.isnan(level[inner + 1])]
    if len(known) < 50:
        return channel
    step = level[known + 1] - level[known]
    if not all(np.ptp(part) > 0 for part in (level[known], step[:-1], step[1:])):  # no correlation is defined
        return channel
    pull = np.corrcoef(level[known], step)[0, 1]
    small = np.var(step) < (1 - _WALK) * np.var(level[known])
    rough = np.corrcoef(step[:-1], step[1:])[0, 1]
    error = 2 / np.sqrt(min(len(known), len(np.unique(np.column_stack([level[known], step]), axis=0))))
    # A random walk's steps neither pull back to a mean nor continue each other, as those of a smooth curve do.
    return replace(channel, is_step=bool(small and abs(pull) < max(0.05, error) and abs(rough) < 0.25))


def _beat(data: SeriesSet, inner: np.ndarray) -> float:
    at = order_numbers(data.tables[MAIN].column(data.order))
    steps = at[inner + 1] - at[inner]
    if not len(steps):
        return 1.0
    return float(steps[0]) if np.ptp(steps) <= 1e-9 * abs(steps[0]) else 0.0


def _gaps(data: SeriesSet) -> np.ndarray:
    """Time since the step before, (rows,); the first step of a series repeats the gap that follows it."""
    at = order_numbers(data.tables[MAIN].column(data.order))
    gaps = np.diff(at, prepend=at[0])
    following = np.append(gaps[1:], 1.0)
    alone = data.lengths == 1
    gaps[data.starts] = np.where(alone, 1.0, following[data.starts])
    return gaps


def _filled(x: np.ndarray) -> np.ndarray:
    """Holes closed by straight lines; a channel's hole carries a flag of its own."""
    gone = np.isnan(x)
    if not gone.any():
        return x
    places = np.arange(len(x))
    return np.asarray(np.interp(places, places[~gone], x[~gone]))
