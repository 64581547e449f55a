import datetime as dt
import json
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest

from synthwright.core.context import Context
from synthwright.core.errors import DataError, SampleError
from synthwright.data.prepare import Preparation
from synthwright.data.schema import Column, Schema
from synthwright.data.sequences import SeriesSet
from synthwright.data.table import Table

N = 400


def _table() -> Table:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, N)
    cells = {
        "patient": [f"P-{i:05d}" for i in range(N)],
        "visit": [i // 4 for i in range(N)],
        "email": [f"someone{i}@real.com" for i in range(N)],
        "age": age,
        "months": age * 12 + 3,
        "celsius": np.round(rng.normal(37, 1, N), 1),
        "grade": rng.choice(["a", "b", "c"], N),
        "country": ["NO"] * N,
        "remark": pa.nulls(N, pa.string()),
        "story": [f"text {i}" for i in range(N)],
        "part": ["train"] * N,
        "when": [dt.date(2020, 1, 1)] * N,
    }
    cells["fahrenheit"] = np.round(cells["celsius"] * 1.8 + 32, 2)
    cells["grade_code"] = [{"a": 10, "b": 20, "c": 30}[g] for g in cells["grade"]]
    table = pa.table(cells)
    columns = {
        "patient": ("identifier", "id", "direct"),
        "visit": ("identifier", "group", "public"),
        "email": ("text", "feature", "direct"),
        "age": ("integer", "feature", "quasi"),
        "months": ("integer", "feature", "public"),
        "celsius": ("number", "feature", "public"),
        "grade": ("category", "target", "public"),
        "country": ("category", "feature", "public"),
        "remark": ("text", "feature", "public"),
        "story": ("text", "feature", "public"),
        "part": ("category", "split", "public"),
        "when": ("datetime", "feature", "public"),
        "fahrenheit": ("number", "feature", "public"),
        "grade_code": ("integer", "feature", "public"),
    }
    made = tuple(
        Column(
            name=name, kind=kind, role=role, sensitivity=sensitivity, dtype=str(table.schema.field(name).type),
            nullable=name == "remark",
        )
        for name, (kind, role, sensitivity) in columns.items()
    )  # fmt: skip
    return Table({"rows": table.select(list(columns))}, Schema(columns=made))


DATA = _table()


@pytest.fixture(scope="module")
def fitted() -> tuple[Preparation, Context]:
    ctx = Context(np.random.default_rng(0))
    return Preparation.fit(DATA, ctx), ctx


def test_only_informative_numbers_and_levels_are_learned(fitted):
    assert fitted[0].learned(DATA).schema.names == ("age", "celsius", "grade")


def test_every_column_that_is_not_learned_has_a_note(fitted):
    noted = {note.where: note.code for note in fitted[1].notes}
    assert noted == {
        "patient": "N012",
        "visit": "N016",
        "email": "N012",
        "months": "N018",
        "fahrenheit": "N018",
        "grade_code": "N018",
        "country": "N013",
        "remark": "N014",
        "story": "N014",
        "part": "N014",
        "when": "N013",
    }


def test_restored_rows_have_all_columns_in_order_and_type(fitted):
    plan, ctx = fitted
    back = plan.identify(plan.restore(plan.learned(DATA), ctx.rng), 0)
    assert back.arrow.schema.equals(DATA.arrow.schema)
    same = [n for n in DATA.schema.names if back[n].to_pylist() == DATA[n].to_pylist()]
    assert same == ["age", "months", "celsius", "grade", "country", "remark", "when", "fahrenheit", "grade_code"]
    assert back["story"].null_count == N


def test_a_saved_plan_restores_alike(fitted):
    plan, ctx = fitted
    again = Preparation.from_json(json.loads(json.dumps(plan.to_json())))
    assert again.to_json() == plan.to_json()
    learned = plan.learned(DATA)
    assert again.identify(again.restore(learned, ctx.rng), 7).arrow.equals(
        plan.identify(plan.restore(learned, ctx.rng), 7).arrow
    )


def test_the_saved_plan_holds_no_direct_value(fitted):
    text = json.dumps(fitted[0].to_json())
    assert "real.com" not in text
    assert not any(f"P-{i:05d}" in text for i in range(N))


def test_identifiers_are_new_unique_and_the_same_however_the_rows_are_cut(fitted):
    plan, ctx = fitted
    drawn = plan.restore(plan.learned(DATA), ctx.rng)
    whole = plan.identify(drawn, 100)
    first = plan.identify(drawn.select(np.arange(50)), 100)
    rest = plan.identify(drawn.select(np.arange(50, N)), 150)
    made = whole["patient"].to_pylist()
    assert made == first["patient"].to_pylist() + rest["patient"].to_pylist()
    assert len(set(made)) == N
    assert not set(made) & set(DATA["patient"].to_pylist())
    assert whole["email"].to_pylist()[0] == "user000100@example.org"


def test_rows_share_group_identifiers_by_the_sizes_of_training(fitted):
    plan, ctx = fitted
    made = plan.identify(plan.restore(plan.learned(DATA), ctx.rng), 0)["visit"].to_pylist()
    assert set(Counter(made).values()) == {4}
    assert not set(made) & set(DATA["visit"].to_pylist())


def test_capacity_is_checked_before_the_draw(fitted):
    fitted[0].check_capacity(99_999)
    with pytest.raises(SampleError, match=r"100,001 different values of 'patient'.*'P-#####' has 100,000"):
        fitted[0].check_capacity(100_001)


def test_a_table_of_identifiers_only_is_an_error():
    data = DATA.keep(["patient", "email", "country"])
    with pytest.raises(DataError, match="nothing to learn: of 3 columns, 2 are re-made"):
        Preparation.fit(data, Context(np.random.default_rng(0)))


def test_rare_levels_do_not_stand_in_the_saved_plan():
    cells = pa.table({"c": ["usual"] * 90 + ["often"] * 60 + ["secret"] * 2, "x": np.arange(152.0)})
    columns = (
        Column(name="c", kind="category", dtype="string", categories=("often", "secret", "unseen", "usual")),
        Column(name="x", kind="number", dtype="double"),
    )
    data = Table({"rows": cells}, Schema(columns=columns))
    plan = Preparation.fit(data, Context(np.random.default_rng(0)))
    assert plan.schema["c"].categories == ("often", "usual")
    assert "secret" not in json.dumps(plan.to_json())
    assert len(plan.learned(data)) == 152
    open_plan = Preparation.fit(data, Context(np.random.default_rng(0)), protect=False)
    assert open_plan.schema["c"].categories == ("often", "secret", "usual")


def test_a_target_is_never_derived():
    x = np.arange(100)
    table = pa.table({"x": x, "y": 2 * x})
    columns = (
        Column(name="x", kind="integer", dtype="int64"),
        Column(name="y", kind="integer", dtype="int64", role="target"),
    )
    data = Table({"rows": table}, Schema(columns=columns))
    plan = Preparation.fit(data, Context(np.random.default_rng(0)))
    assert plan.learned(data).schema.names == ("y",)
    assert plan.restore(plan.learned(data), np.random.default_rng(0)).arrow.equals(table)


def test_nearly_affine_columns_are_both_learned():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    table = pa.table({"x": x, "y": 2 * x + rng.normal(0, 1e-3, 200)})
    columns = tuple(Column(name=n, kind="number", dtype="double") for n in ("x", "y"))
    data = Table({"rows": table}, Schema(columns=columns))
    assert Preparation.fit(data, Context(rng)).learned(data).schema.names == ("x", "y")


def test_derived_columns_must_be_missing_together():
    x = pa.array([None, *range(1, 100)])
    table = pa.table({"x": x, "y": pa.array([0, *range(2, 200, 2)])})
    columns = tuple(Column(name=n, kind="integer", dtype="int64") for n in ("x", "y"))
    data = Table({"rows": table}, Schema(columns=columns))
    assert Preparation.fit(data, Context(np.random.default_rng(0))).learned(data).schema.names == ("x", "y")


def test_identifiers_are_missing_at_the_real_rate():
    ids = [None if i % 4 == 0 else f"A{i:04d}" for i in range(N)]
    table = pa.table({"id": ids, "x": np.arange(N)})
    columns = (
        Column(name="id", kind="identifier", dtype="string", role="id"),
        Column(name="x", kind="integer", dtype="int64"),
    )
    data = Table({"rows": table}, Schema(columns=columns))
    plan = Preparation.fit(data, Context(np.random.default_rng(0)))
    made = plan.identify(plan.restore(plan.learned(data), np.random.default_rng(0)), 0)
    assert made["id"].null_count == pytest.approx(100, abs=30)


def test_a_column_of_which_every_level_is_rare_stays_empty():
    table = Table.of({"x": np.arange(60) % 7, "ward": [f"ward {i % 15}" for i in range(60)]})
    assert table.schema["ward"].kind == "category"
    ctx = Context(np.random.default_rng(0))
    preparation = Preparation.fit(table, ctx)
    assert preparation.learned(table).schema.names == ("x",)
    assert [(note.code, note.where) for note in ctx.notes if "every level" in note.what] == [("N014", "ward")]
    assert "ward 7" not in json.dumps(preparation.to_json())
    back = preparation.restore(preparation.learned(table), ctx.rng)
    assert back["ward"].null_count == 60
    assert Preparation.fit(table, ctx, protect=False).kept == ("x", "ward")


@pytest.mark.parametrize("n", [10, 30])
def test_levels_of_small_tables_are_learned(n):
    table = Table.of({"x": np.arange(n) % 7, "ward": [f"ward {i % 3}" for i in range(n)]})
    assert Preparation.fit(table, Context(np.random.default_rng(0))).kept == ("x", "ward")


@pytest.mark.parametrize("size", [1e300, -1e300])
@pytest.mark.parametrize("is_series", [False, True])
def test_numbers_too_large_to_square_are_refused_with_their_rows(size, is_series):
    x = np.arange(60) / 7
    x[3] = size
    cells = {"who": ["a", "b"] * 30, "t": np.arange(60) // 2, "x": x}
    data = SeriesSet.of(cells, entity="who", order="t") if is_series else Table.of(cells)
    with pytest.raises(DataError, match=r"1 value of 'x' is larger than 1e\+150.*row \d+ \("):
        Preparation.fit(data, Context(np.random.default_rng(0)))
