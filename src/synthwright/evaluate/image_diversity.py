"""Do synthetic images cover the variety of the real ones: neighbourhoods, kinds within a class, classes, repeats?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import embeddings, twosample
from synthwright.core.context import Context
from synthwright.evaluate.image_fidelity import manifold, paired_p
from synthwright.evaluate.images import MOST, NEED_LABELS, UNKNOWN, ImageEncoding, ImageMetric
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.verdict import Finding

COVER_FAIL, RECALL_FAIL, VENDI_FAIL, CLASS_FAIL, REPEAT_FAIL = 0.2, 0.5, 0.3, 0.5, 0.02
_TIMES = 100  # resamplings behind the error of an effective number
_FEWEST_OF_CLASS = 20
_FEWEST_FOR_RECALL = 1_000
_FIX = "fit on more images, or use image_flow, with more steps or less guidance (options steps, guidance)"


class ImageCoverage(ImageMetric):
    """Share of unseen real images with a synthetic one nearby (coverage), and inside the synthetic manifold (recall).

    Recall is unreliable below 1,000 images: its finding then says so and can only warn.
    """

    name: ClassVar[str] = "image_coverage"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Coverage of the real images"
    summary: ClassVar[str] = "share of unseen real images that have a synthetic one nearby (k = 5), and recall"
    source: ClassVar[str] = "Naeem et al. 2020 (arXiv 2002.09797); Kynkaanniemi et al. 2019 (arXiv 1904.06991)"

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is coverage, details hold recall."""
        found = {part: manifold(encoding, part) for part in ("synthetic", "train", "shuffled")}
        here, usual = found["synthetic"], found["train"]
        n = len(here.covered)
        low, high = twosample.rate_interval(int(here.covered.sum()), n)
        words = f"{here.coverage:.1%} of unseen images have a synthetic one nearby; {usual.coverage:.1%} is usual"
        lost = (1 - here.coverage / max(usual.coverage, 1e-9)) / COVER_FAIL
        covering = Finding(lost, paired_p(usual.covered, here.covered), words, {}, here.coverage, low, high, warn=0.4)
        few = n < _FEWEST_FOR_RECALL
        lost = (1 - here.recall / max(usual.recall, 1e-9)) / RECALL_FAIL
        recalled = (
            f"{here.recall:.1%} of unseen images lie among synthetic ones (recall); {usual.recall:.1%} is usual"
            + (f", from {n:,} images only" if few else "")
        )
        reaching = Finding(
            min(lost, 0.99) if few else lost, paired_p(usual.reached, here.reached), recalled, {}, here.recall, warn=0.5
        )
        return [
            self.from_findings(
                [covering, reaching],
                shown=(here.coverage, low, high),
                good=f"{words} ({encoding.extractor}).".capitalize(),
                fix=_FIX,
                references={"real": usual.coverage, "shuffled": found["shuffled"].coverage},
                details={
                    "extractor": encoding.extractor,
                    "recall": here.recall,
                    "recall_real": usual.recall,
                },
                sampled=encoding.used(n),
            )
        ]


class ImageVendi(ImageMetric):
    """Effective number of different images over that of as many real ones, per class and over all; 1 is right.

    Noise raises it: too much variety shows in fidelity, only too little counts here.
    """

    name: ClassVar[str] = "image_vendi"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Variety within classes (Vendi)"
    summary: ClassVar[str] = "effective number of different images, over that of as many real ones, per class"
    source: ClassVar[str] = "Friedman and Dieng 2023 (arXiv 2210.02410)"
    needs_unseen: ClassVar[bool] = False

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the ratio of the class that decides."""
        groups = [("all images", None), *((f"class {level!r}", k) for k, level in enumerate(encoding.classes))]
        findings = [one for name, k in groups if (one := _vendi_finding(encoding, name, k, ctx.rng)) is not None]
        whole = findings[0]
        return [
            self.from_findings(
                findings,
                good=f"Images vary as much as real ones ({len(findings)} compared, {encoding.extractor}).",
                fix=_FIX,
                better="near",
                references={"real": 1.0, "copies of one image": 1 / whole.where["real"]},
                details={"extractor": encoding.extractor, "all": whole.value, "order_2": _order_2(encoding)},
            )
        ]


def _vendi_finding(encoding: ImageEncoding, name: str, k: int | None, rng: np.random.Generator) -> Finding | None:
    real, synthetic = (_of_class(encoding, part, k) for part in ("train", "synthetic"))
    n = min(len(real), len(synthetic), MOST)
    if n < _FEWEST_OF_CLASS:
        return None
    here, there = (embeddings.vendi(x[np.sort(rng.choice(len(x), n, replace=False))]) for x in (synthetic, real))
    # Resampling repeats images, which lowers the number on both sides alike: the spread is right, the mean is not.
    draws = np.array(
        [[embeddings.vendi(x[rng.integers(len(x), size=n)]) for x in (synthetic, real)] for _ in range(_TIMES)]
    )
    ratio, error = here / there, float(np.hypot(*draws.std(axis=0, ddof=1)))
    p = float(stats.norm.sf((there - here) / max(error, 1e-9)))
    words = f"{name}: {here:.1f} effectively different images among {n:,}, {there:.1f} among as many real ones"
    spread = 1.96 * error / there
    where = {"class": name if k is None else str(encoding.classes[k]), "real": there}
    return Finding((1 - ratio) / VENDI_FAIL, p, words, where, ratio, max(0.0, ratio - spread), ratio + spread, warn=0.5)


def _order_2(encoding: ImageEncoding) -> float:
    n = min(encoding.rows["train"], encoding.rows["synthetic"], MOST)
    here, there = (
        embeddings.vendi(encoding.features(part)[encoding.draw(part, n, "vendi")], order=2)
        for part in ("synthetic", "train")
    )
    return here / there


def _of_class(encoding: ImageEncoding, part: str, k: int | None) -> np.ndarray:
    codes = encoding.codes(part)
    features = encoding.features(part)
    return features if k is None or codes is None else features[codes == k]


class ImageClasses(ImageMetric):
    """Classes that the synthetic images lost, or hold far too rarely or too often, against the real shares."""

    name: ClassVar[str] = "image_classes"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Shares of the classes"
    summary: ClassVar[str] = "share of each class against its share of the real images"
    source: ClassVar[str] = "exact test on counts (Fisher 1935)"
    needs_unseen: ClassVar[bool] = False
    needs_labels: ClassVar[bool] = True

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the synthetic share of the class that decides over its real share."""
        codes = encoding.known("synthetic")
        real = np.concatenate([encoding.known(part) for part in ("train", encoding.unseen) if part])
        a, b = (np.bincount(x[x != UNKNOWN], minlength=len(encoding.classes)) for x in (codes, real))
        findings = _share_findings(a, b, [repr(level) for level in encoding.classes])
        strange = int((codes == UNKNOWN).sum())
        if strange:
            words = f"{strange:,} synthetic images have a class that no training image has"
            findings.append(Finding(strange / len(codes) / 0.01, 0.0, words, value=0.0, warn=0.1))
        if not findings:
            return self.unknown("No class is frequent enough to be missed.", NEED_LABELS)
        return [
            self.from_findings(
                findings,
                good=f"Every class has its share ({len(findings)} compared).",
                fix='sample a class with where="label == ...", or leave the option balance at its default',
                better="near",
                references={"real": 1.0, "lost": 0.0},
                details={"synthetic": a.tolist(), "real": b.tolist(), "classes": [str(c) for c in encoding.classes]},
            )
        ]


def _share_findings(a: np.ndarray, b: np.ndarray, names: list[str]) -> list[Finding]:
    n, m = max(int(a.sum()), 1), int(b.sum())
    found = []
    for i in np.flatnonzero(b * n / m >= 8):
        expected = b[i] * n / m
        ratio = a[i] / expected
        low_tail, high_tail = twosample.rates_tails(a[i], n, b[i], m)
        p = min(1.0, 2 * float(min(low_tail, high_tail)))
        off = 1 - ratio if ratio < 1 else 1 - 1 / ratio
        low, high = (limit * n / expected for limit in twosample.rate_interval(int(a[i]), n))
        words = f"{a[i]:,} synthetic images are of class {names[i]}; {expected:,.0f} would be usual"
        where: dict[str, Any] = {"class": names[i]}
        found.append(Finding(float(off) / CLASS_FAIL, p, words, where, float(ratio), low, high, warn=0.5))
    return found


class ImageRepeats(ImageMetric):
    """Synthetic images that equal another synthetic image, against real images of the same number."""

    name: ClassVar[str] = "image_repeats"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Repeated images"
    summary: ClassVar[str] = "share of synthetic images that repeat another one, against real images"
    source: ClassVar[str] = "count of repeats among as many real images"
    needs_unseen: ClassVar[bool] = False

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the share of repeats."""
        n = min(encoding.rows["synthetic"], encoding.rows["train"])
        a, b = (
            n - len(np.unique(encoding.hashes(part)[encoding.draw(part, n, "repeats")]))
            for part in ("synthetic", "train")
        )
        # Repeats come in groups, so their variance is larger than a count's; 2 covers pairs on both sides.
        p = float(stats.norm.sf((a - b) / np.sqrt(2 * (a + b) + 1)))
        words = f"{a:,} of {n:,} synthetic images repeat another one; among as many real images {b:,} do"
        low, high = twosample.rate_interval(a, n)
        return [
            self.from_findings(
                [Finding((a - b) / n / REPEAT_FAIL, p, words, {}, a / n, low, high, warn=0.4)],
                good=words + ".",
                fix="use a method that does not repeat images",
                better="lower",
                references={"real": b / n, "copies of one image": 1.0},
            )
        ]
