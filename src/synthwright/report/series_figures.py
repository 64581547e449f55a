"""Figures of series: a few windows drawn over each other, spectra, memory and levels of each channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from synthwright.report import charts
from synthwright.report.charts import HEIGHT, WIDTH, number
from synthwright.report.figures import Figure

_LEGEND = (("real", "real"), ("synthetic", "synthetic"))
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 8, 8, 20
_TINY = 1e-12


def lines(data: Mapping[str, Any]) -> list[Figure]:
    """Of each channel, as many real as synthetic windows over each other, drawn at random."""
    found = []
    for channel in data["channels"]:
        name = str(channel["column"])
        real, made = ([[float(v) for v in line] for line in channel[part]] for part in ("real", "synthetic"))
        title = f"{name}: windows of real and synthetic series"
        steps = max((len(line) for line in (*real, *made)), default=0)
        head = ("step", *(f"real {i + 1}" for i in range(len(real))), *(f"synthetic {i + 1}" for i in range(len(made))))
        rows = tuple((str(t), *(number(line[t]) for line in (*real, *made))) for t in range(steps))
        remark = "Drawn at random. Shapes and sizes should be alike; no line should equal another."
        found.append(Figure(title, overlaid(real, made, title=title), head, rows, "fidelity", _LEGEND, None, remark))
    return found


def overlaid(real: Sequence[Sequence[float]], made: Sequence[Sequence[float]], *, title: str) -> str:
    """Lines over steps on one scale, real ones below synthetic ones."""
    values = [v for line in (*real, *made) for v in line]
    if not values:
        return ""
    low, span = min(values), max(max(values) - min(values), _TINY)
    steps = max(len(line) for line in (*real, *made))
    floor = HEIGHT - _BOTTOM

    def drawn(line: Sequence[float], css: str) -> str:
        points = " ".join(
            f"{_LEFT + t / max(steps - 1, 1) * (WIDTH - _LEFT - _RIGHT):.1f},"
            f"{floor - (v - low) / span * (floor - _TOP):.1f}"
            for t, v in enumerate(line)
        )
        return f'<polyline class="{css}" style="stroke-width:1.2;stroke-opacity:.8" points="{points}"/>'

    body = "".join(drawn(line, "real-line") for line in real)
    body += "".join(drawn(line, "synthetic-line") for line in made)
    body += f'<path class="axis-line" d="M{_LEFT} {floor}H{WIDTH - _RIGHT}"/>'
    body += _label(number(low + span), _LEFT - 4, _TOP + 6, "end") + _label(number(low), _LEFT - 4, floor, "end")
    body += _label("step 0", _LEFT, HEIGHT - 6, "start") + _label(str(steps - 1), WIDTH - _RIGHT, HEIGHT - 6, "end")
    ends = "; ".join(
        f"{word} values from {number(min(map(min, part)))} to {number(max(map(max, part)))}"
        for word, part in (("real", real), ("synthetic", made))
        if part
    )
    return charts.figure(body, title=title, desc=ends + ".")


def spectra(data: Mapping[str, Any]) -> list[Figure]:
    """Of each channel, the share of its movement at each frequency."""
    return [
        _curves(
            channel, "frequency", "cycles a step", "share of power", f"{channel['column']}: fast and slow movements"
        )
        for channel in data["channels"]
    ]


def memory(data: Mapping[str, Any]) -> list[Figure]:
    """Of each channel, the correlation of a step with the one so many steps before."""
    return [
        _curves(channel, "lag", "steps apart", "autocorrelation", f"{channel['column']}: memory")
        for channel in data["channels"]
    ]


def histograms(data: Mapping[str, Any]) -> list[Figure]:
    """Of each channel, how often which values occur."""
    found = []
    for channel in data["channels"]:
        name = str(channel["column"])
        edges = [float(edge) for edge in channel["edges"]]
        real, made = ([float(v) for v in channel[part]] for part in ("real", "synthetic"))
        svg = charts.histogram_pair(edges, real, made, title=f"{name}: values")
        labels = [f"{number(a)} to {number(b)}" for a, b in pairwise(edges)]
        rows = tuple((label, number(a), number(b)) for label, a, b in zip(labels, real, made, strict=True))
        found.append(Figure(f"{name}: values", svg, (name, "real", "synthetic"), rows, "fidelity", _LEGEND))
    return found


def _curves(channel: Mapping[str, Any], key: str, x_label: str, y_label: str, title: str) -> Figure:
    x = [float(v) for v in channel[key]]
    series = {part: [float(v) for v in channel[part]] for part in ("real", "synthetic")}
    svg = charts.line(x, series, title=title, x_label=x_label, y_label=y_label)
    rows = tuple(
        (number(at), number(a), number(b)) for at, a, b in zip(x, series["real"], series["synthetic"], strict=True)
    )
    return Figure(title, svg, (x_label, "real", "synthetic"), rows, "fidelity", _LEGEND)


def _label(text: str, x: float, y: float, anchor: str) -> str:
    return f'<text class="axis-text" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>'
