"""Do forecasts learned from synthetic series hold, do they cover the real ones, and what do they give away?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import linear, twosample
from synthwright.classic.neighbours import Points, nearest, row_hashes
from synthwright.core.context import Context
from synthwright.data.sequences import places_within
from synthwright.evaluate.diversity import coverage_density
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.series import SeriesEncoding, Windows, evenly
from synthwright.evaluate.series_fidelity import SeriesMetric, real_windows
from synthwright.evaluate.verdict import ALPHA, Finding, judge

FORECAST_WARN, FORECAST_FAIL = 0.10, 0.40
COPY_FAIL, NEAR_FAIL, COVER_FAIL = 0.02, 0.20, 0.30
_MOST, _STRETCH, _NEAR, _COMPONENTS = 1_500, 6, 0.05, 10
_STRETCHES = 200_000  # of a part that is looked up


class Forecast(SeriesMetric):
    """Error on real series of forecasts learned from synthetic ones (TSTR), against as many real windows.

    Ridge regression of the last third of a window on what came before it, all channels together.
    """

    name: ClassVar[str] = "series_forecast"
    axis: ClassVar[Axis] = "utility"
    label: ClassVar[str] = "Forecasts: train on synthetic, test on real"
    summary: ClassVar[str] = "error on real series of a linear forecast learned from synthetic series"
    source: ClassVar[str] = "Esteban, Hyland and Ratsch 2017 (arXiv 1706.02633)"
    shortest: ClassVar[int] = 6
    needs_unseen: ClassVar[bool] = True

    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the mean squared error in units of the variance of what is forecast."""
        part = "test" if "test" in encoding.parts else encoding.unseen
        test = encoding.windows(part)
        n = min(len(encoding.windows(one)) for one in ("train", "synthetic"))
        losses, noise = {}, {}
        for name in ("train", "synthetic", "shuffled"):
            own = _thinned(encoding.windows(name), n)
            losses[name] = _losses(encoding, own, test)
            halves = np.arange(len(own)) % 2 == 0
            pair = [_losses(encoding, own.take(np.flatnonzero(side)), test).mean() for side in (halves, ~halves)]
            noise[name] = float((pair[0] - pair[1]) ** 2 / 4)
        real, value = float(losses["train"].mean()), float(losses["synthetic"].mean())
        gap = losses["synthetic"] - losses["train"]
        error = float(np.sqrt(_clustered(gap, test.block) + noise["train"] + noise["synthetic"]))
        scale = max(real, 0.02)
        effect, p = (value - real) / scale, float(stats.norm.sf((value - real) / max(error, 1e-9)))
        verdict = judge(effect, p, warn=FORECAST_WARN, fail=FORECAST_FAIL, alpha=ALPHA)
        plain = (
            f"Forecasts learned from synthetic series leave {value:.1%} of the variance of real ones unexplained; "
            f"learned from as many real series {real:.1%}."
        )
        score = self.score(
            value,
            verdict,
            plain,
            low=max(0.0, value - 1.96 * error),
            high=value + 1.96 * error,
            references={"real": real, "shuffled": float(losses["shuffled"].mean())},
            better="lower",
            p=p,
            margins={"warn": FORECAST_WARN, "fail": FORECAST_FAIL},
            fix="" if verdict == "pass" else "fit on more series, or with series_flow",
            details={"effect": effect, "error": error, "test": part, "windows": n, "bars": _bars(losses, test)},
            sampled={"synthetic": n, "of": len(encoding.windows("synthetic"))},
        )
        return [score]


def _thinned(windows: Windows, n: int) -> Windows:
    return windows.take(evenly(len(windows), n))


def _losses(encoding: SeriesEncoding, own: Windows, test: Windows) -> np.ndarray:
    """Squared error of each test window, over channels of numbers, in units of their variance beyond the horizon."""
    ahead = max(1, encoding.length // 3)
    found = np.zeros(len(test))
    x, new = (one.values[:, :-ahead].reshape(len(one), -1) for one in (own, test))
    spread = x.std(axis=0) + 1e-6
    penalty = 1e-3 * len(own)
    used = 0
    for j in encoding.numbers:
        for t in range(1, ahead + 1):
            y, truth = own.values[:, -t, j], test.values[:, -t, j]
            # What is learned is the change since the last step seen, so that levels never met are no obstacle.
            last, last_new = own.values[:, -ahead - 1, j], test.values[:, -ahead - 1, j]
            beta = linear.ridge(x / spread, y - last, penalty=penalty)
            guess = last_new + linear.predict(beta, new / spread)
            variance = float(real_variance(encoding, j))
            if variance > 0:
                found += (truth - guess) ** 2 / variance
                used += 1
    return found / max(used, 1)


def real_variance(encoding: SeriesEncoding, j: int) -> float:
    """Variance of one channel over all real windows."""
    variances = encoding.once("variances", lambda: real_windows(encoding).values.var(axis=(0, 1)))
    return float(variances[j])


def _clustered(gap: np.ndarray, block: np.ndarray) -> float:
    """Variance of the mean of values that belong together by block."""
    sums = np.bincount(block, weights=gap - gap.mean())
    used = max(len(np.unique(block)), 2)
    return float((sums**2).sum() / len(gap) ** 2 * used / (used - 1))


def _bars(losses: dict[str, np.ndarray], test: Windows) -> list[dict[str, Any]]:
    bars = []
    for part, label, kind in (
        ("train", "real series", "real"),
        ("synthetic", "synthetic series", "synthetic"),
        ("shuffled", "shuffled steps", "independent"),
    ):
        value, spread = float(losses[part].mean()), 1.96 * float(np.sqrt(_clustered(losses[part], test.block)))
        bars.append(
            {"label": label, "value": value, "low": max(0.0, value - spread), "high": value + spread, "kind": kind}
        )
    return bars


def components(encoding: SeriesEncoding) -> dict[str, np.ndarray]:
    """Windows of each part as their first ten principal components, in units of these components' deviations."""

    def make() -> dict[str, np.ndarray]:
        real = encoding.windows("train").values.reshape(len(encoding.windows("train")), -1)
        centre = real.mean(axis=0)
        _, _, axes = np.linalg.svd(real - centre, full_matrices=False)
        axes = axes[:_COMPONENTS]
        names = [*dict.fromkeys(["train", "synthetic", "shuffled", encoding.unseen])]
        scores = {}
        spread = ((real - centre) @ axes.T).std(axis=0) + 1e-9
        for name in names:
            if name:
                flat = encoding.windows(name).values.reshape(len(encoding.windows(name)), -1)
                scores[name] = ((flat - centre) @ axes.T) / spread
        return scores

    return encoding.once("components", make)


def _points(rows: np.ndarray) -> Points:
    return Points(rows.astype(np.float32), np.zeros((len(rows), 0), np.uint16))


class SeriesCoverage(SeriesMetric):
    """Share of unseen real windows that have a synthetic window in their neighbourhood, against training windows."""

    name: ClassVar[str] = "series_coverage"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Coverage of the real series"
    summary: ClassVar[str] = "share of unseen real windows with a synthetic window nearby (10 components)"
    source: ClassVar[str] = "Naeem et al. 2020 (arXiv 2002.09797)"
    needs_unseen: ClassVar[bool] = True

    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is coverage."""
        other = encoding.unseen
        scores = components(encoding)
        n = min(min(len(scores[name]) for name in (other, "train", "synthetic")), _MOST)
        if n < 50:
            return self.unknown(f"{n} windows are too few for neighbourhoods.", "give 50 or more of each part")
        rows = {name: evenly(len(scores[name]), n) for name in scores}
        sides = {name: _points(scores[name][rows[name]]) for name in scores}
        covered, density, radii = coverage_density(sides[other], sides["synthetic"])
        usual = nearest(sides[other], sides["train"])[:, 0] <= radii
        bad = nearest(sides[other], sides["shuffled"])[:, 0] <= radii
        block = encoding.windows(other).block[rows[other]]
        gap = usual.astype(float) - covered
        error = np.sqrt(max(_clustered(gap, block), gap.var() / n))
        p = float(stats.norm.sf(gap.mean() / max(error, 1e-9)))
        lost = 1 - covered.mean() / max(usual.mean(), 1e-9)
        words = f"{covered.mean():.1%} of unseen real windows have a synthetic one nearby; {usual.mean():.1%} is usual"
        low, high = twosample.rate_interval(int(covered.sum()), n)
        finding = Finding(float(lost) / COVER_FAIL, p, words, {}, float(covered.mean()), low, high)
        score = self.from_findings(
            [finding],
            good=words + ".",
            fix="fit on more series, or with a generator that covers rare courses",
            references={"real": float(usual.mean()), "shuffled": float(bad.mean())},
            details={"density": density},
            sampled={"synthetic": n, "of": len(encoding.windows("synthetic"))},
        )
        return [score]


class SeriesCopies(SeriesMetric):
    """Stretches of 6 steps of synthetic series that stand in a training series, against those of unseen real series."""

    name: ClassVar[str] = "series_copies"
    axis: ClassVar[Axis] = "privacy"
    label: ClassVar[str] = "Copied stretches"
    summary: ClassVar[str] = "share of stretches of 6 steps that stand in the training series, to seven digits"
    source: ClassVar[str] = "count of equal stretches, against unseen real series"
    shortest: ClassVar[int] = 2
    needs_unseen: ClassVar[bool] = True

    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is the share of copied stretches."""
        other = encoding.unseen
        stretch = min(_STRETCH, encoding.length)
        train = np.unique(_stretches(encoding, "train", stretch)[0])
        rates, counts, whole = {}, {}, {}
        for name in ("synthetic", other):
            hashes, unit = _stretches(encoding, name, stretch)
            if not len(hashes):
                return self.unknown(
                    f"In the {name} part nothing changes within {stretch} steps.", "evaluate more channels"
                )
            hit = np.isin(hashes, train)
            rates[name], counts[name] = float(hit.mean()), (int(hit.sum()), len(hit))
            own = np.unique(unit)
            whole[name] = float(np.mean([hit[unit == one].all() for one in own[:2_000]]))
        k, n = counts["synthetic"]
        # Stretches overlap and come in runs: their number counts for a sixth.
        ours, theirs = (np.array([hits // stretch, of // stretch]) for hits, of in counts.values())
        p = float(twosample.rates_tails(ours[0], ours[1], theirs[0], theirs[1])[1])
        excess = rates["synthetic"] - rates[other]
        low, high = twosample.rate_interval(k, n)
        words = (
            f"{rates['synthetic']:.1%} of stretches of {stretch} steps stand in a training series; "
            f"of unseen real series {rates[other]:.1%} do"
        )
        finding = Finding(excess / COPY_FAIL, p, words, {}, rates["synthetic"], low, high, warn=0.25)
        score = self.from_findings(
            [finding],
            good=words + ".",
            fix="use a generator that keeps no rows: series_flow or pca_gaussian",
            better="lower",
            references={"real": rates[other], "copy": 1.0},
            details={"copied whole": whole["synthetic"], "copied whole, unseen real": whole[other], "stretch": stretch},
        )
        return [score]


def _stretches(encoding: SeriesEncoding, part: str, stretch: int) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all stretches of the series of a part that are not constant, and the series each is of."""
    data = encoding.parts[part]
    rows = encoding.row_codes(part)
    count = np.maximum(0, data.lengths - stretch + 1)
    unit = np.repeat(np.arange(len(data)), count)
    starts = data.starts[unit] + places_within(count)
    if part != "train":
        kept = evenly(len(starts), _STRETCHES)
        starts, unit = starts[kept], unit[kept]
    codes = rows[starts[:, None] + np.arange(stretch)]
    moving = (codes != codes[:, :1]).any(axis=1)  # a stretch in which nothing changes identifies nobody
    return row_hashes(codes[moving]), unit[moving]


class SeriesNear(SeriesMetric):
    """Share of synthetic windows that are nearer to a training window than 95 % of unseen real windows are."""

    name: ClassVar[str] = "series_near"
    axis: ClassVar[Axis] = "privacy"
    label: ClassVar[str] = "Too near to training series"
    summary: ClassVar[str] = "share of windows nearer to a training window than 95 % of unseen real ones"
    source: ClassVar[str] = "distance to the closest record, 5th percentile"
    needs_unseen: ClassVar[bool] = True

    def measure(self, encoding: SeriesEncoding, ctx: Context) -> Sequence[Score]:
        """One score; value is that share, 0.05 for fresh real series."""
        other = encoding.unseen
        scores = components(encoding)
        train = _points(scores["train"])
        rows = {name: evenly(len(scores[name]), _MOST) for name in ("synthetic", other)}
        near = {name: nearest(_points(scores[name][at]), train)[:, 0] for name, at in rows.items()}
        limit = float(np.quantile(near[other], _NEAR))
        close = near["synthetic"] < limit
        value = float(close.mean())
        blocks = len(np.unique(encoding.windows(other).block))
        spread = np.sqrt(_NEAR * (1 - _NEAR) * (1 / blocks + 1 / len(close)))
        p = float(stats.norm.sf((value - _NEAR) / spread))
        low, high = twosample.rate_interval(int(close.sum()), len(close))
        words = (
            f"{value:.1%} of synthetic windows are nearer to a training window than 95% of unseen real ones; "
            "5% is usual"
        )
        finding = Finding((value - _NEAR) / NEAR_FAIL, p, words, {}, value, low, high, warn=0.5)
        score = self.from_findings(
            [finding],
            good=words + ".",
            fix="fit fewer steps, or on more series: series_flow --set max_steps=500",
            better="lower",
            references={"real": _NEAR, "copy": 1.0},
            details={"edges_data": {name: np.quantile(v, np.linspace(0, 1, 41)).tolist() for name, v in near.items()}},
            sampled={"synthetic": len(close), "of": len(encoding.windows("synthetic"))},
        )
        return [score]
