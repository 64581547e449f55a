"""Do columns depend on each other as they should? All pairs, judged by the worst, never by the mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import association, twosample
from synthwright.core.context import Context
from synthwright.core.errors import counted
from synthwright.core.seeds import named_rng
from synthwright.evaluate.encoding import TableEncoding
from synthwright.evaluate.fidelity import fake_or_real
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.verdict import Finding, TableMetric, interval

PAIR_FAIL = 0.10  # share of rows in the wrong joint cell, after equal margins and without what chance explains
LINK_FAIL = 0.10  # change of a contingency coefficient that invents or loses a dependence
_PAIRS_MOST = 2000  # beyond it (64 columns) pairs are drawn by seed; those with the target stay


@dataclass(frozen=True)
class PairScore:
    """One pair. distance: wrong share of rows; excess: without chance; p; association here and in the reference."""

    a: str
    b: str
    distance: float
    excess: float
    p: float
    association: float
    reference: float
    error: float  # standard error of the difference of the two mean-square contingencies, when they are equal
    phi2: tuple[float, float]
    chance: float  # probability of the stronger of the two dependences in independent columns


def pair_scores(
    encoding: TableEncoding, part: str = "synthetic", reference: str = "real", *, target: str | None = None
) -> list[PairScore]:
    """Compare the dependence of every pair of columns in a part with the reference, worst first.

    Each pair is a cross table of quantile bins (8) or levels (the 8 most frequent), gaps being a bin. The
    reference's table is raked to the part's margins, so that a wrong margin is not counted again. distance is the
    total variation that is left: 0 is right; independent columns reach 0.3 and more on strongly dependent pairs.
    """
    return encoding.once(("pairs", part, reference), lambda: _pair_scores(encoding, part, reference, target))


def _pair_scores(encoding: TableEncoding, part: str, reference: str, target: str | None) -> list[PairScore]:
    (codes, sizes), (real, _) = encoding.bins(part), encoding.bins(reference)
    found = []
    for i, j in _chosen_pairs(encoding, target):
        size = (sizes[i], sizes[j])
        a, b = (association.joint_counts(c[:, i], c[:, j], size) for c in (codes, real))
        found.append(_one_pair(encoding.names[i], encoding.names[j], a, b))
    return sorted(found, key=lambda one: -one.excess)


def _chosen_pairs(encoding: TableEncoding, target: str | None) -> list[tuple[int, int]]:
    d = len(encoding.fields)
    every = list(combinations(range(d), 2))
    if len(every) <= _PAIRS_MOST:
        return every
    aim = encoding.index.get(target or "", -1)
    fixed = [pair for pair in every if aim in pair]
    others = [pair for pair in every if aim not in pair]
    drawn = named_rng(encoding.seed, "pairs").choice(len(others), size=_PAIRS_MOST - len(fixed), replace=False)
    return sorted(fixed + [others[k] for k in drawn.tolist()])


def _one_pair(a_name: str, b_name: str, a: np.ndarray, b: np.ndarray) -> PairScore:
    n, m = a.sum(), b.sum()
    wanted = association.raked(b, a.sum(axis=1) * m / n, a.sum(axis=0) * m / n)
    flat, expected = a.ravel(), wanted.ravel()
    distance = float(twosample.total_variation(flat, expected))
    excess = distance - float(twosample.total_variation_noise(flat, expected))
    here, there = association.phi_squared(a), association.phi_squared(b)
    common = (n * here + m * there) / max(1, n + m)
    return PairScore(
        a_name,
        b_name,
        distance,
        excess,
        _dependence_p(flat, expected, a.shape),
        float(association.coefficient(here)),
        float(association.coefficient(there)),
        math.hypot(association.phi_squared_error(a, common), association.phi_squared_error(b, common)),
        (here, there),
        association.independence_p(a if here > there else b),
    )


def _dependence_p(a: np.ndarray, b: np.ndarray, shape: tuple[int, ...]) -> float:
    """Chi-square probability of the joint cells given equal margins: (r - 1)(c - 1) degrees, less the empty ones."""
    both = a + b
    n, m = a.sum(), b.sum()
    # 10 rows, and 10/3 expected on the smaller side: with 10 of 30 against 400 rows, chi-square means little.
    used = (both >= 10) & (both * min(n, m) >= 10 / 3 * (n + m))
    if used.sum() < 2:
        return 1.0
    statistic = ((a * m / (n + m) - b * n / (n + m)) ** 2 / (both * n * m / (n + m) ** 2 + 1e-300))[used].sum()
    # Margins agree by raking, so they cost degrees; the number of cells used, less them, is an upper bound.
    rows, columns = (np.reshape(used, shape).any(axis=axis).sum() for axis in (1, 0))
    dof = max(1, int(used.sum()) - int(rows) - int(columns) + 1)
    return float(stats.chi2.sf(statistic, dof))


class Pairs(TableMetric):
    """Share of rows in the wrong joint cell of the worst pair, margins being equal."""

    name: ClassVar[str] = "pairs"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Pairs of columns"
    summary: ClassVar[str] = "largest difference in how two columns depend on each other"
    source: ClassVar[str] = "Pearson 1900; raking: Deming and Stephan 1940"
    fewest: ClassVar[int] = 50

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the distance of the worst pair."""
        encoding = evidence.encoding
        if len(encoding.fields) < 2:
            return self.unknown("There is only one column to judge.", "evaluate a table with two columns or more")
        if few := self.too_few({part: encoding.rows[part] for part in ("synthetic", "real")}):
            return few
        target = evidence.target
        found = pair_scores(encoding, target=target)
        _note_drawn(len(found), encoding, ctx)
        findings = [
            Finding(
                one.excess / PAIR_FAIL,
                one.p,
                f"{one.a} and {one.b} go together differently: "
                f"{one.excess:.1%} of the rows are in the wrong combination",
                {"columns": [one.a, one.b]},
                one.distance,
                warn=0.3,
            )
            for one in found
        ]
        worst = found[0]
        low, high = _distance_interval(encoding, worst, ctx.rng)
        findings[0] = replace(findings[0], low=low, high=high)
        stand_in = fake_or_real(encoding)
        against = "train" if stand_in == "holdout" else "real"
        score = self.from_findings(
            findings,
            good=f"Pairs of columns go together as in the real rows ({len(found)} compared).",
            fix="use a generator that models columns jointly, such as cart or boost (see: generators)",
            better="lower",
            references={
                "real": max(one.distance for one in pair_scores(encoding, stand_in, against, target=target)),
                "independent": max(one.distance for one in pair_scores(encoding, "independent", target=target)),
            },
            details={
                "mean": float(np.mean([one.distance for one in found])),
                "top": [
                    {"a": o.a, "b": o.b, "real": o.reference, "synthetic": o.association, "distance": o.distance}
                    for o in found[:20]
                ],
            },
        )
        return [score]


def _note_drawn(compared: int, encoding: TableEncoding, ctx: Context) -> None:
    d = len(encoding.fields)
    if compared < d * (d - 1) // 2:
        ctx.note("E003", f"{compared:,} of {d * (d - 1) // 2:,} pairs of columns were compared, drawn by seed", "pairs")


def _distance_interval(
    encoding: TableEncoding, one: PairScore, rng: np.random.Generator, times: int = 100
) -> tuple[float, float]:
    """Bootstrap interval of one pair's distance: rows of both sides resampled as cells of the cross table."""
    i, j = encoding.index[one.a], encoding.index[one.b]
    codes, sizes = encoding.bins("synthetic")
    real, _ = encoding.bins("real")
    size = (sizes[i], sizes[j])
    a, b = (association.joint_counts(c[:, i], c[:, j], size).ravel() for c in (codes, real))
    draws = []
    for x, y in zip(twosample.resampled(a, rng, times=times), twosample.resampled(b, rng, times=times), strict=True):
        left, right = x.reshape(size), y.reshape(size)
        wanted = association.raked(right, left.sum(axis=1), left.sum(axis=0), rounds=10)
        draws.append(float(twosample.total_variation(x, wanted.ravel())))
    return interval(np.array(draws), one.distance)


class Invented(TableMetric):
    """Dependences that only the synthetic rows have, and real ones that they lost.

    Invented: contingency coefficient below 0.1 in the real rows and higher by more than LINK_FAIL in the synthetic
    ones; for numbers also Spearman's rank correlation, which sees weaker ones. Lost: above 0.15 in the
    real rows and less than a third of it in the synthetic ones. Many repeated synthetic rows look like more evidence
    than they are: read `duplicates` first.
    """

    name: ClassVar[str] = "invented"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Invented and lost correlations"
    summary: ClassVar[str] = "pairs that depend on each other only in the synthetic, or only in the real rows"
    source: ClassVar[str] = "contingency coefficient (Pearson 1904), bias removed (Bergsma 2013)"
    fewest: ClassVar[int] = 30

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the largest invented or lost coefficient."""
        encoding = evidence.encoding
        if len(encoding.fields) < 2:
            return self.unknown("There is only one column to judge.", "evaluate a table with two columns or more")
        if few := self.too_few({part: encoding.rows[part] for part in ("synthetic", "real")}):
            return few
        found = pair_scores(encoding, target=evidence.target)
        findings = [_link_finding(one) for one in found] + _rank_findings(encoding)
        good = f"No correlation was invented and none was lost ({counted(len(found), 'pair')} compared)."
        fix = "fit on more rows, or leave out columns that matter little (role ignore in the schema)"
        return [self.from_findings(findings, good=good, fix=fix, better="lower", references={"real": 0.0})]


def rank_correlations(encoding: TableEncoding, part: str) -> tuple[list[str], np.ndarray]:
    """Names of the numbers and Spearman correlations of all their pairs; a gap gets the middle rank."""
    fields = [field for field in encoding.fields if field.is_number]
    ranks = np.empty((encoding.rows[part], len(fields)))
    for j, field in enumerate(fields):
        values = field.values[part]
        hole = np.isnan(values)
        ranks[hole, j] = (~hole).sum() / 2
        ranks[~hole, j] = stats.rankdata(values[~hole])
    ranks -= ranks.mean(axis=0)
    norm = np.sqrt((ranks**2).sum(axis=0))
    return [field.name for field in fields], ranks.T @ ranks / np.maximum(np.outer(norm, norm), 1e-300)


def _rank_findings(encoding: TableEncoding) -> list[Finding]:
    names, here = rank_correlations(encoding, "synthetic")
    _, there = rank_correlations(encoding, "real")
    # Fisher's z of a rank correlation has variance 1.06 / (n - 3) (Fieller, Hartley and Pearson 1957).
    rows = encoding.rows["synthetic"], encoding.rows["real"]
    error = np.sqrt(sum(1.06 / max(1, n - 3) for n in rows))
    found = []
    for i, j in combinations(range(len(names)), 2):
        a, b = float(here[i, j]), float(there[i, j])
        gap = abs(a - b)
        z = abs(np.arctanh(np.clip(a, -0.9999, 0.9999)) - np.arctanh(np.clip(b, -0.9999, 0.9999))) / error
        if abs(b) < LINK_FAIL or a * b < 0 or abs(a) < abs(b) / 3:
            kind = "became correlated" if abs(a) > abs(b) else "lost their correlation"
            words = f"{names[i]} and {names[j]} {kind}: {a:.2f}, in real rows {b:.2f} (ranks)"
            p = float(2 * stats.t.sf(z, max(1, min(rows) - 3)))  # of few rows z has a heavier tail than the normal
            found.append(Finding(gap / LINK_FAIL, p, words, {"columns": [names[i], names[j]]}, gap, warn=0.6))
    return found


def _link_finding(one: PairScore) -> Finding:
    here, there = one.phi2
    where = {"columns": [one.a, one.b]}
    # Of few rows the normal distribution makes too much of one rare cell; so the dependence must be no chance itself.
    p = max(one.chance, float(stats.norm.sf(abs(here - there) / max(one.error, 1e-12))))
    gap = one.association - one.reference
    if there < here and one.reference < LINK_FAIL:
        words = (
            f"{one.a} and {one.b} are correlated ({one.association:.2f}) although real rows show {one.reference:.2f}"
        )
        return Finding(gap / LINK_FAIL, p, words, where, gap, warn=0.6)
    if one.reference > 0.15 and one.association < one.reference / 3:
        words = f"{one.a} and {one.b} lost their correlation: {one.association:.2f}, in real rows {one.reference:.2f}"
        return Finding(-gap / LINK_FAIL, p, words, where, -gap, warn=0.6)
    return Finding(0.0, 1.0, f"{one.a} and {one.b} agree", where, 0.0)
