"""Corpora as what metrics of text read: records, their words, and the puzzles of those that are items of DyVal."""

from __future__ import annotations

import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from synthwright.core.context import Context
from synthwright.core.errors import DataError
from synthwright.core.seeds import named_rng
from synthwright.data.corpus import Corpus
from synthwright.data.dataset import Dataset
from synthwright.evaluate.metric import Evidence, Score
from synthwright.evaluate.verdict import BaseMetric
from synthwright.reasoning.grammar import parse
from synthwright.reasoning.items import question_of
from synthwright.reasoning.levels import LEVELS, TASKS
from synthwright.reasoning.puzzles import Puzzle

ResultT = TypeVar("ResultT")
MOST_ITEMS = 20_000  # records that a metric reads; more are drawn at random


class TextEncoding:
    """The records of each part, read once. skipped: no column is left out of judgement.

    Items of DyVal are those with a task and level of DyVal and a label; the other records are plain.
    """

    skipped: tuple[str, ...] = ()

    def __init__(self, parts: Mapping[str, Dataset], *, seed: int = 0) -> None:
        for name, part in parts.items():
            if not isinstance(part, Corpus):
                raise DataError(f"The {name} part holds no texts.", where=f"{name}=", fix="pass a Corpus")
        self.parts = dict(parts)
        self.rows = {name: len(part) for name, part in parts.items()}
        self.seed = seed
        self._kept: dict[object, Any] = {}

    def once(self, key: object, make: Callable[[], ResultT]) -> ResultT:
        """`make()`, computed on first use."""
        if key not in self._kept:
            self._kept[key] = make()
        found: ResultT = self._kept[key]
        return found

    @property
    def unseen(self) -> str:
        """The part of real records that the generator never saw; empty when there is none."""
        return next((part for part in ("holdout", "test") if part in self.parts), "")

    def records(self, part: str) -> list[dict[str, Any]]:
        """The records of a part, at most MOST_ITEMS, in order."""
        return self.once(("records", part), lambda: self._records(part))

    def _records(self, part: str) -> list[dict[str, Any]]:
        data, n = self.parts[part], self.rows[part]
        if n > MOST_ITEMS:
            data = data.select(np.sort(named_rng(self.seed, f"records {part}").choice(n, MOST_ITEMS, replace=False)))
        found: list[dict[str, Any]] = data.records()  # type: ignore[attr-defined]  # a Corpus, as was checked
        return found

    def items(self) -> list[dict[str, Any]]:
        """The synthetic records that are items of DyVal."""
        return self.once("items", lambda: [one for one in self.records("synthetic") if is_item(one)])

    def plain(self, part: str) -> list[dict[str, Any]]:
        """The records of a part that are no items of DyVal."""
        return self.once(("plain", part), lambda: [one for one in self.records(part) if not is_item(one)])

    def puzzles(self) -> list[Puzzle | None]:
        """What the text of each item says; None where no template reads it."""
        return self.once("puzzles", lambda: [_read(one) for one in self.items()])

    def texts(self, part: str) -> list[str]:
        """The plain records of a part as text: all messages, without case and blanks."""
        return self.once(("texts", part), lambda: [normal_text(one) for one in self.plain(part)])

    def words(self, part: str) -> list[list[str]]:
        """The words of each plain record."""
        return self.once(("words", part), lambda: [re.findall(r"\w+", text) for text in self.texts(part)])

    def used(self) -> dict[str, int]:
        """What a score says of sampling: nothing when all records were read."""
        n = self.rows["synthetic"]
        return {"synthetic": MOST_ITEMS, "of": n} if n > MOST_ITEMS else {}

    def hashes(self, part: str) -> np.ndarray:
        """One 64-bit number per record: (n,) uint64. Records with equal messages have equal numbers."""
        return self.once(("hashes", part), lambda: _hashes(self.parts[part]))

    def pictures(self, scores: Sequence[Score]) -> dict[str, Any]:
        """JSON-able data of the figures. "answers": {"model": str, "cells": [{task, level, n, accuracy, low, high,
        chance}], "outcomes": {task: {outcome: n}}}; absent when the corpus holds no answers."""
        by_id = {score.id: score for score in scores if score.value is not None}
        answered = by_id.get("utility.text_accuracy")
        return {"answers": answered.details["answers"]} if answered else {}


class TextMetric(BaseMetric, ABC):
    """Base of the metrics on text. A metric that does not concern the records of a corpus gives no score."""

    modalities: ClassVar[tuple[str, ...]] = ("text",)

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """The scores, none when no record is concerned."""
        encoding: TextEncoding = evidence.encoding
        return self.measure(encoding, ctx) if self.concerns(encoding) else []

    @abstractmethod
    def concerns(self, encoding: TextEncoding) -> bool:
        """Whether any record is concerned."""

    @abstractmethod
    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """The scores."""


class ItemMetric(TextMetric):
    """Base of the metrics on items of DyVal."""

    def concerns(self, encoding: TextEncoding) -> bool:
        """Whether there are items."""
        return bool(encoding.items())


class PlainMetric(TextMetric):
    """Base of the metrics on all other records."""

    def concerns(self, encoding: TextEncoding) -> bool:
        """Whether there are such records."""
        return bool(encoding.plain("synthetic"))


def normal_text(one: Mapping[str, Any]) -> str:
    """All messages of a record in lower case with single blanks."""
    return " ".join(" ".join(str(m["content"]) for m in one["messages"]).lower().split())


def cells_of(items: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[int]]:
    """Numbers of the items of each task and level, in the order of tasks and levels."""
    found: dict[tuple[str, str], list[int]] = {(task, level): [] for task in TASKS for level in LEVELS}
    for place, one in enumerate(items):
        found[str(one["task"]), str(one["level"])].append(place)
    return {cell: places for cell, places in found.items() if places}


def is_item(one: Mapping[str, Any]) -> bool:
    """Whether a record is an item of DyVal: its task and level are known, and it has a label."""
    return one.get("task") in TASKS and one.get("level") in LEVELS and one.get("label") is not None


def _read(one: Mapping[str, Any]) -> Puzzle | None:
    try:
        return parse(question_of(one), str(one["task"]))
    except (DataError, StopIteration):
        return None


def _hashes(part: Dataset) -> np.ndarray:
    lines = (str(messages) for messages in part.arrow.column("messages").to_pylist())
    digests = [hashlib.blake2b(line.encode(), digest_size=8).digest() for line in lines]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
