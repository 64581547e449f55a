"""Dataset card: Markdown with YAML front matter, in the layout that dataset hubs read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from synthwright.data.schema import Column, Schema

_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
)


def dataset_card(schema: Schema, facts: Mapping[str, Any], report_markdown: str = "") -> str:
    """A card for a synthetic dataset: front matter, what it is, its columns, how it was made, its evaluation.

    facts, all optional: `name`, `rows`, `license`, `generator`, `seed`, `version`, `source` (in words, never a path
    with secrets), `options` (mapping), `notes` (texts), `files` (names); any other key becomes a line of "How it
    was made". report_markdown: the evaluation, put in as it is. Cell values never appear.
    """
    name = str(facts.get("name") or "Synthetic dataset")
    parts = [
        _front_matter(schema, facts, name),
        f"# {_plain(name)}",
        _summary(schema, facts),
        "## Columns",
        _columns(schema),
        "## How it was made",
        _made(facts),
    ]
    if schema.constraints:
        parts += ["## Rules", "\n".join(f"- {_plain(_rule(rule))}" for rule in schema.constraints)]
    notes = [str(note) for note in facts.get("notes") or ()]
    if notes:
        parts += ["## What was changed on the way", "\n".join(f"- {_plain(note)}" for note in notes)]
    if report_markdown.strip():
        parts += ["## Evaluation", report_markdown.strip()]
    parts += ["## Limits", _limits(schema)]
    return "\n\n".join(parts) + "\n"


def _front_matter(schema: Schema, facts: Mapping[str, Any], name: str) -> str:
    head: dict[str, Any] = {
        "pretty_name": name,
        "license": str(facts.get("license") or "other"),
        "tags": ["synthetic", "tabular", "synthwright"],
    }
    if isinstance(rows := facts.get("rows"), int):
        head["size_categories"] = [next((word for limit, word in _SIZES if rows < limit), "n>100M")]
    if files := list(facts.get("files") or ()):
        head["configs"] = [{"config_name": "default", "data_files": [str(file) for file in files]}]
    features = [{"name": column.name, "dtype": column.dtype or column.kind} for column in schema.columns]
    head["dataset_info"] = {"features": features}
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True).strip()}\n---"


def _summary(schema: Schema, facts: Mapping[str, Any]) -> str:
    rows = facts.get("rows")
    size = f"{rows:,} rows and " if isinstance(rows, int) else ""
    text = f"{size}{len(schema.columns)} columns of synthetic data: no row describes a real unit."
    return text + (f" The column to be predicted is `{schema.target}`." if schema.target else "")


def _columns(schema: Schema) -> str:
    lines = ["| column | kind | role | sensitivity | missing allowed | about |", "|---|---|---|---|---|---|"]
    for column in schema.columns:
        cells = (
            f"`{_plain(column.name)}`",
            column.kind,
            column.role,
            column.sensitivity,
            "yes" if column.nullable else "no",
            _plain(_about(column)),
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _about(column: Column) -> str:
    words = [column.description, f"in {column.unit}" if column.unit else ""]
    if column.is_discrete and column.categories is not None:
        words.append(f"{len(column.categories):,} levels")
    if column.step is not None and column.is_numeric:
        words.append(f"in steps of {column.step:g}")
    return ", ".join(word for word in words if word)


def _made(facts: Mapping[str, Any]) -> str:
    told = {"name", "rows", "license", "notes", "files"}
    lines = []
    for key, value in facts.items():
        if key in told or value in (None, "", (), {}):
            continue
        if isinstance(value, Mapping):
            value = ", ".join(f"{k} = {v}" for k, v in value.items())
        lines.append(f"- {_plain(str(key).replace('_', ' '))}: {_plain(str(value))}")
    return "\n".join(lines) or "- made with synthwright"


def _rule(rule: Mapping[str, Any]) -> str:
    rest = ", ".join(f"{key} = {value}" for key, value in rule.items() if key != "rule")
    return f"{rule.get('rule', 'rule')}: {rest}"


def _limits(schema: Schema) -> str:
    lines = [
        "Synthetic rows repeat what the method found in the training data, its errors and its bias with it. They are "
        "no proof about single people, and resemblance is not a privacy guarantee: read the evaluation."
    ]
    delicate = [f"`{_plain(column.name)}`" for column in schema.columns if column.sensitivity != "public"]
    if delicate:
        lines.append(f"Columns that describe persons: {', '.join(delicate)}.")
    return "\n\n".join(lines)


def _plain(text: str) -> str:
    """Text that cannot break a table or start markup."""
    return text.replace("\n", " ").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
