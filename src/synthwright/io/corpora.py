"""Corpora in and out: whole records, and the message formats that training tools read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from synthwright.core.errors import ConfigError, Problem, ReadError, listing
from synthwright.core.store import write_text
from synthwright.data.corpus import FIELDS, Corpus

_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt", "tool": "tool"}
_OWN = {name: role for role, name in _SHAREGPT.items()}


def read_corpus(path: str | Path, *, form: str = "auto") -> Corpus:
    """Records from JSON lines. form: record, openai, sharegpt or alpaca; "auto" looks at the first line.

    Raises ReadError naming the first lines that are no records, DataError.
    """
    source = Path(path)
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"Cannot be read as UTF-8 text: {error}", where=str(path), fix="check the file") from error
    documents, problems = [], []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
            if not isinstance(one, dict):
                raise ValueError("no object")
            documents.append(one)
        except ValueError as error:
            problems.append(Problem(f"Line {number} is not a record: {error}.", f"{path}:{number}", "correct the line"))
    if not documents and not problems:
        problems.append(Problem("The file holds no records.", str(path), "one JSON object a line"))
    if problems:
        raise ReadError.of(problems)
    chosen = _form_of(documents[0]) if form == "auto" else form
    if chosen not in _READERS:
        raise ConfigError(f"Unknown form {form!r}.", where="form", fix=f"use auto or one of: {listing(_READERS)}")
    return Corpus.of([_READERS[chosen](one) for one in documents])


def write_corpus(data: Any, path: str | Path, *, form: str = "record") -> Path:
    """Write JSON lines: whole records, or only the messages as openai, sharegpt or alpaca. Raises WriteError."""
    if form not in _WRITERS:
        raise ConfigError(f"Unknown form {form!r}.", where="form", fix=f"use one of: {listing(_WRITERS)}")
    lines = [json.dumps(_WRITERS[form](record), ensure_ascii=False, sort_keys=True) for record in data.records()]
    return write_text(Path(path), "\n".join(lines) + "\n")


def _form_of(document: Mapping[str, Any]) -> str:
    if "conversations" in document:
        return "sharegpt"
    if "output" in document and "instruction" in document:
        return "alpaca"
    return "record" if set(document) <= set(FIELDS) else "openai"


def _from_openai(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": m.get("role"), "content": m.get("content")} for m in document.get("messages") or ()]}


def _from_sharegpt(document: Mapping[str, Any]) -> dict[str, Any]:
    turns = document.get("conversations") or ()
    return {"messages": [{"role": _OWN.get(t.get("from"), t.get("from")), "content": t.get("value")} for t in turns]}


def _from_alpaca(document: Mapping[str, Any]) -> dict[str, Any]:
    more = f"\n\n{document['input']}" if document.get("input") else ""
    return {"instruction": f"{document['instruction']}{more}", "response": document["output"]}


def _to_sharegpt(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"conversations": [{"from": _SHAREGPT[m["role"]], "value": m["content"]} for m in record["messages"]]}


def _to_alpaca(record: Mapping[str, Any]) -> dict[str, Any]:
    return {"instruction": record.get("instruction", ""), "input": "", "output": record.get("response", "")}


_READERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "record": dict,
    "openai": _from_openai,
    "sharegpt": _from_sharegpt,
    "alpaca": _from_alpaca,
}
_WRITERS: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "record": dict,
    "openai": lambda record: {"messages": record["messages"]},
    "sharegpt": _to_sharegpt,
    "alpaca": _to_alpaca,
}
