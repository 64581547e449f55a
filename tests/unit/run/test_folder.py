from dataclasses import replace

import pytest

from synthwright.core.errors import ConfigError, FormatError
from synthwright.run.folder import Ledger, Lock, check_free, enter, held, suffix_like, sweep
from synthwright.run.recipe import Recipe


@pytest.fixture
def lock():
    recipe = Recipe.from_mapping({"data": {"read": "a.csv"}, "sample": {"rows": 5}, "out": "x"})
    return Lock(recipe, {"fingerprint": "f" * 64, "rows": 9, "columns": 2}, {"synthwright": "1", "numpy": "2"})


def test_the_ledger_adds_up():
    ledger = Ledger(100, made=60, rejected=5, failed=10)
    document = ledger.to_json()
    assert document["pending"] == 25
    assert document["requested"] == sum(document[key] for key in ("made", "rejected", "failed", "pending"))


def test_a_lock_survives_its_file(lock, tmp_path):
    (tmp_path / "l.yaml").write_text(lock.to_yaml())
    again = Lock.load(tmp_path / "l.yaml")
    assert again.hash == lock.hash
    assert again.differences(lock) == []


def test_paths_do_not_change_the_hash_and_everything_else_does(lock):
    def other(**changes):
        return replace(lock, recipe=Recipe.from_mapping({**lock.recipe.to_mapping(), **changes})).hash

    assert other(out="elsewhere") == lock.hash
    assert other(data={"read": "moved/a.csv"}) == lock.hash
    assert other(data={"read": "a.csv", "target": "y"}) != lock.hash
    assert other(data={"read": "a.parquet"}) != lock.hash  # the result would be a Parquet file
    assert other(sample={"rows": 6}) != lock.hash
    assert other(generator={"use": "auto", "bags": 2}) != lock.hash
    assert replace(lock, versions={"synthwright": "2", "numpy": "2"}).hash != lock.hash
    assert replace(lock, data={**lock.data, "fingerprint": "0" * 64}).hash != lock.hash


def test_a_foreign_folder_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.doc").write_text("years of work")
    with pytest.raises(ConfigError, match=r"thesis\.doc"):
        check_free(tmp_path)
    assert (tmp_path / "thesis.doc").read_text() == "years of work"


def test_an_empty_folder_and_the_leftovers_of_a_killed_start_are_free(tmp_path):
    check_free(tmp_path / "new")
    (tmp_path / ".lock").touch()
    (tmp_path / ".recipe.lock.yaml.abc.tmp").touch()
    check_free(tmp_path)


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "f").touch()
    with pytest.raises(ConfigError, match="is a file"):
        check_free(tmp_path / "f")


def test_the_same_run_wants_resume_and_another_is_refused(lock, tmp_path):
    enter(tmp_path, lock, resume=False)
    with pytest.raises(ConfigError, match="--resume"):
        enter(tmp_path, lock, resume=False)
    enter(tmp_path, lock, resume=True)
    other = replace(lock, data={**lock.data, "rows": 10})
    with pytest.raises(ConfigError, match=r"data\.rows: 9 there, 10 now"):
        enter(tmp_path, other, resume=True)


def test_a_lock_file_that_is_none_is_one_clear_error(lock, tmp_path):
    (tmp_path / "recipe.lock.yaml").write_text("recipe: {data: {reed: x}}\n")
    with pytest.raises(FormatError, match=r"recipe\.lock\.yaml"):
        enter(tmp_path, lock, resume=True)


def test_a_folder_is_held_by_one_run_at_a_time(tmp_path):
    with held(tmp_path), pytest.raises(ConfigError, match="Another run"), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_sweeping_removes_our_temporary_files_and_nothing_else(tmp_path):
    (tmp_path / "blocks").mkdir()
    ours = [tmp_path / ".model.synth.x1.tmp", tmp_path / "blocks" / ".part-00003.parquet.q.tmp"]
    theirs = [tmp_path / "notes.tmp", tmp_path / ".mine.tmp", tmp_path / "model.synth"]
    for path in (*ours, *theirs):
        path.touch()
    ours.append(tmp_path / ".synthetic.x2.tmp")  # a folder of images that was half written
    (ours[-1] / "images").mkdir(parents=True)
    sweep(tmp_path)
    assert not any(path.exists() for path in ours)
    assert all(path.exists() for path in theirs)


@pytest.mark.parametrize(
    ("source", "suffix"),
    [
        ("a.csv", ".csv"),
        ("a.b.CSV.gz", ".csv.gz"),
        ("a.parquet", ".parquet"),
        ("sqlite:///x.db::t", ".parquet"),
        ("a.duckdb::t", ".parquet"),
        ("a.tsv", ".tsv"),
        ("adult.data", ".csv"),
        ("noending", ".csv"),
        ("a.json", ".jsonl"),
        ("a.json.gz", ".jsonl.gz"),
        ("a.arrow.gz", ".arrow"),
    ],
)
def test_the_result_looks_like_its_source(source, suffix):
    assert suffix_like(source) == suffix
