"""Figures about answers: how often they are right at each level of each task, and what the others are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from synthwright.report.charts import figure, number, percent
from synthwright.report.figures import Figure

_LEFT, _RIGHT, _TOP, _BOTTOM, _HEIGHT = 40.0, 10.0, 10.0, 22.0, 130.0
_STEP, _WIDTH = 56.0, 320.0
_OUTCOMES = ("correct", "wrong", "abstained", "hallucinated", "unparsed")


def answers(data: Mapping[str, Any]) -> list[Figure]:
    """One figure a task: accuracy by level with intervals, and what guessing would score."""
    cells: Sequence[Mapping[str, Any]] = data["cells"]
    levels = list(dict.fromkeys(sorted(str(cell["level"]) for cell in cells)))
    model = str(data.get("model") or "")
    return [
        _task(task, [cell for cell in cells if cell["task"] == task], levels, model)
        for task in dict.fromkeys(str(cell["task"]) for cell in cells)
    ]


def _task(task: str, cells: Sequence[Mapping[str, Any]], levels: Sequence[str], model: str) -> Figure:
    title = f"{task.replace('_', ' ').capitalize()}: right answers by level"
    svg = by_level(cells, levels, title=title)
    rows = tuple(
        (
            str(cell["level"]),
            f"{cell['n']:,}",
            *(number(float(cell[name])) for name in ("accuracy", "low", "high", "chance")),
            *(f"{cell['outcomes'].get(name, 0):,}" for name in _OUTCOMES),
        )
        for cell in cells
    )
    head = ("level", "items", "right", "low", "high", "guessing", *_OUTCOMES)
    legend = (("synthetic", "right answers, with 95 % interval"), ("other", "guessing"))
    remark = f"Answers of {model}." if model else ""
    return Figure(title, svg, head, rows, "utility", legend, None, remark)


def by_level(cells: Sequence[Mapping[str, Any]], levels: Sequence[str], *, title: str) -> str:
    """Dots with intervals over levels on a scale from 0 to 1; a dashed stroke at each level marks guessing."""
    floor, width = _HEIGHT - _BOTTOM, max(_WIDTH, _LEFT + _RIGHT + _STEP * len(levels))
    step = (width - _LEFT - _RIGHT) / len(levels)

    def y(share: float) -> float:
        return floor - share * (floor - _TOP)

    parts = []
    for share in (0.0, 0.5, 1.0):
        parts.append(f'<path class="axis-line" d="M{_LEFT:.0f} {y(share):.1f}H{width - _RIGHT:.0f}"/>')
        parts.append(_words(percent(share), _LEFT - 6, y(share) + 4, "end"))
    for i, level in enumerate(levels):
        middle = _LEFT + step * (i + 0.5)
        parts.append(_words(level, middle, _HEIGHT - 6, "middle"))
        for cell in (one for one in cells if one["level"] == level):
            parts.append(_dot(cell, middle, step, (y(float(cell["chance"])), y)))
    told = "; ".join(f"{cell['level']}: {percent(float(cell['accuracy']))} of {cell['n']}" for cell in cells)
    return figure("".join(parts), title=title, desc=told + ".", width=width, height=_HEIGHT)


def _dot(cell: Mapping[str, Any], x: float, step: float, place: tuple[float, Any]) -> str:
    chance, y = place
    value, low, high = (y(float(cell[name])) for name in ("accuracy", "low", "high"))
    tip = f"{cell['level']}: {percent(float(cell['accuracy']))} of {cell['n']} items"
    return (
        f'<path class="other-line" d="M{x - step * 0.36:.1f} {chance:.1f}H{x + step * 0.36:.1f}"/>'
        f'<path class="interval s-synthetic" d="M{x:.1f} {low:.1f}V{high:.1f}"/>'
        f'<circle class="dot s-synthetic" cx="{x:.1f}" cy="{value:.1f}" r="4"><title>{escape(tip)}</title></circle>'
    )


def _words(content: str, x: float, y: float, anchor: str) -> str:
    return f'<text class="axis-text" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'
