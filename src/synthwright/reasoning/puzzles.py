"""What a problem is: statements about names, and a question."""

from __future__ import annotations

import hashlib
import hmac
import random
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

ItemT = TypeVar("ItemT")
_LETTERS = "bcdfghjklmnpqrstvwxz"  # no vowels: no name is a word
_WORDS = ("brr", "hmm", "mrs", "nth", "pst", "shh", "tsk", "zzz", "mph", "pvt", "ltd", "str")


@dataclass(frozen=True)
class Statement:
    """One sentence: its kind, the name it is about, and what it says about it.

    kinds: value (args: one number as text), true and false (none), add sub mul div sqrt square and or not rule_and
    rule_or rule_not (args: names), deny_and deny_or deny_not (as the rules, which make the head false), equation
    (head: "1" or "2"; args: a, b, e as numbers or names), links (names), sink.
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
        draw = self._random
        for i in range(len(items) - 1, 0, -1):
            j = int(draw() * (i + 1))
            items[i], items[j] = items[j], items[i]

    def sample(self, items: Sequence[ItemT], k: int) -> list[ItemT]:
        """k different ones, or all when there are fewer, in random order."""
        left = list(items)
        n, draw = len(left), self._random
        for i in range(min(k, n)):
            j = i + int(draw() * (n - i))
            left[i], left[j] = left[j], left[i]
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

    Operands count as unordered, but for the first of a difference or quotient and the places of an equation. marks:
    False leaves out values, truths and the question, which is what twins have in common.
    """
    names = dict.fromkeys(name for one in puzzle.statements for name in (one.head, *filter(str.isalpha, one.args)))
    at = {name: i for i, name in enumerate(names)}
    said: list[list[str]] = [[] for _ in names]
    edges: list[tuple[int, int, int]] = []
    for one in puzzle.statements:
        fact = one.kind in ("value", "true", "false")
        said[at[one.head]].append("fact" if fact and not marks else one.kind)
        for place, arg in enumerate(one.args):
            role = place if one.kind == "equation" else min(place, 1) if one.kind in ("sub", "div") else 0
            if arg.isalpha():
                edges.append((at[one.head], at[arg], _number(f"{one.kind} {role}")))
            elif marks:
                said[at[one.head]].append(f"{role} {arg}")
    for place, name in enumerate(puzzle.query if marks else ()):
        if name in at:
            said[at[name]].append(f"query {place}")
    colours = np.array([_number("|".join(sorted(words))) for words in said], dtype=np.uint64)
    user, used, kind = np.array(edges, dtype=np.uint64).reshape(-1, 3).T
    user, used = user.astype(np.int64), used.astype(np.int64)
    for _ in range(_ROUNDS):
        fresh = _mixed(colours)
        # Sums (modulo 2^64) do not depend on the order of operands, so nothing has to be sorted.
        np.add.at(fresh, user, _mixed(colours[used] ^ kind))
        np.add.at(fresh, used, _mixed(colours[user] + kind))
        colours = fresh
    whole = f"{puzzle.task} {sorted(colours.tolist())}"
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


_ROUNDS = 4


@lru_cache(maxsize=4096)
def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _mixed(values: np.ndarray) -> np.ndarray:
    """64-bit numbers that depend on every bit of `values` (the finaliser of splitmix64, Steele et al. 2014)."""
    values = (values ^ (values >> _30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> _27)) * np.uint64(0x94D049BB133111EB)
    mixed: np.ndarray = values ^ (values >> _31)
    return mixed


_30, _27, _31 = (np.uint64(bits) for bits in (30, 27, 31))
