"""Texts as records: messages, the answer that is right, where each came from, and what was checked about it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Note
from synthwright.core.errors import DataError, Problem, listing
from synthwright.data.dataset import Dataset
from synthwright.data.schema import MAIN, Column, Schema

ROLES = ("system", "user", "assistant", "tool")
STATUS = ("accepted", "rejected", "corrected", "unverified")
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))

# name -> (kind, description). Levels can stand in a condition: task == 'bool_logic' and level == 'D2'.
_LEVELS = {
    "framework": "Method that made the record.",
    "task": "What is asked for.",
    "level": "How hard it is.",
    "order": "Order of the statements.",
    "template_set": "Wording of the statements.",
    "label": "The right answer, as text.",
    "status": "Whether the record was accepted.",
    "reject_reason": "Why it was not.",
    "split": "Part of a benchmark that the record belongs to.",
}
_TEXTS = {"instruction": "First message of the user.", "response": "Last message of the assistant."}
# Kept as JSON text with sorted keys: their keys differ between records.
_DOCUMENTS = {
    "payload": "What the method needs to check the record.",
    "attributes": "Properties that were asked for.",
    "tags": "Properties that were found.",
    "scores": "Answers and grades.",
    "checks": "What was checked, with the result.",
    "lineage": "Records it was made from.",
    "gen": "Model, prompt and seeds.",
}
_HASHED = ("messages", "payload", "label")  # what makes two records the same


class Corpus(Dataset):
    """Records of messages. A unit is a record; records with one `group` stay on one side of a split.

    Columns: id (16 hexadecimal digits, a hash of messages, payload and label), group, the levels framework, task,
    level, order, template_set, label, status, reject_reason, split, the texts instruction and response, the list
    messages of {role, content}, and the JSON documents payload, attributes, tags, scores, checks, lineage, gen.
    Raises DataError holding all problems found.
    """

    modality: ClassVar[str] = "text"

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], *, notes: Sequence[Note] = ()) -> Self:
        """A corpus from records; fields that are absent are empty, `id` is computed.

        A record needs `messages`, or an `instruction` (and a `response`, if there is one). Raises DataError.
        """
        problems = [p for place, record in enumerate(records) for p in _unreadable(place, record)]
        if not records:
            problems = [Problem("There are no records.", "Corpus.of", "give at least one")]
        if problems:
            raise DataError.of(problems)
        try:
            rows = [_filled(record) for record in records]
            arrays = {name: pa.array([row[name] for row in rows], kind) for name, kind in _ARROW.items()}
        except (UnicodeEncodeError, TypeError) as error:  # looked for only when it happens: it reads everything again
            raise DataError.of(
                [p for place, record in enumerate(records) for p in _unwritable(place, record)]
            ) from error
        return cls({MAIN: pa.table(arrays)}, corpus_schema(), notes)

    @classmethod
    def from_arrow(cls, table: pa.Table, schema: Schema, notes: Sequence[Note] = ()) -> Self:
        """The inverse of `to_arrow`; Parquet names the elements of lists otherwise. Raises DataError."""
        known = [pa.field(name, _ARROW.get(name, table.schema.field(name).type)) for name in table.column_names]
        return cls({MAIN: table.cast(pa.schema(known))}, schema, notes)

    def records(self) -> list[dict[str, Any]]:
        """The records as dictionaries, documents parsed, empty fields left out."""
        found = []
        for row in self.arrow.to_pylist():
            for name in _DOCUMENTS:
                row[name] = None if row[name] is None else json.loads(row[name])
            found.append({name: value for name, value in row.items() if value is not None})
        return found

    def with_records(self, records: Sequence[Mapping[str, Any]]) -> Self:
        """These records instead, with the notes of this corpus."""
        return type(self).of(records, notes=self.notes)

    def _problems(self) -> list[Problem]:
        found = super()._problems()
        if found:
            return found
        table = self.arrow
        ids = table.column("id").to_pylist()
        seen: dict[str, int] = {}
        for place, one in enumerate(ids):
            if one in seen:
                found.append(Problem(f"Record {place} repeats record {seen[one]}.", f"id {one}", "keep one of the two"))
            seen.setdefault(one, place)
        known = set(pc.unique(table.column("status")).to_pylist()) - {None}
        if wrong := sorted(known - set(STATUS)):
            found.append(Problem(f"Unknown status: {listing(wrong)}.", "status", f"use one of: {listing(STATUS)}"))
        for place, messages in enumerate(table.column("messages").to_pylist()):
            bad = [message["role"] for message in messages or () if message["role"] not in ROLES]
            if not messages or bad:
                what = f"unknown roles {listing(bad)}" if bad else "no messages"
                found.append(Problem(f"Record {place} has {what}.", "messages", f"use the roles {listing(ROLES)}"))
        return found


def corpus_schema() -> Schema:
    """The schema that every corpus has."""
    columns = [
        Column(name="id", kind="identifier", role="id", dtype="string", nullable=False, description="Hash of content."),
        Column(
            name="group",
            kind="identifier",
            role="group",
            dtype="string",
            nullable=False,
            description="Records that are told apart by their answer only share it.",
        ),
        *(Column(name=n, kind="category", dtype="string", description=text) for n, text in _LEVELS.items()),
        *(Column(name=n, kind="text", dtype="string", description=text) for n, text in _TEXTS.items()),
        Column(name="messages", kind="json", dtype=str(_MESSAGES), nullable=False, description="Role and content."),
        *(Column(name=n, kind="json", dtype="string", description=text) for n, text in _DOCUMENTS.items()),
    ]
    return Schema(modality="text", columns=tuple(columns))


_ARROW: dict[str, pa.DataType] = {
    column.name: _MESSAGES if column.name == "messages" else pa.string() for column in corpus_schema().columns
}
FIELDS = tuple(_ARROW)


def content_id(record: Mapping[str, Any]) -> str:
    """16 hexadecimal digits of the sha256 of the canonical JSON of messages, payload and label."""
    content = {name: record.get(name) for name in _HASHED}
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()[:16]


def canonical_json(value: Any) -> str:
    """JSON text that is the same for equal values: sorted keys, no blanks."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _unreadable(place: int, record: Mapping[str, Any]) -> list[Problem]:
    unknown = [name for name in record if name not in _ARROW]
    found = []
    if unknown:
        fix = "put what belongs to your method into payload or attributes"
        found.append(Problem(f"Record {place} has unknown fields: {listing(unknown)}.", "Corpus.of", fix))
    if not record.get("messages") and not record.get("instruction"):
        found.append(
            Problem(f"Record {place} has neither messages nor an instruction.", "Corpus.of", "give one of the two")
        )
    for name in ("group", *_LEVELS, *_TEXTS):
        value = record.get(name)
        if value is not None and not isinstance(value, str) and name != "label":
            found.append(Problem(f"Record {place} has no text as {name}: {value!r:.60}.", name, "write it as text"))
    messages = record.get("messages") or ()
    for message in messages if isinstance(messages, Sequence) else (messages,):
        texts = [message.get(key) for key in ("role", "content")] if isinstance(message, Mapping) else [None]
        if not all(isinstance(text, str) for text in texts):
            fix = 'use {"role": "user", "content": "text"}'
            found.append(Problem(f"Record {place} has a message that is none: {message!r:.60}.", "messages", fix))
    return found


def _unwritable(place: int, record: Mapping[str, Any]) -> list[Problem]:
    """What no file can hold: halves of surrogate pairs, and objects that are not JSON."""
    try:
        canonical_json(record).encode()
    except (UnicodeEncodeError, TypeError) as error:
        what = "half a surrogate pair" if isinstance(error, UnicodeEncodeError) else str(error)
        return [Problem(f"Record {place} cannot be written: {what}.", f"record {place}", "correct or drop it")]
    return []


def _filled(record: Mapping[str, Any]) -> dict[str, Any]:
    """A whole row: messages from the shortcuts or the shortcuts from the messages, documents as text."""
    row: dict[str, Any] = {name: record.get(name) for name in _ARROW}
    messages = [{"role": m["role"], "content": m["content"]} for m in row["messages"] or ()]
    if not messages:
        messages = [{"role": "user", "content": str(row["instruction"])}]
        if row["response"] is not None:
            messages.append({"role": "assistant", "content": str(row["response"])})
    by_role = {role: [m["content"] for m in messages if m["role"] == role] for role in ("user", "assistant")}
    row["messages"] = messages
    row["instruction"] = by_role["user"][0] if by_role["user"] else None
    row["response"] = by_role["assistant"][-1] if by_role["assistant"] else None
    row["label"] = None if row["label"] is None else str(row["label"])
    row["status"] = row["status"] or "unverified"
    row["id"] = content_id(row)
    row["group"] = row["group"] or row["id"]
    for name in _DOCUMENTS:
        row[name] = None if row[name] is None else canonical_json(row[name])
    return row
