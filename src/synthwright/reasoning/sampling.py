"""Puzzles drawn from a level: trees of operators, systems of two equations, and directed graphs.

`groups` gives twins: puzzles that share everything but the answer, so that nothing except reasoning tells them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from synthwright.reasoning.levels import LABELS, NOT_KNOWN, Level
from synthwright.reasoning.puzzles import Dice, Puzzle, Statement, names
from synthwright.reasoning.solver import Number, calculate, links, numbers, solve

LOW, HIGH = Fraction(1, 1000), 10**6  # window of every value in arithmetic
_SEVERAL, _SINGLE = ("add", "sub", "mul", "div"), ("sqrt", "square")
_LOGIC = {
    "bool_logic": (("and", 1 / 3), ("or", 1 / 3), ("not", 1 / 3)),
    "deductive_logic": (("rule_and", 0.2), ("rule_or", 0.6), ("rule_not", 0.2)),
    "abductive_logic": (("rule_and", 0.07), ("rule_or", 0.66), ("rule_not", 0.27)),
}
_TRIES = 200
_NO_PATH = 0.15  # share of max-sum questions without any path


@dataclass(frozen=True)
class Wish:
    """How puzzles are drawn. balance: "twin", "uniform" (quotas only) or "paper". flaws: none, deletions or cycles."""

    balance: str = "twin"
    flaws: str = "none"


def groups(task: str, level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """One group of twins, one puzzle where a task has none. turn: number of the group, which sets whose turn it is."""
    for _ in range(_TRIES):
        found = _DRAWN[task](level, wish, dice, turn)
        if found:
            return found
    raise RuntimeError(f"no {task} puzzle at {level.name} in {_TRIES} tries")  # a bug: every level has puzzles


# -- trees


def _tree(
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


def _linked(nodes: list[tuple[str, list[int]]], level: Level, dice: Dice, several: Sequence[str]) -> None:
    """Give operators that take several operands more of them, from nodes made later: no cycle can arise."""
    takers = [i for i, (kind, _) in enumerate(nodes) if kind in several]
    for _ in range(level.links if takers else 0):
        place = dice.pick(takers)
        children = nodes[place][1]
        later = [i for i in range(place + 1, len(nodes)) if i not in children]
        if later:
            children.append(dice.pick(later))


def _statements(
    nodes: Sequence[tuple[str, list[int]]], called: Sequence[str], leaf: Sequence[Statement | None]
) -> list:
    found = []
    for place, (kind, children) in enumerate(nodes):
        if kind == "leaf":
            if leaf[place] is not None:
                found.append(leaf[place])
        else:
            found.append(Statement(kind, called[place], tuple(called[child] for child in children)))
    return found


# -- arithmetic


def _arithmetic(level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    statements, root = calculation(level, dice, names(_room(level), dice))
    statements = _flawed(statements, root, level, wish, dice)
    return [Puzzle("arithmetic", tuple(statements), (root,))]


def _room(level: Level) -> int:
    """Names that a tree with its distractors can need."""
    return sum(level.width**i for i in range(level.depth + 1)) + 4 * level.distractors + 4


def calculation(level: Level, dice: Dice, called: Sequence[str]) -> tuple[list[Statement], str]:
    """Statements of one calculation whose every value lies in the window; and the name of the result.

    The operator or leaf that leaves the window is drawn anew, not the tree: rejecting whole trees favours small ones.
    """
    nodes, _ = _tree(level, dice, lambda layer: dice.pick((*_SEVERAL, *_SINGLE)), _SEVERAL)
    made: dict[int, Number] = {}
    leaf: list[Statement | None] = [None] * len(nodes)
    for place in reversed(range(len(nodes))):
        if nodes[place][0] == "leaf":
            value = dice.between(1, 10)
            made[place], leaf[place] = Fraction(value), Statement("value", called[place], (str(value),))
        else:
            made[place] = _operated(nodes, place, made, dice)
    _more_operands(nodes, level, made, dice)
    statements = _statements(nodes, called, leaf)
    statements += _distractors(
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
    return value if LOW <= abs(value) <= HIGH else None


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


def _distractors(spare: Sequence[str], used: Sequence[str], level: Level, dice: Dice, *kinds: str) -> list[Statement]:
    """Statements about new names that use the puzzle's names: connected in looks, never on the way to the answer."""
    found = []
    for i in range(level.distractors):
        name = spare[i]
        known = [*used, *spare[:i]]
        found.append(Statement(dice.pick(kinds), name, tuple(dice.sample(known, min(level.width, len(known))))))
    return found


def _linear(level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Two equations; one coefficient is the result of a calculation. Conditions: number <= 1000, moderate answers."""
    statements, root = calculation(level, dice, names(_room(level), dice))
    value = numbers(statements)[root]
    for _ in range(50):
        place = dice.below(6)
        row: list[Number] = [Fraction(dice.between(-10, 10)) for _ in range(6)]
        tokens = [str(int(one)) for one in row]
        row[place], tokens[place] = value, root
        if _is_moderate(row):
            both = [Statement("equation", "1", tuple(tokens[:3])), Statement("equation", "2", tuple(tokens[3:]))]
            drawn = _flawed(statements, root, level, wish, dice)
            return [Puzzle("linear_equation", (*drawn, *both), ("x", "y"))]
    return []


def _is_moderate(row: Sequence[Number]) -> bool:
    a, b, e, c, d, f = (float(one) for one in row)
    determinant, size = a * d - b * c, a * a + b * b + c * c + d * d
    if 0 in (a, b, c, d) or abs(determinant) < size / 1000:  # size / |det| = condition number + 1 / condition number
        return False
    answers = (e * d - b * f) / determinant, (a * f - e * c) / determinant
    return all(one == 0 or 1e-2 <= abs(one) <= 1e4 for one in answers)


# -- logic


def _logic(
    task: str, level: Level, wish: Wish, dice: Dice, *, root_width: int | None = None
) -> tuple[list, list[int], list[str]]:
    """Nodes, leaves and names of a tree of rules or operators."""
    several = [kind for kind, _ in _LOGIC[task] if not kind.endswith("not")]
    shares = _LOGIC[task]

    def choose(layer: int) -> str:
        kind = dice.weighted(shares)
        # In deduction an inner node is never false, so `not` above one would settle nothing: it stands over leaves.
        while task == "deductive_logic" and kind == "rule_not" and layer > 1 and wish.balance != "paper":
            kind = dice.weighted(shares)
        return kind

    nodes, leaves = _tree(level, dice, choose, several, root_width=root_width)
    if task == "bool_logic":
        _linked(nodes, level, dice, several)
    return nodes, leaves, names(_room(level) + level.width**level.depth, dice)


def _with_facts(task: str, level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Bool and deductive: twins have the same rules and as many true leaves, at other places."""
    nodes, leaves, called = _logic(task, level, wish, dice)
    kinds = ("and", "or") if task == "bool_logic" else ("rule_and", "rule_or")
    noise = _distractors(called[len(nodes) :], [called[i] for i in range(1, len(nodes))], level, dice, *kinds)
    # Any share of true leaves: with a half, trees of `or` would nearly always be true, and twins hard to find.
    share = dice.below(1000) / 1000 if wish.balance != "paper" else 0.5
    truth = [dice.chance(share) for _ in leaves]
    wanted = LABELS[task] or ()
    gap = _gap(nodes, leaves, level, wish, dice)
    found: dict[str, Puzzle] = {}
    for _ in range(12 if wish.balance == "twin" else 1):
        dice.shuffle(truth)
        leaf: list[Statement | None] = [None] * len(nodes)
        for place, holds in zip(leaves, truth, strict=True):
            leaf[place] = None if place in gap else Statement("true" if holds else "false", called[place])
        statements = _statements(nodes, called, leaf) + noise
        statements = _cycled(statements, called[0], level, wish, dice)
        puzzle = Puzzle(task, tuple(statements), (called[0],))
        found.setdefault(solve(puzzle), puzzle)
        if all(label in found for label in wanted):
            break
    if wish.balance == "twin" and wish.flaws == "none":
        return [found[label] for label in wanted] if all(label in found for label in wanted) else []
    if wish.balance == "paper" or wish.flaws != "none":
        return [next(iter(found.values()))]
    label = wanted[turn % len(wanted)]
    return [found[label]] if label in found else []


def _abductive(level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Twins ask about three leaves of one tree, whose answers are true, false and unknown.

    With two children a root cannot lead to all three in two layers, so that D1 has a root with three.
    """
    root_width = 3 if level.name == "D1" and wish.balance == "twin" else None
    nodes, leaves, called = _logic("abductive_logic", level, wish, dice, root_width=root_width)
    statements = _statements(nodes, called, [None] * len(nodes))
    used = [called[i] for i in range(1, len(nodes))]
    statements += _distractors(called[len(nodes) :], used, level, dice, "rule_and", "rule_or")
    falls = wish.balance == "twin" or dice.chance(0.93)
    statements.append(Statement("false" if falls else "true", called[0]))
    statements = _flawed(statements, called[0], level, wish, dice)
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


# -- flaws: what makes an answer depend on what is missing or circular


def _flawed(statements: list[Statement], root: str, level: Level, wish: Wish, dice: Dice) -> list[Statement]:
    if wish.flaws == "deletions":
        for _ in range(level.flaws):
            loose = [i for i, one in enumerate(statements) if one.head != root]
            if loose:
                statements = [one for i, one in enumerate(statements) if i != loose[dice.below(len(loose))] or False]
        return statements
    return _cycled(statements, root, level, wish, dice)


def _gap(nodes: Sequence[tuple[str, list[int]]], leaves: Sequence[int], level: Level, wish: Wish, dice: Dice) -> list:
    return dice.sample(leaves, min(level.flaws, len(leaves) - 1)) if wish.flaws == "deletions" else []


def _cycled(statements: list[Statement], root: str, level: Level, wish: Wish, dice: Dice) -> list[Statement]:
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


def _flawed_graph(called: Sequence[str], onward: dict[str, list[str]], level: Level, wish: Wish, dice: Dice) -> list:
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

    Both pairs are hard to tell apart: every start has links, every end is linked to.
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
    found: dict[tuple[str, int, int], Puzzle] = {}
    wanted = LABELS["reachability"] or ()
    for a, b in pairs[:400]:
        puzzle = Puzzle("reachability", statements, (a, b))
        key = (len(onward[a]), into[b])
        found.setdefault((solve(puzzle), *key), puzzle)
        if all((label, *key) in found for label in wanted):
            both = [found[(label, *key)] for label in wanted]
            return both if wish.balance == "twin" else [both[turn % 2]]
    return []


def _max_sum(level: Level, wish: Wish, dice: Dice, turn: int) -> list[Puzzle]:
    """Values of 1 to 10 and links; a fixed share of the questions has no path at all."""
    called, onward = _graph(level, dice)
    gains = [Statement("value", name, (str(dice.between(1, 10)),)) for name in called]
    statements = (*gains, *_flawed_graph(called, onward, level, wish, dice))
    starts = [name for name in called if onward[name]]
    ends = [name for name in called if any(name in afters for afters in onward.values())]
    if not starts or not ends:
        return []
    without = dice.chance(_NO_PATH)
    for _ in range(40):
        a, b = dice.pick(starts), dice.pick(ends)
        if a == b:
            continue
        puzzle = Puzzle("max_sum_path", statements, (a, b))
        if wish.balance == "paper" or wish.flaws != "none" or (solve(puzzle) == NOT_KNOWN) == without:
            return [puzzle]
    return []


_DRAWN: dict[str, Callable[[Level, Wish, Dice, int], list[Puzzle]]] = {
    "arithmetic": _arithmetic,
    "linear_equation": _linear,
    "bool_logic": lambda level, wish, dice, turn: _with_facts("bool_logic", level, wish, dice, turn),
    "deductive_logic": lambda level, wish, dice, turn: _with_facts("deductive_logic", level, wish, dice, turn),
    "abductive_logic": _abductive,
    "reachability": _reachability,
    "max_sum_path": _max_sum,
}
