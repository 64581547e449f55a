"""Can a judge tell synthetic series from real ones that the generator never saw?"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from scipy import stats

from synthwright.core.context import Context
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.series import SeriesEncoding, Windows
from synthwright.evaluate.series_fidelity import SeriesMetric
from synthwright.evaluate.series_judges import Judged, balanced, folds_of, judge_rocket, judge_trees
from synthwright.evaluate.verdict import ALPHA, judge

WARN, FAIL = 0.05, 0.20  # accuracy above guessing
_MOST, _REFERENCE = 1_000, 400
FEWEST = 60
_GRU_STEPS, _GRU_SEEDS = 300, 3


def strong(encoding: SeriesEncoding, part: str, other: str, most: int, rng: np.random.Generator) -> list[Judged]:
    """Both judges on a part against another, the one that sees more first."""
    a, b = balanced(encoding.windows(part), encoding.windows(other), most, rng)
    found = [judge_trees(a, b, rng), judge_rocket(a, b, rng)]
    return sorted(found, key=lambda one: -one.score)


class StrongJudge(SeriesMetric):
    """Boosted trees on features and ridge on random convolutions, whichever sees more; folds share no stretch of time.

    The value is accuracy less 1/2 on unseen windows, from 0 (cannot tell) to 1/2 (always right). Fresh real series
    get about 0.01 to 0.05.
    """

    name: ClassVar[str] = "series_c2st"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Real or synthetic? (strong judge)"
    summary: ClassVar[str] = "accuracy above guessing of trees and random convolutions on unseen stretches of time"
    source: ClassVar[str] = "Lopez-Paz and Oquab 2017; Lubba et al. 2019; Dempster et al. 2020"
    shortest: ClassVar[int] = 2
    needs_unseen: ClassVar[bool] = True

    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the larger of both judges' accuracies less 1/2."""
        other = encoding.unseen
        n = min(len(encoding.windows(part)) for part in (other, "synthetic"))
        if n < FEWEST:
            return self.unknown(f"{n} windows on a side are too few for a judge.", f"give {FEWEST} or more")
        found = strong(encoding, "synthetic", other, _MOST, ctx.rng)
        best = found[0]
        real = strong(encoding, "train", other, _REFERENCE, ctx.rng)[0]
        bad = strong(encoding, "shuffled", other, _REFERENCE, ctx.rng)[0]
        p = min(1.0, len(found) * best.p)
        verdict = judge(best.score, p, warn=WARN, fail=FAIL, alpha=ALPHA)
        rate = round(100 * (0.5 + best.score))
        plain = {
            "pass": f"The strong judge is right about {rate} of 100 windows; 50 is guessing.",
            "warn": f"The strong judge tells some synthetic windows: right about {rate} of 100 (50 is guessing).",
            "fail": f"The strong judge recognises synthetic windows: right about {rate} of 100 (50 is guessing).",
        }[verdict]
        spread = 1.96 * best.error
        score = self.score(
            best.score,
            verdict,
            plain,
            low=max(0.0, best.score - spread),
            high=min(0.5, best.score + spread),
            references={"real": real.score, "shuffled": bad.score},
            better="lower",
            p=p,
            margins={"warn": WARN, "fail": FAIL},
            fix="" if verdict == "pass" else "fit longer or on more series: series_flow --set max_seconds=600",
            details={
                "effect": best.score,
                "against": other,
                "judges": [{"name": j.name, "score": j.score, "auc": j.auc, "error": j.error} for j in found],
            },
            sampled={"synthetic": min(n, _MOST), "of": len(encoding.windows("synthetic"))},
        )
        return [score]


class WeakJudge(SeriesMetric):
    """The literature's discriminative score: a GRU of channels // 2 units, mean of 3 seeds.

    It is reported because papers report it; it is no evidence of quality, since a plain Gaussian passes it.
    """

    name: ClassVar[str] = "series_gru"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Discriminative score of the literature (weak judge)"
    summary: ClassVar[str] = "accuracy above guessing of a tiny recurrent net, as papers report it"
    source: ClassVar[str] = "Yoon, Jarrett and van der Schaar 2019 (TimeGAN)"
    needs_unseen: ClassVar[bool] = True

    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the mean of |accuracy - 1/2| over seeds."""
        if importlib.util.find_spec("torch") is None:
            return self.unknown("The recurrent judge needs torch.", "pip install 'synthwright[deep]'")
        a, b = balanced(encoding.windows("synthetic"), encoding.windows(encoding.unseen), _MOST, ctx.rng)
        if len(a) < FEWEST:
            return self.unknown(f"{len(a)} windows on a side are too few for a judge.", f"give {FEWEST} or more")
        found = [_weak(a, b, ctx) for _ in range(_GRU_SEEDS)]
        references = {
            name: _weak(*balanced(encoding.windows(part), encoding.windows(encoding.unseen), _MOST, ctx.rng), ctx)
            for name, part in (("real", "train"), ("shuffled", "shuffled"))
        }
        value, spread = float(np.mean(found)), float(np.std(found, ddof=1)) / np.sqrt(_GRU_SEEDS)
        blocks = min(len(np.unique(one.block)) for one in (a, b)) / 5
        error = max(spread, 0.5 / np.sqrt(max(2 * blocks, 2)))
        p = float(stats.norm.sf((value - 0.4 * error) / error))
        verdict = judge(value, p, warn=0.1, fail=0.3, alpha=ALPHA)
        score = self.score(
            value,
            verdict,
            f"The weak judge of the literature scores {value:.3f} (0 cannot tell, 0.5 always right).",
            low=max(0.0, value - 1.96 * error),
            high=min(0.5, value + 1.96 * error),
            references=references,
            better="lower",
            p=p,
            margins={"warn": 0.1, "fail": 0.3},
            fix="" if verdict == "pass" else "fit longer or on more series",
            details={"effect": value, "seeds": found, "steps": _GRU_STEPS},
            sampled={"synthetic": len(a), "of": len(encoding.windows("synthetic"))},
        )
        return [score]


def _weak(a: Windows, b: Windows, ctx: Context) -> float:
    """|accuracy - 1/2| of one recurrent net on a fifth of the blocks, channels scaled to [0, 1] by the second set."""
    from synthwright.deep.seriesjudge import gru_accuracy

    low, high = b.values.min(axis=(0, 1)), b.values.max(axis=(0, 1))
    values = np.clip((np.concatenate([a.values, b.values]) - low) / np.maximum(high - low, 1e-9), -1, 2)
    label = np.repeat([1.0, 0.0], len(a))
    inside = np.concatenate([folds_of(one.block, ctx.rng, 5) == 0 for one in (a, b)])
    return abs(gru_accuracy(values, label, inside, ctx, steps=_GRU_STEPS) - 0.5)
