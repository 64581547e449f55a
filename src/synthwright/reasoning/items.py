"""From puzzles to what is asked: text, label solved from the text, worked examples, reasoning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthwright.reasoning.grammar import ORDERS, arranged, n_sets, parse, render
from synthwright.reasoning.levels import LEVELS, NOT_KNOWN
from synthwright.reasoning.puzzles import Dice, Item, Puzzle, canonical_id, item_seed
from synthwright.reasoning.sampling import Wish, groups
from synthwright.reasoning.solver import solve, steps


@dataclass(frozen=True)
class Style:
    """How puzzles are asked. order: one of ORDERS, or "all": every puzzle in the three; template_set: None is mixed."""

    order: str = "random"
    template_set: int | None = 0
    few_shot: int = 0
    trace: bool = False


def items(secret: str, cell: tuple[str, str], index: int, wish: Wish, style: Style) -> list[Item]:
    """The items of group `index` of a (task, level): the same whenever and wherever they are made.

    Twins stand together. The label of every item is solved from its text; that it equals the answer of the graph is
    checked here, so that no text can mean something else than was drawn.
    """
    task, level = cell
    dice = Dice(item_seed(secret, task, level, index))
    drawn = groups(task, LEVELS[level], wish, dice, index)
    kin = canonical_id(drawn[0], marks=False)
    found = []
    for place, puzzle in enumerate(drawn):
        number = dice.below(n_sets()) if style.template_set is None else style.template_set
        for order in ORDERS if style.order == "all" else (style.order,):
            found.append(_asked(puzzle, (level, index, place), order, number, dice, kin, style))
    return found


def _asked(
    puzzle: Puzzle, where: tuple[str, int, int], order: str, number: int, dice: Dice, kin: str, style: Style
) -> Item:
    level, index, place = where
    asked = arranged(puzzle, order, dice)
    text = render(asked, number=number)
    understood = parse(text, puzzle.task, number=number)
    if understood != asked:
        raise RuntimeError(f"a sentence of template set {number} is read as something else:\n{text}")
    label, reasoning = steps(understood) if style.trace else (solve(understood), [])
    name = f"{puzzle.task}-{level}-{index}-{place}"
    canonical = canonical_id(puzzle)
    payload = {"puzzle": name, "canonical": canonical, "query": list(puzzle.query), "order": order}
    trace = "\n".join([*reasoning, f"<<<{label}>>>"]) if style.trace else ""
    return Item(
        puzzle.task, level, asked, text, label, order, number, f"{puzzle.task}-{kin}", canonical, index, trace, payload
    )


def messages(item: Item, secret: str, wish: Wish, style: Style) -> list[dict[str, str]]:
    """What is sent: worked examples of the same task and level, then the item; its reasoning as a reply, if wanted."""
    found = []
    for i in range(style.few_shot):
        shot = _example(item, i, secret, wish)
        found += [{"role": "user", "content": shot.text}, {"role": "assistant", "content": shot.trace}]
    found.append({"role": "user", "content": item.text})
    if item.trace:
        found.append({"role": "assistant", "content": item.trace})
    return found


def _example(item: Item, number: int, secret: str, wish: Wish) -> Item:
    """A worked example, of twins one by lot: from a stream of its own, and never the item under other names."""
    stream, cell = f"{secret}|shot", (item.task, item.level)
    for attempt in range(6):
        index = item.index * 97 + number + 16 * attempt
        twins = items(stream, cell, index, wish, Style(trace=True))
        others = [one for one in twins if one.canonical != item.canonical]
        if others:
            return Dice(item_seed(f"{stream}|lot", *cell, index)).pick(others)
    raise RuntimeError(f"no example of {item.task} at {item.level} differs from the item")  # fewer than two puzzles


def record(item: Item, secret: str, wish: Wish, style: Style, gen: Mapping[str, Any]) -> dict[str, Any]:
    """The item as a record of a corpus."""
    return {
        "framework": "dyval",
        "task": item.task,
        "level": item.level,
        "order": item.order,
        "template_set": str(item.template_set),
        "label": item.label,
        "status": "accepted",
        "group": item.group,
        "messages": messages(item, secret, wish, style),
        "payload": item.payload,
        "checks": [{"name": "label solved from the text", "passed": True}],
        "gen": {**gen, "index": item.index},
    }


def question_of(one: Mapping[str, Any]) -> str:
    """The text of the item in a record: the last message of the user."""
    return next(str(m["content"]) for m in reversed(one["messages"]) if m["role"] == "user")


def oracle(one: Mapping[str, Any]) -> str:
    """The reply of a solver that reads the text and nothing else."""
    return f"<<<{solve(parse(question_of(one), str(one['task'])))}>>>"


def sort_by_name(one: Mapping[str, Any]) -> str:
    """The reply of a solver that only sorts names: it takes the largest for the question and guesses from its sentence.

    In the public code this solved the order of the statements; here names are drawn at random.
    """
    puzzle = parse(question_of(one), str(one["task"]))
    last = max(puzzle.statements, key=lambda statement: statement.head)
    said = {"true": "True", "false": "False", "not": "False", "sink": "False", "rule_not": "True"}
    if last.kind == "value":
        return f"<<<{last.args[0]}>>>"
    return f"<<<{said.get(last.kind, 'True' if puzzle.task != 'max_sum_path' else NOT_KNOWN)}>>>"
