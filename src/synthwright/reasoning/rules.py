"""Deduction in which rules can also conclude that something is false: puzzles answered True, False or N/A.

Two trees of rules stand over one name: what holds in the first makes it true, what holds in the second makes it false.
Below `not` stands a fact, or a rule that makes its head false: over any other rule `not` would settle nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from synthwright.reasoning.levels import NOT_KNOWN, Level
from synthwright.reasoning.puzzles import Dice, Puzzle, Statement, names
from synthwright.reasoning.solver import concluded, solve
from synthwright.reasoning.trees import Wish, cycled, distractors, missing_facts, room, statements_of, tree, valued

_SHARES = (("rule_and", 0.4), ("rule_or", 0.4), ("rule_not", 0.2))
_SHARES_TRIED, _SHUFFLES, _FEW = 8, 24, 5  # of true facts, and of their places, in search of all three answers
_LABELS = ("True", "False", NOT_KNOWN)


def extended(level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Twins: the same rules and as many true facts, answered True, False and N/A. Nothing is concluded both ways."""
    nodes, roots = _pair(level, dice)
    leaves = [place for place, (kind, _) in enumerate(nodes) if kind == "leaf"]
    wanted = _LABELS if wish.balance == "twin" and wish.flaws == "none" else ()
    found = _arrangements(nodes, roots, leaves, wanted, dice)
    label = _LABELS[turn % len(_LABELS)] if wish.flaws == "none" else next(iter(found), "")
    chosen = wanted or (label,)
    if any(one not in found for one in chosen):
        return []
    called = _called(nodes, roots, level, dice)
    used = [called[place] for place in range(len(nodes)) if place not in roots]
    gone = missing_facts(leaves, level, wish, dice)
    noise = distractors(called[len(nodes) :], used, level, dice, "rule_and", "rule_or")
    made = []
    for one in chosen:
        leaf: list[Statement | None] = [None] * len(nodes)
        for place, holds in zip(leaves, found[one], strict=True):
            leaf[place] = None if place in gone else Statement("true" if holds else "false", called[place])
        said = cycled(statements_of(nodes, called, leaf) + noise, called[0], level, wish, dice)
        made.append(Puzzle("deductive_logic", tuple(said), (called[0],)))
    return _checked(made, chosen, level, wish)


def _arrangements(
    nodes: Sequence[tuple[str, list[int]]],
    roots: tuple[int, int],
    leaves: Sequence[int],
    wanted: Sequence[str],
    dice: Dice,
) -> dict[str, list[bool]]:
    """Facts by the answer that they lead to, with equally many true ones; the wanted answers, or any."""
    found: dict[str, list[bool]] = {}
    for _ in range(_SHARES_TRIED):
        share = dice.below(1000) / 1000
        truth = [dice.chance(share) for _ in leaves]
        found = {}
        for shuffle in range(_SHUFFLES):
            dice.shuffle(truth)
            label = _meant(nodes, roots, leaves, truth)
            if label:
                found.setdefault(label, list(truth))
            if found and all(one in found for one in wanted):
                return found
            if shuffle >= _FEW and len(found) < 2:
                break  # this many true facts hardly ever change the answer
    return found


def _checked(made: list[Puzzle], meant: Sequence[str], level: Level, wish: Wish) -> list[Puzzle]:
    """The puzzles, none when a cycle made one contradict itself; values of the graph and the solver must agree."""
    if any(len(said) > 1 for puzzle in made for said in concluded(puzzle.statements).values()):
        return []
    for puzzle, label in zip(made, meant, strict=True):
        if wish.flaws == "none" and solve(puzzle) != label:
            raise RuntimeError(f"deductive_logic at {level.name} was drawn as {label} and is solved as {solve(puzzle)}")
    return made


def _pair(level: Level, dice: Dice) -> tuple[list[tuple[str, list[int]]], tuple[int, int]]:
    """The nodes of two trees, one behind the other, and their roots."""
    several = ("rule_and", "rule_or")
    nodes, _ = tree(level, dice, lambda layer: dice.weighted(_SHARES), several)
    against, _ = tree(level, dice, lambda layer: dice.weighted(_SHARES), several)
    second = len(nodes)
    nodes += [(kind, [second + child for child in children]) for kind, children in against]
    nodes[second] = (_denying(nodes[second][0]), nodes[second][1])
    for kind, children in nodes:  # parents stand before their children
        if kind.endswith("_not"):
            below, further = nodes[children[0]]
            nodes[children[0]] = (_denying(below), further)
    return nodes, (0, second)


def _denying(kind: str) -> str:
    return kind.replace("rule_", "deny_")


def _called(nodes: Sequence[tuple[str, list[int]]], roots: tuple[int, int], level: Level, dice: Dice) -> list[str]:
    """Names of nodes, and spare ones; both roots have one name."""
    called = names(len(nodes) + room(level), dice)
    called[roots[1]] = called[roots[0]]
    return called


def _meant(
    nodes: Sequence[tuple[str, list[int]]], roots: tuple[int, int], leaves: Sequence[int], truth: Sequence[bool]
) -> str:
    """The label of two trees without gaps; "" where both conclude."""
    value = valued(nodes, leaves, truth)
    favours, denies = (value[root] is not None for root in roots)
    return "" if favours and denies else "True" if favours else "False" if denies else NOT_KNOWN
