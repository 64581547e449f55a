"""Are groups kept as they are? This asks whether real differences are preserved, not whether they are just."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from synthwright.classic import twosample
from synthwright.core.context import Context
from synthwright.evaluate.encoding import Field, TableEncoding
from synthwright.evaluate.goal import Goal, goal_of
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.verdict import NEED_TARGET, Finding, TableMetric

SHARE_FAIL, RATE_FAIL = np.log(2.0), np.log(2.0)  # log ratio of shares; log odds ratio
_GROUPS = 20  # levels of a column that count as groups
_NEED_GROUPS = "mark the columns that hold groups in the schema: schema.edit(sex={'sensitivity': 'quasi'})"


@dataclass(frozen=True)
class Group:
    """One group in both samples: counts of rows, and of rows with the positive label."""

    column: str
    level: str
    rows: tuple[int, int]  # synthetic, real
    positive: tuple[int, int]
    others: tuple[int, int]
    others_positive: tuple[int, int]


def group_fields(encoding: TableEncoding) -> list[Field]:
    """Columns whose levels are groups of people: sensitivity quasi or sensitive, at most 20 levels."""
    return [
        field
        for field in encoding.fields
        if not field.is_number
        and field.column.sensitivity in ("quasi", "sensitive")
        and 2 <= int((field.counts("real") > 0).sum()) <= _GROUPS
    ]


def groups(encoding: TableEncoding, goal: Goal | None, *, fewest: int = 20) -> list[Group]:
    """Groups with at least `fewest` rows expected among the synthetic and present among the real ones."""
    found = []
    n, m = encoding.rows["synthetic"], encoding.rows["real"]
    labels = {part: _positive(goal, part, encoding) for part in ("synthetic", "real")}
    for field in group_fields(encoding):
        if goal is not None and field.name == goal.name:
            continue
        for code in np.flatnonzero(np.minimum(field.counts("real"), field.counts("real") * n / m) >= fewest):
            inside = {part: field.values[part] == code for part in labels}
            rows = [int(inside[part].sum()) for part in labels]
            hits = [int((inside[part] & labels[part]).sum()) for part in labels]
            rest = [len(inside[part]) - k for part, k in zip(labels, rows, strict=True)]
            rest_hits = [int((~inside[part] & labels[part]).sum()) for part in labels]
            pairs = [(one[0], one[1]) for one in (rows, hits, rest, rest_hits)]
            found.append(Group(field.name, field.levels[code], *pairs))
    return found


def _positive(goal: Goal | None, part: str, encoding: TableEncoding) -> np.ndarray:
    """Rows with the label that is looked at: the second class, or a number above the real median."""
    if goal is None:
        return np.zeros(encoding.rows[part], bool)
    y = goal.y[part]
    if goal.task == "regression":
        return np.asarray(y > np.nanmedian(goal.y["real"]))
    return np.asarray(y == 1 if goal.task == "binary" else y == 0)


def positive_name(goal: Goal) -> str:
    """The label in words."""
    if goal.task == "regression":
        return "above the real median"
    return goal.classes[1] if goal.task == "binary" else goal.classes[0]


class _Fairness(TableMetric, ABC):
    axis: ClassVar[Axis] = "fairness"

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score, or why nothing was measured."""
        encoding = evidence.encoding
        if not group_fields(encoding):
            return self.unknown("No column is marked as holding groups of people.", _NEED_GROUPS)
        goal = goal_of(encoding, evidence.target or "")
        found = groups(encoding, goal)
        if not found:
            return self.unknown("No group has 20 rows or more.", "evaluate more rows")
        return (
            [self.measure(found, goal, encoding)]
            if goal
            else self.unknown("No column to predict was named, or it is constant.", NEED_TARGET)
        )

    @abstractmethod
    def measure(self, found: Sequence[Group], goal: Goal, encoding: TableEncoding) -> Score:
        """The score, once there is something to measure."""


class GroupShares(_Fairness):
    """Share of each group in the synthetic rows over its real share."""

    name: ClassVar[str] = "shares"
    label: ClassVar[str] = "Group sizes"
    summary: ClassVar[str] = "share of each group of people, against the real share"
    source: ClassVar[str] = "exact test on counts (Fisher 1935)"

    def measure(self, found: Sequence[Group], goal: Goal, encoding: TableEncoding) -> Score:
        """Value: the share ratio of the group that decides."""
        n, m = encoding.rows["synthetic"], encoding.rows["real"]
        findings = []
        for group in found:
            k, reference = group.rows
            expected = reference * n / m
            ratio = (k + 0.5) / (expected + 0.5)
            p = float(twosample.rates_p(np.array(k), n, np.array(reference), m))
            words = f"{group.column} {group.level!r} has {k:,} synthetic rows; {expected:,.0f} would be usual"
            low, high = (limit * n / expected for limit in twosample.rate_interval(k, n))
            where = {"column": group.column, "level": group.level}
            findings.append(Finding(abs(np.log(ratio)) / SHARE_FAIL, p, words, where, ratio, low, high))
        good = f"Groups are as large as among the real rows ({len(found)} compared)."
        fix = "make rows of the group with sample(..., where=), or fit on more of them"
        return self.from_findings(findings, good=good, fix=fix, better="near", references={"real": 1.0})


class GroupRates(_Fairness):
    """Does the label depend on the group as in the real rows? Difference of log odds ratios, group against rest."""

    name: ClassVar[str] = "rates"
    label: ClassVar[str] = "Outcomes by group"
    summary: ClassVar[str] = "odds of the label in each group against the rest, compared with the real odds"
    source: ClassVar[str] = "Woolf 1955"

    def measure(self, found: Sequence[Group], goal: Goal, encoding: TableEncoding) -> Score:
        """Value: the odds ratio in synthetic rows over that in real rows, of the group that decides."""
        label = positive_name(goal)
        findings = [_rate_finding(group, goal.name, label) for group in found]
        good = (
            f"{goal.name} depends on the groups ({len(found)}) as in the real rows: differences are kept, not removed."
        )
        fix = "fit on more rows of the group; compare its outcomes before use"
        return self.from_findings(
            findings,
            good=good,
            fix=fix,
            better="near",
            references={"real": 1.0},
            details={"figure": {"target": goal.name, "positive": label, "groups": _figure(found, encoding)}},
        )


def _rate_finding(group: Group, target: str, label: str) -> Finding:
    sides = []
    for i in (0, 1):
        a, b = group.positive[i], group.rows[i] - group.positive[i]
        c, d = group.others_positive[i], group.others[i] - group.others_positive[i]
        cells = np.array([a, b, c, d]) + 0.5  # Haldane's correction: empty cells stay finite
        sides.append((float(np.log(cells[0] * cells[3] / (cells[1] * cells[2]))), float((1 / cells).sum())))
    gap, error = sides[0][0] - sides[1][0], float(np.sqrt(sides[0][1] + sides[1][1]))
    p = float(2 * stats.norm.sf(abs(gap) / error))
    rates = [group.positive[i] / max(1, group.rows[i]) for i in (0, 1)]
    words = (
        f"{target} is {label!r} for {rates[0]:.1%} of {group.column} {group.level!r} in the synthetic rows "
        f"and for {rates[1]:.1%} in the real ones"
    )
    value = (float(np.exp(gap)), float(np.exp(gap - 1.96 * error)), float(np.exp(gap + 1.96 * error)))
    return Finding(abs(gap) / RATE_FAIL, p, words, {"column": group.column, "level": group.level}, *value)


def _figure(found: Sequence[Group], encoding: TableEncoding) -> list[dict[str, Any]]:
    sizes = encoding.rows["synthetic"], encoding.rows["real"]
    return [
        {
            "column": group.column,
            "group": group.level,
            "share_real": group.rows[1] / sizes[1],
            "share_synthetic": group.rows[0] / sizes[0],
            "rate_real": group.positive[1] / max(1, group.rows[1]),
            "rate_synthetic": group.positive[0] / max(1, group.rows[0]),
        }
        for group in found
    ]
