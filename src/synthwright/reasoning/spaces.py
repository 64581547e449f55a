"""How many problems of a task and level there are that differ in more than names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

from synthwright.core.errors import ConfigError
from synthwright.reasoning.balance import parse_balance
from synthwright.reasoning.levels import LEVELS, Level
from synthwright.reasoning.trees import Wish

_MEMORISABLE = 10_000
_LOGIC = ("bool_logic", "deductive_logic", "abductive_logic")
# Puzzles that occur among twins, at D1 to D4: counted over all shapes of trees, by the number of true facts of each
# answer; tests count them anew, at D1 and D2 one by one.
_TWINS: dict[str, tuple[int, ...]] = {
    "bool_logic": (20, 3_930, 23_425_028, 37_278_184),
    "deductive_logic": (20, 3_212, 21_872_892, 23_854_838),
    "abductive_logic": (3, 51, 4_754, 29_547),
    "extended": (1_788, 25_472_294),
}


@dataclass(frozen=True)
class Capacity:
    """n: different puzzles; is_exact: False when n is an upper bound."""

    n: int
    is_exact: bool

    @property
    def is_memorisable(self) -> bool:
        """Whether there are so few that they repeat and can be learned by heart."""
        return self.n < _MEMORISABLE

    def __str__(self) -> str:
        return f"{'' if self.is_exact else 'at most '}{self.n:,} different puzzles"


def capacity(task: str, level: str, wish: Wish) -> Capacity | None:
    """The puzzles that can be drawn; None: too many to matter.

    Exact for logic without extra links: operands of and, or are unordered. An upper bound where statements are deleted
    (but for the facts of bool and deductive logic, which are counted), where cycles are closed, and for extended
    deduction from D3 on.
    """
    size = LEVELS[level]
    if task not in _LOGIC or size.links:
        return None
    extended = wish.extended and task == "deductive_logic"
    twins, place = _TWINS["extended" if extended else task], list(LEVELS).index(level)
    if wish.flaws == "none" and wish.balance == "twin" and place < len(twins):
        return Capacity(twins[place], True)
    if extended:
        every = _facts(size, "anywhere") ** 2  # the rules for a conclusion, and those against it
    elif task == "abductive_logic":
        root = 3 if level == "D1" and wish.balance == "twin" else size.width
        every = 2 * _marked(size, root)
    else:
        nots = "over facts" if task == "deductive_logic" and wish.balance != "paper" else "anywhere"
        every = _facts(size, nots)
        if wish.flaws == "deletions":
            return Capacity(_one_missing(size, nots), True)
    if wish.flaws == "none":
        return Capacity(every, not extended)
    # At most twice as many operators stand below the root as one tree can have, each with two names above it.
    places = 2 * sum(max(size.width, 3) * size.width ** (layer - 1) for layer in range(1, size.depth + 1))
    return Capacity(every * 2 * places, False)


def wish_of(records: Sequence[Mapping[str, Any]]) -> Wish:
    """How records say that they were drawn; as the published sampler draws, when they say nothing or disagree."""
    found = {_said(one.get("gen") or {}) for one in records}
    return found.pop() if len(found) == 1 else Wish("paper")


def _said(gen: Mapping[str, Any]) -> Wish:
    try:
        balance = parse_balance(gen.get("balance", "paper"))
    except ConfigError:
        return Wish("paper")
    shares = () if isinstance(balance, str) else tuple(balance.items())
    mode = balance if isinstance(balance, str) else "twin"
    return Wish(mode, str(gen.get("unsolvable", "none")), shares, bool(gen.get("extended")))


def _facts(size: Level, nots: str) -> int:
    """Trees with facts at their leaves."""
    found = 2
    for layer in range(size.depth):
        found = (found if nots == "anywhere" or not layer else 0) + 2 * _multisets(found, size.width)
    return found


def _one_missing(size: Level, nots: str) -> int:
    """Trees in which the fact of one leaf is missing; of those with a single leaf none is."""
    plain, missing = 2, 1
    for layer in range(size.depth):
        single = nots == "anywhere" or not layer
        missing = (missing if single else 0) + 2 * missing * _multisets(plain, size.width - 1)
        plain = (plain if single else 0) + 2 * _multisets(plain, size.width)
    # A chain of `not` has one leaf, whose fact is never missing: it has two facts instead of one gap.
    return missing + (1 if nots == "anywhere" else 0)


def _marked(size: Level, root_width: int) -> int:
    """Trees with one marked leaf."""
    plain, marked = 1, 1
    for layer in range(size.depth):
        width = root_width if layer == size.depth - 1 else size.width
        marked = marked + 2 * marked * _multisets(plain, width - 1)
        plain = plain + 2 * _multisets(plain, width)
    return marked


def _multisets(n: int, k: int) -> int:
    return comb(n + k - 1, k)
