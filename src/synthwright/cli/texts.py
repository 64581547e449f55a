"""Bodies of the verbs about texts: text dyval make, score, ladder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthwright.cli.console import Output, table
from synthwright.core.config import parse_assignments
from synthwright.core.errors import ConfigError

if TYPE_CHECKING:
    from synthwright.data.corpus import Corpus
    from synthwright.llm.protocol import Backend
    from synthwright.reasoning.scoring import Breakdown


@dataclass(frozen=True)
class BackendOptions:
    """Which model is asked."""

    backend: str = ""
    model: str = ""
    key_env: str = ""
    max_tokens: int = 512
    seed: int = 0

    def open(self) -> Backend:
        """The backend. Raises ConfigError."""
        from synthwright.run.texts import backend_of

        if not self.backend:
            raise ConfigError("No backend is named.", where="--backend", fix="use http://HOST/v1 or scripted:right=0.8")
        return backend_of(self.backend, model=self.model, key_env=self.key_env, seed=self.seed)


def make(set_: Sequence[str], *, task: str, level: str, n: int, out: str, seed: int, output: Output) -> None:
    """Make n items of every task and level, and write them as one corpus."""
    from synthwright.data.corpus import Corpus
    from synthwright.generators.base import Generator
    from synthwright.io.dispatch import write
    from synthwright.reasoning.levels import parse_levels, parse_tasks

    options = parse_assignments(set_)
    cells = [(one, size) for one in parse_tasks(task) for size in parse_levels(level)]
    models = [
        Generator.create("dyval", **{**options, "task": one, "level": size}).fit(seed=seed) for one, size in cells
    ]
    for model in models:
        model.check_capacity(n)
    parts = []
    with output.work() as (sink, stop):
        for model in models:
            parts.append(model.sample(n, seed=seed, callbacks=[sink], stop=stop))
    corpus = Corpus.concat(parts)
    written = str(write(corpus, out))
    if written != "-":
        text = f"{len(corpus):,} items ({len(cells)} tasks and levels, {n:,} each) written to {written}"
        output.emit({"items": len(corpus), "cells": [list(cell) for cell in cells], "written": written}, text)


def score(source: str, asked: BackendOptions, *, preds: str, out: str, ledger: str, output: Output) -> None:
    """Score predictions, or the replies of a backend."""
    from synthwright.io.dispatch import write
    from synthwright.run.texts import answer, breakdown, read_predictions, with_replies

    corpus = _corpus(source)
    if bool(preds) == bool(asked.backend):
        raise ConfigError("Give --preds or --backend, one of the two.", where="score", fix="add --preds FILE")
    if preds:
        answered = with_replies(corpus, read_predictions(preds, corpus), preds)
    else:
        backend = asked.open()
        book = ledger or f"{source}.answers.jsonl"
        with output.work() as (sink, stop):
            done = answer(
                corpus,
                backend,
                ledger=book,
                max_tokens=asked.max_tokens,
                seed=asked.seed,
                callbacks=[sink],
                stop=stop,
            )
        answered = done.corpus
    found = breakdown(answered)
    if out:
        _written(answered, out, write)
    output.emit({**found.to_json(), "written": out or None}, lambda: _score_text(found, out))


def _written(answered: Corpus, out: str, write: Any) -> None:
    if out.endswith((".html", ".json", ".md", ".txt")):
        from synthwright.evaluate.runner import evaluate

        evaluate(answered).save(out)
    else:
        write(answered, out)


def _corpus(source: str) -> Any:
    from synthwright.io.dispatch import read

    if not Path(source).exists():
        raise ConfigError(
            "There is no such file.", where=source, fix="make one: synthwright text dyval make --out FILE"
        )
    return read(source, modality="text")


def _score_text(found: Breakdown, out: str) -> str:
    head = ("task", "level", "items", "accuracy", "95 % interval", "chance", "above chance")
    rows = [
        (
            cell.key["task"],
            cell.key["level"],
            f"{cell.n:,}",
            f"{cell.accuracy:.3f}",
            f"{cell.low:.3f} to {cell.high:.3f}",
            f"{cell.chance:.2f}",
            f"{cell.corrected:.3f}",
        )
        for cell in found.cells
    ]
    total = found.total
    lines = [table(head, rows), ""]
    outcomes = ", ".join(f"{n:,} {name}" for name, n in total.outcomes.items() if n)
    lines.append(f"{total.n:,} items: accuracy {total.accuracy:.3f} ({total.low:.3f} to {total.high:.3f}); {outcomes}")
    if found.loose:
        lines.append(f"{found.loose:,} answers did not stand in <<<...>>> and were searched for.")
    if found.orders:
        first, second = found.orders["orders"]
        lines.append(
            f"Order of the statements: {first} and {second} differ by {found.orders['difference']:.3f} "
            f"on {found.orders['puzzles']:,} equal puzzles (p = {found.orders['p']:.3f})."
        )
    if out:
        lines.append(f"Written to {out}")
    return "\n".join(lines)


def ladder(task: str, asked: BackendOptions, *, secret: str, output: Output) -> None:
    """Find the level that a backend reaches at each task."""
    from synthwright.reasoning.levels import parse_tasks
    from synthwright.run.texts import climb

    backend, found = asked.open(), {}
    with output.work() as (sink, stop):
        for one in parse_tasks(task):
            found[one] = climb(one, backend, secret=secret, max_tokens=asked.max_tokens, callbacks=[sink], stop=stop)
    head = ("task", "level reached", "95 % interval", "items", "")
    rows = [
        (name, f"{one.theta:.2f}", f"{one.low:.2f} to {one.high:.2f}", f"{one.items}", one.censored)
        for name, one in found.items()
    ]
    output.emit({name: one.to_json() for name, one in found.items()}, lambda: table(head, rows))
