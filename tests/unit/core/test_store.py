import errno
import json
import os
import zipfile

import numpy as np
import pytest

from synthwright.core import store
from synthwright.core.errors import FormatError, WriteError
from synthwright.core.store import State, atomic_file, atomic_folder, load, save, write_json

HEADER = {"generator": "x", "config": {"leaf": 3}}
STATE = State({"a": [1, 2]}, {"w": np.arange(6.0).reshape(2, 3)}, {"tree": "line 1\nline 2\n"})


@pytest.fixture(params=["m.synth", "m"])
def saved(request, tmp_path):
    return save(tmp_path / request.param, HEADER, STATE)


def _rewrite(path, change):
    """Change the files of a saved model, whatever its form."""
    if path.is_dir():
        files = {p.name: p.read_bytes() for p in path.iterdir()}
    else:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    if path.is_dir():
        for old in path.iterdir():
            old.unlink()
        for name, content in files.items():
            (path / name).write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)


def _edit_header(path, **changes):
    def change(files):
        files["model.json"] = json.dumps({**json.loads(files["model.json"]), **changes}).encode()

    _rewrite(path, change)


def _write_half(place):
    """Begin to write into an atomic file or folder, then meet a full disk."""
    with place as temporary:
        (temporary / "new" if temporary.is_dir() else temporary).write_text("new, half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_everything_comes_back(saved):
    header, state = load(saved)
    assert header == {"format": store.FORMAT, **HEADER}
    assert state.meta == STATE.meta
    assert state.texts == STATE.texts
    np.testing.assert_array_equal(state.arrays["w"], STATE.arrays["w"])


def test_the_bytes_depend_on_the_content_alone(tmp_path):
    assert (
        save(tmp_path / "a.synth", HEADER, STATE).read_bytes() == save(tmp_path / "b.synth", HEADER, STATE).read_bytes()
    )


def test_an_altered_file_is_named(saved):
    _rewrite(saved, lambda files: files.update({"tree.txt": b"other"}))
    with pytest.raises(FormatError, match="checksum") as caught:
        load(saved)
    assert "tree.txt" in caught.value.where


def test_a_missing_and_an_unexpected_file_are_named(saved):
    _rewrite(saved, lambda files: files.pop("tensors.safetensors"))
    with pytest.raises(FormatError, match="missing") as caught:
        load(saved)
    assert "tensors.safetensors" in caught.value.where


def test_an_unexpected_file_is_refused(saved):
    _rewrite(saved, lambda files: files.update({"more.txt": b"x"}))
    with pytest.raises(FormatError, match="unexpected"):
        load(saved)


def test_a_newer_format_says_upgrade(saved):
    _edit_header(saved, format=store.FORMAT + 1)
    with pytest.raises(FormatError, match="reads up to") as caught:
        load(saved)
    assert "upgrade" in caught.value.fix


@pytest.mark.parametrize("header", [{"format": None}, {"format": "1"}, {"format": 0}, {"state": None}])
def test_a_header_without_its_parts_is_refused(saved, header):
    _edit_header(saved, **header)
    with pytest.raises(FormatError):
        load(saved)


def test_a_header_that_is_not_json_is_refused(saved):
    _rewrite(saved, lambda files: files.update({"model.json": b"{"}))
    with pytest.raises(FormatError, match="not valid JSON"):
        load(saved)


def test_a_size_over_the_limit_is_refused_before_reading(saved):
    with pytest.raises(FormatError, match="the limit is 100"):
        load(saved, limit_bytes=100)


@pytest.mark.parametrize("cut", [0, 1, 10, 200, 400])
def test_a_file_cut_short_anywhere_is_refused(tmp_path, cut):
    path = save(tmp_path / "m.synth", HEADER, STATE)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(FormatError):
        load(path)


def test_flipping_any_byte_never_gives_other_content_silently(tmp_path):
    path = save(tmp_path / "m.synth", HEADER, STATE)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            header, state = load(path)
        except FormatError:
            continue
        assert header["config"] == HEADER["config"]
        assert (state.meta, state.texts) == (STATE.meta, STATE.texts)
        np.testing.assert_array_equal(state.arrays["w"], STATE.arrays["w"])


@pytest.mark.parametrize("name", ["../evil.txt", "/etc/evil", "sub/file.txt", "sub/"])
def test_a_path_that_leaves_the_archive_is_refused(tmp_path, name):
    path = save(tmp_path / "m.synth", HEADER, STATE)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(name, "x")
    with pytest.raises(FormatError, match="unsafe path"):
        load(path)
    assert not (tmp_path.parent / "evil.txt").exists()


def test_a_link_inside_a_model_folder_is_refused(tmp_path):
    path = save(tmp_path / "m", HEADER, STATE)
    (path / "link.txt").symlink_to("/etc/hostname")
    with pytest.raises(FormatError, match="plain files"):
        load(path)


def test_no_such_model_is_said_plainly(tmp_path):
    with pytest.raises(FormatError, match="no such file"):
        load(tmp_path / "none.synth")


def test_an_old_format_is_migrated_step_by_step(saved, monkeypatch):
    monkeypatch.setattr(store, "FORMAT", 3)
    monkeypatch.setattr(
        store,
        "MIGRATIONS",
        {1: lambda h: {**h, "format": 2, "seen": [1]}, 2: lambda h: {**h, "format": 3, "seen": [*h["seen"], 2]}},
    )
    assert load(saved)[0]["seen"] == [1, 2]


def test_a_failed_write_keeps_the_old_file_and_leaves_no_rest(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(WriteError, match="No space left") as caught:
        _write_half(atomic_file(target))
    assert caught.value.exit_code == 4
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_folder_write_keeps_the_old_folder(tmp_path):
    target = tmp_path / "a"
    target.mkdir()
    (target / "old").write_text("old")
    with pytest.raises(WriteError):
        _write_half(atomic_folder(target))
    assert [p.name for p in tmp_path.iterdir()] == ["a"]
    assert [p.name for p in target.iterdir()] == ["old"]


def test_a_folder_is_replaced_whole(tmp_path):
    save(tmp_path / "m", HEADER, STATE)
    save(tmp_path / "m", HEADER, State({"only": 1}))
    assert [p.name for p in (tmp_path / "m").iterdir()] == ["model.json"]
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_writing_where_nothing_can_be_written_is_a_write_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(WriteError):
        write_json(tmp_path / "file" / "below.json", {})
    with pytest.raises(WriteError):
        write_json(tmp_path, {})


def test_nan_never_enters_a_model_file(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        save(tmp_path / "m.synth", HEADER, State({"x": float("nan")}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["keep.txt", "photos", "model.json"])
def test_a_folder_with_other_files_is_never_replaced_by_a_model(tmp_path, name):
    (tmp_path / "mine/photos").mkdir(parents=True)
    (tmp_path / "mine" / name / "1.png" if name == "photos" else tmp_path / "mine" / name).write_text("mine")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    with pytest.raises(WriteError, match="which would be lost"):
        save(tmp_path / "mine", HEADER, STATE)
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_an_empty_folder_and_an_older_model_are_replaced(tmp_path):
    (tmp_path / "m").mkdir()
    save(tmp_path / "m", HEADER, STATE)
    save(tmp_path / "m", {**HEADER, "generator": "y"}, State({"a": 1}))
    assert load(tmp_path / "m")[0]["generator"] == "y"


def test_a_folder_without_a_model_says_so_and_advises_to_remove_nothing(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(FormatError, match="holds no model") as caught:
        load(tmp_path)
    assert "remove" not in str(caught.value)
