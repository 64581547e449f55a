"""From differences to verdicts: is it real, and does it matter?

A difference is real when its probability, after allowing for all comparisons of its score, is below ALPHA; it
matters when it exceeds a margin. Both together give "warn" or "fail". 25 scores at ALPHA = 0.001 (marginals at
0.005, relation at 0.003) bound the chance that a report on fresh real rows shows anything but "pass" by about 3 %;
tests overlap and margins bind, so it is lower: `benchmarks/results/judge.csv` has the measured rate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from synthwright.core.context import Context
from synthwright.core.errors import counted, listing
from synthwright.evaluate.encoding import Field, TableEncoding
from synthwright.evaluate.metric import Axis, Score, Verdict

ALPHA = 0.001
NEED_HOLDOUT = "give holdout= real rows that the generator never saw (synthwright.split makes them before fit)"
NEED_TARGET = "name the column to predict: target="


@dataclass(frozen=True)
class Finding:
    """One comparison inside a score. effect: in units of its fail margin. p: before multiplicity control.

    among: by how many comparisons p is multiplied (Bonferroni); all of the score's when not given.
    """

    effect: float
    p: float
    words: str
    where: Mapping[str, Any] = field(default_factory=dict)
    value: float = 0.0
    low: float | None = None
    high: float | None = None
    warn: float = 0.4  # effect above which the finding is worth a warning, in units of the fail margin
    among: float | None = None

    def adjusted(self, comparisons: int) -> float:
        """p after multiplicity control."""
        return min(1.0, float(self.p) * (self.among or comparisons))

    def verdict(self, comparisons: int, alpha: float = ALPHA) -> Verdict:
        """The verdict on this finding among so many."""
        return judge(self.effect, self.adjusted(comparisons), warn=self.warn, fail=1.0, alpha=alpha)


def judge(effect: float, p: float, *, warn: float, fail: float, alpha: float = ALPHA) -> Verdict:
    """pass unless the effect is real (p < alpha) and above the warn margin; fail above the fail margin."""
    if not p < alpha or not effect > warn:
        return "pass"
    return "fail" if effect > fail else "warn"


def ranked(findings: Sequence[Finding], alpha: float = ALPHA) -> list[Finding]:
    """Findings with the worst first: by verdict, then by effect; those that pass by how improbable they are."""
    order = {"fail": 0, "warn": 1, "pass": 2}

    def key(one: Finding) -> tuple[int, float, float]:
        place = order[one.verdict(len(findings), alpha)]
        p = one.adjusted(len(findings))
        return (place, p, -one.effect) if place == 2 else (place, -one.effect, p)

    return sorted(findings, key=key)


def interval(draws: np.ndarray, value: float | None = None) -> tuple[float, float]:
    """The 95 % percentile interval of bootstrap draws.

    value: the statistic itself, for a distance >= 0: resampling adds its own noise to a distance, so the draws are
    moved down until their mean is the value.
    """
    low, high = np.quantile(draws, [0.025, 0.975])
    if value is None:
        return float(low), float(high)
    shift = max(0.0, float(draws.mean()) - value)
    return max(0.0, float(low) - shift), float(high) - shift


class BaseMetric:
    """What the metrics of every kind of data have in common: the score's id is `axis.name`."""

    name: ClassVar[str]
    axis: ClassVar[Axis]
    label: ClassVar[str]
    summary: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]]
    source: ClassVar[str] = ""
    fewest: ClassVar[int] = 1  # units of each part compared: with fewer even flagrant faults mostly go unseen

    def score(self, value: float | None, verdict: Verdict, plain: str, **more: Any) -> Score:
        """A score of this metric."""
        clean = None if value is None else float(value)
        return Score(f"{self.axis}.{self.name}", self.axis, self.label, clean, verdict, plain, **more)

    def unknown(self, why: str, fix: str) -> list[Score]:
        """A score that says why nothing was measured."""
        return [self.score(None, "not assessed", why, fix=fix)]

    def too_few(self, sizes: Mapping[str, int], *, fewest: int = 0, unit: str = "row") -> list[Score]:
        """A score that says which part is too small to tell anything; nothing when all have enough units.

        sizes: units of each part by its name; "real" is train and holdout together. fewest: of this metric when 0.
        """
        part, needed = min(sizes, key=lambda name: sizes[name]), fewest or self.fewest
        if sizes[part] >= needed:
            return []
        why = f"{counted(sizes[part], f'{part} {unit}')}: too few for this, which needs {needed:,}."
        fix = {
            "synthetic": f"sample {counted(needed, unit)} or more",
            "real": f"give {counted(needed, f'real {unit}')} or more, in train and holdout together",
        }.get(part, f"give {counted(needed, unit)} or more in {part}")
        return self.unknown(why, fix)

    def from_findings(
        self, findings: Sequence[Finding], *, good: str, fix: str, alpha: float = ALPHA, **more: Any
    ) -> Score:
        """A score whose verdict is that of the worst finding, told by its words.

        shown: (value, low, high) when the score's value is not that of the worst finding.
        """
        ordered = ranked(findings, alpha)
        verdicts = [one.verdict(len(ordered), alpha) for one in ordered]
        bad = [one for one, verdict in zip(ordered, verdicts, strict=True) if verdict != "pass"]
        first = ordered[0]
        extra = f" {len(bad) - 1} more of {len(ordered)} comparisons differ." if len(bad) > 1 else ""
        details = {
            "effect": float(first.effect),
            "comparisons": len(ordered),
            "found": [
                {
                    "what": one.words,
                    "effect": float(one.effect),
                    "p": one.adjusted(len(ordered)),
                    "value": float(one.value),
                    **one.where,
                }
                for one in ordered[:20]
            ],
            **more.pop("details", {}),
        }
        value, low, high = more.pop("shown", (first.value, first.low, first.high))
        return self.score(
            value,
            verdicts[0],
            first.words[0].upper() + first.words[1:] + "." + extra if bad else good,
            low=None if low is None else float(low),
            high=None if high is None else float(high),
            p=first.adjusted(len(ordered)),
            margins={"warn": first.warn, "fail": 1.0},
            where=tuple(dict(one.where) for one in bad[:10] if one.where),
            fix=fix if bad else "",
            details=details,
            **more,
        )


class TableMetric(BaseMetric):
    """Base of the metrics on tables.

    The `fewest` of each were measured on nine public tables, real rows against real rows and flagrant faults (a
    constant column, shuffled columns, one row repeated, a shift) at 5 to 100 rows: `docs/evaluation.md`.
    """

    modalities: ClassVar[tuple[str, ...]] = ("table",)

    def compared(self, encoding: TableEncoding, ctx: Context) -> tuple[list[Field], list[Score]]:
        """Columns with `fewest` synthetic and real values; a score that says so when there is none.

        Columns left out are named in a Note; columns that are empty in the real rows have nothing to be compared with.
        """
        sizes = {part: encoding.rows[part] for part in ("synthetic", "real")}
        if few := self.too_few(sizes):
            return [], few
        kept, left = [], []
        for column in encoding.fields:
            values = [len(column.present(part)) for part in sizes]
            if min(values) >= self.fewest or (not values[0] and values[1] >= self.fewest):
                kept.append(column)
            else:
                left.append(f"{column.name} ({values[0]:,} synthetic, {values[1]:,} real)")
        if left:
            what = f"columns with fewer than {self.fewest} values were not compared: {listing(left, 5)}"
            ctx.note("E009", what, "evaluate")
        why = f"No column has {self.fewest} synthetic and {self.fewest} real values."
        return kept, [] if kept else self.unknown(why, "give more rows, or columns with fewer gaps")
