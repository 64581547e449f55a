"""JSON-able data behind the figures of a report; the keys are described in `metric.Report`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthwright.classic import association, twosample
from synthwright.evaluate.encoding import Field, TableEncoding
from synthwright.evaluate.fidelity import marginal_scores
from synthwright.evaluate.metric import Score, Verdict

_COLUMNS, _LEVELS, _BARS, _MATRIX, _ROWS = 12, 12, 30, 30, 10_000


def pictures(encoding: TableEncoding, scores: Sequence[Score]) -> dict[str, Any]:
    """Data of all figures of a table that the measured scores give rise to."""
    by_id = {score.id: score for score in scores if score.value is not None}
    found: dict[str, Any] = {}
    if "fidelity.marginals" in by_id:
        found["marginals"] = _marginals(encoding, by_id["fidelity.marginals"])
    if "fidelity.pairs" in by_id:
        found["pairs"] = {**_matrix(encoding), "top": list(by_id["fidelity.pairs"].details["top"][:12])}
    if "privacy.dcr_share" in by_id:
        found["distances"] = _distances(encoding)
    if "utility.tstr" in by_id:
        details = by_id["utility.tstr"].details
        found["utility"] = {"metric": details["metric"], "better": "higher", "bars": details["bars"]}
    if "privacy.membership" in by_id:
        found["membership"] = by_id["privacy.membership"].details["curve"]
    if "fairness.rates" in by_id:
        found["fairness"] = by_id["fairness.rates"].details["figure"]
    return found


def _marginals(encoding: TableEncoding, score: Score) -> list[dict[str, Any]]:
    distances = marginal_scores(encoding)
    worst: dict[str, float] = {}
    for one in score.details["found"]:
        worst[one["column"]] = max(worst.get(one["column"], 0.0), one["effect"])
    names = sorted(distances, key=lambda name: (-worst.get(name, 0.0), -distances[name]))[:_COLUMNS]
    bad = {place["column"] for place in score.where}
    return [_marginal(encoding[name], distances[name], score.verdict if name in bad else "pass") for name in names]


def _marginal(field: Field, distance: float, verdict: Verdict) -> dict[str, Any]:
    parts = ("real", "synthetic")
    drawn: dict[str, Any] = {
        "column": field.name,
        "kind": "number" if field.is_number else "level",
        "distance": distance,
        "verdict": verdict,
        "missing": {part: float(field.missing(part).mean()) for part in parts},
    }
    if field.is_number:
        values = field.present("real")
        if not len(values):
            return {**drawn, "edges": [0.0, 1.0], "real": [0.0], "synthetic": [0.0]}
        low, high = np.quantile(values, [0.002, 0.998])
        if high <= low:
            low, high = float(values.min()), float(values.max())
        if high <= low:
            low, high = low - 0.5, high + 0.5
        edges = np.linspace(low, high, min(_BARS, max(2, len(np.unique(values)))) + 1)
        # Values beyond the ends are drawn in the end bars, so that the shares add up.
        counts = {part: np.histogram(np.clip(field.present(part), low, high), edges)[0] for part in parts}
        drawn["edges"] = edges.tolist()
        if field.is_moment:
            drawn["edge_labels"] = _moment_labels(field, edges)
    else:
        full = {part: field.counts(part) for part in parts}
        order = np.argsort(-(full["real"] + full["synthetic"]), kind="stable")
        shown, rest = order[:_LEVELS], order[_LEVELS:]
        counts = {part: full[part][shown] for part in parts}
        drawn["labels"] = [field.levels[i] for i in shown]
        if len(rest):
            counts = {part: np.append(counts[part], full[part][rest].sum()) for part in parts}
            drawn["labels"].append(f"{len(rest)} others")
    return {**drawn, **{part: twosample.shares(counts[part]).tolist() for part in parts}}


def _moment_labels(field: Field, edges: np.ndarray) -> list[str]:
    dtype = field.column.dtype
    if dtype.startswith("duration"):
        return [f"{edge:g} {dtype[9:-1]}" for edge in edges]
    unit = "D" if dtype.startswith("date32") else "ms" if dtype.startswith("date64") else dtype[10:12].strip("],")
    return [str(np.array(int(edge), f"datetime64[{unit}]").astype("datetime64[D]")) for edge in edges]


def _matrix(encoding: TableEncoding) -> dict[str, Any]:
    found = {}
    for part in ("real", "synthetic"):
        codes, sizes = encoding.bins(part)
        rows = encoding.draw(part, _ROWS, "matrix") if part != "real" else np.arange(min(len(codes), _ROWS))
        found[part] = association.associations(codes[rows][:, :_MATRIX], sizes[:_MATRIX])
    difference = found["synthetic"] - found["real"]
    return {
        "columns": list(encoding.names[:_MATRIX]),
        "real": np.round(found["real"], 4).tolist(),
        "synthetic": np.round(found["synthetic"], 4).tolist(),
        "difference": np.round(difference, 4).tolist(),
    }


def _distances(encoding: TableEncoding) -> dict[str, Any]:
    from synthwright.evaluate.privacy import neighbourhood

    near = neighbourhood(encoding)
    high = float(np.quantile(np.concatenate([near.q_t, near.q_p, near.p_t]), 0.99)) or 1.0
    edges = np.linspace(0, high, _BARS + 1)
    parts = {"synthetic_to_train": near.q_t, "synthetic_to_holdout": near.q_p, "holdout_to_train": near.p_t}
    shares = {name: twosample.shares(np.histogram(np.clip(v, 0, high), edges)[0]) for name, v in parts.items()}
    return {"edges": edges.tolist(), **{name: share.tolist() for name, share in shares.items()}}
