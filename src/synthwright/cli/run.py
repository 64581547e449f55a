"""Bodies of the verbs about runs: run, report, card, demo."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthwright.cli.console import Output, table
from synthwright.core.config import parse_assignments
from synthwright.core.errors import ConfigError, FormatError
from synthwright.core.store import write_text

if TYPE_CHECKING:
    from synthwright.evaluate.metric import Report
    from synthwright.run.recipe import Recipe
    from synthwright.run.runner import RunResult


@dataclass(frozen=True)
class RunOptions:
    """What `run` was asked for beside the source; empty means the recipe's own."""

    out: str = ""
    rows: int = 0
    target: str = ""
    generator: str = ""
    where: str = ""
    form: Mapping[str, Any] = field(default_factory=dict)  # modality, entity, order, image_size
    seed: int = -1
    set_: Sequence[str] = ()

    def changes(self) -> dict[str, Any]:
        """The options as a part of a recipe; `--set` wins over the others."""
        from synthwright.run.recipe import merge

        found: dict[str, Any] = {}
        for value, path in (
            (self.out, "out"),
            (self.rows, "sample.rows"),
            (self.target, "data.target"),
            (self.generator, "generator.use"),
            (self.where, "sample.where"),
            *((value, f"data.{name}") for name, value in self.form.items()),
        ):
            if value:
                found = merge(found, _nested(path, value))
        if self.seed >= 0:
            for path, add in (("data.split.seed", 0), ("generator.seed", 0), ("sample.seed", 1), ("evaluate.seed", 0)):
                found = merge(found, _nested(path, self.seed + add))
        return merge(found, parse_assignments(self.set_))


def _nested(path: str, value: object) -> dict[str, Any]:
    head, dot, rest = path.partition(".")
    return {head: _nested(rest, value) if dot else value}


def run(source: str, options: RunOptions, *, workers: str, resume: bool, output: Output) -> None:
    """Execute a recipe, a table or an earlier run."""
    from synthwright.run.runner import run as execute

    recipe = _recipe(source, options)
    with output.work() as (sink, stop):
        result = execute(recipe, resume=resume, workers=workers, callbacks=[sink], stop=stop)
    _print_result(result, output)


def _recipe(source: str, options: RunOptions) -> Recipe:
    from synthwright.io.modalities import holds_images
    from synthwright.run.folder import LOCK_FILE
    from synthwright.run.recipe import Recipe, merge
    from synthwright.run.runner import load_recipe

    changes = options.changes()
    path = Path(source)
    if path.is_dir() and ((path / LOCK_FILE).is_file() or not holds_images(path)):
        return _changed(load_recipe(path), changes)
    if path.suffix.lower() in (".yaml", ".yml"):
        out = changes.pop("out", None)  # a path on the command line is seen from here, not from the recipe's folder
        recipe = Recipe.load(path, changes=changes)
        return recipe.model_copy(update={"out": out}) if out else recipe
    return Recipe.from_mapping(merge({"data": {"read": source}}, changes), where="command line")


def _changed(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    from synthwright.run.recipe import Recipe, merge

    return Recipe.from_mapping(merge(recipe.to_mapping(), changes), where="command line") if changes else recipe


def _print_result(result: RunResult, output: Output) -> None:
    from synthwright.report.build import show

    document = {
        "folder": str(result.folder),
        "verdict": result.report.verdict,
        "axes": {axis: result.report.verdict_of(axis) for axis in _axes(result.report)},
        "ledger": result.ledger.to_json(),
        "synthetic": str(result.synthetic),
        "report": str(result.page),
        "seconds": dict(result.seconds),
    }
    if not output.json and not output.quiet:
        show(result.report)
    made = f"{result.ledger.made:,} of {result.ledger.requested:,} rows: {result.synthetic}"
    output.emit(document, f"\n{made}\nReport: {result.page}")


def _axes(report: Report) -> list[Any]:
    return list(dict.fromkeys(score.axis for score in report.scores))


def load_report(path: str) -> Report:
    """The report of a run folder, or of a report.json. Raises FormatError."""
    from synthwright.report.build import from_json

    file = Path(path) / "report.json" if Path(path).is_dir() else Path(path)
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise FormatError(
            f"There is no report to read: {error.strerror}.",
            where=str(file),
            fix="name a finished run, or go on with: synthwright run RUN --resume",
        ) from error
    except UnicodeDecodeError as error:
        raise FormatError("The report is not UTF-8 text.", where=str(file), fix="name a report.json") from error
    return from_json(text, where=str(file))


def report(runs: Sequence[str], *, out: Sequence[str], output: Output) -> None:
    """Show and rebuild one report, or compare two."""
    if len(runs) > 2:
        raise ConfigError(
            f"{len(runs)} runs were given; one is shown, two are compared.", where="report", fix="name one or two"
        )
    if len(runs) == 2:
        _compare(runs[0], runs[1], out, output)
        return
    found = load_report(runs[0])
    folder = Path(runs[0])
    targets = list(out) or ([str(folder / "report.html"), str(folder / "card.md")] if folder.is_dir() else [])
    for path in targets:
        found.save(path)
    from synthwright.report.build import show, to_json

    if not output.json and not output.quiet:
        show(found)
    output.emit(
        {"report": json.loads(to_json(found)), "written": targets}, "".join(f"\nReport: {path}" for path in targets)
    )


def _compare(first: str, second: str, out: Sequence[str], output: Output) -> None:
    from synthwright.report.compare import compare

    if out:
        raise ConfigError(
            "A comparison is printed, not written.", where="--out", fix="use --json and redirect it to a file"
        )
    found = compare(load_report(first), load_report(second))
    head = ("test", "first", "second", "change")
    rows = [(row.id, row.first, row.second, row.change) for row in found]
    document = {"first": first, "second": second, "scores": [row.to_json() for row in found]}
    output.emit(document, lambda: f"first: {first}\nsecond: {second}\n\n{table(head, rows)}")


def card(run_folder: str, *, out: str, output: Output) -> None:
    """Write the data card."""
    from synthwright.report.build import to_markdown

    text = to_markdown(load_report(run_folder))
    if out == "-":
        output.emit({"card": text}, text.rstrip("\n"))
        return
    write_text(out, text)
    output.emit({"written": out}, f"Card: {out}")


def demo(out: str, *, rows: int, seed: int, output: Output) -> None:
    """Write a real table, run the main job on it, and say where to look."""
    from synthwright.io.dispatch import write
    from synthwright.run.runner import run as execute
    from synthwright.scenarios.healthcare import diabetes_patients

    folder = Path(out)
    source = folder / "diabetes.csv"
    if folder.exists() and not (source.is_file() or (folder.is_dir() and not any(folder.iterdir()))):
        raise ConfigError("The folder is not empty and holds no demo.", where=out, fix="name another one with --out")
    table_ = diabetes_patients()
    write(table_, str(source))
    if not output.json and not output.quiet:
        print(
            _INTRODUCTION.format(
                real=len(table_),
                rows=rows,
                source=source,
                command=f"synthwright run {source} --rows {rows} --target progression --out {folder / 'run'}",
            )
        )
    recipe = {
        "data": {"read": str(source), "target": "progression", "split": {"seed": seed}},
        "generator": {"seed": seed},
        "sample": {"rows": rows, "seed": seed + 1},
        "evaluate": {"seed": seed},
        "out": str(folder / "run"),
    }
    with output.work() as (sink, stop):
        result = execute(recipe, resume=True, callbacks=[sink], stop=stop)
    if not output.json and not output.quiet:
        print(_side_by_side(str(source), str(result.synthetic)))
    _print_result(result, output)


_INTRODUCTION = """\
{real:,} real diabetes patients (Efron et al. 2004, shipped with scikit-learn) are in {source}.
Now: learn from 60% of them, make {rows:,} synthetic patients, and judge those against the rest. The same by hand:
  {command}
"""


def _side_by_side(real: str, synthetic: str) -> str:
    from synthwright.io.dispatch import read

    parts = []
    for title, path in (("Real rows", real), ("Synthetic rows", synthetic)):
        shown = read(path).arrow.slice(0, 3)
        cells = [["" if value is None else str(value) for value in row.values()] for row in shown.to_pylist()]
        parts.append(f"{title}:\n{table(shown.column_names, cells, wrap=200)}\n")
    return "\n".join(parts)
