"""JSON-able data behind the figures of a report on images.

"images": {"shape": [h, w, c], "classes": [{"class": str, "real": [png], "synthetic": [png]}]}    a few images a class;
    png: base64 text of a PNG file
"image_neighbours": {"shape": [h, w, c], "rows": [{"synthetic": png, "neighbours": [png], "distances": [float],
    "class": str}], "usual": float}    the synthetic images nearest to train, with their nearest training images
"image_scores": [{"title": str, "axis": str, "better": str, "bars": [{"label": str, "value": float, "low": float | None,
    "high": float | None, "kind": "real" | "synthetic" | "other"}]}]
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import numpy as np

from synthwright.classic.embeddings import nearest
from synthwright.core.seeds import named_rng
from synthwright.data.png import encode_png
from synthwright.evaluate.images import ImageEncoding
from synthwright.evaluate.metric import Score

_CLASSES, _OF_CLASS, _PAIRS, _NEIGHBOURS = 12, 8, 8, 3
_REFERENCES = 12_000
_BYTES = 350_000  # of PNG text in one figure
_BARS = ("fidelity.image_kid", "fidelity.image_precision", "diversity.image_coverage")


def pictures(encoding: ImageEncoding, scores: Sequence[Score]) -> dict[str, Any]:
    """Data of all figures that the measured scores give rise to."""
    by_id = {score.id: score for score in scores if score.value is not None}
    found: dict[str, Any] = {}
    if bars := [_bars(by_id[id]) for id in _BARS if id in by_id]:
        found["image_scores"] = bars
    found["images"] = _grid(encoding)
    if any(score.axis == "privacy" for score in by_id.values()):
        found["image_neighbours"] = _neighbours(encoding)
    if "utility.image_tstr" in by_id:
        details = by_id["utility.image_tstr"].details
        found["utility"] = {"metric": "Accuracy", "better": "higher", "bars": details["bars"]}
    return found


def _png(encoding: ImageEncoding, part: str, row: int) -> str:
    cell = encoding.parts[part].select([row]).pixels()[0]
    return base64.b64encode(encode_png(cell)).decode()


def _grid(encoding: ImageEncoding) -> dict[str, Any]:
    """A few images of each class, drawn at random, not chosen."""
    groups: list[tuple[str, int | None]] = [(str(level), k) for k, level in enumerate(encoding.classes)]
    images = _budget(encoding)
    groups = groups[: min(_CLASSES, images // 4)] or [("", None)]
    most = min(_OF_CLASS if len(groups) > 1 else 3 * _OF_CLASS, images // (2 * len(groups)))
    drawn = []
    for name, k in groups:
        line: dict[str, Any] = {"class": name}
        for part, key in (("train", "real"), ("synthetic", "synthetic")):
            codes = encoding.codes(part)
            rows = np.arange(encoding.rows[part]) if k is None or codes is None else np.flatnonzero(codes == k)
            chosen = rows[np.argsort(_order(encoding, part)[rows])][:most]
            line[key] = [_png(encoding, part, int(row)) for row in chosen]
        drawn.append(line)
    return {"shape": list(encoding.shape), "classes": drawn, "left_out": max(0, len(encoding.classes) - len(drawn))}


def _budget(encoding: ImageEncoding) -> int:
    """How many images a figure may hold, so that a report stays below a megabyte."""
    lengths = [len(_png(encoding, "train", row)) for row in range(min(8, encoding.rows["train"]))]
    return max(8, int(_BYTES / np.mean(lengths)))


def _order(encoding: ImageEncoding, part: str) -> np.ndarray:
    """A random number for each image of a part, from the evaluation's seed."""
    return named_rng(encoding.seed, f"grid {part}").random(encoding.rows[part])


def _neighbours(encoding: ImageEncoding) -> dict[str, Any]:
    """The synthetic images nearest to a training image: what a person would look at for copies."""
    rows = encoding.draw("train", _REFERENCES, "contrast")
    queries = encoding.draw("synthetic", 3_000, "contrast")
    train = encoding.pixels("train")[rows].astype(np.float64)
    k = min(_NEIGHBOURS, len(train))
    pairs = min(_PAIRS, _budget(encoding) // (1 + k))
    far, places = nearest(encoding.pixels("synthetic")[queries].astype(np.float64), train, k=k)
    labels = encoding.parts["synthetic"].labels()
    found = []
    for i in np.argsort(far[:, 0], kind="stable")[:pairs].tolist():
        found.append(
            {
                "class": "" if labels is None else str(labels[queries[i]]),
                "synthetic": _png(encoding, "synthetic", int(queries[i])),
                "neighbours": [_png(encoding, "train", int(rows[j])) for j in places[i]],
                "distances": [round(float(d), 4) for d in far[i]],
            }
        )
    usual = None
    if encoding.unseen:
        unseen = encoding.pixels(encoding.unseen)[encoding.draw(encoding.unseen, 3_000, "contrast")].astype(np.float64)
        usual = round(float(np.median(nearest(unseen, train)[0])), 4)
    return {"shape": list(encoding.shape), "rows": found, "usual": usual}


def _bars(score: Score) -> dict[str, Any]:
    words = {"real": "fresh real images", "shuffled": "shuffled pixels"}
    bars: list[dict[str, Any]] = [
        {"label": "synthetic images", "value": score.value, "low": score.low, "high": score.high, "kind": "synthetic"}
    ]
    for name, value in score.references.items():
        kind = "real" if name == "real" else "other"
        bars.append({"label": words.get(name, name), "value": value, "low": None, "high": None, "kind": kind})
    return {"title": score.label, "axis": score.axis, "better": score.better, "bars": bars}
