"""Verbs, options and help of the command line; the bodies are imported when a verb runs."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from synthwright.cli.options import (
    Data,
    Debug,
    Decimal,
    Delimiter,
    Encoding,
    Entity,
    ImageSize,
    Json,
    Modality,
    Order,
    Quiet,
    Reports,
    SchemaFile,
    Seed,
    Set,
    Target,
    Version,
    Where,
    Workers,
)
from synthwright.cli.text import text

EXIT_CODES = """\
Exit codes: 0 done; 1 --gate is closed (a test failed); 2 the request is wrong; 3 the data, a model or a recipe's
result is wrong; 4 the surroundings (a package, disk, permissions); 5 incomplete but resumable; 70 a bug in
synthwright; 130 interrupted."""

app = typer.Typer(
    name="synthwright",
    help="Synthetic data that can be trusted: learn from a real table, make a synthetic one, get an honest verdict.\n\n"
    "Start with:  synthwright demo\n\nThen:  synthwright run DATA.csv --rows 5000 --target COLUMN --out DIR",
    epilog=EXIT_CODES,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _top(version: Version = False) -> None:
    pass


@app.command()
def demo(
    out: Annotated[
        str, typer.Option("--out", metavar="DIR", help="Folder for the table and the run.")
    ] = "synthwright-demo",
    rows: Annotated[int, typer.Option("--rows", min=100, help="Synthetic rows to make.")] = 1000,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Take the tour of a minute.

    Real diabetes patients, a synthetic twin, and a report that says what it is worth.

    \b
    Example:
      synthwright demo
    """
    from synthwright.cli import run as body

    body.demo(out, rows=rows, seed=seed, output=_output(json, quiet))


@app.command()
def inspect(
    data: Data,
    write: Annotated[str, typer.Option("--write", metavar="FILE", help="Write the inferred schema to edit it.")] = "",
    target: Target = "",
    modality: Modality = "auto",
    entity: Entity = "",
    order: Order = "",
    image_size: ImageSize = "",
    preview: Annotated[int, typer.Option("--preview", min=0, help="Rows to show.")] = 5,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show what a table or another dataset holds.

    Kinds and roles with the evidence for each, gaps, problems, and the first rows.

    \b
    Examples:
      synthwright inspect patients.csv
      synthwright inspect patients.csv --write patients.schema.json
    """
    from synthwright.cli import data as body

    form = _form(modality, entity, order, image_size)
    body.inspect(data, form, write=write, target=target, preview=preview, output=_output(json, quiet))


@app.command()
def init(
    data: Data,
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Recipe to write.")] = "recipe.yaml",
    target: Target = "",
    rows: Annotated[int, typer.Option("--rows", min=0, help="Rows to make; 0 is as many as the data have.")] = 0,
    image_size: ImageSize = "",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a commented recipe for a table.

    \b
    Example:
      synthwright init patients.csv --target readmitted
      synthwright run recipe.yaml
    """
    from synthwright.cli import data as body

    form = _form("", "", "", image_size)
    body.init(data, form, out=out, target=target, rows=rows, output=_output(json, quiet))


@app.command()
def fit(
    data: Data,
    out: Annotated[str, typer.Option("--out", metavar="MODEL", help="Model to write: FILE.synth, or a folder.")],
    generator: Annotated[str, typer.Option("--generator", "-g", help="Method; see: synthwright generators.")] = "auto",
    set_: Set = [],  # noqa: B006 - typer wants a list, and nothing changes it
    target: Target = "",
    schema: SchemaFile = "",
    modality: Modality = "auto",
    entity: Entity = "",
    order: Order = "",
    image_size: ImageSize = "",
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Learn a model from a table or another dataset.

    It learns from all rows; `run` also keeps rows back to judge with. Stop a neural method at any time: the same
    command goes on with it.

    \b
    Examples:
      synthwright fit train.csv --out patients.synth
      synthwright fit train.csv --out patients.synth --generator cart --set bags=16
    """
    from synthwright.cli import model as body

    form = _form(modality, entity, order, image_size)
    options = body.FitOptions(out, generator, set_, target=target, schema=schema, form=form, seed=seed)
    body.fit(data, options, _output(json, quiet))


@app.command()
def sample(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model that `fit` or `run` wrote.")],
    rows: Annotated[int, typer.Option("--rows", "-n", min=1, help="Rows to make.")],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Where to; `-` prints JSON lines.")],
    where: Where = "",
    seed: Seed = 0,
    workers: Workers = "1",
    delimiter: Delimiter = "",
    decimal: Decimal = "",
    encoding: Encoding = "",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Make rows from a model.

    A CSV file is written like the one that the model learned from: its delimiter, decimal mark, date formats.

    \b
    Examples:
      synthwright sample patients.synth --rows 10000 --out synthetic.csv
      synthwright sample patients.synth -n 5 --out - --where "age >= 65"
    """
    from synthwright.cli import model as body

    csv = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding}
    options = body.SampleOptions(rows, out, where=where, seed=seed, workers=workers, csv=csv)
    body.sample(model, options, _output(json, quiet))


@app.command()
def evaluate(
    synthetic: Annotated[str, typer.Argument(metavar="SYNTHETIC", help="The table to judge.")],
    train: Annotated[
        str,
        typer.Option("--train", metavar="DATA", help="Real rows that it was learned from; only text may lack them."),
    ] = "",
    holdout: Annotated[
        str, typer.Option("--holdout", metavar="DATA", help="Real rows it never saw; needed for privacy.")
    ] = "",
    test: Annotated[
        str, typer.Option("--test", metavar="DATA", help="More real rows it never saw, for usefulness.")
    ] = "",
    target: Target = "",
    schema: SchemaFile = "",
    modality: Modality = "auto",
    entity: Entity = "",
    order: Order = "",
    image_size: ImageSize = "",
    metrics: Annotated[
        list[str], typer.Option("--metric", metavar="NAME", help="Only this metric or axis; repeatable.")
    ] = [],  # noqa: B006 - as in fit
    out: Reports = [],  # noqa: B006 - as in fit
    gate: Annotated[bool, typer.Option("--gate", help="Exit with 1 when a test failed or broke down.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --gate: also on a warning, or on something not assessed.")
    ] = False,
    seed: Seed = 0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Judge a synthetic table against the real one.

    \b
    Examples:
      synthwright evaluate synthetic.csv --train train.csv --holdout holdout.csv --out report.html
      synthwright evaluate synthetic.csv --train train.csv --holdout holdout.csv --target y --gate
    """
    from synthwright.cli import model as body

    parts = body.Parts(synthetic, train, holdout, test)
    form = _form(modality, entity, order, image_size)
    options = body.EvaluateOptions(
        tuple(out), tuple(metrics), target=target, schema=schema, form=form, seed=seed, gate=gate, strict=strict
    )
    body.evaluate(parts, options, _output(json, quiet))


@app.command()
def run(
    source: Annotated[
        str, typer.Argument(metavar="RECIPE.yaml|DATA|RUN", help="A recipe, a table, or the folder of a run.")
    ],
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Run folder.")] = "",
    rows: Annotated[int, typer.Option("--rows", "-n", min=0, help="Rows to make; 0 is as many as the data have.")] = 0,
    target: Target = "",
    generator: Annotated[str, typer.Option("--generator", "-g", help="Method; see: synthwright generators.")] = "",
    where: Where = "",
    set_: Set = [],  # noqa: B006 - as in fit
    modality: Modality = "",
    entity: Entity = "",
    order: Order = "",
    image_size: ImageSize = "",
    seed: Annotated[
        int, typer.Option("--seed", min=-1, help="Seed of split, fit, sample and evaluation; -1 keeps the recipe's.")
    ] = -1,
    workers: Workers = "1",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the folder.")] = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Do the whole job into a folder.

    Split, learn, make, judge, report. Stop it at any time and go on with --resume.

    \b
    Examples:
      synthwright run patients.csv --rows 5000 --target readmitted --out runs/patients
      synthwright run recipe.yaml --set sample.rows=100 --set generator.use=cart
      synthwright run runs/patients --resume
    """
    from synthwright.cli import run as body

    form = _form(modality, entity, order, image_size)
    options = body.RunOptions(
        out, rows, target=target, generator=generator, where=where, form=form, seed=seed, set_=tuple(set_)
    )
    body.run(source, options, workers=workers, resume=resume, output=_output(json, quiet))


@app.command()
def report(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN [OTHER]", help="Run folder or report.json; two are compared.")
    ],
    out: Reports = [],  # noqa: B006 - as in fit
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show a run's report, or compare two.

    One run: its report.html and card.md are built again from report.json.

    \b
    Examples:
      synthwright report runs/a
      synthwright report runs/a runs/b
    """
    from synthwright.cli import run as body

    body.report(runs, out=out, output=_output(json, quiet))


@app.command()
def generators(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Show one method and its options.")] = "",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List the methods, or show one.

    One method: its abilities, options with bounds and defaults, source, and an example.

    \b
    Examples:
      synthwright generators
      synthwright generators cart
    """
    from synthwright.cli import catalogue as body

    body.generators(name, _output(json, quiet))


@app.command()
def metrics(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="Show one metric.")] = "",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """List what is measured, or show one metric.

    One metric: its question, definition and source.

    \b
    Examples:
      synthwright metrics
      synthwright metrics pairs
    """
    from synthwright.cli import catalogue as body

    body.metrics(name, _output(json, quiet))


@app.command()
def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="Any readable table.")],
    to: Annotated[str, typer.Argument(metavar="OUT", help="Any writable one; the suffix decides the format.")],
    schema: SchemaFile = "",
    image_size: ImageSize = "",
    delimiter: Delimiter = "",
    decimal: Decimal = "",
    encoding: Encoding = "",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Copy a table or images into another format.

    \b
    Examples:
      synthwright convert patients.csv patients.parquet
      synthwright convert german.csv plain.csv --delimiter , --decimal .
      synthwright convert sqlite:///clinic.db::patients patients.csv.gz
    """
    from synthwright.cli import data as body

    csv = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding}
    body.convert(source, to, csv, form=_form("", "", "", image_size), schema=schema, output=_output(json, quiet))


@app.command()
def card(
    run_folder: Annotated[str, typer.Argument(metavar="RUN", help="Run folder or report.json.")],
    out: Annotated[str, typer.Option("--out", metavar="FILE", help="Markdown file; printed when absent.")] = "-",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write the data card of a run.

    Markdown with verdicts, numbers, notes, versions and the recipe.

    \b
    Example:
      synthwright card runs/patients --out CARD.md
    """
    from synthwright.cli import run as body

    body.card(run_folder, out=out, output=_output(json, quiet))


app.add_typer(text, name="text")


@app.command()
def doctor(json: Json = False, quiet: Quiet = False, debug: Debug = False) -> None:
    """Check what is installed and what is missing.

    Python, packages, extras, threads, disk; one fix for each finding.

    \b
    Example:
      synthwright doctor
    """
    from synthwright.cli import doctor as body

    body.doctor(_output(json, quiet))


def _form(modality: str, entity: str, order: str, size: str) -> dict[str, Any]:
    """What the user said about a source, as arguments of `read`."""
    from synthwright.cli.forms import image_size

    said = {"modality": modality, "entity": entity, "order": order, "image_size": image_size(size)}
    return {name: value for name, value in said.items() if value}


def _output(json: bool, quiet: bool):  # type: ignore[no-untyped-def]  # noqa: ANN202 - console.Output is imported when a verb runs
    from synthwright.cli.console import Output

    return Output(json, quiet)


def main() -> None:
    """Entry point of the console script: run a verb, print errors as what, where, fix, and set the exit code."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - the top of the command line turns every error into an exit code
        from synthwright.cli.console import explain

        sys.exit(explain(error, json="--json" in sys.argv, debug="--debug" in sys.argv))


if __name__ == "__main__":
    main()
