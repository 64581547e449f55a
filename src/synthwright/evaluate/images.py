"""The parts of an evaluation of images as arrays in one feature space, and what all metrics of images share."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from synthwright.classic.embeddings import projection
from synthwright.core.context import Context
from synthwright.core.errors import DataError, Problem, Unsupported
from synthwright.core.seeds import named_rng
from synthwright.data.dataset import Dataset
from synthwright.data.images import ImageSet, unlearned
from synthwright.evaluate.metric import Evidence, Score
from synthwright.evaluate.verdict import NEED_HOLDOUT, BaseMetric

ResultT = TypeVar("ResultT")
FEATURES = 64
MOST = 1_000  # images of a side in pairwise comparisons: its kernel matrix has 32 MB
FEWEST = 50  # images of a part, below which nothing is compared
NEED_LABELS = "give each image a class: ImageSet.of(pixels, labels), or class folders"
_MOST_FITTED = 4_000  # images that the features are fitted on
UNKNOWN = -1  # code of a class that train does not have


class ImageEncoding:
    """Pixels, features and classes of the parts train, holdout, test, synthetic and one that is derived.

    `shuffled`: train with the values of each pixel shuffled among the images, a known-bad reference.
    Features are the first 64 principal components of the pixels of all real parts, with one common scale; they are
    named in every score that uses them ("pixels-pca64", fewer when the images have fewer dimensions).
    """

    def __init__(self, parts: Mapping[str, Dataset], *, seed: int = 0) -> None:
        self.parts = {name: _images(part, name) for name, part in parts.items()}
        train = self.parts["train"]
        _check_shapes(self.parts)
        self.seed = seed
        self.rows = {name: len(part) for name, part in self.parts.items()}
        self.rows["shuffled"] = self.rows["train"]
        self.skipped = unlearned(train.schema)
        self.classes = train.classes
        self._kept: dict[object, Any] = {}

    def once(self, key: object, make: Callable[[], ResultT]) -> ResultT:
        """`make()`, computed on first use. Keys are few and fixed, so the store stays small."""
        if key not in self._kept:
            self._kept[key] = make()
        found: ResultT = self._kept[key]
        return found

    @property
    def unseen(self) -> str:
        """The part of real images that the generator never saw; empty when there is none."""
        return next((part for part in ("holdout", "test") if part in self.parts), "")

    @property
    def extractor(self) -> str:
        """The name of the features."""
        return f"pixels-pca{self.features('train').shape[1]}"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        return self.parts["train"].shape

    def draw(self, part: str, most: int, name: str) -> np.ndarray:
        """At most `most` image numbers of a part, ascending, drawn by the stream called `name`."""
        n = self.rows[part]
        if n <= most:
            return np.arange(n)
        return np.sort(named_rng(self.seed, f"{name} {part}").choice(n, size=most, replace=False))

    def pixels(self, part: str) -> np.ndarray:
        """Pixels in 0..1: (n, h * w * c) float32."""
        return self.once(("pixels", part), lambda: self._pixels(part))

    def features(self, part: str) -> np.ndarray:
        """Features: (n, d) float64."""
        return self.once(("features", part), lambda: self._project()(self.pixels(part)))

    def codes(self, part: str) -> np.ndarray | None:
        """Place of each image's class among train's classes, -1 for another; None when there are no classes."""
        return self.once(("codes", part), lambda: self._codes("train" if part == "shuffled" else part))

    def known(self, part: str) -> np.ndarray:
        """As `codes`. Raises Unsupported when the images have no classes."""
        found = self.codes(part)
        if found is None:
            raise Unsupported(f"The images of {part} have no classes.", fix=NEED_LABELS)
        return found

    def used(self, n: int) -> dict[str, int]:
        """What a score says of sampling: nothing when all synthetic images were used."""
        return {"synthetic": n, "of": self.rows["synthetic"]} if n < self.rows["synthetic"] else {}

    def hashes(self, part: str) -> np.ndarray:
        """One 64-bit number per image: (n,) uint64. Equal images have equal numbers."""
        return self.once(("hashes", part), lambda: _hashes(self.parts[part].pixels()))

    def pictures(self, scores: Sequence[Score]) -> dict[str, Any]:
        """JSON-able data of all figures that the measured scores give rise to."""
        from synthwright.evaluate.image_pictures import pictures

        return pictures(self, scores)

    def _pixels(self, part: str) -> np.ndarray:
        if part != "shuffled":
            return self.parts[part].pixels().reshape(self.rows[part], -1).astype(np.float32) / 255
        return named_rng(self.seed, "shuffled").permuted(self.pixels("train"), axis=0)

    def _project(self) -> Callable[[np.ndarray], np.ndarray]:
        return self.once("projection", self._fitted)

    def _fitted(self) -> Callable[[np.ndarray], np.ndarray]:
        real = [name for name in ("train", "holdout", "test") if name in self.parts]
        x = np.concatenate([self.pixels(name)[self.draw(name, _MOST_FITTED, "features")] for name in real])
        if np.ptp(x, axis=0).max() == 0:
            raise DataError("All real images are equal: nothing can be compared.", fix="evaluate images that vary")
        return projection(x.astype(np.float64), FEATURES)

    def _codes(self, part: str) -> np.ndarray | None:
        labels = self.parts[part].labels() if self.parts["train"].schema.target else None
        if labels is None:
            return None
        place = {level: i for i, level in enumerate(self.classes)}
        return np.array([place.get(level, UNKNOWN) for level in labels.tolist()], dtype=np.int64)


class ImageMetric(BaseMetric, ABC):
    """Base of the metrics on images: the score's id is `axis.name`.

    needs_unseen: compares with real images that the generator never saw; needs_labels: with their classes.
    """

    modalities: ClassVar[tuple[str, ...]] = ("images",)
    needs_unseen: ClassVar[bool] = True
    needs_labels: ClassVar[bool] = False

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """What `measure` finds, or a score that says why nothing can be measured."""
        encoding: ImageEncoding = evidence.encoding
        return self.lacking(encoding) or self.measure(encoding, ctx)

    @abstractmethod
    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """The scores, once all that is needed is there."""

    def lacking(self, encoding: ImageEncoding) -> list[Score]:
        """A score that says why nothing can be measured; empty when all that is needed is there."""
        if self.needs_unseen and not encoding.unseen:
            return self.unknown("Real images that the generator never saw were not given.", NEED_HOLDOUT)
        if self.needs_labels and (not encoding.classes or encoding.codes("synthetic") is None):
            return self.unknown("The images have no classes.", NEED_LABELS)
        if self.needs_labels and len(encoding.classes) < 2:
            return self.unknown("There is only one class, so classes tell nothing apart.", NEED_LABELS)
        needed = [part for part in ("train", encoding.unseen if self.needs_unseen else "", "synthetic") if part]
        part = min(needed, key=lambda name: encoding.rows[name])
        if encoding.rows[part] < FEWEST:
            n = encoding.rows[part]
            return self.unknown(f"{n} images in {part} are too few to compare.", f"give {FEWEST} or more of each part")
        return []


def _images(part: Dataset, name: str) -> ImageSet:
    if not isinstance(part, ImageSet):
        raise DataError(f"The {name} part holds no images.", where=f"{name}=", fix="pass an ImageSet")
    return part


def _check_shapes(parts: Mapping[str, ImageSet]) -> None:
    """Raise one DataError for all parts whose images have another size or other column types than train."""
    shape, target = parts["train"].shape, parts["train"].schema.target
    found = []
    for name, part in parts.items():
        if part.shape != shape:
            h, w, _ = shape
            fix = f"read all parts at one size: image_size=({h}, {w}), --image-size {h}x{w}"
            if part.shape[:2] == (h, w):
                fix = "read all parts in the same number of channels"
            found.append(Problem(f"Images are {shape} in train and {part.shape} in {name}.", f"{name}=", fix))
        if target and part.schema[target].dtype != parts["train"].schema[target].dtype:
            a, b = parts["train"].schema[target].dtype, part.schema[target].dtype
            fix = "give classes of one type: all texts, or all whole numbers"
            found.append(Problem(f"Classes are {a} in train and {b} in {name}.", f"{name}=", fix))
    if found:
        raise DataError.of(found)


def _hashes(pixels: np.ndarray) -> np.ndarray:
    digests = [hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in pixels]
    return np.frombuffer(b"".join(digests), dtype=np.uint64)
