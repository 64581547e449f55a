"""Puzzles drawn from a level: trees of operators, systems of two equations, and directed graphs.

`groups` gives twins: puzzles that share everything but the answer, so that nothing except reasoning tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from synthwright.reasoning.balance import answer_of, answers_of
from synthwright.reasoning.levels import LABELS, NOT_KNOWN, Level
from synthwright.reasoning.puzzles import Dice, Puzzle, Statement, names
from synthwright.reasoning.rules import extended
from synthwright.reasoning.solver import links, solve
from synthwright.reasoning.trees import (
    Wish,
    arithmetic,
    cycled,
    distractors,
    flawed,
    linear,
    linked,
    missing_facts,
    room,
    statements_of,
    tree,
    valued,
)

__all__ = ["Wish", "groups"]

_LOGIC = {
    "bool_logic": (("and", 1 / 3), ("or", 1 / 3), ("not", 1 / 3)),
    "deductive_logic": (("rule_and", 0.2), ("rule_or", 0.6), ("rule_not", 0.2)),
    "abductive_logic": (("rule_and", 0.07), ("rule_or", 0.66), ("rule_not", 0.27)),
}
_TWINNED = tuple(task for task, labels in LABELS.items() if labels)
_TRIES = 5000  # of trees; one in twenty holds all three answers of abduction at D1
_SHUFFLES = 4  # of the facts of one tree in search of twins: another tree costs less than more of them
_NO_PATH = 0.15  # share of max-sum questions without any path


def groups(task: str, level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """One group of twins, one puzzle where a task has none. turn: number of the group, which sets whose turn it is.

    With shares one of the twins is kept, so that also then nothing but the answer differs from answer to answer.
    """
    draw = extended if wish.extended and task == "deductive_logic" else _DRAWN[task]
    for _ in range(_TRIES):
        found = draw(level, wish, dice, turn)
        if found and wish.shares and task in _TWINNED:
            return [found[answers_of(task, extended=wish.extended).index(answer_of(wish.shares, turn))]]
        if found:
            return found
    raise RuntimeError(f"no {task} puzzle at {level.name} in {_TRIES} tries")  # a bug: every level has puzzles


# -- logic


def _logic(
    task: str, level: Level, wish: Wish, dice: Dice, *, root_width: int | None = None
) -> tuple[list[tuple[str, list[int]]], list[int]]:
    """Nodes and leaves of a tree of rules or operators."""
    several = [kind for kind, _ in _LOGIC[task] if not kind.endswith("not")]
    shares = _LOGIC[task]

    def choose(layer: int) -> str:
        kind = dice.weighted(shares)
        # In deduction an inner node is never false, so `not` above one would settle nothing: it stands over leaves.
        while task == "deductive_logic" and kind == "rule_not" and layer > 1 and wish.balance != "paper":
            kind = dice.weighted(shares)
        return kind

    nodes, leaves = tree(level, dice, choose, several, root_width=root_width)
    if task == "bool_logic":
        linked(nodes, level, dice, several)
    return nodes, leaves


def _called(level: Level, dice: Dice) -> list[str]:
    """Names for a tree and its distractors."""
    return names(room(level) + level.width**level.depth, dice)


def _with_facts(task: str, level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Bool and deductive: twins have the same rules and as many true leaves, at other places."""
    nodes, leaves = _logic(task, level, wish, dice)
    # Any share of true leaves: with a half, trees of `or` would nearly always be true, and twins hard to find.
    share = (dice.below(1000) / 1000) ** (2 if task == "deductive_logic" else 1) if wish.balance != "paper" else 0.5
    truth = [dice.chance(share) for _ in leaves]
    wanted = LABELS[task] or ()
    gone = missing_facts(leaves, level, wish, dice)
    found: dict[str, list[bool]] = {}
    for _ in range(_SHUFFLES if wish.balance == "twin" else 1):
        dice.shuffle(truth)
        found.setdefault(_meant(nodes, leaves, truth), list(truth))
        if wish.flaws != "none" or all(label in found for label in wanted):
            break
    if wish.balance == "twin" and wish.flaws == "none" and any(label not in found for label in wanted):
        return []  # before names are drawn, which takes longer than all else
    called = _called(level, dice)
    kinds = ("and", "or") if task == "bool_logic" else ("rule_and", "rule_or")
    noise = distractors(called[len(nodes) :], [called[i] for i in range(1, len(nodes))], level, dice, *kinds)

    def puzzle(label: str) -> Puzzle:
        leaf: list[Statement | None] = [None] * len(nodes)
        for place, holds in zip(leaves, found[label], strict=True):
            leaf[place] = None if place in gone else Statement("true" if holds else "false", called[place])
        statements = cycled(statements_of(nodes, called, leaf) + noise, called[0], level, wish, dice)
        made = Puzzle(task, tuple(statements), (called[0],))
        # Two programs that share nothing must agree: values of the graph here, sentences in the solver.
        if wish.flaws == "none" and solve(made) != label:
            raise RuntimeError(f"{task} at {level.name} was drawn as {label} and is solved as {solve(made)}")
        return made

    if wish.balance == "twin" and wish.flaws == "none":
        return [puzzle(label) for label in wanted]
    if wish.balance == "paper" or wish.flaws != "none":
        return [puzzle(next(iter(found)))]
    label = wanted[turn % len(wanted)]
    return [puzzle(label)] if label in found else []


def _meant(nodes: Sequence[tuple[str, list[int]]], leaves: Sequence[int], truth: Sequence[bool]) -> str:
    """The label of a tree without gaps."""
    value = valued(nodes, leaves, truth)[0]
    return NOT_KNOWN if value is None else str(value)


def _abductive(level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Twins ask about three leaves of one tree, whose answers are true, false and unknown.

    With two children a root cannot lead to all three in two layers, so that D1 has a root with three.
    """
    root_width = 3 if level.name == "D1" and wish.balance == "twin" else None
    nodes, leaves = _logic("abductive_logic", level, wish, dice, root_width=root_width)
    called = _called(level, dice)
    statements = statements_of(nodes, called, [None] * len(nodes))
    used = [called[i] for i in range(1, len(nodes))]
    statements += distractors(called[len(nodes) :], used, level, dice, "rule_and", "rule_or")
    falls = wish.balance == "twin" or dice.chance(0.93)
    statements.append(Statement("false" if falls else "true", called[0]))
    statements = flawed(statements, called[0], level, wish, dice)
    found: dict[str, Puzzle] = {}
    dice.shuffle(leaves)
    for place in leaves:
        puzzle = Puzzle("abductive_logic", tuple(statements), (called[place],))
        found.setdefault(solve(puzzle), puzzle)
        if wish.balance == "paper":
            return [puzzle]
    wanted = LABELS["abductive_logic"] or ()
    if wish.balance == "twin":
        return [found[label] for label in wanted] if all(label in found for label in wanted) else []
    label = wanted[turn % len(wanted)]
    return [found[label]] if label in found else []


# -- graphs


def _graph(level: Level, dice: Dice) -> tuple[list[str], dict[str, list[str]]]:
    """Names and their links: each name draws 1 to most_links targets and skips those that would close a cycle."""
    called = names(level.nodes, dice)
    order = list(called)
    dice.shuffle(order)
    rank = {name: i for i, name in enumerate(order)}
    onward: dict[str, list[str]] = {name: [] for name in called}
    for name in called:
        for target in dice.sample(called, min(dice.between(1, level.most_links), level.nodes)):
            if rank[target] > rank[name]:
                onward[name].append(target)
    return called, onward


def _linked_statements(called: Sequence[str], onward: dict[str, list[str]]) -> list[Statement]:
    return [
        Statement("links", name, tuple(onward[name])) if onward[name] else Statement("sink", name) for name in called
    ]


def _flawed_graph(
    called: Sequence[str], onward: dict[str, list[str]], level: Level, wish: Wish, dice: Dice
) -> list[Statement]:
    if wish.flaws == "cycles":
        for _ in range(level.flaws):
            name, target = dice.sample(called, 2)
            if target not in onward[name]:
                onward[name].append(target)
    statements = _linked_statements(called, onward)
    if wish.flaws == "deletions":
        gone = dice.sample(range(len(statements)), min(level.flaws, len(statements) - 2))
        statements = [one for i, one in enumerate(statements) if i not in gone]
    return statements


def _reachability(level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Twins ask about two pairs of one graph with equal out-degree of the start and in-degree of the end.

    Every start has links, every end is linked to; paths are of all lengths, and without a path the two are related.
    """
    called, onward = _graph(level, dice)
    statements = tuple(_flawed_graph(called, onward, level, wish, dice))
    onward = {name: list(afters) for name, afters in links(statements).items()}
    into: dict[str, int] = {}
    for afters in onward.values():
        for after in afters:
            into[after] = into.get(after, 0) + 1
    pairs = [(a, b) for a in called for b in called if a != b and onward.get(a) and into.get(b)]
    if not pairs:
        return []
    if wish.balance == "paper":
        return [Puzzle("reachability", statements, dice.pick(pairs))]
    dice.shuffle(pairs)
    both = [Puzzle("reachability", statements, pair) for pair in _hard(pairs, onward, into, dice)]
    return both if wish.balance == "twin" else both[turn % 2 :][:1]


def _hard(
    pairs: Sequence[tuple[str, str]], onward: dict[str, list[str]], into: dict[str, int], dice: Dice
) -> list[tuple[str, str]]:
    """A pair whose shortest path has a length drawn from 1 to the longest, and one without a path that looks alike.

    Of the latter the end leads to the start, or both lead to a common place; degrees are equal. Empty when there is
    no such two.
    """
    far = {name: _distances(name, onward) for name in onward}
    reach = {name: set(found) for name, found in far.items()}
    wanted = dice.between(1, max(max(found.values()) for found in far.values()))
    apart: dict[tuple[int, int], tuple[str, str]] = {}
    for a, b in pairs:
        if b not in reach[a] and (reach[a] | {a}) & (reach.get(b, set()) | {b}):
            apart.setdefault((len(onward[a]), into[b]), (a, b))
    for a, b in pairs:
        key = (len(onward[a]), into[b])
        if far[a].get(b) == wanted and key in apart:
            return [(a, b), apart[key]]
    return []


def _distances(start: str, onward: dict[str, list[str]]) -> dict[str, int]:
    """The length of the shortest path to every place that can be reached, the start at 0."""
    found, layer = {start: 0}, [start]
    while layer:
        after = dict.fromkeys(name for place in layer for name in onward.get(place, ()) if name not in found)
        found |= dict.fromkeys(after, found[layer[0]] + 1)
        layer = list(after)
    return found


def _max_sum(level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Values of 1 to 10 and links; a fixed share of the questions has no path at all."""
    called, onward = _graph(level, dice)
    gains = [Statement("value", name, (str(dice.between(1, 10)),)) for name in called]
    statements = (*gains, *_flawed_graph(called, onward, level, wish, dice))
    starts = [name for name in called if onward[name]]
    ends = [name for name in called if any(name in afters for afters in onward.values())]
    if not starts or not ends:
        return []
    without = answer_of(wish.shares, turn) == NOT_KNOWN if wish.shares else dice.chance(_NO_PATH)
    for _ in range(40):
        a, b = dice.pick(starts), dice.pick(ends)
        if a == b:
            continue
        puzzle = Puzzle("max_sum_path", statements, (a, b))
        if wish.balance == "paper" or wish.flaws != "none" or (solve(puzzle) == NOT_KNOWN) == without:
            return [puzzle]
    return []


_DRAWN: dict[str, Callable[[Level, Wish, Dice, int], list[Puzzle]]] = {
    "arithmetic": lambda level, wish, dice, turn: arithmetic(level, wish, dice),
    "linear_equation": lambda level, wish, dice, turn: linear(level, wish, dice),
    "bool_logic": lambda level, wish, dice, turn: _with_facts("bool_logic", level, wish, dice, turn),
    "deductive_logic": lambda level, wish, dice, turn: _with_facts("deductive_logic", level, wish, dice, turn),
    "abductive_logic": _abductive,
    "reachability": _reachability,
    "max_sum_path": _max_sum,
}
