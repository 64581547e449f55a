"""CTGAN and TVAE by their common promises; the contract suite checks the rest."""

import numpy as np
import pyarrow.compute as pc
import pytest

pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.core.context import Context
from synthwright.core.errors import Cancelled, ConfigError, FormatError, Unreachable
from synthwright.data.table import Table
from synthwright.generators.base import Generator

QUICK = {
    "ctgan": {"epochs": 3, "hidden": (32,), "noise": 16, "batch": 100},
    "tvae": {"epochs": 3, "hidden": (32,), "latent": 8, "batch": 100},
}
BOTH = pytest.mark.parametrize("name", list(QUICK))


def _table(n: int = 600) -> Table:
    rng = np.random.default_rng(0)
    plan = np.array(["basic", "plus", "gold"])[rng.choice(3, n, p=[0.8, 0.17, 0.03])]
    return Table.of(
        {
            "plan": plan,
            "paid": np.where(plan == "basic", 0.0, np.round(rng.gamma(3, 40, n), 2)),
            "age": rng.integers(18, 90, n),
            "rooms": rng.integers(1, 5, n),
        }
    )


DATA = _table()


def _made(name: str, **options: object) -> Generator:
    return Generator.create(name, **{**QUICK[name], **options})


@BOTH
def test_columns_of_hardly_trained_nets_have_the_distribution_of_the_data(name):
    made = _made(name).fit(DATA).sample(4000)
    for level in ("basic", "plus", "gold"):
        shares = [pc.mean(pc.equal(one["plan"], level).cast("float64")).as_py() for one in (made, DATA)]
        assert shares[0] == pytest.approx(shares[1], abs=0.03)
    ages = [np.quantile(one["age"].to_numpy(), [0.1, 0.5, 0.9]) for one in (made, DATA)]
    assert ages[0] == pytest.approx(ages[1], abs=3)


@BOTH
def test_without_calibration_they_have_it_not(name):
    made = _made(name, calibrate=False, epochs=1).fit(DATA).sample(4000)
    basic = pc.mean(pc.equal(made["plan"], "basic").cast("float64")).as_py()
    assert abs(basic - 0.8) > 0.05


@BOTH
@pytest.mark.parametrize("options", [{"numbers": "modes"}, {"ema": 0.0}, {"hidden": [16, 16, 16]}])
@pytest.mark.quality
def test_other_settings_make_tables_of_the_same_schema(name, options):
    made = _made(name, **options).fit(DATA).sample(50)
    assert made.arrow.schema.equals(DATA.arrow.schema)


@BOTH
def test_tables_of_numbers_only_and_of_levels_only_are_learned(name):
    rng = np.random.default_rng(1)
    numbers = Table.of({"x": rng.normal(size=200), "y": rng.normal(size=200)})
    levels = Table.of({"a": rng.choice(["u", "v"], 200), "b": rng.choice(["s", "t"], 200)})
    for data in (numbers, levels):
        assert _made(name).fit(data).sample(30).arrow.schema.equals(data.arrow.schema)


@BOTH
def test_more_than_a_hundred_levels_stay_among_those_seen(name):
    rng = np.random.default_rng(1)
    codes = [f"c{i:03d}" for i in range(300)]
    data = Table.of({"code": rng.permutation(codes * 6), "x": rng.normal(size=1800)})
    assert set(_made(name, epochs=1).fit(data).sample(200)["code"].to_pylist()) <= set(codes)


@BOTH
def test_seconds_end_a_fit_with_a_note(name):
    model = _made(name, epochs=None, max_seconds=0.3).fit(DATA)
    assert any(note.code == "D002" and "max_seconds" in note.what for note in model.notes)


@BOTH
def test_a_finished_fit_ends_without_that_note(name):
    assert not any(note.code == "D002" for note in _made(name).fit(DATA).notes)


@BOTH
def test_a_fit_goes_on_from_its_checkpoint_to_the_same_rows(name, tmp_path):
    whole = _made(name).fit(DATA, seed=4).sample(20)
    checkpoint = tmp_path / "state.synth"

    def stop_in_training(event):
        if event.stage == "training" and event.done == 10:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        _made(name).fit(DATA, seed=4, callbacks=[stop_in_training], resume_from=checkpoint)
    assert checkpoint.exists()
    resumed = _made(name).fit(DATA, seed=4, resume_from=checkpoint)
    assert resumed.sample(20).fingerprint() == whole.fingerprint()
    with pytest.raises(FormatError, match="another fit"):
        _made(name, epochs=5).fit(DATA, seed=4, resume_from=checkpoint)


@BOTH
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(ConfigError, match="no device 'cuda:77'"):
        _made(name, device="cuda:77").fit(DATA)


@BOTH
@pytest.mark.parametrize("options", [{"epochs": 0}, {"batch": 1}, {"numbers": "bins"}, {"hidden": ()}, {"ema": 1.0}])
def test_wrong_options_are_refused_by_name(name, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        Generator.create(name, **options)


@pytest.mark.quality
def test_a_rare_level_that_is_asked_for_is_given_to_the_net():
    model = _made("ctgan", epochs=60, learning_rate=2e-3).fit(DATA)
    gen_share = float(np.mean([level == "gold" for level in model.sample(2000)["plan"].to_pylist()]))
    drawn = model._sample(2000, Context(np.random.default_rng(0)), model._condition("plan == 'gold'"))
    assert np.mean([level == "gold" for level in drawn["plan"].to_pylist()]) > 5 * gen_share
    assert set(model.sample(50, where="plan == 'gold' and age > 30")["plan"].to_pylist()) == {"gold"}


def test_a_value_that_was_never_seen_is_refused_before_anything_is_drawn():
    with pytest.raises(Unreachable, match="No such value was seen"):
        _made("ctgan").fit(DATA).sample(5, where="rooms == 77")


@BOTH
@pytest.mark.parametrize(("given", "means"), [("64,32", (64, 32)), (64, (64,)), ([64], (64,))])
def test_widths_may_be_written_as_the_documentation_writes_them(name, given, means):
    assert _made(name, hidden=given).config.hidden == means


@BOTH
@pytest.mark.parametrize("given", [[0], [], "wide", "64,,32", [10**9]])
def test_widths_of_nothing_are_one_clear_error(name, given):
    with pytest.raises(ConfigError, match=r"hidden") as caught:
        _made(name, hidden=given)
    assert "tuple" not in str(caught.value).lower()
