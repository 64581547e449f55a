"""From the data of a picture (`Report.pictures`, whose form `evaluate.metric.Report` fixes) to a drawing.

Each figure carries its caption, the axis it belongs to and the numbers behind it as a table and a CSV link.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any
from urllib.parse import quote

from synthwright.evaluate.metric import Verdict
from synthwright.report import charts
from synthwright.report.charts import number

_MOST_PAIRS = 150  # pairs listed in the table behind the heat map, worst first


@dataclass(frozen=True)
class Figure:
    """A drawing with its caption, the axis it belongs to, and the numbers behind it."""

    title: str
    svg: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    axis: str
    legend: tuple[tuple[str, str], ...] = ()  # (style class, word)
    verdict: Verdict | None = None
    remark: str = ""

    @property
    def csv(self) -> str:
        """The table as a data link."""
        lines = [",".join(_csv_cell(cell) for cell in line) for line in (self.head, *self.rows)]
        return "data:text/csv;charset=utf-8," + quote("\r\n".join(lines))


def columns(pictures: Mapping[str, Any]) -> list[Figure]:
    """One small figure a column, worst first."""
    return [marginal(item) for item in pictures.get("marginals", ())]


def overviews(pictures: Mapping[str, Any]) -> list[Figure]:
    """All other figures. A picture under a name nobody knows stays in report.json and is not drawn."""
    drawn = [_maker(name)(data) for name, data in pictures.items() if name in _MAKERS and data]
    return [figure for group in drawn for figure in group if figure.svg]


def marginal(data: Mapping[str, Any]) -> Figure:
    """One column: histogram pair for numbers and dates, bar pair for levels."""
    column = str(data["column"])
    real, synthetic = (_shares(data[part]) for part in ("real", "synthetic"))
    if "edges" in data:
        edges = [float(edge) for edge in data["edges"]]
        labels = [str(label) for label in data.get("edge_labels") or map(number, edges)]
        svg = charts.histogram_pair(edges, real, synthetic, title=column, ends=(labels[0], labels[-1]))
        names = [f"{a} to {b}" for a, b in pairwise(labels)]
    else:
        names = [str(label) for label in data["labels"]]
        svg = charts.bar_pair(names, real, synthetic, title=column)
    rows = tuple((name, number(a), number(b)) for name, a, b in zip(names, real, synthetic, strict=True))
    missing = data.get("missing") or {}
    remark = ""
    if any(missing.values()):
        remark = f"Missing: {charts.percent(missing['real'])} real, {charts.percent(missing['synthetic'])} synthetic."
    return Figure(column, svg, (column, "real", "synthetic"), rows, "fidelity", (), data.get("verdict"), remark)


def pairs(data: Mapping[str, Any]) -> list[Figure]:
    """How far the association of each pair of columns is from the real one."""
    names = [str(column) for column in data["columns"]]
    if len(names) < 2:
        return []
    matrix = [
        [None if i == j else abs(float(v)) for j, v in enumerate(line)] for i, line in enumerate(data["difference"])
    ]
    title = "How much the association of two columns differs from the real one"
    svg = charts.heat_map(
        names, matrix, title=title, top=max(0.1, *(v for line in matrix for v in line if v is not None))
    )
    cells = [(matrix[i][j] or 0.0, i, j) for i in range(len(names)) for j in range(i)]
    cells.sort(key=lambda cell: (-cell[0], cell[1], cell[2]))
    rows = tuple(
        (
            f"{names[i]} with {names[j]}",
            number(float(data["real"][i][j])),
            number(float(data["synthetic"][i][j])),
            number(v),
        )
        for v, i, j in cells[:_MOST_PAIRS]
    )
    return [Figure(title, svg, ("pair", "real", "synthetic", "difference"), rows, "fidelity")]


_DISTANCES = (
    ("holdout_to_train", "real", "unseen real rows to training rows"),
    ("synthetic_to_train", "synthetic", "synthetic rows to training rows"),
    ("synthetic_to_holdout", "other", "synthetic rows to unseen real rows"),
)


def distances(data: Mapping[str, Any]) -> list[Figure]:
    """Distance to the nearest neighbour, as the share of rows nearer than x."""
    edges = [float(edge) for edge in data["edges"]]
    series = {words: [0.0, *accumulate(_shares(data[key]))] for key, _, words in _DISTANCES if data.get(key)}
    legend = tuple((style, words) for key, style, words in _DISTANCES if data.get(key))
    title = "How near is the nearest row?"
    svg = charts.line(edges, series, title=title, x_label="distance", y_label="share of rows nearer than this")
    remark = "Synthetic rows should be no nearer to the training rows than unseen real rows are."
    return [Figure(title, svg, ("distance", *series), _curve_rows(edges, series), "privacy", legend, None, remark)]


def membership(data: Mapping[str, Any]) -> list[Figure]:
    """The membership attack's curve against guessing."""
    fpr, tpr = ([float(v) for v in data[key]] for key in ("fpr", "tpr"))
    series = {"guessing": fpr, "attack": tpr}
    title = "Can an attacker tell who was in the training data?"
    svg = charts.line(fpr, series, title=title, x_label="share of outsiders accused", y_label="share of members found")
    legend = (("real", "guessing"), ("synthetic", "the attack"))
    remark = "The attack learns nothing when its curve lies on the line of guessing."
    return [
        Figure(title, svg, ("outsiders accused", *series), _curve_rows(fpr, series), "privacy", legend, None, remark)
    ]


def utility(data: Mapping[str, Any]) -> list[Figure]:
    """What a model is worth on real rows, by what it was trained on."""
    styles = {"real": "real", "synthetic": "synthetic"}
    rows = [{**bar, "style": styles.get(str(bar.get("kind")), "other")} for bar in data["bars"]]
    title = f"{data['metric']} on real test rows, by what the model was trained on"
    svg = charts.interval_plot(rows, title=title)
    cells = tuple(
        (str(bar["label"]), *(number(bar.get(key)) for key in ("value", "low", "high"))) for bar in data["bars"]
    )
    return [Figure(title, svg, ("trained on", "value", "low", "high"), cells, "utility")]


def fairness(data: Mapping[str, Any]) -> list[Figure]:
    """Size of each group, and how often it has the positive outcome."""
    groups = data["groups"]
    names = [f"{group['column']}: {group['group']}" for group in groups]
    found = []
    for key, title in (
        ("share", "Share of each group"),
        ("rate", f"Share of {data['target']} = {data['positive']} in each group"),
    ):
        real, synthetic = ([float(group[f"{key}_{part}"] or 0) for group in groups] for part in ("real", "synthetic"))
        rows = tuple((name, number(a), number(b)) for name, a, b in zip(names, real, synthetic, strict=True))
        svg = charts.bar_pair(names, real, synthetic, title=title) if names else ""
        legend = (("real", "real"), ("synthetic", "synthetic"))
        found.append(Figure(title, svg, ("group", "real", "synthetic"), rows, "fairness", legend))
    return found


Maker = Callable[[Any], list[Figure]]
# Name of the picture -> what draws it; those of other modalities as "module:function", imported when there is one.
_MAKERS: Mapping[str, Maker | str] = {
    "pairs": pairs,
    "distances": distances,
    "membership": membership,
    "utility": utility,
    "fairness": fairness,
    "images": "synthwright.report.image_figures:grid",
    "image_neighbours": "synthwright.report.image_figures:neighbours",
    "image_scores": "synthwright.report.image_figures:scores",
    "answers": "synthwright.report.text_figures:answers",
    "series_lines": "synthwright.report.series_figures:lines",
    "series_spectra": "synthwright.report.series_figures:spectra",
    "series_acf": "synthwright.report.series_figures:memory",
    "series_histograms": "synthwright.report.series_figures:histograms",
}


def _maker(name: str) -> Maker:
    found = _MAKERS[name]
    if not isinstance(found, str):
        return found
    module, _, function = found.partition(":")
    made: Maker = getattr(importlib.import_module(module), function)
    return made


def _curve_rows(x: Sequence[float], series: Mapping[str, Sequence[float]]) -> tuple[tuple[str, ...], ...]:
    return tuple((number(at), *(number(values[i]) for values in series.values())) for i, at in enumerate(x))


def _shares(counts: Iterable[Any]) -> list[float]:
    values = [float(count or 0) for count in counts]
    total = sum(values)
    return [value / total for value in values] if total > 0 else values


def _csv_cell(text: str) -> str:
    """A cell for a spreadsheet: quoted, and a formula sign at the start made harmless."""
    safe = "'" + text if text[:1] in ("=", "+", "-", "@") and not _is_number(text) else text
    return '"' + safe.replace('"', '""') + '"'


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return False
    return True
