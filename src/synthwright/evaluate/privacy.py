"""Does the output give away rows of the training data? Every answer contrasts train with a holdout of equal size.

Threat model: the attacker holds the synthetic rows and knows a person's row, wholly or nearly, and wants to learn
whether that person was in the training data. The scores say whether these attacks worked on these rows, with the
smallest effect they would have seen. They cannot say that no other attack works.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import twosample
from synthwright.classic.neighbours import Points, nearest
from synthwright.core.context import Context
from synthwright.evaluate.encoding import TableEncoding
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.verdict import ALPHA, NEED_HOLDOUT, Finding, TableMetric, judge

_QUERIES, _REFERENCES = 3_000, 12_000
_SPARSE = 0.02  # share of the rows, the most isolated ones, that count as rare people
# Rare rows come in groups, so their distances are no independent draws: the plain error flagged 2 of 80 clean samples
# (4 tables of 3,000 rows).
_CLUSTERED = 1.4
COPY_WARN, COPY_FAIL = 0.0005, 0.005  # share of synthetic rows, beyond what the holdout explains
NEAR_WARN, NEAR_FAIL = 0.01, 0.03
DCR_WARN, DCR_FAIL = 0.53, 0.60
OUTLIER_WARN, OUTLIER_FAIL = 0.60, 0.68
MEMBER_FAIL = 0.10  # AUC above 0.5
_FIX = "use options that smooth more (see: generators NAME), fit on more rows, or use a generator that keeps no rows"


@dataclass(frozen=True)
class CopyCounts:
    """Synthetic rows equal to a row of train or of the holdout. *_only: equal to a row of that side alone."""

    rows: int
    in_train: int
    in_holdout: int
    train_only: int
    holdout_only: int
    distinct_train_only: int
    distinct_holdout_only: int


def exact_copies(synthetic: np.ndarray, train: np.ndarray, holdout: np.ndarray) -> CopyCounts:
    """Count synthetic rows that equal a train or a holdout row, from row hashes (`classic.neighbours.row_hashes`).

    Rows that equal rows on both sides are common combinations, which nobody had to memorise. Real against real:
    both sides in proportion to their sizes. Copy of train: in_train equals rows.
    """
    in_train, in_holdout = np.isin(synthetic, train), np.isin(synthetic, holdout)
    only_train, only_holdout = in_train & ~in_holdout, in_holdout & ~in_train
    return CopyCounts(
        len(synthetic),
        int(in_train.sum()),
        int(in_holdout.sum()),
        int(only_train.sum()),
        int(only_holdout.sum()),
        len(np.unique(synthetic[only_train])),
        len(np.unique(synthetic[only_holdout])),
    )


def dcr_share(to_train: np.ndarray, to_holdout: np.ndarray) -> float:
    """Share of synthetic rows that are closer to train than to a holdout of equal size, ties half.

    Arguments: distance of each synthetic row to the nearest row of either side. 0.5 for real rows, near 1 for
    copies. Necessary, never sufficient: a few memorised rows hardly move it.
    Source: Platzer and Reutterer 2021.
    """
    return float((to_train < to_holdout).mean() + 0.5 * (to_train == to_holdout).mean())


@dataclass(frozen=True)
class Neighbourhood:
    """Distances to nearest rows. T train, P holdout (equal numbers), Q synthetic.

    q_t, q_p: from Q. p_t: from P to T. members, others: from rows of T and of P to Q; *_local: to the 5th nearest
    row of their own side, a yardstick of how isolated they are.
    """

    q_t: np.ndarray
    q_p: np.ndarray
    p_t: np.ndarray
    members: np.ndarray
    others: np.ndarray
    members_local: np.ndarray
    others_local: np.ndarray
    references: int


def nearest_distances(synthetic: Points, train: Points, holdout: Points) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each synthetic row to its nearest train and holdout row. Give equal numbers of both."""
    return nearest(synthetic, train)[:, 0], nearest(synthetic, holdout)[:, 0]


def neighbourhood(encoding: TableEncoding) -> Neighbourhood:
    """All distances the privacy scores need, computed once: at most 3,000 rows against at most 12,000."""
    return encoding.once("neighbourhood", lambda: _neighbourhood(encoding))


def _neighbourhood(encoding: TableEncoding) -> Neighbourhood:
    n = min(encoding.rows["train"], encoding.rows["holdout"], _REFERENCES)
    t, p = (encoding.points(part).take(encoding.draw(part, n, "references")) for part in ("train", "holdout"))
    q = encoding.points("synthetic").take(encoding.draw("synthetic", _REFERENCES, "references"))
    few = encoding.points("synthetic").take(encoding.draw("synthetic", _QUERIES, "queries"))
    shown = np.linspace(0, n - 1, min(n, _QUERIES)).astype(int)  # row order of a part is no order of any meaning
    t_few, p_few = t.take(shown), p.take(shown)
    q_t, q_p = nearest_distances(few, t, p)
    return Neighbourhood(
        q_t,
        q_p,
        nearest(p_few, t)[:, 0],
        nearest(t_few, q)[:, 0],
        nearest(p_few, q)[:, 0],
        _fifth_other(t_few, t),
        _fifth_other(p_few, p),
        n,
    )


def _fifth_other(few: Points, everything: Points) -> np.ndarray:
    """Distance to the fifth nearest other row; the row itself, at distance 0, is the first of six."""
    return nearest(few, everything, k=6)[:, -1]


class _Contrast(TableMetric, ABC):
    axis: ClassVar[Axis] = "privacy"
    fewest: ClassVar[int] = 50

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; "not assessed" without a holdout."""
        if evidence.holdout is None:
            return self.unknown(
                "Without real rows that the generator never saw, closeness to training rows proves nothing.",
                NEED_HOLDOUT,
            )
        return self.too_few(_sizes(evidence)) or [self.measure(evidence.encoding)]

    @abstractmethod
    def measure(self, encoding: TableEncoding) -> Score:
        """The score, once there is something to measure."""


def _sizes(evidence: Evidence) -> dict[str, int]:
    return {part: evidence.encoding.rows[part] for part in ("synthetic", "train", "holdout")}


class Copies(_Contrast):
    """Synthetic rows that equal a training row, against those that equal a holdout row. Counts all rows."""

    name: ClassVar[str] = "copies"
    label: ClassVar[str] = "Exact copies"
    summary: ClassVar[str] = "synthetic rows that equal a training row, beyond what unseen rows explain"
    source: ClassVar[str] = "exact binomial test on rows that match one side alone (McNemar 1947)"

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; without a holdout of enough rows only a flagrant share of copies is judged."""
        few = self.too_few(_sizes(evidence)) if evidence.holdout is not None else []
        if evidence.holdout is not None and not few:
            return super().scores(evidence, ctx)
        encoding = evidence.encoding
        hashes, train = encoding.hashes("synthetic"), encoding.hashes("train")
        share = float(np.isin(hashes, train).mean())
        _, counts = np.unique(train, return_counts=True)
        twins = float(counts[counts > 1].sum() / len(train))
        k, repeated = int(np.isin(hashes, train).sum()), int(counts[counts > 1].sum())
        _, p = twosample.rates_tails(np.array(k), len(hashes), np.array(repeated), len(train))
        if share > twins + 0.05 and p < ALPHA:
            plain = f"{share:.1%} of the synthetic rows equal a training row; only {twins:.1%} of these have a twin."
            known = {"references": {"real": twins, "copy": 1.0}, "better": "lower"}
            return [self.score(share, "fail", plain, p=float(p), fix=_FIX, **known)]
        if few:
            return few
        why = f"{share:.1%} of the synthetic rows equal a training row; without a holdout nobody knows what is usual."
        return [self.score(share, "not assessed", why, better="lower", references={"copy": 1.0}, fix=NEED_HOLDOUT)]

    def measure(self, encoding: TableEncoding) -> Score:
        """Value: share of synthetic rows that equal a training row; references["real"]: a holdout row instead."""
        counts = exact_copies(*(encoding.hashes(part) for part in ("synthetic", "train", "holdout")))
        n, train, holdout = counts.rows, encoding.rows["train"], encoding.rows["holdout"]
        usual = counts.holdout_only * train / holdout
        excess = (counts.train_only - usual) / n
        share = train / (train + holdout)
        p = twosample.excess_p(counts.distinct_train_only, counts.distinct_holdout_only, share)
        verdict = judge(excess, p, warn=COPY_WARN, fail=COPY_FAIL)
        plain = (
            f"{counts.in_train:,} of {n:,} synthetic rows equal a training row; "
            f"{counts.in_holdout:,} equal an unseen real row"
        )
        plain += ", which is usual." if verdict == "pass" else ": training rows were copied."
        low, high = twosample.rate_interval(counts.in_train, n)
        return self.score(
            counts.in_train / n,
            verdict,
            plain,
            low=low,
            high=high,
            references={"real": counts.in_holdout / n, "copy": 1.0},
            better="lower",
            p=p,
            margins={"warn": COPY_WARN, "fail": COPY_FAIL},
            fix="" if verdict == "pass" else _FIX,
            details={"effect": excess, "train_only": counts.train_only, "holdout_only": counts.holdout_only},
        )


class NearCopies(_Contrast):
    """Synthetic rows very close to a training row and not to a holdout row, against the reverse.

    Close: nearer than 98 % of holdout rows are to train.
    """

    name: ClassVar[str] = "near_copies"
    label: ClassVar[str] = "Near copies"
    summary: ClassVar[str] = "synthetic rows nearly equal to a training row, beyond what unseen rows explain"
    source: ClassVar[str] = "threshold at the 2 % quantile of holdout-to-train distances"

    def measure(self, encoding: TableEncoding) -> Score:
        """Value: share of synthetic rows near train; references["real"]: near the holdout instead."""
        near = neighbourhood(encoding)
        threshold = _near_threshold(near.p_t)
        to_train, to_holdout = near.q_t <= threshold, near.q_p <= threshold
        a, b, n = int((to_train & ~to_holdout).sum()), int((to_holdout & ~to_train).sum()), len(near.q_t)
        effect, p = (a - b) / n, twosample.excess_p(a, b, 0.5)
        verdict = judge(effect, p, warn=NEAR_WARN, fail=NEAR_FAIL)
        plain = (
            f"{to_train.sum():,} of {n:,} synthetic rows nearly equal a training row, {to_holdout.sum():,} an unseen"
        )
        low, high = twosample.rate_interval(int(to_train.sum()), n)
        return self.score(
            float(to_train.mean()),
            verdict,
            plain + (", which is usual." if verdict == "pass" else ": training rows were nearly copied."),
            low=low,
            high=high,
            references={"real": float(to_holdout.mean()), "copy": 1.0},
            better="lower",
            p=p,
            margins={"warn": NEAR_WARN, "fail": NEAR_FAIL},
            fix="" if verdict == "pass" else _FIX,
            details={"effect": effect, "threshold": float(threshold)},
            sampled={"synthetic": n, "of": encoding.rows["synthetic"]},
        )


def _near_threshold(p_t: np.ndarray) -> float:
    positive = p_t[p_t > 0]
    return float(np.quantile(positive, 0.02)) if len(positive) else 0.0


class DCRShare(_Contrast):
    """Share of synthetic rows closer to train than to an equal holdout; 0.5 is right."""

    name: ClassVar[str] = "dcr_share"
    label: ClassVar[str] = "Closer to training than to unseen rows"
    summary: ClassVar[str] = "share of synthetic rows closer to train than to an equal holdout"
    source: ClassVar[str] = "Platzer and Reutterer 2021; its limits: Yao et al. 2025 (arXiv 2505.01524)"

    def measure(self, encoding: TableEncoding) -> Score:
        """Value: the share, ties half."""
        near = neighbourhood(encoding)
        n = len(near.q_t)
        value = dcr_share(near.q_t, near.q_p)
        wins, losses = int((near.q_t < near.q_p).sum()), int((near.q_t > near.q_p).sum())
        p = twosample.excess_p(wins, losses, 0.5)
        verdict = judge(value, p, warn=DCR_WARN, fail=DCR_FAIL)
        low, high = twosample.rate_interval(round(value * n), n)
        hashes = encoding.hashes("train")
        return self.score(
            value,
            verdict,
            f"{value:.1%} of the synthetic rows lie closer to a training row than to an unseen one; 50% is usual.",
            low=low,
            high=high,
            references={"real": 0.5, "copy": float(1 - 0.5 * np.isin(hashes, encoding.hashes("holdout")).mean())},
            better="near",
            p=p,
            margins={"warn": DCR_WARN, "fail": DCR_FAIL},
            fix="" if verdict == "pass" else _FIX,
            details={"effect": value, "references": near.references, "ties": int(n - wins - losses)},
            sampled={"synthetic": n, "of": encoding.rows["synthetic"]},
        )


class Outliers(_Contrast):
    """Are the most isolated training rows closer to the output than isolated rows it never saw?"""

    name: ClassVar[str] = "outliers"
    label: ClassVar[str] = "Rare people"
    summary: ClassVar[str] = "closeness of the most isolated training rows, against isolated unseen rows"
    source: ClassVar[str] = "Mann and Whitney 1947 on the sparsest 2 % by the 5th nearest neighbour"

    def measure(self, encoding: TableEncoding) -> Score:
        """Value: probability that a rare training row is closer to the output than a rare unseen row."""
        near = neighbourhood(encoding)
        k = max(30, round(_SPARSE * len(near.members)))
        members = near.members[np.argsort(-near.members_local, kind="stable")[:k]]
        others = near.others[np.argsort(-near.others_local, kind="stable")[:k]]
        value = twosample.auc(-members, -others)
        error = _CLUSTERED * twosample.auc_null_error(len(members), len(others))
        p = float(stats.norm.sf((value - 0.5) / error))
        verdict = judge(value, p, warn=OUTLIER_WARN, fail=OUTLIER_FAIL)
        plain = (
            f"The {len(members)} rarest training rows checked are "
            f"{'no' if verdict == 'pass' else 'much'} closer to the output than rare rows it never saw "
            f"({value:.0%} of comparisons; 50% is usual)."
        )
        spread = 1.96 * twosample.auc_error(-members, -others)
        return self.score(
            value,
            verdict,
            plain,
            low=max(0.0, value - spread),
            high=min(1.0, value + spread),
            references={"real": 0.5, "copy": 1.0},
            better="near",
            p=p,
            margins={"warn": OUTLIER_WARN, "fail": OUTLIER_FAIL},
            fix="" if verdict == "pass" else "leave the rarest rows out of train, or " + _FIX,
            details={"effect": value, "detectable": 0.5 + 3.93 * error},
            sampled={"rows": len(near.members), "of": encoding.rows["train"]},
        )


class Leak(_Contrast):
    """Are synthetic rows copies of the holdout? Then it was used for fitting and controls nothing."""

    name: ClassVar[str] = "leak"
    label: ClassVar[str] = "Holdout leaked"
    summary: ClassVar[str] = "synthetic rows that equal or nearly equal holdout rows, beyond what train explains"
    source: ClassVar[str] = "the contrasts of `copies` and `near_copies`, reversed"

    def measure(self, encoding: TableEncoding) -> Score:
        """Value: share of synthetic rows near the holdout and not near train, less the reverse."""
        near = neighbourhood(encoding)
        threshold = _near_threshold(near.p_t)
        to_train, to_holdout = near.q_t <= threshold, near.q_p <= threshold
        a, b, n = int((to_train & ~to_holdout).sum()), int((to_holdout & ~to_train).sum()), len(near.q_t)
        counts = exact_copies(*(encoding.hashes(part) for part in ("synthetic", "train", "holdout")))
        train, holdout = encoding.rows["train"], encoding.rows["holdout"]
        exact = (counts.holdout_only - counts.train_only * holdout / train) / counts.rows
        p_exact = twosample.excess_p(
            counts.distinct_holdout_only, counts.distinct_train_only, holdout / (train + holdout)
        )
        findings = [
            Finding((b - a) / n / NEAR_FAIL, twosample.excess_p(b, a, 0.5), "", value=(b - a) / n, warn=0.34),
            Finding(exact / COPY_FAIL, p_exact, "", value=exact, warn=0.1),
        ]
        words = f"{counts.in_holdout:,} synthetic rows equal a holdout row and {counts.in_train:,} a training row"
        findings = [
            Finding(f.effect, f.p, words + ": the holdout was used", {}, f.value, warn=f.warn) for f in findings
        ]
        fix = "split before fitting (synthwright.split) and fit on train only; the utility scores are void as well"
        good = "Synthetic rows are no closer to the holdout than to the training rows."
        return self.from_findings(findings, good=good, fix=fix, better="lower", references={"real": 0.0, "copy": 1.0})


class Membership(_Contrast):
    """Can an attacker tell training rows from unseen ones by their distance to the output?

    Attack score of a row x: log d5(x, its own side) - log d(x, output): close to the output for how isolated it is.
    AUC over training and holdout rows, and the share of training rows found at 1 % and 10 % false alarms.
    """

    name: ClassVar[str] = "membership"
    label: ClassVar[str] = "Membership inference"
    summary: ClassVar[str] = "attack that guesses who was in the training data: AUC, hits at 1 % and 10 % false alarms"
    source: ClassVar[str] = (
        "after DOMIAS (van Breugel et al. 2023) with nearest-neighbour densities; Carlini et al. 2022"
    )

    def measure(self, encoding: TableEncoding) -> Score:
        """Value: AUC of the attack; details hold the hits."""
        near = neighbourhood(encoding)
        members, others = attack_scores(near)
        n = len(members)
        value = twosample.auc(members, others)
        error = twosample.auc_null_error(n, len(others))
        p = float(stats.norm.sf((value - 0.5) / error))
        shown = (value, max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error))
        words = f"an attacker who compares rows with the output tells members from others in {value:.0%} of pairs"
        findings = [Finding((value - 0.5) / MEMBER_FAIL, p, f"{words} (50% is guessing)", {}, *shown)]
        hits = {}
        for rate, fail in ((0.01, 0.04), (0.10, 0.12)):
            cut = np.quantile(others, 1 - rate, method="higher")
            k, false = int((members > cut).sum()), int((others > cut).sum())
            hits[f"tpr_at_{rate:g}"] = k / n
            _, tail = twosample.rates_tails(np.array(k), n, np.array(false), len(others))
            words = (
                f"an attacker finds {k / n:.1%} of the members while accusing {false / len(others):.1%} of the others"
            )
            findings.append(Finding((k / n - false / len(others)) / fail, float(tail), words, {}, *shown))
        curve = np.linspace(0, 1, 51)
        tpr = [float((members > np.quantile(others, 1 - rate)).mean()) if rate < 1 else 1.0 for rate in curve]
        return self.from_findings(
            findings,
            good=(
                f"This attack did not find training rows: {value:.1%} of pairs (50% is guessing), "
                f"{hits['tpr_at_0.01']:.1%} found at 1% false alarms; an AUC above {0.5 + 3.93 * error:.3f} would show."
            ),
            fix=_FIX,
            better="near",
            references={"real": 0.5, "copy": 1.0},
            details={**hits, "detectable": 0.5 + 3.93 * error, "curve": {"fpr": curve.tolist(), "tpr": tpr}},
            sampled={"rows": n, "of": encoding.rows["train"]},
        )


def attack_scores(near: Neighbourhood) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the membership attack for training rows and for holdout rows; higher says member."""
    tiny = 1e-4  # of a column's range: equal rows are not infinitely telling
    return (
        np.log(near.members_local + tiny) - np.log(near.members + tiny),
        np.log(near.others_local + tiny) - np.log(near.others + tiny),
    )
