"""Which answers are wanted: in twins, in equal or published shares, or in shares that somebody names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from synthwright.core.errors import ConfigError, did_you_mean, listing
from synthwright.reasoning.levels import LABELS, NOT_KNOWN

MODES = ("twin", "uniform", "paper")
NUMBER = "number"  # what a best path has where it is not N/A
ANSWERS = ("True", "False", NOT_KNOWN, NUMBER)
Shares = tuple[tuple[str, float], ...]
_EXAMPLE = "True=0.7,False=0.3"
_TURN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio


def answers_of(task: str, *, extended: bool = False) -> tuple[str, ...]:
    """The answers of a task whose shares can be chosen; empty for those that always have a number."""
    if task == "max_sum_path":
        return (NUMBER, NOT_KNOWN)
    if task == "deductive_logic" and extended:
        return ("True", "False", NOT_KNOWN)
    return LABELS[task] or ()


def parse_balance(value: Any) -> str | dict[str, float]:
    """One of MODES, or shares: "True=0.7,False=0.3" or a mapping; they add up to 1. Raises ConfigError."""
    if isinstance(value, str) and "=" not in value:
        if value in MODES:
            return value
        raise ConfigError(
            f"Unknown balance {value!r}.{did_you_mean(value, MODES)}",
            where="balance",
            fix=f"use {', '.join(MODES)}, or shares: {_EXAMPLE}",
        )
    found: dict[str, float] = {}
    for name, share in _pairs(value):
        known = _answer(name)
        if known in found:
            raise _wrong(f"The shares name {known} twice.")
        found[known] = _share(known, share)
    total = sum(found.values())
    if abs(total - 1) > 1e-6:
        raise _wrong(f"The shares add up to {total:g}, not to 1.")
    return {answer: found[answer] for answer in ANSWERS if answer in found}


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, Mapping):
        return list(value.items())
    if not isinstance(value, str):
        raise _wrong(f"Cannot read {value!r} as a balance.")
    parts = [part.strip() for part in value.split(",") if part.strip()]
    pairs = [tuple(part.strip() for part in text.split("=", 1)) for text in parts]
    if short := [text for text, pair in zip(parts, pairs, strict=True) if len(pair) < 2]:
        raise _wrong(f"Cannot read {short[0]!r} as a share.")
    return [(name, share) for name, share in pairs]


def _answer(name: Any) -> str:
    """The answer that is meant: YAML reads True as a truth, and people write n/a."""
    text = str(name).strip()
    for answer in ANSWERS:
        if text.lower() == answer.lower():
            return answer
    raise _wrong(f"Unknown answer {text!r}.{did_you_mean(text, ANSWERS)}", f"use: {listing(ANSWERS)}")


def _share(answer: str, share: Any) -> float:
    try:
        found = math.nan if isinstance(share, bool) else float(share)
    except (TypeError, ValueError):
        found = math.nan
    if not 0 <= found <= 1:
        raise _wrong(f"The share of {answer} is {share!r}, not a number from 0 to 1.")
    return found


def _wrong(what: str, fix: str = f"write shares from 0 to 1 that add up to 1: {_EXAMPLE}") -> ConfigError:
    return ConfigError(what, where="balance", fix=fix)


def check_shares(shares: Mapping[str, float], tasks: Sequence[str], *, extended: bool = False) -> None:
    """Raise ConfigError when shares name an answer of no task, leave one of a task out, or leave a task none."""
    answers = {task: answers_of(task, extended=extended) for task in tasks}
    known = [answer for answer in ANSWERS if any(answer in own for own in answers.values())]
    if not known:
        raise _wrong(f"{listing(list(tasks))} always has a number: there are no shares to choose.", "leave balance out")
    if foreign := [answer for answer in shares if answer not in known]:
        what = f"No chosen task has the answer {foreign[0]}."
        more = " It is one of deductive_logic with extended=true." if foreign[0] == "False" else ""
        raise _wrong(what + more, f"use the answers of {listing(list(tasks))}: {listing(known)}")
    for task, own in answers.items():
        # The share of numbers is what N/A leaves of all.
        missing = [answer for answer in own if answer not in shares and answer != NUMBER]
        if missing:
            raise _wrong(f"The shares do not name {missing[0]}, an answer of {task}.", f"write {missing[0]}=0 for none")
        if own and not sum(share for _, share in shares_of(shares, task, extended=extended)):
            raise _wrong(f"All answers of {task} have the share 0.", f"give one of {listing(own)} more, or drop {task}")


def shares_of(shares: Mapping[str, float], task: str, *, extended: bool = False) -> Shares:
    """The shares of a task's own answers, scaled so that they add up to 1; a best path has N/A in its share of all."""
    if task == "max_sum_path":
        without = shares.get(NOT_KNOWN, 0.0)
        return ((NUMBER, 1 - without), (NOT_KNOWN, without))
    own = [(answer, shares.get(answer, 0.0)) for answer in answers_of(task, extended=extended)]
    total = sum(share for _, share in own)
    return tuple((answer, share / total if total else 0.0) for answer, share in own)


def answer_of(shares: Shares, turn: int) -> str:
    """Whose turn it is: multiples of the golden ratio fill the interval evenly (Weyl 1916).

    Any run of turns holds each answer in its share, closer than chance would, wherever the run begins.
    """
    place = (turn * _TURN % 2**64) / 2**64
    for answer, share in shares:
        place -= share
        if place < 0:
            return answer
    return max(shares, key=lambda pair: pair[1])[0]  # the last share ended a rounding error before 1


def balance_text(balance: str | Mapping[str, float]) -> str:
    """The balance as `parse_balance` reads it."""
    return balance if isinstance(balance, str) else ",".join(f"{answer}={share:g}" for answer, share in balance.items())
