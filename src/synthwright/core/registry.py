"""Names of generators and metrics. Listing them imports nothing; asking for one imports that one.

Built-ins are the two literal tables below. Other packages add theirs through the entry point groups
`synthwright.generators` and `synthwright.metrics`; one that fails to import is listed as broken, with the reason.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeVar

from synthwright.core.errors import ConfigError, Unsupported, did_you_mean, listing

Group = Literal["generators", "metrics", "renderers"]
ClassT = TypeVar("ClassT", bound=type)

GENERATORS: dict[str, str] = {
    "auto": "synthwright.generators.auto:Auto",
    "boost": "synthwright.generators.boost:Boost",
    "bootstrap": "synthwright.generators.bootstrap:Bootstrap",
    "cart": "synthwright.generators.cart:Cart",
    "copula": "synthwright.generators.copula:Copula",
    "ctgan": "synthwright.generators.ctgan:CTGAN",
    "dyval": "synthwright.generators.dyval:DyVal",
    "independent": "synthwright.generators.independent:Independent",
    "mixture": "synthwright.generators.hybrid:Mixture",
    "residual": "synthwright.generators.residual:Residual",
    "reweight": "synthwright.generators.hybrid:Reweight",
    "pca_gaussian": "synthwright.generators.pca_gaussian:PCAGaussian",
    "block_bootstrap": "synthwright.generators.block_bootstrap:BlockBootstrap",
    "flow": "synthwright.generators.flow:Flow",
    "series_flow": "synthwright.generators.series_flow:SeriesFlow",
    "image_ppca": "synthwright.generators.image_ppca:ImagePPCA",
    "image_flow": "synthwright.generators.image_flow:ImageFlow",
    "tvae": "synthwright.generators.tvae:TVAE",
}
METRICS: dict[str, str] = {
    "marginals": "synthwright.evaluate.fidelity:Marginals",
    "tails": "synthwright.evaluate.fidelity:Tails",
    "spikes": "synthwright.evaluate.fidelity:Spikes",
    "support": "synthwright.evaluate.fidelity:Support",
    "missing": "synthwright.evaluate.fidelity:Missing",
    "pairs": "synthwright.evaluate.pairs:Pairs",
    "invented": "synthwright.evaluate.pairs:Invented",
    "c2st": "synthwright.evaluate.detection:C2ST",
    "rules": "synthwright.evaluate.rules:Rules",
    "coverage": "synthwright.evaluate.diversity:Coverage",
    "duplicates": "synthwright.evaluate.diversity:Duplicates",
    "rare_levels": "synthwright.evaluate.diversity:RareLevels",
    "entropy": "synthwright.evaluate.diversity:Entropy",
    "tstr": "synthwright.evaluate.utility:TSTR",
    "log_loss": "synthwright.evaluate.utility:LogLoss",
    "relation": "synthwright.evaluate.utility:Relation",
    "linear": "synthwright.evaluate.utility:LinearTSTR",
    "copies": "synthwright.evaluate.privacy:Copies",
    "near_copies": "synthwright.evaluate.privacy:NearCopies",
    "dcr_share": "synthwright.evaluate.privacy:DCRShare",
    "outliers": "synthwright.evaluate.privacy:Outliers",
    "leak": "synthwright.evaluate.privacy:Leak",
    "membership": "synthwright.evaluate.privacy:Membership",
    "shares": "synthwright.evaluate.fairness:GroupShares",
    "rates": "synthwright.evaluate.fairness:GroupRates",
    "text_labels": "synthwright.evaluate.text_items:TextLabels",
    "text_balance": "synthwright.evaluate.text_items:TextBalance",
    "text_shortcuts": "synthwright.evaluate.text_items:TextShortcuts",
    "text_asked": "synthwright.evaluate.text_claims:TextAsked",
    "text_repeats": "synthwright.evaluate.text_items:TextRepeats",
    "text_accuracy": "synthwright.evaluate.text_items:TextAccuracy",
    "text_duplicates": "synthwright.evaluate.text_plain:TextDuplicates",
    "text_lengths": "synthwright.evaluate.text_plain:TextLengths",
    "text_variety": "synthwright.evaluate.text_plain:TextVariety",
    "text_copies": "synthwright.evaluate.text_plain:TextCopies",
    "series_levels": "synthwright.evaluate.series_fidelity:Levels",
    "series_steps": "synthwright.evaluate.series_fidelity:Increments",
    "series_acf": "synthwright.evaluate.series_fidelity:Autocorrelation",
    "series_spectrum": "synthwright.evaluate.series_fidelity:Spectrum",
    "series_cross": "synthwright.evaluate.series_fidelity:CrossCorrelation",
    "series_attributes": "synthwright.evaluate.series_fidelity:Attributes",
    "series_c2st": "synthwright.evaluate.series_detection:StrongJudge",
    "series_gru": "synthwright.evaluate.series_detection:WeakJudge",
    "series_coverage": "synthwright.evaluate.series_use:SeriesCoverage",
    "series_forecast": "synthwright.evaluate.series_use:Forecast",
    "series_copies": "synthwright.evaluate.series_use:SeriesCopies",
    "series_near": "synthwright.evaluate.series_use:SeriesNear",
    "image_kid": "synthwright.evaluate.image_fidelity:ImageKID",
    "image_fd": "synthwright.evaluate.image_fidelity:ImageFD",
    "image_precision": "synthwright.evaluate.image_fidelity:ImagePrecision",
    "image_coverage": "synthwright.evaluate.image_diversity:ImageCoverage",
    "image_vendi": "synthwright.evaluate.image_diversity:ImageVendi",
    "image_classes": "synthwright.evaluate.image_diversity:ImageClasses",
    "image_repeats": "synthwright.evaluate.image_diversity:ImageRepeats",
    "image_tstr": "synthwright.evaluate.image_utility:ImageTSTR",
    "image_control": "synthwright.evaluate.image_utility:ImageControl",
    "image_copies": "synthwright.evaluate.image_privacy:ImageCopies",
    "image_near_copies": "synthwright.evaluate.image_privacy:ImageNearCopies",
    "image_closer": "synthwright.evaluate.image_privacy:ImageCloser",
}
# File suffix of a report -> function that renders it.
RENDERERS: dict[str, str] = {
    ".html": "synthwright.report.build:to_html",
    ".json": "synthwright.report.build:to_json",
    ".md": "synthwright.report.build:to_markdown",
    ".txt": "synthwright.report.build:to_text",
}
_BUILT_IN: dict[str, dict[str, str]] = {"generators": GENERATORS, "metrics": METRICS, "renderers": RENDERERS}
_ADDED: dict[str, dict[str, type]] = {"generators": {}, "metrics": {}, "renderers": {}}


@dataclass(frozen=True)
class Entry:
    """One registered name: where its class is, and why it cannot be used if it cannot."""

    name: str
    target: str
    source: str
    broken: str = ""


def register(group: Group) -> Callable[[ClassT], ClassT]:
    """Class decorator that makes a class available under its `name` in this process, for notebooks and tests."""

    def add(cls: ClassT) -> ClassT:
        _ADDED[group][cls.name] = cls  # type: ignore[attr-defined]  # every registered class has a name
        return cls

    return add


def names(group: Group) -> list[str]:
    """All names, sorted; nothing is imported."""
    return sorted({*_BUILT_IN[group], *_ADDED[group], *_plugins(group)})


def entries(group: Group) -> list[Entry]:
    """All names with their place; each plugin is imported once to tell whether it works."""
    found = []
    for name in names(group):
        if name in _BUILT_IN[group]:
            found.append(Entry(name, _BUILT_IN[group][name], "synthwright"))
        elif name in _ADDED[group]:
            cls = _ADDED[group][name]
            found.append(Entry(name, f"{cls.__module__}:{cls.__qualname__}", "this process"))
        else:
            found.append(_plugin_entry(_plugins(group)[name], name))
    return found


def _plugin_entry(point: EntryPoint, name: str) -> Entry:
    source = point.dist.name if point.dist else "plugin"
    try:
        point.load()
    except Exception as error:  # noqa: BLE001 - one broken plugin must be shown, not hide the list
        return Entry(name, point.value, source, f"{type(error).__name__}: {error}")
    return Entry(name, point.value, source)


def find(group: Group, name: str) -> Any:
    """Return the class called `name`. Raises Unsupported for an unknown or broken one."""
    if name in _ADDED[group]:
        return _ADDED[group][name]
    if name in _BUILT_IN[group]:
        module, _, attribute = _BUILT_IN[group][name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    if name in _plugins(group):
        try:
            return _plugins(group)[name].load()
        except Exception as error:
            raise Unsupported(
                f"The plugin {name!r} does not import: {error}", where=_plugins(group)[name].value
            ) from error
    known = names(group)
    raise Unsupported(
        f"Unknown {group.removesuffix('s')} {name!r}.{did_you_mean(name, known)}",
        fix=f"use one of: {listing(known, 40)}",
    )


@cache
def _plugins(group: Group) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"synthwright.{group}"):
        rival = _BUILT_IN[group].get(point.name) or (found[point.name].value if point.name in found else "")
        if rival:
            raise ConfigError(
                f"Two {group} are called {point.name!r}: {rival} and {point.value}.",
                fix="uninstall one of the two packages",
            )
        found[point.name] = point
    return found
