import datetime as dt
import json

import numpy as np
import pyarrow as pa
import pytest

from synthwright.core.context import Context
from synthwright.core.errors import ConstraintError
from synthwright.data.constraints import check
from synthwright.data.encode import Codec
from synthwright.data.prepare import Preparation
from synthwright.data.schema import Column, Schema
from synthwright.data.table import Table

N = 2000


def _kind(dtype: pa.DataType) -> str:
    if pa.types.is_temporal(dtype):
        return "datetime"
    if pa.types.is_boolean(dtype):
        return "boolean"
    return "integer" if pa.types.is_integer(dtype) else "category" if pa.types.is_string(dtype) else "number"


def make(cells: dict[str, object], *rules: dict[str, object]) -> Table:
    table = pa.table(cells)
    columns = tuple(Column(name=f.name, kind=_kind(f.type), dtype=str(f.type)) for f in table.schema)
    return Table({"rows": table}, Schema(columns=columns, constraints=rules))


def _cells() -> dict[str, object]:
    rng = np.random.default_rng(0)
    low, dose = rng.integers(0, 100, N), np.round(rng.exponential(10, N), 2)
    units, price = rng.integers(1, 9, N), np.round(rng.uniform(1, 20, N), 2)
    shares = np.floor(rng.dirichlet([1, 2, 3], N) * 100).astype(int)
    flags = np.eye(3, dtype=int)[rng.integers(0, 3, N)]
    city = rng.choice(["Rome", "Milan", "Oslo", "Bergen"], N)
    smokes = rng.random(N) < 0.3
    start = [dt.date(2020, 1, 1) + dt.timedelta(int(i)) for i in rng.integers(0, 300, N)]
    rent, food = rng.integers(100, 200, N), rng.integers(10, 90, N)
    return {
        "low": pa.array(low, mask=rng.random(N) < 0.05),
        "high": low + rng.integers(1, 50, N),
        "first": dose,
        "second": np.round(dose + np.round(rng.exponential(3, N), 2), 2),
        "start": start,
        "stop": [s + dt.timedelta(int(i)) for s, i in zip(start, rng.integers(0, 30, N), strict=True)],
        "units": units,
        "price": price,
        "total": np.round(units * price, 2),
        "a": shares[:, 0],
        "b": shares[:, 1],
        "c": 100 - shares[:, 0] - shares[:, 1],
        "is_x": flags[:, 0],
        "is_y": flags[:, 1].astype(bool),
        "is_z": flags[:, 2].astype(float),
        "city": city,
        "country": np.where(np.isin(city, ["Rome", "Milan"]), "IT", "NO"),
        "smokes": smokes,
        "packs": pa.array(rng.integers(1, 40, N), mask=~smokes),
        "rent": rent,
        "food": food,
        "costs": rent + food,
    }


CELLS = _cells()
RULES = [
    {"rule": "lt", "left": "low", "right": "high"},
    {"rule": "le", "left": "first", "right": "second"},
    {"rule": "le", "left": "start", "right": "stop"},
    {"rule": "formula", "result": "total", "left": "units", "op": "*", "right": "price"},
    {"rule": "sum", "columns": ["a", "b", "c"], "equals": 100},
    {"rule": "one_hot", "columns": ["is_x", "is_y", "is_z"]},
    {"rule": "fixed_combinations", "columns": ["city", "country"]},
    {"rule": "null_if", "column": "packs", "condition": "not smokes"},
    {"rule": "sum", "columns": ["rent", "food"], "result": "costs"},
]
BY_REJECTION = [
    {"rule": "predicate", "condition": "rent > food"},
    {"rule": "range", "column": "price", "low": 1, "high": 20},
    {"rule": "not_null", "column": "price"},
]
DATA = make(CELLS, *RULES, *BY_REJECTION)


def _noise(data: Table, codec: Codec, n: int, rng: np.random.Generator) -> Table:
    """Rows that share nothing with the data but the ranges: uniform numbers, uniform levels, missing at random."""
    values = {}
    for column in codec.columns:
        if column.kind == "level":
            values[column.name] = rng.integers(0, column.n_levels, n).astype(np.int32)
        else:
            wide = column.high - column.low
            cells = rng.uniform(column.low - wide, column.high + wide, n)
            values[column.name] = np.where(rng.random(n) < 0.1 * column.missing, np.nan, cells)
    return codec.from_values(values, rng)


@pytest.mark.parametrize("protect", [True, False])
def test_rules_hold_by_construction_on_ten_thousand_rows_of_noise(protect):
    data, rng = make(CELLS, *RULES), np.random.default_rng(0)
    plan = Preparation.fit(data, Context(rng), protect=protect)
    learned = plan.learned(data)
    rows = plan.restore(_noise(data, Codec.fit(learned, protect=protect), 10_000, rng), rng)
    broken = {str(rule): int(check(rule, rows, reference=data).sum()) for rule in RULES}
    assert broken == dict.fromkeys(map(str, RULES), 0)


def test_order_and_totals_hold_for_draws_that_no_codec_has_bounded():
    rng = np.random.default_rng(0)
    rules = [
        {"rule": "lt", "left": "low", "right": "high"},
        {"rule": "le", "left": "first", "right": "second"},
        {"rule": "sum", "columns": ["a", "b", "c"], "equals": 100},
    ]
    data = make({name: CELLS[name] for name in ("low", "high", "first", "second", "a", "b", "c")}, *rules)
    plan = Preparation.fit(data, Context(rng))
    wild = pa.table(
        {f.name: pa.array(rng.normal(0, 1e4, N)).cast(f.type, safe=False) for f in plan.learned(data).arrow.schema}
    )
    rows = plan.restore(Table({"rows": wild}, plan.learned_schema), rng)
    assert [int(check(rule, rows).sum()) for rule in rules] == [0, 0, 0]
    assert min(rows[name].to_numpy().min() for name in ("a", "b", "c")) >= 0


def test_rewritten_rows_come_back_exactly():
    plan = Preparation.fit(DATA, Context(np.random.default_rng(0)), protect=False)
    back = plan.restore(plan.learned(DATA), np.random.default_rng(0))
    assert back.arrow.equals(DATA.arrow)
    assert plan.satisfied(back).all()


def test_a_saved_plan_keeps_the_rules_alike():
    plan = Preparation.fit(DATA, Context(np.random.default_rng(0)))
    again = Preparation.from_json(json.loads(json.dumps(plan.to_json())))
    drawn = plan.learned(DATA)
    first, second = (p.restore(drawn, np.random.default_rng(1)) for p in (plan, again))
    assert first.arrow.equals(second.arrow)
    assert np.array_equal(plan.satisfied(first), again.satisfied(second))


def test_rules_without_a_construction_are_checked_row_by_row():
    plan = Preparation.fit(DATA, Context(np.random.default_rng(0)), protect=False)
    rows = plan.restore(plan.learned(DATA), np.random.default_rng(0)).arrow.slice(0, 3)
    place = rows.column_names.index("price")
    rows = rows.set_column(place, "price", pa.array([0.5, None, 2.0]))
    found = Table({"rows": rows}, DATA.schema)
    assert [int(check(rule, found).sum()) for rule in BY_REJECTION] == [0, 1, 1]
    assert plan.satisfied(found)[:2].tolist() == [False, False]


def test_a_predicate_is_told_as_a_note():
    ctx = Context(np.random.default_rng(0))
    Preparation.fit(DATA, ctx)
    assert "N019" in [note.code for note in ctx.notes]


def test_a_chain_is_kept_link_by_link():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 9, 300)
    cells = {"a": a, "b": a + rng.integers(0, 5, 300), "c": a + 5 + rng.integers(0, 5, 300)}
    data = make(cells, {"rule": "le", "columns": ["a", "b", "c"]})
    plan = Preparation.fit(data, Context(rng))
    assert plan.learned(data).schema.names == ("a", "b - a", "c - b")
    rows = plan.restore(_noise(data, Codec.fit(plan.learned(data)), 3000, rng), rng)
    assert not check(data.schema.constraints[0], rows).any()


@pytest.mark.parametrize(("op", "f"), [("+", np.add), ("-", np.subtract), ("*", np.multiply), ("/", np.divide)])
def test_formulas_of_all_four_kinds_are_computed(op, f):
    rng = np.random.default_rng(0)
    a, b = np.round(rng.uniform(1, 9, 200), 2), np.round(rng.uniform(1, 9, 200), 2)
    data = make({"a": a, "b": b, "c": f(a, b)}, {"rule": "formula", "result": "c", "left": "a", "op": op, "right": "b"})
    plan = Preparation.fit(data, Context(rng))
    assert plan.learned(data).schema.names == ("a", "b")
    assert plan.restore(plan.learned(data), rng)["c"].to_numpy() == pytest.approx(f(a, b), rel=1e-12)


def test_a_formula_with_a_constant_and_a_linear_rule_hold():
    rng = np.random.default_rng(0)
    a, b = rng.integers(1, 50, 200), rng.integers(1, 50, 200)
    rules = (
        {"rule": "formula", "result": "twice", "left": "a", "op": "*", "right": 2},
        {"rule": "linear", "columns": ["a", "b"], "weights": [3, -1], "result": "mix"},
    )
    data = make({"a": a, "b": b, "twice": 2 * a, "mix": 3 * a - b}, *rules)
    plan = Preparation.fit(data, Context(rng))
    assert plan.restore(plan.learned(data), rng).arrow.equals(data.arrow)


def test_a_linear_rule_with_a_constant_computes_the_last_column():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 50, 200)
    data = make({"a": a, "b": 7 - 2 * a}, {"rule": "linear", "columns": ["a", "b"], "weights": [2, 1], "equals": 7})
    plan = Preparation.fit(data, Context(rng))
    assert plan.learned(data).schema.names == ("a",)
    assert plan.restore(plan.learned(data), rng).arrow.equals(data.arrow)


def test_rare_combinations_do_not_come_back():
    cells = {"city": ["Rome"] * 60 + ["Oslo"] * 60 + ["Rome"] * 2, "land": ["IT"] * 60 + ["NO"] * 60 + ["Lazio"] * 2}
    data = make(cells, {"rule": "fixed_combinations", "columns": ["city", "land"]})
    plan = Preparation.fit(data, Context(np.random.default_rng(0)))
    assert "Lazio" not in json.dumps(plan.to_json())
    rows = plan.restore(plan.learned(data), np.random.default_rng(0))
    assert set(zip(rows["city"].to_pylist(), rows["land"].to_pylist(), strict=True)) == {("Rome", "IT"), ("Oslo", "NO")}


def test_a_unique_column_is_re_made_by_its_format():
    data = make({"code": np.arange(100, 400), "x": np.arange(300) % 7}, {"rule": "unique", "column": "code"})
    plan = Preparation.fit(data, Context(np.random.default_rng(0)))
    rows = plan.identify(plan.restore(plan.learned(data), np.random.default_rng(0)), 0)
    assert not check({"rule": "unique", "column": "code"}, rows).any()
    assert plan.learned(data).schema.names == ("x",)


def test_repeated_cells_break_uniqueness_from_the_second_on():
    data = make({"a": pa.array([1, 1, 2, None, None]), "b": [1, 1, 1, 1, 1]})
    assert check({"rule": "unique", "column": "a"}, data).tolist() == [False, True, False, False, False]
    assert check({"rule": "unique", "columns": ["a", "b"]}, data).tolist() == [False, True, False, False, False]


def test_computed_cells_outside_their_bounds_are_drawn_anew():
    schema = make(CELLS, {"rule": "sum", "columns": ["rent", "food"], "result": "costs"}).schema
    bounded = schema.edit(costs={"bounds": (0, 285)})
    keep = np.flatnonzero(np.asarray(CELLS["costs"]) <= 285)
    data = Table({"rows": make(CELLS).arrow.take(pa.array(keep))}, bounded)
    plan = Preparation.fit(data, Context(np.random.default_rng(0)))
    learned = plan.learned(data).arrow
    most = learned.set_column(learned.column_names.index("rent"), "rent", pa.array([199] * len(learned)))
    rows = plan.restore(Table({"rows": most}, plan.learned_schema), np.random.default_rng(0))
    assert np.array_equal(plan.satisfied(rows), rows["costs"].to_numpy() <= 285)


ERRORS = [
    ([{"rule": "lt", "left": "high", "right": "low"}], "of 2,000 rows break the rule: row 0: high="),
    ([{"rule": "ltt"}], "Did you mean 'lt'?"),
    ([{"rule": "lt", "left": "low"}], "at least two columns"),
    ([{"rule": "range", "column": "low"}], "needs low or high"),
    ([{"rule": "range", "column": "low", "min": 3}], "unknown: min"),
    ([{"rule": "formula", "result": "total"}], "missing: left, op, right"),
    ([{"rule": "formula", "result": "total", "left": "units", "op": "^", "right": "price"}], "none of"),
    ([{"rule": "sum", "columns": ["a", "b"]}], "either a result column or a constant"),
    ([{"rule": "linear", "columns": ["a", "b"], "weights": [1], "equals": 3}], "2 columns have 1 weights"),
    ([{"rule": "one_hot", "columns": ["is_x"]}], "at least two columns"),
    ([{"rule": "unique"}], "either a column or columns"),
    ([{"rule": "lt", "left": "city", "right": "high"}], "of kind category"),
    ([{"rule": "lt", "left": "lo", "right": "high"}], "Did you mean 'low'?"),
    ([{"rule": "predicate", "condition": "rend > 3"}], "Unknown column 'rend'"),
    ([{"rule": "lt", "left": "start", "right": "high"}], "different types"),
    (
        [{"rule": "lt", "left": "low", "right": "high"}, {"rule": "sum", "columns": ["a", "b"], "result": "high"}],
        "rows break the rule",
    ),
    (
        [
            {"rule": "le", "left": "first", "right": "second"},
            {"rule": "formula", "result": "second", "left": "second", "op": "*", "right": 1},
        ],
        "Two rules rewrite 'second'",
    ),
    (
        [
            {"rule": "formula", "result": "rent", "left": "costs", "op": "-", "right": "food"},
            {"rule": "sum", "columns": ["rent", "food"], "result": "costs"},
        ],
        "in a circle",
    ),
]


@pytest.mark.parametrize(("rules", "words"), ERRORS, ids=lambda value: str(value)[:50])
def test_wrong_broken_or_conflicting_rules_are_refused(rules, words):
    with pytest.raises(ConstraintError) as caught:
        Preparation.fit(make(CELLS, *rules), Context(np.random.default_rng(0)))
    assert words in str(caught.value)


def test_a_rule_on_a_column_that_is_not_learned_is_refused():
    data = make(CELLS, {"rule": "range", "column": "units", "low": 0})
    data = Table({"rows": data.arrow}, data.schema.edit(units={"role": "id", "kind": "identifier"}))
    with pytest.raises(ConstraintError, match="of kind identifier"):
        Preparation.fit(data, Context(np.random.default_rng(0)))


def test_uniqueness_over_several_columns_is_refused_with_a_way_out():
    data = make({"a": np.arange(50), "b": np.arange(50) % 7}, {"rule": "unique", "columns": ["a", "b"]})
    with pytest.raises(ConstraintError, match="over several columns"):
        Preparation.fit(data, Context(np.random.default_rng(0)))


def test_combinations_that_do_not_exist_break_the_rule():
    data = make({"city": ["Rome", "Oslo"], "land": ["IT", "NO"]})
    mixed = make({"city": ["Rome", "Oslo", "Oslo"], "land": ["IT", "NO", "IT"]})
    rule = {"rule": "fixed_combinations", "columns": ["city", "land"]}
    assert check(rule, mixed, reference=data).tolist() == [False, False, True]
