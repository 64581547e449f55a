"""Report -> one self-contained HTML file, JSON, a Markdown card, or a console table.

The same report gives the same bytes: no dates, no durations (those are in the run's `run.json` and `events.jsonl`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthwright.core.context import Note
from synthwright.core.errors import FormatError
from synthwright.evaluate.metric import AXES, Axis, Report, Score
from synthwright.report import words
from synthwright.report.charts import number, reference_bar
from synthwright.report.figures import columns, overviews

if TYPE_CHECKING:
    from jinja2 import Environment
    from rich.table import Table as RichTable

SCHEMA_ID = "synthwright.report/1"
_FOLDER = Path(__file__).parent
_CONSOLE_WIDTH = 110  # of a plain-text report; a terminal uses its own width


# -- JSON


def to_json(report: Report) -> str:
    """The report as JSON text with sorted keys; its form is published in `report.schema.json`."""
    document = {
        "schema": SCHEMA_ID,
        "verdict": report.verdict,
        "headline": words.headline(report),
        "axes": {axis: report.verdict_of(axis) for axis in AXES},
        "reasons": [score.plain for score in words.reasons(report)],
        "not_assessed": [asdict(one) for one in words.not_assessed(report)],
        "scores": [_score_document(score) for score in report.scores],
        "notes": [asdict(note) for note in report.notes],
        "inputs": report.inputs,
        "settings": report.settings,
        "pictures": report.pictures,
        "model": report.model,
    }
    return json.dumps(_plain(document), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _score_document(score: Score) -> dict[str, Any]:
    document = {key: getattr(score, key) for key in Score.__dataclass_fields__}
    del document["seconds"]
    return document


def _plain(value: Any) -> Any:
    """The value in JSON's own types: mappings, lists, text, numbers; NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_json(text: str, *, where: str = "report.json") -> Report:
    """The report that `to_json` wrote. Raises FormatError."""
    try:
        document = json.loads(text)
        if document["schema"] != SCHEMA_ID:
            raise FormatError(
                f"The report has the form {document['schema']!r}; this version reads {SCHEMA_ID!r}.",
                where=where,
                fix="pip install --upgrade synthwright",
            )
        return Report(
            scores=tuple(Score(**score) for score in document["scores"]),
            notes=tuple(Note(**note) for note in document["notes"]),
            inputs=document["inputs"],
            settings=document["settings"],
            pictures=document["pictures"],
            model=document["model"],
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"This is no complete report: {type(error).__name__}: {error}", where=where, fix="make the report again"
        ) from error


def json_schema() -> dict[str, Any]:
    """The published JSON Schema of `report.json` (draft 2020-12)."""
    schema: dict[str, Any] = json.loads((_FOLDER / "report.schema.json").read_text(encoding="utf-8"))
    return schema


# -- HTML and Markdown


def to_html(report: Report) -> str:
    """One self-contained page: opens offline, needs no JavaScript, light and dark, printable."""
    summaries = _summaries(report)
    text: str = (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            style=(_FOLDER / "templates" / "style.css").read_text(encoding="utf-8"),
            main=[words.summarise(report, axis) for axis in words.MAIN_AXES],
            others=[summary for summary in summaries if summary.axis not in words.MAIN_AXES],
            sections=[(summary, _scores(report, summary.axis)) for summary in summaries],
            small=columns(report.pictures),
            large=overviews(report.pictures),
            fingerprints={part: entry for part, entry in report.inputs.items() if isinstance(entry, Mapping)},
            settings={key: value for key, value in report.settings.items() if key not in ("versions", "recipe")},
            versions=report.settings.get("versions", {}),
            recipe=report.settings.get("recipe", ""),
        )
    )
    return text.lstrip()  # macros at the top of the template leave empty lines


def _summaries(report: Report) -> list[words.AxisSummary]:
    return [summary for axis in words.ORDER if (summary := words.summarise(report, axis)).n_scores]


def _scores(report: Report, axis: Axis) -> list[Score]:
    return words.ordered([score for score in report.scores if score.axis == axis])


def to_markdown(report: Report) -> str:
    """A data card: YAML front matter, the verdicts, their numbers, notes and the way to repeat it."""
    text: str = (
        _environment()
        .get_template("card.md.j2")
        .render(
            report=report,
            axes=_summaries(report),
            rows=_row_count(report),
            versions=report.settings.get("versions", {}),
            recipe=report.settings.get("recipe", ""),
        )
    )
    return text


def _row_count(report: Report) -> int:
    entry = report.inputs.get("synthetic")
    return int(entry.get("rows", 0)) if isinstance(entry, Mapping) else 0


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=select_autoescape(["html.j2", "html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(number=number, md=_markdown_text, compact=_compact)
    made.globals.update(words=words, bar=_bar, size_category=_size_category)
    return made


def _bar(score: Score) -> str:
    return reference_bar(
        score.value, low=score.low, high=score.high, references=words.references(score), verdict=score.verdict
    )


def _markdown_text(value: object) -> str:
    """Text that stays text inside a Markdown table: no markup, no HTML, one line."""
    text = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join("\\" + sign if sign in "\\|`*_[]" else sign for sign in text)


def _compact(value: Any) -> str:
    """A setting on one line."""
    return value if isinstance(value, str) else json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _size_category(rows: int) -> str:
    for bound, name in ((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M")):
        if rows < bound:
            return name
    return "n>1M"


# -- console


def to_text(report: Report, *, colour: bool = False, width: int = _CONSOLE_WIDTH) -> str:
    """The report as console text; `colour` adds the terminal's escape codes."""
    from rich.console import Console
    from rich.text import Text

    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        no_color=not colour,
        highlight=False,
        emoji=False,
        markup=False,
        legacy_windows=False,
    )
    console.print(Text(words.headline(report), style="bold" if colour else ""))
    console.print(Text(words.lead(report)))
    console.print()
    for summary in _summaries(report):
        console.print(_axis_line(summary, colour))
    console.print()
    console.print(_score_table(report, colour))
    for title, lines in _endings(report):
        console.print(Text(f"\n{title}", style="bold" if colour else ""))
        for line in lines:
            console.print(Text("- " + line))
    return out.getvalue()


def show(report: Report) -> None:
    """Print the report to standard output: coloured on a terminal, plain elsewhere."""
    import shutil
    import sys

    on_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if on_terminal else _CONSOLE_WIDTH
    sys.stdout.write(to_text(report, colour=on_terminal, width=max(width, 60)))


_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red", "error": "bold red", "not assessed": "dim"}


def _axis_line(summary: words.AxisSummary, colour: bool) -> Any:
    from rich.text import Text

    line = Text(f"{words.ICONS[summary.verdict]} ", style=_STYLES[summary.verdict] if colour else "")
    line.append(f"{summary.question} {summary.short}.", style="bold" if colour else "")
    return line.append(f" {summary.answer}")


def _score_table(report: Report, colour: bool) -> RichTable:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, justify in (
        ("axis", "left"),
        ("test", "left"),
        ("verdict", "left"),
        ("value (interval)", "right"),
        ("references", "left"),
    ):
        table.add_column(name, justify=justify, no_wrap=name in ("axis", "verdict"))  # type: ignore[arg-type]  # literals
    for axis in words.ORDER:
        for score in _scores(report, axis):
            references = ", ".join(f"{name} {number(value)}" for name, value in words.references(score).items())
            verdict = Text(
                f"{words.ICONS[score.verdict]} {score.verdict}", style=_STYLES[score.verdict] if colour else ""
            )
            table.add_row(axis, Text(score.label), verdict, words.measured(score), Text(references))
    return table


def _endings(report: Report) -> list[tuple[str, list[str]]]:
    found = [
        (
            "Worst first",
            [score.plain + _fix(score.fix) for score in words.reasons(report)],
        ),
        (
            "Not assessed",
            [f"{one.what}: {one.why}{_fix(one.fix)}" for one in words.not_assessed_together(report)],
        ),
        ("What was changed", [str(note) for note in report.notes]),
    ]
    return [(title, lines) for title, lines in found if lines]


def _fix(text: str) -> str:
    return f" Fix: {text}" if text else ""
