"""Choose metrics, run each on its own random stream, keep going when one fails, and collect a Report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from synthwright.core import registry
from synthwright.core.context import Context, Note, Stop
from synthwright.core.errors import Cancelled, ConfigError, SynthwrightError, did_you_mean, listing
from synthwright.core.log import get_logger
from synthwright.core.progress import Event
from synthwright.core.seeds import check_seed, named_rng
from synthwright.data.dataset import Dataset
from synthwright.evaluate import inputs
from synthwright.evaluate.metric import AXES, Evidence, Metric, Report, Score
from synthwright.evaluate.verdict import ALPHA

_LOG = get_logger(__name__)
_PACKAGES = ("synthwright", "numpy", "scipy", "pyarrow", "lightgbm")


def evaluate(
    synthetic: Any,
    *,
    train: Any = None,
    holdout: Any = None,
    test: Any = None,
    target: str | None = None,
    metrics: Sequence[str] | None = None,
    seed: int = 0,
    model: Any = None,
    callbacks: Sequence[Callable[[Event], None]] = (),
    stop: Stop | None = None,
) -> Report:
    """Judge synthetic data against the real data it was made from, and real data the generator never saw.

    synthetic, train, holdout, test: datasets or data frames; only text that was made from options alone has no
    train. holdout is the control of privacy and of the classifier test; test is where predictions are tried, the
    holdout when it is not given. target: column to predict, the schema's target when not given. metrics: names, ids
    or axes, all that fit when not given. model: the fitted generator, described in the report.
    The same data and seed give the same numbers, whichever metrics run. Raises DataError, SchemaError, ConfigError,
    Unsupported, Cancelled; a metric that fails becomes a score with verdict "error".

    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> real = [{"x": rng.normal(size=500), "y": rng.choice(["a", "b"], 500)} for _ in range(3)]
    >>> report = evaluate(real[0], train=real[1], holdout=real[2], metrics=["marginals", "copies"])
    >>> report.verdict, [score.id for score in report.scores]
    ('pass', ['fidelity.marginals', 'privacy.copies'])
    """
    seed = check_seed(seed)
    ctx = Context(named_rng(seed, "evaluate"), sinks=tuple(callbacks), stop=stop or Stop())
    ctx.step(0, 1, "preparing evaluation")
    evidence, notes = _evidence(synthetic, train, holdout, test, (target, seed))
    parts = [
        (name, part)
        for name in ("train", "holdout", "test", "synthetic")
        if (part := getattr(evidence, name)) is not None
    ]
    described = inputs.describe(parts)
    _check_split(described, model)
    chosen = chosen_metrics(evidence.synthetic.modality, metrics)
    notes += _encoding_notes(evidence)
    scores: list[Score] = []
    for done, (name, metric) in enumerate(chosen):
        ctx.step(done, len(chosen), f"evaluating {name}")
        found, added = _run(name, metric, evidence, ctx)
        scores += found
        notes += [note for note in added if note not in notes]
    ctx.step(len(chosen), len(chosen), "evaluating")
    settings = {
        "seed": seed,
        "modality": evidence.synthetic.modality,
        "target": evidence.target,
        "metrics": [name for name, _ in chosen],
        "alpha": ALPHA,
        "versions": _versions(),
    }
    drawn = evidence.encoding.pictures(scores)
    return Report(tuple(scores), tuple(notes), described, settings, drawn, model.describe() if model else "")


def _evidence(
    synthetic: Any, train: Any, holdout: Any, test: Any, choice: tuple[str | None, int]
) -> tuple[Evidence, list[Note]]:
    target, seed = choice
    if synthetic is None:
        raise ConfigError("There is nothing to judge: synthetic is None.", where="evaluate(synthetic)")
    if train is None:
        return _from_nothing(synthetic, holdout, test, seed), []
    real = inputs.training(train, target)
    notes = list(real.notes)
    others = {
        name: inputs.aligned(data, real, name, notes)
        for name, data in (("synthetic", synthetic), ("holdout", holdout), ("test", test))
        if data is not None
    }
    if holdout is None:
        notes.append(
            Note("E002", "no holdout was given: privacy cannot be judged, and columns are compared with train alone")
        )
    aim = target or real.schema.target
    return Evidence(real, others["synthetic"], others.get("holdout"), others.get("test"), aim, seed), notes


def _from_nothing(synthetic: Any, holdout: Any, test: Any, seed: int) -> Evidence:
    """The evidence about data that nothing was learned for."""
    modality = getattr(synthetic, "modality", "table")
    if modality != "text" or holdout is not None or test is not None:
        raise ConfigError(
            f"Data of modality {modality!r} are judged against the data they were made from.",
            where="evaluate(train)",
            fix="give train=, and better holdout= and test= too",
        )
    return Evidence(None, synthetic, seed=seed)


def _check_split(described: dict[str, dict[str, Any]], model: Any) -> None:
    """A holdout that is the training data controls nothing: refuse it."""
    for part in ("holdout", "test"):
        same = part in described and described[part]["rows"] == described.get("train", {}).get("rows")
        if same and described[part]["fingerprint"] == described["train"]["fingerprint"]:
            raise ConfigError(
                f"The {part} is the training data.",
                where=f"{part}=",
                fix="split before fitting: train, holdout, test = synthwright.split(data)",
            )
    facts = getattr(model, "_facts", {})
    if model is not None and facts.get("fingerprint") in [described.get("holdout", {}).get("fingerprint")]:
        raise ConfigError(
            "The model was fitted on the holdout.", where="holdout=", fix="give the rows it was not fitted on"
        )


def _encoding_notes(evidence: Evidence) -> list[Note]:
    encoding = evidence.encoding
    notes = []
    if encoding.skipped:
        notes.append(
            Note("E004", f"columns that are re-made, not learned, were not judged: {listing(encoding.skipped)}")
        )
    if evidence.holdout is not None:
        train, holdout = encoding.hashes("train"), encoding.hashes("holdout")
        shared = float(np.isin(holdout, train).mean())
        _, counts = np.unique(train, return_counts=True)
        twins = float(counts[counts > 1].sum() / len(train))
        if shared > twins + 0.05:
            what = (
                f"{shared:.1%} of the holdout rows stand in train too, {twins:.1%} would be usual: it controls little"
            )
            notes.append(Note("E005", what, "holdout"))
    return notes


def chosen_metrics(modality: str, wanted: Sequence[str] | None = None) -> list[tuple[str, Metric]]:
    """Metrics for a modality by name, in the order of the axes. wanted: names, ids or axes. Raises ConfigError."""
    fitting = sorted(_fitting(modality), key=lambda pair: AXES.index(pair[1].axis))
    if wanted is None:
        return fitting
    known = {text for name, metric in fitting for text in (name, metric.axis, f"{metric.axis}.{name}")}
    names = [*dict.fromkeys(metric.axis for _, metric in fitting), *(name for name, _ in fitting)]
    for text in wanted:
        if text not in known:
            raise ConfigError(
                f"Unknown metric {text!r}.{did_you_mean(text, known)}",
                where="metrics",
                fix=f"use axes or names: {listing(names, 40)}",
            )
    return [(n, m) for n, m in fitting if {n, m.axis, f"{m.axis}.{n}"} & set(wanted)]


def _fitting(modality: str) -> Iterator[tuple[str, Metric]]:
    order = [*registry.METRICS, *(name for name in registry.names("metrics") if name not in registry.METRICS)]
    for name in order:
        found = registry.find("metrics", name)
        if modality in found.modalities:
            yield name, found()


def _run(name: str, metric: Metric, evidence: Evidence, outer: Context) -> tuple[list[Score], list[Note]]:
    """Scores of one metric on its own random stream; a failure becomes a score that says so."""
    ctx = Context(named_rng(evidence.seed, f"metric {name}"), device=outer.device, stop=outer.stop)
    try:
        found = list(metric.scores(evidence, ctx))
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - one failed metric must be shown, not lose the others
        _LOG.exception("metric %s failed", name)
        fix = error.fix if isinstance(error, SynthwrightError) else "report it, with this message"
        what = error.what if isinstance(error, SynthwrightError) else f"{type(error).__name__}: {error}"
        plain = f"This could not be computed: {what}"
        label = getattr(metric, "label", name)
        found = [Score(f"{metric.axis}.{name}", metric.axis, label, None, "error", plain, fix=fix)]
    return [score.timed(ctx.seconds) for score in found], ctx.notes


def _versions() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def judged(data: Dataset) -> tuple[str, ...]:
    """Names of the columns of a dataset that an evaluation judges."""
    return tuple(column.name for column in data.schema.columns if column.is_learned)
