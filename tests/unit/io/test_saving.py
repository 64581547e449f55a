import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthwright.core.errors import Unsupported, WriteError
from synthwright.data.table import Table
from synthwright.io import saving
from synthwright.io.dispatch import read, write, write_parts
from synthwright.io.files import File


@pytest.fixture
def data():
    return Table.of({"x": [i + 0.5 for i in range(100)], "y": ["a", 'b "c"', "d,e", None] * 25})


def cut(data, *sizes):
    start = 0
    for size in sizes:
        yield data.select(range(start, start + size))
        start += size


@pytest.mark.parametrize("name", ["a.csv", "a.tsv.gz", "a.jsonl", "a.parquet", "a.arrow"])
def test_parts_give_the_bytes_of_the_whole(data, tmp_path, name):
    write(data, tmp_path / "whole" / name)
    write_parts(cut(data, 7, 60, 33), tmp_path / "parts" / name)
    assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()
    assert read(tmp_path / "parts" / name, schema=data.schema).fingerprint() == data.fingerprint()


def test_groups_of_rows_are_even_however_the_parts_are_cut(data, tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "GROUP_ROWS", 32)
    write_parts(cut(data, 7, 60, 33), tmp_path / "a.parquet")
    groups = pq.ParquetFile(tmp_path / "a.parquet").metadata
    assert [groups.row_group(i).num_rows for i in range(groups.num_row_groups)] == [32, 32, 32, 4]


def test_a_group_is_closed_when_its_cells_are_large(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "_GROUP_BYTES", 1000)
    part = pa.table({"x": ["a" * 400]})
    schema = Table.of(pa.table({"x": ["a", "b"]})).schema
    saving.save_parts([part] * 5, schema, File(path=tmp_path / "a.parquet"))
    groups = pq.ParquetFile(tmp_path / "a.parquet").metadata
    assert groups.num_rows == 5
    assert groups.num_row_groups == 2


def test_a_file_of_parts_appears_only_when_all_were_made(data, tmp_path):
    def broken():
        yield data
        raise RuntimeError("no more")

    for name in ("a.csv", "a.parquet", "a.arrow"):
        (tmp_path / name).write_text("old")
        with pytest.raises(RuntimeError, match="no more"):
            write_parts(broken(), tmp_path / name)
        assert (tmp_path / name).read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.arrow", "a.csv", "a.parquet"]


def test_parts_are_made_one_after_another_while_they_are_written(data, tmp_path):
    alive = []

    def parts():
        for i in range(4):
            alive.append(i)
            yield data

    monitored = iter(saving_order(parts(), alive))
    write_parts(monitored, tmp_path / "a.jsonl")
    assert len((tmp_path / "a.jsonl").read_text().splitlines()) == 400


def saving_order(parts, alive):
    """Hands parts on, and fails when one is made before the last was taken."""
    for taken, part in enumerate(parts):
        assert len(alive) == taken + 1
        yield part


def test_a_database_takes_parts_too(data, tmp_path):
    pytest.importorskip("sqlalchemy", reason="needs the extra sql")
    address = f"sqlite:///{tmp_path / 'a.db'}::t"
    write_parts(cut(data, 50, 50), address)
    assert len(read(address)) == 100


def test_parts_on_standard_output_are_lines(data, capfdbinary):
    assert write_parts(cut(data, 50, 50), "-") == "-"
    assert len(capfdbinary.readouterr().out.splitlines()) == 100


def test_nothing_to_write_and_unknown_forms_are_clear_errors(data, tmp_path):
    with pytest.raises(WriteError, match="nothing to write"):
        write_parts([], tmp_path / "a.csv")
    with pytest.raises(Unsupported, match="JSON lines"):
        write_parts([data], tmp_path / "a.json")
    assert not list(tmp_path.iterdir())
