"""Series put together from blocks of real ones: nothing is learned, everything is copied."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from synthwright.classic.timeseries import block_length
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import DataError
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.schema import MAIN, Schema
from synthwright.data.sequence_reading import STATIC
from synthwright.data.sequences import WHOLE, SeriesSet
from synthwright.data.series_codec import SeriesCodec, Steps
from synthwright.generators.base import Ability, Generator
from synthwright.generators.series_parts import WINDOW


class BlockBootstrapConfig(Config):
    """Options of the block bootstrap."""

    kind: Literal["moving", "circular", "stationary"] = Field(
        "stationary", description="Blocks of fixed length, the same around the end, or of random length."
    )
    block: float | None = Field(None, ge=1, description="(Mean) steps of a block; None: Politis and White's rule.")
    anchored: bool | None = Field(
        None, description="Join the steps of channels that walk at random instead of their levels; None: where found."
    )
    window: int | None = Field(
        None, ge=2, description="Steps of a made series; None: as the data, 24 if they are long."
    )


class BlockBootstrap(Generator):
    """Each new series is made of blocks of one real series, all channels together, with that series' attributes.

    Within blocks everything is real; at the seams dependence breaks. Channels that walk at random are rebuilt from
    their steps (anchored). Blocks as long as a series copy it. Every value of a channel that is not anchored is a
    value of the training data: this is no privacy, and the saved model holds the data. Cost: none.
    """

    name: ClassVar[str] = "block_bootstrap"
    summary: ClassVar[str] = "real series cut in blocks and joined anew: copies training values"
    source: ClassVar[str] = "Kunsch 1989; Politis and Romano 1994; block length: Politis and White 2004"
    config_type: ClassVar[type[Config]] = BlockBootstrapConfig
    ability: ClassVar[Ability] = Ability("series", block=512, keeps_rows=True, rows=(1, 10**6))

    def _fit(self, data: SeriesSet, ctx: Context) -> None:
        if int(data.lengths.sum()) < 2 * WINDOW:
            raise DataError(
                f"{int(data.lengths.sum())} steps are too few to cut blocks from.", fix=f"use {2 * WINDOW} or more"
            )
        ctx.step(0, 2, "block length")
        choices: dict[bool | None, Steps] = {True: "always", False: "never", None: "auto"}
        self._codec = SeriesCodec.fit(data, ctx.rng, protect=False, steps=choices[self.config.anchored])
        self._data = data
        for name in ("_values", "_moved"):
            self.__dict__.pop(name, None)
        self._lengths = data.lengths
        self._mean_block = self.config.block or self._rule(data)
        longest = int(data.lengths.max())
        self._window = self.config.window or (WINDOW if longest > WHOLE else 0)
        if self._window and longest > self._window:
            ctx.note("Q010", f"made in {self._window} steps from series of up to {longest}", "series")
        ctx.note("Q020", f"copies training values, in blocks of {self._mean_block:.1f} steps on average", self.name)
        for name in self._moved:
            ctx.note("Q021", "walks at random, or hangs on a channel that does: rebuilt from steps", name)
        ctx.step(1, 2, "block length")

    def _rule(self, data: SeriesSet) -> float:
        """The median over channels of the mean block of up to 20 series, by Politis and White."""
        found = []
        picked = np.unique(np.linspace(0, len(data) - 1, 20).astype(int))
        for channel in self._codec.channels:
            if channel.is_constant or channel.same_as:
                continue
            x = channel.scaled(self._values[channel.name])
            for unit in picked:
                own = x[data.starts[unit] : data.starts[unit] + data.lengths[unit]]
                found.append(
                    block_length(np.diff(own) if channel.is_step else own, circular=self.config.kind != "stationary")
                )
        return float(np.median(found)) if found else 1.0

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> SeriesSet:
        rng = ctx.rng
        reachable = np.flatnonzero(self._lengths >= self._window) if self._window else np.arange(len(self._lengths))
        # A long series is drawn more often than a short one when windows are made, as windows of the data are.
        room = self._lengths[reachable] - self._window + 1.0 if self._window else np.ones(len(reachable))
        unit = reachable[rng.choice(len(reachable), size=n, p=room / room.sum())]
        lengths = np.full(n, self._window) if self._window else self._lengths[unit]
        offsets = self._offsets(self._lengths[unit], lengths, rng)
        inside = np.arange(offsets.shape[1])[None, :] < lengths[:, None]
        rows = (self._data.starts[unit][:, None] + offsets)[inside]
        made = self._data.tables[MAIN].take(pa.array(rows))
        ids = pa.array(np.arange(n)).cast(self._data.arrow.column(self._data.entity).type)
        owners = ids.take(pa.array(np.repeat(np.arange(n), lengths)))
        order = self._order(unit, offsets, lengths, inside)
        columns: dict[str, Any] = {name: made.column(name) for name in made.column_names}
        columns[self._data.entity], columns[self._data.order] = owners, order
        columns |= self._rebuilt(unit, offsets, inside)
        static = self._data.arrow.take(pa.array(unit))
        static = static.set_column(static.column_names.index(self._data.entity), self._data.entity, ids)
        return SeriesSet({STATIC: static, MAIN: pa.table(columns)}, self._data.schema)

    def _offsets(self, have: np.ndarray, want: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Which step of its series each made step copies: (n, longest). A block starts anew when one ends."""
        n, longest = len(have), int(want.max())
        size = np.minimum(max(1, round(self._mean_block)), have)
        found = np.empty((n, longest), dtype=np.int64)
        at, left = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
        for t in range(longest):
            if self.config.kind == "stationary":
                new = (rng.random(n) < 1 / self._mean_block) | (t == 0)
                fresh = rng.integers(0, have)
            else:
                new = left == 0
                fresh = rng.integers(0, have if self.config.kind == "circular" else have - size + 1)
            at = np.where(new, fresh, (at + 1) % have)
            left = np.where(new, size, left) - 1
            found[:, t] = at
        return found

    def _order(self, unit: np.ndarray, offsets: np.ndarray, lengths: np.ndarray, inside: np.ndarray) -> Any:
        """Places or moments of a stretch of the real series, from its start or from where the first block lies."""
        room = self._lengths[unit] - lengths
        first = np.minimum(offsets[:, 0], room) if self._window else np.zeros(len(unit), dtype=np.int64)
        places = (self._data.starts[unit] + first)[:, None] + np.arange(offsets.shape[1])[None, :]
        return self._data.tables[MAIN].column(self._data.order).take(pa.array(places[inside]))

    def _rebuilt(self, unit: np.ndarray, offsets: np.ndarray, inside: np.ndarray) -> dict[str, Any]:
        """Channels that walk, from a real start and the steps of the blocks, and channels that hang on them."""
        if not self._moved:
            return {}
        places = self._data.starts[unit][:, None] + offsets
        # The first step of a series has no step before it: the one that follows stands in.
        before = np.where(offsets > 0, places - 1, places)
        after = np.minimum(np.where(offsets > 0, places, places + 1), len(self._data.tables[MAIN]) - 1)
        numbers = {}
        for (name, part), quantity in self._codec.quantities(self._values, None).items():
            if part == "missing":
                continue
            numbers[name] = quantity[places]
            if part == "step":
                steps = quantity[after] - quantity[before]
                steps[:, 0] = quantity[places[:, 0]]
                numbers[name] = np.cumsum(steps, axis=1)
        self._codec.settle(numbers)
        found = {}
        for channel in self._codec.channels:
            if channel.name in self._moved:
                flat = np.where(np.isnan(self._values[channel.name][places]), np.nan, numbers[channel.name])[inside]
                found[channel.name] = channel.cells(flat)
        return found

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        return self._codec.values(self._data)

    @cached_property
    def _moved(self) -> tuple[str, ...]:
        """Channels that walk, and channels that hang on one that does."""
        return tuple(channel.name for channel in self._codec.channels if channel.is_free)

    def _state(self) -> State:
        tables = {f"rows.{name}": packed(table) for name, table in self._data.tables.items()}
        meta = {
            "codec": self._codec.to_json(),
            "schema": self._data.schema.to_json(),
            "block": self._mean_block,
            "window": self._window,
        }
        return State(meta, tables)

    def _restore(self, state: State) -> None:
        self._codec = SeriesCodec.from_json(state.meta["codec"])
        tables = {name: unpacked(state.arrays[f"rows.{name}"]) for name in (STATIC, MAIN)}
        self._data = SeriesSet(tables, Schema.from_json(state.meta["schema"]))
        self._lengths = self._data.lengths
        self._mean_block, self._window = float(state.meta["block"]), int(state.meta["window"])


def packed(table: pa.Table) -> np.ndarray:
    """A table as bytes of the Arrow stream format: the same for equal cells."""
    sink = pa.BufferOutputStream()
    plain = table.take(pa.array(np.arange(table.num_rows))).combine_chunks()
    with pa.ipc.new_stream(sink, plain.schema) as writer:
        writer.write_table(plain)
    return np.frombuffer(sink.getvalue(), dtype=np.uint8)


def unpacked(content: np.ndarray) -> pa.Table:
    """The inverse of `packed`."""
    with pa.ipc.open_stream(pa.py_buffer(content.tobytes())) as reader:
        return reader.read_all()
