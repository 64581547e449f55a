"""Which classes a model of images makes: their shares in the data, and what a condition leaves of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from synthwright.core.context import Context
from synthwright.core.errors import DataError, counted, listing
from synthwright.data.conditions import Condition
from synthwright.data.images import ImageSet, unlearned

FEWEST = 2  # images of a class, below which it has no variation to learn


@dataclass(frozen=True)
class Classes:
    """The classes of a set of images. levels: empty when images have none, which counts as one class.

    shares: of each class, as sampled; target: name of the column.
    """

    levels: tuple[Any, ...]
    shares: tuple[float, ...]
    target: str | None = None

    @classmethod
    def fit(cls, data: ImageSet, ctx: Context, *, balance: bool) -> Self:
        """The classes in the data. Raises DataError for classes of one image."""
        if left := unlearned(data.schema):
            ctx.note("I001", f"only images and classes are learned, these columns stay empty: {listing(left)}")
        codes = data.codes()
        if codes is None:
            return cls((), (1.0,))
        counts = np.bincount(codes, minlength=len(data.classes))
        rare = [f"{level!r} ({count})" for level, count in zip(data.classes, counts, strict=True) if 0 < count < FEWEST]
        if rare:
            subject = counted(len(rare), "class has", "classes have")
            raise DataError(
                f"{subject} one image, which shows no variation: {listing(rare, 5)}.",
                where=f"column {data.schema.target!r}",
                fix="add images of these classes, or leave them out",
            )
        present = np.flatnonzero(counts)
        weights = np.ones(len(present)) if balance else counts[present]
        levels = tuple(data.classes[i] for i in present)
        return cls(levels, tuple((weights / weights.sum()).tolist()), data.schema.target)

    @property
    def count(self) -> int:
        """How many classes are told apart."""
        return len(self.shares)

    def name(self, k: int) -> str:
        """A class in words."""
        return repr(self.levels[k]) if self.levels else "all images"

    def codes(self, data: ImageSet) -> np.ndarray:
        """The place of each image's class in `levels`: (n,) int64; 0 without classes."""
        labels = data.labels() if self.levels else None
        if labels is None:
            return np.zeros(len(data), dtype=np.int64)
        place = {level: i for i, level in enumerate(self.levels)}
        return np.array([place[level] for level in labels.tolist()], dtype=np.int64)

    def draw(self, n: int, rng: np.random.Generator, where: Condition | None) -> np.ndarray:
        """Classes of n images: (n,) int64, by their shares among those that the condition names.

        Systematic sampling: each class comes as often as its share says, up to one image (Madow and Madow 1944). A
        part of the condition that this does not cover is checked on the finished images.
        """
        weights = np.asarray(self.shares) * self._allowed(where)
        if not weights.any():  # no class is left: the check on the finished images says so
            weights = np.asarray(self.shares)
        ends = weights.cumsum()
        places = (np.arange(n) + rng.random()) / n * ends[-1]
        return rng.permutation(np.minimum(np.searchsorted(ends, places, side="right"), np.flatnonzero(weights)[-1]))

    def _allowed(self, where: Condition | None) -> np.ndarray:
        if where is None or self.target is None:
            return np.ones(self.count, dtype=bool)
        wanted: Any = self.levels
        if self.target in where.equal:
            wanted = (where.equal[self.target],)
        elif self.target in where.members:
            wanted = where.members[self.target]
        return np.array([level in wanted for level in self.levels])

    def cells(self, codes: np.ndarray) -> list[Any] | None:
        """The values of the class column for these codes; None without classes."""
        return [self.levels[k] for k in codes.tolist()] if self.levels else None

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return {"levels": list(self.levels), "shares": list(self.shares), "target": self.target}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(tuple(document["levels"]), tuple(document["shares"]), document["target"])
