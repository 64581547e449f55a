"""A fit that was stopped goes on to the same bytes, never as another fit, and says truly what it keeps."""

import importlib.util

import pytest

from synthwright.core.errors import Cancelled, ConfigError, FitError
from synthwright.data.table import Table
from synthwright.run.fitting import fit_to, partial_folder
from synthwright.run.recipe import Recipe
from synthwright.scenarios.healthcare import patients

DATA = Table.of(patients(300))
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs the extra deep")


def stop_at(stage, done):
    def sink(event):
        if event.stage == stage and event.done == done:
            raise Cancelled(f"Stopped during {stage} ({done} of {event.total}).")

    return sink


@pytest.fixture
def recipe(tmp_path):
    def make(use="flow", out="m.synth", **options):
        document = {
            "data": {"read": "stays.csv"},
            "generator": {"use": use, **options},
            "out": str(tmp_path / out),
        }
        return Recipe.from_mapping(document)

    return make


TINY = {"steps": 60, "width": 8, "batch": 64}


@needs_torch
@pytest.mark.parametrize("done", [5, 40])  # while the flow learns, and while the tokens are learned
def test_a_stopped_fit_goes_on_to_the_same_bytes_and_leaves_nothing_behind(recipe, tmp_path, done):
    fit_to(recipe(out="whole.synth", **TINY), DATA)
    with pytest.raises(Cancelled) as stopped:
        fit_to(recipe(**TINY), DATA, callbacks=[stop_at("training", done)])
    folder = partial_folder(tmp_path / "m.synth")
    assert stopped.value.where == str(folder)
    assert stopped.value.fix == "the same command goes on from what is kept"
    assert not (tmp_path / "m.synth").exists()
    told = []
    fit_to(recipe(**TINY), DATA, going_on=told.append)
    assert told == [folder]
    assert (tmp_path / "m.synth").read_bytes() == (tmp_path / "whole.synth").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.synth", "whole.synth"]


@needs_torch
def test_other_options_and_other_data_are_refused_and_the_state_stays(recipe, tmp_path):
    with pytest.raises(Cancelled):
        fit_to(recipe(**TINY), DATA, callbacks=[stop_at("training", 40)])
    with pytest.raises(
        ConfigError, match=r"a stopped fit of something else \(recipe\.generator\.steps: 60 there, 70 now"
    ):
        fit_to(recipe(**{**TINY, "steps": 70}), DATA)
    with pytest.raises(ConfigError, match=r"data\.rows: 300 there, 299 now"):
        fit_to(recipe(**TINY), DATA.select(range(299)))
    assert (tmp_path / "m.synth.partial/checkpoint.synth").is_file()


@needs_torch
def test_stopped_before_training_it_keeps_nothing_and_says_so(recipe, tmp_path):
    with pytest.raises(Cancelled, match="Nothing is kept yet") as stopped:
        fit_to(recipe(**TINY), DATA, callbacks=[stop_at("preparing", 0)])
    assert stopped.value.fix == "the same command starts anew"
    assert list(tmp_path.iterdir()) == []
    fit_to(recipe(**{**TINY, "steps": 70}), DATA)


@pytest.mark.parametrize("use", ["cart", "independent"])
def test_a_method_that_cannot_go_on_says_that_nothing_is_kept(recipe, tmp_path, use):
    with pytest.raises(Cancelled, match=f"Nothing is kept: '{use}' cannot go on with a stopped fit") as stopped:
        fit_to(recipe(use), DATA, callbacks=[stop_at("preparing", 0)])
    assert stopped.value.fix == "the same command starts anew"
    assert list(tmp_path.iterdir()) == []


@needs_torch
def test_a_fit_that_failed_leaves_no_state_to_fail_from_again(recipe, tmp_path):
    with pytest.raises(Cancelled):
        fit_to(recipe(**TINY), DATA, callbacks=[stop_at("training", 40)])

    def diverges(folder):
        raise FitError("The loss is no longer a number.")

    with pytest.raises(FitError):
        fit_to(recipe(**TINY), DATA, going_on=diverges)
    assert list(tmp_path.iterdir()) == []


@needs_torch
def test_a_folder_of_the_users_in_its_place_is_left_alone(recipe, tmp_path):
    folder = partial_folder(tmp_path / "m.synth")
    folder.mkdir()
    (folder / "thesis.doc").write_text("years of work")
    with pytest.raises(ConfigError, match=r"thesis\.doc"):
        fit_to(recipe(**TINY), DATA)
    assert (folder / "thesis.doc").read_text() == "years of work"


@needs_torch
def test_the_remains_of_a_killed_fit_without_a_state_do_not_bind(recipe, tmp_path):
    with pytest.raises(Cancelled):
        fit_to(recipe(**TINY), DATA, callbacks=[stop_at("training", 40)])
    (tmp_path / "m.synth.partial/checkpoint.synth").unlink()
    (tmp_path / "m.synth.partial/.checkpoint.synth.abc.tmp").touch()
    fit_to(recipe(**{**TINY, "steps": 70}), DATA)
    assert [path.name for path in tmp_path.iterdir()] == ["m.synth"]
