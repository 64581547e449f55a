"""The neural flow of tables; the contract suite checks what all generators promise."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.core.errors import Cancelled, ConfigError, FormatError, Unreachable, Unsupported
from synthwright.core.progress import Event
from synthwright.data.table import Table
from synthwright.generators.base import Generator

QUICK = {"steps": 60, "width": 16, "batch": 64, "sampling_steps": 4}


def _table(n: int = 600) -> Table:
    rng = np.random.default_rng(0)
    plan = np.array(["basic", "plus", "gold"])[rng.choice(3, n, p=[0.6, 0.3, 0.1])]
    paid = np.where(plan == "basic", 0.0, np.round(rng.gamma(3, 40, n), 2))
    return Table.of(
        {
            "plan": plan,
            "paid": pa.array(paid, mask=(plan == "gold") & (rng.random(n) < 0.5)),
            "age": rng.integers(18, 90, n),
            "weight": np.round(rng.normal(70, 12, n), 3),
        }
    )


DATA = _table()


def _made(**options: object) -> Generator:
    return Generator.create("flow", **{**QUICK, **options})


@pytest.fixture(scope="module")
def fitted() -> Generator:
    return _made(steps=200, learning_rate=5e-3).fit(DATA)


def test_what_depends_on_a_level_is_learned(fitted):
    made = fitted.sample(4000)
    basic = pc.equal(made["plan"], "basic")
    assert pc.mean(basic.cast("float64")).as_py() == pytest.approx(0.6, abs=0.08)
    free = made.arrow.filter(basic)["paid"]
    assert pc.mean(pc.equal(free, 0.0).cast("float64")).as_py() > 0.9
    gold = made.arrow.filter(pc.equal(made["plan"], "gold"))["paid"]
    plus = made.arrow.filter(pc.equal(made["plan"], "plus"))["paid"]
    assert gold.null_count / len(gold) > 0.2
    assert plus.null_count / len(plus) < 0.1


@pytest.mark.parametrize(
    "where",
    [
        "plan == 'gold'",
        "paid is null",
        "age >= 40 and plan == 'plus'",
        "weight > 80 and weight < 90",
        "age in [30, 31]",
    ],
)
def test_conditions_hold_in_every_row(fitted, where):
    from synthwright.data.conditions import parse_condition

    made = fitted.sample(300, where=where)
    assert len(made) == 300
    assert parse_condition(where, made.schema).mask(made).all()


def test_a_number_named_by_a_condition_comes_exactly_and_the_rest_varies(fitted):
    value = DATA["weight"][3].as_py()
    made = fitted.sample(50, where=f"weight == {value}")
    assert made["weight"].to_pylist() == [value] * 50
    assert len(set(made["age"].to_pylist())) > 20


def test_the_path_edm_makes_tables_and_refuses_a_number_between_bins():
    model = _made(path="edm").fit(DATA)
    assert model.sample(40).arrow.schema.equals(DATA.arrow.schema)
    with pytest.raises(Unsupported, match="path=flow"):
        model.sample(5, where=f"weight == {DATA['weight'][3].as_py()}")


@pytest.mark.parametrize("n", [20, 60, 250])
def test_small_tables_are_learned(n):
    made = _made(steps=5).fit(DATA.select(np.arange(n))).sample(30)
    assert len(made) == 30


def test_tables_of_numbers_only_of_levels_only_and_of_one_column_are_learned():
    rng = np.random.default_rng(1)
    numbers = Table.of({"x": rng.normal(size=200), "y": rng.normal(size=200)})
    levels = Table.of({"a": rng.choice(["u", "v"], 200), "b": rng.choice(["s", "t"], 200)})
    one = Table.of({"x": rng.normal(size=200)})
    for data in (numbers, levels, one):
        made = _made(steps=5).fit(data).sample(40)
        assert made.arrow.schema.equals(data.arrow.schema)


def test_a_fit_stopped_by_its_budget_says_so():
    model = _made(steps=100_000, max_seconds=0.3).fit(DATA)
    assert any(note.code == "D002" for note in model.notes)


@pytest.mark.parametrize("at", [5, 45])  # while the flow learns, and while the tokens are learned
def test_a_stopped_fit_goes_on_to_the_same_bytes(tmp_path: Path, at):
    whole = _made().fit(DATA, seed=2).sample(50).fingerprint()
    seen = 0

    def stop_later(event: Event) -> None:
        nonlocal seen
        seen += event.stage == "training"
        if seen == at:
            raise Cancelled("enough")

    path = tmp_path / "ck.synth"
    with pytest.raises(Cancelled):
        _made().fit(DATA, seed=2, callbacks=[stop_later], resume_from=path)
    kept = sorted(file.name for file in tmp_path.iterdir())
    assert kept == (["ck.residuals.synth"] if at == 5 else ["ck.synth"])
    assert _made().fit(DATA, seed=2, resume_from=path).sample(50).fingerprint() == whole
    assert not (tmp_path / "ck.residuals.synth").exists()


def test_a_stopped_fit_with_a_budget_goes_on(tmp_path: Path):
    """What is left for the tokens depends on the clock, so it cannot be what a checkpoint is known by."""

    def stop_late(event: Event) -> None:
        if event.stage == "training" and event.total == QUICK["steps"] and event.done == 5:
            raise Cancelled("enough")

    path = tmp_path / "ck.synth"
    with pytest.raises(Cancelled):
        _made(max_seconds=1e6).fit(DATA, callbacks=[stop_late], resume_from=path)
    assert path.exists()
    resumed = _made(max_seconds=1e6).fit(DATA, resume_from=path)
    assert resumed.sample(50).fingerprint() == _made().fit(DATA).sample(50).fingerprint()


def test_a_checkpoint_of_another_fit_is_refused(tmp_path: Path):
    def stop(event: Event) -> None:
        if event.stage == "training":
            raise Cancelled("enough")

    path = tmp_path / "ck.synth"
    with pytest.raises(Cancelled):
        _made().fit(DATA, callbacks=[stop], resume_from=path)
    with pytest.raises(FormatError, match="another fit"):
        _made(steps=600).fit(DATA, resume_from=path)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"steps": 0}, "steps"),
        ({"dropout": 1.0}, "dropout"),
        ({"any_order": 2}, "any_order"),
        ({"path": "ddpm"}, "path"),
        ({"bins": 1}, "bins"),
        ({"max_seconds": -1}, "max_seconds"),
    ],
)
def test_options_out_of_bounds_are_one_clear_error(options, word):
    with pytest.raises(ConfigError, match=word):
        _made(**options)


def test_a_device_that_is_not_there_is_one_clear_error():
    with pytest.raises(ConfigError, match="cuda:99"):
        _made(device="cuda:99").fit(DATA)


def test_a_flow_that_finds_nothing_is_left_out_and_says_so():
    rng = np.random.default_rng(3)
    data = Table.of({"x": rng.normal(size=3000), "y": rng.normal(size=3000)})
    model = _made(bins=2).fit(data)
    assert any(note.code == "G080" for note in model.notes)


def test_a_flow_that_finds_something_is_kept():
    rng = np.random.default_rng(3)
    x = rng.normal(size=1500)
    model = _made(steps=600, learning_rate=0.01, bins=2, width=32).fit(
        Table.of({"x": x, "y": x + 0.05 * rng.normal(size=1500)})
    )
    assert not any(note.code == "G080" for note in model.notes)
    made = model.sample(2000)
    inside = (made["x"].to_numpy() > 0.1) & (made["y"].to_numpy() > 0.1)
    assert np.corrcoef(made["x"].to_numpy()[inside], made["y"].to_numpy()[inside])[0, 1] > 0.5


@pytest.mark.parametrize("where", ["age > 200", "age < 3", "age == 300", "age in [300, 301]", "weight is null"])
def test_a_value_that_was_never_seen_is_refused_before_anything_is_drawn(fitted, where, monkeypatch):
    monkeypatch.setattr(type(fitted._model), "drawn_tokens", None)
    with pytest.raises(Unreachable, match="was seen"):
        fitted.sample(5, where=where)
