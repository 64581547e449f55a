"""Do synthetic images come from the distribution of the real ones? Kernel distance, Frechet distance, precision.

A difference counts by what part it is of the distance of a known-bad set, the training images with every pixel
shuffled among them: "of the way to shuffled pixels".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import embeddings, twosample
from synthwright.core.context import Context
from synthwright.evaluate.images import FEWEST, MOST, ImageEncoding, ImageMetric
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.verdict import Finding, interval

DISTANCE_FAIL, PRECISION_FAIL = 0.5, 0.25
_TIMES = 200  # resamplings behind an interval or a null distribution
_FIX = "fit on more images, or use image_flow, with more steps (option steps)"


def sides(encoding: ImageEncoding, *parts: str, most: int = MOST) -> list[np.ndarray]:
    """Features of equally many images of each part."""
    n = min(most, *(encoding.rows[part] for part in parts))
    return [encoding.features(part)[encoding.draw(part, n, "images")] for part in parts]


class ImageKID(ImageMetric):
    """Kernel inception distance in our own features: unbiased cubic-kernel MMD between synthetic and unseen images.

    0 on average for fresh real images, below 0 by chance. The whole sets (1,000 at most) are used once, which has
    less spread than the 50 subsets of the paper; the interval is by resampling images.
    """

    name: ClassVar[str] = "image_kid"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Kernel distance (KID)"
    summary: ClassVar[str] = "kernel distance between synthetic and unseen real images"
    source: ClassVar[str] = "Binkowski et al. 2018 (arXiv 1801.01401); test: Gretton et al. 2012"

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the unbiased distance."""
        synthetic, real = sides(encoding, "synthetic", encoding.unseen)
        test = embeddings.kernel_test(synthetic, real, ctx.rng)
        usual = embeddings.kid(*sides(encoding, "train", encoding.unseen))
        bad = embeddings.kid(*sides(encoding, "shuffled", encoding.unseen))
        low, high = interval(test.draws)
        part = test.value / bad if bad > 0 else np.inf
        words = f"the kernel distance to unseen images is {max(part, 0):.0%} of that of shuffled pixels"
        finding = Finding(part / DISTANCE_FAIL, test.p, words, {}, test.value, low, high, warn=0.4)
        return [
            self.from_findings(
                [finding],
                good=f"No difference that matters was found: {words} ({encoding.extractor}).",
                fix=_FIX,
                better="lower",
                references={"real": usual, "shuffled": bad},
                details={"extractor": encoding.extractor, "share_of_shuffled": float(part)},
                sampled=encoding.used(len(synthetic)),
            )
        ]


class ImageFD(ImageMetric):
    """Frechet distance between normal distributions fitted to the features; never called FID: ours are no Inception.

    Refused when a set has fewer than twice as many images as features. Real against real is above 0 for small sets;
    `references["real"]` has equally many images.
    """

    name: ClassVar[str] = "image_fd"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Frechet distance (FD)"
    summary: ClassVar[str] = "Frechet distance between synthetic and unseen real images"
    source: ClassVar[str] = "Heusel et al. 2017 (arXiv 1706.08500), on principal components of pixels"

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the distance."""
        synthetic, real = sides(encoding, "synthetic", encoding.unseen, most=2 * MOST)
        n, d = real.shape
        if n < 2 * d:
            why = f"{n} images are too few for a Frechet distance in {d} features; it would be mostly chance."
            return self.unknown(why, f"give {2 * d} or more images of each part")
        value, null = _frechet_null(synthetic, real, ctx.rng)
        usual = embeddings.frechet(*sides(encoding, "train", encoding.unseen, most=n))
        bad = embeddings.frechet(*sides(encoding, "shuffled", encoding.unseen, most=n))
        part = (value - null.mean()) / max(bad - null.mean(), 1e-9)
        words = f"beyond chance, the Frechet distance is {max(part, 0):.0%} of that of shuffled pixels"
        low, high = interval(_frechet_draws(synthetic, real, ctx.rng), value)
        p = embeddings.tail_p(value, null)
        finding = Finding(float(part) / DISTANCE_FAIL, p, words, {}, value, low, high, warn=0.4)
        return [
            self.from_findings(
                [finding],
                good=f"No difference that matters was found: {words} ({encoding.extractor}).",
                fix=_FIX,
                better="lower",
                references={"real": usual, "shuffled": bad},
                details={"extractor": encoding.extractor, "chance": float(null.mean())},
                sampled=encoding.used(len(synthetic)),
            )
        ]


def _frechet_null(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> tuple[float, np.ndarray]:
    """The distance, and distances after exchanging images between the sets at random (200,)."""
    both, n = np.concatenate([x, y]), len(x)
    null = np.empty(_TIMES)
    for b in range(_TIMES):
        order = rng.permutation(len(both))
        null[b] = embeddings.frechet(both[order[:n]], both[order[n:]])
    return embeddings.frechet(x, y), null


def _frechet_draws(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    draws = np.empty(_TIMES)
    for b in range(_TIMES):
        rows, others = rng.integers(len(x), size=len(x)), rng.integers(len(y), size=len(y))
        draws[b] = embeddings.frechet(x[rows], y[others])
    return draws


class ImagePrecision(ImageMetric):
    """Share of synthetic images inside the manifold of unseen real ones, against training images in their place.

    Copies of real images score as real ones do, and so do blurred images near the mean: read it with coverage.
    """

    name: ClassVar[str] = "image_precision"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Precision of the images"
    summary: ClassVar[str] = "share of synthetic images that lie among unseen real ones (k = 5)"
    source: ClassVar[str] = "Kynkaanniemi et al. 2019 (arXiv 1904.06991); Naeem et al. 2020 (arXiv 2002.09797)"

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is precision, details hold density."""
        found = {part: manifold(encoding, part) for part in ("synthetic", "train", "shuffled")}
        here, usual = found["synthetic"].inside, found["train"].inside
        a, b = int(here.sum()), int(usual.sum())
        p = float(twosample.rates_tails(np.array(a), len(here), np.array(b), len(usual))[0])
        words = f"{here.mean():.1%} of the synthetic images lie among real ones; {usual.mean():.1%} would be usual"
        lost = 1 - here.mean() / max(usual.mean(), 1e-9)
        low, high = twosample.rate_interval(a, len(here))
        finding = Finding(float(lost) / PRECISION_FAIL, p, words, {}, float(here.mean()), low, high, warn=0.4)
        return [
            self.from_findings(
                [finding],
                good=words + f" ({encoding.extractor}).",
                fix=_FIX,
                references={"real": found["train"].precision, "shuffled": found["shuffled"].precision},
                details={
                    "extractor": encoding.extractor,
                    "density": found["synthetic"].density,
                    "density_real": found["train"].density,
                },
                sampled=encoding.used(len(here)),
            )
        ]


def manifold(encoding: ImageEncoding, part: str) -> embeddings.Manifolds:
    """Precision, recall, density and coverage of a part with respect to the unseen one, in equal numbers.

    The number is the same for every part, so that the values can be compared with each other.
    """

    def measure() -> embeddings.Manifolds:
        n = min(MOST, *(encoding.rows[name] for name in ("synthetic", "train", encoding.unseen)))
        real, other = (encoding.features(name)[encoding.draw(name, n, "manifold")] for name in (encoding.unseen, part))
        return embeddings.manifolds(real, other)

    return encoding.once(("manifold", part), measure)


def paired_p(usual: np.ndarray, here: np.ndarray) -> float:
    """One-sided probability that `here` is below `usual` by chance, both bool (n,) about the same images."""
    gap = usual.astype(float) - here
    error = max(float(gap.std()), 1 / np.sqrt(max(len(gap), FEWEST))) / np.sqrt(len(gap))
    return float(stats.norm.sf(gap.mean() / error))
