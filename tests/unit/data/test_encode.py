import datetime as dt
import decimal
import json

import numpy as np
import pyarrow as pa
import pytest

from synthwright.core.errors import ConditionError, DataError
from synthwright.data.conditions import parse_condition
from synthwright.data.encode import Codec, encode
from synthwright.data.schema import Column, Schema
from synthwright.data.table import Table

N = 600


def _kind(dtype: pa.DataType) -> str:
    if pa.types.is_duration(dtype):
        return "duration"
    if pa.types.is_temporal(dtype):
        return "datetime"
    if pa.types.is_boolean(dtype):
        return "boolean"
    if pa.types.is_integer(dtype):
        return "integer"
    return "number" if pa.types.is_floating(dtype) or pa.types.is_decimal(dtype) else "category"


def make(cells: dict[str, object], **changes: dict[str, object]) -> Table:
    table = pa.table(cells)
    columns = tuple(Column(name=f.name, kind=_kind(f.type), dtype=str(f.type)) for f in table.schema)
    return Table({"rows": table}, Schema(columns=columns).edit(changes))


def _typed() -> dict[str, pa.Array]:
    rng = np.random.default_rng(1)
    day, minute = dt.date(2020, 1, 1), dt.datetime(1950, 1, 1)
    made = {
        "int8": pa.array(rng.integers(-100, 100, N), pa.int8()),
        "uint64": pa.array(rng.integers(0, 2**50, N).astype("u8")),
        "beyond_floats": pa.array(rng.integers(2**60, 2**60 + 10**12, N)),
        "float": pa.array(rng.normal(size=N)),
        "float32": pa.array(np.round(rng.normal(size=N), 2).astype("f4")),
        "quarters": pa.array(rng.integers(-40, 400, N) / 4),
        "decimal": pa.array([decimal.Decimal(int(i)) / 100 for i in rng.integers(-999, 9999, N)], pa.decimal128(12, 2)),
        "date": pa.array([day + dt.timedelta(int(i)) for i in rng.integers(0, 900, N)]),
        "zoned": pa.array(
            [minute + dt.timedelta(minutes=int(i)) for i in rng.integers(0, 9**8, N)], pa.timestamp("ns", "Europe/Rome")
        ),
        "duration": pa.array([dt.timedelta(minutes=int(i)) for i in rng.integers(0, 9000, N)]),
        "time": pa.array([dt.time(int(h), 30) for h in rng.integers(0, 24, N)], pa.time32("s")),
        "bool": pa.array(rng.random(N) < 0.3),
        "text": pa.array(rng.choice(["x", "", "null"], N)),
        "dictionary": pa.array(rng.choice(list("abcdef"), N)).dictionary_encode(),
    }
    holes = rng.random((len(made), N)) < 0.1
    return {name: pa.array(pa.chunked_array([c]).to_pylist(), c.type) for name, c in made.items()} | {
        f"{name}_holes": pa.array([None if gone else v for v, gone in zip(c.to_pylist(), row, strict=True)], c.type)
        for (name, c), row in zip(made.items(), holes, strict=True)
    }


TYPED = make(_typed())
NAMES = TYPED.schema.names


@pytest.fixture(scope="module")
def unprotected() -> tuple[Codec, Table]:
    codec = Codec.fit(TYPED, protect=False)
    return codec, codec.from_values(codec.values(TYPED), np.random.default_rng(0))


@pytest.mark.parametrize("name", NAMES)
def test_values_come_back_exactly_in_their_type(unprotected, name):
    back = unprotected[1]
    assert back[name].type == TYPED[name].type
    assert back[name].to_pylist() == TYPED[name].to_pylist()


def test_levels_come_back_exactly_from_every_view():
    codec = Codec.fit(TYPED, protect=False)
    rng = np.random.default_rng(0)
    levels = [column.name for column in codec.columns if column.kind == "level"]
    for back in (codec.from_tokens(codec.tokens(TYPED), rng), codec.from_dense(codec.dense(TYPED, rng), rng)):
        assert [back[name].to_pylist() for name in levels] == [TYPED[name].to_pylist() for name in levels]


def test_missing_cells_stay_where_they_are_in_every_view():
    codec = Codec.fit(TYPED)
    rng = np.random.default_rng(0)
    for back in (codec.from_tokens(codec.tokens(TYPED), rng), codec.from_dense(codec.dense(TYPED, rng), rng)):
        assert [back[name].is_null().to_pylist() for name in NAMES] == [
            TYPED[name].is_null().to_pylist() for name in NAMES
        ]


def test_a_saved_codec_encodes_and_decodes_alike():
    codec = Codec.fit(TYPED)
    again = Codec.from_json(json.loads(json.dumps(codec.to_json(), allow_nan=False)))
    assert again.to_json() == codec.to_json()
    first, second = (c.dense(TYPED, np.random.default_rng(5)) for c in (codec, again))
    assert np.array_equal(first, second)
    assert again.from_dense(first, np.random.default_rng(2)).arrow.equals(
        codec.from_dense(first, np.random.default_rng(2)).arrow
    )


def test_row_order_does_not_change_the_codec():
    order = np.random.default_rng(3).permutation(N)
    assert Codec.fit(TYPED.select(order)).to_json() == Codec.fit(TYPED).to_json()


def test_grids_are_found_and_kept_after_smoothing():
    rng = np.random.default_rng(0)
    grids = {"cents": 0.01, "tens": 10.0, "nickels": 0.05, "halves": 0.5, "thousandths": 0.001}
    data = make({name: np.round(rng.integers(0, 5000, 4000) * step, 3) for name, step in grids.items()})
    codec = Codec.fit(data)
    assert {column.name: column.step for column in codec.columns} == grids
    noisy = {name: v + rng.normal(0, 0.3, len(v)) for name, v in codec.values(data).items()}
    back = codec.from_values(noisy, rng)
    for name, step in grids.items():
        values = back[name].to_numpy()
        assert np.array_equal(values, np.round(np.round(values / step) * step, 3))
        assert values.min() >= codec[name].low
        assert values.max() <= codec[name].high


def test_a_declared_grid_is_used_when_it_fits():
    data = make({"x": np.arange(500) * 0.125}, x={"step": 0.125})
    assert Codec.fit(data)["x"].step == 0.125


def test_rare_levels_are_pooled_and_never_come_back():
    cells = ["common"] * 400 + ["usual"] * 194 + ["secret"] * 4 + ["hidden"] * 2
    codec = Codec.fit(make({"c": cells}))
    column = codec["c"]
    assert column.levels == ("common", "usual")
    assert column.other_code == 2
    assert "secret" not in json.dumps(codec.to_json())
    back = codec.from_values({"c": np.full(5000, 2, dtype=np.int32)}, np.random.default_rng(0))
    shares = np.array([back["c"].to_pylist().count(level) for level in ("common", "usual")]) / 5000
    assert shares == pytest.approx([400 / 594, 194 / 594], abs=0.03)
    assert [note.code for note in codec.notes] == ["N022"]


def test_without_protection_rare_levels_stay_and_a_note_says_so():
    codec = Codec.fit(make({"c": ["a"] * 99 + ["b"]}), protect=False)
    assert codec["c"].levels == ("a", "b")
    assert [note.code for note in codec.notes] == ["N021"]


def test_a_column_of_rare_levels_only_is_kept_with_a_note():
    codec = Codec.fit(make({"c": [f"level {i // 2}" for i in range(100)]}))
    assert codec["c"].n_levels == 50
    assert "N023" in [note.code for note in codec.notes]


def test_the_five_extreme_values_are_exchanged_for_the_next_five():
    codec = Codec.fit(make({"x": np.append(np.arange(200.0), [1e6, 2e6])}))
    assert (codec["x"].low, codec["x"].high) == (5.0, 196.0)
    assert codec.values(make({"x": [-7.0, 1e9]}))["x"].tolist() == [5.0, 196.0]
    assert codec.values(make({"x": [2e6, 50.0, 199.0, 198.0, 1e6, 197.0]}))["x"].tolist() == [
        196.0,
        50.0,
        194.0,
        193.0,
        195.0,
        192.0,
    ]
    assert "2000000" not in json.dumps(codec.to_json())


def test_a_heap_at_the_end_is_no_rare_extreme():
    codec = Codec.fit(make({"x": np.append(np.arange(200.0), [999.0] * 6)}))
    assert codec["x"].high == 999.0


def test_atoms_are_heavy_values_and_tokens_invert_them():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(5000) < 0.6, 0.0, np.round(rng.exponential(1000, 5000)))
    x[:300] = 99999.0
    codec = Codec.fit(make({"x": x}))
    column = codec["x"]
    assert column.atoms.tolist() == [0.0, 99999.0]
    assert codec.cardinality == (2 + 32,)
    tokens = codec.tokens(make({"x": x}))
    back = codec.from_tokens(tokens, rng)["x"].to_numpy()
    heavy = np.isin(x, column.atoms)
    assert np.array_equal(back[heavy], x[heavy])
    assert np.array_equal(column.tokens(back)[~heavy], tokens[~heavy, 0])


def test_few_values_are_all_atoms_only_when_none_is_rare():
    assert len(Codec.fit(make({"x": np.repeat(np.arange(20.0), 10)}))["x"].atoms) == 20
    assert len(Codec.fit(make({"x": np.arange(60.0)}), protect=False)["x"].atoms) == 0


def test_a_number_whose_values_are_all_atoms_decodes_to_them_only():
    data = make({"x": np.repeat([1.0, 2.0, 5.0, 10.0], 50)})
    codec = Codec.fit(data)
    drawn = codec.from_values({"x": np.linspace(-3, 20, 100)}, np.random.default_rng(0))
    assert set(drawn["x"].to_pylist()) == {1.0, 2.0, 5.0, 10.0}


def test_dense_numbers_are_standard_normal_also_with_heaps():
    rng = np.random.default_rng(0)
    x = np.where(rng.random(20000) < 0.5, 0.0, rng.lognormal(0, 2, 20000))
    codec, z = encode(make({"x": x}))
    assert codec.width == 3  # score, continuous, atom
    assert abs(z[:, 0].mean()) < 0.03
    assert z[:, 0].std() == pytest.approx(1, abs=0.02)
    assert np.abs(z[:, 0]).max() < 4.5


def test_many_levels_take_two_digits_and_invert():
    rng = np.random.default_rng(0)
    cells = rng.choice([f"level {i}" for i in range(300)], 9000)
    data = make({"c": cells})
    codec, x = encode(data)
    assert codec.width <= 2 * 18
    assert codec.from_dense(x, rng)["c"].to_pylist() == cells.tolist()
    noise = codec.from_dense(rng.normal(size=(2000, codec.width)), rng)
    assert set(noise["c"].to_pylist()) <= set(cells)


def test_long_columns_are_sketched_not_stored():
    codec = Codec.fit(make({"x": np.random.default_rng(0).normal(size=20000)}))
    assert len(codec["x"].marginal.values) <= 512 + 32
    assert len(json.dumps(codec.to_json())) < 60_000


def test_draws_from_tokens_follow_the_column():
    rng = np.random.default_rng(0)
    x = rng.gamma(2, 3, 20000)
    codec = Codec.fit(make({"x": x}))
    back = codec.from_tokens(codec.tokens(make({"x": x})), rng)["x"].to_numpy()
    grid = np.quantile(x, np.linspace(0.01, 0.99, 99))
    gap = np.abs(np.searchsorted(np.sort(back), grid) - np.searchsorted(np.sort(x), grid)) / len(x)
    assert gap.max() < 0.01


def test_unseen_levels_are_pooled_or_refused():
    pooled = Codec.fit(make({"c": ["a"] * 60 + ["b"] * 3}))
    assert pooled.values(make({"c": ["new", "a"]}))["c"].tolist() == [1, 0]
    strict = Codec.fit(make({"c": ["a"] * 60 + ["b"] * 30}))
    with pytest.raises(DataError, match="'new' did not occur in 'c'"):
        strict.values(make({"c": ["new"]}))
    with pytest.raises(DataError, match="'null' did not occur"):
        strict.values(make({"c": pa.array([None, "a"])}))


def test_text_columns_and_absent_columns_are_refused():
    with pytest.raises(DataError, match="of kind text"):
        Codec.fit(make({"c": ["a", "b"]}, c={"kind": "text"}))
    with pytest.raises(DataError, match="absent: b"):
        Codec.fit(make({"a": [1, 2], "b": [1, 2]})).values(make({"a": [1, 2]}))
    with pytest.raises(DataError, match="at least 2"):
        Codec.fit(make({"a": [1, 2]}), bins=1)
    with pytest.raises(DataError, match=r"2\*\*63"):
        Codec.fit(make({"a": pa.array([2**63, 1], pa.uint64())}))


def test_ordinals_keep_the_order_of_the_schema():
    data = make({"c": ["low", "high", "mid"] * 30}, c={"kind": "ordinal", "categories": ("low", "mid", "high")})
    assert Codec.fit(data)["c"].levels == ("low", "mid", "high")


def test_limits_translate_conditions_into_codec_units():
    data = make(
        {
            "x": np.arange(100.0),
            "day": [dt.date(2020, 1, 1) + dt.timedelta(days=7 * i) for i in range(100)],
            "c": pa.array(["a"] * 50 + ["b"] * 40 + [None] * 10),
        }
    )
    codec = Codec.fit(data, protect=False)
    found = codec.limits(parse_condition("x > 3 and day >= '2020-01-15' and c in ['a']", data.schema))
    assert (found["x"].low, found["x"].high, found["x"].missing) == (3.0, np.inf, False)
    assert found["day"].low == 2.0
    assert found["c"].codes.tolist() == [True, False, False]
    missing = codec.limits(parse_condition("c is null", data.schema))["c"]
    assert (missing.codes.tolist(), missing.missing) == ([False, False, True], True)
    present = codec.limits(parse_condition("c is not null and x in [1, 2]", data.schema))
    assert present["c"].codes.tolist() == [True, True, False]
    assert present["x"].values.tolist() == [1.0, 2.0]


def test_a_protected_level_cannot_be_asked_for():
    data = make({"c": ["a"] * 99 + ["b"]})
    with pytest.raises(ConditionError, match="protect=False"):
        Codec.fit(data).limits(parse_condition("c == 'b'", data.schema))


def test_constant_and_two_valued_columns_encode():
    data = make({"one": [7.0] * 80, "two": [0, 1] * 40, "level": ["x"] * 80})
    codec, x = encode(data)
    assert codec.from_dense(x, np.random.default_rng(0)).arrow.equals(data.arrow)
    assert codec.from_tokens(codec.tokens(data), np.random.default_rng(0)).arrow.equals(data.arrow)


def test_whole_numbers_among_decimals_keep_their_share_after_smoothing():
    rng = np.random.default_rng(0)
    x = rng.gamma(3.0, 40.0, 4000)
    x = np.where(rng.random(4000) < 0.7, np.rint(x), np.round(x, 2))
    codec = Codec.fit(make({"x": x}))
    assert abs(dict(codec["x"].heaps)[1.0] - 0.7) < 0.03
    smooth = codec.from_values({"x": rng.gamma(3.0, 40.0, 4000)}, rng)["x"].to_numpy()
    assert abs(np.mean(smooth == np.rint(smooth)) - 0.7) < 0.03
    assert Codec.from_json(json.loads(json.dumps(codec.to_json())))["x"].heaps == codec["x"].heaps


def test_a_plain_grid_is_no_heap():
    rng = np.random.default_rng(0)
    codec = Codec.fit(make({"x": np.round(rng.normal(0, 50, 3000), 1), "y": rng.normal(0, 1, 3000)}))
    assert codec["x"].heaps == codec["y"].heaps == ()
