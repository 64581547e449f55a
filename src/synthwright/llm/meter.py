"""Calls, tokens and money: counted after each call, checked against the limits before it."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from synthwright.core.errors import Problem
from synthwright.llm.protocol import Completion, Request

_LETTERS_PER_TOKEN = 3  # few, so that the estimate before a call is rather too high


@dataclass(frozen=True)
class Limits:
    """What may be spent; None is no limit. Prices: money for a million tokens sent and received, given by the user."""

    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    price_in: float = 0.0
    price_out: float = 0.0


@dataclass
class Meter:
    """What was spent, safe across threads. A call is reserved with its worst case and settled with what it took."""

    limits: Limits = field(default_factory=Limits)
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    is_estimated: bool = False
    _reserved: dict[int, tuple[int, int]] = field(default_factory=dict)
    _number: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reserve(self, request: Request) -> tuple[int, Problem | None]:
        """A ticket for one call, and None; or why the call could exceed a limit."""
        with self._lock:
            ahead = (estimated_tokens(_sent(request)), request.max_tokens)
            problem = self._beyond(ahead)
            if problem is None:
                self._number += 1
                self._reserved[self._number] = ahead
                self.calls += 1
            return self._number, problem

    def settle(self, ticket: int, completion: Completion | None) -> None:
        """Exchange the reservation for what the call took; None: it failed and its tokens are unknown."""
        with self._lock:
            self._reserved.pop(ticket)
            if completion is not None:
                self.tokens_in += completion.n_prompt_tokens
                self.tokens_out += completion.n_new_tokens
                self.is_estimated |= completion.is_estimated

    def _beyond(self, ahead: tuple[int, int]) -> Problem | None:
        limits = self.limits
        tokens_in = self.tokens_in + sum(one for one, _ in self._reserved.values()) + ahead[0]
        tokens_out = self.tokens_out + sum(one for _, one in self._reserved.values()) + ahead[1]
        spent = {
            "calls": (self.calls + 1, limits.max_calls),
            "tokens": (tokens_in + tokens_out, limits.max_tokens),
            "cost": (self._price(tokens_in, tokens_out), limits.max_cost),
        }
        for name, (amount, most) in spent.items():
            if most is not None and amount > most:
                what = f"The next call could bring {name} to {amount:,.6g}; the limit is {most:,.6g}."
                return Problem(what, f"max_{name}", f"raise max_{name}, and go on", "BudgetExceeded")
        return None

    def _price(self, tokens_in: int, tokens_out: int) -> float:
        return (tokens_in * self.limits.price_in + tokens_out * self.limits.price_out) / 1e6

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document of what was spent."""
        cost = self._price(self.tokens_in, self.tokens_out)
        found: dict[str, Any] = {"calls": self.calls, "tokens_in": self.tokens_in, "tokens_out": self.tokens_out}
        if self.limits.price_in or self.limits.price_out:
            found["cost"] = round(cost, 6)
        return {**found, "tokens_are_estimated": self.is_estimated}


def estimated_tokens(text: str) -> int:
    """About how many tokens a text has, rather too many."""
    return -(-len(text.encode()) // _LETTERS_PER_TOKEN)


def _sent(request: Request) -> str:
    return request.prompt or "".join(f"{role}\n{content}\n" for role, content in request.messages)
