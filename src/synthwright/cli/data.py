"""Bodies of the verbs about data: inspect, init, convert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthwright.cli.console import Output, table
from synthwright.cli.forms import csv_target
from synthwright.core.errors import ConfigError, did_you_mean, listing
from synthwright.core.store import write_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthwright.data.dataset import Dataset
    from synthwright.data.schema import Column

_FEW_ROWS = 500  # below it most tests of an evaluation cannot tell good from bad
_MANY_LEVELS = 100
_UNITS = {"table": "rows", "images": "images", "series": "series", "text": "records"}


def inspect(source: str, form: Mapping[str, Any], *, write: str, target: str, preview: int, output: Output) -> None:
    """Print the profile of a dataset; write its schema when asked."""
    from synthwright.io.dispatch import read

    data = read(source, target=target or None, **form)
    # The keys by which tables of one dataset refer to each other are one column in its files.
    keys = {(link.child, child) for link in data.schema.links for child, _ in link.on}
    columns = [_profile(data, c) for c in data.schema.columns if (c.table, c.name) not in keys]
    problems = _problems(data, columns) if data.modality == "table" else []
    shown = [
        {name: _short(value) for name, value in row.items()} for row in data.to_arrow().slice(0, preview).to_pylist()
    ]
    rows = json.loads(json.dumps(shown, default=str))
    if write:
        data.schema.save(write)
    document = {
        "source": source,
        "rows": len(data),
        "units": _UNITS.get(data.modality, "rows"),
        "columns": columns,
        "notes": [str(note) for note in data.notes],
        "problems": problems,
        "preview": rows,
        "schema": data.schema.to_json(),
        "written": write or None,
    }
    output.emit(document, lambda: _inspection(document))


def _short(value: Any) -> Any:
    """A cell that fits on a line: pixels and the like are told by their size."""
    if isinstance(value, bytes):
        return f"{len(value):,} bytes"
    if isinstance(value, list) and len(value) > 20:
        return f"{len(value):,} values"
    return value


def _profile(data: Dataset, column: Column) -> dict[str, Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = data.tables[column.table].column(column.name)
    is_plain = not pa.types.is_nested(cells.type)
    found: dict[str, Any] = {
        "name": column.name,
        "kind": column.kind,
        "role": column.role,
        "sensitivity": column.sensitivity,
        "missing": cells.null_count / max(len(cells), 1),
        "distinct": pc.count_distinct(cells).as_py() if is_plain else len({str(cell) for cell in cells}),
        "learned": column.is_learned,
        "evidence": column.evidence,
    }
    if column.is_numeric and cells.null_count < len(cells):
        ends = pc.min_max(cells).as_py()
        found["range"] = [str(ends["min"]), str(ends["max"])]
    return found


def _problems(data: Dataset, columns: list[dict[str, Any]]) -> list[str]:
    found = []
    if len(data) < _FEW_ROWS:
        found.append(f"{len(data)} rows are few: expect warnings instead of clear verdicts below {_FEW_ROWS}.")
    for column in columns:
        name = column["name"]
        if column["missing"] == 1:
            found.append(f"{name!r} has no value at all; it stays empty.")
        elif column["distinct"] == 1:
            found.append(f"{name!r} has one value everywhere; it stays constant.")
        elif column["kind"] == "category" and column["distinct"] > _MANY_LEVELS:
            found.append(
                f"{name!r} has {column['distinct']:,} levels; rare ones are merged. An identifier? Set its role to id."
            )
        elif column["missing"] > 0.5:
            found.append(f"{name!r} is missing in {column['missing']:.0%} of the rows.")
    return found


def _inspection(document: dict[str, Any]) -> str:
    rows = [
        (
            column["name"],
            column["kind"],
            column["role"],
            column["sensitivity"],
            f"{column['missing']:.1%}" if column["missing"] else "-",
            f"{column['distinct']:,}",
            column["evidence"],
        )
        for column in document["columns"]
    ]
    head = ("column", "kind", "role", "sensitivity", "missing", "distinct", "evidence")
    parts = [
        f"{document['source']}: {document['rows']:,} {document['units']}, {len(rows)} columns",
        "",
        table(head, rows),
    ]
    for title, lines in (("Problems", document["problems"]), ("Noticed while reading", document["notes"])):
        if lines:
            parts += ["", f"{title}:", *(f"- {line}" for line in lines)]
    if document["preview"]:
        names = [column["name"] for column in document["columns"] if column["name"] in document["preview"][0]][:8]
        cells = [["" if row[name] is None else str(row[name])[:24] for name in names] for row in document["preview"]]
        more = f" (first {len(names)} of {len(rows)} columns)" if len(names) < len(rows) else ""
        parts += ["", f"First rows{more}:", table(names, cells)]
    if document["written"]:
        parts += ["", f"Schema written to {document['written']}; edit it and pass it with --schema."]
    return "\n".join(parts)


def init(source: str, form: Mapping[str, Any], *, out: str, target: str, rows: int, output: Output) -> None:
    """Write a commented recipe, never over an existing file."""
    from synthwright.io.dispatch import read
    from synthwright.run.recipe import is_url, template

    path = Path(out)
    if path.exists():
        raise ConfigError("The file exists.", where=out, fix="name another one with --out, or delete it")
    data = read(source, **form)
    names = data.schema.names
    if target and target not in names:
        raise ConfigError(
            f"There is no column {target!r}.{did_you_mean(target, names)}",
            where="--target",
            fix=f"columns: {listing(names, 40)}",
        )
    seen = source if is_url(source) else _seen_from(path.parent, source)
    document = template(
        seen,
        rows=rows or len(data),
        columns=_by_interest(data),
        target=target or None,
        name=out,
        image_size=form.get("image_size"),
    )
    write_text(path, document)
    command = f"synthwright run {out}"
    output.emit({"recipe": out, "next": command}, f"Wrote {out}. Edit it, then:\n  {command}")


def _by_interest(data: Dataset) -> tuple[str, ...]:
    """Column names with those first that a condition can be put on."""
    return tuple(sorted(data.schema.names, key=lambda name: not data.schema[name].is_learned))


def _seen_from(folder: Path, source: str) -> str:
    """The path of `source` as the recipe in `folder` has to name it."""
    import os

    return os.path.relpath(Path(source).absolute(), folder.absolute()) if not Path(source).is_absolute() else source


def convert(
    source: str, to: str, csv: Mapping[str, str], *, form: Mapping[str, Any], schema: str, output: Output
) -> None:
    """Read one form, write another. csv: what was asked of the text that is written; form: of what is read."""
    from synthwright.io.dispatch import read, write

    target = csv_target(to, csv)
    data = read(source, schema=schema or None, **form)
    written = str(write(data, target))
    if written == "-":
        return
    notes = [str(note) for note in data.notes]
    text = "\n".join([f"{len(data):,} rows written to {written}", *(f"note {note}" for note in notes)])
    output.emit({"rows": len(data), "written": written, "notes": notes}, text)
