"""Bodies of the verbs that list what there is: generators and metrics."""

from __future__ import annotations

import inspect
from typing import Any

from synthwright.cli.console import Output, table
from synthwright.core import registry


def generators(name: str, output: Output) -> None:
    """All methods in a table, or one in full."""
    if name:
        document = _generator(registry.find("generators", name))
        output.emit(document, lambda: _generator_page(document))
        return
    rows = []
    for entry in registry.entries("generators"):
        rows.append(_row(entry))
    rows.sort(key=lambda row: (row.get("ability", {}).get("modality", "~"), row["name"]))
    output.emit(rows, lambda: _generator_table(rows))


def _row(entry: registry.Entry) -> dict[str, Any]:
    broken = entry.broken
    if not broken:
        try:
            return _generator(registry.find("generators", entry.name))
        except ImportError as error:  # one method that does not load must be shown, not hide the others
            broken = f"{type(error).__name__}: {error}"
    return {"name": entry.name, "broken": broken, "source": entry.source}


def _generator(cls: Any) -> dict[str, Any]:
    ability = cls.ability
    return {
        "name": cls.name,
        "summary": cls.summary,
        "about": inspect.cleandoc(cls.__doc__ or ""),
        "source": cls.source,
        "ability": {
            field: list(value) if isinstance(value := getattr(ability, field), tuple) else value
            for field in type(ability).__dataclass_fields__
        },
        "options": cls.config_type.model_json_schema().get("properties", {}),
    }


def _generator_table(rows: list[dict[str, Any]]) -> str:
    cells = []
    for row in rows:
        if "broken" in row:
            cells.append((row["name"], "-", "-", "-", f"broken: {row['broken']}"))
            continue
        ability = row["ability"]
        cells.append(
            (
                row["name"],
                ability["modality"],
                ability["where"],
                "yes" if ability["keeps_rows"] else "no",
                row["summary"],
            )
        )
    lines = [table(("name", "makes", "where", "keeps rows", "summary"), cells), ""]
    lines.append(
        "where: `exact` builds the condition in, `reject` draws until rows match. Options: synthwright generators NAME"
    )
    return "\n".join(lines)


def _generator_page(document: dict[str, Any]) -> str:
    ability = document["ability"]
    lines = [f"{document['name']}: {document['summary']}", "", document["about"], "", "Abilities:"]
    lines += [f"  {key}: {_words(value)}" for key, value in ability.items()]
    lines += ["", "Options (--set NAME=VALUE):" if document["options"] else "No options."]
    if document["options"]:
        rows = [
            (name, _type(option), option.get("default", ""), _bounds(option), option.get("description", ""))
            for name, option in document["options"].items()
        ]
        lines.append(table(("name", "type", "default", "bounds", "what"), rows))
    if document["source"]:
        lines += ["", f"Source: {document['source']}"]
    plain = [
        name for name, option in document["options"].items() if isinstance(option.get("default"), str | int | float)
    ]
    first = next(iter(plain), None)
    change = f" --set {first}={document['options'][first].get('default')}" if first else ""
    lines += ["", "Example:", f"  synthwright fit train.csv --out model.synth --generator {document['name']}{change}"]
    return "\n".join(lines)


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " to ".join(f"{item:,}" if isinstance(item, int) else str(item) for item in value) or "nothing"
    return str(value)


def _type(option: dict[str, Any]) -> str:
    if "enum" in option:
        return " | ".join(map(str, option["enum"]))
    if "anyOf" in option:
        return " | ".join(_type(one) for one in option["anyOf"])
    return str(option.get("type", "value"))


def _bounds(option: dict[str, Any]) -> str:
    signs = (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))
    return ", ".join(f"{sign} {option[key]}" for key, sign in signs if key in option)


def metrics(name: str, output: Output) -> None:
    """All metrics by axis, or one in full."""
    if name:
        document = _metric(registry.find("metrics", name.rpartition(".")[2]))
        output.emit(document, lambda: _metric_page(document))
        return
    entries = registry.entries("metrics")
    found = [_metric(registry.find("metrics", entry.name)) for entry in entries if not entry.broken]
    broken = [{"name": entry.name, "broken": entry.broken} for entry in entries if entry.broken]
    output.emit([*found, *broken], lambda: _metric_table(found, broken))


def _metric(cls: Any) -> dict[str, Any]:
    return {
        "name": cls.name,
        "axis": cls.axis,
        "id": f"{cls.axis}.{cls.name}",
        "summary": cls.summary,
        "about": inspect.cleandoc(cls.__doc__ or ""),
        "modalities": list(cls.modalities),
        "source": cls.source,
    }


def _metric_table(found: list[dict[str, Any]], broken: list[dict[str, Any]]) -> str:
    from synthwright.evaluate.metric import AXES

    ordered = sorted(found, key=lambda m: (m["modalities"], AXES.index(m["axis"])))
    rows = [(", ".join(m["modalities"]), m["axis"], m["name"], m["summary"]) for m in ordered]
    rows += [("-", "-", b["name"], f"broken: {b['broken']}") for b in broken]
    return (
        table(("of", "axis", "name", "question"), rows)
        + "\n\nChoose some with: synthwright evaluate ... --metric NAME-OR-AXIS"
    )


def _metric_page(document: dict[str, Any]) -> str:
    lines = [f"{document['id']}: {document['summary']}", "", document["about"]]
    if document["source"]:
        lines += ["", f"Source: {document['source']}"]
    command = (
        f"  synthwright evaluate synthetic.csv --train train.csv --holdout holdout.csv --metric {document['name']}"
    )
    return "\n".join([*lines, "", "Example:", command])
