"""Do synthetic series have the levels, steps, rhythms and relations of the real ones?

Every statistic is a weighted mean over windows, so that its error follows from a bootstrap over stretches of time
that share nothing; windows of one series are never taken for independent.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import timeseries, twosample
from synthwright.core.context import Context
from synthwright.core.seeds import named_rng
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.series import SeriesEncoding, Windows
from synthwright.evaluate.verdict import NEED_HOLDOUT, BaseMetric, Finding

LEVEL_FAIL, ACF_FAIL, SPECTRUM_FAIL, CROSS_FAIL, GROUP_FAIL = 0.15, 0.20, 0.06, 0.25, 0.6
_DRAWS = 200
_POINTS = 15  # quantiles at which distributions are compared
FEWEST = 20  # windows below which nothing is said

Statistic = Callable[[np.ndarray], np.ndarray]  # weights of the windows -> numbers


@dataclass(frozen=True)
class Contrast:
    """Numbers of the synthetic and of the real windows, and the error of their difference, all of one shape."""

    synthetic: np.ndarray
    real: np.ndarray
    error: np.ndarray
    blocks: int

    @property
    def difference(self) -> np.ndarray:
        """Synthetic less real."""
        return np.asarray(self.synthetic - self.real)

    @property
    def p(self) -> np.ndarray:
        """Two-sided probability of each difference when there is none: t with as many degrees as blocks less 1."""
        z = np.abs(self.difference) / np.maximum(self.error, 1e-9)
        return np.asarray(2 * stats.t.sf(z, max(self.blocks - 1, 1)))


def contrast(
    synthetic: Windows, real: Windows, of: Callable[[Windows], Statistic], rng: np.random.Generator
) -> Contrast:
    """Compare a statistic of two sets of windows. of: prepares a set, and answers for weights of its windows."""
    values, variances, blocks = [], [], []
    for windows in (synthetic, real):
        ask = of(windows)
        values.append(ask(np.ones(len(windows))))
        n = int(windows.block.max()) + 1
        draws = np.stack(
            [ask(rng.multinomial(n, np.full(n, 1 / n))[windows.block].astype(float)) for _ in range(_DRAWS)]
        )
        variances.append(draws.var(axis=0) * n / max(n - 1, 1))
        blocks.append(n)
    return Contrast(values[0], values[1], np.sqrt(variances[0] + variances[1]), min(blocks))


def real_windows(encoding: SeriesEncoding) -> Windows:
    """Training and unseen windows together."""
    parts = [encoding.windows(name) for name in ("train", encoding.unseen) if name]
    if len(parts) == 1:
        return parts[0]
    shift = int(parts[0].block.max()) + 1
    return Windows(
        np.concatenate([one.values for one in parts]),
        np.concatenate([parts[0].block, parts[1].block + shift]),
        np.concatenate([one.unit for one in parts]),
    )


class SeriesMetric(BaseMetric, ABC):
    """Base of the metrics of series. shortest: steps of a window below which it says nothing; needs_unseen: whether it
    compares with real series that the generator never saw.
    """

    modalities: ClassVar[tuple[str, ...]] = ("series",)
    shortest: ClassVar[int] = 1
    needs_unseen: ClassVar[bool] = False

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score, or why nothing was measured."""
        encoding: SeriesEncoding = evidence.encoding
        if self.needs_unseen and not encoding.unseen:
            return self.unknown("Real series that the generator never saw were not given.", NEED_HOLDOUT)
        if encoding.length < self.shortest:
            why = f"Windows of {encoding.length} steps are too short: {self.shortest} are needed."
            return self.unknown(why, "evaluate longer series: a tenth of a part may be shorter than a window")
        n = min(len(encoding.windows(part)) for part in ("train", "synthetic"))
        if n < FEWEST:
            return self.unknown(f"{n} windows are too few to compare.", f"give at least {FEWEST} series of each part")
        return self.measure(encoding, ctx)

    @abstractmethod
    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """The score, once there is something to measure."""


class _Compared(SeriesMetric):
    """A statistic of synthetic windows beside that of real ones, beside train against unseen, and shuffled steps."""

    axis: ClassVar[Axis] = "fidelity"
    margin: ClassVar[float]
    good: ClassVar[str]
    fix: ClassVar[str] = (
        "fit on more series, or with another generator (series_flow); see the figures for where it differs"
    )

    @abstractmethod
    def prepare(self, encoding: SeriesEncoding) -> Callable[[Windows], Statistic]:
        """The statistic of this metric."""

    @abstractmethod
    def findings(self, encoding: SeriesEncoding, found: Contrast) -> list[Finding]:
        """One finding a channel, or a pair of channels."""

    def known_bad(self, encoding: SeriesEncoding) -> tuple[str, Windows]:
        """Name and windows of a reference that is surely bad: real steps in random order."""
        return "shuffled", encoding.windows("shuffled")

    def value(self, found: Contrast) -> float:
        """The score's number: how large the differences are on the whole."""
        return float(np.abs(found.difference).mean())

    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the mean absolute difference."""
        of = self.prepare(encoding)
        found = contrast(encoding.windows("synthetic"), real_windows(encoding), of, ctx.rng)
        references = {}
        if encoding.unseen:
            references["real"] = self.value(_plain(of, encoding.windows("train"), encoding.windows(encoding.unseen)))
        name, bad = self.known_bad(encoding)
        references[name] = self.value(_plain(of, bad, encoding.windows("train")))
        findings = self.findings(encoding, found)
        if not findings:
            return self.unknown("There is nothing of this kind to compare.", "evaluate more channels or longer series")
        value = self.value(found)
        spread = 1.96 * float(np.sqrt((found.error**2).mean() / max(1, found.error.size)))
        return [self.score_from(findings, value, spread, references, encoding)]

    def score_from(
        self,
        findings: list[Finding],
        value: float,
        spread: float,
        references: dict[str, float],
        encoding: SeriesEncoding,
    ) -> Score:
        """The score of findings and a number."""
        return self.from_findings(
            findings,
            shown=(value, max(0.0, value - spread), value + spread),
            good=self.good,
            fix=self.fix,
            better="lower",
            references=references,
            sampled={"synthetic": len(encoding.windows("synthetic")), "of": encoding.rows["synthetic"]},
        )


def _plain(of: Callable[[Windows], Statistic], a: Windows, b: Windows) -> Contrast:
    one, two = (of(windows)(np.ones(len(windows))) for windows in (a, b))
    return Contrast(one, two, np.zeros_like(one), 2)


class Levels(_Compared):
    """Share of steps below 15 quantiles of each real channel: the largest gap is a Kolmogorov-Smirnov distance."""

    name: ClassVar[str] = "series_levels"
    label: ClassVar[str] = "Levels of each channel"
    summary: ClassVar[str] = "distribution of the values of each channel, over stretches of time"
    source: ClassVar[str] = "Smirnov 1939; error by block bootstrap (Kunsch 1989)"
    margin: ClassVar[float] = LEVEL_FAIL
    good: ClassVar[str] = "The values of every channel are distributed as in the real series."
    what: ClassVar[str] = "values"

    def quantity(self, values: np.ndarray) -> np.ndarray:
        """What is compared: (n, steps, channels)."""
        return values

    def known_bad(self, encoding: SeriesEncoding) -> tuple[str, Windows]:
        """Values spread evenly between the ends of each channel: shuffling would keep their distribution."""
        train = encoding.windows("train")
        low, high = train.values.min(axis=(0, 1)), train.values.max(axis=(0, 1))
        even = low + (high - low) * stream(encoding, "even").random(train.values.shape)
        return "even", Windows(even, train.block, train.unit)

    def prepare(self, encoding: SeriesEncoding) -> Callable[[Windows], Statistic]:
        """Shares at the quantiles of the real values."""
        real = self.quantity(real_windows(encoding).values)
        edges = np.quantile(real, np.linspace(0.03, 0.97, _POINTS), axis=(0, 1))  # (points, channels)

        def of(windows: Windows) -> Statistic:
            x = self.quantity(windows.values)
            shares = np.stack([(x <= edge).mean(axis=1) for edge in edges], axis=1)  # (n, points, channels)
            return lambda weight: np.tensordot(weight, shares, 1) / max(weight.sum(), 1e-9)

        return of

    def findings(self, encoding: SeriesEncoding, found: Contrast) -> list[Finding]:
        """The largest gap of each channel."""
        made = []
        for j, name in enumerate(encoding.names):
            at = int(np.argmax(np.abs(found.difference[:, j])))
            gap, p = float(abs(found.difference[at, j])), float(found.p[at, j])
            words = f"the distribution of {self.what} of {name} differs by {gap:.1%} at its largest"
            made.append(Finding(gap / self.margin, min(1.0, p * _POINTS), words, {"column": name}, gap))
        return made


class Increments(Levels):
    """As `series_levels`, of the differences between neighbouring steps."""

    name: ClassVar[str] = "series_steps"
    label: ClassVar[str] = "Steps between neighbours"
    summary: ClassVar[str] = "distribution of the differences between neighbouring steps of each channel"
    good: ClassVar[str] = "Differences between neighbouring steps are distributed as in the real series."
    what: ClassVar[str] = "steps"
    shortest: ClassVar[int] = 2

    def quantity(self, values: np.ndarray) -> np.ndarray:
        """First differences."""
        return np.diff(values, axis=1)


class Autocorrelation(_Compared):
    """Autocorrelation of each channel up to half a window."""

    name: ClassVar[str] = "series_acf"
    label: ClassVar[str] = "Memory (autocorrelation)"
    summary: ClassVar[str] = "autocorrelation of each channel, lags up to half a window"
    source: ClassVar[str] = "Box and Jenkins 1970; error by block bootstrap"
    good: ClassVar[str] = "Channels remember their past as the real ones do."
    shortest: ClassVar[int] = 2

    def prepare(self, encoding: SeriesEncoding) -> Callable[[Windows], Statistic]:
        """Pooled autocorrelations."""
        lags = max(1, encoding.length // 2)
        return lambda windows: timeseries.autocorrelation_parts(windows.values, lags).mean_of

    def findings(self, encoding: SeriesEncoding, found: Contrast) -> list[Finding]:
        """The lag of each channel that differs most."""
        made = []
        for j in encoding.numbers:
            at = int(np.argmax(np.abs(found.difference[:, j])))
            gap = float(abs(found.difference[at, j]))
            words = (
                f"the autocorrelation of {encoding.names[j]} at lag {at + 1} is {found.synthetic[at, j]:.2f}; "
                f"{found.real[at, j]:.2f} is real"
            )
            p = min(1.0, float(found.p[at, j]) * len(found.real))
            made.append(Finding(gap / ACF_FAIL, p, words, {"column": encoding.names[j], "lag": at + 1}, gap))
        return made


class Spectrum(_Compared):
    """1-Wasserstein distance between the mean periodograms of each channel, frequencies on [0, 1]."""

    name: ClassVar[str] = "series_spectrum"
    label: ClassVar[str] = "Rhythms (spectrum)"
    summary: ClassVar[str] = "distance between mean periodograms of each channel"
    source: ClassVar[str] = "1-Wasserstein distance; error by block bootstrap"
    good: ClassVar[str] = "Fast and slow movements have their real shares."
    shortest: ClassVar[int] = 6  # three frequencies

    def prepare(self, encoding: SeriesEncoding) -> Callable[[Windows], Statistic]:
        """Shares of power up to each frequency."""

        def of(windows: Windows) -> Statistic:
            power = timeseries.periodograms(windows.values)

            def ask(weight: np.ndarray) -> np.ndarray:
                mean = np.tensordot(weight, power, 1)
                return np.asarray(np.cumsum(mean / np.maximum(mean.sum(axis=0), 1e-12), axis=0))

            return ask

        return of

    def findings(self, encoding: SeriesEncoding, found: Contrast) -> list[Finding]:
        """The distance of each channel; its probability is that of its most telling frequency."""
        made = []
        for j in encoding.numbers:
            distance = float(np.abs(found.difference[:, j]).mean())
            p = min(1.0, float(found.p[:-1, j].min()) * (len(found.real) - 1))
            words = f"the spectrum of {encoding.names[j]} is off by {distance:.3f} of the frequency range"
            made.append(Finding(distance / SPECTRUM_FAIL, p, words, {"column": encoding.names[j]}, distance))
        return made


class CrossCorrelation(_Compared):
    """Correlation between every two channels in the same step and one step apart, of levels and of steps."""

    name: ClassVar[str] = "series_cross"
    label: ClassVar[str] = "Relations between channels"
    summary: ClassVar[str] = "correlations between channels, in the same step and one step later"
    source: ClassVar[str] = "cross-correlation (Box and Jenkins 1970); error by block bootstrap"
    good: ClassVar[str] = "Channels move together as the real ones do."
    shortest: ClassVar[int] = 2

    def prepare(self, encoding: SeriesEncoding) -> Callable[[Windows], Statistic]:
        """Correlations of levels, then of differences: (2 * lags, channels, channels)."""

        def of(windows: Windows) -> Statistic:
            level = timeseries.cross_correlation_parts(windows.values)
            step = timeseries.cross_correlation_parts(np.diff(windows.values, axis=1))
            return lambda weight: np.concatenate([level.mean_of(weight), step.mean_of(weight)])

        return of

    def findings(self, encoding: SeriesEncoding, found: Contrast) -> list[Finding]:
        """The largest difference of each ordered pair."""
        made = []
        for i in range(len(encoding.names)):
            for j in range(len(encoding.names)):
                if i == j:
                    continue
                at = int(np.argmax(np.abs(found.difference[:, i, j])))
                gap = float(abs(found.difference[at, i, j]))
                kind, lag = ("levels", "steps")[at // 2], (" in the same step", " one step later")[at % 2]
                words = (
                    f"the correlation of {kind} of {encoding.names[i]} with {encoding.names[j]}{lag} is "
                    f"{found.synthetic[at, i, j]:.2f}; {found.real[at, i, j]:.2f} is real"
                )
                place = {"column": encoding.names[i], "with": encoding.names[j]}
                made.append(Finding(gap / CROSS_FAIL, min(1.0, float(found.p[at, i, j]) * 4), words, place, gap))
        return made


class Attributes(SeriesMetric):
    """Attributes and lengths of series, and how channels differ between the levels of an attribute."""

    name: ClassVar[str] = "series_attributes"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Attributes and lengths"
    summary: ClassVar[str] = "distribution of attributes and lengths, and mean of channels by attribute"
    source: ClassVar[str] = "Smirnov 1939; Pearson 1900; Welch 1947"

    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the largest distance of a distribution."""
        fields = encoding.fields()
        if not fields:
            return self.unknown("Series have no attributes, and their lengths do not vary.", "name attributes: static=")
        findings, distances, references = [], [0.0], [0.0]
        for field in fields:
            if field.is_number:
                a, b = field.present("synthetic"), field.present("real")
                distance = twosample.ks_distance(a, b)
                p = twosample.ks_p(distance, len(a), len(b))
                references.append(twosample.ks_distance(field.present("train"), b))
            else:
                x, y = field.counts("synthetic"), field.counts("real")
                distance, p = float(twosample.total_variation(x, y)), twosample.homogeneity_p(x, y)
                references.append(float(twosample.total_variation(field.counts("train"), y)))
                findings += self._groups(encoding, field)
            distances.append(distance)
            words = f"the distribution of {field.name} differs by {distance:.1%}"
            findings.append(Finding(distance / LEVEL_FAIL, p, words, {"column": field.name}, distance))
        score = self.from_findings(
            findings,
            shown=(max(distances), None, None),
            good="Attributes and lengths are distributed as in the real series, and series follow them.",
            fix="fit on more series, or with series_flow or pca_gaussian, which make attributes first",
            better="lower",
            references={"real": max(references)},
        )
        return [score]

    def _groups(self, encoding: SeriesEncoding, field: Any) -> list[Finding]:
        """For each level and channel: the mean of synthetic series of that level against real ones."""
        made = []
        parts = {name: self._means(encoding, name) for name in ("synthetic", "train")}
        for code, level in enumerate(field.levels[:8]):
            rows = {name: field.values[name][unit] == code for name, (unit, _) in parts.items()}
            if min(int(one.sum()) for one in rows.values()) < 8:
                continue
            for j in encoding.numbers:
                a, b = (parts[name][1][rows[name], j] for name in ("synthetic", "train"))
                gap = float(a.mean() - b.mean())
                p = float(stats.ttest_ind(a, b, equal_var=False).pvalue) if a.std() + b.std() > 0 else 1.0
                words = (
                    f"the mean of {encoding.names[j]} where {field.name} is {level!r} is off by {gap:+.2f} deviations"
                )
                made.append(Finding(abs(gap) / GROUP_FAIL, p, words, {"column": field.name, "level": level}, abs(gap)))
        return made

    def _means(self, encoding: SeriesEncoding, part: str) -> tuple[np.ndarray, np.ndarray]:
        """Series of a part, and the mean of each of their channels."""
        windows = encoding.windows(part)
        units, place = np.unique(windows.unit, return_inverse=True)
        sums = np.zeros((len(units), windows.values.shape[2]))
        np.add.at(sums, place, windows.values.mean(axis=1))
        return units, sums / np.bincount(place)[:, None]


def stream(encoding: SeriesEncoding, name: str) -> np.random.Generator:
    """A random stream of an encoding."""
    return named_rng(encoding.seed, name)
