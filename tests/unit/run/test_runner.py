import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from synthwright.core.context import Stop
from synthwright.core.errors import (
    Cancelled,
    ConditionError,
    ConfigError,
    FormatError,
    MissingExtra,
    SchemaError,
    Unreachable,
    Unsupported,
)
from synthwright.generators.independent import Independent
from synthwright.io.dispatch import read
from synthwright.run.runner import load_recipe, portable, run

RESULTS = (
    "schema.json",
    "model.synth",
    "synthetic.csv",
    "report.json",
    "report.html",
    "card.md",
    "blocks/part-00000.parquet",
    "blocks/part-00002.parquet",
)


def contents(folder):
    return {name: (folder / name).read_bytes() for name in RESULTS}


def test_a_run_leaves_everything_it_promises(make_recipe, tmp_path):
    result = run(make_recipe())
    folder = tmp_path / "run"
    assert result.folder == folder
    assert all((folder / name).is_file() for name in (*RESULTS, "recipe.lock.yaml", "events.jsonl", "run.json"))
    assert not [path.name for path in folder.rglob("*.tmp")]
    made = read(folder / "synthetic.csv", schema=folder / "schema.json")
    assert len(made) == 9000
    ledger = json.loads((folder / "run.json").read_text())
    assert ledger["ledger"] == {"requested": 9000, "made": 9000, "rejected": 0, "failed": 0, "pending": 0}
    assert ledger["state"] == "finished"
    assert all(json.loads(line)["stage"] for line in (folder / "events.jsonl").read_text().splitlines())


def test_the_lock_holds_all_defaults_versions_and_the_fingerprint(make_recipe, tmp_path):
    recipe = make_recipe()
    del recipe["sample"]["rows"]
    run(recipe)
    lock = yaml.safe_load((tmp_path / "run/recipe.lock.yaml").read_text())
    assert lock["recipe"]["sample"] == {"rows": 600, "where": None, "seed": 1, "format": "same"}
    assert lock["data"]["rows"] == 600
    assert len(lock["data"]["fingerprint"]) == 64
    assert {"synthwright", "python", "numpy", "pyarrow"} <= set(lock["versions"])


@pytest.mark.quality
def test_the_same_recipe_gives_the_same_bytes_with_any_number_of_workers(make_recipe, tmp_path):
    run(make_recipe("a"))
    run(make_recipe("b"), workers=2)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_stopping_between_blocks_and_resuming_gives_the_same_bytes(make_recipe, tmp_path):
    run(make_recipe("whole"))
    stop = Stop()

    def stop_at_second_block(event):
        if event.stage == "sampling" and event.total == 3 and event.done == 1:
            stop.ask()

    with pytest.raises(Cancelled) as caught:
        run(make_recipe("parts"), callbacks=[stop_at_second_block], stop=stop)
    assert caught.value.fix == f"synthwright run {tmp_path / 'parts'} --resume"
    ledger = json.loads((tmp_path / "parts/run.json").read_text())
    assert ledger["state"] == "stopped"
    assert ledger["ledger"] == {"requested": 9000, "made": 4096, "rejected": 0, "failed": 0, "pending": 4904}
    run(tmp_path / "parts", resume=True)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    "lost", ["model.synth", "blocks/part-00001.parquet", "synthetic.csv", "report.json", "report.html"]
)
def test_whatever_is_missing_is_made_again(make_recipe, tmp_path, lost):
    run(make_recipe())
    before = contents(tmp_path / "run")
    (tmp_path / "run" / lost).unlink()
    result = run(make_recipe(), resume=True)
    assert contents(tmp_path / "run") == before
    assert result.ledger.made == 9000


def test_nothing_is_done_twice(make_recipe, tmp_path):
    run(make_recipe())
    before = {
        path: path.stat().st_mtime_ns
        for path in (tmp_path / "run").rglob("*")
        if path.name in {n.rpartition("/")[2] for n in RESULTS}
    }
    run(make_recipe(), resume=True)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_torn_line_of_events_is_closed(make_recipe, tmp_path):
    run(make_recipe())
    events = tmp_path / "run/events.jsonl"
    events.write_bytes(events.read_bytes() + b'{"stage": "samp')
    run(make_recipe(), resume=True)
    lines = events.read_text().splitlines()
    torn = lines.index('{"stage": "samp')
    assert all(json.loads(line) for i, line in enumerate(lines) if i != torn)


def test_a_damaged_model_names_the_way_out(make_recipe, tmp_path):
    run(make_recipe())
    model = tmp_path / "run/model.synth"
    model.write_bytes(model.read_bytes()[:-30])
    with pytest.raises(FormatError, match="delete it, then: synthwright run"):
        run(make_recipe(), resume=True)


@pytest.mark.quality
def test_an_unreachable_condition_is_counted_as_failed(make_recipe, tmp_path):
    with pytest.raises(Unreachable):
        run(make_recipe(where="age > 500"))
    document = json.loads((tmp_path / "run/run.json").read_text())
    assert document["ledger"] == {"requested": 9000, "made": 0, "rejected": 0, "failed": 4096, "pending": 4904}
    assert document["state"] == "failed"
    assert "Unreachable" in document["error"]


def test_where_holds_in_every_row(make_recipe, tmp_path):
    run(make_recipe(rows=50, where="age >= 60 and sex == 'F'"))
    made = read(tmp_path / "run/synthetic.csv")
    assert min(made["age"].to_pylist()) >= 60
    assert set(made["sex"].to_pylist()) == {"F"}
    assert len(made) == 50


def test_a_conditioned_sample_is_judged_by_the_real_rows_that_meet_the_condition(make_recipe):
    report = run(make_recipe(rows=200, where="sex == 'F' and age >= 40")).report
    assert report.verdict == "pass"
    assert [note.what for note in report.notes if note.code == "E008"] == [
        "judged within the condition sex == 'F' and age >= 40, which is met by "
        f"{report.inputs['train']['rows']} of 360 units in train, {report.inputs['holdout']['rows']} of 120 units in "
        f"holdout, {report.inputs['test']['rows']} of 120 units in test"
    ]
    assert report.inputs["train"]["rows"] < 360


def test_a_sample_under_a_condition_that_no_real_row_meets_is_not_judged(make_recipe):
    report = run(make_recipe(rows=5, where="age <= 24 and systolic > 140")).report
    assert (report.verdict, report.scores) == ("not assessed", ())
    assert [note.what.count(" 0 of ") for note in report.notes if note.code == "E008"] == [3]


@pytest.mark.parametrize(
    ("section", "change", "error"),
    [
        ("generator", {"use": "no_such"}, Unsupported),
        ("generator", {"use": "independent", "bags": 3}, ConfigError),
        ("data", {"target": "no_such"}, SchemaError),
        ("sample", {"where": "no_such > 3"}, ConditionError),
        ("evaluate", {"metrics": ["no_such"]}, ConfigError),
        ("evaluate", {"metrics": []}, ConfigError),
    ],
)
def test_a_wrong_wish_fails_before_anything_is_written(make_recipe, tmp_path, section, change, error):
    recipe = make_recipe()
    recipe[section] = {**recipe[section], **change}
    with pytest.raises(error):
        run(recipe)
    assert not (tmp_path / "run").exists()


def test_groups_stay_in_one_part(make_recipe):
    recipe = make_recipe()
    recipe["data"]["split"] = {"group": "diagnosis"}
    result = run(recipe)
    assert any("by group 'diagnosis'" in note.what for note in result.report.notes)


def test_the_result_can_have_another_format(make_recipe, tmp_path):
    result = run(make_recipe(rows=100, format="parquet"))
    assert result.synthetic == tmp_path / "run/synthetic.parquet"
    assert len(read(result.synthetic)) == 100


def test_the_report_shows_the_recipe_without_anyone_s_folders_or_password(make_recipe, tmp_path):
    result = run(make_recipe())
    assert str(tmp_path) not in (tmp_path / "run/report.html").read_text()
    assert "read: patients.csv" in result.report.settings["recipe"]
    secret = {"data": {"read": "postgresql://me:secret@host/db::t"}}
    assert "secret" not in portable(load_recipe(secret))
    assert "postgresql://host/db::t" in portable(load_recipe(secret))


def test_a_killed_parent_takes_its_workers_along(tmp_path):
    code = (
        "import os, time\n"
        "from synthwright.core.pool import map_tasks\n"
        "if __name__ == '__main__':\n"
        "    for pid in map_tasks(os.getpid, [(), ()], 2):\n"
        "        print(pid, flush=True)\n"
        "        time.sleep(60)\n"
    )
    script = tmp_path / "parent.py"
    script.write_text(code)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        parent.kill()
    assert ended_within(child, 10)


def ended_within(pid, seconds):
    for _ in range(seconds * 20):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_a_large_sample_is_judged_by_a_draw_and_the_report_says_so(make_recipe, tmp_path, monkeypatch):
    whole = run(make_recipe("whole")).report
    monkeypatch.setattr("synthwright.run.runner.MOST_JUDGED", 2500)
    report = run(make_recipe("drawn")).report
    assert [note for note in whole.notes if note.code == "E007"] == []
    assert [note.what for note in report.notes if note.code == "E007"] == [
        "judged by 2,500 units drawn at random from the 9,000 that were made"
    ]
    assert (tmp_path / "whole/synthetic.csv").read_bytes() == (tmp_path / "drawn/synthetic.csv").read_bytes()


def test_a_wrong_number_of_workers_is_refused_before_the_folder_is_made(make_recipe, tmp_path):
    with pytest.raises(ConfigError, match="ray:N"):
        run(make_recipe(), workers="some")
    assert not (tmp_path / "run").exists()


def test_a_missing_package_is_told_before_a_folder_is_made(make_recipe, tmp_path, monkeypatch):
    monkeypatch.setattr(Independent, "ability", replace(Independent.ability, needs=("no_such_package:deep",)))
    with pytest.raises(MissingExtra, match="needs no_such_package"):
        run(make_recipe())
    assert not (tmp_path / "run").exists()
