import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from synthwright.core.context import Context
from synthwright.data.constraints import check
from synthwright.data.encode import Codec
from synthwright.data.prepare import Preparation
from synthwright.data.schema import Column, Schema
from synthwright.data.table import Table

N = 10_000


def _data(cells: dict[str, object], rule: dict[str, object]) -> Table:
    table = pa.table(cells)
    columns = tuple(
        Column(name=f.name, kind="integer" if pa.types.is_integer(f.type) else "number", dtype=str(f.type))
        for f in table.schema
    )
    return Table({"rows": table}, Schema(columns=columns, constraints=(rule,)))


def _violations(data: Table, seed: int) -> int:
    """Broken rows among ten thousand drawn from uniform noise in every learned column."""
    rng = np.random.default_rng(seed)
    plan = Preparation.fit(data, Context(rng))
    codec = Codec.fit(plan.learned(data))
    values = {}
    for column in codec.columns:
        noise = rng.uniform(column.low - 1, column.high + 1, N)
        values[column.name] = np.where(rng.random(N) < 0.1 * column.missing, np.nan, noise)
    rows = plan.restore(codec.from_values(values, rng), rng)
    return int(check(data.schema.constraints[0], rows).sum())


@settings(derandomize=True, max_examples=150, deadline=None)
@given(
    st.integers(0, 10**6),
    st.sampled_from(["lt", "le"]),
    st.sampled_from([None, 0, 1, 2, 5]),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)
def test_order_holds_for_any_grids_scales_and_holes(seed, rule, left_decimals, right_decimals, has_holes):
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-2, 7)
    a = rng.normal(0, scale, 200)
    a = a if left_decimals is None else np.round(a, left_decimals)
    b = a + rng.exponential(scale, 200) + 1
    b = b if right_decimals is None else np.ceil(b * 10**right_decimals) / 10**right_decimals
    b = b.astype(np.int64) if right_decimals == 0 else b
    holes = rng.random((2, 200)) < 0.1 * has_holes
    cells = {"a": pa.array(a, mask=holes[0]), "b": pa.array(b, mask=holes[1])}
    assert _violations(_data(cells, {"rule": rule, "left": "a", "right": "b"}), seed) == 0


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.sampled_from([0, 1, 2]))
def test_parts_of_a_constant_total_always_add_up(seed, n_parts, decimals):
    rng = np.random.default_rng(seed)
    total = int(rng.integers(1, 1000))
    parts = np.floor(rng.dirichlet(np.ones(n_parts), 200) * total * 10**decimals) / 10**decimals
    parts[:, -1] = np.round(total - parts[:, :-1].sum(1), decimals)
    names = [f"p{i}" for i in range(n_parts)]
    data = _data(
        {name: parts[:, i] for i, name in enumerate(names)}, {"rule": "sum", "columns": names, "equals": total}
    )
    assert _violations(data, seed) == 0


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["+", "-", "*", "/"]), st.sampled_from([1, 2, 6, None]))
def test_formulas_hold_after_rounding(seed, op, decimals):
    rng = np.random.default_rng(seed)
    a, b = np.round(rng.uniform(1, 50, 200), 2), np.round(rng.uniform(1, 50, 200), 1)
    c = {"+": a + b, "-": a - b, "*": a * b, "/": a / b}[op]
    c = c if decimals is None else np.round(c, decimals)
    data = _data({"a": a, "b": b, "c": c}, {"rule": "formula", "result": "c", "left": "a", "op": op, "right": "b"})
    assert _violations(data, seed) == 0
