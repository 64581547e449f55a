import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from synthwright.core.errors import ConfigError
from synthwright.run.recipe import Recipe, merge, template

ODD = ["a: b", "#c", "- d", "it's", 'q"', "yes", "1", "x\ny", "null", " edge ", "é"]


def test_a_recipe_survives_yaml():
    recipe = Recipe.from_mapping(
        {"data": {"read": "a.csv", "schema": "s.json"}, "generator": {"use": "cart", "bags": 3}}
    )
    assert Recipe.from_mapping(yaml.safe_load(recipe.to_yaml())) == recipe
    assert recipe.generator.options == {"bags": 3}


def test_every_default_is_written_out():
    document = Recipe.from_mapping({"data": {"read": "a/b.csv.gz"}}).to_mapping()
    assert document["out"] == "runs/b"
    assert document["sample"] == {"rows": None, "where": None, "seed": 1, "format": "same"}
    assert document["data"]["split"]["fractions"] == [0.6, 0.2, 0.2]


def test_one_number_is_both_sides_of_an_image():
    for given in (32, [32, 32]):
        recipe = Recipe.from_mapping({"data": {"read": "pics", "image_size": given}})
        assert recipe.to_mapping()["data"]["image_size"] == [32, 32]


def test_all_wrong_options_are_named_with_their_path():
    with pytest.raises(ConfigError) as caught:
        Recipe.from_mapping({"data": {"read": "a.csv", "taget": "y"}, "sample": {"rows": 0}, "evaluatee": {}})
    text = str(caught.value)
    assert "3 problems" in text
    assert "recipe: data.taget" in text
    assert "Did you mean 'target'?" in text
    assert "recipe: sample.rows" in text
    assert "Did you mean 'evaluate'?" in text


def test_paths_are_relative_to_the_recipe_file(tmp_path):
    (tmp_path / "r.yaml").write_text("data: {read: d/a.csv, schema: s.json}\nout: runs/x\n")
    recipe = Recipe.load(tmp_path / "r.yaml")
    assert Path(recipe.data.read) == tmp_path / "d/a.csv"
    assert Path(recipe.data.schema_file) == tmp_path / "s.json"
    assert Path(recipe.out) == tmp_path / "runs/x"


def test_addresses_of_databases_are_left_alone(tmp_path):
    (tmp_path / "r.yaml").write_text("data: {read: 'postgresql://host/db::t'}\n")
    assert Recipe.load(tmp_path / "r.yaml").data.read == "postgresql://host/db::t"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"data: [", "not valid YAML"),
        (b"- 1", "mapping"),
        (b"\xff\xfe", "UTF-8"),
        (b"", "mapping"),
        (b"!!python/object/apply:os.system [ls]", "not valid YAML"),
    ],
)
def test_a_bad_recipe_file_is_one_clear_error(tmp_path, content, words):
    (tmp_path / "r.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        Recipe.load(tmp_path / "r.yaml")


def test_a_missing_recipe_names_the_command_that_writes_one(tmp_path):
    with pytest.raises(ConfigError, match="synthwright init"):
        Recipe.load(tmp_path / "no.yaml")


@pytest.mark.parametrize("odd", ODD)
def test_the_commented_template_is_a_valid_recipe_for_any_name(odd):
    document = yaml.safe_load(template(odd, rows=10, columns=(odd, "b"), target=odd))
    recipe = Recipe.from_mapping(document)
    assert recipe.data.read == odd
    assert recipe.data.target == odd
    assert recipe.sample.rows == 10


def test_what_the_template_comments_out_are_the_defaults():
    text = template("a.csv", rows=10, columns=("x",), target=None)
    whole = yaml.safe_load(re.sub(r"^( *)# ( *[a-z]+:)", r"\1\2", text, flags=re.M))
    assert whole["sample"].pop("where") == "x is not null"
    assert whole["data"].pop("target") == "x"
    assert whole["data"].pop("schema") == "a.schema.json"
    assert Recipe.from_mapping(whole) == Recipe.from_mapping({"data": {"read": "a.csv"}, "sample": {"rows": 10}})


def test_the_json_schema_accepts_what_the_class_accepts():
    schema = Recipe.json_schema()
    recipe = Recipe.from_mapping({"data": {"read": "a.csv"}, "generator": {"use": "cart", "bags": 2}})
    jsonschema.validate(json.loads(json.dumps(recipe.to_mapping())), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"data": {"read": "a.csv", "no_such": 1}}, schema)
    assert "Seed of the fit." in json.dumps(schema)


def test_changes_are_laid_over_section_by_section():
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}, "d": 4}) == {"a": {"b": 3, "c": 2}, "d": 4}
