"""What every generator is: options, `fit`, `sample`, `save`, and the four methods an author writes.

The base owns ability and schema checks, seeds, blocks, notes, progress, cancelling, rejection, constraints,
identifiers and files; an author writes `_fit`, `_sample`, `_state` and `_restore` and sees only what is learned.
"""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Steps
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np

from synthwright.core import registry, store
from synthwright.core.config import Config, build
from synthwright.core.context import Context, Note, Stop
from synthwright.core.errors import (
    ConfigError,
    DataError,
    FormatError,
    NotFitted,
    Unsupported,
    counted,
)
from synthwright.core.extras import need
from synthwright.core.pool import Workers, run_tasks
from synthwright.core.progress import Event
from synthwright.core.seeds import block_sequence, check_seed, fit_sequence, rng_of
from synthwright.core.store import State
from synthwright.data.conditions import Condition, parse_condition
from synthwright.data.dataset import Dataset, Flavour, dataset_class
from synthwright.data.prepare import Preparation
from synthwright.data.schema import Schema
from synthwright.data.table import Table
from synthwright.generators.drawing import Drawing

Callback = Callable[[Event], None]


@dataclass(frozen=True)
class Ability:
    """What a method can do; tested by `synthwright.testing.check_generator`, shown by `synthwright generators`."""

    modality: str
    learns: bool = True  # False: makes data from its options alone; `fit` needs none
    where: Literal["none", "reject", "exact"] = "reject"
    block: int = 1024  # units made per block; part of the method's identity
    missing: bool = True
    mixed: bool = True
    private: bool = False
    density: bool = False
    resume: bool = False
    keeps_rows: bool = False  # the saved model holds training rows
    needs: tuple[str, ...] = ()  # optional packages, as "package:extra"
    rows: tuple[int, int] = (20, 10**7)  # sensible number of training units
    cost: str = "seconds"


class Generator(ABC):
    """Learns from a dataset and makes datasets like it.

    config: an instance of the class's `config_type`, or give its fields by name.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    source: ClassVar[str] = ""  # paper or repository
    config_type: ClassVar[type[Config]] = Config
    ability: ClassVar[Ability]

    def __init__(self, config: Config | None = None, /, **options: Any) -> None:
        if config is not None and options:
            raise ConfigError("Give a config or options, not both.", where=f"generator {self.name!r}")
        if config is None:
            config = build(self.config_type, options, where=f"generator {self.name!r}")
        elif not isinstance(config, self.config_type):
            raise ConfigError(
                f"{type(config).__name__} is not the configuration of {self.name!r}.",
                where=f"generator {self.name!r}",
                fix=f"use {self.config_type.__name__}",
            )
        self.config: Any = config
        self.notes: list[Note] = []
        self._facts: dict[str, Any] = {}
        self._preparation: Preparation | None = None

    @staticmethod
    def create(name: str, /, **options: Any) -> Generator:
        """A generator by its registered name. Raises Unsupported, ConfigError, MissingExtra."""
        made: Generator = registry.find("generators", name)(**options)
        return made

    def check_packages(self) -> None:
        """Raise MissingExtra for an optional package that the method needs and that is not installed."""
        for requirement in self.ability.needs:
            package, _, extra = requirement.partition(":")
            need(package, extra=extra, who=f"generator {self.name!r}")

    # -- what an author writes

    @abstractmethod
    def _fit(self, data: Any, ctx: Context) -> None:
        """Learn from `data`, which holds only what is to be learned."""

    @abstractmethod
    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Any:
        """Make n units with the schema of the data given to `_fit`. `where` is not None only for "exact" methods."""

    @abstractmethod
    def _state(self) -> State:
        """Everything `_restore` needs."""

    @abstractmethod
    def _restore(self, state: State) -> None:
        """The inverse of `_state`."""

    def blank_schema(self) -> Schema:
        """The schema of samples of a method that learns nothing (`Ability.learns` is False)."""
        raise NotImplementedError(f"{type(self).__name__} learns from data or must define blank_schema")

    # -- verbs

    def fit(
        self,
        data: Any = None,
        *,
        context: Dataset | None = None,
        seed: int = 0,
        callbacks: Sequence[Callback] = (),
        stop: Stop | None = None,
        resume_from: str | Path | None = None,
    ) -> Self:
        """Learn from a dataset (or a data frame). Returns self.

        resume_from: where a method that can (`Ability.resume`) keeps its state while it learns; when the file is
        there already, learning goes on from it. The same data, options and seed give the same model, byte for byte.
        Raises DataError, Unsupported, MissingExtra, FitError, Cancelled; a failed fit leaves the generator unfitted.
        """
        data = self._accept(data)
        self.check_packages()
        if resume_from is not None and not self.ability.resume:
            raise Unsupported(
                f"{self.name!r} cannot go on with a stopped fit.", where="resume_from", fix="leave it out"
            )
        self._preparation = None
        ctx = Context.on(fit_sequence(check_seed(seed)), sinks=tuple(callbacks), stop=stop or Stop())
        ctx.checkpoint = None if resume_from is None else Path(resume_from)
        self._context = context
        ctx.step(0, 1, "preparing")
        if data is None:
            return self._fit_from_nothing(seed, ctx)
        ctx.notes.extend(data.notes)
        data = self._within_reach(data, ctx)
        protect = bool(getattr(self.config, "protect", not self.ability.keeps_rows))
        preparation = Preparation.fit(data, ctx, protect=protect)
        self._fit(preparation.learned(data), ctx)
        self.notes = ctx.notes
        self._facts = {
            "units": len(data),
            "seed": seed,
            "fingerprint": data.fingerprint(),
        }
        self._preparation = preparation
        # Clock readings stay out of the saved facts: the same fit must give the same bytes.
        self.fit_seconds, self.fit_cpu_seconds = ctx.seconds, ctx.cpu_seconds
        return self

    def _fit_from_nothing(self, seed: int, ctx: Context) -> Self:
        self._fit(None, ctx)
        self.notes = ctx.notes
        self._facts = {"units": 0, "seed": seed, "fingerprint": ""}
        schema = self.blank_schema()
        self._preparation = Preparation(schema, schema)
        self.fit_seconds, self.fit_cpu_seconds = ctx.seconds, ctx.cpu_seconds
        return self

    def _accept(self, given: Any) -> Any:
        if not self.ability.learns:
            if given is None:
                return None
            raise Unsupported(
                f"{self.name!r} makes its data from its options and learns from none.",
                where="fit(data)",
                fix="call fit() without data",
            )
        if isinstance(given, Dataset):
            data = given
        else:
            if given is None or self.ability.modality != "table":
                raise Unsupported(
                    f"{self.name!r} learns from datasets of modality {self.ability.modality!r}, not from {_a(given)}.",
                    fix=f"wrap it: {dataset_class(self.ability.modality).__name__}(...)",
                )
            data = Table.of(given)
        if data.modality != self.ability.modality:
            fitting = [n for n in registry.names("generators") if _modality(n) == data.modality]
            raise Unsupported(
                f"{self.name!r} learns from datasets of modality {self.ability.modality!r}, not {data.modality!r}.",
                fix=f"use one of: {', '.join(fitting) or 'none yet'}",
            )
        return data

    def _within_reach(self, data: Dataset, ctx: Context) -> Dataset:
        fewest, most = self.ability.rows
        if len(data) < fewest:
            divided = next((note.what for note in data.notes if note.code == "S001"), "")
            raise DataError(
                f"{counted(len(data), 'unit is', 'units are')} too few for {self.name!r}: it needs at least {fewest}.",
                where=divided,
                fix="use more data"
                + (", or all of them: fit without a split (synthwright fit DATA)" if divided else ""),
            )
        if len(data) <= most:
            return data
        ctx.note("G001", f"fitted on {most:,} units drawn at random from {len(data):,}", f"generator {self.name!r}")
        return data.select(np.sort(ctx.rng.choice(len(data), size=most, replace=False)))

    @property
    def schema(self) -> Schema:
        """Schema of the data that samples have. Raises NotFitted."""
        return self._fitted().schema

    def _fitted(self) -> Preparation:
        if self._preparation is None:
            raise NotFitted(
                f"{self.name!r} has not been fitted.", fix="call fit(data) first, or synthwright.load(path)"
            )
        return self._preparation

    def sample(
        self,
        n: int,
        *,
        where: Any = None,
        seed: int = 0,
        callbacks: Sequence[Callback] = (),
        workers: int | str | None = None,
        as_: Flavour = "dataset",
        stop: Stop | None = None,
    ) -> Any:
        """Make exactly n units; `where` is a condition as text, mapping or pyarrow expression.

        The result depends on the model, n, where and seed only, never on `workers` (a number of processes, "ray" or
        "ray:N"); a longer sample begins with the shorter one. Raises NotFitted, ConditionError, Unreachable, Cancelled.
        """
        parts = self.sample_parts(n, where=where, seed=seed, callbacks=callbacks, workers=workers, stop=stop)
        blocks = list(parts)
        return blocks[0].concat(blocks).in_flavour(as_)

    def sample_parts(
        self,
        n: int,
        *,
        where: Any = None,
        seed: int = 0,
        callbacks: Sequence[Callback] = (),
        workers: int | str | None = None,
        stop: Stop | None = None,
    ) -> Iterator[Dataset]:
        """The units of `sample`, block by block: memory holds a few blocks, whatever n is.

        Wrong arguments raise at once, the rest while the parts are made; see `sample`.
        """
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ConfigError(f"The number of rows must be an integer >= 1, not {n!r}.", where="sample(n)")
        condition = self._condition(where)
        self.check_capacity(int(n))
        ctx = Context(rng_of(block_sequence(seed, 0, 0)), sinks=tuple(callbacks), stop=stop or Stop())
        return self._parts(int(n), condition, seed, Workers.of(workers), ctx)

    def _parts(
        self, n: int, condition: Condition | None, seed: int, workers: Workers, ctx: Context
    ) -> Iterator[Dataset]:
        size = self.ability.block
        n_blocks = -(-n // size)
        units = [min(size, n - index * size) for index in range(n_blocks)]
        if workers.kind == "serial" or (workers.kind == "processes" and n_blocks == 1):
            made = (self._block(index, units[index], condition, seed, ctx) for index in range(n_blocks))
        else:
            made = self._blocks_elsewhere(units, condition, seed, workers)
        with closing(made) as blocks:
            ctx.step(0, n_blocks, "sampling")
            for index, block in enumerate(blocks):
                yield block
                ctx.step(index + 1, n_blocks, "sampling")

    def _blocks_elsewhere(
        self, units: Sequence[int], condition: Condition | None, seed: int, workers: Workers
    ) -> Steps[Dataset, None, None]:
        where, kind = condition.text if condition else None, dataset_class(self.ability.modality)
        with tempfile.TemporaryDirectory(prefix="synthwright-") as folder:
            path = self.save(Path(folder) / "model.synth")
            tasks = [(str(path), index, n, where, seed) for index, n in enumerate(units)]
            with closing(run_tasks(_block_in_worker, tasks, workers)) as results:
                for tables in results:
                    yield kind(tables, self.schema)

    def check_capacity(self, n: int) -> None:
        """Raise SampleError when n units need more different identifiers than their format has."""
        self._fitted().check_capacity(n)

    def sample_block(self, index: int, *, where: Any = None, seed: int = 0, units: int | None = None) -> Dataset:
        """Block `index` of the sample with this seed: the unit of scaling, `ability.block` units.

        units: only so many from its beginning. Raises NotFitted, ConditionError, Unreachable, SampleError, Cancelled.
        """
        condition, n = self._condition(where), self.ability.block if units is None else units
        return self._block(index, n, condition, seed, Context(rng_of(block_sequence(seed, index, 0))))

    def _condition(self, where: Any) -> Condition | None:
        schema = self._fitted().schema
        if where is None:
            return None
        if self.ability.where == "none":
            raise Unsupported(f"{self.name!r} cannot sample under a condition.", where=f"where={where!r}")
        return parse_condition(where, schema)

    def _block(self, index: int, units: int, condition: Condition | None, seed: int, outer: Context) -> Dataset:
        ability = self.ability
        drawing = Drawing(self.name, self._sample, self._fitted(), ability.block, ability.where == "exact")
        return drawing.block(index, units, condition, seed, outer)

    def augment(self, data: Any, *, ratio: float = 1.0, where: Any = None, seed: int = 0) -> Dataset:
        """Real units followed by `ratio` times as many synthetic ones, told apart by the column `_origin`."""
        real: Dataset = self._accept(data)
        n = max(1, round(ratio * len(real)))
        return real.with_origin(self.sample(n, where=where, seed=seed))

    # -- files

    def save(self, path: str | Path) -> Path:
        """Write the model: a zip file when `path` ends in `.synth`, else a folder. Raises NotFitted, WriteError."""
        from synthwright import __version__

        preparation = self._fitted()
        header = {
            "generator": self.name,
            "version": __version__,
            "config": self.config.model_dump(mode="json"),
            "keeps_rows": self.ability.keeps_rows,
            "facts": self._facts,
            "notes": [{"code": note.code, "what": note.what, "where": note.where} for note in self.notes],
            "preparation": preparation.to_json(),
        }
        return store.save(path, header, self._state())

    @staticmethod
    def load(path: str | Path, *, limit_bytes: int = store.LIMIT_BYTES) -> Generator:
        """Read a saved model; equal seeds then give equal samples. Raises FormatError, MissingExtra."""
        header, state = store.load(path, limit_bytes)
        try:
            name, config = header["generator"], header["config"]
            cls: type[Generator] = registry.find("generators", name)
            model = cls(**config)
            model.check_packages()
            model.notes = [Note(**note) for note in header["notes"]]
            model._facts = dict(header["facts"])
            preparation = Preparation.from_json(header["preparation"])
            if preparation.schema.modality != model.ability.modality:
                raise ValueError(
                    f"the schema is of modality {preparation.schema.modality!r}, not {model.ability.modality!r}"
                )
            model._restore(state)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise FormatError(
                f"The model cannot be restored: {type(error).__name__}: {error}",
                where=str(path),
                fix="fit it anew with this version",
            ) from error
        model._preparation = preparation
        return model

    def describe(self) -> str:
        """The fitted facts in words: method, options, data, notes."""
        preparation = self._fitted()
        learned = f"fitted on {self._facts['units']:,} units" if self.ability.learns else "made from its options"
        lines = [f"{self.name}: {self.summary}", f"{learned}, seed {self._facts['seed']}"]
        lines += [f"option {key} = {value}" for key, value in self.config.model_dump(mode="json").items()]
        lines.append(f"{len(preparation.schema.columns)} columns, data {self._facts['fingerprint'][:12] or 'none'}")
        if self.ability.keeps_rows:
            lines.append("the saved model holds training rows: treat it like the data")
        lines += [f"note {note}" for note in self.notes]
        return "\n".join(lines)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Options by name, as scikit-learn's estimators give them."""
        return dict(self.config)

    def __repr__(self) -> str:
        options = ", ".join(f"{key}={value!r}" for key, value in self.config.model_dump(exclude_defaults=True).items())
        return f"{type(self).__name__}({options})"


def load(path: str | Path, *, limit_bytes: int = store.LIMIT_BYTES) -> Generator:
    """Read a saved model of any generator."""
    return Generator.load(path, limit_bytes=limit_bytes)


def loaded(path: str) -> Generator:
    """The model of a file, read once by each process that makes its blocks; another file there is read anew."""
    facts = Path(path).stat()
    key = (path, facts.st_mtime_ns, facts.st_size)
    if key not in _LOADED:
        _LOADED.clear()
        _LOADED[key] = load(path)
    return _LOADED[key]


_LOADED: dict[tuple[str, int, int], Generator] = {}  # the one model of this process


def _modality(name: str) -> str:
    try:
        found: str = registry.find("generators", name).ability.modality
    except (Unsupported, ImportError):
        return ""
    return found


def _a(given: Any) -> str:
    return "nothing" if given is None else f"a {type(given).__name__}"


def _block_in_worker(path: str, index: int, units: int, where: str | None, seed: int) -> dict[str, Any]:
    return dict(loaded(path).sample_block(index, where=where, seed=seed, units=units).tables)
