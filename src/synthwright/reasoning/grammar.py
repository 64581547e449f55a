"""Sentences from puzzles and puzzles from sentences, by one file of templates.

A template writes a sentence and, turned into a regular expression, reads it: what the generator says and what the
solver understands cannot drift apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import yaml

from synthwright.core.errors import DataError
from synthwright.reasoning.puzzles import Dice, Puzzle, Statement

ORDERS = ("topological", "reversed", "random")
_NAME, _NUMBER = "[a-z]{3}", r"-?\d+"
_LIST = rf"{_NAME}(?:, {_NAME})*(?: and {_NAME})?"
_SLOTS = {
    "head": _NAME,
    "arg": _NAME,
    "first": _NAME,
    "from": _NAME,
    "to": _NAME,
    "args": _LIST,
    "rest": _LIST,
    "number": _NUMBER,
    "a": f"{_NUMBER}|{_NAME}",
    "b": f"{_NUMBER}|{_NAME}",
    "e": f"{_NUMBER}|{_NAME}",
}


class _Template(NamedTuple):
    kind: str
    text: str
    pattern: re.Pattern[str]
    key: str  # the longest fixed part: lines without it need no regular expression


@cache
def _document() -> dict[str, Any]:
    text = resources.files("synthwright.reasoning").joinpath("templates.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def n_sets() -> int:
    """Number of template sets."""
    return len(_document()["sets"])


@cache
def templates(number: int) -> tuple[_Template, ...]:
    """The templates of a set."""
    return tuple(_compiled(kind, text) for kind, text in _document()["sets"][number].items())


@cache
def _by_kind(number: int) -> Mapping[str, str]:
    return {one.kind: one.text for one in templates(number)}


@cache
def _question(task: str) -> _Template:
    return _compiled(
        "question", _document()["frame"]["ask"].replace("{question}", _document()["tasks"][task]["question"])
    )


def _compiled(kind: str, text: str) -> _Template:
    parts = re.split(r"(\{\{|\}\}|\{\w+\})", text)
    pattern, fixed = "", [""]
    for part in parts:
        if part in ("{{", "}}"):
            pattern += re.escape(part[0])
            fixed[-1] += part[0]
        elif part.startswith("{") and part.endswith("}"):
            pattern += f"(?P<{part[1:-1]}>{_SLOTS[part[1:-1]]})"
            fixed.append("")
        else:
            pattern += re.escape(part)
            fixed[-1] += part
    return _Template(kind, text, re.compile(pattern), max(fixed, key=len))


# -- writing


def sentence(one: Statement, number: int) -> str:
    """A statement in the words of a template set."""
    slots: dict[str, str] = {"head": one.head}
    if one.kind == "value":
        slots["number"] = one.args[0]
    elif one.kind == "equation":
        slots = {"number": one.head, "a": one.args[0], "b": one.args[1], "e": one.args[2]}
    elif one.args:
        slots |= {"arg": one.args[0], "first": one.args[0], "rest": listed(one.args[1:]), "args": listed(one.args)}
    return _by_kind(number)[one.kind].format(**slots)


def listed(names: Sequence[str]) -> str:
    """abc, def and ghi."""
    return names[0] if len(names) == 1 else ", ".join(names[:-1]) + (f" and {names[-1]}" if names else "")


def render(puzzle: Puzzle, *, number: int = 0) -> str:
    """The whole text: introduction, a sentence a line, the question, the form of the answer."""
    task, frame = _document()["tasks"][puzzle.task], _document()["frame"]
    if len(puzzle.query) == 2 and puzzle.task != "linear_equation":
        question = task["question"].format(**{"from": puzzle.query[0], "to": puzzle.query[1]})
    else:
        question = task["question"].format(head=puzzle.query[0])
    lines = [task["intro"], "", *(sentence(one, number) for one in puzzle.statements), ""]
    lines += [frame["ask"].format(question=question), frame["form"].format(answer=task["answer"])]
    return "\n".join(lines)


def arranged(puzzle: Puzzle, order: str, dice: Dice) -> Puzzle:
    """The same puzzle with its statements in another order.

    topological: what a statement needs stands before it (of a graph: a place before those it leads to); reversed: the
    other way round; random. What neither needs the other stands in random order.
    """
    statements = list(puzzle.statements)
    dice.shuffle(statements)
    if order != "random":
        statements = _sorted(statements)
        if order == "reversed":
            statements.reverse()
    return Puzzle(puzzle.task, tuple(statements), puzzle.query)


def _sorted(statements: Sequence[Statement]) -> list[Statement]:
    """Kahn's algorithm; what stands on a cycle comes last, as it was."""
    about: dict[str, list[int]] = {}
    for i, one in enumerate(statements):
        about.setdefault(one.head, []).append(i)
    waits = [0] * len(statements)
    users: list[list[int]] = [[] for _ in statements]
    for i, one in enumerate(statements):
        if one.kind == "value":
            continue
        for name in one.args:
            for j in about.get(name, ()):
                before, after = (i, j) if one.kind == "links" else (j, i)
                if before != after:
                    users[before].append(after)
                    waits[after] += 1
    ready = [i for i in range(len(statements)) if waits[i] == 0]
    done: list[int] = []
    while ready:
        i = ready.pop(0)
        done.append(i)
        for j in users[i]:
            waits[j] -= 1
            if waits[j] == 0:
                ready.append(j)
    placed = set(done)
    return [statements[i] for i in (*done, *(i for i in range(len(statements)) if i not in placed))]


# -- reading


def parse(text: str, task: str, *, number: int | None = None) -> Puzzle:
    """The puzzle that a text describes, in the order of its sentences.

    number: the template set; found when None. Raises DataError naming the first line that no template reads.
    """
    lines = text.split("\n")
    first, last = lines.index("") + 1 if "" in lines else 0, len(lines)
    question = _question(task)
    query: tuple[str, ...] = ()
    body: list[str] = []
    for line in lines[first:last]:
        if found := question.pattern.fullmatch(line):
            groups = found.groupdict()
            query = ("x", "y") if task == "linear_equation" else tuple(groups[key] for key in groups)
            break
        if line:
            body.append(line)
    if not query:
        raise DataError(f"The text asks no question about {task}.", where="text", fix="give the task it was made for")
    tried = range(n_sets()) if number is None else (number,)
    misread = ""
    for candidate in tried:
        statements = _read(body, candidate)
        if isinstance(statements, str):
            misread = misread or statements
            continue
        return Puzzle(task, tuple(statements), query)
    raise DataError(f"No template reads the line {misread!r:.100}.", where="text", fix="use text made by this version")


def _read(lines: Sequence[str], number: int) -> list[Statement] | str:
    """Statements of all lines, or the first line that is none."""
    found = []
    for line in lines:
        for template in templates(number):
            if template.key in line and (match := template.pattern.fullmatch(line)):
                found.append(_statement(template.kind, match.groupdict()))
                break
        else:
            return line
    return found


def _statement(kind: str, slots: Mapping[str, str]) -> Statement:
    if kind == "equation":
        return Statement(kind, slots["number"], (slots["a"], slots["b"], slots["e"]))
    args: list[str] = []
    for key in ("number", "arg", "first"):
        if key in slots:
            args.append(slots[key])
    for key in ("args", "rest"):
        if key in slots:
            args += re.split(", | and ", slots[key])
    return Statement(kind, slots["head"], tuple(args))


def ambiguities(number: int) -> list[str]:
    """Sentences of a set that two templates read, or that are read as another kind: must be empty."""
    examples = [Statement("equation", "1", ("-3", "bcd", "7")), Statement("equation", "2", ("bcd", "4", "-1"))]
    for kind in _by_kind(number):
        if kind == "value":
            examples += [Statement(kind, "bcd", (text,)) for text in ("7", "-12")]
        elif kind in ("true", "false", "sink"):
            examples.append(Statement(kind, "bcd"))
        elif kind in ("sqrt", "square", "not", "rule_not", "deny_not"):
            examples.append(Statement(kind, "bcd", ("fgh",)))
        elif kind != "equation":
            few = 2 if kind in ("add", "sub", "mul", "div") else 1
            every = ("fgh", "jkl", "mnp", "qrs")
            examples += [Statement(kind, "bcd", every[:n]) for n in range(few, 5)]
    found = []
    for one in examples:
        line = sentence(one, number)
        readers = [t for t in templates(number) if t.pattern.fullmatch(line)]
        if len(readers) != 1 or _read([line], number) != [one]:
            found.append(f"set {number}: {line!r} is read by {[t.kind for t in readers]}")
    return found
