"""A recipe runs for every kind of data, and what does not fit together is one clear error."""

import json
import shutil
import sys

import numpy as np
import pytest

import synthwright as sw
from synthwright.core.errors import ConfigError, DataError, FormatError, MissingExtra, SchemaError, Unsupported
from synthwright.generators.defaults import method_for
from synthwright.run.runner import run
from synthwright.testing import mixed_table, small_images, small_series


@pytest.fixture
def folder(tmp_path):
    sw.write(small_images(150), tmp_path / "pictures")
    sw.write(small_series(90), tmp_path / "load.csv")
    return tmp_path


def recipes(folder):
    return {
        "images": {
            "data": {"read": str(folder / "pictures")},
            "generator": {"use": "image_ppca"},
            "sample": {"rows": 40, "where": "label == 'disc'"},
            "evaluate": {"metrics": ["image_kid", "image_copies"]},
        },
        "series": {
            "data": {"read": str(folder / "load.csv"), "entity": "who", "order": "day", "static": ["region"]},
            "generator": {"use": "block_bootstrap"},
            "sample": {"rows": 30},
            "evaluate": {"metrics": ["series_levels", "series_copies"]},
        },
        "text": {
            "generator": {"use": "dyval", "task": "bool_logic", "level": "D3"},
            "sample": {"rows": 30},
            "evaluate": {"metrics": ["text_labels", "text_balance"]},
        },
    }


def test_what_is_wrong_in_a_file_of_series_names_the_file(tmp_path):
    (tmp_path / "load.csv").write_text("id,t,x\na,1,2.5\na,1,3.5\n")
    with pytest.raises(DataError, match="repeat") as caught:
        sw.read(tmp_path / "load.csv", entity="id", order="t")
    assert caught.value.where == f"{tmp_path / 'load.csv'}, column 't'"


def test_moments_with_and_without_a_zone_in_a_file_of_series_are_refused(tmp_path):
    (tmp_path / "load.csv").write_text("id,t,x\na,2024-03-01T00:00:00,2.5\na,2024-03-01T03:00:00+01:00,3.5\n")
    with pytest.raises(DataError, match="1 of 2 moments have a time zone, such as row 1; row 0 has none"):
        sw.read(tmp_path / "load.csv", entity="id", order="t")


@pytest.mark.parametrize("kind", ["images", "series", "text"])
def test_a_recipe_leaves_a_whole_run_and_repeats_to_the_same_bytes(folder, kind):
    prints = []
    for attempt in ("a", "b"):
        done = run({**recipes(folder)[kind], "out": str(folder / attempt)}, workers=2 if attempt == "b" else 1)
        assert done.ledger.made == done.ledger.requested
        made = sw.read(done.synthetic, schema=folder / attempt / "schema.json")
        assert made.modality == kind
        assert len(made) == done.ledger.requested
        assert "Error" not in done.page.read_text(encoding="utf-8")
        assert json.loads((folder / attempt / "report.json").read_text())["settings"]["modality"] == kind
        assert not {"error"} & {score.verdict for score in done.report.scores}
        prints.append(made.fingerprint())
    assert prints[0] == prints[1]


def test_the_condition_of_a_recipe_holds_in_every_image(folder):
    done = run({**recipes(folder)["images"], "out": str(folder / "out")})
    assert set(sw.read(done.synthetic).labels()) == {"disc"}


@pytest.mark.parametrize(("kind", "where"), [("images", "label == 'disc'"), ("series", "region == 'south'")])
def test_a_sample_under_a_condition_is_judged_within_it(folder, kind, where):
    recipe = recipes(folder)[kind]
    recipe["sample"]["where"] = where
    report = run({**recipe, "out": str(folder / "out")}).report
    (note,) = [note for note in report.notes if note.code == "E008"]
    n = report.inputs["train"]["rows"]
    assert f"{where}, which is met by {n} of {90 if kind == 'images' else 54} units in train" in note.what


def test_methods_and_data_of_two_kinds_do_not_meet(folder):
    with pytest.raises(Unsupported, match="learns from datasets of modality 'table', not 'images'") as error:
        sw.Generator.create("cart").fit(small_images(40))
    assert "image_ppca" in error.value.fix
    with pytest.raises(Unsupported, match="not 'table'"):
        sw.Generator.create("image_ppca").fit(mixed_table(60))
    with pytest.raises(Unsupported, match="not from nothing"):
        sw.Generator.create("cart").fit(None)


def test_auto_is_a_method_for_these_data_and_says_which(folder):
    recipe = {
        "data": recipes(folder)["series"]["data"],
        "sample": {"rows": 30},
        "evaluate": {"metrics": ["series_acf"]},
    }
    report = run({**recipe, "out": str(folder / "out")}).report
    assert sw.Generator.load(folder / "out" / "model.synth").name == "pca_gaussian"
    assert [note.what for note in report.notes if note.code == "G033"] == ["auto uses 'pca_gaussian' for series"]


@pytest.mark.parametrize("torch", [True, False])
def test_auto_for_images_is_the_flow_or_says_what_it_needs(torch, monkeypatch):
    if torch:
        pytest.importorskip("torch")
    else:
        monkeypatch.setitem(sys.modules, "torch", None)
    method, (note,) = method_for(small_images(40))
    assert method.name == ("image_flow" if torch else "image_ppca")
    assert ("needs torch" in note.what) is not torch


def test_a_method_that_is_named_is_the_one_that_is_used():
    assert method_for(small_images(40), "cart")[0].name == "cart"
    assert method_for(mixed_table(60))[0].name == "auto"
    with pytest.raises(ConfigError, match="leaf"):
        method_for(small_images(40), leaf=30)


def test_a_schema_of_another_kind_is_refused_when_reading(folder):
    small_series(30).schema.save(folder / "series.json")
    with pytest.raises(ConfigError, match="modality 'series'"):
        sw.read(folder / "pictures", modality="images", schema=folder / "series.json")
    with pytest.raises(ConfigError, match="describe series"):
        sw.read(folder / "pictures", modality="images", entity="who")
    with pytest.raises(ConfigError, match="Unknown modality"):
        sw.read(folder / "load.csv", modality="sounds")


def test_a_model_whose_schema_is_of_another_kind_is_refused_at_load(tmp_path):
    path = sw.Generator.create("independent").fit(mixed_table(60)).save(tmp_path / "m")
    document = json.loads((path / "model.json").read_text())
    document["preparation"]["schema"]["modality"] = "images"
    (path / "model.json").write_text(json.dumps(document))
    with pytest.raises(FormatError, match="modality 'images'"):
        sw.load(path)


def test_parts_of_two_kinds_are_not_compared():
    with pytest.raises(Unsupported, match="modality"):
        sw.evaluate(mixed_table(60), train=small_images(60))
    with pytest.raises(ConfigError, match="judged against the data"):
        sw.evaluate(small_images(60))


def test_data_are_needed_exactly_by_methods_that_learn(folder):
    with pytest.raises(ConfigError, match="No data are named"):
        run({"generator": {"use": "cart"}, "out": str(folder / "x")})
    with pytest.raises(ConfigError, match="reads none"):
        run({"data": {"read": str(folder / "load.csv")}, "generator": {"use": "dyval"}, "out": str(folder / "y")})
    assert not (folder / "x").exists()
    assert not (folder / "y").exists()


@pytest.mark.parametrize("name", ["flow", "ctgan", "tvae"])
def test_without_torch_one_line_says_what_to_install(monkeypatch, name):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match="torch, which is not installed") as error:
        sw.Generator.create(name).fit(mixed_table(80))
    assert error.value.fix == "pip install 'synthwright[deep]'"


def test_a_folder_without_pictures_says_so(tmp_path):
    from synthwright.core.errors import ReadError

    with pytest.raises(ReadError, match="holds no images"):
        sw.read(tmp_path)


def test_flat_tables_of_all_kinds_come_back_the_same(tmp_path):
    for data in (small_images(30), small_series(20), sw.Generator.create("dyval", level="D3").fit().sample(12)):
        again = type(data).from_arrow(data.to_arrow(), data.schema)
        assert again.fingerprint() == data.fingerprint()
        for suffix in (".parquet", ".arrow"):
            path = sw.write(data, tmp_path / f"{data.modality}{suffix}")
            assert sw.read(path).fingerprint() == data.fingerprint()
        assert data.select(np.arange(5)).to_pandas().shape[0] >= 5


@pytest.mark.parametrize("kind", ["images", "text"])
def test_a_form_that_cannot_hold_the_data_is_refused_before_anything_is_made(folder, kind):
    recipe = recipes(folder)[kind]
    with pytest.raises(Unsupported, match=r"cannot be written as \.csv"):
        run({**recipe, "sample": {**recipe["sample"], "format": "csv"}, "out": str(folder / "out")})
    assert not (folder / "out").exists()


def test_a_folder_of_images_that_was_lost_is_written_again_to_the_same_bytes(folder):
    recipe = {**recipes(folder)["images"], "out": str(folder / "out")}
    first = sw.read(run(recipe).synthetic).fingerprint()
    shutil.rmtree(folder / "out" / "synthetic")
    assert sw.read(run(recipe, resume=True).synthetic).fingerprint() == first


def test_wishes_about_cells_of_a_table_are_not_ignored_for_other_data(folder):
    with pytest.raises(Unsupported, match="on_invalid"):
        sw.read(folder / "pictures", on_invalid="drop")


def test_a_schema_given_with_images_is_kept_or_refused(folder):
    schema = sw.read(folder / "pictures").schema
    edited = schema.edit({"label": {"role": "feature"}})
    assert sw.read(folder / "pictures", schema=edited).schema["label"].role == "feature"
    fewer = schema.model_copy(update={"columns": schema.columns[:1]})
    with pytest.raises(SchemaError, match="does not describe"):
        sw.read(folder / "pictures", schema=fewer)
