"""Bodies of the verbs about DyVal: make, score, ladder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthwright.cli.console import Output, table
from synthwright.core.config import parse_assignments
from synthwright.core.errors import ConfigError, listing
from synthwright.core.registry import RENDERERS

if TYPE_CHECKING:
    from synthwright.llm.protocol import Backend
    from synthwright.reasoning.items import Style
    from synthwright.reasoning.scoring import Breakdown, Cell
    from synthwright.run.asking import Asked
    from synthwright.run.dyval import Climb, Scored

_ITEMS = (".jsonl", ".parquet", ".arrow")
_BY = ("task", "level", "order", "template_set")


@dataclass(frozen=True)
class MakeOptions:
    """Which items are wanted."""

    task: str
    level: str
    order: str
    template_set: str
    secret_env: str
    set_: Sequence[str]
    seed: int
    balance: str = "twin"

    def options(self) -> dict[str, Any]:
        """Options of the generator; `--set` wins."""
        number: int | str = int(self.template_set) if self.template_set.isdecimal() else self.template_set
        found = {"task": self.task, "level": self.level, "order": self.order, "template_set": number}
        return {**found, "balance": self.balance, "secret": self.secret(), **parse_assignments(self.set_)}

    def secret(self) -> str:
        """The key of the item seeds. Raises ConfigError."""
        if not self.secret_env:
            return ""
        found = os.environ.get(self.secret_env, "")
        if not found:
            raise ConfigError(
                f"The environment variable {self.secret_env!r} is not set.", where="--secret-env", fix="export it first"
            )
        return found


@dataclass(frozen=True)
class ScoreOptions:
    """What `score` was asked for beside the backend."""

    preds: str
    out: Sequence[str]
    by: str

    def check(self) -> None:
        """Refuse what cannot be written before minutes of work, not after. Raises ConfigError."""
        for path in self.out:
            if not path.endswith((*RENDERERS, *_ITEMS)):
                known = listing((*_ITEMS, *RENDERERS))
                raise ConfigError(f"Cannot write {path!r}.", where="--out", fix=f"end the name in one of: {known}")

    def keys(self) -> tuple[str, ...]:
        """By what the score is broken down. Raises ConfigError."""
        found = tuple(part.strip() for part in self.by.split(",") if part.strip())
        if not found or any(name not in _BY for name in found):
            raise ConfigError(f"Cannot break the score down by {self.by!r}.", where="--by", fix=f"use: {listing(_BY)}")
        return found


@dataclass(frozen=True)
class AskOptions:
    """Whom to ask, and how."""

    backend: str
    model: str
    key_env: str
    ledger: str
    cache: str
    concurrency: int
    timeout: float
    max_tokens: int
    temperature: float
    max_calls: int
    seed: int

    def open(self) -> Backend:
        """The backend. Raises ConfigError, MissingExtra."""
        from synthwright.llm.http import Patience
        from synthwright.llm.meter import Limits, Meter
        from synthwright.run.endpoints import Endpoint

        patience = Patience(timeout=self.timeout)
        where = Endpoint(self.backend, self.model, self.key_env, self.concurrency, patience, self.cache)
        return where.open(Meter(Limits(max_calls=self.max_calls or None)), seed=self.seed)

    def asked(self) -> Asked:
        """How each request is sent; a seed only where replies are drawn."""
        from synthwright.run.asking import Asked

        return Asked(self.max_tokens, self.temperature, self.seed if self.temperature else None)


def make(out: str, n: int, options: MakeOptions, output: Output) -> None:
    """Make items and write them."""
    from synthwright.generators.base import Generator
    from synthwright.io.dispatch import write_parts
    from synthwright.reasoning.levels import parse_levels, parse_tasks

    chosen = options.options()
    model: Any = Generator.create("dyval", **chosen)
    model.fit(seed=options.seed)
    with output.work() as (sink, stop):
        written = str(write_parts(model.sample_parts(n, seed=options.seed, callbacks=[sink], stop=stop), out))
    if written == "-":
        return
    tasks, levels = parse_tasks(model.config.task), parse_levels(model.config.level)
    notes = [str(note) for note in model.notes]
    lines = [f"{n:,} items of {len(tasks)} tasks at {len(levels)} levels written to {written}", *notes]
    document = {"rows": n, "written": written, "tasks": list(tasks), "levels": list(levels), "notes": notes}
    output.emit(document, "\n".join(lines))


def score(items: str, options: ScoreOptions, asking: AskOptions, output: Output) -> None:
    """Score replies from a file or from a backend."""
    from synthwright.io.dispatch import read

    _check_source(options, asking)
    options.check()
    corpus, by = read(items, modality="text"), options.keys()
    found = _from_file(corpus, options, by) if options.preds else _from_backend(corpus, options, asking, by, output)
    _write(found, options.out)
    output.emit({**found.to_json(), "written": list(options.out)}, lambda: _score_page(found, by, options.out))


def _write(found: Scored, paths: Sequence[str]) -> None:
    from synthwright.evaluate.runner import evaluate
    from synthwright.io.dispatch import write

    reports = [path for path in paths if path.endswith(tuple(RENDERERS))]
    for path in paths:
        if path not in reports:
            write(found.corpus, path)
    if reports:
        report = evaluate(found.corpus)
        for path in reports:
            report.save(path)


def _check_source(options: ScoreOptions, asking: AskOptions) -> None:
    if bool(options.preds) == bool(asking.backend):
        what = "Replies come from a file or from a backend: " + ("both" if options.preds else "neither") + " was given."
        raise ConfigError(what, where="score", fix="give --preds FILE, or --backend URL --model NAME")
    if options.preds:
        given = [
            name
            for name, value in (
                ("--model", asking.model),
                ("--key-env", asking.key_env),
                ("--ledger", asking.ledger),
                ("--cache", asking.cache),
                ("--max-calls", asking.max_calls),
            )
            if value
        ]
        if given:
            raise ConfigError(
                f"{listing(given)} belong to a backend, and --preds asks none.", where="score", fix="leave them out"
            )


def _from_file(corpus: Any, options: ScoreOptions, by: Sequence[str]) -> Scored:
    from synthwright.run.dyval import score_file

    return score_file(corpus, options.preds, by=by)


def _from_backend(corpus: Any, options: ScoreOptions, asking: AskOptions, by: Sequence[str], output: Output) -> Scored:
    from synthwright.run.dyval import score as ask_and_score

    ledger = asking.ledger or (f"{options.out[0]}.ledger" if options.out else None)
    if ledger in options.out or (asking.cache and asking.cache in (ledger, *options.out)):
        raise ConfigError(
            "One file cannot hold two of results, ledger and cache.", where="score", fix="name a file for each"
        )
    backend = asking.open()
    try:
        with output.work() as (sink, stop):
            return ask_and_score(
                corpus, backend, asked=asking.asked(), ledger=ledger, by=by, callbacks=[sink], stop=stop
            )
    finally:
        backend.close()


def ladder(options: MakeOptions, asking: AskOptions, output: Output) -> None:
    """Climb one task or all."""
    from synthwright.reasoning.levels import parse_tasks
    from synthwright.run.dyval import ladder as climb

    tasks = parse_tasks(options.task)
    style = _style(options)
    backend = asking.open()
    try:
        with output.work() as (sink, stop):
            found = climb(
                tasks,
                backend,
                seed=options.seed,
                secret=options.secret(),
                style=style,
                asked=asking.asked(),
                ledger=asking.ledger or None,
                callbacks=[sink],
                stop=stop,
            )
    finally:
        backend.close()
    document = {"model": backend.model_id, "tasks": [one.to_json() for one in found]}
    output.emit(document, lambda: _ladder_page(found))


def _style(options: MakeOptions) -> Style:
    """The wording and order of the items, checked as the generator checks them. Raises ConfigError."""
    from synthwright.generators.base import Generator
    from synthwright.reasoning.items import Style

    config = Generator.create("dyval", **options.options()).config
    if config.order == "all":
        raise ConfigError("A ladder asks each item once.", where="--order", fix="use topological, reversed or random")
    return Style(config.order, None if config.template_set == "mixed" else config.template_set)


def _score_page(found: Scored, by: Sequence[str], out: Sequence[str]) -> str:
    breakdown: Breakdown = found.breakdown
    head = [*by, "items", "right", "95 % interval", "above chance", "abstained", "hallucinated", "unparsed"]
    rows = [_cells(cell, by) for cell in (*breakdown.cells, breakdown.total)]
    lines = [table(head, rows)]
    if breakdown.loose:
        lines.append(f"{breakdown.loose} answers were not in the form that was asked for and had to be searched for.")
    if breakdown.orders:
        one = breakdown.orders
        lines.append(
            f"Order matters by {one['difference']:.1%} at most ({' against '.join(one['orders'])}, "
            f"{one['puzzles']} puzzles, McNemar p = {one['p']:.2g})."
        )
    if found.spent:
        spent, about = found.spent, "about " if found.spent["tokens_are_estimated"] else ""
        tokens = f"{about}{spent['tokens_in']:,} tokens sent, {spent['tokens_out']:,} received"
        lines.append(f"{spent['calls']:,} calls, {tokens}; {spent['from_cache']:,} from the cache.")
    lines += [str(note) for note in found.notes]
    lines += [f"Written: {path}" for path in out]
    return "\n".join(lines)


def _cells(cell: Cell, by: Sequence[str]) -> tuple[str, ...]:
    key = [cell.key.get(name, "all" if i == 0 else "") for i, name in enumerate(by)]
    shares = [cell.outcomes[name] for name in ("abstained", "hallucinated", "unparsed")]
    return (
        *key,
        f"{cell.n:,}",
        f"{cell.accuracy:.1%}",
        f"{cell.low:.1%} to {cell.high:.1%}",
        f"{cell.corrected:.1%}",
        *(str(one) for one in shares),
    )


def _ladder_page(found: Sequence[Climb]) -> str:
    rows = []
    for one in found:
        reached = one.reached
        level = reached.censored or f"{reached.theta:.1f}"
        rows.append((one.task, level, f"{reached.low:.1f} to {reached.high:.1f}", reached.items, len(one.history)))
    page = table(("task", "level", "95 % interval", "items", "blocks"), rows)
    return f"{page}\nlevel: where half of what lies above guessing is right (1 is D1, 8 is D8)."
