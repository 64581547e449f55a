"""Execute a recipe into a run folder: read, split, fit, sample in blocks, evaluate, report; resume at any point."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from synthwright.core.context import Context, Note, Stop
from synthwright.core.errors import Cancelled, ConfigError, FormatError, SynthwrightError, WriteError
from synthwright.core.pool import Workers
from synthwright.core.progress import Event, JsonLines, Sink
from synthwright.core.seeds import named_rng, named_sequence
from synthwright.core.store import write_text
from synthwright.data.conditions import parse_condition
from synthwright.data.dataset import Dataset
from synthwright.data.split import PARTS, split
from synthwright.evaluate.metric import Report
from synthwright.generators.base import Generator
from synthwright.generators.defaults import method_for
from synthwright.run.blocks import Blocks
from synthwright.run.fitting import checkpoint_in
from synthwright.run.folder import (
    LOCK_FILE,
    Ledger,
    Lock,
    check_free,
    enter,
    facts_of,
    held,
    resume_command,
    sweep,
    versions,
    write_ledger,
)
from synthwright.run.recipe import Recipe, to_yaml
from synthwright.run.workers import make_blocks

MOST_JUDGED = 100_000  # units of a sample that are judged; more would not change a verdict
_FEW_SERIES, _UNITS_MADE = 20, 1000


@dataclass(frozen=True)
class RunResult:
    """A finished run: its folder, the judgement, and where the requested rows are."""

    folder: Path
    report: Report
    ledger: Ledger
    synthetic: Path
    seconds: Mapping[str, float]  # by stage, of this attempt

    @property
    def page(self) -> Path:
        """The report as a web page."""
        return self.folder / "report.html"


def run(
    recipe: Recipe | Mapping[str, Any] | str | Path,
    *,
    resume: bool = False,
    workers: int | str | None = None,
    callbacks: Sequence[Callable[[Event], None]] = (),
    stop: Stop | None = None,
) -> RunResult:
    """Execute a recipe (an object, a mapping, a YAML file, or the folder of an earlier run).

    workers: a number of processes, "ray" or "ray:N". Equal recipe, data and versions give equal bytes for any
    workers and any number of interruptions. Memory does not grow with the rows asked for.
    Raises ConfigError when the folder holds something else, Cancelled when stopped (finished parts are kept), and
    what reading, fitting, sampling and evaluating raise.
    """
    wanted, crew = load_recipe(recipe), Workers.of(workers)
    method = Generator.create(wanted.generator.use, **wanted.generator.options)
    method.check_packages()
    folder = Path(wanted.out)
    check_free(folder)
    data = read_data(wanted) if _learns(method, wanted) else None
    method, _ = method_for(data, wanted.generator.use, **wanted.generator.options)
    method.check_packages()
    _check_wishes(wanted, method, data)
    filled = wanted.sample.model_copy(update={"rows": wanted.sample.rows or _usual_size(data)})
    wanted = wanted.model_copy(update={"sample": filled})
    facts = facts_of(data)
    lock = Lock(wanted, facts, versions())
    _check_form(lock, method, folder)
    with held(folder):
        enter(folder, lock, resume=resume)
        sweep(folder)
        with events_file(folder / "events.jsonl") as sink:
            return Job(folder, lock, data, crew, (sink, *callbacks), stop or Stop()).execute()


def _learns(method: Generator, recipe: Recipe) -> bool:
    """Whether the method learns from data. Raises ConfigError when the recipe says otherwise."""
    if method.ability.learns and recipe.data.read is None:
        raise ConfigError("No data are named.", where="data.read", fix="name a file, a folder or a database")
    if not method.ability.learns and recipe.data.read is not None:
        raise ConfigError(
            f"{method.name!r} makes its data from its options and reads none.", where="data.read", fix="leave it out"
        )
    return method.ability.learns


def _usual_size(data: Dataset | None) -> int:
    """Units that are made when the recipe does not say: as many as there are; a thousand if these are few series."""
    if data is None or (data.modality == "series" and len(data) < _FEW_SERIES):
        return _UNITS_MADE
    return len(data)


def _check_wishes(recipe: Recipe, method: Generator, data: Dataset | None) -> None:
    """Find a wrong condition or metric now, not after the fit."""
    from synthwright.evaluate.runner import chosen_metrics

    schema = method.blank_schema() if data is None else data.schema
    if recipe.sample.where is not None:
        parse_condition(recipe.sample.where, schema)
    metrics = recipe.evaluate.metrics
    if not metrics:
        raise ConfigError(
            "No metric is named.", where="evaluate.metrics", fix="write `all`, or names from: synthwright metrics"
        )
    if metrics != "all":
        chosen_metrics(schema.modality, metrics)


def _check_form(lock: Lock, method: Generator, folder: Path) -> None:
    from synthwright.io.files import File
    from synthwright.io.modalities import check_form

    check_form(method.ability.modality, File(path=folder / f"synthetic{lock.suffix}"))


def load_recipe(recipe: Recipe | Mapping[str, Any] | str | Path) -> Recipe:
    """A recipe from whatever names one. Raises ConfigError."""
    if isinstance(recipe, Recipe):
        return recipe
    if isinstance(recipe, Mapping):
        return Recipe.from_mapping(recipe)
    path = Path(recipe)
    if path.is_dir():
        if not (path / LOCK_FILE).is_file():
            raise ConfigError(
                f"The folder holds no run: {LOCK_FILE} is missing.", where=str(path), fix="name a recipe file"
            )
        return Lock.load(path / LOCK_FILE).recipe.model_copy(update={"out": str(path)})
    return Recipe.load(path)


def read_data(recipe: Recipe) -> Dataset:
    """The real data with the roles that the recipe names. Raises ReadError, SchemaError, DataError."""
    from synthwright.io.dispatch import read

    section = recipe.data
    data: Dataset = read(
        section.read,
        schema=section.schema_file,
        target=section.target,
        modality=section.modality,
        entity=section.entity,
        order=section.order,
        static=section.static,
        image_size=section.image_size,
    )
    roles = {recipe.data.split.group: "group", recipe.data.split.order: "order"}
    changes = {name: {"role": role} for name, role in roles.items() if name is not None}
    if not changes:
        return data
    return data.replace({}, data.schema.edit(changes))


@contextmanager
def events_file(path: Path) -> Iterator[JsonLines]:
    """A sink that appends to `events.jsonl`, on a new line also after a kill in mid-line. Raises WriteError."""
    try:
        torn = path.is_file() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
        stream = path.open("a", encoding="utf-8", newline="\n")
    except OSError as error:
        raise WriteError(f"Cannot write: {error.strerror}.", where=str(path), fix="check the permissions") from error
    sink = JsonLines(stream)
    try:
        if torn:
            stream.write("\n")
        yield sink
    finally:
        sink.close()


@dataclass
class Job:
    """One run in progress. Every stage writes its result in one step and is skipped when the result is there."""

    folder: Path
    lock: Lock
    data: Dataset | None  # None when the method learns from none
    workers: Workers
    sinks: Sequence[Sink]
    stop: Stop
    seconds: dict[str, float] = field(default_factory=dict)
    ledger: Ledger = field(init=False)
    earlier: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self.recipe = self.lock.recipe
        self.ledger = Ledger(cast(int, self.recipe.sample.rows))
        self.earlier = _earlier_seconds(self.folder / "run.json")

    def execute(self) -> RunResult:
        """All stages in order; the ledger is written however it ends."""
        try:
            report, synthetic = self._stages()
        except BaseException as error:
            state = "stopped" if isinstance(error, Cancelled | KeyboardInterrupt) else "failed"
            with suppress(WriteError):  # a full disk must not hide what went wrong
                self._write_ledger(state, error=f"{type(error).__name__}: {error}")
            if isinstance(error, Cancelled):
                raise Cancelled(error.what, where=str(self.folder), fix=resume_command(self.folder)) from error
            raise
        self._write_ledger("finished", verdict=report.verdict)
        return RunResult(self.folder, report, self.ledger, synthetic, self.seconds)

    def _stages(self) -> tuple[Report, Path]:
        self._write_ledger("running")
        parts: dict[str, Dataset] = {}
        if self.data is not None:
            section = self.recipe.data.split
            parts = dict(zip(PARTS, split(self.data, fractions=section.fractions, seed=section.seed), strict=True))
        model = self._timed("fit", lambda: self._model(parts.get("train")))
        if not (self.folder / "schema.json").is_file():
            (model.schema if self.data is None else self.data.schema).save(self.folder / "schema.json")
        blocks = self._timed("sample", lambda: self._sample(model))
        path = self.folder / f"synthetic{self.lock.suffix}"
        if not path.exists():
            self._timed("write", lambda: self._write_data(blocks.parts(model.schema), path))
        report = self._timed("evaluate", lambda: self._report(model, blocks, parts))
        for name in ("report.html", "card.md"):
            if not (self.folder / name).is_file():
                report.save(self.folder / name)
        return report, path

    def _timed(self, stage: str, work: Callable[[], Any]) -> Any:
        ctx = self._context(stage)
        ctx.step(0, 1, stage)
        result = work()
        self.seconds[stage] = round(ctx.seconds, 3)
        ctx.step(1, 1, stage)
        return result

    def _context(self, stage: str) -> Context:
        return Context.on(named_sequence(0, stage), sinks=tuple(self.sinks), stop=self.stop)

    def _model(self, train: Dataset | None) -> Generator:
        path = self.folder / "model.synth"
        if not path.is_file():
            section = self.recipe.generator
            fresh, notes = method_for(train, section.use, **section.options)
            train = train.noted(*notes) if train is not None else None
            with checkpoint_in(self.folder, fresh) as checkpoint:
                fresh.fit(train, seed=section.seed, callbacks=self.sinks, stop=self.stop, resume_from=checkpoint)
                fresh.save(path)
        try:
            return Generator.load(path)  # also after a fresh fit, so that a resumed run goes the same way
        except FormatError as error:
            raise FormatError(
                error.what, where=error.where or str(path), fix=f"delete it, then: {resume_command(self.folder)}"
            ) from error

    def _sample(self, model: Generator) -> Blocks:
        sample = self.recipe.sample
        blocks = Blocks(self.folder / "blocks", self.ledger.requested, model.ability.block)
        model.check_capacity(blocks.rows)
        missing = blocks.missing()
        self.ledger = replace(self.ledger, made=blocks.made())
        made = make_blocks(
            self.folder / "model.synth",
            blocks,
            where=sample.where,
            seed=sample.seed,
            workers=self.workers,
            surroundings=(self.sinks, self.stop),
        )
        waiting = list(missing)
        try:
            for index in made:
                waiting.remove(index)
                self.ledger = replace(self.ledger, made=self.ledger.made + blocks.units(index))
        except Cancelled:
            raise
        except SynthwrightError:
            self.ledger = replace(self.ledger, failed=blocks.units(waiting[0]) if waiting else 0)
            raise
        return blocks

    def _write_data(self, synthetic: Iterable[Dataset], path: Path) -> None:
        from synthwright.io.dispatch import write_parts

        write_parts(synthetic, path)

    def _report(self, model: Generator, blocks: Blocks, parts: Mapping[str, Dataset]) -> Report:
        from synthwright.report.build import from_json, to_json

        path = self.folder / "report.json"
        if not path.is_file():
            write_text(path, to_json(self._judged(model, blocks, parts)))
        return from_json(path.read_text(encoding="utf-8"), where=str(path))

    def _judged(self, model: Generator, blocks: Blocks, parts: Mapping[str, Dataset]) -> Report:
        from synthwright.evaluate.runner import evaluate

        section = self.recipe.evaluate
        drawn = []
        if blocks.rows > MOST_JUDGED:
            what = f"judged by {MOST_JUDGED:,} units drawn at random from the {blocks.rows:,} that were made"
            drawn = [Note("E007", what, "evaluate")]
        wanted: Sequence[str] | None = None if section.metrics == "all" else section.metrics
        real, narrowed = _within(self.recipe.sample.where, parts)
        if parts and "train" not in real:
            real, wanted = parts, []  # no real unit to compare with: nothing can be judged
        report = evaluate(
            blocks.drawn(model.schema, MOST_JUDGED, named_rng(section.seed, "judged units")),
            train=real.get("train"),
            holdout=real.get("holdout"),
            test=real.get("test"),
            metrics=wanted,
            seed=section.seed,
            model=model,
            callbacks=self.sinks,
            stop=self.stop,
        )
        read = [*self.data.notes, *parts["train"].notes] if self.data is not None else []
        notes = _once([*read, *model.notes, *drawn, *narrowed, *report.notes])
        settings = {**report.settings, "recipe": portable(self.recipe)}
        return replace(report, notes=notes, settings=settings)

    def _write_ledger(self, state: str, **facts: object) -> None:
        stages = [*self.earlier, *(stage for stage in self.seconds if stage not in self.earlier)]
        spent = {stage: round(self.earlier.get(stage, 0.0) + self.seconds.get(stage, 0.0), 3) for stage in stages}
        more = {"state": state, "lock": self.lock.hash, "workers": str(self.workers), "seconds": spent, **facts}
        write_ledger(self.folder, self.ledger, more)


def portable(recipe: Recipe) -> str:
    """The recipe as text for others to repeat: file names without the folders they lie in, no run folder."""
    document = recipe.to_mapping()
    del document["out"]
    for key in ("read", "schema"):
        if document["data"][key] and "://" not in document["data"][key]:
            document["data"][key] = Path(document["data"][key]).name
    if "://" in (document["data"]["read"] or ""):
        document["data"]["read"] = _without_login(document["data"]["read"])
    return to_yaml(document)


def _without_login(url: str) -> str:
    scheme, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}"


def _within(where: str | None, parts: Mapping[str, Dataset]) -> tuple[Mapping[str, Dataset], list[Note]]:
    """The real units that meet the condition of the sample, which is judged by them alone, and a note of how many.

    Parts of which no unit is left are left out.
    """
    if where is None or not parts:
        return parts, []
    condition = parse_condition(where, parts["train"].schema)
    kept = {name: part.select(np.flatnonzero(condition.mask(part))) for name, part in parts.items()}
    counts = ", ".join(f"{len(kept[name]):,} of {len(part):,} units in {name}" for name, part in parts.items())
    what = f"judged within the condition {condition.text}, which is met by {counts}"
    return {name: part for name, part in kept.items() if len(part)}, [Note("E008", what, "evaluate")]


def _once(notes: Sequence[Note]) -> tuple[Note, ...]:
    return tuple(dict.fromkeys(notes))


def _earlier_seconds(path: Path) -> dict[str, float]:
    """Stage times of earlier attempts, to which this one adds; a missing or damaged file has none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["seconds"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return dict(found) if isinstance(found, dict) else {}
