"""Do synthetic rows keep the rules of the schema, and the rules that every real row keeps without being told?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from typing import Any, ClassVar

import numpy as np

from synthwright.classic import twosample
from synthwright.classic.association import joint_counts
from synthwright.core.context import Context
from synthwright.data.schema import rule_columns
from synthwright.evaluate.encoding import MISSING, TableEncoding
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.verdict import Finding, TableMetric

MINED_FAIL = 0.02  # share of rows that break a dependency nobody declared
_PURITY = 0.9995  # share of real rows that keep a mined dependency
_LEVELS_MOST, _COLUMNS_MOST = 60, 25


class Rules(TableMetric):
    """Rows that break a declared rule (one is enough to fail), or a dependency that all real rows keep.

    Mined dependencies: column a determines column b (levels or whole numbers with at most 60 values) in 99.95 % of
    the real rows, with 20 rows for at least two values of a.
    """

    name: ClassVar[str] = "rules"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Rules between columns"
    summary: ClassVar[str] = "rows that break a rule of the schema, or a dependency that all real rows keep"
    source: ClassVar[str] = "exact test on counts (Fisher 1935)"

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the share of synthetic rows that break the rule that decides."""
        encoding = evidence.encoding
        present = set(evidence.synthetic.schema.names)
        findings = []
        for rule in evidence.train.schema.constraints:
            if rule_columns(rule) <= present:
                findings.append(_declared(rule, evidence))
            else:
                ctx.note(
                    "E006", f"a rule was not judged, the synthetic data lack a column of it: {dict(rule)}", "rules"
                )
        mined = list(_mined(encoding))
        findings += mined
        if not findings:
            why = "The schema has no rules, and no column determines another one in the real rows."
            return self.unknown(why, "declare rules in the schema: constraints=({'rule': 'le', ...},)")
        declared = len(findings) - len(mined)
        good = f"No row breaks the {declared} declared rules or the {len(mined)} dependencies found in the real rows."
        fix = "declare the rule in the schema (constraints): sampling then keeps it in every row"
        return [self.from_findings(findings, good=good, fix=fix, better="lower", references={"real": 0.0})]


def _declared(rule: Mapping[str, Any], evidence: Evidence) -> Finding:
    from synthwright.data.constraints import check

    encoding: TableEncoding = evidence.encoding
    if rule["rule"] == "fixed_combinations":
        broken, real = _new_combinations(encoding, rule["columns"]), 0
        m = encoding.rows["real"]
    else:
        broken = check(rule, evidence.synthetic)
        known = [part for part in (evidence.train, evidence.holdout) if part is not None]
        real, m = sum(int(check(rule, part).sum()) for part in known), sum(len(part) for part in known)
    k, n = int(broken.sum()), len(broken)
    words = f"{k:,} of {n:,} synthetic rows break the rule {_spoken(rule)}; {real:,} of {m:,} real rows do"
    where = {"rule": dict(rule), "rows": np.flatnonzero(broken)[:5].tolist()}
    low, high = twosample.rate_interval(k, n)
    if real == 0:  # a rule that all real rows keep is hard: one broken row is a fault, not a chance
        return Finding(9.0 if k else 0.0, 0.0 if k else 1.0, words, where, k / n, low, high)
    _, p = twosample.rates_tails(np.array(k), n, np.array(real), m)
    return Finding((k / n - real / m) / MINED_FAIL, float(p), words, where, k / n, low, high)


def _spoken(rule: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in rule.items() if key != "rule") + f" ({rule['rule']})"


def _new_combinations(encoding: TableEncoding, names: Sequence[str]) -> np.ndarray:
    """Synthetic rows whose combination of these columns no real row has; columns that are not judged are left out."""
    fields = [encoding[name] for name in names if name in encoding.index]
    rows = {
        part: np.column_stack([np.nan_to_num(f.values[part], nan=-1.0) for f in fields])
        for part in ("synthetic", "real")
    }
    _, inverse = np.unique(np.concatenate([rows["real"], rows["synthetic"]]), axis=0, return_inverse=True)
    inverse = inverse.reshape(-1)
    m = encoding.rows["real"]
    return ~np.isin(inverse[m:], inverse[:m])


def _mined(encoding: TableEncoding) -> Iterator[Finding]:
    """Dependencies a -> b of the real rows, and how many synthetic rows break them."""
    coded = _coded(encoding)
    n = encoding.rows["synthetic"]
    for a, b in permutations(coded, 2):
        (left, size_a), (right, size_b) = coded[a], coded[b]
        real = joint_counts(left["real"], right["real"], (size_a, size_b))
        best = real.argmax(axis=1)
        kept = real[np.arange(size_a), best]
        rows = real.sum()
        frequent = real.sum(axis=1) >= 20
        if kept.sum() < _PURITY * rows or frequent.sum() < 2 or real.sum(axis=0).max() > 0.9 * rows:
            continue
        if len(np.unique(best[frequent])) < 2:
            continue
        here = joint_counts(left["synthetic"], right["synthetic"], (size_a, size_b))
        here[real.sum(axis=1) < 20] = 0  # what a rare value determines is not known
        k = int(here.sum() - here[np.arange(size_a), best].sum())
        _, p = twosample.rates_tails(np.array(k), n, np.array(int(rows - kept.sum())), int(rows))
        words = f"{a} determines {b} in the real rows; {k:,} of {n:,} synthetic rows break it"
        low, high = twosample.rate_interval(k, n)
        yield Finding(k / n / MINED_FAIL, float(p), words, {"columns": [a, b]}, k / n, low, high, warn=0.2)


def _coded(encoding: TableEncoding) -> dict[str, tuple[dict[str, np.ndarray], int]]:
    """Columns with few values as codes 0..size-1 of all parts; a gap is a value."""
    found: dict[str, tuple[dict[str, np.ndarray], int]] = {}
    for field in encoding.fields:
        if len(found) == _COLUMNS_MOST:
            break
        parts = ("real", "synthetic")
        if field.is_number:
            if field.column.kind != "integer":
                continue
            values = np.unique(field.present("real"))
            if not 2 <= len(values) <= _LEVELS_MOST:
                continue
            codes = {}
            for part in parts:
                place = np.searchsorted(values, field.values[part])
                known = np.isin(field.values[part], values)
                codes[part] = np.where(known, place, np.where(field.missing(part), len(values), len(values) + 1))
            found[field.name] = codes, len(values) + 2
        elif 2 <= len(field.levels) <= _LEVELS_MOST:
            size = len(field.levels) + 1
            found[field.name] = (
                {p: np.where(field.values[p] == MISSING, size - 1, field.values[p]) for p in parts},
                size,
            )
    return found
