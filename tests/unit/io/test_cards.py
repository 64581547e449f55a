import yaml

from synthwright.io.cards import dataset_card
from synthwright.testing import mixed_table

FACTS = {
    "name": "People",
    "rows": 5000,
    "generator": "cart",
    "seed": 0,
    "options": {"trees": 8},
    "notes": ["N012: re-made, not learned (person_id)"],
    "files": ["synthetic.parquet"],
}


def card(**facts):
    return dataset_card(mixed_table(100).schema.with_target("plan"), {**FACTS, **facts}, "all axes pass")


def test_the_front_matter_is_yaml_with_size_files_and_features():
    head = yaml.safe_load(card().split("---")[1])

    assert head["size_categories"] == ["1K<n<10K"]
    assert head["configs"][0]["data_files"] == ["synthetic.parquet"]
    assert head["dataset_info"]["features"][1] == {"name": "age", "dtype": "int64"}


def test_a_card_tells_columns_making_notes_and_evaluation():
    text = card()

    assert "| `age` | integer | feature | quasi | yes | in steps of 1 |" in text
    assert "- options: trees = 8" in text
    assert "N012: re-made" in text
    assert "## Evaluation\n\nall axes pass" in text
    assert "The column to be predicted is `plan`." in text


def test_a_card_holds_no_cell_value_and_no_markup_from_names():
    text = card(name="<script>alert(1)</script> a|b")

    assert "canary" not in text
    assert "<script>" not in text.split("---")[2]


def test_a_card_needs_no_facts():
    assert "made with synthwright" in dataset_card(mixed_table(30).schema, {})
