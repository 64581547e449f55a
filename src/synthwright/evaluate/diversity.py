"""Do the synthetic rows cover the variety of the real ones, or repeat a part of it?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import twosample
from synthwright.classic.neighbours import Points, nearest, within
from synthwright.core.context import Context
from synthwright.data.columns import RARE
from synthwright.evaluate.encoding import Field, TableEncoding
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.verdict import NEED_HOLDOUT, Finding, TableMetric

COVER_FAIL, TAIL_FAIL, DUPLICATE_FAIL, LEVEL_FAIL, ENTROPY_FAIL = 0.2, 0.4, 0.05, 0.5, 0.2
_ROWS, _K = 3_000, 5
_SPARSE = 0.10


def coverage_density(real: Points, synthetic: Points, *, k: int = _K) -> tuple[np.ndarray, float, np.ndarray]:
    """Covered real rows (bool, n), density, and the k-nearest-neighbour radius of each real row.

    A real row is covered when a synthetic row lies within the distance of its k-th nearest real neighbour. Density
    is the mean number of real balls that hold a synthetic row, over k. Real against real of equal size: coverage
    about 1 - 2^-k = 0.97, density about 1. Source: Naeem et al. 2020 (arXiv 2002.09797), equations 3 and 4.
    """
    radii = nearest(real, real, k=k, same=True)[:, -1]
    covered = nearest(real, synthetic)[:, 0] <= radii
    density = float(within(synthetic, real, radii).mean() / k)
    return covered, density, radii


class Coverage(TableMetric):
    """Share of unseen real rows that have a synthetic row in their neighbourhood, against train in its place."""

    name: ClassVar[str] = "coverage"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Coverage of the real rows"
    summary: ClassVar[str] = "share of unseen real rows with a synthetic row nearby, also among isolated rows"
    source: ClassVar[str] = "Naeem et al. 2020 (arXiv 2002.09797)"
    fewest: ClassVar[int] = 50

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is coverage, references["real"] that of train rows."""
        encoding = evidence.encoding
        other = "holdout" if evidence.holdout is not None else "test" if evidence.test is not None else ""
        if not other:
            return self.unknown("Real rows that the generator never saw were not given.", NEED_HOLDOUT)
        sizes = {part: encoding.rows[part] for part in (other, "train", "synthetic")}
        if few := self.too_few(sizes):
            return few
        n = min(*sizes.values(), _ROWS)
        sides = {
            p: encoding.points(p).take(encoding.draw(p, n, "coverage"))
            for p in (other, "train", "synthetic", "independent")
        }
        covered, density, radii = coverage_density(sides[other], sides["synthetic"])
        usual = nearest(sides[other], sides["train"])[:, 0] <= radii
        bad = nearest(sides[other], sides["independent"])[:, 0] <= radii
        sparse = radii >= np.quantile(radii, 1 - _SPARSE)
        findings = [
            _cover_finding(covered, usual, COVER_FAIL, "the real rows", warn=0.25),
            _cover_finding(covered[sparse], usual[sparse], TAIL_FAIL, "the most isolated real rows", warn=0.5),
        ]
        score = self.from_findings(
            findings,
            shown=(findings[0].value, findings[0].low, findings[0].high),
            good=f"{covered.mean():.1%} of unseen real rows have a synthetic row nearby; {usual.mean():.1%} is usual.",
            fix="fit on more rows, or with a generator that covers rare combinations (see: generators)",
            references={"real": float(usual.mean()), "independent": float(bad.mean())},
            details={
                "coverage": float(covered.mean()),
                "density": density,
                "tail_coverage": float(covered[sparse].mean()),
                "tail_coverage_real": float(usual[sparse].mean()),
            },
            sampled={"synthetic": n, "of": encoding.rows["synthetic"]},
        )
        return [score]


def _cover_finding(covered: np.ndarray, usual: np.ndarray, fail: float, what: str, *, warn: float) -> Finding:
    n = len(covered)
    lost = 1 - covered.mean() / max(usual.mean(), 1e-9)
    gap = usual.astype(float) - covered
    error = max(gap.std(), 1e-9) / np.sqrt(n)
    p = float(stats.norm.sf(gap.mean() / error))
    words = f"{covered.mean():.1%} of {what} have a synthetic row nearby; {usual.mean():.1%} would be usual"
    low, high = twosample.rate_interval(int(covered.sum()), n)
    return Finding(float(lost) / fail, p, words, {}, float(covered.mean()), low, high, warn=warn)


class Duplicates(TableMetric):
    """Synthetic rows that repeat another synthetic row, against real rows of the same number. Counts all rows."""

    name: ClassVar[str] = "duplicates"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Repeated rows"
    summary: ClassVar[str] = "share of synthetic rows that repeat another one, against real rows"
    source: ClassVar[str] = "count of repeats among as many real rows"
    fewest: ClassVar[int] = 30

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the share of repeats."""
        encoding = evidence.encoding
        sizes = {part: encoding.rows[part] for part in ("synthetic", "real")}
        if few := self.too_few(sizes):
            return few
        n = min(sizes.values())
        counts = {}
        for part in ("synthetic", "real"):
            hashes = encoding.hashes(part)[encoding.draw(part, n, "duplicates")]
            counts[part] = n - len(np.unique(hashes))
        a, b = counts["synthetic"], counts["real"]
        # Repeats come in groups, so their variance is larger than a count's; 2 covers pairs on both sides.
        p = float(stats.norm.sf((a - b) / np.sqrt(2 * (a + b) + 1)))
        words = f"{a:,} of {n:,} synthetic rows repeat another one; among as many real rows {b:,} do"
        low, high = twosample.rate_interval(a, n)
        finding = Finding((a - b) / n / DUPLICATE_FAIL, p, words, {}, a / n, low, high, warn=0.2)
        score = self.from_findings(
            [finding],
            good=words + ".",
            fix="use a generator that does not repeat rows, or sample with another seed and drop repeats",
            better="lower",
            references={"real": b / n, "independent": _repeats(encoding, "independent", n)},
        )
        return [score]


def _repeats(encoding: TableEncoding, part: str, most: int) -> float:
    hashes = encoding.hashes(part)[encoding.draw(part, most, "duplicates")]
    return 1 - len(np.unique(hashes)) / len(hashes)


class RareLevels(TableMetric):
    """Levels that the synthetic rows lost, or hold far too rarely: every one with at least 8 expected rows."""

    name: ClassVar[str] = "rare_levels"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Lost categories and minorities"
    summary: ClassVar[str] = "levels that are lost or far too rare in the synthetic rows"
    source: ClassVar[str] = "exact test on counts (Fisher 1935)"
    fewest: ClassVar[int] = 20

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the synthetic share of the level that decides over its real share."""
        encoding = evidence.encoding
        fields, few = self.compared(encoding, ctx)
        if few:
            return few
        if all(field.is_number for field in fields):
            return self.unknown("There is no column of categories.", "")
        findings = [one for field in fields if not field.is_number for one in _level_findings(field)]
        if not findings:
            return self.unknown("No level of any column is frequent enough to be missed.", "evaluate more rows")
        good = f"No level was lost or became rare ({len(findings)} compared)."
        fix = "fit on more rows of the level, or make rows of it with sample(..., where=)"
        return [self.from_findings(findings, good=good, fix=fix, better="near", references={"real": 1.0, "lost": 0.0})]


def _level_findings(field: Field) -> list[Finding]:
    a, b, in_train = (field.counts(part) for part in ("synthetic", "real", "train"))
    n, m = int(a.sum()), int(b.sum())
    if not n or not m:
        return []
    tested = np.flatnonzero(b * n / m >= 8)
    low_tail, _ = twosample.rates_tails(a[tested], n, b[tested], m)
    found = []
    for i, p in zip(tested.tolist(), low_tail.tolist(), strict=True):
        expected = b[i] * n / m
        ratio = a[i] / expected
        low, high = (limit * n / expected for limit in twosample.rate_interval(int(a[i]), n))
        words = f"{field.name} is {field.levels[i]!r} in {a[i]:,} synthetic rows; {expected:,.0f} would be usual"
        where = {"column": field.name, "level": field.levels[i]}
        effect = (1 - ratio) / LEVEL_FAIL
        if in_train[i] < RARE:  # a level of so few people may be hidden on purpose: say it, but do not fail for it
            effect = min(0.99, effect)
            words += f", and only {in_train[i]} training rows have it"
        found.append(Finding(effect, p, words, where, ratio, low, high, warn=0.5))
    return found


class Entropy(TableMetric):
    """Variety inside each column: its entropy over that of the real column, the lowest ratio."""

    name: ClassVar[str] = "entropy"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Variety inside columns"
    summary: ClassVar[str] = "entropy of each column over that of the real column"
    source: ClassVar[str] = "Shannon 1948; error: Basharin 1959"
    fewest: ClassVar[int] = 20

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the lowest ratio, 1 is right."""
        fields, few = self.compared(evidence.encoding, ctx)
        if few:
            return few
        findings = [one for one in (_entropy_finding(field, evidence.encoding) for field in fields) if one]
        if not findings:
            return self.unknown("Every column is constant in the real rows.", "evaluate columns that vary")
        good = f"Every column varies as much as the real one ({len(findings)} compared)."
        fix = "check the column for collapsed values; fit on more rows"
        return [self.from_findings(findings, good=good, fix=fix, better="near", references={"real": 1.0})]


def _entropy_finding(field: Field, encoding: TableEncoding) -> Finding | None:
    """The loss of entropy beyond what chance takes; real when the two columns are not of one distribution.

    No p of its own: the error of an entropy is near 0 where the shares are equal, as in bins of the real quantiles.
    """
    n, m = (len(field.present(part)) for part in ("synthetic", "real"))
    if not n or not m:
        return None
    if field.is_number:
        edges = encoding.edges(field.name, bins=int(np.clip(min(n, m) // 5, 2, 20)))
        a, b = (
            np.bincount(np.searchsorted(edges, field.present(part), side="left"), minlength=len(edges) + 1)
            for part in ("synthetic", "real")
        )
    else:
        a, b = field.counts("synthetic"), field.counts("real")
    (here, error_here), (there, error_there) = _entropy(a), _entropy(b)
    if there < 0.01:
        return None
    # Bins at the real quantiles fit the real rows, so chance takes entropy from the synthetic ones on both counts.
    chance = (int((a + b > 0).sum()) - 1) / 2 * (1 / n + (1 if field.is_number else -1) / m)
    ratio = max(0.0, here + chance) / there
    words = f"{field.name} has {ratio:.0%} of the real variety (entropy)"
    spread = 1.96 * np.hypot(error_here, error_there) / there
    value = (ratio, max(0.0, ratio - spread), ratio + spread)
    p = twosample.homogeneity_p(a, b)
    return Finding((1 - ratio) / ENTROPY_FAIL, p, words, {"column": field.name}, *value, warn=0.5)


def _entropy(counts: np.ndarray) -> tuple[float, float]:
    """Entropy in nats and its standard error: the first two terms of its variance (Basharin 1959)."""
    n = max(1, int(counts.sum()))
    p = counts[counts > 0] / n
    value = float(-(p * np.log(p)).sum())
    variance = max(0.0, float((p * np.log(p) ** 2).sum() - value**2)) / n + (len(p) - 1) / (2 * n**2)
    return value, float(np.sqrt(variance))
