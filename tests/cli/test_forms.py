"""The synthetic file in the form of the user's own, and images at the size that was asked for."""

import json

import numpy as np
import pytest

import synthwright as sw
from synthwright.data.png import encode_png
from synthwright.scenarios.healthcare import patients


@pytest.fixture
def german(tmp_path):
    """The hospital stays as a German office program saves them, and their first line."""
    path = tmp_path / "stays.csv"
    sw.write(patients(600), sw.io.files.File(path=path, delimiter=";", decimal=",", encoding="utf-8-sig"))
    return path


def head(path):
    return path.read_bytes().splitlines()[0]


def test_fit_and_sample_give_a_file_in_the_form_of_the_data(cli, german, tmp_path):
    cli("fit", german, "--out", "m.synth", "--generator", "independent", "--quiet")
    cli("sample", "m.synth", "--rows", 50, "--out", "x.csv", "--quiet")
    assert head(tmp_path / "x.csv") == head(german)
    assert sw.read(tmp_path / "x.csv").schema.csv == sw.read(german).schema.csv


def test_sample_and_convert_take_another_form(cli, german, tmp_path):
    cli("fit", german, "--out", "m.synth", "--generator", "independent", "--quiet")
    plain = ("--delimiter", ",", "--decimal", ".", "--encoding", "utf-8")
    cli("sample", "m.synth", "--rows", 50, "--out", "x.csv", "--quiet", *plain)
    cli("convert", german, "y.csv", "--quiet", *plain)
    cli("convert", german, "z.csv", "--quiet", "--delimiter", "tab")
    assert [sw.read(tmp_path / name).schema.csv for name in ("x.csv", "y.csv")] == [None, None]
    assert sw.read(tmp_path / "y.csv").fingerprint() == sw.read(german).fingerprint()
    assert head(tmp_path / "z.csv") == head(german).replace(b";", b"\t")


@pytest.mark.parametrize(
    ("out", "options", "words"),
    [
        ("x.parquet", ("--delimiter", ";"), "--delimiter shapes CSV files; 'x.parquet' is none"),
        ("-", ("--decimal", ",", "--encoding", "cp1252"), "--decimal and --encoding shape CSV files; '-' is none"),
        ("x.csv", ("--delimiter", "ab"), "Cells cannot be cut at 'ab'"),
        ("x.csv", ("--decimal", ";"), "A decimal mark is a point or a comma, not ';'"),
    ],
)
def test_a_form_that_cannot_be_is_refused(cli, german, out, options, words):
    assert words in cli("convert", german, out, *options, code=2).stderr


def test_an_encoding_that_lacks_a_letter_is_named(cli, german):
    (german.parent / "u.csv").write_text("a;b\nKöln;1\nBonn;2\n", encoding="utf-8")
    assert "has no 'ö'" in cli("convert", "u.csv", "v.csv", "--encoding", "ascii", code=4).stderr


@pytest.mark.e2e
def test_a_run_gives_a_file_in_the_form_of_the_data_and_its_lock_knows_it(cli, german, quick, tmp_path):
    cli("run", german, "--rows", 700, "--out", "r", "--quiet", *quick)
    assert head(tmp_path / "r/synthetic.csv") == head(german)
    plain = tmp_path / "other" / german.name
    cli("convert", german, plain, "--delimiter", ",", "--decimal", ".", "--encoding", "utf-8", "--quiet")
    refused = cli("run", plain, "--rows", 700, "--out", "r", "--resume", "--quiet", *quick, code=2)
    assert "data.csv.delimiter: ';' there, None now" in refused.stderr


@pytest.fixture
def pictures(tmp_path):
    """Two classes of images in three sizes."""
    pytest.importorskip("PIL.Image", reason="needs the extra images")
    rng = np.random.default_rng(0)
    for i in range(60):
        folder = tmp_path / "pics" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        side = (9, 12, 30)[i % 3]
        (folder / f"{i:02d}.png").write_bytes(encode_png(rng.integers(0, 256, (side, side, 1), dtype=np.uint8)))
    return tmp_path / "pics"


def test_images_of_mixed_sizes_are_refused_with_an_option_that_exists(cli, pictures):
    refused = cli("inspect", pictures, code=3)
    assert "read(path, image_size=(9, 9)), --image-size 9x9" in refused.stderr
    shown = json.loads(cli("inspect", pictures, "--image-size", "9x9", "--json").stdout)
    assert shown["rows"] == 60
    assert "I029: 40 images were resized" in shown["notes"]


def test_images_are_resized_by_fit_convert_and_init(cli, pictures, tmp_path):
    cli("fit", pictures, "--image-size", "8", "--generator", "image_ppca", "--out", "m.synth", "--quiet")
    assert sw.load(tmp_path / "m.synth").sample(3).shape == (8, 8, 1)
    cli("convert", pictures, "small.npz", "--image-size", "8x10", "--quiet")
    assert sw.read(tmp_path / "small.npz").shape == (8, 10, 1)
    cli("init", pictures, "--image-size", "8", "--out", "r.yaml", "--quiet")
    assert sw.run.recipe.Recipe.load(tmp_path / "r.yaml").data.image_size == (8, 8)


@pytest.mark.e2e
def test_a_run_and_an_evaluation_resize_images(cli, pictures, tmp_path):
    cheap = ("--generator", "image_ppca", "--set", 'evaluate.metrics=["fidelity"]')
    cli("run", pictures, "--image-size", "8x8", "--out", "r", "--rows", 20, "--quiet", *cheap)
    assert sw.read(tmp_path / "r/synthetic").shape == (8, 8, 1)
    asked = ("--train", pictures, "--metric", "fidelity", "--quiet")
    cli("evaluate", "r/synthetic", *asked, "--image-size", "8", code=0)
    cli("convert", pictures, "big.npz", "--image-size", "9", "--quiet")
    refused = cli("evaluate", "r/synthetic", "--train", "big.npz", "--metric", "fidelity", "--quiet", code=3)
    assert "image_size=(9, 9), --image-size 9x9" in refused.stderr


@pytest.mark.parametrize("size", ["0", "1", "8x", "big", "8x8x1", "99999"])
def test_what_is_no_size_is_refused(cli, pictures, size):
    assert "is no size of images" in cli("inspect", pictures, "--image-size", size, code=2).stderr


@pytest.mark.parametrize(
    "verb", [("inspect",), ("fit", "--out", "m.synth"), ("run", "--out", "r"), ("convert", "x.npz")]
)
def test_a_table_has_no_image_size(cli, csv, verb):
    refused = cli(verb[0], csv, *verb[1:], "--image-size", "8", code=2)
    assert "An image size describes images, not table" in refused.stderr
