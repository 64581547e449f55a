"""Models of one column given earlier ones: of levels, of numbers around a mean, and of numbers with point masses.

Each draws from a blend: every cell picks one of its members at random, which is a draw from the average of their
predictive distributions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Self

import numpy as np
from scipy.special import ndtr, ndtri

from synthwright.classic.boosting import LevelBooster, MeanBooster
from synthwright.classic.grid import Grid, middle_ranks
from synthwright.classic.linear import predict, ridge
from synthwright.classic.parts import has_part, joined, part
from synthwright.classic.trees import Forest, TreeOptions, spread_response
from synthwright.core.store import State
from synthwright.data.marginal import Marginal

Round = Callable[[np.ndarray], np.ndarray]
_SPIKE_SHARE, _SPIKE_RATIO, _NEAR = 0.02, 3.0, 5  # a point mass of its own: 2 % and 3 times its neighbours' median
_EQUAL_SHARE, _EQUAL_ROWS, _EQUAL_RATIO = 0.01, 20, 5.0  # equal to an earlier cell: 1 % and 5 times chance
_FEWEST_FOR_RESIDUALS, _FOLDS, _PENALTY = 100, 3, 3.0
_SCORED, _CLEAR = 2000, 1.25  # rows that members are compared on; ratio of scores that settles it
_MARGIN = 1e-4  # normal scores are within +-3.7


@dataclass(frozen=True)
class BlendOptions:
    """Members of the blend, and their sizes.

    boosted: chance that a level is drawn from boosting rather than from trees. residual: chance that a number is
    drawn as mean + residual rather than from a leaf. mean: what predicts the mean.
    """

    boosted: float = 0.5
    residual: float = 0.5
    mean: Literal["ridge", "boost"] = "ridge"
    rounds: int = 120
    trees: TreeOptions = field(default_factory=TreeOptions)


@dataclass(frozen=True, eq=False)
class Inputs:
    """Earlier columns of the same rows. trees: (n, d) float32, all of them, without NaN; raw: (n, p) float64, the
    numbers; scores: (n, q) float64, normal scores, standardised values and missing flags of the numbers; levels:
    (n, l) codes."""

    trees: np.ndarray
    raw: np.ndarray
    scores: np.ndarray
    levels: np.ndarray

    def take(self, rows: np.ndarray) -> Inputs:
        """The same for some rows."""
        return Inputs(self.trees[rows], self.raw[rows], self.scores[rows], self.levels[rows])


@dataclass(frozen=True, eq=False)
class LevelModel:
    """p(code | inputs): boosting, trees, or both."""

    boosted: float
    booster: LevelBooster | None
    forest: Forest | None

    @classmethod
    def fit(cls, codes: np.ndarray, inputs: Inputs, options: BlendOptions, rng: np.random.Generator) -> Self:
        """Codes >= 0. Boosting that does not beat the plain shares leaves all to the trees."""
        booster = LevelBooster.fit(inputs.trees, codes, options.rounds, rng) if options.boosted > 0 else None
        forest = None
        if booster is None or options.boosted < 1:
            forest = Forest.fit(inputs.trees, codes, None, options.trees, rng)
        return cls(options.boosted if booster else 0.0, booster, forest)

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> np.ndarray:
        """One code for each row."""
        picks = rng.random(len(inputs.trees)) < self.boosted
        if self.forest is None:
            picks[:] = True
        codes = np.zeros(len(picks), dtype=np.int64)
        if self.booster is not None and picks.any():
            codes[picks] = self.booster.draw(inputs.trees[picks], rng)
        if self.forest is not None and not picks.all():
            codes[~picks] = self.forest.draw(inputs.trees[~picks], rng)
        return codes

    def state(self) -> State:
        """Everything `restore` needs."""
        parts = {"boost": self.booster, "trees": self.forest}
        return joined({k: v.state() for k, v in parts.items() if v is not None}, {"boosted": self.boosted})

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`."""
        booster = LevelBooster.restore(part(state, "boost")) if has_part(state, "boost") else None
        forest = Forest.restore(part(state, "trees")) if has_part(state, "trees") else None
        return cls(state.meta["boosted"], booster, forest)


@dataclass(frozen=True, eq=False)
class ResidualModel:
    """z = m(inputs) + r: a mean of the normal score, and residuals from the leaves of a forest that also sees m.

    Residuals are those of folds the mean did not see, so they have the width of new rows. `lines`: two ridge fits,
    of the normal score and of the standardised value; `place` is the better one, `weight` 0 when neither helps.
    """

    marginal: Marginal
    effects: tuple[np.ndarray, ...]  # for each level column, the mean score of each code
    lines: np.ndarray  # (2, columns + 1)
    scale: tuple[float, float]
    place: int
    weight: float
    booster: MeanBooster | None
    grid: Grid
    forest: Forest

    @classmethod
    def fit(
        cls, values: np.ndarray, atoms: np.ndarray, inputs: Inputs, options: BlendOptions, rng: np.random.Generator
    ) -> Self:
        """Values without missing ones; atoms: values that keep their mass in the marginal."""
        n = len(values)
        distinct, counts = np.unique(values, return_counts=True)
        marginal = Marginal.fit(distinct, counts, atoms)
        z = ndtri(np.clip(marginal.rank(values, rng), 0.5 / n, 1 - 0.5 / n))
        scale = (float(values.mean()), float(values.std()) or 1.0)
        standard = np.clip((values - scale[0]) / scale[1], -4, 6)
        effects = tuple(_effects(codes, z) for codes in inputs.levels.T)
        design = _design(inputs, effects)
        fold = rng.permutation(n) % _FOLDS
        unseen = np.empty((n, 2))
        for k in range(_FOLDS):
            seen, out = fold != k, fold == k
            lines = np.array([ridge(design[seen], y[seen], penalty=_PENALTY) for y in (z, standard)])
            unseen[out] = _predictions(lines, design[out], marginal, scale)
        errors = ((z[:, None] - unseen) ** 2).mean(axis=0)
        place = int(np.argmin(errors))
        weight = 1.0 if errors[place] < z.var() else 0.0
        mean = weight * unseen[:, place]
        x = np.column_stack([inputs.trees, unseen]).astype(np.float32)
        booster = None
        if options.mean == "boost":
            booster, extra = MeanBooster.fit(x, z - mean, fold, options.rounds, rng)
            mean = mean + extra
        rest = z - mean
        grid = Grid.fit(rest, heap=False)
        x = np.column_stack([x, mean]).astype(np.float32)
        forest = Forest.fit(x, grid.tokens(rest), spread_response(middle_ranks(rest)), options.trees, rng)
        lines = np.array([ridge(design, y, penalty=_PENALTY) for y in (z, standard)])
        return cls(marginal, effects, lines, scale, place, weight, booster, grid, forest)

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Normal scores of the middle ranks of values."""
        first, last = self.marginal.ends(values)
        return np.asarray(ndtri(np.clip((first + last) / 2, _MARGIN, 1 - _MARGIN)))

    def draw(self, inputs: Inputs, rng: np.random.Generator) -> np.ndarray:
        """One value for each row, not yet rounded."""
        design = _design(inputs, self.effects)
        lines = _predictions(self.lines, design, self.marginal, self.scale)
        x = np.column_stack([inputs.trees, lines]).astype(np.float32)
        mean = self.weight * lines[:, self.place]
        if self.booster is not None:
            mean = mean + self.booster.mean(x)
        tokens = self.forest.draw(np.column_stack([x, mean]).astype(np.float32), rng)
        return self.marginal.inverse(ndtr(mean + self.grid.values(tokens, rng)))

    def state(self) -> State:
        """Everything `restore` needs."""
        parts = {"grid": self.grid.state(), "trees": self.forest.state()}
        if self.booster is not None:
            parts["boost"] = self.booster.state()
        meta = {"scale": list(self.scale), "place": self.place, "weight": self.weight, "levels": len(self.effects)}
        whole = joined(parts, meta)
        whole.arrays.update({name: getattr(self.marginal, name) for name in ("values", "left", "right")})
        whole.arrays.update({f"effects{i}": effects for i, effects in enumerate(self.effects)})
        whole.arrays["lines"] = self.lines
        return whole

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`."""
        arrays, meta = state.arrays, state.meta
        return cls(
            Marginal(arrays["values"], arrays["left"], arrays["right"]),
            tuple(arrays[f"effects{i}"] for i in range(meta["levels"])),
            arrays["lines"],
            (meta["scale"][0], meta["scale"][1]),
            meta["place"],
            meta["weight"],
            MeanBooster.restore(part(state, "boost")) if has_part(state, "boost") else None,
            Grid.restore(part(state, "grid")),
            Forest.restore(part(state, "trees")),
        )


@dataclass(frozen=True, eq=False)
class NumberModel:
    """p(number | inputs) in two stages: a special cell, or a draw from leaves and residuals.

    specials, in the order of codes 1..: ("missing", 0), ("spike", value), ("equal", place among the earlier numbers).
    """

    specials: tuple[tuple[str, float], ...]
    kind: LevelModel | None
    grid: Grid | None
    forest: Forest | None
    residual: float
    residuals: ResidualModel | None

    @classmethod
    def fit(cls, values: np.ndarray, inputs: Inputs, options: BlendOptions, rng: np.random.Generator) -> Self:
        """NaN is missing."""
        codes, specials = _special_codes(values, inputs.raw)
        kind = LevelModel.fit(codes, inputs, options, rng) if specials else None
        plain = np.flatnonzero(codes == 0)
        if not len(plain):
            return cls(specials, kind, None, None, 0.0, None)
        values, inputs = values[plain], inputs.take(plain)
        grid = Grid.fit(values)
        can_residual = len(plain) >= _FEWEST_FOR_RESIDUALS and options.residual > 0 and len(np.unique(values)) > 20
        if not can_residual:
            return cls(specials, kind, grid, _leaves(values, grid, inputs, options, rng), 0.0, None)
        residuals = ResidualModel.fit(values, grid.atoms, inputs, options, rng)
        if options.residual >= 1:
            return cls(specials, kind, grid, None, 1.0, residuals)
        forest = _leaves(values, grid, inputs, options, rng)
        share = min(1.0, options.residual * _preference(values, grid, forest, residuals, inputs, rng))
        return cls(specials, kind, grid, forest if share < 1 else None, share, residuals if share > 0 else None)

    def draw(self, inputs: Inputs, rounded: Round, rng: np.random.Generator) -> np.ndarray:
        """One value for each row; what is no spike and no copy is rounded."""
        n = len(inputs.trees)
        found = np.full(n, np.nan)
        codes = self.kind.draw(inputs, rng) if self.kind is not None else np.zeros(n, dtype=np.int64)
        for code, (what, value) in enumerate(self.specials, start=1):
            rows = np.flatnonzero(codes == code)
            if what == "spike":
                found[rows] = value
            elif what == "equal":
                found[rows] = inputs.raw[rows, int(value)]
        plain = np.flatnonzero(codes == 0)
        picks = rng.random(len(plain)) < self.residual
        if self.forest is None:
            picks[:] = True
        leaf, around = plain[~picks], plain[picks]
        if self.forest is not None and self.grid is not None and len(leaf):
            found[leaf] = rounded(self.grid.values(self.forest.draw(inputs.trees[leaf], rng), rng))
        if self.residuals is not None and len(around):
            found[around] = rounded(self.residuals.draw(inputs.take(around), rng))
        return found

    def state(self) -> State:
        """Everything `restore` needs."""
        parts = {"kind": self.kind, "grid": self.grid, "trees": self.forest, "residuals": self.residuals}
        meta = {"specials": [list(item) for item in self.specials], "residual": self.residual}
        return joined({k: v.state() for k, v in parts.items() if v is not None}, meta)

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`."""
        return cls(
            tuple((str(what), float(value)) for what, value in state.meta["specials"]),
            LevelModel.restore(part(state, "kind")) if has_part(state, "kind") else None,
            Grid.restore(part(state, "grid")) if has_part(state, "grid") else None,
            Forest.restore(part(state, "trees")) if has_part(state, "trees") else None,
            state.meta["residual"],
            ResidualModel.restore(part(state, "residuals")) if has_part(state, "residuals") else None,
        )


def _leaves(values: np.ndarray, grid: Grid, inputs: Inputs, options: BlendOptions, rng: np.random.Generator) -> Forest:
    response = spread_response(middle_ranks(values))
    return Forest.fit(inputs.trees, grid.tokens(values), response, options.trees, rng)


def _preference(
    values: np.ndarray,
    grid: Grid,
    forest: Forest,
    residuals: ResidualModel,
    inputs: Inputs,
    rng: np.random.Generator,
) -> float:
    """0: leaves alone, 1: the blend, infinity: residuals alone, where one is clearly sharper.

    By the energy score E|X - x| - E|X - X'| / 2 of normal scores (Gneiting and Raftery 2007, equation 21), on training
    rows: neither member depends much on a single row.
    """
    rows = rng.permutation(len(values))[:_SCORED]
    inputs, truth = inputs.take(rows), residuals.scores(values[rows])
    members: tuple[Callable[[], np.ndarray], ...] = (
        lambda: grid.values(forest.draw(inputs.trees, rng), rng),
        lambda: residuals.draw(inputs, rng),
    )
    errors = []
    for draw in members:
        first, second = residuals.scores(draw()), residuals.scores(draw())
        errors.append(np.abs(first - truth).mean() - np.abs(first - second).mean() / 2)
    leaf, around = errors
    if around < leaf / _CLEAR:
        return np.inf
    return 0.0 if leaf < around / _CLEAR else 1.0


def _effects(codes: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Mean score of each code, pulled to 0 by 10 rows (Micci-Barreca 2001)."""
    size = int(codes.max(initial=0)) + 1
    return np.asarray(np.bincount(codes, weights=z, minlength=size) / (np.bincount(codes, minlength=size) + 10.0))


def _design(inputs: Inputs, effects: tuple[np.ndarray, ...]) -> np.ndarray:
    means = [
        np.where(codes < len(table), table[np.minimum(codes, len(table) - 1)], 0.0)
        for codes, table in zip(inputs.levels.T, effects, strict=True)
    ]
    return np.column_stack([inputs.scores, *means])


def _predictions(lines: np.ndarray, design: np.ndarray, marginal: Marginal, scale: tuple[float, float]) -> np.ndarray:
    """(rows, 2) predictions of the normal score: directly, and by the predicted value."""
    first, last = marginal.ends(predict(lines[1], design) * scale[1] + scale[0])
    by_value = ndtri(np.clip((first + last) / 2, _MARGIN, 1 - _MARGIN))
    return np.column_stack([predict(lines[0], design), by_value])


def _special_codes(values: np.ndarray, raw: np.ndarray) -> tuple[np.ndarray, tuple[tuple[str, float], ...]]:
    """(n,) codes, 0 for plain cells, and what the other codes mean."""
    n = len(values)
    codes = np.zeros(n, dtype=np.int64)
    specials: list[tuple[str, float]] = []

    def mark(rows: np.ndarray, what: str, value: float) -> None:
        specials.append((what, value))
        codes[rows] = len(specials)

    missing = np.isnan(values)
    if missing.any():
        mark(missing, "missing", 0.0)
    for value in _spikes(values[~missing], n):
        mark(values == value, "spike", float(value))
    if len(np.unique(values[~missing])) > 64:
        for place in range(raw.shape[1]):
            equal = (values == raw[:, place]) & (codes == 0)
            by_chance = (values == np.roll(raw[:, place], 1)) & (codes == 0)
            if equal.sum() >= max(_EQUAL_ROWS, _EQUAL_SHARE * n) and equal.sum() > _EQUAL_RATIO * by_chance.sum():
                mark(equal, "equal", float(place))
    return codes, tuple(specials)


def _spikes(values: np.ndarray, n: int) -> np.ndarray:
    """Values with at least 2 % of all cells and more than 3 times the median count of their neighbours."""
    distinct, counts = np.unique(values, return_counts=True)
    found = []
    for i in np.flatnonzero(counts >= max(_SPIKE_SHARE * n, _EQUAL_ROWS)):
        if counts[i] > _SPIKE_RATIO * np.median(counts[max(0, i - _NEAR) : i + _NEAR + 1]):
            found.append(distinct[i])
    return np.array(found)
