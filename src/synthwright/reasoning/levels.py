"""Tasks and levels: how large a problem is at D1 to D8."""

from __future__ import annotations

import re
from dataclasses import dataclass

from synthwright.core.errors import ConfigError, did_you_mean, listing

TASKS = (
    "arithmetic",
    "linear_equation",
    "bool_logic",
    "deductive_logic",
    "abductive_logic",
    "reachability",
    "max_sum_path",
)
TREES = ("arithmetic", "linear_equation", "bool_logic", "deductive_logic", "abductive_logic")
GRAPHS = ("reachability", "max_sum_path")
NOT_KNOWN = "N/A"
# The answers that a task can have; None: numbers.
LABELS: dict[str, tuple[str, ...] | None] = {
    "arithmetic": None,
    "linear_equation": None,
    "bool_logic": ("True", "False"),
    "deductive_logic": ("True", NOT_KNOWN),
    "abductive_logic": ("True", "False", NOT_KNOWN),
    "reachability": ("True", "False"),
    "max_sum_path": None,
}


@dataclass(frozen=True)
class Level:
    """Sizes of one level.

    depth: layers of operators; width: children of an operator that takes several; links: children added to operators
    from elsewhere in the tree; distractors: trees that use the same names and do not bear on the question.
    nodes, most_links: size of a graph and most links of a node. flaws: deletions or cycles in unsolvable mode.
    """

    name: str
    depth: int
    width: int
    links: int
    distractors: int
    nodes: int
    most_links: int
    flaws: int


LEVELS: dict[str, Level] = {
    name: Level(name, *sizes)
    for name, sizes in {
        "D1": (2, 2, 0, 0, 7, 3, 1),
        "D2": (3, 2, 0, 0, 10, 4, 1),
        "D3": (3, 3, 0, 0, 15, 6, 1),
        "D4": (4, 2, 0, 0, 20, 8, 1),
        "D5": (4, 3, 2, 2, 30, 8, 2),
        "D6": (5, 2, 4, 4, 45, 9, 2),
        "D7": (5, 3, 6, 6, 70, 10, 3),
        "D8": (6, 2, 8, 8, 100, 10, 3),
    }.items()
}


def parse_tasks(text: str) -> tuple[str, ...]:
    """ "all", or names with commas between. Raises ConfigError."""
    if text.strip() == "all":
        return TASKS
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [name for name in names if name not in TASKS]
    if unknown or not names:
        shown = unknown[0] if unknown else text
        raise ConfigError(
            f"Unknown task {shown!r}.{did_you_mean(shown, TASKS)}", where="task", fix=f"use all, or: {listing(TASKS)}"
        )
    return names


def parse_levels(text: str) -> tuple[str, ...]:
    """One level, a range such as D1-D4, or a list with commas. Raises ConfigError."""
    found: list[str] = []
    order = list(LEVELS)
    for part in text.replace(" ", "").split(","):
        ends = re.fullmatch(r"(D\d)(?:-(D\d))?", part)
        first, last = (ends[1], ends[2] or ends[1]) if ends else ("", "")
        if first not in LEVELS or last not in LEVELS or order.index(first) > order.index(last):
            raise ConfigError(
                f"Unknown level {part!r}.", where="level", fix="use D1 to D8, a range D1-D4, or a list D1,D3"
            )
        found += order[order.index(first) : order.index(last) + 1]
    return tuple(dict.fromkeys(found))
