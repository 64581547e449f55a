"""Records that are no items with a known answer: repeats, copies of train, lengths and variety of words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import shingles, twosample
from synthwright.core.context import Context
from synthwright.core.seeds import named_rng
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.text import PlainMetric, TextEncoding
from synthwright.evaluate.verdict import NEED_HOLDOUT, Finding
from synthwright.reasoning.scoring import wilson

NEAR = 0.8  # Jaccard index of shingles from which two texts count as one
DUPLICATE_FAIL, COPY_FAIL, LENGTH_FAIL, DISTINCT_FAIL = 0.05, 0.03, 0.25, 0.15
_FEWEST, _TIMES = 30, 200
_NEED_TRAIN = "give train= (and holdout=), the real records they were made from"


class _Compared(PlainMetric):
    """Base of metrics that compare with real records."""

    def lacking(self, encoding: TextEncoding) -> list[Score]:
        """A score that says why nothing can be measured; empty when there is enough."""
        if not encoding.parts.get("train") or not encoding.plain("train"):
            return self.unknown("No real records were given to compare with.", _NEED_TRAIN)
        part = min(("train", "synthetic"), key=lambda name: len(encoding.plain(name)))
        n = len(encoding.plain(part))
        if n < _FEWEST:
            return self.unknown(
                f"{n} records in {part} are too few to compare.", f"give {_FEWEST} or more of each part"
            )
        return []


class TextDuplicates(PlainMetric):
    """How many records are, or nearly are, an earlier one?"""

    name: ClassVar[str] = "text_duplicates"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Repeated texts"
    summary: ClassVar[str] = "share of records that equal an earlier one, or share 80 % of their runs of four words"
    source: ClassVar[str] = "Broder 1997; Lee et al. 2022 (arXiv 2107.06499)"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is the share of exact and near repeats. The reference is train, where it was given."""
        made = _repeats(encoding, "synthetic")
        real = _repeats(encoding, "train") if "train" in encoding.parts and encoding.plain("train") else None
        found = []
        for i, kind in enumerate(("equal", "nearly equal")):
            k, n = int(made[i].sum()), len(made[i])
            usual = 0.0 if real is None else float(real[i].mean())
            p = float(stats.binom.sf(k - 1, n, max(usual, 1e-3)))
            words = f"{k:,} of {n:,} texts are {kind} to an earlier one"
            words += f"; of real texts {usual:.1%} are" if real is not None else ""
            found.append(Finding((k / n - usual) / DUPLICATE_FAIL, p, words, {"kind": kind}, k / n, *wilson(k, n)))
        either = made[0] | made[1]
        return [
            self.from_findings(
                found,
                good=f"{either.mean():.1%} of the texts repeat an earlier one, as few as usual.",
                fix="drop the repeats, and make new records",
                shown=(float(either.mean()), *wilson(int(either.sum()), len(either))),
                references={"real": 0.0 if real is None else float((real[0] | real[1]).mean()), "one text only": 1.0},
                better="lower",
                sampled=encoding.used(),
            )
        ]


def _repeats(encoding: TextEncoding, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Which texts equal, and which nearly equal, an earlier one: two (n,) bool."""
    texts = encoding.texts(part)
    seen: set[str] = set()
    equal = np.zeros(len(texts), bool)
    for i, text in enumerate(texts):
        equal[i] = text in seen
        seen.add(text)
    near = shingles.nearest_before(_sets(encoding, part), named_rng(encoding.seed, "shingles")) >= NEAR
    return equal, near & ~equal


def _sets(encoding: TextEncoding, part: str) -> list[frozenset[int]]:
    return encoding.once(("sets", part), lambda: [shingles.shingles(words) for words in encoding.words(part)])


class TextLengths(_Compared):
    """Are texts as long as the real ones?"""

    name: ClassVar[str] = "text_lengths"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Lengths"
    summary: ClassVar[str] = "largest gap between the distribution functions of words a text (Kolmogorov and Smirnov)"
    source: ClassVar[str] = "Smirnov 1939"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is the gap."""
        if lacking := self.lacking(encoding):
            return lacking
        real, made = (np.array([len(w) for w in encoding.words(part)], float) for part in ("train", "synthetic"))
        gap = twosample.ks_distance(real, made)
        draws = np.array(
            [twosample.ks_distance(ctx.rng.choice(real, len(real)), ctx.rng.choice(made, len(made))) for _ in range(60)]
        )
        words = f"texts have {np.median(made):.0f} words (median), real ones {np.median(real):.0f}"
        found = [Finding(gap / LENGTH_FAIL, twosample.ks_p(gap, len(real), len(made)), words, {}, gap)]
        noise = 0.87 * float(np.sqrt(1 / len(real) + 1 / len(made)))
        low, high = (float(q) for q in np.quantile(draws, [0.025, 0.975]))
        return [
            self.from_findings(
                found,
                good=f"{words[0].upper()}{words[1:]}.",
                fix="ask for texts of the real lengths",
                shown=(gap, min(low, gap), max(high, gap)),
                references={"real": noise, "no overlap": 1.0},
                better="lower",
                sampled=encoding.used(),
            )
        ]


class TextVariety(_Compared):
    """Are words combined in as many ways as in real texts?"""

    name: ClassVar[str] = "text_variety"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Variety of words"
    summary: ClassVar[str] = "share of pairs of neighbouring words that are new (distinct-2), in equally much text"
    source: ClassVar[str] = "Li et al. 2016 (arXiv 1510.03055)"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is distinct-2 of the synthetic texts, the reference that of real ones."""
        if lacking := self.lacking(encoding):
            return lacking
        words = {part: encoding.words(part) for part in ("train", "synthetic")}
        most = min(sum(len(one) for one in found) for found in words.values())
        draws = {part: np.array([_distinct(found, most, ctx.rng) for _ in range(40)]) for part, found in words.items()}
        real, made = float(draws["train"].mean()), float(draws["synthetic"].mean())
        lost = (real - made) / max(real, 1e-9)
        z = (real - made) / max(float(np.hypot(draws["train"].std(), draws["synthetic"].std())), 1e-9)
        told = f"{made:.1%} of the pairs of words are new; in as much real text {real:.1%}"
        low, high = (float(q) for q in np.quantile(draws["synthetic"], [0.025, 0.975]))
        found = [Finding(lost / DISTINCT_FAIL, float(stats.norm.sf(z)), told, {}, made, low, high)]
        return [
            self.from_findings(
                found,
                good=f"{told[0].upper()}{told[1:]}.",
                fix="ask for more varied texts, or drop repeats",
                references={"real": real, "one text only": _distinct([words["train"][0]] * 200, most, ctx.rng)},
                details={"words": most},
                sampled=encoding.used(),
            )
        ]


def _distinct(texts: Sequence[Sequence[str]], most: int, rng: np.random.Generator) -> float:
    """Distinct pairs of neighbours over all pairs, in texts drawn without repetition up to half of `most` words."""
    seen: set[tuple[str, str]] = set()
    n = words = 0
    for i in rng.permutation(len(texts)):
        one = texts[int(i)]
        seen.update(pairwise(one))
        n, words = n + max(len(one) - 1, 0), words + len(one)
        if words >= most / 2:
            break
    return len(seen) / max(n, 1)


class TextCopies(_Compared):
    """How many texts are, or nearly are, a training text, beside real texts that nobody trained on?"""

    name: ClassVar[str] = "text_copies"
    axis: ClassVar[Axis] = "privacy"
    label: ClassVar[str] = "Copied texts"
    summary: ClassVar[str] = "share of records that equal or nearly equal a training record, beside that of the holdout"
    source: ClassVar[str] = "Carlini et al. 2023 (arXiv 2202.07646); Broder 1997"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is the share of copies, the reference that of the holdout."""
        if lacking := self.lacking(encoding):
            return lacking
        if not encoding.unseen or not encoding.plain(encoding.unseen):
            return self.unknown("Real texts that the generator never saw were not given.", NEED_HOLDOUT)
        rng = named_rng(encoding.seed, "shingles")
        base = _sets(encoding, "train")
        near: dict[str, Any] = {
            part: shingles.nearest(_sets(encoding, part), base, rng) >= NEAR for part in ("synthetic", encoding.unseen)
        }
        made, usual = near["synthetic"], near[encoding.unseen]
        k, m = int(made.sum()), int(usual.sum())
        p = float(twosample.rates_tails(np.array([k]), len(made), np.array([m]), len(usual))[1][0])
        words = f"{k:,} of {len(made):,} texts copy a training text; of unseen real texts {usual.mean():.1%} do"
        share = float(made.mean())
        effect = (share - float(usual.mean())) / COPY_FAIL
        return [
            self.from_findings(
                [Finding(effect, p, words, {}, share, *wilson(k, len(made)))],
                good=f"{words[0].upper()}{words[1:]}.",
                fix="drop the copies, or learn less from single texts",
                references={"real": float(usual.mean()), "copy": 1.0},
                better="lower",
                sampled=encoding.used(),
            )
        ]
