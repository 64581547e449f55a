from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from synthwright.core.config import Config
from synthwright.core.errors import (
    ConditionError,
    ConfigError,
    DataError,
    FormatError,
    MissingExtra,
    Unreachable,
    Unsupported,
)
from synthwright.core.store import State
from synthwright.data.split import split
from synthwright.data.table import Table
from synthwright.generators.base import Ability, Generator, load
from synthwright.generators.independent import Independent
from synthwright.testing import mixed_table


def _numbers(n):
    """Whole numbers that repeat, so that nobody takes them for identifiers."""
    return [i * i % 37 for i in range(n)]


class Constant(Generator):
    """Always the first row."""

    name = "constant"
    summary = "one row for ever"
    ability = Ability("table", where="reject", block=16, rows=(5, 100))

    def _fit(self, data, ctx):
        self._first = data.select([0])

    def _sample(self, n, ctx, where):
        return self._first.select(np.zeros(n, dtype=int))

    def _state(self):
        return State()

    def _restore(self, state):
        """Nothing is kept."""


class Seldom(Constant):
    """The first row, but for one row drawn at random in each of the first seven draws of a block."""

    name = "seldom"

    def _fit(self, data, ctx):
        self._rows = data

    def _sample(self, n, ctx, where):
        rows = np.zeros(n, dtype=int)
        rows[0] = 2 * ctx.rng.integers(25) + 1 if ctx.attempt < 7 else 0
        return self._rows.select(rows)


@pytest.fixture(scope="module")
def model():
    return Independent().fit(mixed_table(), seed=1)


def test_a_condition_that_no_draw_meets_is_unreachable_with_numbers():
    fitted = Constant().fit({"x": _numbers(50), "y": ["a", "b"] * 25})
    with pytest.raises(Unreachable, match=r"Only 0 of [\d,]+ drawn units match") as caught:
        fitted.sample(3, where="y == 'b'")
    assert "y == 'b'" in caught.value.where


def test_the_matches_of_an_exhausted_block_are_its_beginning():
    fitted = Seldom().fit({"x": _numbers(50), "y": ["a", "b"] * 25})
    seven = fitted.sample(7, where="y == 'b'")
    assert seven["y"].to_pylist() == ["b"] * 7
    assert fitted.sample(3, where="y == 'b'").fingerprint() == seven.select(range(3)).fingerprint()
    with pytest.raises(Unreachable, match=r"Only 7 of [\d,]+ drawn units match; 8 are needed") as caught:
        fitted.sample(8, where="y == 'b'")
    assert caught.value.fix == "widen the condition, or sample at most 7 units"
    with pytest.raises(Unreachable, match="16 are needed"):
        fitted.sample_block(0, where="y == 'b'")


def test_more_units_than_the_method_can_take_are_drawn_with_a_note():
    fitted = Constant().fit({"x": _numbers(500), "y": ["a", "b"] * 250})
    assert [note.code for note in fitted.notes if note.code == "G001"] == ["G001"]
    assert "fitted on 100 units drawn at random from 500" in fitted.describe()


def test_too_few_units_are_refused_with_the_number():
    with pytest.raises(DataError, match="3 units are too few for 'constant': it needs at least 5"):
        Constant().fit({"x": [1, 2, 3], "y": ["a", "b", "a"]})


def test_too_few_units_of_a_split_name_the_split_and_the_way_round_it():
    train = split(Table.of({"x": _numbers(6)}), fractions=(0.5, 0.25, 0.25))[0]
    with pytest.raises(DataError) as caught:
        Constant().fit(train)
    assert "train part, split by unit: 3 of 6 units" in caught.value.where
    assert "synthwright fit" in caught.value.fix


def test_a_config_and_options_together_are_refused():
    with pytest.raises(ConfigError, match="not both"):
        Independent(Config(), leaf=3)


def test_the_config_of_another_method_is_refused():
    class Other(Config):
        """Not the one of `independent`."""

    with pytest.raises(ConfigError, match="Other is not the configuration of 'independent'"):
        Independent(Other())


def test_create_finds_by_name_and_passes_options():
    assert Generator.create("bootstrap", bandwidth=0.5).config.bandwidth == 0.5
    with pytest.raises(Unsupported, match="Did you mean 'bootstrap'"):
        Generator.create("bootstrapp")


def test_a_data_frame_goes_in_and_comes_out(model):
    pandas, polars = (pytest.importorskip(name) for name in ("pandas", "polars"))
    assert isinstance(model.sample(5, as_="pandas"), pandas.DataFrame)
    assert isinstance(model.sample(5, as_="polars"), polars.DataFrame)
    assert isinstance(model.sample(5, as_="arrow"), pa.Table)
    frame = mixed_table().to_pandas()
    assert len(Independent().fit(frame).sample(4)) == 4
    with pytest.raises(ConfigError, match="Unknown flavour 'numpy'"):
        model.sample(5, as_="numpy")


def test_augmenting_adds_the_asked_share_of_matching_rows(model):
    both = model.augment(mixed_table(), ratio=0.5, where="plan == 'gold'")
    assert len(both) == 450
    made = both.arrow.filter(pc.equal(both["_origin"], "synthetic"))
    assert pc.unique(made["plan"]).to_pylist() == ["gold"]


def test_the_parts_of_a_sample_come_one_by_one_and_are_the_sample(model):
    size = model.ability.block
    parts = model.sample_parts(2 * size + 5, seed=2)
    assert len(next(parts)) == size
    rest = list(parts)
    assert [len(part) for part in rest] == [size, 5]
    assert rest[1].fingerprint() == model.sample_block(2, seed=2).select(range(5)).fingerprint()


@pytest.mark.parametrize("wrong", [{"n": 0}, {"where": "nothing > 1"}, {"workers": "many"}])
def test_wrong_arguments_are_refused_before_the_first_part_is_asked_for(model, wrong):
    with pytest.raises((ConfigError, ConditionError)):
        model.sample_parts(**{"n": 3, **wrong})


def test_a_block_can_be_made_by_itself(model):
    whole = model.sample(model.ability.block + 5, seed=3)
    block = model.sample_block(1, seed=3)
    assert (
        block.select(np.arange(5)).fingerprint()
        == whole.select(np.arange(model.ability.block, len(whole))).fingerprint()
    )


def test_a_model_of_an_unknown_method_or_without_its_parts_is_refused(model, tmp_path):
    from synthwright.core import store

    header, state = store.load(model.save(tmp_path / "a.synth"))
    header.pop("format")
    store.save(tmp_path / "b.synth", {**header, "generator": "nope"}, state)
    with pytest.raises(Unsupported, match="Unknown generator 'nope'"):
        load(tmp_path / "b.synth")
    store.save(tmp_path / "c.synth", {k: v for k, v in header.items() if k != "preparation"}, state)
    with pytest.raises(FormatError, match="cannot be restored"):
        load(tmp_path / "c.synth")
    store.save(tmp_path / "d.synth", header, State(state.meta))
    with pytest.raises(FormatError, match="cannot be restored"):
        load(tmp_path / "d.synth")


def test_a_model_prints_its_own_options_only():
    assert repr(Generator.create("bootstrap", bandwidth=0.5)) == "Bootstrap(bandwidth=0.5)"
    assert repr(Generator.create("bootstrap")) == "Bootstrap()"


def test_the_same_fit_gives_the_same_file(tmp_path):
    data = Table.of({"x": _numbers(60), "y": ["a", "b", "c"] * 20})
    files = [Independent().fit(data).save(tmp_path / name).read_bytes() for name in ("a.synth", "b.synth")]
    assert files[0] == files[1]


def test_a_model_whose_package_is_absent_says_at_load_what_to_install(tmp_path, monkeypatch):
    path = Independent().fit(mixed_table(60)).save(tmp_path / "m.synth")
    monkeypatch.setattr(Independent, "ability", replace(Independent.ability, needs=("no_such_package:deep",)))
    with pytest.raises(MissingExtra, match="needs no_such_package") as caught:
        load(path)
    assert "synthwright[deep]" in caught.value.fix
