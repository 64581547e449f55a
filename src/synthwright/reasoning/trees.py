"""What puzzles on trees are made of: nodes, extra links, distractors, flaws; and calculations within a window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from synthwright.reasoning.levels import Level
from synthwright.reasoning.puzzles import Dice, Puzzle, Statement, names
from synthwright.reasoning.solver import Number, calculate, numbers

LOW, HIGH = Fraction(1, 1000), 10**6  # window of every value in arithmetic
_SEVERAL, _SINGLE = ("add", "sub", "mul", "div"), ("sqrt", "square")


@dataclass(frozen=True)
class Wish:
    """How puzzles are drawn. balance: "twin", "uniform" (quotas only) or "paper". flaws: none, deletions or cycles.

    shares: answers with shares that add up to 1; one of each group of twins is asked then. extended: deductive rules
    can conclude that something is false.
    """

    balance: str = "twin"
    flaws: str = "none"
    shares: tuple[tuple[str, float], ...] = ()
    extended: bool = False


# -- trees


def tree(
    level: Level, dice: Dice, choose: Callable[[int], str], several: Sequence[str], *, root_width: int | None = None
) -> tuple[list[tuple[str, list[int]]], list[int]]:
    """Nodes as (kind, children), root first, leaves with kind "leaf"; and the leaves. choose(layer) gives a kind."""
    nodes: list[tuple[str, list[int]]] = []
    leaves: list[int] = []
    layer = [0]
    nodes.append(("", []))
    for depth in range(level.depth):
        after: list[int] = []
        for place in layer:
            kind = choose(level.depth - depth)
            width = (root_width or level.width) if depth == 0 else level.width
            n = width if kind in several else 1
            children = list(range(len(nodes), len(nodes) + n))
            nodes += [("", []) for _ in children]
            nodes[place] = (kind, children)
            after += children
        layer = after
    for place in layer:
        nodes[place] = ("leaf", [])
        leaves.append(place)
    return nodes, leaves


def valued(nodes: Sequence[tuple[str, list[int]]], leaves: Sequence[int], truth: Sequence[bool]) -> list[bool | None]:
    """What every node is when these leaves hold, from the nodes alone: children stand behind their parent.

    A rule whose premise does not hold says nothing (None); an operator is then false.
    """
    value: list[bool | None] = [None] * len(nodes)
    for place, holds in zip(leaves, truth, strict=True):
        value[place] = holds
    for place in reversed(range(len(nodes))):
        kind, children = nodes[place]
        if kind == "leaf":
            continue
        operands = [value[child] for child in children]
        if kind.endswith("not"):
            holds = operands[0] is False
        else:
            holds = all(operands) if kind.endswith("and") else any(operands)
        if holds:
            value[place] = not kind.startswith("deny_")
        else:
            value[place] = None if "_" in kind else False
    return value


def linked(nodes: list[tuple[str, list[int]]], level: Level, dice: Dice, several: Sequence[str]) -> None:
    """Give operators that take several operands more of them, from nodes made later: no cycle can arise."""
    takers = [i for i, (kind, _) in enumerate(nodes) if kind in several]
    for _ in range(level.links if takers else 0):
        place = dice.pick(takers)
        children = nodes[place][1]
        later = [i for i in range(place + 1, len(nodes)) if i not in children]
        if later:
            children.append(dice.pick(later))


def statements_of(
    nodes: Sequence[tuple[str, list[int]]], called: Sequence[str], leaf: Sequence[Statement | None]
) -> list[Statement]:
    """The statements about all nodes; leaf: what is said about each leaf, None for nothing."""
    found: list[Statement] = []
    for place, (kind, children) in enumerate(nodes):
        if kind == "leaf":
            if (fact := leaf[place]) is not None:
                found.append(fact)
        else:
            found.append(Statement(kind, called[place], tuple(called[child] for child in children)))
    return found


# -- arithmetic


def arithmetic(level: Level, wish: Wish, dice: Dice) -> list[Puzzle]:
    """One calculation, which has no twin."""
    statements, root = calculation(level, dice, names(room(level), dice))
    statements = flawed(statements, root, level, wish, dice)
    return [Puzzle("arithmetic", tuple(statements), (root,))]


def room(level: Level) -> int:
    """Names that a tree with its distractors can need."""
    return sum(int(level.width**i) for i in range(level.depth + 1)) + 4 * level.distractors + 4


def calculation(level: Level, dice: Dice, called: Sequence[str]) -> tuple[list[Statement], str]:
    """Statements of one calculation whose every value lies in the window; and the name of the result.

    The operator or leaf that leaves the window is drawn anew, not the tree: rejecting whole trees favours small ones.
    """
    nodes, _ = tree(level, dice, lambda layer: dice.pick((*_SEVERAL, *_SINGLE)), _SEVERAL)
    made: dict[int, Number] = {}
    leaf: list[Statement | None] = [None] * len(nodes)
    for place in reversed(range(len(nodes))):
        if nodes[place][0] == "leaf":
            value = dice.between(1, 10)
            made[place], leaf[place] = Fraction(value), Statement("value", called[place], (str(value),))
        else:
            made[place] = _operated(nodes, place, made, dice)
    _more_operands(nodes, level, made, dice)
    statements = statements_of(nodes, called, leaf)
    statements += distractors(
        called[len(nodes) :], [called[i] for i in range(1, len(nodes))], level, dice, "add", "mul"
    )
    return statements, called[0]


def _operated(nodes: list[tuple[str, list[int]]], place: int, made: dict[int, Number], dice: Dice) -> Number:
    """The value of an operator, which becomes another of its arity when it leaves the window."""
    kind, children = nodes[place]
    others = [one for one in (_SEVERAL if kind in _SEVERAL else _SINGLE) if one != kind]
    dice.shuffle(others)
    for one in (kind, *others):
        value = _windowed(one, [made[child] for child in children])
        if value is not None:
            nodes[place] = (one, children)
            return value
    # Only a single negative or tiny operand leads here (a root, or a square below the window): add it to itself.
    nodes[place] = ("add", [children[0], children[-1]])
    value = _windowed("add", [made[children[0]], made[children[-1]]])
    if value is None:
        nodes[place] = ("div", [children[0], children[0]])
        value = Fraction(1)
    return value


def _windowed(kind: str, operands: Sequence[Number]) -> Number | None:
    try:
        value = calculate(kind, operands)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    size = value if value >= 0 else -value
    return value if LOW <= size <= HIGH else None


def _more_operands(nodes: list[tuple[str, list[int]]], level: Level, made: dict[int, Number], dice: Dice) -> None:
    """Extra links to sums and products near the leaves, kept where every value above stays in the window."""
    for _ in range(level.links):
        takers = [i for i, (kind, _) in enumerate(nodes) if kind in ("add", "mul")]
        if not takers:
            return
        place = dice.pick(takers)
        later = [i for i in range(place + 1, len(nodes)) if i not in nodes[place][1]]
        if not later:
            continue
        nodes[place][1].append(dice.pick(later))
        fresh: dict[int, Number] = {}
        for i in reversed(range(len(nodes))):
            kind, children = nodes[i]
            value = made[i] if kind == "leaf" else _windowed(kind, [fresh[child] for child in children])
            if value is None:
                nodes[place][1].pop()
                break
            fresh[i] = value
        else:
            made.update(fresh)


def distractors(spare: Sequence[str], used: Sequence[str], level: Level, dice: Dice, *kinds: str) -> list[Statement]:
    """Statements about new names that use the puzzle's names: connected in looks, never on the way to the answer."""
    found = []
    for i in range(level.distractors):
        name = spare[i]
        known = [*used, *spare[:i]]
        found.append(Statement(dice.pick(kinds), name, tuple(dice.sample(known, min(level.width, len(known))))))
    return found


def linear(level: Level, wish: Wish, dice: Dice) -> list[Puzzle]:
    """Two equations; one coefficient is the result of a calculation. Conditions: number <= 1000, moderate answers."""
    statements, root = calculation(level, dice, names(room(level), dice))
    value = numbers(statements)[root]
    for _ in range(50):
        place = dice.below(6)
        row: list[Number] = [Fraction(dice.between(-10, 10)) for _ in range(6)]
        tokens = [str(int(one)) for one in row]
        row[place], tokens[place] = value, root
        if _is_moderate(row):
            both = [Statement("equation", "1", tuple(tokens[:3])), Statement("equation", "2", tuple(tokens[3:]))]
            drawn = flawed(statements, root, level, wish, dice)
            return [Puzzle("linear_equation", (*drawn, *both), ("x", "y"))]
    return []


def _is_moderate(row: Sequence[Number]) -> bool:
    a, b, e, c, d, f = (float(one) for one in row)
    determinant, size = a * d - b * c, a * a + b * b + c * c + d * d
    if 0 in (a, b, c, d) or abs(determinant) < size / 1000:  # size / |det| = condition number + 1 / condition number
        return False
    answers = (e * d - b * f) / determinant, (a * f - e * c) / determinant
    return all(one == 0 or 1e-2 <= abs(one) <= 1e4 for one in answers)


# -- flaws: what makes an answer depend on what is missing or circular


def flawed(statements: list[Statement], root: str, level: Level, wish: Wish, dice: Dice) -> list[Statement]:
    """Statements with some deleted or some cycles closed, as the wish says."""
    if wish.flaws == "deletions":
        loose = [i for i, one in enumerate(statements) if one.head != root]
        gone = dice.sample(loose, min(level.flaws, len(loose) - 1))
        return [one for i, one in enumerate(statements) if i not in gone]
    return cycled(statements, root, level, wish, dice)


def missing_facts(leaves: Sequence[int], level: Level, wish: Wish, dice: Dice) -> list[int]:
    """Leaves whose fact is left out in unsolvable mode."""
    return dice.sample(leaves, min(level.flaws, len(leaves) - 1)) if wish.flaws == "deletions" else []


def cycled(statements: list[Statement], root: str, level: Level, wish: Wish, dice: Dice) -> list[Statement]:
    """Let an operator below the root take a name above it as an operand, which then depends on itself."""
    if wish.flaws != "cycles":
        return statements
    changed = list(statements)
    for _ in range(level.flaws):
        takers = [
            i for i, one in enumerate(changed) if len(one.args) > 1 and one.head != root and one.kind != "equation"
        ]
        if not takers:
            return changed
        place = dice.pick(takers)
        one = changed[place]
        above = sorted({other.head for other in changed if one.head in other.args} | {root})
        changed[place] = Statement(one.kind, one.head, (*one.args, dice.pick(above)))
    return changed
