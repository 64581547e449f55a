"""What a problem is: statements about names, and a question."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

ItemT = TypeVar("ItemT")
_LETTERS = "bcdfghjklmnpqrstvwxz"  # no vowels: no name is a word
_WORDS = ("brr", "hmm", "mrs", "nth", "pst", "shh", "tsk", "zzz", "mph", "pvt", "ltd", "str")


@dataclass(frozen=True)
class Statement:
    """One sentence: its kind, the name it is about, and what it says about it.

    kinds: value (args: one number as text), true and false (none), add sub mul div sqrt square and or not rule_and
    rule_or rule_not (args: names), equation (head: "1" or "2"; args: a, b, e as numbers or names), links (names), sink.
    """

    kind: str
    head: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True)
class Puzzle:
    """Statements and a question. query: one name, or two (from, to)."""

    task: str
    statements: tuple[Statement, ...]
    query: tuple[str, ...]


@dataclass(frozen=True)
class Item:
    """A puzzle as it is asked: text, the right answer, and where it came from.

    group: the same for twins, which differ in their answer only. payload: what is needed to check it.
    """

    task: str
    level: str
    puzzle: Puzzle
    text: str
    label: str
    order: str
    template_set: int
    group: str
    canonical: str
    index: int
    trace: str = ""
    payload: dict[str, Any] = field(default_factory=dict)


class Dice:
    """Randomness of one item, from its seed: only `random()` is used, whose numbers Python promises not to change."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def chance(self, p: float) -> bool:
        """True with probability p."""
        return self._random() < p

    def below(self, n: int) -> int:
        """0 .. n - 1."""
        return int(self._random() * n)

    def between(self, low: int, high: int) -> int:
        """low .. high."""
        return low + self.below(high - low + 1)

    def pick(self, items: Sequence[ItemT]) -> ItemT:
        """One of them."""
        return items[self.below(len(items))]

    def weighted(self, shares: Sequence[tuple[ItemT, float]]) -> ItemT:
        """One of them with the given shares, which add up to 1."""
        left = self._random()
        for item, share in shares:
            left -= share
            if left < 0:
                return item
        return shares[-1][0]

    def shuffle(self, items: MutableSequence[Any]) -> None:
        """Shuffle in place (Fisher and Yates)."""
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]

    def sample(self, items: Sequence[ItemT], k: int) -> list[ItemT]:
        """k different ones."""
        left = list(items)
        self.shuffle(left)
        return left[:k]


def names(n: int, dice: Dice) -> list[str]:
    """n different names of three letters in random order; none is a word."""
    found: dict[str, None] = {}
    while len(found) < n:
        name = dice.pick(_LETTERS) + dice.pick(_LETTERS) + dice.pick(_LETTERS)
        if name not in _WORDS:
            found[name] = None
    return list(found)


def item_seed(secret: str, task: str, level: str, index: int) -> int:
    """HMAC-SHA256(secret, task | level | index): nobody without the secret can make the item."""
    message = f"{task}|{level}|{index}".encode()
    return int.from_bytes(hmac.new(secret.encode(), message, hashlib.sha256).digest()[:16], "big")


def commitment(secret: str) -> str:
    """What can be published before the secret is, to prove afterwards that items were not chosen."""
    return hashlib.sha256(f"dyval|{secret}".encode()).hexdigest()


def canonical_id(puzzle: Puzzle, *, marks: bool = True) -> str:
    """A Weisfeiler-Lehman hash without names: operators, values and the role in the question; 16 digits.

    Operands of add, mul, and, or and of links count as unordered. marks: without values and question, for twins.
    """
    colours: dict[str, str] = {}
    into: dict[str, list[tuple[str, str]]] = {}
    about: dict[str, list[Statement]] = {}
    for one in puzzle.statements:
        about.setdefault(one.head, []).append(one)
        for place, name in enumerate(one.args):
            ordered = one.kind in ("sub", "div", "equation")
            into.setdefault(name, []).append((f"{one.kind}{place if ordered else ''}", one.head))
    everyone = sorted({*about, *into})
    for name in everyone:
        start = [one.kind if one.kind not in ("true", "false") or marks else "fact" for one in about.get(name, ())]
        start += [one.args[0] for one in about.get(name, ()) if one.kind == "value" and marks]
        start += [f"query{place}" for place, asked in enumerate(puzzle.query) if asked == name and marks]
        colours[name] = "|".join(sorted(start))
    for _ in range(4):
        colours = {name: _short(_neighbourhood(name, colours, about, into)) for name in everyone}
    whole = "|".join([puzzle.task, *sorted(colours.values())])
    return _short(whole)


def _neighbourhood(
    name: str, colours: dict[str, str], about: dict[str, list[Statement]], into: dict[str, list[tuple[str, str]]]
) -> str:
    parts = [colours[name]]
    for one in about.get(name, ()):
        if one.kind in ("value", "true", "false"):  # what they say is in the first colour, or is not to count
            continue
        children = [colours.get(child, child) for child in one.args]
        ordered = one.kind in ("sub", "div", "equation")
        parts.append(one.kind + "(" + ",".join(children if ordered else sorted(children)) + ")")
    parts += sorted(f"{kind}<{colours[parent]}" for kind, parent in into.get(name, ()))
    return ";".join(parts)


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
