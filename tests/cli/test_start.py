"""How fast it starts, what it loads, and how it answers a slip of the pen."""

import json
import os
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.e2e

VERBS = (
    "demo",
    "inspect",
    "init",
    "fit",
    "sample",
    "evaluate",
    "run",
    "report",
    "generators",
    "metrics",
    "convert",
    "card",
    "doctor",
)
HEAVY = (
    "numpy",
    "pyarrow",
    "pydantic",
    "scipy",
    "sklearn",
    "lightgbm",
    "pandas",
    "polars",
    "torch",
    "yaml",
    "jinja2",
    "sqlalchemy",
    "duckdb",
)


def cpu_seconds(arguments, environment):
    """The least processor time of five starts, and of the fastest one the wall time."""
    best = (99.0, 99.0)
    for _ in range(5):
        before, start = os.times(), time.perf_counter()
        subprocess.run(arguments, env=environment, check=True, capture_output=True)
        after = os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        best = min(best, (spent, time.perf_counter() - start))
    return best


def test_help_starts_within_its_budget(command, environment):
    assert cpu_seconds([*command, "--help"], environment)[0] <= 0.3


def test_importing_the_package_costs_next_to_nothing(environment):
    bare = cpu_seconds([sys.executable, "-c", "pass"], environment)[0]
    loaded = cpu_seconds([sys.executable, "-c", "import synthwright"], environment)[0]
    assert loaded - bare <= 0.05


@pytest.mark.parametrize("code", ["import synthwright", "import synthwright.cli.app"])
def test_starting_loads_nothing_heavy(code, environment):
    ask = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", ask], env=environment, check=True, capture_output=True, text=True)
    assert not set(json.loads(done.stdout)) & set(HEAVY)


def test_help_lists_every_verb_and_the_exit_codes(cli):
    text = cli("--help").stdout
    for verb in VERBS:
        assert f"\n  {verb} " in text
    assert "70 a bug" in text


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_shows_an_example(cli, verb):
    text = cli(verb, "--help").stdout
    assert "Example" in text
    assert f"synthwright {verb}" in text
    for option in ("--json", "--quiet", "--debug"):
        assert option in text


def test_a_wrong_verb_or_option_suggests_the_right_one(cli):
    assert "'evaluate'" in cli("evalute", code=2).stderr
    assert "--target" in cli("run", "a.csv", "--taget", "y", code=2).stderr
    assert json.loads(cli("run", "--json", code=2).stderr)["error"]["code"] == "UsageError"


def test_version(cli):
    import synthwright

    assert cli("--version").stdout.strip() == f"synthwright {synthwright.__version__}"


def test_python_runs_the_package_as_the_command_line():
    done = subprocess.run([sys.executable, "-m", "synthwright", "--version"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("synthwright ")
