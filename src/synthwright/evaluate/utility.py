"""Does work done on synthetic rows hold on real rows? Train on synthetic, test on real, against train on real."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from synthwright.core.context import Context
from synthwright.core.seeds import integer_seed, named_rng
from synthwright.evaluate.encoding import TableEncoding
from synthwright.evaluate.goal import FEWEST, Goal, goal_of, measurable, shortage
from synthwright.evaluate.learners import (
    Task,
    boost,
    calibration_slope,
    linear_predictions,
    predictions,
    row_losses,
    skill,
)
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.verdict import ALPHA, NEED_HOLDOUT, NEED_TARGET, TableMetric, interval, judge

SKILL: dict[Task, tuple[str, float, float]] = {  # name, warn and fail margin of the loss of skill
    "binary": ("AUC", 0.02, 0.05),
    "multiclass": ("macro F1", 0.03, 0.10),
    "regression": ("R2", 0.03, 0.10),
}
LOSS_WARN, LOSS_FAIL = 0.12, 0.30  # share of the explained log-loss that is lost
RELATION_WARN, RELATION_FAIL = 0.06, 0.12  # share of rows whose target seems random
_ROWS, _LINEAR_ROWS = 10_000, 5_000
_TIMES = 200
_FEWEST_TESTS = 30  # with 20 test rows, real rows failed as synthetic ones in 8 of 100 cases
_MANY = 1_000  # training rows from which few splits tell how much a skill depends on them
NEED_ROWS = "use more real rows, above all of rare classes, in training and in test; sample as many as train has"


@dataclass(frozen=True)
class Trained:
    """Predictions on the real test rows (and of the real model on synthetic rows), with what is needed to compare."""

    goal: Goal
    test_part: str
    y: np.ndarray
    on_test: Mapping[str, np.ndarray]  # train, synthetic, independent -> predictions
    noise: Mapping[str, float]  # train, synthetic -> variance of the skill from the choice of training rows
    loss_noise: Mapping[str, float]
    relation: tuple[tuple[np.ndarray, np.ndarray], ...]  # target and prediction of the real model: synthetic, test
    rows: int
    test_rows: np.ndarray


def train_score(
    x: np.ndarray,
    y: np.ndarray,
    test_x: np.ndarray,
    test_y: np.ndarray,
    *,
    task: Task,
    seed: int = 0,
    levels: Sequence[int] = (),
) -> float:
    """Skill on test rows of LightGBM (60 trees, 15 leaves) trained on x, y: AUC, macro F1 or R2, higher is better.

    Train on synthetic and test on real rows (TSTR, Esteban et al. 2017); with real training rows it is TRTR, the
    reference. x: (n, d) float32, NaN missing; y: codes or numbers; levels: columns that hold level codes.
    """
    classes = int(max(y.max(), test_y.max())) + 1 if task != "regression" else 2
    model = boost(x, y, task=task, seed=seed, levels=levels, classes=max(2, classes))
    return skill(test_y, predictions(model, test_x, task=task), task=task)


def trained(evidence: Evidence) -> Trained | None:
    """Models on real, synthetic and independent rows, fitted once; None when there is nothing to predict."""
    encoding: TableEncoding = evidence.encoding
    return encoding.once("trained", lambda: _trained(encoding, evidence))


def _trained(encoding: TableEncoding, evidence: Evidence) -> Trained | None:
    goal = goal_of(encoding, evidence.target or "")
    if goal is None:
        return None
    test_part = _test_part(evidence)
    goal, why, _ = _measurable(goal, encoding, test_part, _ROWS)
    if why:
        return None
    rng = named_rng(encoding.seed, "utility")
    rows = _drawn(goal, encoding, test_part, _ROWS)
    test_rows = rows.pop(test_part)
    test_x, test_y = encoding.features(test_part, test_rows, without=goal.name), goal.y[test_part][test_rows]
    seed = integer_seed(rng)
    models = {part: _fit(goal, encoding, part, chosen, seed) for part, chosen in rows.items()}
    on_test = {part: predictions(model, test_x, task=goal.task) for part, model in models.items()}
    noise, loss_noise = {}, {}
    for part in ("train", "synthetic"):
        noise[part], loss_noise[part] = _training_noise(goal, encoding, part, (rows[part], test_x, test_y), rng)
    x = encoding.features("synthetic", rows["synthetic"], without=goal.name)
    own = predictions(models["train"], x, task=goal.task)
    pairs = ((goal.y["synthetic"][rows["synthetic"]], own), (test_y, on_test["train"]))
    return Trained(goal, test_part, test_y, on_test, noise, loss_noise, pairs, len(rows["synthetic"]), test_rows)


def _test_part(evidence: Evidence) -> str:
    return "test" if evidence.test is not None else "holdout"


def _drawn(goal: Goal, encoding: TableEncoding, test_part: str, most: int) -> dict[str, np.ndarray]:
    """Numbers of the rows with a target: at most `most`, and as many of the real as of the synthetic, to train on."""
    n = min(encoding.rows["train"], encoding.rows["synthetic"], most)
    sizes = {"train": n, "synthetic": n, "independent": n, test_part: _ROWS}
    rows = {part: encoding.draw(part, size, "utility") for part, size in sizes.items()}
    return {part: np.asarray(found[~np.isnan(goal.y[part][found])]) for part, found in rows.items()}


def _measurable(goal: Goal, encoding: TableEncoding, test_part: str, most: int) -> tuple[Goal, str, str]:
    """The goal over the classes that can be measured; why it cannot be measured, and what helps, or "" and ""."""
    if len(encoding.fields) == 1:
        why = f"No column can predict {goal.name!r}: all others are identifiers, text or left out."
        return goal, why, "set kind and role of a column in the schema (schema.edit)"
    rows = _drawn(goal, encoding, test_part, most)
    goal = measurable(goal, train=goal.y["train"][rows["train"]], test=goal.y[test_part][rows[test_part]])
    why = shortage(goal, _drawn(goal, encoding, test_part, most), test_part)
    return goal, why, NEED_ROWS if why else ""


def _fit(goal: Goal, encoding: TableEncoding, part: str, rows: np.ndarray, seed: int) -> Any:
    x = encoding.features(part, rows, without=goal.name)
    levels = encoding.level_features(without=goal.name)
    return boost(x, goal.y[part][rows], task=goal.task, seed=seed, levels=levels, classes=goal.count)


def _training_noise(
    goal: Goal,
    encoding: TableEncoding,
    part: str,
    data: tuple[np.ndarray, np.ndarray, np.ndarray],
    rng: np.random.Generator,
) -> tuple[float, float]:
    """Variance of skill and mean loss due to the training rows, from models on disjoint halves.

    Two halves are independent samples of n / 2 rows, so half their squared difference estimates the variance at
    n / 2, and about half of that the variance at n. Few rows are split more often: there the choice of rows is most
    of the error, and two splits say too little about it.
    """
    rows, test_x, test_y = data
    squares = []
    for _ in range(2 if len(rows) >= _MANY else 8):
        halves = np.array_split(rng.permutation(rows), 2)
        results = []
        for half in halves:
            model = _fit(goal, encoding, part, np.sort(half), integer_seed(rng))
            found = predictions(model, test_x, task=goal.task)
            losses = row_losses(test_y, found, task=goal.task)
            results.append((skill(test_y, found, task=goal.task), losses.mean()))
        (skill_a, loss_a), (skill_b, loss_b) = results
        squares.append(((skill_a - skill_b) ** 2 / 4, (loss_a - loss_b) ** 2 / 4))
    return float(np.mean([s for s, _ in squares])), float(np.mean([s for _, s in squares]))


class _Utility(TableMetric, ABC):
    axis: ClassVar[Axis] = "utility"
    rows: ClassVar[int] = _ROWS  # the most to train on
    fewest: ClassVar[int] = 100  # trees of 20 rows a leaf, whose noise is measured on halves, make one cut at best

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score, or why nothing was measured."""
        if not evidence.target:
            return self.unknown("No column to predict was named.", NEED_TARGET)
        if evidence.unseen is None:
            return self.unknown("There are no unseen real rows to test predictions on.", NEED_HOLDOUT)
        encoding: TableEncoding = evidence.encoding
        goal = goal_of(encoding, evidence.target)
        if goal is None:
            why = f"The target {evidence.target!r} is constant in the real rows, or is not a column that is judged."
            return self.unknown(why, "choose a target that varies")
        if not (~np.isnan(goal.y["synthetic"])).any():
            plain = f"The target {goal.name!r} is missing in every synthetic row."
            return [self.score(None, "fail", plain, fix="check the generator: it made no target")]
        goal, why, fix = _measurable(goal, encoding, _test_part(evidence), self.rows)
        if why:
            return self.unknown(why, fix)
        sizes = {part: len(rows) for part, rows in _drawn(goal, encoding, _test_part(evidence), self.rows).items()}
        del sizes["independent"]  # as many as train
        tested = {part: sizes.pop(part) for part in (_test_part(evidence),)}
        if few := self.too_few(sizes) or self.too_few(tested, fewest=_FEWEST_TESTS):
            return few
        if goal.left_out:
            what = f"rows of rare classes of {goal.name} were left out of all usefulness scores, in every part"
            ctx.note("E010", f"{what}: {goal.rarities}; {FEWEST} of each are needed", "evaluate")
        return [_with_left_out(score, goal) for score in self.measure(evidence, goal, ctx)]

    @abstractmethod
    def measure(self, evidence: Evidence, goal: Goal, ctx: Context) -> Sequence[Score]:
        """The score, once there is something to measure."""


def _with_left_out(score: Score, goal: Goal) -> Score:
    """The score, which says what classes it is silent about."""
    if not goal.left_out:
        return score
    plain = f"{score.plain} Classes with fewer than {FEWEST} training or test rows were left out: {goal.rarities}."
    return replace(score, plain=plain, details={**score.details, "left_out": list(goal.left_out)})


class TSTR(_Utility):
    """Skill on real rows of a model trained on synthetic rows (TSTR), against one trained on as many real rows."""

    name: ClassVar[str] = "tstr"
    label: ClassVar[str] = "Train on synthetic, test on real"
    summary: ClassVar[str] = "AUC, macro F1 or R2 of boosted trees trained on synthetic rows, on real rows"
    source: ClassVar[str] = "Esteban, Hyland and Ratsch 2017 (arXiv 1706.02633)"

    def measure(self, evidence: Evidence, goal: Goal, ctx: Context) -> Sequence[Score]:
        """One score; value is TSTR, references["real"] is TRTR."""
        run = trained(evidence)
        assert run is not None
        found = {part: skill(run.y, one, task=goal.task) for part, one in run.on_test.items()}
        draws = _skill_draws(run, ctx.rng)
        error = float(np.sqrt((draws["synthetic"] - draws["train"]).var() + sum(run.noise.values())))
        return [_skill_score(self, run, found, draws, error)]


def _skill_draws(run: Trained, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Paired bootstrap over test rows, models kept: part -> (200,) skills."""
    n = len(run.y)
    draws: dict[str, list[float]] = {"train": [], "synthetic": []}
    for _ in range(_TIMES):
        weight = np.bincount(rng.integers(n, size=n), minlength=n).astype(float)
        for part, kept in draws.items():
            kept.append(skill(run.y, run.on_test[part], task=run.goal.task, weight=weight))
    stacked = {part: np.array(kept) for part, kept in draws.items()}
    good = ~np.isnan(stacked["train"]) & ~np.isnan(stacked["synthetic"])  # a draw may miss the rare class
    return {part: kept[good] for part, kept in stacked.items()}


def _skill_score(
    metric: TableMetric,
    run: Trained,
    found: Mapping[str, float],
    draws: Mapping[str, np.ndarray],
    error: float,
) -> Score:
    goal = run.goal
    measure, warn, fail = SKILL[goal.task]
    lost = found["train"] - found["synthetic"]
    p = float(stats.norm.sf(lost / max(error, 1e-9)))
    verdict = judge(lost, p, warn=warn, fail=fail)
    plain = (
        f"A model trained on synthetic rows predicts {goal.name} with {measure} {found['synthetic']:.3f}; "
        f"trained on as many real rows it reaches {found['train']:.3f}."
    )
    low, high = interval(draws["synthetic"])
    gap_low, gap_high = interval(draws["synthetic"] - draws["train"])
    return metric.score(
        found["synthetic"],
        verdict,
        plain,
        low=low,
        high=high,
        references={"real": found["train"], "independent": found["independent"]},
        p=p,
        margins={"warn": warn, "fail": fail},
        where=() if verdict == "pass" else ({"column": goal.name},),
        fix=""
        if verdict == "pass"
        else "fit on more rows, or with a generator that models the target: cart, boost, auto",
        details={
            "effect": lost,
            "metric": measure,
            "difference": -lost,
            "difference_low": gap_low,
            "difference_high": gap_high,
            "ratio": found["synthetic"] / found["train"] if found["train"] > 0 else None,
            "error": error,
            "detectable": float(3.93 * error),  # one-sided 0.1 %, power 80 %
            "test": run.test_part,
            "bars": _bars(found, draws),
        },
        sampled={"synthetic": run.rows, "of": len(goal.y["synthetic"])},
    )


def _bars(found: Mapping[str, float], draws: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    bars = []
    for part, label, kind in (
        ("train", "trained on real rows", "real"),
        ("synthetic", "trained on synthetic rows", "synthetic"),
        ("independent", "trained on shuffled columns", "independent"),
    ):
        low, high = interval(draws[part]) if part in draws else (None, None)
        bars.append({"label": label, "value": found[part], "low": low, "high": high, "kind": kind})
    return bars


class LogLoss(_Utility):
    """Log-loss on real rows of a model trained on synthetic rows, against one trained on real rows."""

    name: ClassVar[str] = "log_loss"
    label: ClassVar[str] = "Predicted probabilities"
    summary: ClassVar[str] = "log-loss on real rows of boosted trees trained on synthetic rows"
    source: ClassVar[str] = "Good 1952"

    def measure(self, evidence: Evidence, goal: Goal, ctx: Context) -> Sequence[Score]:
        """One score for classification, none for regression (R2 is its loss already)."""
        if goal.task == "regression":
            return []
        run = trained(evidence)
        assert run is not None
        losses = {part: row_losses(run.y, one, task=goal.task) for part, one in run.on_test.items()}
        guess = np.bincount(run.y.astype(int), minlength=goal.count) / len(run.y)
        entropy = float(-np.log(np.maximum(guess, 1e-12)) @ guess)
        real = float(losses["train"].mean())
        gap = losses["synthetic"] - losses["train"]
        error = float(np.sqrt(gap.var() / len(gap) + sum(run.loss_noise.values())))
        explained = max(entropy - real, 0.05 * entropy)
        effect, p = float(gap.mean()) / explained, float(stats.norm.sf(gap.mean() / max(error, 1e-9)))
        verdict = judge(effect, p, warn=LOSS_WARN, fail=LOSS_FAIL)
        value = float(losses["synthetic"].mean())
        spread = 1.96 * losses["synthetic"].std() / np.sqrt(len(gap))
        plain = (
            f"The probabilities of {goal.name} learnt from synthetic rows cost {value:.3f} nats a real row; "
            f"learnt from real rows {real:.3f}, and the rates alone {entropy:.3f}."
        )
        score = self.score(
            value,
            verdict,
            plain,
            low=value - spread,
            high=value + spread,
            references={"real": real, "independent": float(losses["independent"].mean()), "rates": entropy},
            better="lower",
            p=p,
            margins={"warn": LOSS_WARN, "fail": LOSS_FAIL},
            fix="" if verdict == "pass" else "check that the target follows the other columns; fit on more rows",
            details={"effect": effect, "test": run.test_part},
            sampled={"synthetic": run.rows, "of": len(goal.y["synthetic"])},
        )
        return [score]


class Relation(_Utility):
    """Does the target follow the other columns in synthetic rows as in real ones?

    One model, trained on real rows, predicts synthetic and unseen real rows. b is the least-squares slope of the
    target on its prediction (all classes stacked); the score is 1 - b(synthetic) / b(real). Shuffling the target in
    a share s of the rows multiplies b by 1 - s, so the score reads as the share of rows whose target is random.
    """

    name: ClassVar[str] = "relation"
    label: ClassVar[str] = "Target given the other columns"
    summary: ClassVar[str] = "share of synthetic rows whose target seems random to a model of real rows"
    source: ClassVar[str] = "calibration slope (Cox 1958), train on real, test on synthetic"

    def measure(self, evidence: Evidence, goal: Goal, ctx: Context) -> Sequence[Score]:
        """One score; value is the share of synthetic rows whose target seems random, 0 is right."""
        run = trained(evidence)
        assert run is not None
        (own, own_error), (real, real_error) = (calibration_slope(y, found) for y, found in run.relation)
        if real < 3 * real_error:
            return self.unknown(
                f"No model of the real rows predicts {goal.name} better than chance.",
                "name another column to predict: target=",
            )
        value = 1 - own / real
        error = float(np.hypot(own_error, own / real * real_error) / real)
        p = float(stats.norm.sf(value / error))
        verdict = judge(value, p, warn=RELATION_WARN, fail=RELATION_FAIL, alpha=3 * ALPHA)
        if verdict == "pass":
            plain = f"{goal.name} follows the other columns as it does in real rows."
        else:
            plain = (
                f"{goal.name} follows the other columns less than in real rows, "
                f"as if it were random in {value:.0%} of the rows."
            )
        score = self.score(
            value,
            verdict,
            plain,
            low=value - 1.96 * error,
            high=value + 1.96 * error,
            references={"real": 0.0, "independent": 1.0},
            better="near",
            p=p,
            margins={"warn": RELATION_WARN, "fail": RELATION_FAIL},
            where=() if verdict == "pass" else ({"column": goal.name},),
            fix=""
            if verdict == "pass"
            else "check how the target is generated; fit on more rows, or try cart or boost",
            details={"effect": value, "slope": own, "slope_real": real, "detectable": float(3.6 * error)},
            sampled={"synthetic": run.rows, "of": len(goal.y["synthetic"])},
        )
        return [score]


class LinearTSTR(_Utility):
    """As `tstr`, with logistic or ridge regression: a second kind of model that sees other faults."""

    name: ClassVar[str] = "linear"
    label: ClassVar[str] = "Train on synthetic, linear model"
    rows: ClassVar[int] = _LINEAR_ROWS
    fewest: ClassVar[int] = 50
    summary: ClassVar[str] = "AUC, macro F1 or R2 of a linear model trained on synthetic rows, on real rows"
    source: ClassVar[str] = "Esteban, Hyland and Ratsch 2017 (arXiv 1706.02633)"

    def measure(self, evidence: Evidence, goal: Goal, ctx: Context) -> Sequence[Score]:
        """One score; value is the skill of the linear model trained on synthetic rows."""
        encoding = evidence.encoding
        test_part = _test_part(evidence)
        rows = _drawn(goal, encoding, test_part, self.rows)
        test_rows = rows.pop(test_part)
        new, y = encoding.dense(test_part, test_rows, without=goal.name), goal.y[test_part][test_rows]
        on_test, noise = {}, {"train": 0.0, "synthetic": 0.0}
        for part, chosen in rows.items():
            x, own = encoding.dense(part, chosen, without=goal.name), goal.y[part][chosen]
            on_test[part] = linear_predictions(x, own, new, task=goal.task, classes=goal.count)
            if part in noise:
                squares = []
                for _ in range(1 if len(chosen) >= _MANY else 8):
                    half = ctx.rng.permutation(len(chosen)) < len(chosen) // 2
                    a, b = (
                        skill(
                            y,
                            linear_predictions(x[side], own[side], new, task=goal.task, classes=goal.count),
                            task=goal.task,
                        )
                        for side in (half, ~half)
                    )
                    squares.append((a - b) ** 2 / 4)
                noise[part] = float(np.mean(squares))
        run = Trained(goal, test_part, y, on_test, noise, {}, (), len(rows["synthetic"]), test_rows)
        found = {part: skill(y, one, task=goal.task) for part, one in on_test.items()}
        draws = _skill_draws(run, ctx.rng)
        error = float(np.sqrt((draws["synthetic"] - draws["train"]).var() + sum(noise.values())))
        return [_skill_score(self, run, found, draws, error)]
