import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from synthwright.core.errors import ConditionError
from synthwright.data.condition_tree import All, Compare, ComparePair, Either, Member, Missing, Not, text_of
from synthwright.data.conditions import parse_condition
from synthwright.data.schema import Column, Schema
from synthwright.data.table import Table

ROWS = [(None, None, None), (1, 2, "a"), (2, 2, "b'\""), (3, None, "a"), (None, 1, "null"), (-1, 0, None)]
X, Y, C = (list(cells) for cells in zip(*ROWS, strict=True))
TABLE = pa.table({"x": pa.array(X, pa.int64()), "odd name": pa.array(Y, pa.int64()), "class": pa.array(C, pa.string())})
KINDS = {"x": "integer", "odd name": "integer", "class": "category"}
SCHEMA = Schema(columns=tuple(Column(name=n, kind=k, dtype=str(TABLE.schema.field(n).type)) for n, k in KINDS.items()))
DATA = Table({"rows": TABLE}, SCHEMA)

numbers, names = st.integers(-2, 4), st.sampled_from(["x", "odd name"])
ops = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
leaves = (
    st.builds(Compare, names, ops, numbers)
    | st.builds(Compare, st.just("class"), st.sampled_from(["==", "!="]), st.sampled_from(["a", "b'\"", "null"]))
    | st.builds(ComparePair, names, ops, names)
    | st.builds(Member, names, st.lists(numbers, min_size=1, max_size=3, unique=True).map(tuple))
    | st.builds(Missing, st.sampled_from(list(KINDS)))
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(All, st.lists(inner, min_size=2, max_size=3).map(tuple))
        | st.builds(Either, st.lists(inner, min_size=2, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


def _truth(node, row):
    """Three-valued logic, written out for one row."""
    cells = dict(zip(KINDS, row, strict=True))
    compare = {
        "==": lambda a, b: a == b, "!=": lambda a, b: a != b, "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    }  # fmt: skip
    match node:
        case Compare(name, op, value):
            return None if cells[name] is None else compare[op](cells[name], value)
        case ComparePair(a, op, b):
            return None if cells[a] is None or cells[b] is None else compare[op](cells[a], cells[b])
        case Member(name, values):
            return None if cells[name] is None else cells[name] in values
        case Missing(name):
            return cells[name] is None
        case Not(part):
            inner = _truth(part, row)
            return None if inner is None else not inner
        case All(parts) | Either(parts):
            found, stop = [_truth(part, row) for part in parts], isinstance(node, Either)
            return stop if stop in found else None if None in found else not stop
    raise AssertionError(node)


@settings(derandomize=True, max_examples=400, deadline=None)
@given(trees)
def test_any_condition_selects_by_three_valued_logic_and_reads_back(tree):
    try:
        condition = parse_condition(text_of(tree), SCHEMA)
    except ConditionError as error:
        refusal = error.what
    else:
        refusal = ""
    if refusal:
        assert "contradicts itself" in refusal
        assert not any(_truth(tree, row) is True for row in ROWS)
        return
    assert condition.mask(DATA).tolist() == [_truth(tree, row) is True for row in ROWS]
    assert parse_condition(condition.text, SCHEMA) == condition


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text(alphabet="xodd name=<>!()[]'\"`1.,and or not in is null\n\\&", max_size=30))
def test_any_text_is_read_or_refused_politely(text):
    try:
        condition = parse_condition(text, SCHEMA)
    except ConditionError:
        return
    assert condition.mask(DATA).dtype == np.bool_
