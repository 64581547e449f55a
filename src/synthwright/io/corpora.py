"""Corpora in and out: whole records, and the message formats that training tools read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from synthwright.core.errors import ConfigError, Problem, ReadError, WriteError, listing
from synthwright.data.corpus import FIELDS, Corpus
from synthwright.io.streams import open_input, open_output, split_suffix

_SHAREGPT = {"system": "system", "user": "human", "assistant": "gpt", "tool": "tool"}
_OWN = {name: role for role, name in _SHAREGPT.items()}
_REJECTED = ".rejected"
_SHOWN = 5  # lines in error that a message names


def read_corpus(path: str | Path, *, form: str = "auto") -> Corpus:
    """Records from JSON lines. form: record, openai, sharegpt or alpaca; "auto" looks at the first line.

    The file may be compressed. Raises ReadError naming the first lines that are no records, DataError.
    """
    if form not in ("auto", *_READERS):
        raise ConfigError(f"Unknown form {form!r}.", where="form", fix=f"use auto or one of: {listing(_READERS)}")
    records: list[dict[str, Any]] = []
    problems = []
    for number, line in lines_of(path):
        try:
            one = json.loads(line)
            if not isinstance(one, dict):
                raise ValueError("no object")
            form = _form_of(one) if form == "auto" else form
            records.append(_READERS[form](one))
        except ValueError as error:
            problems.append(Problem(f"Line {number} is not a record: {error}.", f"{path}:{number}", "correct the line"))
        except (KeyError, TypeError, AttributeError) as error:
            what = f"Line {number} is no record of the form {form}: {type(error).__name__}: {error}."
            problems.append(Problem(what, f"{path}:{number}", "correct the line, or name another form"))
    if not records and not problems:
        problems.append(Problem("The file holds no records.", str(path), "one JSON object a line"))
    if problems:
        raise ReadError.of(problems[:_SHOWN])
    return Corpus.of(records)


def lines_of(path: str | Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is not blank, decompressed by suffix. Raises ReadError.

    Only a line feed ends a line: `str.splitlines` cuts at letters such as U+2028 too, which stand inside JSON.
    """
    with open_input(Path(path)) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="\n")
        try:
            for number, line in enumerate(text, 1):
                if line.strip():
                    yield number, line
        except UnicodeDecodeError as error:
            raise ReadError(
                f"The text is not UTF-8: {error.reason}.", where=str(path), fix="save it as UTF-8"
            ) from error
        finally:
            if not stream.closed:
                text.detach()


def write_corpus(data: Any, path: str | Path, *, form: str = "record") -> Path:
    """Write JSON lines: whole records, or only the messages as openai, sharegpt or alpaca; compressed by suffix.

    Rejected records never stand among the others: they go to `rejected_path` beside the file, whole, with their
    reasons, in place of what is there. A file whose own name says that it holds rejected ones takes all records.
    Raises WriteError, also when every record is rejected.
    """
    if form not in _WRITERS:
        raise ConfigError(f"Unknown form {form!r}.", where="form", fix=f"use one of: {listing(_WRITERS)}")
    target, records = Path(path), data.records()
    beside = rejected_path(target)
    kept = records if beside == target else [one for one in records if one.get("status") != "rejected"]
    if not kept:
        raise WriteError(
            f"All {len(records):,} records are rejected.", where=str(path), fix=f"name {beside.name} to keep them"
        )
    if len(kept) < len(records):
        _write_lines([one for one in records if one.get("status") == "rejected"], beside, "record")
    return _write_lines(kept, target, form)


def rejected_path(path: Path) -> Path:
    """Where the rejected records of a file go: `a.jsonl.gz` gives `a.rejected.jsonl.gz`, which gives itself."""
    ending = "".join(path.suffixes[-2:]) if split_suffix(path)[1] else path.suffix
    stem = path.name.removesuffix(ending).removesuffix(_REJECTED)
    return path.with_name(f"{stem}{_REJECTED}{ending}")


def _write_lines(records: Sequence[Mapping[str, Any]], path: Path, form: str) -> Path:
    with open_output(path) as stream:
        for record in records:
            stream.write(json.dumps(_WRITERS[form](record), ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return path


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
