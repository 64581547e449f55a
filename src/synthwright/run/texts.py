"""Put the items of a corpus to a model, score what it answers, and find the level it reaches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthwright.core.context import Context, Stop
from synthwright.core.errors import BackendError, Cancelled, ConfigError, DataError, ReadError, RunIncomplete, listing
from synthwright.core.progress import Event
from synthwright.core.seeds import named_rng
from synthwright.data.corpus import Corpus
from synthwright.llm.http import HttpBackend
from synthwright.llm.ledger import CallLedger
from synthwright.llm.protocol import Backend, Completion, Request, answers, ask
from synthwright.llm.scripted import ScriptedBackend
from synthwright.reasoning.answers import judge
from synthwright.reasoning.grammar import parse
from synthwright.reasoning.items import Style, items, oracle, record
from synthwright.reasoning.ladder import Ladder, Reached
from synthwright.reasoning.levels import LABELS, NOT_KNOWN, TASKS
from synthwright.reasoning.sampling import Wish
from synthwright.reasoning.scoring import Breakdown, score

_FAILED_MOST, _FAILED_SHARE = 50, 0.5  # a run stops when more than so many rows and this share of them failed


@dataclass(frozen=True)
class Answered:
    """A corpus with its replies, and where every row is: requested = accepted + rejected + failed + pending."""

    corpus: Corpus
    counts: Mapping[str, int]


def answer(
    corpus: Corpus,
    backend: Backend,
    *,
    ledger: str | Path,
    max_tokens: int = 512,
    seed: int = 0,
    callbacks: Sequence[Callable[[Event], None]] = (),
    stop: Stop | None = None,
) -> Answered:
    """Ask every item, except those that the ledger file holds already, and attach the replies.

    Raises Cancelled (what was answered is kept), RunIncomplete when rows failed, BackendError when most rows fail.
    """
    records = corpus.records()
    run = {"model": backend.model_id, "items": corpus.fingerprint(), "max_tokens": max_tokens, "seed": seed}
    by_key = {str(one["id"]): one for one in records}
    ctx = Context(named_rng(seed, "answers"), sinks=tuple(callbacks), stop=stop or Stop())
    with CallLedger(ledger, list(by_key), run) as book:
        left = book.pending()
        done = len(records) - len(left)
        ctx.step(done, len(records), "asking")
        requests = [_request(by_key[key], key, max_tokens, seed, backend) for key in left]
        try:
            for completion in answers(backend, requests, ctx):
                book.record(completion.row_key, "failed" if completion.error else "accepted", completion.to_json())
                done += 1
                ctx.step(done, len(records), "asking")
                _check_failures(book, completion)
        except Cancelled as error:
            raise Cancelled(error.what, where=str(ledger), fix="run the same command again to go on") from error
        counts = book.counts
        if counts.accepted < counts.requested:
            raise RunIncomplete(
                f"{counts.accepted:,} of {counts.requested:,} items were answered, {counts.failed:,} failed: "
                f"{_first_error(book)}",
                where=str(ledger),
                fix="run the same command again: what was answered is kept",
            )
        found = book.rows("accepted")
    replies = [str(found[str(one["id"])].get("text", "")) for one in records]
    return Answered(with_replies(corpus, replies, backend.model_id), counts.to_json())


def _request(one: Mapping[str, Any], key: str, max_tokens: int, seed: int, backend: Backend) -> Request:
    return Request(
        messages=tuple((m["role"], m["content"]) for m in _without_reply(one["messages"])),
        max_tokens=max_tokens,
        seed=seed if "seed" in backend.capabilities else None,
        row_key=key,
    )


def _without_reply(found: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The messages up to the last one of the user: reasoning that is kept for training is not shown."""
    last = max(i for i, message in enumerate(found) if message["role"] == "user")
    return list(found[: last + 1])


def _check_failures(book: CallLedger, completion: Completion) -> None:
    counts = book.counts if completion.error else None
    if counts and counts.failed > _FAILED_MOST and counts.failed > _FAILED_SHARE * (counts.accepted + counts.failed):
        raise BackendError(
            f"{counts.failed:,} items failed; the last: {completion.error}",
            where="backend",
            fix="look at the endpoint, then run the same command again",
        )


def _first_error(book: CallLedger) -> str:
    return next((str(row["error"]["what"]) for row in book.rows("failed").values()), "no error")


def with_replies(corpus: Corpus, replies: Sequence[str | None], model: str) -> Corpus:
    """The corpus with a reply and its outcome in the scores of every record."""
    made = []
    for one, reply in zip(corpus.records(), replies, strict=True):
        outcome, is_loose = judge(reply, str(one["label"]), str(one["task"]))
        scores = {"reply": reply, "outcome": outcome, "loose": is_loose, "model": model}
        made.append({**{k: v for k, v in one.items() if k not in ("id", "instruction", "response")}, "scores": scores})
    return corpus.with_records(made)


def breakdown(corpus: Corpus, *, by: Sequence[str] = ("task", "level")) -> Breakdown:
    """Accuracy of the replies that a corpus holds. Raises DataError when some records hold none."""
    records = corpus.records()
    silent = [one["id"] for one in records if "reply" not in (one.get("scores") or {})]
    if silent:
        raise DataError(
            f"{len(silent):,} of {len(records):,} records hold no reply.",
            where=f"record {silent[0]}",
            fix="ask a model first: synthwright text dyval score FILE --backend ...",
        )
    return score(records, [one["scores"]["reply"] for one in records], by=by)


def read_predictions(path: str | Path, corpus: Corpus) -> list[str | None]:
    """Replies by id from JSON lines {"id": ..., "reply": ...}. Raises ReadError, DataError for wrong ids."""
    found: dict[str, str | None] = {}
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"Cannot be read: {error}", where=str(path), fix="name a file of JSON lines") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            one = json.loads(line)
            key = next(key for key in ("reply", "prediction", "answer", "text") if key in one)
            found[str(one["id"])] = None if one[key] is None else str(one[key])
        except (ValueError, KeyError, StopIteration, TypeError):
            raise ReadError(
                "A line is no prediction.", where=f"{path}:{number}", fix='write {"id": "...", "reply": "..."}'
            ) from None
    ids = corpus.arrow.column("id").to_pylist()
    unknown, absent = [one for one in found if one not in set(ids)], [one for one in ids if one not in found]
    if unknown or absent:
        what = f"{len(absent)} items have no prediction" if absent else f"{len(unknown)} ids are unknown"
        raise DataError(f"{what}: {listing((absent or unknown)[:3])}.", where=str(path), fix="predict every item once")
    return [found[one] for one in ids]


def climb(
    task: str,
    backend: Backend,
    *,
    secret: str = "",
    balance: str = "twin",
    max_tokens: int = 512,
    callbacks: Sequence[Callable[[Event], None]] = (),
    stop: Stop | None = None,
) -> Reached:
    """The level that a model reaches at a task, by a ladder of up to 120 items. Raises BackendError, Cancelled."""
    labels = LABELS[task]
    ladder = Ladder(chance=1 / len(labels) if labels else 0.0)
    ctx = Context(named_rng(0, "ladder"), sinks=tuple(callbacks), stop=stop or Stop())
    wish, style = Wish(balance), Style()
    turn = 0
    while not ladder.is_done:
        ctx.step(sum(n for _, n, _ in ladder.history), 120, f"climbing, level {ladder.level}")
        records: list[dict[str, Any]] = []
        while len(records) < ladder.block:  # one of each group of twins, so that no pair gives an answer away
            twins = items(f"{secret}|ladder", (task, ladder.level), turn, wish, style)
            one = twins[int(hashlib.sha256(f"{turn}".encode()).hexdigest(), 16) % len(twins)]
            records.append(record(one, secret, wish, style, {}))
            turn += 1
        requests = [
            Request(
                messages=tuple((m["role"], m["content"]) for m in one["messages"]),
                max_tokens=max_tokens,
                row_key=f"{turn}-{i}",
            )
            for i, one in enumerate(records)
        ]
        found = ask(backend, requests, ctx)
        if broken := next((one.error for one in found if one.error), None):
            raise BackendError(broken.what, where=broken.where, fix=broken.fix)
        ladder.tell([judge(c.text, r["label"], task)[0] == "correct" for c, r in zip(found, records, strict=True)])
    return ladder.reached()


def backend_of(
    text: str, *, model: str = "", key_env: str = "", options: Mapping[str, Any] | None = None, seed: int = 0
) -> Backend:
    """A backend from the command line: an http(s) address, or `scripted:right=0.8` (or `scripted:step_error=0.03`).

    scripted: right is the share of items answered right; step_error the chance of a slip at every statement.
    Raises ConfigError.
    """
    if text.startswith(("http://", "https://")):
        if not model:
            raise ConfigError("The endpoint needs the name of a model.", where="--model", fix="add --model NAME")
        return HttpBackend(text, model, key_env=key_env, **dict(options or {}))
    name, _, rest = text.partition(":")
    settings = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
    if name != "scripted" or set(settings) - {"right", "step_error"} or (rest and not settings):
        raise ConfigError(
            f"Unknown backend {text!r}.", where="--backend", fix="use http://HOST/v1, scripted, or scripted:right=0.8"
        )
    try:
        shares = {key: float(value) for key, value in settings.items()}
    except ValueError:
        raise ConfigError(f"{rest!r} holds no numbers.", where="--backend", fix="use scripted:right=0.8") from None
    if any(not 0 <= value <= 1 for value in shares.values()):
        raise ConfigError(f"{rest!r} is no share.", where="--backend", fix="use a number from 0 to 1")
    if "step_error" in shares:
        return ScriptedBackend(_slipping(shares["step_error"], seed), seed=seed, model_id=text)
    rates = {"wrong": 1 - shares.get("right", 1.0)}
    return ScriptedBackend(_solved, wrong=_missed, rates=rates, seed=seed, model_id=text)


def _task_of(request: Request) -> dict[str, Any]:
    """The record that a request shows: the task is the one whose question the text asks."""
    text = request.messages[-1][1]
    for task in TASKS:
        try:
            puzzle = parse(text, task)
        except DataError:
            continue
        messages = [{"role": role, "content": content} for role, content in request.messages]
        return {"task": task, "messages": messages, "size": len(puzzle.statements)}
    raise DataError("The text is no item of DyVal.", where="scripted backend", fix="score items made by dyval")


def _solved(request: Request) -> str:
    return oracle(_task_of(request))


def _missed(request: Request) -> str:
    """A wrong answer of the right kind."""
    one = _task_of(request)
    right = oracle(one).strip("<>")
    labels = LABELS[str(one["task"])]
    if labels is not None:
        others = [label for label in (*labels, NOT_KNOWN) if label != right]
        return f"<<<{others[0]}>>>"
    return "<<<12345.678>>>" if one["task"] != "linear_equation" else "<<<x = 12345.678, y = -12345.678>>>"


def _slipping(step_error: float, seed: int) -> Callable[[Request], str]:
    """Right when no statement was misread: (1 - step_error) to the number of statements."""

    def reply(request: Request) -> str:
        one = _task_of(request)
        digest = hashlib.sha256(f"{seed}|{request.row_key}|{request.messages[-1][1]}".encode()).digest()
        draw = int.from_bytes(digest[:8], "big") / 2**64
        return oracle(one) if draw < (1 - step_error) ** one["size"] else _missed(request)

    return reply
