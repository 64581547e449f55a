"""Bodies of the verbs about models: fit, sample, evaluate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthwright.cli.console import Output
from synthwright.cli.forms import csv_target
from synthwright.core import registry
from synthwright.core.config import parse_assignments
from synthwright.core.errors import ConfigError
from synthwright.core.store import check_place

if TYPE_CHECKING:
    from synthwright.data.dataset import Dataset
    from synthwright.evaluate.metric import Report
    from synthwright.run.recipe import Recipe

GATE_CLOSED = 1


@dataclass(frozen=True)
class FitOptions:
    """What `fit` was asked for."""

    out: str
    generator: str
    set_: Sequence[str]
    target: str = ""
    schema: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def recipe(self, source: str, chosen: Mapping[str, Any]) -> Recipe:
        """The same wishes as a recipe whose result is the model; chosen: the method's own options."""
        from synthwright.run.recipe import Recipe

        given = {"target": self.target, "schema": self.schema, **self.form}
        document = {
            "data": {"read": source, **{key: value for key, value in given.items() if value}},
            "generator": {**chosen, "use": self.generator, "seed": self.seed},
            "out": self.out,
        }
        return Recipe.from_mapping(document, where="command line")


@dataclass(frozen=True)
class SampleOptions:
    """What `sample` was asked for."""

    rows: int
    out: str
    where: str = ""
    seed: int = 0
    workers: str = "1"
    csv: Mapping[str, str] = field(default_factory=dict)  # what was asked of the text: delimiter, decimal, encoding


@dataclass(frozen=True)
class Parts:
    """The files that `evaluate` compares."""

    synthetic: str
    train: str
    holdout: str = ""
    test: str = ""


@dataclass(frozen=True)
class EvaluateOptions:
    """What `evaluate` was asked for."""

    out: Sequence[str]
    metrics: Sequence[str]
    target: str = ""
    schema: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    gate: bool = False
    strict: bool = False


def fit(source: str, options: FitOptions, output: Output) -> None:
    """Learn from a file and save the model; a stopped fit goes on where it was, if the method can."""
    from synthwright.generators.base import Generator
    from synthwright.run.fitting import fit_to
    from synthwright.run.runner import read_data

    chosen = parse_assignments(options.set_)
    Generator.create(options.generator, **chosen).check_packages()  # before minutes of reading, not after
    check_place(options.out)
    recipe = options.recipe(source, chosen)
    data = read_data(recipe)
    earlier: list[Path] = []

    def going_on(folder: Path) -> None:
        earlier.append(folder)
        output.say(f"Going on with the stopped fit in {folder}.")

    with output.work() as (sink, stop):
        model = fit_to(recipe, data, callbacks=[sink], stop=stop, going_on=going_on)
    lines = [f"Wrote {options.out} ({model.fit_seconds:.1f} s to fit).", "", model.describe()]
    document = {
        "model": options.out,
        "seconds": round(model.fit_seconds, 3),
        "resumed": bool(earlier),
        "describe": model.describe(),
    }
    output.emit(document, "\n".join(lines))


def sample(path: str, options: SampleOptions, output: Output) -> None:
    """Make rows from a saved model and write them."""
    from synthwright.generators.base import Generator
    from synthwright.io.dispatch import write_parts

    target = csv_target(options.out, options.csv)
    model = Generator.load(path)
    with output.work() as (sink, stop):
        made = model.sample_parts(
            options.rows,
            where=options.where or None,
            seed=options.seed,
            callbacks=[sink],
            workers=options.workers,
            stop=stop,
        )
        written = str(write_parts(made, target))
    if written != "-":
        output.emit({"rows": options.rows, "written": written}, f"{options.rows:,} rows written to {written}")


def evaluate(parts: Parts, options: EvaluateOptions, output: Output) -> None:
    """Judge files, write reports, and close the gate when asked to."""
    import typer

    _check_outputs(options.out)
    report = _judged(parts, options, output)
    for path in options.out:
        report.save(path)
    closed = gate_reasons(report, strict=options.strict) if options.gate else []
    _print(report, options.out, closed, output)
    if closed:
        raise typer.Exit(GATE_CLOSED)


def _check_outputs(paths: Sequence[str]) -> None:
    """Refuse a report format nobody knows before minutes of work, not after."""
    for path in paths:
        if not path.endswith(tuple(registry.RENDERERS)):
            raise ConfigError(
                f"Cannot write a report as {path!r}.",
                where="--out",
                fix=f"end the name in one of: {', '.join(registry.RENDERERS)}",
            )


def _judged(parts: Parts, options: EvaluateOptions, output: Output) -> Report:
    from synthwright.evaluate.runner import evaluate as judge
    from synthwright.io.dispatch import read

    train = None
    if parts.train:
        train = read(parts.train, schema=options.schema or None, target=options.target or None, **options.form)
    synthetic = _read_like(train, parts.synthetic, options)
    named = (("holdout", parts.holdout), ("test", parts.test))
    others = {name: _read_like(train, path, options) if path else None for name, path in named}
    with output.work() as (sink, stop):
        return judge(
            synthetic,
            train=train,
            holdout=others["holdout"],
            test=others["test"],
            metrics=tuple(options.metrics) or None,
            seed=options.seed,
            callbacks=[sink],
            stop=stop,
        )


def _read_like(train: Dataset | None, path: str, options: EvaluateOptions) -> Any:
    """Read a file with the training data's types and formats, so that a short file's dates are not guessed anew.

    A file with other columns is read as it is; the evaluation then says which columns it did not judge.
    """
    from synthwright.evaluate.inputs import without_limits
    from synthwright.io.dispatch import read, scan

    if train is None or train.modality != "table":
        return read(path, schema=options.schema or None, **options.form)
    names = train.schema.names
    if Path(path).is_file() and tuple(next(iter(scan(path, batch_rows=100))).schema.names) == names:
        return read(path, schema=without_limits(train.schema))
    return read(path)


def _print(report: Report, written: Sequence[str], closed: Sequence[str], output: Output) -> None:
    from synthwright.report.build import show, to_json

    document = {"report": json.loads(to_json(report)), "gate": {"closed_by": list(closed)}, "written": list(written)}
    if output.json:
        output.emit(document, "")
        return
    if output.quiet:
        return
    show(report)
    for path in written:
        print(f"\nReport: {path}")
    if closed:
        print("\nThe gate is closed:\n" + "\n".join(f"- {reason}" for reason in closed))


def gate_reasons(report: Report, *, strict: bool) -> list[str]:
    """Why a gate closes: failed and broken tests; when strict, warnings and what was not assessed too."""
    from synthwright.report import words

    bad = {"fail", "error"} | ({"warn", "not assessed"} if strict else set())
    found = [f"{score.id}: {score.verdict}: {score.plain}" for score in report.scores if score.verdict in bad]
    if strict:
        bare = [axis for axis in words.MAIN_AXES if not any(score.axis == axis for score in report.scores)]
        found += [f"{axis}: not assessed" for axis in bare]
    return found or ([] if report.scores else ["nothing was measured"])
