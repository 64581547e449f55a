"""What a model is to predict: the target as codes or numbers, over the classes that can be measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthwright.core.errors import listing
from synthwright.evaluate.encoding import MISSING, Field, TableEncoding
from synthwright.evaluate.learners import Task

FEWEST = 5  # rows: with fewer a bootstrap hardly knows how much a skill varies, or meets no row of the class
_CLASSES = 20


@dataclass(frozen=True)
class Goal:
    """What is predicted: `y` holds codes or numbers for each part, NaN where the target is missing or left out.

    left_out: classes that are not predicted, {"class": str, "train": rows, "test": rows}.
    """

    name: str
    task: Task
    classes: tuple[str, ...]
    y: Mapping[str, np.ndarray]
    left_out: tuple[Mapping[str, Any], ...] = ()

    @property
    def count(self) -> int:
        """Number of classes, at least 2."""
        return max(2, len(self.classes))

    @property
    def rarities(self) -> str:
        """The classes left out with their rows, in words."""
        words = [f"{one['class']!r} ({one['train']:,} in training, {one['test']:,} in test)" for one in self.left_out]
        return listing(words, 5)


def goal_of(encoding: TableEncoding, target: str) -> Goal | None:
    """The prediction task of a target; None when the real target is constant or not judged."""
    if target not in encoding.index:
        return None
    field = encoding[target]
    values = np.unique(field.present("real"))
    if len(values) < 2:
        return None
    if field.is_number and len(values) > 2:
        return Goal(target, "regression", (), field.values)
    if field.is_number:
        y = {part: _codes_of(cells, values) for part, cells in field.values.items()}
        return Goal(target, "binary", tuple(f"{value:g}" for value in values), y)
    return _goal_of_levels(field)


def _goal_of_levels(field: Field) -> Goal:
    """Levels of the real rows, the commonest first; those beyond 20 are one class, "other"."""
    known = int((field.counts("real") > 0).sum())
    most = min(known, _CLASSES)
    highest = len(field.levels) if known > _CLASSES else most
    y = {
        part: np.where((codes == MISSING) | (codes >= highest), np.nan, np.minimum(codes, most - 1).astype(float))
        for part, codes in field.values.items()
    }
    names = (*field.levels[: most - 1], field.levels[most - 1] if known <= _CLASSES else "other")
    tested = field.counts("test")[highest:] if "test" in field.values else ()
    strange = tuple(
        {"class": level, "train": 0, "test": int(n)}
        for level, n in zip(field.levels[highest:], tested, strict=False)
        if n
    )
    return Goal(field.name, "binary" if most == 2 else "multiclass", names, y, strange)


def _codes_of(cells: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The nearer of two values, as 0 or 1; NaN stays."""
    return np.where(np.isnan(cells), np.nan, (cells > values.mean()).astype(float))


def measurable(goal: Goal, *, train: np.ndarray, test: np.ndarray) -> Goal:
    """The goal over the classes with FEWEST of the targets `train` and of `test`; other rows lose their target.

    train, test: (n,) and (m,) values of `goal.y`, NaN missing. Fewer than two classes may be left.
    """
    if goal.task == "regression":
        return goal
    counts = [np.bincount(y[~np.isnan(y)].astype(int), minlength=len(goal.classes)) for y in (train, test)]
    kept = np.minimum(*counts) >= FEWEST
    if kept.all():
        return goal
    code = np.append(np.where(kept, np.cumsum(kept) - 1.0, np.nan), np.nan)  # the last one is for missing targets
    y = {part: code[np.where(np.isnan(one), -1, one).astype(int)] for part, one in goal.y.items()}
    out = tuple(
        {"class": goal.classes[i], "train": int(counts[0][i]), "test": int(counts[1][i])} for i in np.flatnonzero(~kept)
    )
    names = tuple(name for name, good in zip(goal.classes, kept, strict=True) if good)
    task: Task = "binary" if len(names) <= 2 else "multiclass"
    return replace(goal, task=task, classes=names, y=y, left_out=(*out, *goal.left_out))


def shortage(goal: Goal, rows: Mapping[str, np.ndarray], test_part: str) -> str:
    """Why the goal cannot be measured on these rows, in words; "" when it can. rows: part -> row numbers."""
    if goal.task != "regression" and len(goal.classes) < 2:
        others = f"; only {goal.classes[0]!r} has" if goal.classes else ""
        return (
            f"Two classes of {goal.name!r} need {FEWEST} training and {FEWEST} test rows each{others}. "
            f"Too rare: {goal.rarities}."
        )
    few = [f"{len(found)} {_WORDS.get(part, part)}" for part, found in rows.items() if len(found) < FEWEST]
    if few:
        return f"Too few rows have a value of {goal.name!r}: {listing(few)}; {FEWEST} of each are needed."
    y = goal.y[test_part][rows[test_part]]
    if goal.task == "regression" and y.min() == y.max():
        return f"All {len(y):,} test rows have the same value of {goal.name!r}."
    return ""


_WORDS = {"train": "training", "independent": "shuffled"}
