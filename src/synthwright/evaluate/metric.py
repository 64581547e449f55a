"""What a metric is given, what it returns, and how a number becomes a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    """The datasets a metric compares. `train` was seen by the generator; `holdout` and `test` never were."""

    train: Dataset
    synthetic: Dataset
    holdout: Dataset | None = None
    test: Dataset | None = None
    target: str | None = None
    seed: int = 0

    @property
    def unseen(self) -> Dataset | None:
        """Real units the generator never saw: the holdout, else the test part."""
        return self.holdout if self.holdout is not None else self.test


@dataclass(frozen=True)
class Score:
    """One number with its interval, its two references and what it means.

    references: `real` is the value that fresh real data get, `independent` (or `copy`, for privacy) a known-bad one.
    where: places to look at, for example [{"column": "age"}]. details: JSON-able numbers behind a figure.
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
    """The result of an evaluation: scores, a verdict per axis, notes, and what is needed to repeat it."""

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
