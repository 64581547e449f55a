"""Does each column look real? Distances, tails, repeated values, new values and gaps, one column at a time.

The reference is all real rows (train and holdout): more rows see smaller faults, and copying train is not a fault
of a column but of privacy, where the holdout is the control.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import twosample
from synthwright.core.context import Context
from synthwright.evaluate.encoding import Field, TableEncoding
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.verdict import ALPHA, Finding, TableMetric, interval

KS_FAIL, SHIFT_FAIL, SPREAD_FAIL = 0.05, 0.06, 0.15  # distance; shift in sd; log ratio of sd
TAIL_FAIL = np.log(2.5)  # log ratio of the rows beyond a real percentile
PILE_FAIL = 0.006  # share of rows at one end of a number
ATOM_FAIL, GRID_FAIL, UNSEEN_FAIL, RANGE_FAIL, MISSING_FAIL = 0.03, 0.05, 0.005, 0.01, 0.05  # shares of rows
_ATOMS = 30  # most frequent values per column that are compared one by one
_EDGE = 0.005  # share winsorised at either end before moments, so that a few giants do not decide


def marginal_scores(encoding: TableEncoding, part: str = "synthetic", reference: str = "real") -> dict[str, float]:
    """Distance of each column of a part from the reference, in [0, 1]: Kolmogorov-Smirnov or total variation.

    Missing cells are left out (they have a score of their own). Real against real: about 0.87 sqrt(1/n + 1/m) for
    numbers. Independent columns and a copy of train score as well as real rows: this says nothing about either.
    """
    return {field.name: _distance(field, part, reference) for field in encoding.fields}


def _distance(field: Field, part: str, reference: str) -> float:
    x, y = field.present(part), field.present(reference)
    if not len(x) or not len(y):
        return float(len(x) != len(y))
    if field.is_number:
        return twosample.ks_distance(x, y)
    return float(twosample.total_variation(field.counts(part), field.counts(reference)))


def fake_or_real(encoding: TableEncoding) -> str:
    """The part that stands in for fresh real rows in references: the holdout, else train itself."""
    return "holdout" if "holdout" in encoding.rows else "train"


class Marginals(TableMetric):
    """Largest difference between one synthetic column and the real one: shape, mean and spread.

    KS distance D = sup |F - G| (numbers) or total variation (levels), difference of mean normal scores, and log
    ratio of standard deviations after winsorising 0.5 % at either end.
    """

    name: ClassVar[str] = "marginals"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Single columns"
    summary: ClassVar[str] = "largest difference in distribution, mean or spread of one column"
    source: ClassVar[str] = "Smirnov 1939; Pearson 1900"
    fewest: ClassVar[int] = 20

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the distance of the column that decides."""
        encoding: TableEncoding = evidence.encoding
        fields, few = self.compared(encoding, ctx)
        if few:
            return few
        findings = [one for field in fields for one in _column_findings(field, ctx.rng)]
        # Means get 3 parts of the error rate, shapes and spreads 1 each: 0.1 sd at 3,000 rows needs it.
        numbers = max(1, sum(field.is_number for field in fields))
        among = {"shape": 5.0 * len(fields), "mean": 5.0 / 3.0 * numbers, "spread": 5.0 * numbers}
        findings = [replace(one, among=among[one.where["what"]]) for one in findings]
        distances = marginal_scores(encoding)
        stand_in = fake_or_real(encoding)
        score = self.from_findings(
            findings,
            alpha=5 * ALPHA,
            good=f"Columns are distributed like the real ones ({len(fields)} compared).",
            fix="compare the column in the figure; fit on more rows, or try another generator (see: generators)",
            better="lower",
            references={
                "real": max(marginal_scores(encoding, stand_in, "train" if stand_in == "holdout" else "real").values()),
                "independent": max(marginal_scores(encoding, "independent").values()),
            },
            details={"distances": distances, "mean": float(np.mean(list(distances.values())))},
        )
        return [score]


def _column_findings(field: Field, rng: np.random.Generator) -> Iterator[Finding]:
    where = {"column": field.name, "what": "shape"}
    x, y = field.present("synthetic"), field.present("real")
    if not len(y):
        return
    if not len(x):
        n, m = len(field.values["synthetic"]), len(field.values["real"])
        p = float(twosample.rates_p(np.array(0), n, np.array(len(y)), m))  # a column of gaps may be empty by chance
        yield Finding(9.0, p, f"column {field.name!r} is empty", where, 1.0)
        return
    if not field.is_number:
        a, b = field.counts("synthetic"), field.counts("real")
        distance = float(twosample.total_variation(a, b))
        excess = distance - float(twosample.total_variation_noise(a, b))
        draws = twosample.total_variation(twosample.resampled(a, rng), twosample.resampled(b, rng))
        low, high = interval(draws, distance)
        gap = twosample.shares(a) - twosample.shares(b)
        worst = int(np.abs(gap).argmax())
        words = (
            f"{field.name} is {field.levels[worst]!r} in {a[worst] / len(x):.1%} of the synthetic rows "
            f"and {b[worst] / len(y):.1%} of the real ones"
        )
        p = twosample.homogeneity_p(a, b)
        yield Finding(excess / KS_FAIL, p, words, {**where, "level": field.levels[worst]}, distance, low, high)
        return
    distance = twosample.ks_distance(x, y)
    low, high = _ks_interval(x, y, distance, rng)
    excess = distance - 0.87 * np.sqrt(1 / len(x) + 1 / len(y))
    words = f"the distribution of {field.name} differs by {distance:.1%} of the rows (largest gap)"
    yield Finding(excess / KS_FAIL, twosample.ks_p(distance, len(x), len(y)), words, where, distance, low, high)
    yield from _moment_findings(field, x, y, (distance, low, high))


def _moment_findings(
    field: Field, x: np.ndarray, y: np.ndarray, shown: tuple[float, float, float]
) -> Iterator[Finding]:
    shift, p = _location_shift(x, y)
    direction = "higher" if shift > 0 else "lower"
    words = f"{field.name} is typically {direction} than in the real rows, by {abs(shift):.2f} standard deviations"
    if not field.is_moment:
        words += f" (mean {x.mean():.6g}, real {y.mean():.6g})"
    yield Finding(abs(shift) / SHIFT_FAIL, p, words, {"column": field.name, "what": "mean"}, *shown)
    low, high = np.quantile(y, [_EDGE, 1 - _EDGE])
    x, y = np.clip(x, low, high), np.clip(y, low, high)
    spread = y.std()
    if not spread > 0:
        return
    ratio = np.log(max(x.std(), 1e-12 * spread) / spread)  # 1e-12: a constant column has a finite, huge ratio
    # Equal variances are a shift of no squared deviation; n / (n - 1) makes up for the means being estimated.
    squares = [(v - v.mean()) ** 2 * len(v) / max(1, len(v) - 1) for v in (x, y)]
    words = f"the spread of {field.name} is {np.exp(ratio):.2f} times the real one"
    p = twosample.mean_shift_p(squares[0], squares[1])
    yield Finding(abs(ratio) / SPREAD_FAIL, p, words, {"column": field.name, "what": "spread"}, *shown)


def _location_shift(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Difference of mean normal scores, in their standard deviations, and its p (van der Waerden 1952).

    At least as powerful as the t-test for a shift of any smooth distribution (Chernoff and Savage 1958), and blind
    to how far a few giants lie out.
    """
    n, m = len(x), len(y)
    score = stats.norm.ppf((stats.rankdata(np.concatenate([x, y])) - 0.5) / (n + m))
    spread = score.std()
    if not spread > 0:
        return 0.0, 1.0
    shift = float(score[:n].mean() - score[n:].mean()) / spread
    return shift, twosample.mean_shift_p(score[:n], score[n:])


def _ks_interval(x: np.ndarray, y: np.ndarray, distance: float, rng: np.random.Generator) -> tuple[float, float]:
    """Bootstrap interval of the KS distance on 200 quantile bins, where a resample is one multinomial draw."""
    edges = np.unique(np.quantile(y, np.arange(1, 200) / 200))
    counts = [np.bincount(np.searchsorted(edges, v), minlength=len(edges) + 1) for v in (x, y)]
    cdfs = [np.cumsum(twosample.shares(twosample.resampled(c, rng)), axis=1) for c in counts]
    return interval(np.abs(cdfs[0] - cdfs[1]).max(axis=1), distance)


class Tails(TableMetric):
    """Rows beyond the real 1 % and 99 % points (and 0.2 %, 99.8 %): cut tails, or too many extremes."""

    name: ClassVar[str] = "tails"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Extreme values"
    summary: ClassVar[str] = "share of rows beyond the real 1 % and 99 % points of each number"
    source: ClassVar[str] = "exact test on counts (Fisher 1935)"
    fewest: ClassVar[int] = 20

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the synthetic count divided by the expected one, 1 is right."""
        encoding = evidence.encoding
        fields, few = self.compared(encoding, ctx)
        if few:
            return few
        findings = [one for field in fields if field.is_number for one in _tail_findings(field)]
        if not findings:
            return self.unknown("There is no column of numbers.", "")
        good = f"Extreme values are as frequent as in the real rows ({len(findings)} tails compared)."
        fix = "do not clip numbers before fitting, or accept it where extremes are hidden for privacy"
        return [self.from_findings(findings, good=good, fix=fix, better="near", references={"real": 1.0, "cut": 0.0})]


def _tail_findings(field: Field) -> Iterator[Finding]:
    x, y = field.present("synthetic"), field.present("real")
    if len(x) and len(y):
        for side, sign in (("above", 1.0), ("below", -1.0)):
            yield _pile_finding(field, sign * x, sign * y, side)
            for share in (0.01, 0.005, 0.002):
                cut = np.quantile(sign * y, 1 - share, method="inverted_cdf")
                k, reference = int((sign * x > cut).sum()), int((sign * y > cut).sum())
                expected = reference * len(x) / len(y)
                if reference < 15 or expected < 10:
                    continue
                ratio = (k + 0.5) / (expected + 0.5)
                p = float(twosample.rates_p(np.array(k), len(x), np.array(reference), len(y)))
                effect = abs(np.log(ratio)) / TAIL_FAIL
                if share < 0.005:  # the far tail alone may be cut on purpose, to hide the few people in it
                    effect = min(0.99, effect)
                low, high = (limit * len(x) / expected for limit in twosample.rate_interval(k, len(x)))
                words = (
                    f"{k} synthetic rows have {field.name} {side} the real {share:.1%} point; {expected:.0f} is usual"
                )
                yield Finding(effect, p, words, {"column": field.name, "side": side}, ratio, low, high)


def _pile_finding(field: Field, x: np.ndarray, y: np.ndarray, side: str) -> Finding:
    """Rows at the largest synthetic value, against real rows at that value: what clipping leaves behind."""
    k, reference = int((x == x.max()).sum()), int((y == x.max()).sum())
    _, p = twosample.rates_tails(np.array(k), len(x), np.array(reference), len(y))
    gap = k / len(x) - reference / len(y)
    end = "largest" if side == "above" else "smallest"
    words = f"{k} synthetic rows share the {end} value of {field.name}, as if it were clipped; {reference} real ones do"
    ratio = (k + 0.5) / (reference * len(x) / len(y) + 0.5)
    return Finding(gap / PILE_FAIL, float(p), words, {"column": field.name, "side": side}, ratio)


class Spikes(TableMetric):
    """Values that many rows share (zeros, defaults, round numbers), and the grid on which numbers lie."""

    name: ClassVar[str] = "spikes"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Repeated and round values"
    summary: ClassVar[str] = "frequent single values, round numbers and the number of decimals"
    source: ClassVar[str] = "exact test on counts (Fisher 1935)"
    fewest: ClassVar[int] = 20

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the largest difference of a share."""
        fields, few = self.compared(evidence.encoding, ctx)
        if few:
            return few
        findings = [one for field in fields if field.is_number for one in _spike_findings(field)]
        if not findings:
            return self.unknown("No number repeats or lies on a grid.", "")
        good = f"Repeated and round values are as frequent as in the real rows ({len(findings)} compared)."
        fix = "set step in the schema so that numbers are written on the real grid (schema.edit)"
        return [self.from_findings(findings, good=good, fix=fix, better="lower", references={"real": 0.0})]


def _spike_findings(field: Field) -> Iterator[Finding]:
    x, y = field.present("synthetic"), field.present("real")
    n, m = len(x), len(y)
    if not n or not m:
        return
    values, inverse = np.unique(np.concatenate([x, y]), return_inverse=True)
    a, b = (np.bincount(part, minlength=len(values)) for part in (inverse[:n], inverse[n:]))
    common = np.argsort(-(a + b), kind="stable")[:_ATOMS]
    common = common[(a + b)[common] >= max(20, 0.005 * (n + m))]
    for i in common:
        yield _share_finding(field, f"equal to {_shown(field, values[i])}", (int(a[i]), n, int(b[i]), m), ATOM_FAIL)
    if field.is_moment or not len(common):
        return
    for step in (1.0, 0.1, 0.01):
        on_x, on_y = (
            int((np.abs(v / step - np.round(v / step)) < 1e-6 * np.maximum(1, np.abs(v))).sum()) for v in (x, y)
        )
        if on_y >= 0.5 * m:
            yield _share_finding(field, f"on the grid of {step:g}", (on_x, n, on_y, m), GRID_FAIL)
            break
    for step in (5.0, 10.0):
        counts = int((x % step == 0).sum()), n, int((y % step == 0).sum()), m
        yield _share_finding(field, f"a multiple of {step:g}", counts, GRID_FAIL)


def _share_finding(field: Field, what: str, counts: tuple[int, int, int, int], fail: float) -> Finding:
    k, n, reference, m = counts
    gap = k / n - reference / m
    p = float(twosample.rates_p(np.array(k), n, np.array(reference), m))
    words = f"{field.name} is {what} in {k / n:.1%} of the synthetic rows and {reference / m:.1%} of the real ones"
    error = 1.96 * np.sqrt(k / n * (1 - k / n) / n + reference / m * (1 - reference / m) / m)
    low, high = max(0.0, abs(gap) - error), abs(gap) + error
    return Finding(abs(gap) / fail, p, words, {"column": field.name}, abs(gap), low, high)


def _shown(field: Field, value: float) -> str:
    if field.is_moment:
        return "one single moment"
    return f"{value:,.0f}" if value == int(value) else f"{value:.6g}"


class Support(TableMetric):
    """Synthetic values that no real row has: unseen levels, and numbers outside the real range."""

    name: ClassVar[str] = "support"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Values never seen in real rows"
    summary: ClassVar[str] = "levels no real row has, and numbers outside the real range"
    source: ClassVar[str] = "control: how often holdout rows are new to train; Good 1953"
    fewest: ClassVar[int] = 20

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the share of synthetic rows with a new value in the column that decides."""
        encoding = evidence.encoding
        fields, few = self.compared(encoding, ctx)
        if few:
            return few
        findings = []
        for field in fields:
            findings += [_range_finding(field)] if field.is_number else [_unseen_finding(field, encoding)]
        good = "The synthetic rows hold no more values that are new than fresh real rows would."
        fix = "list the allowed categories or bounds in the schema (schema.edit), and fit anew"
        return [self.from_findings(findings, good=good, fix=fix, better="lower", references={"real": 0.0})]


def _unseen_finding(field: Field, encoding: TableEncoding) -> Finding:
    known = field.counts("real") > 0
    values = field.present("synthetic")
    n = max(1, len(values))
    k = int((~known[values]).sum())
    if "holdout" in encoding.rows:
        control, m = int((field.counts("train")[field.present("holdout")] == 0).sum()), encoding.rows["holdout"]
    else:
        control, m = int((field.counts("real") == 1).sum()), encoding.rows["real"]  # Good-Turing: mass of the unseen
    _, p = twosample.rates_tails(np.array(k), n, np.array(control), m)
    low, high = twosample.rate_interval(k, n)
    new = [field.levels[i] for i in np.flatnonzero(~known) if field.counts("synthetic")[i]][:3]
    words = f"{k} synthetic rows have a value of {field.name} that no real row has ({', '.join(map(repr, new))})"
    where = {"column": field.name}
    return Finding((k / n - control / m) / UNSEEN_FAIL, float(p), words, where, k / n, low, high)


def _range_finding(field: Field) -> Finding:
    x, y = field.present("synthetic"), field.present("real")
    n, m = max(1, len(x)), len(y)
    if not m:
        return Finding(0.0, 1.0, f"{field.name} has no real values", {"column": field.name})
    outside = max((int((x > y.max()).sum()), "above"), (int((x < y.min()).sum()), "below"))
    # The k largest of all rows are all synthetic with probability about (n / (n + m)) ** k; two ends are looked at.
    p = min(1.0, 2 * (n / (n + m)) ** outside[0])
    low, high = twosample.rate_interval(outside[0], n)
    words = f"{outside[0]} synthetic rows have {field.name} {outside[1]} every real value"
    return Finding(outside[0] / n / RANGE_FAIL, p, words, {"column": field.name}, outside[0] / n, low, high)


class Missing(TableMetric):
    """Missing cells: how many in each column, and which columns are missing together."""

    name: ClassVar[str] = "missing"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Missing cells"
    summary: ClassVar[str] = "missing rate per column, and the pattern of joint gaps"
    source: ClassVar[str] = "Pearson 1900, on the 32 most frequent patterns"
    fewest: ClassVar[int] = 20

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the largest difference of a missing rate, or of the pattern shares."""
        encoding = evidence.encoding
        if few := self.too_few({part: encoding.rows[part] for part in ("synthetic", "real")}):
            return few
        holey = [f for f in encoding.fields if f.missing("real").any() or f.missing("synthetic").any()]
        if not holey:
            good = "No cell is missing, in the real rows or the synthetic ones."
            return [self.score(0.0, "pass", good, better="lower", references={"real": 0.0})]
        n, m = encoding.rows["synthetic"], encoding.rows["real"]
        findings = []
        for field in holey:
            k, reference = int(field.missing("synthetic").sum()), int(field.missing("real").sum())
            findings.append(_share_finding(field, "missing", (k, n, reference, m), MISSING_FAIL))
        if len(holey) > 1:
            findings.append(_pattern_finding(holey))
        good = f"Cells are missing as often, and together, as in the real rows ({len(holey)} columns have gaps)."
        fix = "use a generator that models gaps jointly (see: generators), or fill them before fitting"
        return [self.from_findings(findings, good=good, fix=fix, better="lower", references={"real": 0.0})]


def _pattern_finding(holey: Sequence[Field], most: int = 32) -> Finding:
    masks = [np.column_stack([field.missing(part) for field in holey]) for part in ("synthetic", "real")]
    packed = [np.packbits(mask, axis=1) for mask in masks]
    _, inverse = np.unique(np.concatenate(packed), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    size = int(inverse.max()) + 1
    a, b = (np.bincount(part, minlength=size) for part in np.split(inverse, [len(packed[0])]))
    order = np.argsort(-b, kind="stable")
    a, b = (np.append(c[order[:most]], c[order[most:]].sum()) for c in (a, b))
    distance = float(twosample.total_variation(a, b))
    excess = distance - float(twosample.total_variation_noise(a, b))
    words = f"cells are missing together in other patterns than in the real rows ({distance:.1%} of the rows differ)"
    where = {"columns": [field.name for field in holey[:10]]}
    return Finding(excess / MISSING_FAIL, twosample.homogeneity_p(a, b), words, where, distance)
