"""Are synthetic images useful to train on, and do they show the class that was asked for?

The judge's own classifier is a support vector machine with a Gaussian kernel on the features. Its settings are fixed:
they are part of the measurement. What it reaches when trained on real images stands beside each score, because an
accuracy says nothing without its ceiling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from synthwright.classic import twosample
from synthwright.core.context import Context
from synthwright.evaluate.images import UNKNOWN, ImageEncoding, ImageMetric
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.verdict import Finding, interval

GAP_FAIL, CONTROL_FAIL, CLASS_FAIL = 0.08, 0.10, 0.30
MOST_TRAINED = 2_000  # images that the classifier learns from: its cost grows with their square
_MOST_JUDGED = 5_000
_TIMES = 200


def predicted(x: np.ndarray, y: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Classes of `queries` by a support vector machine trained on features x and classes y (C = 10, RBF kernel)."""
    from sklearn.svm import SVC

    known = np.unique(y)
    if len(known) == 1:
        return np.full(len(queries), known[0])
    return np.asarray(SVC(C=10.0, gamma="scale").fit(x, y).predict(queries))


class ImageTSTR(ImageMetric):
    """Accuracy on real test images of a classifier trained on synthetic ones, against one trained on real ones."""

    name: ClassVar[str] = "image_tstr"
    axis: ClassVar[Axis] = "utility"
    label: ClassVar[str] = "Train on synthetic, test on real"
    summary: ClassVar[str] = "accuracy on real test images after training on synthetic ones"
    source: ClassVar[str] = "Esteban et al. 2017; Ravuri and Vinyals 2019 (arXiv 1905.10887)"
    needs_labels: ClassVar[bool] = True

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the accuracy. Details hold macro F1, the worst class and real + synthetic."""
        x, y, part = _tested(encoding)
        n = min(encoding.rows["train"], encoding.rows["synthetic"], MOST_TRAINED)
        sets = {name: _training(encoding, name, n) for name in ("train", "synthetic")}
        if not len(sets["synthetic"][1]):
            return self.unknown("No synthetic image has a class that train knows.", "sample from a model of train")
        ctx.step(0, 3, "training classifiers")
        right = {name: predicted(*both, x) == y for name, both in sets.items()}
        both_x, both_y = (np.concatenate([sets["train"][i], sets["synthetic"][i]]) for i in (0, 1))
        right["both"] = predicted(both_x, both_y, x) == y
        findings = [_gap(right["train"], right["synthetic"]), *_class_gaps(right, y, encoding.classes)]
        majority = float((y == np.bincount(sets["train"][1]).argmax()).mean())
        values = {name: float(one.mean()) for name, one in right.items()}
        return [
            self.from_findings(
                findings,
                shown=(findings[0].value, findings[0].low, findings[0].high),
                good=f"{findings[0].words[0].upper()}{findings[0].words[1:]}.",
                fix="fit on more images, or use image_flow, with more steps (option steps), or image_ppca",
                references={"real": values["train"], "majority": majority},
                details={
                    "metric": "accuracy",
                    "tested_on": part,
                    "bars": _bars(right, ctx.rng),
                    "gain_of_real_and_synthetic": values["both"] - values["train"],
                    **_per_class(right["synthetic"], y, encoding.classes),
                },
                sampled=encoding.used(n),
            )
        ]


def _tested(encoding: ImageEncoding) -> tuple[np.ndarray, np.ndarray, str]:
    """Features and classes of the real images that predictions are tried on, and the name of their part."""
    part = "test" if "test" in encoding.parts else encoding.unseen
    rows = encoding.draw(part, _MOST_JUDGED, "tested")
    return encoding.features(part)[rows], encoding.known(part)[rows], part


def _training(encoding: ImageEncoding, part: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    rows = encoding.draw(part, n, "trained")
    codes = encoding.known(part)[rows]
    return encoding.features(part)[rows][codes != UNKNOWN], codes[codes != UNKNOWN]


def _gap(real: np.ndarray, synthetic: np.ndarray) -> Finding:
    """The loss of accuracy, by the images that one classifier gets right and the other wrong (McNemar 1947)."""
    lost, won = int((real & ~synthetic).sum()), int((synthetic & ~real).sum())
    words = (
        f"trained on synthetic images, a classifier is right on {synthetic.mean():.1%} of real ones; "
        f"trained on real images, on {real.mean():.1%}"
    )
    low, high = twosample.rate_interval(int(synthetic.sum()), len(synthetic))
    effect = float(real.mean() - synthetic.mean()) / GAP_FAIL
    return Finding(effect, twosample.excess_p(lost, won, 0.5), words, {}, float(synthetic.mean()), low, high, warn=0.4)


def _class_gaps(right: dict[str, np.ndarray], y: np.ndarray, classes: Sequence[Any]) -> list[Finding]:
    found = []
    for k in np.unique(y[y != UNKNOWN]):
        real, synthetic = right["train"][y == k], right["synthetic"][y == k]
        lost, won = int((real & ~synthetic).sum()), int((synthetic & ~real).sum())
        name = repr(classes[k])
        words = (
            f"of real images of class {name}, {synthetic.mean():.0%} are recognised after training on synthetic ones; "
            f"{real.mean():.0%} after training on real ones"
        )
        effect = float(real.mean() - synthetic.mean()) / CLASS_FAIL
        p = twosample.excess_p(lost, won, 0.5)
        found.append(Finding(effect, p, words, {"class": name}, float(synthetic.mean()), warn=0.5))
    return found


def _per_class(right: np.ndarray, y: np.ndarray, classes: Sequence[Any]) -> dict[str, Any]:
    shares = {str(classes[k]): float(right[y == k].mean()) for k in np.unique(y[y != UNKNOWN])}
    worst = min(shares, key=lambda name: shares[name])
    return {
        "worst_class": worst,
        "worst_class_accuracy": shares[worst],
        "mean_class_accuracy": float(np.mean([*shares.values()])),
    }


def _bars(right: dict[str, np.ndarray], rng: np.random.Generator) -> list[dict[str, Any]]:
    words = {"train": "real images", "synthetic": "synthetic images", "both": "real and synthetic"}
    bars = []
    for name, one in right.items():
        draws = one[rng.integers(len(one), size=(_TIMES, len(one)))].mean(axis=1)
        low, high = interval(draws)
        kind = {"train": "real", "synthetic": "synthetic"}.get(name, "other")
        bars.append({"label": words[name], "value": float(one.mean()), "low": low, "high": high, "kind": kind})
    return bars


class ImageControl(ImageMetric):
    """Share of synthetic images in which a classifier of real images sees the class they were made for.

    The ceiling is the same classifier on real images it has not seen. A high share is no sign of quality: guidance
    raises it while images get poorer to train on (see TSTR).
    """

    name: ClassVar[str] = "image_control"
    axis: ClassVar[Axis] = "controllability"
    label: ClassVar[str] = "Images show the class asked for"
    summary: ClassVar[str] = "share of synthetic images whose class a classifier of real images recognises"
    source: ClassVar[str] = "accuracy against its ceiling on unseen real images; exact test (Fisher 1935)"
    needs_labels: ClassVar[bool] = True

    def measure(self, encoding: ImageEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the share."""
        x, y = _training(encoding, "train", MOST_TRAINED)
        asked, made = self._judged(encoding, "synthetic", x, y)
        truth, seen = self._judged(encoding, encoding.unseen, x, y)
        findings = [_control(asked == made, truth == seen, "", CONTROL_FAIL)]
        for k, level in enumerate(encoding.classes):
            here, there = asked == k, truth == k
            if min(here.sum(), there.sum()) >= 10:
                findings.append(_control((made == k)[here], (seen == k)[there], f" of class {level!r}", CLASS_FAIL))
        chance = float((np.bincount(y, minlength=len(encoding.classes)) ** 2).sum() / len(y) ** 2)
        return [
            self.from_findings(
                findings,
                shown=(findings[0].value, findings[0].low, findings[0].high),
                good=f"{findings[0].words[0].upper()}{findings[0].words[1:]}.",
                fix="fit on more images of the class, or use image_flow, with more steps (option steps)",
                references={"real": float((truth == seen).mean()), "labels shuffled": chance},
                details={"ceiling": float((truth == seen).mean())},
                sampled=encoding.used(len(asked)),
            )
        ]

    def _judged(
        self, encoding: ImageEncoding, part: str, x: np.ndarray, y: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Given classes of a part's images and those that the classifier sees in them."""
        rows = encoding.draw(part, _MOST_JUDGED, "control")
        return encoding.known(part)[rows], predicted(x, y, encoding.features(part)[rows])


def _control(here: np.ndarray, there: np.ndarray, of: str, fail: float) -> Finding:
    a, b = int(here.sum()), int(there.sum())
    p = float(twosample.rates_tails(np.array(a), len(here), np.array(b), len(there))[0])
    words = (
        f"a classifier of real images sees the class asked for in {here.mean():.1%} of the synthetic images{of}; "
        f"of unseen real images it recognises {there.mean():.1%}"
    )
    low, high = twosample.rate_interval(a, len(here))
    where = {"class": of.removeprefix(" of class ")} if of else {}
    return Finding(float(there.mean() - here.mean()) / fail, p, words, where, float(here.mean()), low, high, warn=0.4)
