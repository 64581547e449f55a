"""What all series generators share: units of a length that can be learned, and attributes, lengths and starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import Field

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import DataError, counted
from synthwright.core.seeds import named_rng
from synthwright.core.store import State
from synthwright.data.columns import FEWEST_TO_PROTECT, RARE
from synthwright.data.conditions import Condition
from synthwright.data.encode import Codec
from synthwright.data.schema import MAIN, Column, Schema, arrow_type
from synthwright.data.sequence_reading import STATIC, fresh_name
from synthwright.data.sequences import WHOLE, SeriesSet, order_numbers
from synthwright.data.series_codec import SeriesCodec, Steps, distinct_rows
from synthwright.data.table import Table
from synthwright.generators.copula import Copula

WINDOW = 24  # steps of a window when series are too long to be learned whole
FEWEST = 50  # windows below which nothing can be learned of a series' dynamics
_MOST = 20_000  # windows that are learned from
_WIDEST = 8_000  # numbers of one series: their covariance then takes half a gigabyte


class SeriesConfig(Config):
    """Options of the models that learn series through the codec."""

    window: int | None = Field(None, ge=2, le=512, description="Steps of a made series; None: as the data, 24 if long.")
    steps: Steps = Field("auto", description="Learn steps instead of levels: auto (random walks), always, never.")
    own_scale: bool | None = Field(
        None, description="Learn the scale (and level) of each series beside it; None: where series differ."
    )
    protect: bool = Field(True, description="Hide the 5 extreme values of each channel and pool rare levels.")


def units_of(data: SeriesSet, window: int | None, ctx: Context, *, fewest: int = FEWEST) -> SeriesSet:
    """The series that are learned: whole when they are short, else their overlapping windows. Raises DataError.

    window: steps of a made series; when not given, series of up to 64 steps are learned whole, longer ones as windows
    of 24. The identifier of series and an attribute with role `group` are never learned.
    """
    longest = int(data.lengths.max())
    if window is None and longest <= WHOLE:
        units = data
    else:
        steps = window or WINDOW
        if steps == longest and int(data.lengths.min()) == longest:
            units = data
        else:
            room = int(np.maximum(data.lengths - steps + 1, 0).sum())
            units = data.windows(steps, stride=max(1, -(-room // _MOST)), short="drop", source=False)
            for note in units.notes[len(data.notes) :]:
                ctx.note(note.code, note.what, note.where)
            ctx.note("Q010", f"learned from, and made as, windows of {steps} steps ({len(units):,} windows)", "series")
    if len(units) < fewest:
        raise DataError(
            f"{counted(len(units), 'series or window is', 'series or windows are')} too few to learn from: "
            f"at least {fewest} are needed.",
            where=f"{len(data)} series of {int(data.lengths.min())} to {longest} steps",
            fix="use more or longer series, a shorter window, or the method block_bootstrap",
        )
    return units


def fitted_codec(units: SeriesSet, data: SeriesSet, config: SeriesConfig, ctx: Context) -> SeriesCodec:
    """The codec of units cut from `data`, with Notes of what it found. Raises DataError when a series is too wide."""
    codec = SeriesCodec.fit(
        units, ctx.rng, protect=config.protect, steps=config.steps, own_scale=config.own_scale, original=data
    )
    if codec.width > _WIDEST:
        widest = max(codec.latents, key=lambda latent: latent.size(codec.length))
        raise DataError(
            f"A series is {codec.width:,} numbers to learn; {_WIDEST:,} are the most.",
            where=f"{widest.column!r} takes {widest.width:,} in each of {codec.length} steps",
            fix="leave this channel out, join its rare levels, use a shorter window, or the method block_bootstrap",
        )
    for words in codec.describe():
        ctx.note("Q012", words, "channels")
    _note_rare(codec, distinct_rows(data).num_rows, config.protect, ctx)
    return codec


def _note_rare(codec: SeriesCodec, n_rows: int, protect: bool, ctx: Context) -> None:
    """Tell of pooled levels of channels as tables do."""
    if not protect or n_rows < FEWEST_TO_PROTECT:
        return
    for one in codec.levels:
        if one.other_code is not None:
            share = one.weights[one.other_code]
            words = f"levels in fewer than {RARE} rows ({share:.2%} of cells) are replaced by frequent ones"
            ctx.note("N022", words, one.name)


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Attributes, lengths and first moments of series, learned together by a Gaussian copula.

    They are made first; the series are then made to fit them. codec: turns them into numbers for a network.
    """

    schema: Schema
    table: Schema | None
    codec: Codec | None
    model: Copula | None
    length: int
    start: float
    names: tuple[str, str]  # columns of length and start in the table; "" when they do not vary

    @classmethod
    def fit(cls, units: SeriesSet, ctx: Context, *, protect: bool) -> Self:
        """Learn the attributes of the units; those that no table method can learn stay empty, with a Note."""
        table, names = skeleton_table(units)
        starts = order_numbers(units.tables[MAIN].column(units.order))[units.starts]
        for column in units.statics:
            if column.name not in (table.schema.names if table else ()):
                ctx.note("Q011", "not learned, left empty in samples", column.name)
        length, start = int(units.lengths[0]), float(starts[0])
        if table is None:
            return cls(units.schema, None, None, None, length, start, ("", ""))
        codec = Codec.fit(table, protect=protect)
        model = None
        if any(table.arrow.column(name).unique().__len__() > 1 for name in table.schema.names):
            model = Copula(protect=protect).fit(table, seed=int(ctx.seed()))
        return cls(units.schema, table.schema, codec, model, length, start, names)

    @property
    def width(self) -> int:
        """Numbers that describe one unit's attributes to a network."""
        return self.codec.width if self.codec else 0

    def dense(self, units: SeriesSet) -> np.ndarray:
        """The attributes of units as numbers (units, width)."""
        table, _ = skeleton_table(units, self.names)
        return self._dense(table, len(units))

    def _dense(self, table: Table | None, n: int) -> np.ndarray:
        if self.codec is None or table is None:
            return np.zeros((n, 0))
        return self.codec.dense(table, named_rng(0, "skeleton")).astype(np.float64)

    def draw(self, n: int, ctx: Context, where: Condition | None = None) -> Drawn:
        """n new sets of attributes, which meet the condition."""
        table = None
        if self.model is not None:
            table = self.model.sample(n, where=where.text if where else None, seed=ctx.seed())
        elif self.codec is not None:
            values = {c.name: np.full(n, c.low) if c.kind == "number" else np.zeros(n, int) for c in self.codec.columns}
            table = self.codec.from_values(values, ctx.rng)
        own = {name: table.arrow.column(name) for name in table.schema.names} if table is not None else {}
        by_length, by_start = self.names
        lengths = own[by_length].to_numpy().astype(np.int64) if by_length else np.full(n, self.length)
        starts = own[by_start].to_numpy().astype(np.float64) if by_start else np.full(n, self.start)
        static: dict[str, Any] = {}
        for column in self.schema.of(STATIC):
            if column.role != "id":
                kind = arrow_type(column.dtype)
                static[column.name] = own[column.name] if column.name in own else pa.nulls(n, kind)
        return Drawn(static, lengths, starts, self._dense(table, n))

    def state(self) -> State:
        """Everything `restore` needs."""
        meta: dict[str, Any] = {
            "schema": self.schema.to_json(),
            "table": self.table.to_json() if self.table else None,
            "codec": self.codec.to_json() if self.codec else None,
            "model": None,
            "length": self.length,
            "start": self.start,
            "names": list(self.names),
        }
        arrays: dict[str, np.ndarray] = {}
        if self.model is not None:
            inner = self.model._state()
            meta["model"] = {
                "meta": inner.meta,
                "preparation": self.model._fitted().to_json(),
                "config": self.model.config.model_dump(),
                "facts": self.model._facts,
            }
            arrays = {f"skeleton.{name}": array for name, array in inner.arrays.items()}
        return State(meta, arrays)

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`; other arrays in it are ignored."""
        from synthwright.data.prepare import Preparation

        meta = state.meta
        model = None
        if meta["model"] is not None:
            model = Copula(**meta["model"]["config"])
            own = {k.removeprefix("skeleton."): v for k, v in state.arrays.items() if k.startswith("skeleton.")}
            model._restore(State(meta["model"]["meta"], own))
            model._preparation = Preparation.from_json(meta["model"]["preparation"])
            model._facts = dict(meta["model"]["facts"])
        return cls(
            Schema.from_json(meta["schema"]),
            Schema.from_json(meta["table"]) if meta["table"] else None,
            Codec.from_json(meta["codec"]) if meta["codec"] else None,
            model,
            int(meta["length"]),
            float(meta["start"]),
            (meta["names"][0], meta["names"][1]),
        )


@dataclass(frozen=True)
class Drawn:
    """Attributes of n series to be made: Arrow cells by name, lengths, first moments, and numbers for a network."""

    static: dict[str, Any]
    lengths: np.ndarray
    starts: np.ndarray
    dense: np.ndarray


def skeleton_table(units: SeriesSet, names: tuple[str, str] | None = None) -> tuple[Table | None, tuple[str, str]]:
    """Attributes that can be learned, with lengths and starts where they vary, as a table; and the added names."""
    cells: dict[str, Any] = {}
    columns: list[Column] = []
    for column in units.statics:
        if column.is_learned and column.role not in ("group", "order"):
            cells[column.name] = units.arrow.column(column.name)
            role = "target" if column.role == "target" else "feature"
            columns.append(column.model_copy(update={"table": MAIN, "categories": None, "role": role}))
    starts = order_numbers(units.tables[MAIN].column(units.order))[units.starts]
    taken = [column.name for column in units.schema.columns]
    wanted = names or (
        fresh_name("length", taken) if np.ptp(units.lengths) else "",
        fresh_name("start", taken) if np.ptp(starts) else "",
    )
    whole = bool(np.array_equal(starts, np.rint(starts)))
    for name, values, kind in (
        (wanted[0], units.lengths, "integer"),
        (wanted[1], starts.astype(np.int64) if whole else starts, "integer" if whole else "number"),
    ):
        if name:
            cells[name] = pa.chunked_array([pa.array(values)])
            columns.append(Column(name=name, kind=kind, dtype=str(cells[name].type)))
    if not columns:
        return None, ("", "")
    return Table({MAIN: pa.table(cells)}, Schema(columns=tuple(columns))), wanted
