"""The answer to a puzzle, from its statements alone: what the sentences say, not what the generator meant.

Logic is three-valued (Kleene 1952): a value that no statement settles is unknown, and one operand of and/or can be
enough. Arithmetic is exact in fractions wherever no square root occurs. What depends on a cycle or a gap is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import TypeVar

from synthwright.reasoning.levels import NOT_KNOWN
from synthwright.reasoning.puzzles import Puzzle, Statement

Number = Fraction | float
ValueT = TypeVar("ValueT")
_LONG = 2**200  # fractions with longer terms go on as floats


def solve(puzzle: Puzzle) -> str:
    """The label: "True", "False", "N/A", a number, or "x = number, y = number"."""
    return _SOLVERS[puzzle.task](puzzle)


def steps(puzzle: Puzzle) -> tuple[str, list[str]]:
    """The label, and one line for every value on the way, in an order in which they can be found."""
    label = solve(puzzle)
    statements, query = puzzle.statements, puzzle.query
    if puzzle.task in ("arithmetic", "linear_equation"):
        found = [f"{name} is {number_text(value)}." for name, value in numbers(statements).items()]
    elif puzzle.task == "bool_logic":
        found = [f"{name} is {value}." for name, value in truths(statements).items()]
    elif puzzle.task == "deductive_logic":
        found = [f"{name} is {value}." for name, value in deduced(statements).items()]
    elif puzzle.task == "abductive_logic":
        found = [f"{name} is {value}." for name, value in abduced(statements).items()]
    else:
        way = _walk(query[0], query[1], links(statements)) if puzzle.task == "reachability" else best_path(puzzle)[1]
        found = [f"{' -> '.join(way)}."] if way else [f"Nothing leads from {query[0]} to {query[1]}."]
    return label, found


def _settled(
    statements: Sequence[Statement],
    known: dict[str, ValueT],
    evaluate: Callable[[Statement, Mapping[str, ValueT]], ValueT | None],
) -> dict[str, ValueT]:
    """The least fixed point: `evaluate` gives the value of a statement's name, or None while it is open."""
    users: dict[str, list[Statement]] = {}
    for one in statements:
        for arg in one.args:
            users.setdefault(arg, []).append(one)
    fresh = list(known)
    while fresh:
        for one in users.get(fresh.pop(), ()):
            if one.head not in known:
                value = evaluate(one, known)
                if value is not None:
                    known[one.head] = value
                    fresh.append(one.head)
    return known


# -- numbers


@lru_cache(maxsize=4096)
def _exact(text: str) -> Fraction:
    return Fraction(text)


def numbers(statements: Sequence[Statement]) -> dict[str, Number]:
    """The value of every name that the statements settle."""
    known: dict[str, Number] = {one.head: _exact(one.args[0]) for one in statements if one.kind == "value"}
    return _settled([one for one in statements if one.kind in ARITHMETIC], known, _calculated)


def _calculated(one: Statement, known: Mapping[str, Number]) -> Number | None:
    if any(arg not in known for arg in one.args):
        return None
    try:
        return calculate(one.kind, [known[arg] for arg in one.args])
    except (ZeroDivisionError, OverflowError, ValueError):
        return None


def calculate(kind: str, operands: Sequence[Number]) -> Number:
    """One operation. Raises ZeroDivisionError, OverflowError, ValueError (root of a negative number)."""
    found = ARITHMETIC[kind](operands)
    if isinstance(found, Fraction) and (abs(found.numerator) > _LONG or found.denominator > _LONG):
        return float(found)
    return found


def _product(operands: Sequence[Number]) -> Number:
    found = operands[0]
    for one in operands[1:]:
        found = found * one
    return found


def _total(operands: Sequence[Number]) -> Number:
    found = operands[0]
    for one in operands[1:]:
        found = found + one
    return found


def _root(operand: Number) -> Number:
    if operand < 0:
        raise ValueError("root of a negative number")
    if isinstance(operand, Fraction):
        top, bottom = math.isqrt(operand.numerator), math.isqrt(operand.denominator)
        if top * top == operand.numerator and bottom * bottom == operand.denominator:
            return Fraction(top, bottom)
    return math.sqrt(operand)


ARITHMETIC: dict[str, Callable[[Sequence[Number]], Number]] = {
    "add": _total,
    "sub": lambda operands: operands[0] - _total(operands[1:]),
    "mul": _product,
    "div": lambda operands: operands[0] / _product(operands[1:]),
    "sqrt": lambda operands: _root(operands[0]),
    "square": lambda operands: operands[0] * operands[0],
}


def number_text(value: Number) -> str:
    """A whole number as it is, others with ten significant digits."""
    if isinstance(value, Fraction) and value.denominator == 1:
        return str(value.numerator)
    return f"{float(value):.10g}"


def _arithmetic(puzzle: Puzzle) -> str:
    found = numbers(puzzle.statements)
    return number_text(found[puzzle.query[0]]) if puzzle.query[0] in found else NOT_KNOWN


def _linear(puzzle: Puzzle) -> str:
    """Cramer's rule; N/A when a coefficient is unknown or the lines are parallel."""
    known = numbers(puzzle.statements)
    rows = {one.head: one.args for one in puzzle.statements if one.kind == "equation"}
    if set(rows) != {"1", "2"}:
        return NOT_KNOWN
    found: list[Number] = []
    for token in (*rows["1"], *rows["2"]):
        value = known.get(token) if token.isalpha() else _exact(token)
        if value is None:
            return NOT_KNOWN
        found.append(value)
    a, b, e, c, d, f = found
    determinant = a * d - b * c
    if -1e-12 < determinant < 1e-12:
        return NOT_KNOWN
    x, y = (e * d - b * f) / determinant, (a * f - e * c) / determinant
    return f"x = {number_text(x)}, y = {number_text(y)}"


# -- logic


def truths(statements: Sequence[Statement]) -> dict[str, bool]:
    """The truth of every name that facts and and/or/not settle."""
    return _settled([one for one in statements if one.kind in ("and", "or", "not")], _facts(statements), _kleene)


def _facts(statements: Sequence[Statement]) -> dict[str, bool]:
    return {one.head: one.kind == "true" for one in statements if one.kind in ("true", "false")}


def _kleene(one: Statement, known: Mapping[str, bool]) -> bool | None:
    operands = [known.get(arg) for arg in one.args]
    if one.kind == "not":
        return None if operands[0] is None else not operands[0]
    enough = one.kind == "or"
    if enough in operands:
        return enough
    return None if None in operands else not enough


def _bool(puzzle: Puzzle) -> str:
    found = truths(puzzle.statements)
    return str(found[puzzle.query[0]]) if puzzle.query[0] in found else NOT_KNOWN


def _deductive(puzzle: Puzzle) -> str:
    found = deduced(puzzle.statements)
    return str(found[puzzle.query[0]]) if puzzle.query[0] in found else NOT_KNOWN


def deduced(statements: Sequence[Statement]) -> dict[str, bool]:
    """Forward: a rule whose premise is true makes its head true; a premise that is not true says nothing.

    With rules that make their head false (deny_...), what is concluded both ways is left out.
    """
    if any(one.kind.startswith("deny_") for one in statements):
        return {name: next(iter(said)) for name, said in concluded(statements).items() if len(said) == 1}

    def conclude(one: Statement, known: Mapping[str, bool]) -> bool | None:
        operands = [known.get(arg) for arg in one.args]
        holds = {
            "rule_and": all(operand is True for operand in operands),
            "rule_or": any(operand is True for operand in operands),
            "rule_not": operands[0] is False,
        }[one.kind]
        return True if holds else None

    rules = [one for one in statements if one.kind.startswith("rule_")]
    return _settled(rules, _facts(statements), conclude)


def concluded(statements: Sequence[Statement]) -> dict[str, dict[bool, None]]:
    """All that facts and rules say of each name, in the order in which it is found: True, False, or both.

    Both is a contradiction (Belnap 1977): each half goes on to be used, so that the order of statements is no matter.
    """
    found: dict[str, dict[bool, None]] = {}
    for one in statements:
        if one.kind in ("true", "false"):
            found.setdefault(one.head, {})[one.kind == "true"] = None
    rules = [one for one in statements if one.kind.startswith(("rule_", "deny_"))]
    grows = True
    while grows:
        grows = False
        for one in rules:
            said = found.get(one.head, {})
            wanted, is_not = one.kind.startswith("rule_"), one.kind.endswith("_not")
            if wanted in said:
                continue
            hold = ((not is_not) in found.get(arg, {}) for arg in one.args)
            if any(hold) if one.kind.endswith("_or") else all(hold):
                found.setdefault(one.head, {})[wanted] = None
                grows = True
    return found


def _abductive(puzzle: Puzzle) -> str:
    known = abduced(puzzle.statements)
    return str(known[puzzle.query[0]]) if puzzle.query[0] in known else NOT_KNOWN


def abduced(statements: Sequence[Statement]) -> dict[str, bool]:
    """Backward: of a false head, `not` makes its operand true, `or` makes all false, `and` says nothing."""
    known = _facts(statements)
    rules: dict[str, list[Statement]] = {}
    for one in statements:
        if one.kind.startswith("rule_"):
            rules.setdefault(one.head, []).append(one)
    fresh = [name for name, value in known.items() if value is False]
    while fresh:
        for one in rules.get(fresh.pop(), ()):
            for arg in one.args if one.kind in ("rule_not", "rule_or") else ():
                if arg not in known:
                    known[arg] = one.kind == "rule_not"
                    if not known[arg]:
                        fresh.append(arg)
    return known


# -- graphs


def links(statements: Sequence[Statement]) -> dict[str, tuple[str, ...]]:
    """Where one can go from each name."""
    return {one.head: one.args for one in statements if one.kind == "links"}


def _reaches(puzzle: Puzzle) -> str:
    return str(bool(_walk(puzzle.query[0], puzzle.query[1], links(puzzle.statements))))


def _walk(start: str, end: str, onward: Mapping[str, Sequence[str]]) -> list[str]:
    """The names on one walk from start to end; empty when there is none."""
    came: dict[str, str] = {}
    left = [start]
    while left:
        name = left.pop()
        for after in onward.get(name, ()):
            if after not in came and after != start:
                came[after] = name
                left.append(after)
            if after == end:
                way = [end]
                while way[-1] != start:
                    way.append(came[way[-1]])
                return way[::-1]
    return []


def _best_path(puzzle: Puzzle) -> str:
    return best_path(puzzle)[0]


def best_path(puzzle: Puzzle) -> tuple[str, list[str]]:
    """The largest sum over directed paths without repeats; by memory of best remainders, as the graph has no cycle.

    A value that is missing on the way, or a cycle between start and end, leaves the answer open.
    """
    start, end = puzzle.query
    onward = links(puzzle.statements)
    gains = {one.head: _exact(one.args[0]) for one in puzzle.statements if one.kind == "value"}
    useful = _on_the_way(start, end, onward)
    if not useful:
        return NOT_KNOWN, []
    order = _topological(useful, onward)
    if order is None or any(name not in gains for name in useful):
        return NOT_KNOWN, []
    best: dict[str, tuple[Fraction, list[str]]] = {end: (gains[end], [end])}
    for name in reversed(order):
        ways = [best[after] for after in onward.get(name, ()) if after in best and after in useful]
        if ways and name != end:
            rest = max(ways, key=lambda way: way[0])
            best[name] = (gains[name] + rest[0], [name, *rest[1]])
    return number_text(best[start][0]), best[start][1]


def _on_the_way(start: str, end: str, onward: Mapping[str, Sequence[str]]) -> set[str]:
    """Names on any walk from start to end; empty when there is none."""
    back: dict[str, list[str]] = {}
    for name, afters in onward.items():
        for after in afters:
            back.setdefault(after, []).append(name)
    return _closure(start, onward) & _closure(end, back) if end in _closure(start, onward) else set()


def _closure(start: str, onward: Mapping[str, Sequence[str]]) -> set[str]:
    seen, left = {start}, [start]
    while left:
        for name in onward.get(left.pop(), ()):
            if name not in seen:
                seen.add(name)
                left.append(name)
    return seen


def _topological(names: set[str], onward: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The names with every link leading on; None when there is a cycle."""
    into = dict.fromkeys(sorted(names), 0)
    for name in sorted(names):
        for after in onward.get(name, ()):
            if after in names:
                into[after] += 1
    ready, order = [name for name, count in into.items() if count == 0], []
    while ready:
        order.append(ready.pop())
        for after in onward.get(order[-1], ()):
            if after in names:
                into[after] -= 1
                if into[after] == 0:
                    ready.append(after)
    return order if len(order) == len(names) else None


_SOLVERS: dict[str, Callable[[Puzzle], str]] = {
    "arithmetic": _arithmetic,
    "linear_equation": _linear,
    "bool_logic": _bool,
    "deductive_logic": _deductive,
    "abductive_logic": _abductive,
    "reachability": _reaches,
    "max_sum_path": _best_path,
}
