"""A backend without a model: replies are computed, and faults are planted at given rates.

What it replies depends on seed, purpose, row key, attempt and the text of the request alone: not on the order of the
requests, not on how many are asked at once, not on the process.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from synthwright.core.context import Context
from synthwright.core.errors import ConfigError, Problem, did_you_mean, listing
from synthwright.llm.meter import Meter, estimated_tokens
from synthwright.llm.protocol import Capability, Completion, Finish, Request, failed

FAULTS = ("wrong", "malformed", "refusal", "duplicate", "truncation", "echo", "exception", "slow")
Rates = Mapping[str, float]
_REFUSALS = (
    "I am sorry, but I cannot help with that.",
    "As an assistant I must decline this request.",
    "I can't answer that.",
)
_REPEATED = "This is the answer that I give to everybody."


class ScriptedBackend:
    """Computes replies, and spoils some of them.

    reply: the right reply to a request. rates: share of the requests for each fault of FAULTS, or a function from the
    request to such shares. wrong: the reply of the fault "wrong"; needed for that fault only.
    truth: (row_key, attempt) -> the fault that was planted, "" for none; for tests, which know what must be found.

    >>> from synthwright.core.seeds import fit_sequence
    >>> backend = ScriptedBackend(lambda request: "yes", rates={"refusal": 0.5}, seed=4)
    >>> requests = [Request((("user", "Is it?"),), row_key=str(i)) for i in range(4)]
    >>> replies = [one.text for one in backend.generate(requests, Context.on(fit_sequence(0)))]
    >>> [text == "yes" for text in replies] == [backend.truth[one.row_key, 0] == "" for one in requests]
    True
    """

    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        ("chat", "raw_completion", "seed", "stop_strings", "usage")
    )

    def __init__(
        self,
        reply: Callable[[Request], str],
        *,
        wrong: Callable[[Request], str] | None = None,
        rates: Rates | Callable[[Request], Rates] | None = None,
        seed: int = 0,
        slow_seconds: float = 0.05,
        meter: Meter | None = None,
        model_id: str = "scripted",
    ) -> None:
        self.model_id = model_id
        self.truth: dict[tuple[str, int], str] = {}
        self.meter = meter or Meter()
        self._reply, self._wrong, self._rates = reply, wrong, rates or {}
        self._seed, self._slow_seconds = seed, slow_seconds
        self._lock = threading.Lock()
        if not callable(self._rates):
            self._checked(self._rates)

    def _checked(self, rates: Rates) -> Rates:
        unknown = [name for name in rates if name not in FAULTS]
        if unknown:
            raise ConfigError(
                f"Unknown fault {unknown[0]!r}.{did_you_mean(unknown[0], FAULTS)}",
                where="rates",
                fix=f"use: {listing(FAULTS)}",
            )
        if any(not 0 <= rate <= 1 for rate in rates.values()) or sum(rates.values()) > 1 + 1e-9:
            raise ConfigError(f"Rates are shares that add up to at most 1, not {dict(rates)}.", where="rates")
        if rates.get("wrong") and self._wrong is None:
            raise ConfigError("The fault 'wrong' needs to know a wrong reply.", where="rates", fix="give wrong=")
        return rates

    def generate(self, requests: Sequence[Request], ctx: Context) -> Iterator[Completion]:
        """One completion for each request, in their order."""
        for request in requests:
            if ctx.cancelled():
                return
            yield self._answered(request)

    def close(self) -> None:
        """Nothing is open."""

    def _answered(self, request: Request) -> Completion:
        ticket, problem = self.meter.reserve(request)
        if problem is not None:
            return failed(request, problem, model_id=self.model_id, n_calls=0)
        fault = self._fault(request)
        with self._lock:
            self.truth[request.row_key, request.attempt] = fault
        if fault == "slow":
            time.sleep(self._slow_seconds)
        if fault == "exception":
            completion = failed(
                request, Problem("A failure was planted here.", "scripted", code="Transient"), model_id=self.model_id
            )
            self.meter.settle(ticket, None)
            return completion
        text, finish = self._text(request, fault)
        sent = request.prompt or "".join(content for _, content in request.messages)
        completion = Completion(
            request.row_key,
            request.attempt,
            text,
            finish,
            self.model_id,
            estimated_tokens(sent),
            estimated_tokens(text),
            is_estimated=True,
        )
        self.meter.settle(ticket, completion)
        return completion

    def _fault(self, request: Request) -> str:
        rates = self._checked(self._rates(request)) if callable(self._rates) else self._rates
        left = share_of(self._seed, request, "fault")
        for name in FAULTS:
            left -= rates.get(name, 0.0)
            if left < 0:
                return name
        return ""

    def _text(self, request: Request, fault: str) -> tuple[str, Finish]:
        if fault == "wrong" and self._wrong is not None:
            return self._wrong(request), "stop"
        if fault == "refusal":
            return _REFUSALS[int(share_of(self._seed, request, "refusal") * len(_REFUSALS))], "stop"
        if fault == "duplicate":
            return _REPEATED, "stop"
        if fault == "echo":
            return request.prompt or request.messages[-1][1], "stop"
        right = self._reply(request)
        if fault == "malformed":
            return '{"answer": "' + right[: max(1, len(right) // 2)], "stop"
        if fault == "truncation":
            return right[: len(right) // 2], "length"
        return right, "stop"


def share_of(seed: int, request: Request, what: str) -> float:
    """A number in [0, 1) that depends on seed, purpose, row key, attempt and what is sent, for one decision `what`."""
    parts = (seed, request.purpose, request.row_key, request.attempt, request.digest, what)
    digest = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
