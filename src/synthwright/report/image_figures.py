"""Figures about images: a grid of real and synthetic ones, the nearest training images, and scores as bars.

Images are PNG data inside the SVG, drawn without smoothing; names, distances and values are text beside them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from synthwright.report import charts
from synthwright.report.charts import figure, number
from synthwright.report.figures import Figure

_CELL, _GAP, _LABEL = 34.0, 4.0, 74.0
_FAMILY = ("real", "synthetic")


def grid(data: Mapping[str, Any]) -> list[Figure]:
    """A line of real and a line of synthetic images for each class."""
    lines = data["classes"]
    title = "Real and synthetic images"
    h, w, c = data["shape"]
    per_row = 8
    parts, rows, y = [], [], 0.0
    for line in lines:
        for part in _FAMILY:
            images = line[part]
            words = f"{_short(line['class'])} {part}".strip()
            parts.append(_name(words, y, part))
            for i, png in enumerate(images):
                parts.append(_image(png, _LABEL + i % per_row * (_CELL + _GAP), y + i // per_row * (_CELL + _GAP)))
            y += max(1, -(-len(images) // per_row)) * (_CELL + _GAP)
        y += _GAP
        rows.append((line["class"] or "all", *(str(len(line[part])) for part in _FAMILY)))
    left_out = data.get("left_out") or 0
    remark = f"Drawn at random, {w} x {h} pixels" + (" in colour" if c == 3 else "") + "."
    remark += f" {left_out} more classes are not shown." if left_out else ""
    desc = f"{len(lines)} pairs of lines: above real images, below synthetic ones of the same class"
    svg = figure("".join(parts), title=title, desc=desc, width=_LABEL + per_row * (_CELL + _GAP), height=y)
    legend = (("real", "real"), ("synthetic", "synthetic"))
    return [
        Figure(
            title,
            svg,
            ("class", "real images shown", "synthetic images shown"),
            tuple(rows),
            "fidelity",
            legend,
            None,
            remark,
        )
    ]


def neighbours(data: Mapping[str, Any]) -> list[Figure]:
    """The synthetic images that lie nearest to a training image, with their nearest training images."""
    found = data["rows"]
    if not found:
        return []
    title = "Synthetic images nearest to training images"
    step = _CELL + 24
    parts = [_head("synthetic", 0.0), _head("nearest training images, with their distance", _CELL + 30)]
    rows = []
    for i, one in enumerate(found):
        y = 18 + i * step
        parts.append(_image(one["synthetic"], 0, y))
        if one["class"]:
            parts.append(
                f'<text class="axis-text" x="0" y="{y + _CELL + 12:.0f}">{escape(_short(one["class"]))}</text>'
            )
        for j, (png, far) in enumerate(zip(one["neighbours"], one["distances"], strict=True)):
            x = _CELL + 30 + j * (_CELL + 26)
            parts.append(_image(png, x, y))
            parts.append(f'<text class="axis-text" x="{x:.0f}" y="{y + _CELL + 12:.0f}">{escape(number(far))}</text>')
        rows.append((f"{i + 1}", one["class"] or "–", *(number(far) for far in one["distances"])))
    usual = data.get("usual")
    remark = "Distance: root of the summed squared differences of the pixels, white minus black being 1; 0 is a copy."
    remark += f" Unseen real images have their nearest training image at {number(usual)} (median)." if usual else ""
    nearest = min(one["distances"][0] for one in found)
    desc = f"{len(found)} synthetic images, with their nearest training images; the least distance is {number(nearest)}"
    width = _CELL + 30 + max(len(one["neighbours"]) for one in found) * (_CELL + 26) + 60
    svg = figure("".join(parts), title=title, desc=desc, width=width, height=18 + len(found) * step)
    head = ("place", "class", *(f"distance {j + 1}" for j in range(max(len(one["distances"]) for one in found))))
    padded = tuple((*row, *["–"] * (len(head) - len(row))) for row in rows)
    return [Figure(title, svg, head, padded, "privacy", (), None, remark)]


def scores(data: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Each score between its references, as dots with intervals."""
    drawn = []
    for one in data:
        bars = [
            {**bar, "style": {"real": "real", "synthetic": "synthetic"}.get(bar["kind"], "other")}
            for bar in one["bars"]
        ]
        title = f"{one['title']}, {one['better']} is better"
        cells = tuple((str(bar["label"]), *(number(bar[key]) for key in ("value", "low", "high"))) for bar in bars)
        svg = charts.interval_plot(bars, title=title)
        drawn.append(Figure(title, svg, ("images", "value", "low", "high"), cells, one["axis"]))
    return drawn


def _image(png: str, x: float, y: float) -> str:
    return (
        f'<image x="{x:.0f}" y="{y:.0f}" width="{_CELL:.0f}" height="{_CELL:.0f}" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{escape(png, quote=True)}"/>'
    )


def _name(words: str, y: float, part: str) -> str:
    """The name of a line, and a stroke in the colour of its part."""
    middle = y + _CELL / 2
    stroke = f'<path class="{part}-line" d="M{_LABEL - 5:.0f} {y:.0f}V{y + _CELL:.0f}"/>'
    place = f'x="{_LABEL - 10:.0f}" y="{middle + 4:.0f}" text-anchor="end"'
    return f'{stroke}<text class="axis-text" {place}>{escape(words)}</text>'


def _head(words: str, x: float) -> str:
    return f'<text class="axis-text" x="{x:.0f}" y="11">{escape(words)}</text>'


def _short(text: str) -> str:
    return text if len(text) <= 12 else text[:11] + "…"
