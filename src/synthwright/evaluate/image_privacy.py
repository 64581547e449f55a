"""Do synthetic images give away training images? Every answer contrasts train with images the model never saw.

Smooth images lie near everything, so a short distance to a training image alone proves nothing: what counts is being
near to training images and not equally near to as many unseen ones. Training images are cut into parts as large as
the holdout for that. Threat model and limits are those of `evaluate.privacy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from synthwright.classic import twosample
from synthwright.classic.embeddings import nearest
from synthwright.core.context import Context
from synthwright.evaluate.images import ImageEncoding, ImageMetric
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.privacy import exact_copies
from synthwright.evaluate.verdict import NEED_HOLDOUT, Finding, judge

COPY_WARN, COPY_FAIL = 0.0005, 0.005  # share of synthetic images, beyond what the holdout explains
NEAR_FAIL = 0.03
CLOSER_WARN, CLOSER_FAIL = 0.53, 0.60
RATE = 0.01  # of fresh real images count as near copies, by the choice of the threshold
_QUERIES, _REFERENCES, _PARTS = 3_000, 12_000, 8
_FIX = "fit on more images, train for fewer steps, or use image_ppca, which keeps fewer details"


@dataclass(frozen=True)
class Contrast:
    """Distances in pixels. q_t, p_t: synthetic and holdout images to all of train; q_p: synthetic to the holdout.

    parts: for each part of train as large as the holdout, distances of synthetic images to it, and the distance
    that 1 % of images of either side are nearer than to the other side. n_train, n_holdout: images compared with.
    """

    q_t: np.ndarray
    q_p: np.ndarray
    p_t: np.ndarray
    parts: tuple[tuple[np.ndarray, float], ...]
    n_train: int
    n_holdout: int

    @property
    def threshold(self) -> float:
        """Distance to train that 1 % of the holdout images are below."""
        return float(np.quantile(self.p_t, RATE))


def contrast(encoding: ImageEncoding) -> Contrast:
    """The distances, computed once; at most 3,000 synthetic, 3,000 holdout and 12,000 training images."""
    return encoding.once("contrast", lambda: _contrast(encoding))


def _contrast(encoding: ImageEncoding) -> Contrast:
    q = encoding.pixels("synthetic")[encoding.draw("synthetic", _QUERIES, "contrast")].astype(np.float64)
    p = encoding.pixels("holdout")[encoding.draw("holdout", _QUERIES, "contrast")].astype(np.float64)
    t = encoding.pixels("train")[encoding.draw("train", _REFERENCES, "contrast")].astype(np.float64)
    q_t = nearest(q, t)[0][:, 0]
    size = min(len(p), len(t))
    order = np.random.Generator(np.random.PCG64(encoding.seed)).permutation(len(t))
    parts = []
    for k in range(min(len(t) // size, _PARTS)):
        some = t[order[k * size : (k + 1) * size]]
        between = np.concatenate([nearest(p, some)[0][:, 0], nearest(some, p)[0][:, 0]])
        parts.append((nearest(q, some)[0][:, 0], float(np.quantile(between, RATE))))
    q_p, p_t = nearest(q, p[:size])[0][:, 0], nearest(p, t)[0][:, 0]
    return Contrast(q_t, q_p, p_t, tuple(parts), len(t), size)


class _Private(ImageMetric):
    axis: ClassVar[Axis] = "privacy"

    def lacking(self, encoding: ImageEncoding) -> list[Score]:
        """As of all metrics; only the holdout counts as unseen."""
        if "holdout" not in encoding.parts:
            why = "Without real images that the generator never saw, closeness to training images proves nothing."
            return self.unknown(why, NEED_HOLDOUT)
        return super().lacking(encoding)


class ImageCopies(_Private):
    """Synthetic images that equal a training image in every pixel, against those that equal a holdout image."""

    name: ClassVar[str] = "image_copies"
    label: ClassVar[str] = "Exact copies"
    summary: ClassVar[str] = "synthetic images that equal a training image, beyond what unseen images explain"
    source: ClassVar[str] = "exact binomial test on images that match one side alone (McNemar 1947)"

    def lacking(self, encoding: ImageEncoding) -> list[Score]:
        """Nothing: copies can be counted in any number of images."""
        return []

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the share. Without a holdout only a share above 5 % is judged."""
        hashes, train = encoding.hashes("synthetic"), encoding.hashes("train")
        n = len(hashes)
        if "holdout" not in encoding.parts:
            k = int(np.isin(hashes, train).sum())
            plain = (
                f"{k:,} of {n:,} synthetic images equal a training image; without a holdout nobody knows what is usual."
            )
            verdict = "fail" if k / n > 0.05 else "not assessed"
            fix = _FIX if verdict == "fail" else NEED_HOLDOUT
            return [self.score(k / n, verdict, plain, references={"copy": 1.0}, better="lower", fix=fix)]  # type: ignore[arg-type]  # a literal
        counts = exact_copies(hashes, train, encoding.hashes("holdout"))
        size, other = encoding.rows["train"], encoding.rows["holdout"]
        excess = (counts.train_only - counts.holdout_only * size / other) / n
        p = twosample.excess_p(counts.distinct_train_only, counts.distinct_holdout_only, size / (size + other))
        verdict = judge(excess, p, warn=COPY_WARN, fail=COPY_FAIL)
        ending = ", which is usual." if verdict == "pass" else ": training images were copied."
        words = f"{counts.in_train:,} of {n:,} synthetic images equal a training image; "
        words += f"{counts.in_holdout:,} equal an unseen one"
        low, high = twosample.rate_interval(counts.in_train, n)
        return [
            self.score(
                counts.in_train / n,
                verdict,
                words + ending,
                low=low,
                high=high,
                references={"real": counts.in_holdout / n, "copy": 1.0},
                better="lower",
                p=p,
                margins={"warn": COPY_WARN, "fail": COPY_FAIL},
                fix="" if verdict == "pass" else _FIX,
                details={"effect": excess, "train_only": counts.train_only, "holdout_only": counts.holdout_only},
            )
        ]


class ImageNearCopies(_Private):
    """Copy rate: share of synthetic images nearer to a training image than 99 % of unseen real images are.

    1 % for fresh real images, near 1 for copies. The verdict asks whether images are near to train and not to the
    holdout more often than the reverse.
    """

    name: ClassVar[str] = "image_near_copies"
    label: ClassVar[str] = "Near copies"
    summary: ClassVar[str] = "share of synthetic images nearer to train than 99 % of unseen images (copy rate)"
    source: ClassVar[str] = "after Meehan et al. 2020 (arXiv 2004.05675), contrasted with a holdout of equal size"

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the copy rate, `where` lists the nearest pairs when it fails."""
        found = contrast(encoding)
        n = len(found.q_t)
        excess, ps = 0.0, []
        for to_part, threshold in found.parts:
            near, control = to_part <= threshold, found.q_p <= threshold
            a, b = int((near & ~control).sum()), int((control & ~near).sum())
            excess += (a - b) / n
            ps.append(twosample.excess_p(a, b, 0.5))
        p = min(1.0, len(ps) * min(ps))
        close = found.q_t <= found.threshold
        words = (
            f"{close.mean():.1%} of the synthetic images are nearer to a training image than 99% of unseen images are "
            f"(1% is usual)"
        )
        low, high = twosample.rate_interval(int(close.sum()), n)
        finding = Finding(excess / NEAR_FAIL, p, words, {}, float(close.mean()), low, high, warn=0.34)
        same = "; they are as near to unseen images" if close.mean() > 2 * RATE else ""
        score = self.from_findings(
            [finding],
            good=f"{words}{same}.",
            fix=_FIX,
            better="lower",
            references={"real": self._usual(encoding, found), "copy": 1.0},
            details={"excess": excess, "threshold": found.threshold, "parts": len(found.parts)},
            sampled=encoding.used(n),
        )
        return [score]

    def _usual(self, encoding: ImageEncoding, found: Contrast) -> float:
        """The copy rate of real images: of the test part where there is one, else 1 % by definition."""
        if "test" not in encoding.parts:
            return RATE
        train = encoding.pixels("train")[encoding.draw("train", _REFERENCES, "contrast")].astype(np.float64)
        test = encoding.pixels("test")[encoding.draw("test", _QUERIES, "contrast")].astype(np.float64)
        return float((nearest(test, train)[0][:, 0] <= found.threshold).mean())


class ImageCloser(_Private):
    """Share of synthetic images closer to training images than to as many unseen ones; 0.5 is right.

    All of train takes part: the odds of the nearest real image lying in train are divided by train's size over the
    holdout's, which makes them even for fresh real images. 1 for copies.
    """

    name: ClassVar[str] = "image_closer"
    label: ClassVar[str] = "Closer to training than to unseen images"
    summary: ClassVar[str] = "share of synthetic images closer to train than to an equal holdout"
    source: ClassVar[str] = "Platzer and Reutterer 2021; its limits: Yao et al. 2025 (arXiv 2505.01524)"

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the share, ties half."""
        found = contrast(encoding)
        n = len(found.q_p)
        wins, losses = int((found.q_t < found.q_p).sum()), int((found.q_t > found.q_p).sum())
        usual = found.n_train / (found.n_train + found.n_holdout)
        p = twosample.excess_p(wins, losses, usual)
        nearest_in_train = (wins + usual * (n - wins - losses)) / n
        low, high = twosample.rate_interval(round(nearest_in_train * n), n)
        value, low, high = (_evened(share, usual) for share in (nearest_in_train, low, high))
        verdict = judge(value, p, warn=CLOSER_WARN, fail=CLOSER_FAIL)
        return [
            self.score(
                value,
                verdict,
                f"{value:.1%} of the synthetic images lie closer to training images than to as many unseen ones; "
                "50% is usual.",
                low=low,
                high=high,
                references={"real": 0.5, "copy": 1.0},
                better="near",
                p=p,
                margins={"warn": CLOSER_WARN, "fail": CLOSER_FAIL},
                fix="" if verdict == "pass" else _FIX,
                details={"effect": value, "nearest_in_train": nearest_in_train, "usual": usual},
                sampled=encoding.used(n),
            )
        ]


def _evened(share: float, usual: float) -> float:
    """A share of images whose nearest real one lies in train, as if train were as large as the holdout."""
    odds = share * (1 - usual) / max((1 - share) * usual, 1e-12)
    return odds / (1 + odds)
