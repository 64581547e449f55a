"""Two reports side by side: what got better, what got worse."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from synthwright.evaluate.metric import Report, Score
from synthwright.report import words


@dataclass(frozen=True)
class Row:
    """One test in both reports, in words, and what changed."""

    id: str
    first: str
    second: str
    change: str

    def to_json(self) -> dict[str, Any]:
        """All four texts."""
        return asdict(self)


def compare(first: Report, second: Report) -> list[Row]:
    """One row a test, by axis; a change is called better or worse only when the two intervals do not overlap."""
    mine, theirs = ({score.id: score for score in report.scores} for report in (first, second))
    every = {**theirs, **mine}
    ids = sorted(every, key=lambda id: (words.ORDER.index(every[id].axis), id))
    return [Row(id, _cell(mine.get(id)), _cell(theirs.get(id)), _change(mine.get(id), theirs.get(id))) for id in ids]


def _cell(score: Score | None) -> str:
    return "absent" if score is None else f"{words.ICONS[score.verdict]} {words.measured(score)}"


def _change(a: Score | None, b: Score | None) -> str:
    if a is None or b is None:
        return "only in one report"
    if a.verdict != b.verdict:
        return f"verdict: {a.verdict} -> {b.verdict}"
    if a.value is None or b.value is None:
        return "not comparable"
    if _overlap(a, b):
        return "same, within the intervals"
    badness = [_badness(score) for score in (a, b)]
    return "better" if badness[1] < badness[0] else "worse"


def _overlap(a: Score, b: Score) -> bool:
    if None in (a.low, a.high, b.low, b.high):
        return a.value == b.value
    return bool(a.low <= b.high and b.low <= a.high)  # type: ignore[operator]  # None was excluded one line up


def _badness(score: Score) -> float:
    value = float(score.value or 0.0)
    if score.better == "near":
        return abs(value - score.references.get("real", 0.0))
    return value if score.better == "lower" else -value
