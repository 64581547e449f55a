"""Options that several verbs share, with their help."""

from __future__ import annotations

from typing import Annotated

import typer


def _version(wanted: bool) -> None:
    if wanted:
        from synthwright import __version__

        print(f"synthwright {__version__}")
        raise typer.Exit


Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for programs.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same bytes.")]
Set = Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="An option; may be given several times.")]
Target = Annotated[str, typer.Option("--target", metavar="COLUMN", help="Column that a model should predict.")]
SchemaFile = Annotated[str, typer.Option("--schema", metavar="FILE", help="Schema file; inferred when absent.")]
Where = Annotated[
    str, typer.Option("--where", metavar="CONDITION", help="Make only such rows: \"age >= 65 and sex == 'F'\".")
]
Workers = Annotated[
    str,
    typer.Option("--workers", metavar="N|ray[:N]", help="Processes, or a local Ray cluster; never changes a byte."),
]
Data = Annotated[
    str,
    typer.Argument(metavar="DATA", help="CSV, JSONL, Parquet, Arrow (compressed too), image folder, database URL."),
]
Modality = Annotated[
    str, typer.Option("--modality", metavar="KIND", help="auto, table, series, images or text; auto looks at DATA.")
]
Entity = Annotated[str, typer.Option("--entity", metavar="COLUMN", help="Series: tells one from another.")]
Order = Annotated[str, typer.Option("--order", metavar="COLUMN", help="Series: moments or places within one.")]
ImageSize = Annotated[
    str,
    typer.Option("--image-size", metavar="SIDE|HxW", help="Images: resize to this height and width, in pixels."),
]
Delimiter = Annotated[
    str,
    typer.Option("--delimiter", metavar="MARK", help="CSV: between cells, such as `;` or tab; else as in the data."),
]
Decimal = Annotated[
    str, typer.Option("--decimal", metavar="MARK", help="CSV: decimal mark, `.` or `,`; else as in the data.")
]
Encoding = Annotated[
    str,
    typer.Option(
        "--encoding", metavar="NAME", help="CSV: such as cp1252; else UTF-8, with the data's byte order mark."
    ),
]
Reports = Annotated[
    list[str], typer.Option("--out", metavar="FILE", help="Report to write: .html .json .md .txt; repeatable.")
]
