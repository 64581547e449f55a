"""Questions put to a backend, replies written down as they come: stopped at any time, it goes on with the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from synthwright.core.context import Context
from synthwright.core.errors import BackendError, BadReply, Cancelled, Problem, RateLimited, RunIncomplete
from synthwright.llm.ledger import CallLedger
from synthwright.llm.protocol import Backend, Completion, Request, answers

# Failures that no other request will be spared.
_HOPELESS = ("AuthFailed", "QuotaExhausted", "BadRequest", "NoJson")
_NOT_ASKED = ("BudgetExceeded", "Stopped")
_FIRST_FAILURES, _ENOUGH, _SHARE = 3, 50, 0.5


@dataclass(frozen=True)
class Asked:
    """How requests are sent. temperature 0 asks for the likeliest reply; seed is sent where the backend takes one."""

    max_tokens: int = 2048
    temperature: float = 0.0
    seed: int | None = None

    def request(self, messages: Sequence[tuple[str, str]], row_key: str, purpose: str, backend: Backend) -> Request:
        """One request with these settings."""
        seed = self.seed if "seed" in backend.capabilities else None
        return Request(
            tuple(messages),
            row_key=row_key,
            purpose=purpose,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            seed=seed,
        )

    def facts(self) -> dict[str, Any]:
        """What a ledger compares before it goes on."""
        return {"max_tokens": self.max_tokens, "temperature": self.temperature, "seed": self.seed}


def gather(
    ledger: CallLedger, requests: Sequence[Request], backend: Backend, ctx: Context, *, stage: str = "asking"
) -> dict[str, Completion]:
    """Replies by row key, those of earlier runs from the ledger. Every request is answered when this returns.

    Raises BackendError, RateLimited, BadReply when asking on is hopeless, RunIncomplete with the counts when some
    requests failed or a limit was reached, Cancelled. What has come is in the ledger then.
    """
    try:
        return _gathered(ledger, requests, backend, ctx, stage)
    except Cancelled as error:
        raise Cancelled(error.what, where=error.where, fix=error.fix or _way_on(ledger)) from error


def _gathered(
    ledger: CallLedger, requests: Sequence[Request], backend: Backend, ctx: Context, stage: str
) -> dict[str, Completion]:
    waiting = set(ledger.pending())
    todo = [one for one in requests if one.row_key in waiting]
    done = len(requests) - len(todo)
    problems: list[Problem] = []
    answered = 0
    with closing(answers(backend, todo, ctx)) as arriving:
        for completion in arriving:
            if completion.error is None:
                ledger.record(completion.row_key, "accepted", completion.to_json())
                answered += 1
            else:
                problems.append(completion.error)
                if completion.error.code not in _NOT_ASKED:
                    ledger.record(completion.row_key, "failed", completion.to_json())
                _check_hope(problems, answered)
            try:
                ctx.step(done + answered, len(requests), stage)
            except Cancelled:
                if not ctx.cancelled():
                    raise  # a sink's own wish; at that of the user what is under way still arrives, and is kept
    if problems:
        ctx.step(done + answered, len(requests), stage)  # raises Cancelled when that is the reason
        raise _incomplete(problems, ledger)
    kept = ledger.rows("accepted")
    return {one.row_key: Completion.from_json(kept[one.row_key]) for one in requests}


def _check_hope(problems: Sequence[Problem], answered: int) -> None:
    last, n = problems[-1], len(problems)
    tried = sum(one.code not in _NOT_ASKED for one in problems)
    nothing_works = not answered and (last.code in _HOPELESS or tried >= _FIRST_FAILURES)
    if nothing_works or last.code in ("AuthFailed", "QuotaExhausted"):
        raise error_of(last)
    if n + answered >= _ENOUGH and tried > _SHARE * (n + answered):
        raise error_of(last, f"{tried} of {n + answered} requests failed. The last: ")


def error_of(problem: Problem, before: str = "") -> BackendError:
    """A problem of a completion as an error."""
    kind = {"RateLimited": RateLimited, "BadReply": BadReply, "NoJson": BadReply}.get(problem.code, BackendError)
    return kind(before + problem.what, where=problem.where, fix=problem.fix)


def _way_on(ledger: CallLedger) -> str:
    if ledger.path:
        return "run the same command again: only what is missing is asked"
    return "name a file with --out or --ledger, so that replies are kept for the next try"


def _incomplete(problems: Sequence[Problem], ledger: CallLedger) -> RunIncomplete:
    counts = ledger.counts
    kinds = ", ".join(f"{code} {n}" for code, n in Counter(one.code for one in problems).most_common())
    fix = _way_on(ledger)
    limit = next((one for one in problems if one.code == "BudgetExceeded"), None)
    if limit is not None:
        fix = f"{limit.fix}: {fix}"
    return RunIncomplete(
        f"{counts.accepted:,} of {counts.requested:,} requests are answered, {counts.failed:,} failed, "
        f"{counts.pending:,} are pending ({kinds}). The first problem: {problems[0].what}",
        where=problems[0].where,
        fix=fix,
    )
