"""Bad input: one clear error with what, where and fix, the right exit code, and nothing half-written."""

import json
import resource
import subprocess
import zipfile

import pytest

pytestmark = pytest.mark.e2e


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("run", "patient.csv", "--out", "r"), 3, "Did you mean 'patients.csv'"),
        (("run", "folder", "--out", "r"), 2, "holds no run"),
        (("fit", "folder", "--out", "m.synth"), 3, "folder"),
        (("run", "patients.csv", "--target", "readmited", "--out", "r"), 3, "Did you mean 'readmitted'"),
        (("run", "patients.csv", "--where", "agee > 3", "--out", "r"), 2, "'agee'"),
        (("run", "patients.csv", "--where", "age >", "--out", "r"), 2, "where"),
        (("run", "patients.csv", "--generator", "cartt", "--out", "r"), 2, "Did you mean 'cart'"),
        (("run", "patients.csv", "--set", "sample.row=3", "--out", "r"), 2, "sample.row"),
        (("run", "patients.csv", "--set", "sample.rows", "--out", "r"), 2, "--set name=value"),
        (("run", "patients.csv", "--out", "patients.csv"), 2, "is a file"),
        (("run", "patients.csv", "--out", "folder"), 2, "keep.txt"),
        (("run", "patients.csv", "--out", "/proc/nowhere"), 4, "/proc/nowhere"),
        (("run", "patients.csv", "--out", "patients.csv/run"), 4, "patients.csv"),
        (("run", "patients.csv", "--workers", "many", "--out", "r"), 2, "ray:N"),
        (("run", "patients.csv", "--workers", "0", "--out", "r"), 2, "from 1 to 9999"),
        (("run", "no.yaml"), 2, "synthwright init"),
        (("fit", "patients.csv", "--out", "/proc/m.synth"), 4, "/proc"),
        (("fit", "patients.csv", "--out", "folder"), 4, "keep.txt"),
        (("sample", "folder", "--rows", "3", "--out", "-"), 3, "holds no model"),
        (("sample", "no.synth", "--rows", "3", "--out", "-"), 3, "no.synth"),
        (("sample", "patients.csv", "--rows", "3", "--out", "-"), 3, "The file is no model"),
        (("evaluate", "patients.csv", "--train", "no.csv"), 3, "no.csv"),
        (("evaluate", "patients.csv", "--train", "patients.csv", "--out", "r.doc"), 2, ".html"),
        (("report", "folder"), 3, "report.json"),
        (("card", "no-run"), 3, "no-run"),
        (("convert", "patients.csv", "a.xyz"), 2, ".xyz"),
        (("metrics", "pears"), 2, "Did you mean 'pairs'"),
    ],
)
def test_a_wrong_request_is_one_clear_error(cli, csv, quick, tmp_path, arguments, code, words):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/keep.txt").write_text("mine")
    before = files(tmp_path)
    extra = quick[:2] if arguments[0] in ("run", "fit") and "--generator" not in arguments else ()
    done = cli(*arguments, *extra, code=code)
    assert words in done.stderr
    assert "fix:" in done.stderr
    assert files(tmp_path) == before
    assert (tmp_path / "folder/keep.txt").read_text() == "mine"


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n", b"a,b\n1,2\n", b"a,a\n1,2\n", b"a,b\n1,2\n1,2,3\n", b"a,b\n1,\x00\n", b"\x89PNG\r\n\x1a\n\x00\x00"],
    ids=["empty", "header only", "one row", "duplicate headers", "ragged", "NUL", "a picture"],
)
def test_a_file_that_is_no_table_leaves_no_folder(cli, quick, tmp_path, content):
    (tmp_path / "x.csv").write_bytes(content)
    done = cli("run", "x.csv", "--out", "r", *quick, code=3)
    assert "fix:" in done.stderr
    assert not (tmp_path / "r/synthetic.csv").exists()
    assert not list(tmp_path.rglob("*.tmp"))


def fitted(cli, csv, tmp_path):
    cli("fit", csv, "--out", "m.synth", "--generator", "independent", "--quiet")
    with zipfile.ZipFile(tmp_path / "m.synth") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def damaged(parts, kind, whole):
    if kind == "truncated":
        return whole[: len(whole) // 2]
    header = json.loads(parts["model.json"])
    if kind == "newer format":
        parts["model.json"] = json.dumps({**header, "format": 999}).encode()
    elif kind == "altered":
        parts["tensors.safetensors"] = parts["tensors.safetensors"][:-1] + bytes([parts["tensors.safetensors"][-1] ^ 1])
    elif kind == "path escape":
        parts["../escape.txt"] = b"x"
    return parts


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("truncated", "complete"),
        ("altered", "checksum"),
        ("newer format", "format 999"),
        ("path escape", "unsafe path"),
    ],
)
def test_a_damaged_model_is_refused(cli, csv, tmp_path, kind, words):
    parts = fitted(cli, csv, tmp_path)
    model = tmp_path / "m.synth"
    bad = damaged(parts, kind, model.read_bytes())
    if isinstance(bad, bytes):
        model.write_bytes(bad)
    else:
        with zipfile.ZipFile(model, "w") as archive:
            for name, content in bad.items():
                archive.writestr(name, content)
    done = cli("sample", "m.synth", "--rows", 3, "--out", "s.csv", code=3)
    assert words in done.stderr
    assert not (tmp_path / "s.csv").exists()
    assert not (tmp_path.parent / "escape.txt").exists()


def test_a_full_disk_is_one_clear_error_and_the_run_can_go_on(cli, csv, quick, tmp_path, command, environment):
    arguments = ["run", str(csv), "--rows", "9000", "--out", "r", *quick]
    done = subprocess.run(
        [*command, *arguments],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )
    assert done.returncode == 4, done.stderr
    assert "Cannot write" in done.stderr
    assert "fix:" in done.stderr
    assert not list(tmp_path.rglob("*.tmp"))
    cli("run", "r", "--resume", "--quiet")
    cli("run", csv, "--rows", 9000, "--out", "whole", "--quiet", *quick)
    assert (tmp_path / "r/synthetic.csv").read_bytes() == (tmp_path / "whole/synthetic.csv").read_bytes()


def test_a_column_name_with_markup_is_harmless_in_every_file(cli, tmp_path, quick):
    name = "<script>alert(1)</script>"
    rows = "\n".join(f"{i % 7}.5,{i % 3}" for i in range(200))
    (tmp_path / "x.csv").write_text(f"{name},b\n{rows}\n")
    cli("run", "x.csv", "--out", "r", *quick)
    assert "<script" not in (tmp_path / "r/report.html").read_text()
    assert "<script" not in (tmp_path / "r/card.md").read_text()


def test_errors_are_json_for_programs(cli, csv, quick):
    error = json.loads(cli("run", "nothing.csv", "--json", *quick, code=3).stderr)["error"]
    assert error["code"] == "ReadError"
    assert error["what"]
    assert error["fix"]
