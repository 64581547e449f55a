"""`synthwright text dyval` on the command line: the whole way, and every wrong request in words."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e
ITEMS = ("text", "dyval", "make", "--task", "bool_logic,max_sum_path", "--level", "D2-D3", "--n", "40")


@pytest.fixture
def items(cli):
    cli(*ITEMS, "--out", "items.jsonl", "--quiet")
    return "items.jsonl"


def test_make_writes_the_same_bytes_for_a_seed_and_others_for_another(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "zebra-9")
    found = {}
    for name, more in {"a": (), "b": (), "c": ("--seed", 1), "d": ("--secret-env", "SECRET")}.items():
        done = cli(*ITEMS, "--out", f"{name}.jsonl", *more)
        assert "40 items of 2 tasks at 2 levels" in done.stdout
        found[name] = (tmp_path / f"{name}.jsonl").read_bytes()
    assert found["a"] == found["b"]
    assert len(set(found.values())) == 3
    assert b"zebra" not in found["d"]


@pytest.mark.parametrize("n", [0, -1, "many"])
def test_a_number_of_items_that_is_none_is_refused(cli, tmp_path, n):
    assert "--n" in cli("text", "dyval", "make", "--n", n, "--out", "x.jsonl", code=2).stderr
    assert not list(tmp_path.iterdir())


def test_make_replaces_a_file_only_when_the_new_one_is_complete(cli, tmp_path):
    (tmp_path / "x.jsonl").write_text("old")
    cli("text", "dyval", "make", "--level", "D1", "--n", 5000, "--out", "x.jsonl", code=3)
    assert (tmp_path / "x.jsonl").read_text() == "old"
    cli(*ITEMS, "--out", "x.jsonl", "--quiet")
    assert len((tmp_path / "x.jsonl").read_text().splitlines()) == 40


def test_score_asks_writes_and_goes_on(cli, items, tmp_path):
    arguments = ("text", "dyval", "score", items, "--backend", "scripted:wrong=0.25", "--out", "scored.jsonl", "--json")
    first = json.loads(cli(*arguments).stdout)
    assert 0.4 < first["total"]["accuracy"] < 1.0
    assert first["counts"] == {"requested": 40, "accepted": 40, "rejected": 0, "failed": 0, "pending": 0}
    assert first["spent"]["this_run"]["calls"] == 40
    again = json.loads(cli(*arguments).stdout)
    assert again["spent"]["this_run"]["calls"] == 0
    assert again["total"] == first["total"]
    scored = [json.loads(line) for line in (tmp_path / "scored.jsonl").read_text().splitlines()]
    assert sum(one["scores"]["outcome"] == "correct" for one in scored) == first["total"]["right"]
    report = json.loads(cli("evaluate", "scored.jsonl", "--metric", "text_accuracy", "--json").stdout)["report"]
    assert report["scores"][0]["value"] == pytest.approx(first["total"]["accuracy"])


def test_a_limit_is_incomplete_and_the_same_command_goes_on(cli, items):
    arguments = ("text", "dyval", "score", items, "--backend", "scripted:oracle", "--ledger", "l", "--quiet")
    done = cli(*arguments, "--max-calls", 15, code=5)
    assert "15 of 40 requests are answered" in done.stderr
    assert "raise max_calls" in done.stderr
    assert cli(*arguments).stdout == ""


def test_replies_of_a_file_and_a_report(cli, items, tmp_path):
    ids = [json.loads(line)["id"] for line in (tmp_path / items).read_text().splitlines()]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps({"id": one, "reply": "<<<True>>>"}) + "\n" for one in ids))
    done = cli("text", "dyval", "score", items, "--preds", "p.jsonl", "--by", "level,task", "--out", "r.html")
    assert "max_sum_path" in done.stdout
    assert "right answers by level" in (tmp_path / "r.html").read_text()


def test_ladder_prints_a_level_a_task(cli):
    done = cli("text", "dyval", "ladder", "--task", "bool_logic", "--backend", "scripted:skill=-5", "--json")
    (one,) = json.loads(done.stdout)["tasks"]
    assert one["task"] == "bool_logic"
    assert one["theta"] < 2.5
    done = cli("text", "dyval", "ladder", "--task", "bool_logic", "--backend", "scripted:skill=-5", "--ledger", "l")
    assert "95 % interval" in done.stdout


def test_answers_come_in_the_shares_that_are_asked_for(cli, tmp_path):
    mix = "True=0.7,False=0.2,N/A=0.1"
    arguments = ("--task", "abductive_logic", "--level", "D3", "--n", 50, "--quiet")
    cli("text", "dyval", "make", *arguments, "--balance", mix, "--out", "a.jsonl")
    cli("text", "dyval", "make", *arguments, "--set", f"balance={mix}", "--out", "b.jsonl")
    made = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert 33 <= sum(one["label"] == "True" for one in made) <= 37
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


HERE = "http://127.0.0.1:9/v1"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("make", "--task", "bool", "--out", "x.jsonl"), 2, "Unknown task"),
        (("make", "--level", "D9", "--out", "x.jsonl"), 2, "Unknown level"),
        (("make", "--level", "D1", "--n", "5000", "--out", "x.jsonl"), 3, "different puzzles"),
        (("make", "--balance", "twins", "--out", "x.jsonl"), 2, "Did you mean 'twin'"),
        (("make", "--balance", "True=0.9,False=0.3", "--out", "x.jsonl"), 2, "add up to 1.2"),
        (("make", "--task", "bool_logic", "--balance", "True=0.5,N/A=0.5", "--out", "x.jsonl"), 2, "answer N/A"),
        (("make", "--template-set", "9", "--out", "x.jsonl"), 2, "0 to 6, or mixed"),
        (("make", "--template-set", "²", "--out", "x.jsonl"), 2, "template_set"),
        (("make", "--set", "balance", "--out", "x.jsonl"), 2, "--set name=value"),
        (("make", "--out", "."), 2, "Unknown file type"),
        (("make", "--out", "/proc/nowhere/x.jsonl"), 4, "Cannot write"),
        (("make", "--order", "sorted", "--out", "x.jsonl"), 2, "topological"),
        (("make", "--set", "balanc=twin", "--out", "x.jsonl"), 2, "Did you mean 'balance'"),
        (("make", "--secret-env", "NO_SUCH", "--out", "x.jsonl"), 2, "not set"),
        (("make", "--out", "x.csv"), 2, ".jsonl"),
        (("score", "items.jsonl"), 2, "neither was given"),
        (("score", "items.jsonl", "--preds", "p", "--backend", "scripted:oracle"), 2, "both was given"),
        (("score", "items.jsonl", "--preds", "p", "--model", "m"), 2, "belong to a backend"),
        (("score", "items.jsonl", "--preds", "none.jsonl"), 3, "There is no such file"),
        (("score", "none.jsonl", "--backend", "scripted:oracle"), 3, "There is no such file"),
        (("score", "items.jsonl", "--backend", "scripted:genius"), 2, "scripted"),
        (("score", "items.jsonl", "--backend", "scripted:oracle", "--model", "m"), 2, "takes no --model"),
        (("score", "items.jsonl", "--backend", "scripted:oracle", "--out", "x.doc"), 2, ".jsonl"),
        (("score", "items.jsonl", "--backend", "scripted:oracle", "--by", "colour"), 2, "template_set"),
        (
            ("score", "items.jsonl", "--backend", "scripted:oracle", "--out", "x.jsonl", "--ledger", "x.jsonl"),
            2,
            "a file for each",
        ),
        (("score", "items.jsonl", "--backend", HERE), 2, "Which model"),
        (("score", "items.jsonl", "--backend", "file:///etc/passwd", "--model", "m"), 2, "not an http"),
        (("score", "items.jsonl", "--backend", HERE, "--model", "m", "--key-env", "NO_SUCH"), 2, "is not set"),
        (("score", "items.jsonl", "--backend", HERE, "--model", "m"), 4, "cannot be reached"),
        (("ladder", "--task", "boolean", "--backend", "scripted:oracle"), 2, "Unknown task"),
        (
            ("ladder", "--task", "bool_logic", "--order", "all", "--backend", "scripted:oracle"),
            2,
            "asks each item once",
        ),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else "",
)
def test_a_wrong_request_is_one_clear_error(cli, items, tmp_path, monkeypatch, arguments, code, words):
    pytest.importorskip("httpx", reason="the extra llm is not installed")
    monkeypatch.setattr("synthwright.llm.http._BASE", 0.01)
    before = sorted(path.name for path in tmp_path.iterdir())
    done = cli("text", "dyval", *arguments, code=code)
    assert words in done.stderr
    assert "fix:" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_help_of_the_group_loads_nothing_heavy(command, environment):
    code = (
        "import sys; sys.argv = ['synthwright', 'text', 'dyval', 'score', '--help']\n"
        "from synthwright.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('numpy', 'pyarrow', 'httpx', 'torch') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
