"""Rules that every row keeps, as data: checked on any table; `rules` keeps them by construction where possible.

    {"rule": "range", "column": "age", "low": 0, "high": 120}
    {"rule": "lt", "left": "admitted", "right": "discharged"}         also "le"; chains: "columns": ["a", "b", "c"]
    {"rule": "fixed_combinations", "columns": ["city", "state"]}
    {"rule": "sum", "columns": ["rent", "food"], "result": "costs"}   or "equals": 100
    {"rule": "linear", "columns": ["a", "b"], "weights": [1, -2], "result": "c"}   or "equals"
    {"rule": "formula", "result": "total", "left": "price", "op": "*", "right": "units"}   op: * / + -
    {"rule": "one_hot", "columns": ["is_a", "is_b"]}
    {"rule": "null_if", "column": "weeks", "condition": "pregnant == False"}
    {"rule": "not_null", "column": "age"}
    {"rule": "unique", "column": "code"}
    {"rule": "predicate", "condition": "not (minor and married)"}

Comparisons with a missing cell count as kept. Formulas hold up to 1e-6 of the value, or half a unit of the last
decimal that the result column shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.errors import ConditionError, ConstraintError, did_you_mean, listing
from synthwright.data.condition_tree import scalar_for, truth
from synthwright.data.conditions import Condition, parse_condition
from synthwright.data.dataset import Dataset
from synthwright.data.rewrites import Computed, combinations, decimals_of
from synthwright.data.schema import Schema

Rule = Mapping[str, Any]
_CLOSE = 1e-6  # relative tolerance of formulas and sums
_KEYS: dict[str, tuple[set[str], set[str]]] = {  # rule: (needed keys, further keys)
    "range": ({"column"}, {"low", "high"}),
    "lt": (set(), {"left", "right", "columns"}),
    "le": (set(), {"left", "right", "columns"}),
    "fixed_combinations": ({"columns"}, set()),
    "sum": ({"columns"}, {"result", "equals"}),
    "linear": ({"columns", "weights"}, {"result", "equals"}),
    "formula": ({"result", "left", "op", "right"}, set()),
    "one_hot": ({"columns"}, set()),
    "null_if": ({"column", "condition"}, set()),
    "not_null": ({"column"}, set()),
    "unique": (set(), {"column", "columns"}),
    "predicate": ({"condition"}, set()),
}


def check(rule: Rule, data: Dataset, *, reference: Dataset | None = None) -> np.ndarray:
    """For each row, whether it breaks the rule.

    reference: the real table, which says what combinations exist; without one, `fixed_combinations` cannot be broken.
    Raises ConstraintError when the rule does not fit the schema.
    """
    validate(rule, data.schema)
    if rule["rule"] == "fixed_combinations" and reference is not None:
        return _outside_combinations(tuple(rule["columns"]), data, reference)
    return _CHECKS[rule["rule"]](rule, data)


def validate(rule: Rule, schema: Schema) -> None:
    """Raise ConstraintError unless the rule is known, complete, and speaks of columns that exist."""
    name = rule.get("rule")
    place = f"rule {dict(rule)}"
    if name not in _KEYS:
        raise ConstraintError(
            f"Unknown rule {name!r}.{did_you_mean(str(name), _KEYS)}",
            where=place,
            fix=f"use one of: {listing(_KEYS, 20)}",
        )
    needed, further = _KEYS[name]
    given = set(rule) - {"rule"}
    if needed - given or given - needed - further:
        wrong = [f"missing: {listing(sorted(needed - given))}"] * bool(needed - given)
        wrong += [f"unknown: {listing(sorted(given - needed - further))}"] * bool(given - needed - further)
        raise ConstraintError(
            f"The rule {name!r} has wrong keys ({'; '.join(wrong)}).",
            where=place,
            fix=f"needed: {listing(sorted(needed)) or 'nothing'}; allowed too: {listing(sorted(further)) or 'nothing'}",
        )
    for column in names_in(rule, schema):
        if column not in schema:
            raise ConstraintError(
                f"The rule speaks of an unknown column {column!r}.{did_you_mean(column, schema.names)}",
                where=place,
                fix=f"columns: {listing(schema.names)}",
            )
    _validate_values(rule, schema, place)


def _validate_values(rule: Rule, schema: Schema, place: str) -> None:
    name = rule["rule"]
    problem = ""
    if name in ("lt", "le") and len(chain_of(rule)) < 2:
        problem = "it needs left and right, or at least two columns"
    elif name in ("sum", "linear") and ("result" in rule) == ("equals" in rule):
        problem = "it needs either a result column or a constant under equals"
    elif name == "linear" and len(rule["weights"]) != len(rule["columns"]):
        problem = f"{len(rule['columns'])} columns have {len(rule['weights'])} weights"
    elif name == "formula" and rule["op"] not in ("*", "/", "+", "-"):
        problem = f"op {rule['op']!r} is none of * / + -"
    elif name == "unique" and ("column" in rule) == ("columns" in rule):
        problem = "it needs either a column or columns"
    elif name in ("one_hot", "fixed_combinations") and len(rule["columns"]) < 2:
        problem = "it needs at least two columns"
    elif name == "range" and rule.get("low") is None and rule.get("high") is None:
        problem = "it needs low or high"
    if name in ("lt", "le", "sum", "linear", "formula", "range"):
        texts = [c for c in names_in(rule, schema) if not schema[c].is_numeric]
        if texts:
            problem = f"{texts[0]!r} is of kind {schema[texts[0]].kind}, not a number or moment"
    if problem:
        raise ConstraintError(
            f"The rule {name!r} is wrong: {problem}.", where=place, fix="correct the rule in the schema"
        )


def names_in(rule: Rule, schema: Schema) -> tuple[str, ...]:
    """Columns the rule speaks of, those of its condition included."""
    found: list[str] = []
    for key in ("column", "left", "right", "result", "columns"):
        value = rule.get(key)
        found += (
            [value]
            if isinstance(value, str)
            else [str(item) for item in value]
            if isinstance(value, list | tuple)
            else []
        )
    if "condition" in rule:
        try:
            found += condition_of(rule, schema).columns
        except ConditionError as error:
            raise ConstraintError(error.what, where=f"rule {dict(rule)}", fix=error.fix) from error
    return tuple(dict.fromkeys(found))


def condition_of(rule: Rule, schema: Schema) -> Condition:
    """The rule's condition; it may name levels that samples never have, so lists of unordered levels do not matter."""
    columns = tuple(c if c.kind == "ordinal" else c.model_copy(update={"categories": None}) for c in schema.columns)
    return parse_condition(rule["condition"], schema.model_copy(update={"columns": columns}))


def chain_of(rule: Rule) -> list[str]:
    """Columns of an order rule, lowest first."""
    if "columns" in rule:
        return [str(name) for name in rule["columns"]]
    return [str(rule[key]) for key in ("left", "right") if key in rule]


# -- checks: True where a row breaks the rule


def _truths(node_or_cells: pa.ChunkedArray | pa.Array) -> np.ndarray:
    return np.asarray(pc.fill_null(node_or_cells, False).to_numpy(zero_copy_only=False), dtype=bool)


def _check_range(rule: Rule, data: Dataset) -> np.ndarray:
    cells = data.arrow.column(rule["column"])
    broken = np.zeros(len(cells), dtype=bool)
    for key, compare in (("low", pc.less), ("high", pc.greater)):
        if rule.get(key) is not None:
            cells_ = cells.cast(pa.float64()) if pa.types.is_decimal(cells.type) else cells
            broken |= _truths(compare(cells_, scalar_for(rule[key], cells_.type)))
    return broken


def _refuse_mixed(rule: Rule, table: pa.Table, left: str, right: str) -> None:
    a, b = table.schema.field(left).type, table.schema.field(right).type
    if (pa.types.is_temporal(a) or pa.types.is_temporal(b)) and a != b:
        raise ConstraintError(
            f"{left!r} ({a}) and {right!r} ({b}) have different types.",
            where=f"rule {dict(rule)}",
            fix="store both in one type",
        )


def _check_order(rule: Rule, data: Dataset) -> np.ndarray:
    names = chain_of(rule)
    broken = np.zeros(data.arrow.num_rows, dtype=bool)
    wrong = pc.greater_equal if rule["rule"] == "lt" else pc.greater
    for left, right in pairwise(names):
        _refuse_mixed(rule, data.arrow, left, right)
        broken |= _truths(wrong(data.arrow.column(left), data.arrow.column(right)))
    return broken


def _check_result(rule: Rule, data: Dataset) -> np.ndarray:
    """Sums, linear rules and formulas."""
    computed = computed_of(rule, data.arrow, None)
    wanted = computed.values(columns_by_name(data.arrow))
    if "result" in rule:
        cells = data.arrow.column(rule["result"])
        is_known = pc.is_valid(cells).to_numpy().astype(bool)
        found = np.array(pc.fill_null(cells.cast(pa.float64(), safe=False), 0.0).to_numpy(), dtype=np.float64)
    else:
        is_known = ~np.isnan(wanted)
        found = np.full(len(wanted), float(rule["equals"]))
    size = np.maximum(np.abs(wanted), np.abs(found))
    decimals = decimals_of(found[is_known]) if "result" in rule else None
    unit = 0.5 * 10.0**-decimals * (1 + 1e-9) if decimals is not None else 0.0
    off = np.abs(found - wanted) > np.maximum(_CLOSE * size, unit)
    return np.asarray(np.where(is_known & ~np.isnan(wanted), off, is_known != ~np.isnan(wanted)))


def _check_combinations(rule: Rule, data: Dataset) -> np.ndarray:
    return np.zeros(data.arrow.num_rows, dtype=bool)  # the training table defines what is allowed


def _outside_combinations(names: tuple[str, ...], data: Dataset, reference: Dataset) -> np.ndarray:
    codes, found = combinations(data.arrow, names)
    allowed = set(combinations(reference.arrow, names)[1])
    return np.asarray(np.array([key not in allowed for key in found])[codes])


def _check_one_hot(rule: Rule, data: Dataset) -> np.ndarray:
    cells = [data.arrow.column(name) for name in rule["columns"]]
    flags = np.column_stack([np.asarray(pc.fill_null(c.cast(pa.float64()) if not pa.types.is_boolean(c.type)
                             else c.cast(pa.int8()), -1).to_numpy()) for c in cells])  # fmt: skip
    legal = ((flags == 0) | (flags == 1)).all(1)
    return np.asarray(~legal | (flags.sum(1) != 1))


def _check_null_if(rule: Rule, data: Dataset) -> np.ndarray:
    is_known = np.asarray(pc.is_valid(data.arrow.column(rule["column"])).to_numpy(), dtype=bool)
    return np.asarray(condition_of(rule, data.schema).mask(data) & is_known)


def _check_not_null(rule: Rule, data: Dataset) -> np.ndarray:
    return np.asarray(pc.is_null(data.arrow.column(rule["column"])).to_numpy(), dtype=bool)


def _check_unique(rule: Rule, data: Dataset) -> np.ndarray:
    names = rule.get("columns") or [rule["column"]]
    table = data.arrow.select(list(names)).append_column("row number", pa.array(np.arange(data.arrow.num_rows)))
    first = table.group_by(list(names)).aggregate([("row number", "min")]).column("row number_min").to_numpy()
    broken = np.ones(table.num_rows, dtype=bool)
    broken[first] = False
    for name in names:  # missing cells are no duplicates
        broken &= pc.is_valid(table.column(name)).to_numpy().astype(bool)
    return broken


def _check_predicate(rule: Rule, data: Dataset) -> np.ndarray:
    return _truths(pc.invert(truth(condition_of(rule, data.schema).node, data.arrow)))


_CHECKS: dict[str, Callable[[Rule, Dataset], np.ndarray]] = {
    "range": _check_range,
    "lt": _check_order,
    "le": _check_order,
    "fixed_combinations": _check_combinations,
    "sum": _check_result,
    "linear": _check_result,
    "formula": _check_result,
    "one_hot": _check_one_hot,
    "null_if": _check_null_if,
    "not_null": _check_not_null,
    "unique": _check_unique,
    "predicate": _check_predicate,
}


def columns_by_name(table: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The table's columns by name."""
    return dict(zip(table.column_names, table.columns, strict=True))


def computed_of(rule: Rule, table: pa.Table, decimals: int | None) -> Computed:
    """The result column of a sum, linear rule or formula; for a constant total the sum itself."""
    result = str(rule.get("result", ""))
    dtype = str(table.schema.field(result).type) if result else "double"
    if rule["rule"] != "formula":
        names = tuple(str(name) for name in rule["columns"])
        weights = tuple(float(w) for w in rule.get("weights", [1.0] * len(names)))
        return Computed(result, names, weights, 0.0, "sum", dtype, decimals)
    sides = [rule["left"], rule["right"]]
    parts = tuple(side for side in sides if isinstance(side, str))
    constant = float(sides[1]) if not isinstance(sides[1], str) else 0.0
    if rule["op"] in ("*", "/"):
        return Computed(result, parts, (), constant, rule["op"], dtype, decimals)
    sign = 1.0 if rule["op"] == "+" else -1.0
    return Computed(result, parts, (1.0, sign)[: len(parts)], sign * constant, "sum", dtype, decimals)
