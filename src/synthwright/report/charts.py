"""Figures of the report as inline SVG: pure functions from numbers to text, no JavaScript.

Colours are variables of the style sheet (`--real`, `--synthetic`, `--heat-0` to `--heat-8`), so light, dark and print
share one drawing. Every figure has a `<title>` and a `<desc>` that says in words what the picture shows.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 320, 150  # of a figure, in user units; the style sheet scales it
_LEFT, _RIGHT, _TOP, _BOTTOM = 8, 8, 8, 20
_HEAT_LEVELS = 9
_SHARE_SLACK = 1e-3  # shares that add up to 1 within this are a distribution
_SIGN = 7.0  # width of a digit of the axis text in a wide font, DejaVu Sans; Arial's has 6.1
_TINY = 1e-12  # below this a span counts as zero: far under the resolution of any drawing


def number(value: float | None) -> str:
    """A number for people: three significant digits, thousands separated, a dash for None.

    >>> number(0.12345), number(0.5), number(12345.6), number(None), number(1e-7)
    ('0.123', '0.5', '12,346', '–', '1e-07')
    """
    if value is None:
        return "–"
    if not math.isfinite(value):
        return "infinite" if math.isinf(value) else "not a number"
    if value == 0:
        return "0"
    size = abs(value)
    if size < 1e-4 or size >= 1e9:
        return f"{value:.2g}"
    if size >= 100 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(size)))}f}".rstrip("0").rstrip(".")


def figure(
    body: str, *, title: str, desc: str, width: float = WIDTH, height: float = HEIGHT, css: str = "chart"
) -> str:
    """Wrap drawing commands into one SVG element with its text alternative."""
    return (
        f'<svg class="{css}" viewBox="0 0 {_n(width)} {_n(height)}" style="max-width:{_n(width * 1.3)}px" '
        f'role="img" aria-label="{escape(title)}. {escape(desc)}">'
        f"<title>{escape(title)}</title><desc>{escape(desc)}</desc>{body}</svg>"
    )


# -- distributions


def histogram_pair(
    edges: Sequence[float],
    real: Sequence[float],
    synthetic: Sequence[float],
    *,
    title: str,
    ends: tuple[str, str] | None = None,
) -> str:
    """Two histograms on the same bins: real filled, synthetic outlined.

    edges: (bins + 1,), rising; real, synthetic: (bins,), shares. Heights are densities, so bins may differ in width.
    ends: words for the first and last edge when they are not plain numbers (dates).
    """
    low, high = edges[0], edges[-1]
    span = max(high - low, _TINY)
    x = [_LEFT + (edge - low) / span * (WIDTH - _LEFT - _RIGHT) for edge in edges]
    widths = [max(b - a, _TINY) for a, b in itertools.pairwise(x)]
    heights = [[share / w for share, w in zip(shares, widths, strict=True)] for shares in (real, synthetic)]
    top = max(max(heights[0], default=0), max(heights[1], default=0), _TINY)
    floor, room = HEIGHT - _BOTTOM, HEIGHT - _BOTTOM - _TOP
    y = [[floor - h / top * room for h in row] for row in heights]
    body = (
        f'<path class="real-fill" d="{_steps(x, y[0], floor)}Z"/>'
        f'<path class="synthetic-line" d="{_steps(x, y[1], floor)}"/>'
        + _axis(floor)
        + _end_labels(*(ends or (number(low), number(high))))
    )
    return figure(body, title=title, desc=f"{_overlap(real, synthetic)} {_mode_words(edges, real, synthetic)}")


def bar_pair(labels: Sequence[str], real: Sequence[float], synthetic: Sequence[float], *, title: str) -> str:
    """Shares of levels, two bars a level: real above, synthetic below. labels, real, synthetic: (levels,)."""
    row, label_room, value_room = 21, 104, 38
    height = row * max(len(labels), 1) + 4
    top = max([*real, *synthetic, _TINY])
    scale = (WIDTH - label_room - value_room) / top
    parts = []
    for i, (label, a, b) in enumerate(zip(labels, real, synthetic, strict=True)):
        y = i * row + 3
        parts.append(
            f"{_text(_short(label, 17), label_room - 6, y + 11, anchor='end')}"
            f'<rect class="real-fill" x="{label_room}" y="{y}" width="{_n(max(a * scale, 0.5))}" height="7"/>'
            f'<rect class="synthetic-fill" x="{label_room}" y="{y + 8}" width="{_n(max(b * scale, 0.5))}" height="7"/>'
            f"{_text(percent(b), label_room + max(a, b) * scale + 4, y + 11)}"
        )
    worst = max(zip(labels, real, synthetic, strict=True), key=lambda item: abs(item[1] - item[2]), default=None)
    words = (
        f" Largest difference at {worst[0]}: real {percent(worst[1])}, synthetic {percent(worst[2])}." if worst else ""
    )
    shares = _overlap(real, synthetic) if abs(sum(real) - 1) < _SHARE_SLACK else ""
    return figure("".join(parts), title=title, desc=(shares + words).strip(), height=height)


# -- one value between its references


def reference_bar(
    value: float | None, *, low: float | None, high: float | None, references: Mapping[str, float], verdict: str
) -> str:
    """A value with its interval on a line, between the marks of its references.

    The first two references get the marks: a line for real data, a hollow diamond for the known-bad one.
    """
    numbers = [v for v in (value, low, high, *references.values()) if v is not None and math.isfinite(v)]
    if value is None or not numbers:
        return ""
    width, height, pad, middle = 200, 26, 9, 13
    span = max(max(numbers) - min(numbers), _TINY)

    def x(v: float) -> str:
        return _n(pad + (min(max(v, min(numbers)), max(numbers)) - min(numbers)) / span * (width - 2 * pad))

    parts = [f'<path class="track" d="M{pad} {middle}H{width - pad}"/>']
    if low is not None and high is not None:
        parts.append(f'<path class="interval {_css(verdict)}" d="M{x(low)} {middle}H{x(high)}"/>')
    for name, reference in references.items():
        parts.append(_mark(name, x(reference), middle))
    parts.append(f'<circle class="dot {_css(verdict)}" cx="{x(value)}" cy="{middle}" r="4.5"/>')
    between = f", interval {number(low)} to {number(high)}" if low is not None and high is not None else ""
    words = "".join(f"; {name}: {number(v)}" for name, v in references.items())
    return figure(
        "".join(parts),
        title=f"Value {number(value)}{between}",
        desc=words[2:] or "no reference",
        width=width,
        height=height,
        css="reference",
    )


def _mark(name: str, x: str, middle: float) -> str:
    tip = f"<title>{escape(name)}</title>"
    if name == "real":
        return f'<path class="mark-real" d="M{x} {middle - 9}V{middle + 9}">{tip}</path>'
    return f'<path class="mark-bad" d="M{x} {middle - 5}l5 5-5 5-5-5z">{tip}</path>'


def interval_plot(rows: Sequence[Mapping[str, object]], *, title: str, line: float | None = None) -> str:
    """One row a label with a dot and its interval: a forest plot.

    rows: mappings with label, value, and optionally low, high, and style (real, synthetic, other).
    line: where to draw the reference line.
    """
    label_room, row = 128, 22
    numbers = [float(v) for r in rows for k in ("value", "low", "high") if isinstance(v := r.get(k), int | float)]
    if line is not None:
        numbers.append(line)
    if not numbers:
        return ""
    least, most = min(numbers), max(numbers)
    span = max(most - least, _TINY)
    height = row * len(rows) + 26

    def x(v: float) -> float:
        return label_room + 8 + (v - least) / span * (WIDTH - label_room - 20)

    parts = [f'<path class="mark-real" d="M{_n(x(line))} 2V{height - 22}"/>'] if line is not None else []
    for i, item in enumerate(rows):
        y = i * row + 11
        parts.append(_text(_short(str(item["label"]), 22), label_room - 4, y + 4, anchor="end"))
        low, high, value = item.get("low"), item.get("high"), item.get("value")
        css = f"s-{item.get('style', 'other')}"
        if isinstance(low, int | float) and isinstance(high, int | float):
            parts.append(f'<path class="interval {css}" d="M{_n(x(low))} {y}H{_n(x(high))}"/>')
        if isinstance(value, int | float):
            parts.append(f'<circle class="dot {css}" cx="{_n(x(value))}" cy="{y}" r="4"/>')
    parts.append(_axis(height - 20, label_room) + _end_labels(number(least), number(most), height, label_room + 8))
    words = "; ".join(f"{r['label']} {number(v)}" for r in rows[:6] if isinstance(v := r.get("value"), int | float))
    return figure(
        "".join(parts), title=title, desc=words + ("; and more in the table." if len(rows) > 6 else "."), height=height
    )


# -- many columns at once, and curves


def heat_map(
    labels: Sequence[str], matrix: Sequence[Sequence[float | None]], *, title: str, top: float | None = None
) -> str:
    """A square grid of values from 0 (pale) to `top` (strong). matrix: (labels, labels); None leaves a cell empty."""
    n = len(labels)
    values = [v for line in matrix for v in line if v is not None]
    top = top or max([*values, _TINY])
    room, cell = 96, min(26.0, 420 / max(n, 1))
    boxes: dict[int, list[str]] = {}
    for i, line in enumerate(matrix):
        for j, value in enumerate(line):
            if value is not None:
                level = min(_HEAT_LEVELS - 1, int(max(value, 0) / top * _HEAT_LEVELS))
                boxes.setdefault(level, []).append(
                    f"M{_n(room + j * cell)} {_n(room + i * cell)}h{_n(cell)}v{_n(cell)}h-{_n(cell)}z"
                )
    parts = [f'<path fill="var(--heat-{level})" d="{"".join(boxes[level])}"/>' for level in sorted(boxes)]
    size = min(11.0, max(6.0, cell - 2))
    look = f'class="axis-text" style="font-size:{_n(size)}px"'
    for i, label in enumerate(labels):
        middle = _n(room + (i + 0.5) * cell + size / 3)
        text = escape(_short(label, 15))
        parts.append(f'<text {look} x="{room - 5}" y="{middle}" text-anchor="end">{text}</text>')
        parts.append(f'<text {look} transform="translate({middle} {room - 5}) rotate(-60)">{text}</text>')
    side = room + n * cell
    parts.append(_heat_key(side, top))
    found = [
        (v, labels[i], labels[j])
        for i, line in enumerate(matrix)
        for j, v in enumerate(line)
        if v is not None and j < i
    ]
    words = "; ".join(f"{a} with {b} {number(v)}" for v, a, b in sorted(found, key=lambda f: (-f[0], f[1], f[2]))[:3])
    return figure(
        "".join(parts),
        title=title,
        desc=f"Largest: {words}." if words else "No pair.",
        width=side + 60,
        height=side + 34,
        css="chart heat",
    )


def _heat_key(side: float, top: float) -> str:
    step = 16
    left = side - step * _HEAT_LEVELS if side > step * _HEAT_LEVELS else 0
    boxes = "".join(
        f'<rect fill="var(--heat-{i})" x="{_n(left + i * step)}" y="{_n(side + 10)}" width="{step}" height="8"/>'
        for i in range(_HEAT_LEVELS)
    )
    ends = _text("0", left, side + 30)
    return boxes + ends + _text(number(top), left + step * _HEAT_LEVELS, side + 30, anchor="end")


def line(
    x: Sequence[float], series: Mapping[str, Sequence[float]], *, title: str, x_label: str = "", y_label: str = ""
) -> str:
    """Curves over a common x: the first two series in the colours of real and synthetic, others dashed grey."""
    ys = [v for values in series.values() for v in values]
    if not x or not ys:
        return ""
    x_low, x_span = min(x), max(max(x) - min(x), _TINY)
    y_low, y_span = min(0.0, *ys), max(max(ys) - min(0.0, *ys), _TINY)
    floor, ends = HEIGHT - _BOTTOM, (number(max(ys)), number(y_low))
    left = max(40.0, _SIGN * max(map(len, ends)) + 8)
    styles = ("real-line", "synthetic-line", "other-line")
    parts = []
    for i, values in enumerate(series.values()):
        points = " ".join(
            f"{_n(left + (a - x_low) / x_span * (WIDTH - left - _RIGHT))},"
            f"{_n(floor - (b - y_low) / y_span * (floor - _TOP))}"
            for a, b in zip(x, values, strict=True)
        )
        parts.append(f'<polyline class="{styles[min(i, len(styles) - 1)]}" points="{points}"/>')
    parts.append(_axis(floor, left) + _end_labels(number(min(x)), number(max(x)), HEIGHT, left))
    parts.append(_text(ends[0], left - 4, _TOP + 6, anchor="end"))
    parts.append(_text(ends[1], left - 4, floor, anchor="end"))
    if x_label:
        parts.append(_text(x_label, WIDTH / 2 + left / 2, HEIGHT - 6, anchor="middle"))
    words = "; ".join(f"{name} ends at {number(values[-1])}" for name, values in series.items() if values)
    return figure("".join(parts), title=title, desc=f"{y_label + ' over ' + x_label + ': ' if y_label else ''}{words}.")


# -- pieces


def _steps(x: Sequence[float], y: Sequence[float], floor: float) -> str:
    parts = [f"M{_n(x[0])} {_n(floor)}"]
    for height, right in zip(y, x[1:], strict=True):
        parts.append(f"V{_n(height)}H{_n(right)}")
    return "".join(parts) + f"V{_n(floor)}"


def _axis(y: float, left: float = _LEFT) -> str:
    return f'<path class="axis-line" d="M{_n(left)} {_n(y)}H{WIDTH - _RIGHT}"/>'


def _text(content: str, x: float, y: float, *, anchor: str = "") -> str:
    placed = f' text-anchor="{anchor}"' if anchor else ""
    return f'<text class="axis-text" x="{_n(x)}" y="{_n(y)}"{placed}>{escape(content)}</text>'


def _end_labels(low: str, high: str, height: float = HEIGHT, left: float = _LEFT) -> str:
    return _text(low, left, height - 6) + _text(high, WIDTH - _RIGHT, height - 6, anchor="end")


def _overlap(real: Sequence[float], synthetic: Sequence[float]) -> str:
    shared = sum(min(a, b) for a, b in zip(real, synthetic, strict=True))
    return f"Real and synthetic overlap by {percent(shared)}."


def _mode_words(edges: Sequence[float], real: Sequence[float], synthetic: Sequence[float]) -> str:
    words = []
    for name, shares in (("real", real), ("synthetic", synthetic)):
        if len(shares):
            i = max(range(len(shares)), key=lambda k: shares[k])
            words.append(f"most {name} values lie between {number(edges[i])} and {number(edges[i + 1])}")
    return ("; ".join(words) + ".").capitalize() if words else ""


def percent(share: float) -> str:
    """A share as a percentage, with a decimal below 10%."""
    return f"{100 * share:.0f}%" if share >= 0.1 or share == 0 else f"{100 * share:.1f}%"


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _css(verdict: str) -> str:
    return "v-" + (verdict.replace(" ", "-") or "none")


def _n(value: float) -> str:
    """A coordinate with at most one decimal: a tenth of a unit is below what an eye sees."""
    text = f"{value:.1f}"
    return text[:-2] if text.endswith(".0") else text
