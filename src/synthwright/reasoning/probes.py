"""What can be guessed without reasoning: classifiers that see counts, or looks, of an item but not its meaning."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthwright.reasoning.grammar import parse
from synthwright.reasoning.items import question_of
from synthwright.reasoning.scoring import wilson

_FOLDS = 5


@dataclass(frozen=True)
class Guess:
    """Accuracy of a probe on groups it was not trained on, beside chance: the share of the commonest label."""

    accuracy: float
    low: float
    high: float
    chance: float
    n: int

    @property
    def gain(self) -> float:
        """How far above chance."""
        return self.accuracy - self.chance


def counts(one: Mapping[str, Any]) -> list[float]:
    """How often each kind of statement occurs, how many operands there are, and how many true and false facts."""
    puzzle = parse(question_of(one), str(one["task"]))
    kinds = Counter(statement.kind for statement in puzzle.statements)
    operands = Counter(statement.kind for statement in puzzle.statements for _ in statement.args)
    return [float(table[kind]) for table in (kinds, operands) for kind in _KINDS]


def surface(one: Mapping[str, Any]) -> list[float]:
    """Lengths, names, place of the asked name, order and wording."""
    text = question_of(one)
    puzzle = parse(text, str(one["task"]))
    heads = [statement.head for statement in puzzle.statements]
    asked = puzzle.query[0]
    places = [i / max(len(heads), 1) for i, head in enumerate(heads) if head == asked] or [-1.0]
    rank = sorted(set(heads)).index(asked) / max(len(set(heads)), 1) if asked in heads else -1.0
    orders = [float(one.get("order") == order) for order in ("topological", "reversed", "random")]
    letters = [float(ord(letter)) for letter in asked[:2].ljust(2)]
    numbers = [len(text) / 1000, len(heads) / 10, places[0], rank, float(heads[-1:] == [asked]), *letters]
    return [*numbers, *orders, float(one.get("template_set") or 0)]


_KINDS = (
    "value",
    "true",
    "false",
    "add",
    "sub",
    "mul",
    "div",
    "sqrt",
    "square",
    "and",
    "or",
    "not",
    "rule_and",
    "rule_or",
    "rule_not",
    "deny_and",
    "deny_or",
    "deny_not",
    "links",
    "sink",
    "equation",
)


def guess(
    records: Sequence[Mapping[str, Any]],
    features: Callable[[Mapping[str, Any]], list[float]] = counts,
    *,
    seed: int = 0,
) -> Guess | None:
    """Cross-validated accuracy of a logistic probe for the label; twins stay on one side of every fold.

    None when there are fewer than 40 items or one label. Features are standardised; squares are added, so that
    "many or few" can be a cue too.
    """
    from sklearn.linear_model import LogisticRegression

    labels = np.array([str(one["label"]) for one in records])
    if len(records) < 40 or len(set(labels)) < 2:
        return None
    x = np.array([features(one) for one in records])
    x = (x - x.mean(0)) / np.where(x.std(0) > 0, x.std(0), 1)
    x = np.concatenate([x, x**2], axis=1)
    folds = np.array([_fold(_twins(one), seed) for one in records])
    right = 0
    tested = np.zeros(len(records), bool)
    for fold in range(_FOLDS):
        out = folds == fold
        if not out.any() or len(set(labels[~out])) < 2:
            continue
        probe = LogisticRegression(max_iter=500, C=0.3).fit(x[~out], labels[~out])
        right += int((probe.predict(x[out]) == labels[out]).sum())
        tested |= out
    n = int(tested.sum())
    if not n:
        return None
    chance = max(Counter(labels[tested].tolist()).values()) / n
    low, high = wilson(right, n)
    return Guess(right / n, low, high, chance, n)


def nearby(one: Mapping[str, Any]) -> list[float]:
    """The kinds of the statements in which the asked name stands: not a cue but the first step of the reasoning."""
    puzzle = parse(question_of(one), str(one["task"]))
    asked = puzzle.query[0]
    heads = {statement.kind for statement in puzzle.statements if statement.head == asked}
    uses = {statement.kind for statement in puzzle.statements if asked in statement.args}
    return [float(kind in found) for found in (heads, uses) for kind in _KINDS]


def _twins(one: Mapping[str, Any]) -> str:
    """What twins of one drawing have in common."""
    puzzle = (one.get("payload") or {}).get("puzzle")
    return str(puzzle).rpartition("-")[0] if puzzle else str(one.get("id"))


def _fold(group: str, seed: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}|{group}".encode()).digest()[:4], "big") % _FOLDS
