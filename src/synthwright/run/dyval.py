"""DyVal asked of a model: score the replies to a file of items, or climb the levels until they are too hard."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthwright.core.context import Context, Note, Stop
from synthwright.core.errors import ConfigError, DataError, Problem, ReadError, listing
from synthwright.core.progress import Event
from synthwright.core.seeds import named_rng
from synthwright.data.corpus import Corpus
from synthwright.evaluate.text import is_item
from synthwright.io.corpora import lines_of
from synthwright.llm.cache import CachedBackend
from synthwright.llm.ledger import CallLedger, Counts
from synthwright.llm.protocol import Backend, Completion
from synthwright.reasoning.answers import judge
from synthwright.reasoning.items import Style, items, record
from synthwright.reasoning.ladder import Ladder, Reached
from synthwright.reasoning.levels import LEVELS, TASKS
from synthwright.reasoning.puzzles import Dice, commitment, item_seed
from synthwright.reasoning.sampling import Wish
from synthwright.reasoning.scoring import Breakdown
from synthwright.reasoning.scoring import score as score_replies
from synthwright.run.asking import Asked, gather
from synthwright.run.endpoints import chance_of

Callback = Callable[[Event], None]


# -- score


@dataclass(frozen=True)
class Scored:
    """Replies to items with what they are worth. corpus: the items with reply and outcome in `scores`."""

    breakdown: Breakdown
    corpus: Corpus
    counts: Counts
    spent: Mapping[str, Any]
    notes: tuple[Note, ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document, without the corpus."""
        notes = [str(note) for note in self.notes]
        return {**self.breakdown.to_json(), "counts": self.counts.to_json(), "spent": dict(self.spent), "notes": notes}


def score(
    corpus: Corpus,
    backend: Backend,
    *,
    asked: Asked | None = None,
    ledger: str | Path | None = None,
    by: Sequence[str] = ("task", "level"),
    callbacks: Sequence[Callback] = (),
    stop: Stop | None = None,
) -> Scored:
    """Ask a backend every item of a corpus of DyVal and score its replies.

    ledger: file that each reply is added to as it comes; a second call goes on from there. Raises DataError,
    ConfigError, BackendError, RunIncomplete, Cancelled.

    >>> from synthwright.generators.dyval import DyVal
    >>> from synthwright.run.endpoints import scripted
    >>> corpus = DyVal(task="bool_logic", level="D3").fit().sample(40)
    >>> score(corpus, scripted("oracle")).breakdown.total.accuracy
    1.0
    """
    records, asked = items_of(corpus), asked or Asked()
    ctx = Context(named_rng(0, "asking"), sinks=tuple(callbacks), stop=stop or Stop())
    requests = [asked.request(_question(one), one["id"], f"{one['task']} {one['level']}", backend) for one in records]
    run = {"job": "dyval score", "data": corpus.fingerprint(), "model": backend.model_id, **asked.facts()}
    with CallLedger(ledger, [one["id"] for one in records], run) as book:
        found = gather(book, requests, backend, ctx)
        counts = book.counts
    notes = []
    if cut := sum(one.finish_reason == "length" for one in found.values()):
        notes.append(
            Note("L001", f"{cut} of {len(records)} replies were cut at {asked.max_tokens} tokens", "--max-tokens")
        )
    spent = _spent(backend, list(found.values()))
    return _scored(corpus, records, {key: one.to_json() for key, one in found.items()}, (counts, spent, notes, by))


def score_file(corpus: Corpus, path: str | Path, *, by: Sequence[str] = ("task", "level")) -> Scored:
    """Score replies that somebody collected: JSON lines of {"id": ..., "reply": ...}.

    Items without a reply count as unparsed, with a Note. Raises ReadError naming lines, DataError.
    """
    records = items_of(corpus)
    replies = load_replies(path, {str(one["id"]) for one in records})
    notes = []
    if missing := len(records) - len(replies):
        notes.append(Note("L002", f"{missing} of {len(records)} items have no reply and count as not right", str(path)))
    counts = Counts(len(records), len(replies))
    documents = {key: {"row_key": key, "text": text} for key, text in replies.items()}
    return _scored(corpus, records, documents, (counts, {}, notes, by))


def items_of(corpus: Corpus) -> list[dict[str, Any]]:
    """The records of a corpus of DyVal. Raises DataError naming the first that is no such item."""
    if not isinstance(corpus, Corpus):
        raise DataError("These are no texts.", where="score", fix="make items: synthwright text dyval make")
    records = corpus.records()
    for place, one in enumerate(records):
        if not is_item(one):
            raise DataError(
                f"Record {place} is no item of DyVal: it has task {one.get('task')!r}, level {one.get('level')!r}.",
                where=f"id {one.get('id')}",
                fix="make items: synthwright text dyval make",
            )
    return records


def load_replies(path: str | Path, known: set[str]) -> dict[str, str]:
    """Replies by item. The text stands under reply, response or text. Raises ReadError listing the lines in error."""
    found: dict[str, str] = {}
    problems = []
    for number, line in lines_of(path):
        what = _take_reply(line, known, found)
        if what:
            problems.append(
                Problem(f"Line {number}: {what}", f"{path}:{number}", 'write {"id": "...", "reply": "..."}')
            )
    if not found and not problems:
        problems.append(Problem("The file holds no replies.", str(path), 'write {"id": "...", "reply": "..."} a line'))
    if problems:
        raise ReadError.of(problems[:5])
    return found


def _take_reply(line: str, known: set[str], found: dict[str, str]) -> str:
    """Add the reply in a line; what is wrong with the line, or ""."""
    try:
        document = json.loads(line)
    except ValueError as error:
        return f"no JSON: {error}."
    if not isinstance(document, dict) or "id" not in document:
        return "it has no id."
    key = str(document["id"])
    text = next((document[name] for name in ("reply", "response", "text") if isinstance(document.get(name), str)), None)
    if key not in known:
        return f"there is no item {key!r}."
    if key in found:
        return f"item {key!r} has two replies."
    if text is None:
        return "it has no text under reply, response or text."
    found[key] = text
    return ""


def _question(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is sent: everything up to the last message of the user; reasoning after it is the answer."""
    messages = [(str(m["role"]), str(m["content"])) for m in one["messages"]]
    last = max(i for i, (role, _) in enumerate(messages) if role == "user")
    return messages[: last + 1]


def _scored(
    corpus: Corpus,
    records: Sequence[dict[str, Any]],
    replies: Mapping[str, Mapping[str, Any]],
    rest: tuple[Counts, Mapping[str, Any], Sequence[Note], Sequence[str]],
) -> Scored:
    counts, spent, notes, by = rest
    texts = [replies[one["id"]].get("text", "") if one["id"] in replies else None for one in records]
    made = []
    for one, text in zip(records, texts, strict=True):
        outcome, is_loose = judge(text, str(one["label"]), str(one["task"]))
        grade = {"outcome": outcome, "is_loose": is_loose, "reply": text}
        reply = replies.get(one["id"], {})
        more = {name: reply[name] for name in ("model_id", "finish_reason") if name in reply}
        made.append({**one, "scores": {**(one.get("scores") or {}), **grade, **more}})
    return Scored(
        score_replies(records, texts, by=by), corpus.with_records(made), counts, spent, (*corpus.notes, *notes)
    )


def _spent(backend: Backend, found: Sequence[Completion]) -> dict[str, Any]:
    """What this call and those before it cost, and the part of this one, by the meter."""
    inner = backend.inner if isinstance(backend, CachedBackend) else backend
    meter = getattr(inner, "meter", None)
    return {
        "calls": sum(one.n_calls for one in found),
        "tokens_in": sum(one.n_prompt_tokens for one in found),
        "tokens_out": sum(one.n_new_tokens for one in found),
        "tokens_are_estimated": any(one.is_estimated for one in found),
        "from_cache": sum(one.is_cached for one in found),
        "this_run": {} if meter is None else meter.to_json(),
    }


# -- ladder


@dataclass(frozen=True)
class Climb:
    """One task climbed: the level that was reached, and the blocks on the way as (level, items, right)."""

    task: str
    reached: Reached
    history: tuple[tuple[int, int, int], ...]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {"task": self.task, **self.reached.to_json(), "history": [list(one) for one in self.history]}


def ladder(
    tasks: Sequence[str],
    backend: Backend,
    *,
    seed: int = 0,
    secret: str = "",
    style: Style | None = None,
    asked: Asked | None = None,
    ledger: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    stop: Stop | None = None,
) -> list[Climb]:
    """Climb tasks one after the other; items are made on the way and depend on secret and seed.

    Of twins one is asked, drawn by lot, so that guessing scores one in the number of labels. Raises as `score` does.

    >>> from synthwright.run.endpoints import scripted
    >>> ladder(["bool_logic"], scripted("oracle"))[0].reached.censored
    'above D8'
    """
    unknown = [task for task in tasks if task not in TASKS]
    if unknown:
        raise ConfigError(f"Unknown task {unknown[0]!r}.", where="task", fix=f"use: {listing(TASKS)}")
    asked, style = asked or Asked(), style or Style()
    style = replace(style, order="random" if style.order == "all" else style.order, trace=False)
    ctx = Context(named_rng(seed, "ladder"), sinks=tuple(callbacks), stop=stop or Stop())
    hidden = f"{secret}|{seed}|ladder"
    form = [style.order, style.template_set, style.few_shot]
    run = {
        "job": "dyval ladder",
        "items": commitment(hidden),
        "style": form,
        "model": backend.model_id,
        **asked.facts(),
    }
    with CallLedger(ledger, [], run) as book:
        return [_climb(task, backend, book, ctx, (hidden, style, asked)) for task in tasks]


def _climb(task: str, backend: Backend, book: CallLedger, ctx: Context, how: tuple[str, Style, Asked]) -> Climb:
    secret, style, asked = how
    climb = Ladder(chance=chance_of(task))
    numbers = dict.fromkeys(LEVELS, 0)
    while not climb.is_done:
        level = climb.level
        block = []
        for index in range(numbers[level], numbers[level] + climb.block):
            block.append((f"{task}-{level}-{index}", _one_of(secret, (task, level), index, style)))
        numbers[level] += climb.block
        book.request([key for key, _ in block])
        requests = [asked.request(_question(one), key, f"{task} {level}", backend) for key, one in block]
        found = gather(book, requests, backend, ctx, stage=f"{task} {level}")
        climb.tell([judge(found[key].text, one["label"], task)[0] == "correct" for key, one in block])
    return Climb(task, climb.reached(), tuple(climb.history))


def _one_of(secret: str, cell: tuple[str, str], index: int, style: Style) -> dict[str, Any]:
    """One item of group `index`, drawn by lot among twins."""
    wish = Wish()
    twins = items(secret, cell, index, wish, style)
    place = Dice(item_seed(f"{secret}|lot", *cell, index)).below(len(twins))
    return record(twins[place], secret, wish, style, {})
