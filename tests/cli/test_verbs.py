"""Every verb on real files."""

import json

import pytest

from synthwright.cli.model import gate_reasons
from synthwright.evaluate.metric import Report, Score
from synthwright.io.dispatch import read, write
from synthwright.scenarios.healthcare import patients
from synthwright.testing import small_series

pytestmark = pytest.mark.e2e


def test_the_main_job_in_one_line(cli, csv, quick, tmp_path):
    done = cli("run", csv, "--rows", 700, "--target", "readmitted", "--out", "r", *quick)
    assert "700 of 700 rows: r/synthetic.csv" in done.stdout
    assert "Report: r/report.html" in done.stdout
    assert len(read(tmp_path / "r/synthetic.csv")) == 700
    assert list(read(tmp_path / "r/synthetic.csv").schema.names) == list(read(csv).schema.names)


def test_run_answers_programs_in_json(cli, csv, quick):
    document = json.loads(cli("run", csv, "--out", "r", "--json", *quick).stdout)
    assert document["ledger"] == {"requested": 600, "made": 600, "rejected": 0, "failed": 0, "pending": 0}
    assert document["synthetic"] == "r/synthetic.csv"
    assert set(document["axes"]) == {"fidelity", "privacy"}


def test_quiet_says_nothing(cli, csv, quick):
    done = cli("run", csv, "--out", "r", "--quiet", *quick)
    assert done.stdout == done.stderr == ""


def test_init_writes_a_recipe_that_runs(cli, csv, quick, tmp_path):
    cli("init", csv.name, "--target", "readmitted", "--rows", 50)
    text = (tmp_path / "recipe.yaml").read_text()
    assert text.count("#") > 10
    cli("run", "recipe.yaml", *quick)
    assert len(read(tmp_path / "runs/patients/synthetic.csv")) == 50
    assert "exists" in cli("init", csv.name, code=2).stderr


def test_the_seed_changes_the_rows_and_nothing_else_does(cli, csv, quick, tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        cli("run", csv, "--out", name, "--seed", seed, "--rows", 100, *quick)
    made = [(tmp_path / name / "synthetic.csv").read_bytes() for name in "abc"]
    assert made[0] == made[1] != made[2]


def test_fit_sample_evaluate_by_files(cli, csv, tmp_path):
    write(patients(600, seed=9), tmp_path / "holdout.csv")
    cli("fit", csv, "--out", "m.synth", "--generator", "bootstrap", "--set", "bandwidth=0.3", "--target", "readmitted")
    cli("sample", "m.synth", "--rows", 300, "--out", "s.parquet", "--where", "age >= 50", "--seed", 3)
    assert min(read(tmp_path / "s.parquet")["age"].to_pylist()) >= 50
    done = cli(
        "evaluate",
        "s.parquet",
        "--train",
        csv,
        "--holdout",
        "holdout.csv",
        "--metric",
        "marginals",
        "--metric",
        "copies",
        "--out",
        "e.html",
        "--out",
        "e.json",
        "--target",
        "readmitted",
        code=0,
    )
    assert "Report: e.html" in done.stdout
    assert (tmp_path / "e.html").read_text().startswith("<!doctype html>")
    assert json.loads((tmp_path / "e.json").read_text())["settings"]["target"] == "readmitted"


def test_sample_prints_json_lines(cli, csv):
    cli("fit", csv, "--out", "m.synth", "--generator", "independent", "--quiet")
    lines = cli("sample", "m.synth", "--rows", 3, "--out", "-").stdout.splitlines()
    assert len(lines) == 3
    assert set(json.loads(lines[0])) == set(read(csv).schema.names)


def test_the_gate_closes_on_a_copy_of_the_training_data_and_says_why(cli, csv, tmp_path):
    write(patients(600, seed=9), tmp_path / "holdout.csv")
    parts = ("evaluate", csv, "--train", csv, "--holdout", "holdout.csv", "--metric", "copies")
    assert cli(*parts).returncode == 0
    closed = cli(*parts, "--gate", code=1)
    assert "The gate is closed:" in closed.stdout
    assert "privacy.copies" in closed.stdout
    assert json.loads(cli(*parts, "--gate", "--json", code=1).stdout)["gate"]["closed_by"]


def test_a_test_that_could_not_be_computed_closes_the_gate():
    score = Score("privacy.copies", "privacy", "Copies", None, "error", "This could not be computed: ValueError: no")
    report = Report((score,), (), {}, {})
    assert gate_reasons(report, strict=False) == [f"privacy.copies: error: {score.plain}"]


def test_a_strict_gate_does_not_take_silence_for_a_pass(cli, csv, tmp_path):
    write(patients(600, seed=9), tmp_path / "other.csv")
    parts = ("evaluate", "other.csv", "--train", csv, "--metric", "copies", "--gate")
    cli(*parts, code=0)
    assert "not assessed" in cli(*parts, "--strict", code=1).stdout


def test_inspect_shows_evidence_and_writes_a_schema(cli, csv, tmp_path):
    done = cli("inspect", csv.name, "--write", "s.json")
    assert "600 of 600 distinct" in done.stdout
    assert "direct" in done.stdout
    cli("fit", csv.name, "--schema", "s.json", "--out", "m.synth", "--generator", "independent")
    document = json.loads(cli("inspect", csv.name, "--json", "--preview", 2).stdout)
    assert document["rows"] == 600
    assert len(document["preview"]) == 2
    assert {column["name"]: column["kind"] for column in document["columns"]}["admitted"] == "datetime"


def test_inspect_shows_the_identifier_of_series_once(cli, tmp_path):
    write(small_series(30), tmp_path / "load.csv")
    form = ("load.csv", "--entity", "who", "--order", "day")
    document = json.loads(cli("inspect", *form, "--json").stdout)
    names = [column["name"] for column in document["columns"]]
    assert names.count("who") == 1
    assert sorted(names) == sorted(document["preview"][0])
    assert f"{len(names)} columns" in cli("inspect", *form).stdout


def test_convert_keeps_the_table(cli, csv, tmp_path):
    cli("convert", csv.name, "a.parquet")
    cli("convert", "a.parquet", "b.csv")
    assert (tmp_path / "b.csv").read_text() == csv.read_text()


def test_report_rebuilds_and_compares_and_card_prints(cli, csv, quick, tmp_path):
    cli("run", csv, "--out", "a", *quick)
    cli("run", csv, "--out", "b", "--seed", 3, *quick)
    page = tmp_path / "a/report.html"
    before = page.read_bytes()
    page.unlink()
    cli("report", "a")
    assert page.read_bytes() == before
    assert "fidelity.marginals" in cli("report", "a", "b").stdout
    assert json.loads(cli("report", "a", "b", "--json").stdout)["scores"][0]["change"]
    assert cli("card", "a").stdout.startswith("---\ntags:")
    cli("card", "a", "--out", "CARD.md")
    assert (tmp_path / "CARD.md").read_text() == (tmp_path / "a/card.md").read_text()


def test_generators_and_metrics_can_be_listed_and_read(cli):
    assert "each column by itself" in cli("generators").stdout
    page = cli("generators", "bootstrap").stdout
    assert "bandwidth" in page
    assert ">= 0" in page
    assert "synthwright fit train.csv" in page
    assert "privacy" in cli("metrics").stdout
    assert "fidelity.marginals" in cli("metrics", "marginals").stdout
    assert {row["name"] for row in json.loads(cli("generators", "--json").stdout)} >= {"independent", "bootstrap"}
    assert "Did you mean 'bootstrap'" in cli("generators", "bootstrp", code=2).stderr


def test_doctor_gives_one_fix_a_finding(cli):
    done = cli("doctor", code=None)
    assert done.returncode in (0, 4)
    document = json.loads(cli("doctor", "--json", code=None).stdout)
    assert all(one["fix"] for one in document if one["state"] in ("absent", "broken", "warn"))
    assert {"Python", "numpy", "LightGBM loads", "threads", "disk here"} <= {one["what"] for one in document}


def test_the_demo_ends_with_a_report(cli, tmp_path):
    done = cli("demo", "--rows", 500, "--out", "d")
    assert done.stdout.index("Real rows") < done.stdout.index("Synthetic rows") < done.stdout.index("Safe to share?")
    assert (tmp_path / "d/run/report.html").is_file()
    assert "Report: d/run/report.html" in cli("demo", "--rows", 500, "--out", "d").stdout
