"""Do items keep what they say of themselves: order, wording and size of their level, all levels alike?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from scipy import stats

from synthwright.core.context import Context
from synthwright.core.errors import DataError
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.text import ItemMetric, TextEncoding, cells_of
from synthwright.evaluate.verdict import Finding
from synthwright.reasoning.grammar import parse
from synthwright.reasoning.items import question_of
from synthwright.reasoning.levels import GRAPHS, LEVELS
from synthwright.reasoning.puzzles import Puzzle
from synthwright.reasoning.scoring import wilson

_CLAIM_FAIL, _EVEN_FAIL = 0.01, 0.8
_BY_DEPTH = ("arithmetic", "bool_logic", "deductive_logic")
_FEWEST = 8


class TextAsked(ItemMetric):
    """Share of items whose order, wording and size are those of the order, template set and level they name."""

    name: ClassVar[str] = "text_asked"
    axis: ClassVar[Axis] = "controllability"
    label: ClassVar[str] = "As asked for"
    summary: ClassVar[str] = "share of items whose order, wording and size are as recorded, and levels equally frequent"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is the share that keeps every claim that can be checked."""
        items, puzzles = encoding.items(), encoding.puzzles()
        found, kept_all = [], 0
        broken: Counter[str] = Counter()
        checked: Counter[str] = Counter()
        for place, (one, puzzle) in enumerate(zip(items, puzzles, strict=True)):
            if place % 500 == 0:
                ctx.step(place, len(items), "checking claims")
            claims = {name: claim(one, puzzle) for name, claim in _CLAIMS.items()} if puzzle is not None else {}
            checked.update(name for name, kept in claims.items() if kept is not None)
            broken.update(name for name, kept in claims.items() if kept is False)
            kept_all += puzzle is not None and False not in claims.values()
        for name, n in checked.items():
            k = broken[name]
            p = float(stats.binom.sf(k - 1, n, 1e-4))
            words = f"the {name} of {k:,} of {n:,} items is not the recorded one"
            found.append(Finding(k / n / _CLAIM_FAIL, p, words, {"claim": name}, k / n, *wilson(k, n), warn=0.0))
        found += _spread(items)
        if not found:
            return self.unknown("The text of no item can be read.", "make new items: synthwright text dyval make")
        return [
            self.from_findings(
                found,
                good=f"Order, wording and size of {kept_all:,} of {len(items):,} items are as recorded, levels alike.",
                fix="make new items: synthwright text dyval make",
                shown=(kept_all / len(items), *wilson(kept_all, len(items))),
                references={"all kept": 1.0, "nothing kept": 0.0},
                details={"checked": dict(checked), "broken": dict(broken)},
                sampled=encoding.used(),
            )
        ]


def _spread(items: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Within a task all levels that occur anywhere should be about equally frequent."""
    cells = cells_of(items)
    levels = [level for level in LEVELS if any(cell[1] == level for cell in cells)]
    found = []
    for task in dict.fromkeys(cell[0] for cell in cells):
        counts = [len(cells.get((task, level), ())) for level in levels]
        n, least = sum(counts), min(counts)
        if len(levels) < 2 or n < _FEWEST * len(levels):
            continue
        level = levels[counts.index(least)]
        p = float(stats.chisquare(counts).pvalue)
        mean = n / len(levels)
        words = f"{task} has {least:,} items at {level}; {mean:,.0f} would be an equal share of its {n:,}"
        found.append(
            Finding((1 - least / mean) / _EVEN_FAIL, p, words, {"task": task, "level": level}, least / mean, warn=0.5)
        )
    return found


def _wording(one: Mapping[str, Any], puzzle: Puzzle) -> bool | None:
    number = str(one.get("template_set") or "")
    if not number.isdigit():
        return None
    try:
        parse(question_of(one), puzzle.task, number=int(number))
    except (DataError, IndexError, KeyError):
        return False
    return True


def _order(one: Mapping[str, Any], puzzle: Puzzle) -> bool | None:
    """What a statement needs stands before it, or after it; None for random orders and where cycles are asked for."""
    order = one.get("order")
    if order not in ("topological", "reversed") or (one.get("gen") or {}).get("unsolvable") == "cycles":
        return None
    about: dict[str, list[int]] = {}
    for i, statement in enumerate(puzzle.statements):
        about.setdefault(statement.head, []).append(i)
    for i, statement in enumerate(puzzle.statements):
        if statement.kind == "value":
            continue
        for j in (j for name in statement.args for j in about.get(name, ()) if j != i):
            before, after = (i, j) if statement.kind == "links" else (j, i)
            if (before < after) != (order == "topological"):
                return False
    return True


def _size(one: Mapping[str, Any], puzzle: Puzzle) -> bool | None:
    """Layers of operators below the question, or places of a graph, are those of the level; None where unknown."""
    level = LEVELS[str(one["level"])]
    if (one.get("gen") or {}).get("unsolvable", "none") != "none":
        return None
    if puzzle.task in GRAPHS:
        return len({statement.head for statement in puzzle.statements}) == level.nodes
    if puzzle.task not in _BY_DEPTH or level.links:
        return None
    return _layers(puzzle) == level.depth


def _layers(puzzle: Puzzle) -> int:
    """The longest chain of operators below the question; 0 when it is a fact. A cycle counts as endless: -1."""
    needs = {one.head: one.args for one in puzzle.statements if one.kind not in ("value", "true", "false")}
    known: dict[str, int] = {}

    def depth(name: str, path: frozenset[str]) -> int:
        if name in path:
            return -1_000
        if name not in known:
            known[name] = 1 + max(depth(arg, path | {name}) for arg in needs[name]) if name in needs else 0
        return known[name]

    return depth(puzzle.query[0], frozenset())


_CLAIMS: Mapping[str, Callable[[Mapping[str, Any], Puzzle], bool | None]] = {
    "wording": _wording,
    "order": _order,
    "size": _size,
}
