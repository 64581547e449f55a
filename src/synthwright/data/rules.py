"""All rules of a schema together: what is rewritten for learning, restored after drawing, and only checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Context
from synthwright.core.errors import ConstraintError
from synthwright.data.condition_tree import quoted
from synthwright.data.constraints import Rule, chain_of, check, columns_by_name, computed_of, condition_of, names_in
from synthwright.data.dataset import Dataset
from synthwright.data.rewrites import KINDS, Blank, Computed, Gap, Joint, OneHot, Rewrite, Shares, decimals_of
from synthwright.data.schema import Column, Schema


@dataclass(frozen=True)
class RulePlan:
    """The rules of one schema, fitted: what is rewritten, in which order it is restored, and what is only checked."""

    schema: Schema
    rewrites: tuple[Rewrite, ...]  # in the order of restoring

    @classmethod
    def fit(cls, data: Dataset, learned: Sequence[str], ctx: Context, *, protect: bool) -> Self:
        """Check the training rows and plan. learned: columns a model learns.

        Raises ConstraintError for broken rows (count, first three), for two rules that rewrite one column, and for
        rules on columns that are not learned.
        """
        made: list[tuple[Rule, Rewrite]] = []
        for rule in data.schema.constraints:
            _refuse_broken(rule, data)
            if rule["rule"] == "unique":
                if "columns" in rule:
                    raise ConstraintError(
                        "Uniqueness over several columns cannot be kept across blocks.",
                        where=f"rule {dict(rule)}",
                        fix="make one of the columns an identifier (role id), or state the rule for one column",
                    )
                continue  # the column is re-made by format
            absent = [name for name in names_in(rule, data.schema) if name not in learned]
            if absent:
                raise ConstraintError(
                    f"The rule speaks of {absent[0]!r}, which is not learned (role {data.schema[absent[0]].role}, "
                    f"kind {data.schema[absent[0]].kind}).",
                    where=f"rule {dict(rule)}",
                    fix="drop the rule, or change the column's role and kind in the schema",
                )
            made += [(rule, rewrite) for rewrite in _rewrites(rule, data, protect, ctx)]
        _refuse_conflicts(made)
        return cls(data.schema, _in_order(made))

    def learned_schema(self, schema: Schema, table: pa.Table) -> Schema:
        """The schema of learned columns: rewritten ones replaced, the others as they are."""
        gone = {name for rewrite in self.rewrites if rewrite.takes_away for name in rewrite.writes}
        columns = [column for column in schema.columns if column.name not in gone]
        for rewrite in self.rewrites:
            columns += [column for column, _ in rewrite.learn(table.slice(0, 1))]
        return Schema(modality=schema.modality, columns=tuple(columns))

    def transform(self, table: pa.Table) -> pa.Table:
        """Learned columns added; rewritten ones stay and are not selected."""
        for rewrite in self.rewrites:
            for column, cells in rewrite.learn(table):
                table = table.append_column(column.name, cells)
        return table

    def inverse(self, table: pa.Table, rng: np.random.Generator) -> pa.Table:
        """Rewritten columns made again, in the order in which they depend on each other."""
        cells = columns_by_name(table)
        for rewrite in self.rewrites:
            made = rewrite.restore(cells, rng)
            cells.update({k: pa.chunked_array([v]) if isinstance(v, pa.Array) else v for k, v in made.items()})
        return pa.table(cells)

    def satisfied(self, data: Dataset) -> np.ndarray:
        """For each complete row, whether it keeps all rules, and all bounds of columns that rules rewrite."""
        good = np.ones(data.arrow.num_rows, dtype=bool)
        for rule in self.schema.constraints:
            if rule["rule"] != "unique":
                good &= ~check(rule, data)
        for name in self.rewritten:
            column = self.schema[name]
            low, high = column.bounds or (None, None)
            if low is not None or high is not None:
                good &= ~check({"rule": "range", "column": name, "low": low, "high": high}, data)
            if not column.nullable:
                good &= pc.is_valid(data.arrow.column(name)).to_numpy().astype(bool)
        return good

    @property
    def rewritten(self) -> tuple[str, ...]:
        """Columns that rules write."""
        return tuple(dict.fromkeys(name for rewrite in self.rewrites for name in rewrite.writes))

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document; the schema is kept by the preparation."""
        return {"rewrites": [rewrite.to_json() for rewrite in self.rewrites]}

    @classmethod
    def from_json(cls, document: Mapping[str, Any], schema: Schema) -> Self:
        """The inverse of `to_json`. Raises KeyError for an unknown kind."""
        return cls(schema, tuple(KINDS[one["kind"]].from_json(one) for one in document["rewrites"]))


def _refuse_broken(rule: Rule, data: Dataset) -> None:
    rows = np.flatnonzero(check(rule, data))
    if not len(rows):
        return
    names = list(names_in(rule, data.schema))
    shown = data.arrow.select(names).take(pa.array(rows[:3])).to_pylist()
    cells = "; ".join(
        f"row {row}: " + ", ".join(f"{quoted(name)}={value!r}" for name, value in values.items())
        for row, values in zip(rows, shown, strict=False)
    )
    raise ConstraintError(
        f"{len(rows):,} of {data.arrow.num_rows:,} rows break the rule: {cells}.",
        where=f"rule {dict(rule)}",
        fix="correct or drop these rows (`constraints.check(rule, data)` marks them), or drop the rule",
    )


def _rewrites(rule: Rule, data: Dataset, protect: bool, ctx: Context) -> list[Rewrite]:
    name, table = rule["rule"], data.arrow
    if name in ("lt", "le"):
        chain = chain_of(rule)
        return [Gap.fit(table, left, right, is_strict=name == "lt", protect=protect) for left, right in pairwise(chain)]
    if name == "fixed_combinations":
        return [Joint.fit(table, tuple(rule["columns"]), protect=protect)]
    if name == "one_hot":
        names = tuple(rule["columns"])
        return [OneHot(names, tuple(str(table.schema.field(n).type) for n in names))]
    if name == "null_if":
        if not data.schema[rule["column"]].nullable:
            raise ConstraintError(
                f"{rule['column']!r} is not nullable.", where=f"rule {dict(rule)}", fix="set nullable"
            )
        return [Blank(rule["column"], condition_of(rule, data.schema).text, data.schema.names)]
    if name in ("sum", "linear", "formula"):
        return [_result_rewrite(rule, table)]
    if name == "predicate":
        ctx.note("N019", "kept by rejection: draws that break it are made anew", f"rule {dict(rule)}")
    return []


def _result_rewrite(rule: Rule, table: pa.Table) -> Rewrite:
    if "result" not in rule:
        return _constant_total(rule, table)
    exact = computed_of(rule, table, None).values(columns_by_name(table))
    cells = table.column(rule["result"])
    found = np.array(pc.fill_null(cells.cast(pa.float64(), safe=False), float("nan")).to_numpy(), dtype=np.float64)
    return computed_of(rule, table, decimals_of(found) if not np.array_equal(exact, found, equal_nan=True) else None)


def _constant_total(rule: Rule, table: pa.Table) -> Rewrite:
    names = tuple(str(name) for name in rule["columns"])
    weights = [float(w) for w in rule.get("weights", [1.0] * len(names))]
    total = float(rule["equals"])
    cells = [np.array(table.column(name).cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64) for name in names]
    dtypes = tuple(str(table.schema.field(name).type) for name in names)
    decimals = [decimals_of(part) for part in cells]
    coarse = max((d for d in decimals if d is not None), default=None) if None not in decimals else None
    has_missing = any(np.isnan(part).any() for part in cells)
    if set(weights) == {1.0} and not has_missing and all((part >= 0).all() for part in cells):
        return Shares(names, dtypes, total, coarse)
    last = weights[-1]
    inner = tuple(-w / last for w in weights[:-1])
    return Computed(names[-1], names[:-1], inner, total / last, "sum", dtypes[-1], decimals[-1])


def _refuse_conflicts(made: Sequence[tuple[Rule, Rewrite]]) -> None:
    owner: dict[str, Rule] = {}
    for rule, rewrite in made:
        if not rewrite.takes_away:
            continue
        for name in rewrite.writes:
            if name in owner:
                raise ConstraintError(
                    f"Two rules rewrite {name!r}: {dict(owner[name])} and {dict(rule)}.",
                    where=f"column {name!r}",
                    fix="drop one of them, or state it as a predicate (kept by rejection)",
                )
            owner[name] = rule


def _in_order(made: Sequence[tuple[Rule, Rewrite]]) -> tuple[Rewrite, ...]:
    """Rewrites so that each comes after those that write what it reads. Raises ConstraintError for a circle."""
    waiting, ordered = list(made), []
    while waiting:
        ready = next((one for one in waiting if not _waits(one[1], [other[1] for other in waiting])), None)
        if ready is None:
            raise ConstraintError(
                f"Rules depend on each other in a circle: {'; '.join(str(dict(rule)) for rule, _ in waiting)}.",
                where="constraints",
                fix="drop one of them, or state it as a predicate (kept by rejection)",
            )
        waiting = [one for one in waiting if one[1] is not ready[1]]
        ordered.append(ready[1])
    return tuple(ordered)


def _waits(rewrite: Rewrite, others: Sequence[Rewrite]) -> bool:
    return any(other is not rewrite and set(other.writes) & set(rewrite.reads) for other in others)


def bounds_free(columns: Sequence[Column], names: Sequence[str]) -> tuple[Column, ...]:
    """The columns with bounds and missing cells unlimited for `names`: rows between restoring and rejection."""
    free = {"bounds": None, "nullable": True}
    return tuple(column.model_copy(update=free) if column.name in names else column for column in columns)
