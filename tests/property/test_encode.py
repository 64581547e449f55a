import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from synthwright.data.encode import Codec
from synthwright.data.identifiers import IdFormat
from synthwright.data.marginal import Marginal
from synthwright.data.schema import Column, Schema
from synthwright.data.table import Table

TYPES = st.sampled_from(
    [
        ("integer", pa.int16(), st.integers(-(2**15), 2**15 - 1)),
        ("integer", pa.int64(), st.integers(-(2**52), 2**52)),
        ("integer", pa.int64(), st.integers(2**61, 2**61 + 2**50)),
        ("number", pa.float64(), st.floats(-1e9, 1e9)),
        ("number", pa.float32(), st.floats(-1000, 1000, width=32)),
        ("number", pa.decimal128(12, 3), st.decimals(-999, 999, places=3)),
        ("datetime", pa.date32(), st.dates()),
        ("datetime", pa.timestamp("ms"), st.integers(0, 2**40)),
        ("boolean", pa.bool_(), st.booleans()),
        ("category", pa.string(), st.text(max_size=3)),
        ("category", pa.dictionary(pa.int32(), pa.string()), st.sampled_from(["a", "b", "", "null"])),
    ]
)


@st.composite
def tables(draw) -> Table:
    kind, dtype, values = draw(TYPES)
    cells = draw(st.lists(st.none() | values, min_size=1, max_size=60).filter(lambda x: any(v is not None for v in x)))
    plain = dtype.value_type if pa.types.is_dictionary(dtype) else dtype
    table = pa.table({"x": pa.array(cells, plain).cast(dtype)})
    return Table({"rows": table}, Schema(columns=(Column(name="x", kind=kind, dtype=str(dtype)),)))


@settings(derandomize=True, max_examples=300, deadline=None)
@given(tables())
def test_values_invert_exactly_for_any_column(data):
    codec = Codec.fit(data, protect=False)
    assert codec.from_values(codec.values(data), np.random.default_rng(0)).arrow.equals(data.arrow)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(tables(), st.integers(0, 99))
def test_any_view_of_any_column_decodes_into_its_type_and_range(data, seed):
    codec, rng = Codec.fit(data), np.random.default_rng(seed)
    tokens = np.column_stack([rng.integers(0, k, 200) for k in codec.cardinality])
    for made in (codec.from_tokens(tokens, rng), codec.from_dense(3 * rng.normal(size=(200, codec.width)), rng)):
        assert made.arrow.schema.equals(data.arrow.schema)
        codec.values(made)
        if not data["x"].null_count:
            assert made["x"].null_count == 0


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=200), st.integers(0, 99))
def test_a_rank_leads_back_to_its_value(cells, seed):
    distinct, counts = np.unique(np.array(cells, dtype=float), return_counts=True)
    marginal = Marginal.fit(distinct, counts, distinct)
    u = marginal.rank(np.array(cells, dtype=float), np.random.default_rng(seed))
    assert np.all((u >= 0) & (u <= 1))
    back = marginal.inverse(u)
    heavy = np.isin(cells, distinct[counts > 1])
    assert np.allclose(back[heavy], np.array(cells)[heavy])
    assert np.all((back >= distinct[0]) & (back <= distinct[-1]))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.lists(st.integers(0, 10**6), min_size=3, max_size=60, unique=True),
    st.sampled_from(["{}", "{:07d}", "K-{:07d}", "c{}"]),
)
def test_identifiers_of_any_sequence_are_unique_and_new(numbers, form):
    real = [form.format(number) for number in numbers]
    made = IdFormat.of(pa.chunked_array([pa.array(real)]), Column(name="id", kind="identifier", dtype="string"))
    assert made is not None
    count = min(500, made.capacity)
    values = made.make(np.arange(count)).to_pylist()
    assert len(set(values)) == count
    assert not set(values[: made.n_free]) & set(real)
