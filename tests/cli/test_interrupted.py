"""A run killed at any moment, or stopped politely, goes on to the same bytes."""

import importlib.util
import json
import os
import signal
import subprocess
import time

import pytest

pytestmark = pytest.mark.e2e

ROWS = 30_000
RESULTS = ("schema.json", "model.synth", "synthetic.csv", "report.json", "report.html", "card.md")


def contents(folder):
    parts = sorted(path.relative_to(folder) for path in (folder / "blocks").iterdir())
    return {str(name): (folder / name).read_bytes() for name in (*RESULTS, *parts)}


def wait_for(path, process, seconds=60):
    """Wait until `path` exists; fail when the process ends before."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, f"the run ended before {path.name} was there"
        assert time.monotonic() < end, f"{path.name} did not appear"
        time.sleep(0.002)


def started(command, environment, folder, arguments):
    return subprocess.Popen(
        [*command, *map(str, arguments)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def whole(cli, csv, quick, tmp_path):
    cli("run", csv, "--rows", ROWS, "--target", "readmitted", "--out", "whole", "--quiet", *quick)
    return contents(tmp_path / "whole")


@pytest.mark.parametrize(
    "moments",
    [
        (".lock", "recipe.lock.yaml", "model.synth"),
        ("blocks/part-00001.parquet", "blocks/part-00004.parquet"),
        ("synthetic.csv", "report.json"),
    ],
    ids=["early", "sampling", "late"],
)
def test_killed_and_resumed_it_gives_the_same_bytes(cli, command, environment, csv, quick, tmp_path, whole, moments):
    arguments = ("run", csv, "--rows", ROWS, "--target", "readmitted", "--out", "killed", "--quiet", "--resume", *quick)
    for moment in moments:
        process = started(command, environment, tmp_path, arguments)
        wait_for(tmp_path / "killed" / moment, process)
        process.kill()
        process.communicate()
    cli("run", "killed", "--resume", "--quiet")
    assert contents(tmp_path / "killed") == whole
    assert not list((tmp_path / "killed").rglob("*.tmp"))
    ledger = json.loads((tmp_path / "killed/run.json").read_text())["ledger"]
    assert ledger == {"requested": ROWS, "made": ROWS, "rejected": 0, "failed": 0, "pending": 0}


def test_killed_with_workers_and_resumed_with_other_workers(cli, command, environment, csv, quick, tmp_path, whole):
    arguments = (
        "run",
        csv,
        "--rows",
        ROWS,
        "--target",
        "readmitted",
        "--out",
        "killed",
        "--quiet",
        "--workers",
        2,
        *quick,
    )
    process = started(command, environment, tmp_path, arguments)
    wait_for(tmp_path / "killed/blocks/part-00001.parquet", process)
    process.kill()
    process.communicate()
    cli("run", "killed", "--resume", "--quiet")
    assert contents(tmp_path / "killed") == whole


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_stops_at_the_next_step_and_prints_how_to_go_on(
    cli, command, environment, csv, quick, tmp_path, workers
):
    arguments = ("run", csv, "--rows", 100_000, "--out", "r", "--workers", workers, *quick)
    process = started(command, environment, tmp_path, arguments)
    wait_for(tmp_path / "r/blocks/part-00001.parquet", process)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "synthwright run r --resume" in err
    document = json.loads((tmp_path / "r/run.json").read_text())
    assert document["state"] == "stopped"
    assert document["ledger"]["pending"] > 0
    assert sum(document["ledger"][key] for key in ("made", "rejected", "failed", "pending")) == 100_000


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs ray: pip install 'synthwright[scale]'")
def test_ctrl_c_with_ray_stops_and_other_workers_go_on(cli, command, environment, csv, quick, tmp_path):
    arguments = ("run", csv, "--rows", 200_000, "--out", "r", "--workers", "ray:1", *quick)
    process = started(command, environment, tmp_path, arguments)
    wait_for(tmp_path / "r/blocks/part-00001.parquet", process)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads((tmp_path / "r/run.json").read_text())["workers"] == "ray:1"
    assert not list((tmp_path / "r").rglob("*.tmp"))
    cli("run", "r", "--resume", "--quiet")
    cli("run", csv, "--rows", 200_000, "--out", "whole", "--quiet", *quick)
    assert (tmp_path / "r/synthetic.csv").read_bytes() == (tmp_path / "whole/synthetic.csv").read_bytes()


def test_a_second_ctrl_c_ends_at_once(command, environment, csv, quick, tmp_path):
    arguments = ("run", csv, "--rows", 400_000, "--out", "r", "--workers", 2, *quick)
    process = started(command, environment, tmp_path, arguments)
    wait_for(tmp_path / "r/blocks/part-00001.parquet", process)
    os.kill(process.pid, signal.SIGINT)
    process.stderr.readline(), process.stderr.readline()
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_ctrl_c_in_a_sample_promises_to_keep_nothing_and_keeps_nothing(cli, command, environment, csv, tmp_path):
    cli("fit", csv, "--out", "m.synth", "--generator", "independent", "--quiet")
    process = started(command, environment, tmp_path, ("sample", "m.synth", "--rows", 900_000, "--out", "x.csv"))
    while not list(tmp_path.glob(".x.csv.*.tmp")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "kept" not in err
    assert not [path.name for path in tmp_path.iterdir() if "x.csv" in path.name]


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch: pip install 'synthwright[deep]'")
def test_a_fit_stopped_by_sigterm_goes_on_with_the_same_command_to_the_same_bytes(
    cli, command, environment, csv, tmp_path
):
    tiny = ("--generator", "flow", "--set", "steps=100", "--set", "width=8", "--set", "batch=64")
    environment = {**environment, "SYNTHWRIGHT_PROGRESS": "json"}
    process = started(command, environment, tmp_path, ("fit", csv, "--out", "m.synth", *tiny))
    assert any('"stage": "training"' in line for line in process.stderr)
    process.send_signal(signal.SIGTERM)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "m.synth.partial" in err
    assert "the same command goes on from what is kept" in err
    refused = cli("fit", csv, "--out", "m.synth", *tiny, "--seed", 5, code=2)
    assert "recipe.generator.seed: 0 there, 5 now" in refused.stderr
    resumed = cli("fit", csv, "--out", "m.synth", *tiny)
    assert "Going on with the stopped fit in m.synth.partial." in resumed.stderr
    whole = cli("fit", csv, "--out", "whole.synth", *tiny)
    assert "Going on" not in whole.stderr
    assert (tmp_path / "m.synth").read_bytes() == (tmp_path / "whole.synth").read_bytes()
    assert not (tmp_path / "m.synth.partial").exists()


def test_ctrl_c_in_a_fit_of_trees_says_that_nothing_is_kept(command, environment, csv, tmp_path):
    environment = {**environment, "SYNTHWRIGHT_PROGRESS": "json"}
    arguments = ("fit", csv, "--out", "m.synth", "--generator", "cart", "--set", "trees=100")
    process = started(command, environment, tmp_path, arguments)
    assert process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Nothing is kept: 'cart' cannot go on with a stopped fit." in err
    assert "the same command starts anew" in err
    assert [path.name for path in tmp_path.iterdir()] == [csv.name]


def test_two_runs_do_not_share_a_folder(cli, command, environment, csv, quick, tmp_path):
    arguments = ("run", csv, "--rows", 400_000, "--out", "r", "--quiet", *quick)
    first = started(command, environment, tmp_path, arguments)
    wait_for(tmp_path / "r/blocks/part-00000.parquet", first)
    second = cli(*arguments, "--resume", code=2)
    first.kill()
    first.communicate()
    assert "Another run is working in this folder" in second.stderr
