"""Hybrids of generators with classical statistics: a weighted mixture, and proposals accepted by density ratio."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from synthwright.classic.mixing import discrepancy, pair_kernel, simplex_weights, without_itself
from synthwright.classic.parts import part
from synthwright.classic.ratio import DensityRatio, acceptance_level, effective_share
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import SampleError
from synthwright.core.seeds import named_rng
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.dataset import Dataset
from synthwright.generators.base import Ability, Generator
from synthwright.generators.composed import (
    Composed,
    ComposedConfig,
    Names,
    check_alike,
    folds_of,
    parts_of,
)
from synthwright.generators.views import View, view_from_json, view_of

_COMPARED = 1_000  # units a side of the kernel means: error falls with their number, time grows with its square
_ROUNDS = 60  # rounds of proposals before a draw counts as failed
_WORTH = (
    0.002  # nats a unit that classifiers must predict to be used: less did harm (bank_marketing: 0.0007, C2ST +.01)
)
_SURE = 2.0  # standard errors by which classifiers must predict unseen units before they are trusted
_SPLIT = (0.7, 0.15, 0.15)


class MixtureConfig(ComposedConfig):
    """Options of the mixture."""

    parents: Names = Field(("auto", "cart"), min_length=2, max_length=8, description="Generators to mix.")


class Mixture(Composed):
    """Each unit comes from one of several generators; their shares are chosen on units that none of them saw.

    Parents learn from 70 % of the units. Shares minimise the maximum mean discrepancy to another 15 %, over all columns
    and pairs of columns, and are never worse there than the best parent alone; the last 15 % check that, and the best
    parent is used alone if the mixture fails. Then parents learn anew from all units. Worth it when parents err
    differently and are about equally good: the discrepancy looks at pairs of columns, and does not see what a
    classifier sees in a bad parent (bank_marketing with a copula: C2ST .83 instead of .55). The default parents gained
    and lost nothing on six tables. Takes twice the parents' time.
    Works for tables and for series. What each parent keeps of the data, it keeps.

    >>> model = Mixture(parents="independent,copula").fit({"x": list(range(200)), "y": [2 * i for i in range(200)]})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "mixture"
    summary: ClassVar[str] = "units of several generators, in shares chosen on unseen units"
    source: ClassVar[str] = "Gretton et al. 2012, JMLR 13; Wolpert 1992 (stacking)"
    config_type: ClassVar[type[Config]] = MixtureConfig
    ability: ClassVar[Ability] = Ability("table", block=4096, rows=(100, 10**7))

    def __init__(self, config: Config | None = None, /, **options: Any) -> None:
        super().__init__(config, **options)
        self._adopt(self.config.parents, type(self).ability)

    def _fit(self, data: Any, ctx: Context) -> None:
        root = ctx.seed()
        learned, chosen, checked = parts_of(data, _SPLIT, ctx)
        view = view_of(data, protect=self.config.protect)
        samples = []
        for i, name in enumerate(self.config.parents):
            ctx.step(i, 2 * len(self.parents), "learning from a part")
            trial = self._fresh(i)
            self._teach(trial, learned, _without_notes(ctx), root, f"trial {i} {name}")
            made = trial._sample(_COMPARED, _quiet(ctx, root, f"draws {i} {name}"), None)
            check_alike(data, made, trial)
            samples.append(view.rows(made))
        self._weights = self._chosen_weights(view, samples, chosen, checked, ctx)
        for i, parent in enumerate(self.parents):
            ctx.step(len(self.parents) + i, 2 * len(self.parents), "learning from all")
            self._teach(parent, data, ctx, root, f"parent {i} {parent.name}")

    def _chosen_weights(
        self, view: View, samples: list[np.ndarray], chosen: Dataset, checked: Dataset, ctx: Context
    ) -> np.ndarray:
        """Weights by the units `chosen`, kept only when the units `checked` agree."""
        levels, k = view.levels, len(samples)
        inner = np.empty((k, k))
        for i in range(k):
            ctx.step(i, k, "comparing")
            inner[i, i] = without_itself(samples[i], levels)
            for j in range(i):
                inner[i, j] = inner[j, i] = pair_kernel(samples[i], samples[j], levels)
        first, second = (
            np.array([pair_kernel(sample, real, levels) for sample in samples])
            for real in (view.rows(_some(units, ctx)) for units in (chosen, checked))
        )
        weights = simplex_weights(inner, first)
        best = np.eye(k)[int(np.argmin(np.diag(inner) - 2 * first))]
        words = ", ".join(f"{w:.2f} {name}" for w, name in zip(weights, self.config.parents, strict=True))
        if discrepancy(weights, inner, second) > discrepancy(best, inner, second):
            name = self.config.parents[int(best.argmax())]
            ctx.note("G071", f"the mixture ({words}) was worse than {name!r} on the check: {name!r} makes all units")
            return np.asarray(best)
        ctx.note("G070", f"shares chosen on {len(chosen):,} unseen units: {words}", "generator 'mixture'")
        return weights

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Any:
        counts = ctx.rng.multinomial(n, self._weights)
        drawn = [
            parent._sample(int(count), ctx, None)
            for parent, count in zip(self.parents, counts, strict=True)
            if count > 0
        ]
        return drawn[0].concat(drawn).select(ctx.rng.permutation(n))

    def _state(self) -> State:
        return self._joined_state({"weights": [float(w) for w in self._weights]}, {})

    def _restore(self, state: State) -> None:
        self._restore_parents(state)
        self._weights = np.array(state.meta["weights"], dtype=np.float64)
        if len(self._weights) != len(self.parents):
            raise ValueError(f"{len(self._weights)} weights for {len(self.parents)} parents")


class ReweightConfig(ComposedConfig):
    """Options of the reweighted generator."""

    parent: str = Field("auto", description="Generator that proposes units.")
    draws: float = Field(4.0, gt=1, le=100, description="Most proposals for each unit, on average.")
    folds: int = Field(3, ge=2, le=10, description="Fits of the parent that classifiers learn from.")


class Reweight(Composed):
    """A generator proposes units, and boosted classifiers accept those that look real in proportion.

    Classifiers tell real units from those of a parent that learned without them (by folds of 80 % of the data); the
    power of their density ratio is calibrated on the other 20 % against a parent that saw the 80 % (0 when it does
    not predict them beyond doubt: then all is accepted, with a Note). Proposals come from a parent that learned from
    all units and are accepted with probability min(1, ratio / c). Repairs errors of the parent that repeat from fit to
    fit; cannot make what the parent never makes. Takes about 4 times the parent's time to fit and up to `draws` times
    to sample. Works for tables and for series. The classifiers hold no unit, only cuts between ranks.

    >>> model = Reweight(parent="independent").fit({"x": [i % 50 for i in range(400)], "y": ["a", "b"] * 200})
    >>> len(model.sample(7))
    7
    """

    name: ClassVar[str] = "reweight"
    summary: ClassVar[str] = "proposals of a generator, accepted by a classifier's density ratio"
    source: ClassVar[str] = "Sugiyama et al. 2012; Azadi et al. 2019 (arXiv 1810.06758)"
    config_type: ClassVar[type[Config]] = ReweightConfig
    ability: ClassVar[Ability] = Ability("table", block=4096, needs=("lightgbm:trees",), rows=(150, 10**6))

    def __init__(self, config: Config | None = None, /, **options: Any) -> None:
        super().__init__(config, **options)
        self._adopt([self.config.parent], type(self).ability)

    def _fit(self, data: Any, ctx: Context) -> None:
        root = ctx.seed()
        learned, held, more = parts_of(data, (0.8, 0.1, 0.1), ctx)
        held = held.concat([held, more])
        self._view = view_of(data, protect=self.config.protect)
        real, made = self._pairs(learned, ctx, root)
        ratio = DensityRatio.fit(
            real, made, self._view.levels, named_rng(root, "classifiers"), lambda i, n: ctx.step(i, n, "classifying")
        )
        whole = self._trial(learned, ctx, root, "calibration")
        against = whole._sample(4 * len(held), _quiet(ctx, root, "calibration draws"), None)
        ratio, gain, error = ratio.calibrated(self._view.rows(held), self._view.rows(against))
        self._ratio = ratio
        self._teach(self.parents[0], data, ctx, root, "parent")
        self._note(gain, error, len(held), ctx)
        self._choose_level(ctx, root)

    def _trial(self, data: Dataset, ctx: Context, root: int, name: str) -> Generator:
        trial = self._fresh(0)
        self._teach(trial, data, _without_notes(ctx), root, name)
        return trial

    def _pairs(self, learned: Dataset, ctx: Context, root: int) -> tuple[np.ndarray, np.ndarray]:
        """Real units, and twice as many made by parents that did not see them, fold by fold."""
        fold = folds_of(learned, self.config.folds, named_rng(root, "folds"))
        real, made = [], []
        for k in range(self.config.folds):
            ctx.step(k, self.config.folds, "learning without a fold")
            own, others = np.flatnonzero(fold == k), np.flatnonzero(fold != k)
            trial = self._trial(learned.select(others), ctx, root, f"fold {k}")
            drawn = trial._sample(2 * len(own), _quiet(ctx, root, f"fold draws {k}"), None)
            check_alike(learned, drawn, trial)
            real.append(self._view.rows(learned.select(own)))
            made.append(self._view.rows(drawn))
        return np.concatenate(real), np.concatenate(made)

    def _note(self, gain: float, error: float, n_held: int, ctx: Context) -> None:
        words = f"{gain:.4f} nats a unit (error {error:.4f}) on {n_held:,} unseen units"
        if self._ratio.power > 0 and gain > max(_WORTH, _SURE * error):
            ctx.note("G072", f"the density ratio, to the power {self._ratio.power:.2f}, predicts {words}", "reweight")
            return
        self._ratio = DensityRatio(self._ratio.texts, 0.0)
        ctx.note("G073", f"the classifiers find too little to correct: {words}; every proposal is accepted", "reweight")

    def _choose_level(self, ctx: Context, root: int) -> None:
        self._level, self._accepted = 0.0, 1.0
        if self._ratio.power == 0:
            return
        probe = self.parents[0]._sample(4 * self.ability.block, _quiet(ctx, root, "probe"), None)
        logs = self._ratio.log_ratio(self._view.rows(probe))
        self._level = acceptance_level(logs, self.config.draws)
        self._accepted = float(np.exp(np.minimum(0.0, logs - self._level)).mean())
        worth = effective_share(logs, self._level)
        capped = float((logs > self._level).mean())
        ctx.note(
            "G074",
            f"{1 / self._accepted:.2f} proposals a unit; weights are worth {worth:.0%} of the proposals, and "
            f"{capped:.1%} of them are capped",
            "reweight",
        )

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Any:
        parent = self.parents[0]
        if self._ratio.power == 0:
            return parent._sample(n, ctx, None)
        kept: list[Any] = []
        missing = n
        for _ in range(_ROUNDS):
            ctx.step(n - missing, n, "proposing")
            drawn = parent._sample(int(1.1 * missing / self._accepted) + 16, ctx, None)
            chance = np.exp(np.minimum(0.0, self._ratio.log_ratio(self._view.rows(drawn)) - self._level))
            good = np.flatnonzero(ctx.rng.random(len(drawn)) < chance)[:missing]
            kept.append(drawn.select(good))
            missing -= len(good)
            if missing == 0:
                return kept[0].concat(kept)
        raise SampleError(
            f"Only {n - missing:,} of {n:,} units were accepted after {_ROUNDS} rounds of proposals.",
            where="generator 'reweight'",
            fix="fit again with a smaller --set draws, or use the parent alone",
        )

    def _state(self) -> State:
        meta = {"view": self._view.to_json(), "level": self._level, "accepted": self._accepted}
        return self._joined_state(meta, {"ratio": self._ratio.state()})

    def _restore(self, state: State) -> None:
        self._restore_parents(state)
        self._view = view_from_json(state.meta["view"])
        self._ratio = DensityRatio.restore(part(state, "ratio"))
        self._level, self._accepted = float(state.meta["level"]), float(state.meta["accepted"])


def _quiet(ctx: Context, root: int, name: str) -> Context:
    """A context on the stream called `name`, with the same way to stop, that shows no progress of its own."""
    return Context(named_rng(root, name), device=ctx.device, stop=ctx.stop)


def _without_notes(ctx: Context) -> Context:
    """Progress and stop of a context, for trial fits whose notes say nothing about the model."""
    return Context(ctx.rng, device=ctx.device, sinks=ctx.sinks, stop=ctx.stop)


def _some(units: Dataset, ctx: Context) -> Dataset:
    if len(units) <= _COMPARED:
        return units
    return units.select(np.sort(ctx.rng.choice(len(units), size=_COMPARED, replace=False)))
