"""How often answers are right: by task, level, order and wording, with intervals and chance taken out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy.stats import binomtest

from synthwright.reasoning.answers import OUTCOMES, Outcome, judge

Z = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True)
class Cell:
    """Accuracy of a group of items. low, high: 95 % Wilson interval; corrected: (accuracy - chance) / (1 - chance)."""

    key: Mapping[str, str]
    n: int
    right: int
    accuracy: float
    low: float
    high: float
    chance: float
    corrected: float
    outcomes: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {**self.__dict__, "key": dict(self.key), "outcomes": dict(self.outcomes)}


@dataclass(frozen=True)
class Breakdown:
    """All cells of one scoring, and how much the order of the statements matters."""

    total: Cell
    cells: tuple[Cell, ...]
    loose: int
    orders: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {
            "total": self.total.to_json(),
            "cells": [cell.to_json() for cell in self.cells],
            "loose": self.loose,
            "orders": dict(self.orders),
        }


def wilson(right: int, n: int, z: float = Z) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927); (0, 1) when n is 0."""
    if not n:
        return 0.0, 1.0
    share, square = right / n, z * z / n
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    # The ends are exact at 0 and 1, where rounding could cross them.
    return (0.0 if right == 0 else middle - half), (1.0 if right == n else middle + half)


def outcomes(records: Sequence[Mapping[str, Any]], replies: Sequence[str | None]) -> list[tuple[Outcome, bool]]:
    """The outcome of every reply, and whether the answer had to be searched for. records need task and label."""
    return [judge(r, str(one["label"]), str(one["task"])) for one, r in zip(records, replies, strict=True)]


def chance_of(labels: Iterable[str]) -> float:
    """What always giving the commonest label would score; 0 for numbers, which repeat by accident only."""
    counts = Counter(labels)
    if not counts or not set(counts) <= {"True", "False", "N/A"}:
        return 0.0
    return max(counts.values()) / sum(counts.values())


def score(
    records: Sequence[Mapping[str, Any]],
    replies: Sequence[str | None],
    *,
    by: Sequence[str] = ("task", "level"),
) -> Breakdown:
    """Score replies to records, which need task, label and the fields of `by` (task, level, order, template_set)."""
    judged = outcomes(records, replies)
    groups: dict[tuple[str, ...], list[int]] = {}
    for place, one in enumerate(records):
        groups.setdefault(tuple(str(one.get(name, "")) for name in by), []).append(place)
    cells = tuple(
        _cell(dict(zip(by, key, strict=True)), places, records, judged) for key, places in sorted(groups.items())
    )
    total = _cell({}, list(range(len(records))), records, judged)
    return Breakdown(total, cells, sum(loose for _, loose in judged), order_sensitivity(records, judged))


def _cell(
    key: Mapping[str, str],
    places: Sequence[int],
    records: Sequence[Mapping[str, Any]],
    judged: Sequence[tuple[Outcome, bool]],
) -> Cell:
    n = len(places)
    counts = Counter(judged[place][0] for place in places)
    right = counts["correct"]
    chance = _mean_chance(places, records)
    accuracy = right / n if n else 0.0
    low, high = wilson(right, n)
    corrected = (accuracy - chance) / (1 - chance) if chance < 1 else 0.0
    return Cell(key, n, right, accuracy, low, high, chance, corrected, {name: counts[name] for name in OUTCOMES})


def _mean_chance(places: Sequence[int], records: Sequence[Mapping[str, Any]]) -> float:
    """Chance within each task and level, weighted by its size."""
    labels: dict[tuple[str, str], list[str]] = {}
    for place in places:
        one = records[place]
        labels.setdefault((str(one["task"]), str(one.get("level", ""))), []).append(str(one["label"]))
    return sum(chance_of(found) * len(found) for found in labels.values()) / max(len(places), 1)


def order_sensitivity(records: Sequence[Mapping[str, Any]], judged: Sequence[tuple[Outcome, bool]]) -> dict[str, Any]:
    """Largest difference in accuracy between orders on the same graphs, and its p-value by McNemar's exact test.

    Only puzzles that were asked in several orders count (payload["puzzle"] names the puzzle); empty without any.
    """
    asked: dict[str, dict[str, bool]] = {}
    for one, (outcome, _) in zip(records, judged, strict=True):
        puzzle = (one.get("payload") or {}).get("puzzle")
        if puzzle is not None:
            asked.setdefault(str(puzzle), {})[str(one.get("order", ""))] = outcome == "correct"
    names = sorted({order for found in asked.values() if len(found) > 1 for order in found})
    best: dict[str, Any] = {}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            both = [(found[a], found[b]) for found in asked.values() if a in found and b in found]
            if not both:
                continue
            first, second = sum(x for x, _ in both), sum(y for _, y in both)
            only_a, only_b = sum(x and not y for x, y in both), sum(y and not x for x, y in both)
            p = float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0
            gap = abs(first - second) / len(both)
            if not best or gap > best["difference"]:
                best = {"orders": [a, b], "difference": gap, "p": p, "puzzles": len(both)}
    return best
