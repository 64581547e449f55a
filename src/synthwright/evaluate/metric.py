"""What a metric is given, what it returns, and how a number becomes a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from synthwright.core import registry
from synthwright.core.context import Context, Note
from synthwright.core.errors import ConfigError
from synthwright.core.store import write_text
from synthwright.data.dataset import Dataset

Axis = Literal["fidelity", "diversity", "controllability", "truthfulness", "utility", "fairness", "privacy"]
Verdict = Literal["pass", "warn", "fail", "not assessed", "error"]
AXES: tuple[Axis, ...] = ("fidelity", "diversity", "controllability", "truthfulness", "utility", "fairness", "privacy")
_WORST: tuple[Verdict, ...] = ("fail", "error", "warn", "pass", "not assessed")


@dataclass(frozen=True)
class Evidence:
    """The datasets a metric compares. `train` was seen by the generator; `holdout` and `test` never were.

    Of data that a method made from its options alone there is no `train`: only metrics of modality "text" meet that.
    """

    train: Any  # Dataset; None when nothing was learned
    synthetic: Dataset
    holdout: Dataset | None = None
    test: Dataset | None = None
    target: str | None = None
    seed: int = 0

    @cached_property
    def encoding(self) -> Any:
        """All parts as arrays on one common scale, made once and shared by the metrics of this modality.

        An `evaluate.encoding.Encoding`; for tables a `TableEncoding`. Raises Unsupported for a modality that has none.
        """
        from synthwright.evaluate.encoding import encode

        return encode(self)

    @property
    def unseen(self) -> Dataset | None:
        """Real units the generator never saw: the holdout, else the test part."""
        return self.holdout if self.holdout is not None else self.test


@dataclass(frozen=True)
class Score:
    """One number with its interval, its two references and what it means.

    references: `real` is the value that fresh real data get, `independent` (or `copy`, for privacy) a known-bad one.
    low, high: 95 % interval of `value`. better: which direction of `value` is good; "near": near `references["real"]`.
    p: probability of a difference this large if the synthetic units were fresh real ones, after allowing for the
    number of comparisons made inside the score; `margins`: the effect sizes above which a difference that is
    real (p small) is a "warn" or a "fail", in the units of `details["effect"]`.
    where: places to look at, for example [{"column": "age"}]. details: JSON-able numbers behind a figure.
    sampled: {"synthetic": used, "of": all} when not all units were used.
    plain: one sentence for people, with the columns and counts. fix: an option or step that exists, or "".
    """

    id: str
    axis: Axis
    label: str
    value: float | None
    verdict: Verdict
    plain: str
    low: float | None = None
    high: float | None = None
    references: Mapping[str, float] = field(default_factory=dict)
    better: Literal["higher", "lower", "near"] = "higher"
    p: float | None = None
    margins: Mapping[str, float] = field(default_factory=dict)
    fix: str = ""
    where: Sequence[Mapping[str, Any]] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    sampled: Mapping[str, int] = field(default_factory=dict)

    def timed(self, seconds: float) -> Score:
        """The same score with its cost."""
        return replace(self, seconds=seconds)


class Metric(Protocol):
    """One question about synthetic data. Classes register under `name`; a metric may answer with several scores."""

    name: ClassVar[str]
    axis: ClassVar[Axis]
    summary: ClassVar[str]
    modalities: ClassVar[tuple[str, ...]]
    source: ClassVar[str]

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """Measure. `ctx.rng` is this metric's own stream, so its numbers do not depend on the other metrics."""
        ...


@dataclass(frozen=True)
class Report:
    """The result of an evaluation: scores, a verdict per axis, notes, and what is needed to repeat it.

    inputs: {"train": {"rows": int, "columns": int, "fingerprint": str}, "synthetic": {...}, "holdout": {...} or
    absent, "test": {...} or absent}.
    settings: {"seed": int, "target": str | None, "metrics": [names], "alpha": float, "versions": {package: version}}.
    pictures: JSON-able data of the figures. Every key is optional: a figure that has no data is absent. Shares add
    up to 1 within a list. For tables:

    "marginals": list, worst column first, at most 12, of
        {"column": str, "kind": "number" | "level", "distance": float (KS, or total variation), "verdict": Verdict,
         "labels": [str] (levels only), "edges": [float] (numbers only, one more than shares; days since 1970 become
         ISO dates in "edge_labels": [str]), "real": [share], "synthetic": [share],
         "missing": {"real": share, "synthetic": share}}
    "pairs": {"columns": [str], "real": [[float]], "synthetic": [[float]], "difference": [[float]] (square,
         association 0..1, difference = synthetic - real, diagonal 0), "top": [{"a": str, "b": str, "real": float,
         "synthetic": float, "distance": float}] worst first}
    "distances": {"edges": [float], "synthetic_to_train": [share], "synthetic_to_holdout": [share],
         "holdout_to_train": [share]}    distance to the nearest neighbour; absent without a holdout
    "utility": {"metric": str ("AUC", "R2", "macro F1"), "better": "higher", "bars": [{"label": str,
         "value": float, "low": float | None, "high": float | None, "kind": "real" | "synthetic" | "independent"}]}
    "fairness": {"target": str, "positive": str, "groups": [{"column": str, "group": str, "share_real": float,
         "share_synthetic": float, "rate_real": float, "rate_synthetic": float}]}
    "membership": {"fpr": [float], "tpr": [float]}    curve of the membership attack; 0.5 area is a guess

    Score ids of tables, by axis (a Score.id never changes meaning):
    fidelity.marginals fidelity.tails fidelity.spikes fidelity.support fidelity.missing fidelity.pairs
    fidelity.invented fidelity.c2st fidelity.rules | diversity.coverage diversity.duplicates
    diversity.rare_levels diversity.entropy | utility.tstr utility.log_loss utility.relation utility.linear |
    privacy.copies privacy.near_copies privacy.dcr_share privacy.outliers privacy.leak privacy.membership |
    fairness.shares fairness.rates
    """

    scores: tuple[Score, ...]
    notes: tuple[Note, ...]
    inputs: Mapping[str, Any]  # per part: rows, columns, fingerprint
    settings: Mapping[str, Any]  # seed, versions, target, metrics
    pictures: Mapping[str, Any] = field(default_factory=dict)  # JSON-able data of the figures
    model: str = ""  # describe() of the generator, when there was one

    def verdict_of(self, axis: Axis) -> Verdict:
        """The worst verdict of an axis."""
        return worst(score.verdict for score in self.scores if score.axis == axis)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all."""
        return worst(score.verdict for score in self.scores)

    def __getitem__(self, id: str) -> Score:
        """The score with this id. Raises KeyError."""
        for score in self.scores:
            if score.id == id:
                return score
        raise KeyError(f"{id!r}; scores: {', '.join(score.id for score in self.scores)}")

    def save(self, path: str | Path) -> Path:
        """Write the report as `.html`, `.json`, `.md` or `.txt`, by suffix. Raises ConfigError, WriteError."""
        target = Path(path)
        if target.suffix not in registry.RENDERERS:
            raise ConfigError(
                f"Cannot write a report as {target.suffix!r}.",
                where=str(path),
                fix=f"end the name in one of: {', '.join(registry.RENDERERS)}",
            )
        return write_text(target, registry.find("renderers", target.suffix)(self))

    def __str__(self) -> str:
        return str(registry.find("renderers", ".txt")(self))

    def _repr_html_(self) -> str:
        return str(registry.find("renderers", ".html")(self))


def worst(verdicts: Any) -> Verdict:
    """The worst of some verdicts; "not assessed" when there are none."""
    found = set(verdicts)
    return next((verdict for verdict in _WORST if verdict in found), "not assessed")
