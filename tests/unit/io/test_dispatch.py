import io
import json
import sys
import zipfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthwright.core.errors import ConfigError, DataError, ReadError, SchemaError, Unsupported, WriteError
from synthwright.data.schema import Schema
from synthwright.data.table import Table
from synthwright.io.dispatch import read, scan, write
from synthwright.io.files import File
from synthwright.testing import mixed_table

MESSY = (
    "id;zip;paid;seen;member;plan;score\n"
    "1;02139;1.50;31.12.2020;True;gold;NA\n"
    "2;10001;22.00;01.02.2021;False;basic;3\n"
    "3;94110;0.25;;True;?;7\n"
)


@pytest.fixture
def messy(tmp_path):
    path = tmp_path / "messy.csv"
    path.write_text(MESSY, encoding="utf-8")
    return path


def test_a_messy_file_is_read_without_any_option(messy):
    data = read(messy)

    assert [column.kind for column in data.columns] == [
        *("integer", "category", "number", "datetime", "boolean", "category", "integer"),
    ]
    assert data["zip"].to_pylist() == ["02139", "10001", "94110"]
    assert data["score"].to_pylist() == [None, 3, 7]
    assert data["plan"].to_pylist() == ["gold", "basic", None]
    assert data.schema["paid"].format == ".2f"


def test_a_file_written_again_has_the_same_text(messy, tmp_path):
    out = write(read(messy), File(path=tmp_path / "again.csv", delimiter=";"))

    assert out.read_text(encoding="utf-8") == MESSY


@pytest.mark.parametrize(
    "name",
    [
        *("a.csv", "a.csv.gz", "a.csv.bz2", "a.csv.xz", "a.csv.lzma", "a.csv.zst", "a.csv.zip"),
        *("a.parquet", "a.arrow", "a.feather"),
    ],
)
def test_every_format_and_compression_keeps_table_and_schema(messy, tmp_path, name):
    data = read(messy)
    again = read(write(data, tmp_path / name))

    assert again.arrow.equals(data.arrow)
    assert again.schema == data.schema


@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.arrow", "a.jsonl", "a.jsonl.gz"])
def test_a_mixed_table_keeps_its_cells_in_every_format(tmp_path, name):
    data = mixed_table(200)
    again = read(write(data, tmp_path / name), schema=data.schema)

    assert again.arrow.equals(data.arrow)


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zip", "a.parquet", "a.csv.zst"])
def test_equal_data_give_equal_bytes(tmp_path, name):
    data = mixed_table(50)
    first, second = write(data, tmp_path / "x" / name), write(data, tmp_path / "y" / name)

    assert first.read_bytes() == second.read_bytes()


def test_samples_of_the_same_schema_are_written_in_the_same_style(messy, tmp_path):
    data = read(messy)
    again = data.replace({"rows": data.arrow.slice(1, 1)})

    assert write(again, tmp_path / "b.csv").read_text(encoding="utf-8").splitlines()[1] == (
        "2;10001;22.00;01.02.2021;False;basic;3"
    )


def test_a_schema_given_as_a_path_types_the_file(messy, tmp_path):
    path = read(messy).schema.edit(zip={"kind": "text"}).save(tmp_path / "s.json")

    assert read(messy, schema=path).schema["zip"].kind == "text"


def test_cells_that_do_not_fit_the_schema_are_listed(messy, tmp_path):
    schema = read(messy).schema
    bad = tmp_path / "bad.csv"
    bad.write_text(MESSY.replace("1.50", "cheap").replace("22.00", "dear"), encoding="utf-8")

    with pytest.raises(
        DataError, match=r"2 cells of 'paid' are not double: row 0 \('cheap'\), row 1 \('dear'\)"
    ) as caught:
        read(bad, schema=schema)
    assert "bad.csv, column 'paid'" in caught.value.where
    assert read(bad, schema=schema, on_invalid="null")["paid"].to_pylist() == [None, None, 0.25]


def test_dropping_rows_that_do_not_fit_is_noted(messy, tmp_path):
    schema = read(messy).schema
    bad = tmp_path / "bad.csv"
    bad.write_text(MESSY.replace("1.50", "cheap"), encoding="utf-8")
    data = read(bad, schema=schema, on_invalid="drop")

    assert data["id"].to_pylist() == [2, 3]
    assert [note.code for note in data.notes] == ["R111", "R112"]


def test_values_outside_bounds_and_unknown_levels_follow_on_invalid(messy):
    schema = read(messy).schema.edit(paid={"bounds": (0, 10)}, plan={"categories": ("gold",)})

    with pytest.raises(DataError, match="2 problems"):
        read(messy, schema=schema)
    data = read(messy, schema=schema, on_invalid="null")
    assert data["paid"].to_pylist() == [1.5, None, 0.25]
    assert data["plan"].to_pylist() == ["gold", None, None]


def test_infinite_numbers_are_an_error_or_a_note(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1.5,x\ninf,y\n", encoding="utf-8")

    with pytest.raises(DataError, match="1 values of 'a' are infinite: row 1"):
        read(path)
    data = read(path, on_invalid="null")
    assert data["a"].to_pylist() == [1.5, None]
    assert [note.code for note in data.notes] == ["R110"]


def test_nothing_is_left_when_every_row_is_dropped(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\ninf,x\ninf,y\n", encoding="utf-8")

    with pytest.raises(DataError, match="No row is left"):
        read(path, on_invalid="drop")


def test_a_missing_target_is_refused_with_the_nearest_name(messy):
    with pytest.raises(SchemaError, match="Did you mean 'plan'"):
        read(messy, target="plans")
    assert read(messy, target="plan").schema.target == "plan"


def test_a_file_that_lacks_columns_of_the_schema_says_which(messy, tmp_path):
    other = tmp_path / "o.csv"
    other.write_text("id,more\n1,2\n", encoding="utf-8")

    with pytest.raises(SchemaError, match="missing: zip, paid") as caught:
        read(other, schema=read(messy).schema)
    assert "not in the schema: more" in str(caught.value)


def test_rows_limits_what_is_read(messy):
    assert len(read(messy, rows=2)) == 2
    with pytest.raises(ConfigError, match="rows must be"):
        read(messy, rows=0)


def test_null_words_replace_the_rules(messy):
    assert read(messy, null_words=["gold"])["plan"].to_pylist() == [None, "basic", "?"]


def test_the_order_of_ambiguous_dates_follows_the_other_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("from,to\n1/2/2020,31/12/2020\n3/4/2020,1/1/2021\n", encoding="utf-8")
    data = read(path)

    assert [day.month for day in data["from"].to_pylist()] == [2, 4]
    assert data.notes == ()


def test_decimal_commas_are_found_and_can_be_written(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a;b\n1,5;x\n2,25;y\n", encoding="utf-8")
    data = read(path)
    out = write(data, File(path=tmp_path / "b.csv", delimiter=";", decimal=","))

    assert data["a"].to_pylist() == [1.5, 2.25]
    assert out.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda folder: folder, "holds no images"),
        (lambda folder: folder / "nope.csv", "no such file"),
        (lambda folder: _made(folder / "empty.csv", b""), "empty"),
        (lambda folder: _made(folder / "a.parquet", b"PAR1 not really"), "not a complete parquet file"),
        (lambda folder: _made(folder / "a.arrow", b"ARROW1 not really"), "not a complete arrow file"),
        (lambda folder: _made(folder / "a.jsonl", b'{"a": 1}\n{"a": \n'), "not JSON"),
        (lambda folder: _made(folder / "a.zip", b"PK no"), "cannot be read to its end"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(tmp_path, make, match):
    source = make(tmp_path)

    with pytest.raises((ReadError, Unsupported), match=f"{match}|Unknown file type"):
        read(source)


def _made(path, content):
    path.write_bytes(content)
    return path


def test_a_misspelt_file_name_is_suggested(messy):
    with pytest.raises(ReadError, match=r"Did you mean 'messy\.csv'"):
        read(messy.with_name("mesy.csv"))


def test_an_unknown_suffix_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(Unsupported, match=r"Unknown file type '\.xlsx'") as caught:
        read(_made(tmp_path / "a.xlsx", b"x"))
    assert ".parquet" in caught.value.fix


def test_an_archive_of_two_files_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")

    with pytest.raises(ReadError, match="holds 2 files"):
        read(tmp_path / "a.csv.zip")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, messy):
    target = tmp_path / "out" / "a.csv"
    write(read(messy), target)
    before = target.read_bytes()
    nested = Table.of({"a": pa.array([b"x", b"y"], pa.binary()), "b": [1, 2]})

    with pytest.raises(Unsupported, match="binary"):
        write(nested, target)
    assert target.read_bytes() == before
    assert [path.name for path in target.parent.iterdir()] == ["a.csv"]


def test_a_folder_in_the_way_is_a_write_error(tmp_path, messy):
    (tmp_path / "a.csv").mkdir()

    with pytest.raises(WriteError, match="Cannot write"):
        write(read(messy), tmp_path / "a.csv")


def test_an_existing_file_can_be_kept(tmp_path, messy):
    with pytest.raises(WriteError, match="exists"):
        write(read(messy), messy, replace=False)


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_is_a_write_error_without_a_half_written_file(tmp_path, messy, monkeypatch):
    import errno
    from pathlib import Path

    def full(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    data = read(messy)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(WriteError, match="No space left"):
        write(data, tmp_path / "new" / "a.csv")
    assert list((tmp_path / "new").iterdir()) == []


def test_scanning_reads_a_file_in_typed_parts(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "".join(f"{i},w{i % 7}\n" for i in range(1000)), encoding="utf-8")
    parts = list(scan(path, batch_rows=300))

    assert [len(part) for part in parts] == [300, 300, 300, 100]
    assert {part.schema for part in parts if part.schema != parts[0].schema} == set()
    assert sum(sum(part["a"].to_pylist()) for part in parts) == sum(range(1000))


def test_scanning_names_the_batch_whose_cells_do_not_fit(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n" + "1,x\n" * 20 + "odd,x\n", encoding="utf-8")

    with pytest.raises(DataError, match=r"1 cells of 'a'") as caught:
        list(scan(path, batch_rows=10))
    assert "batch 2 (rows from 21)" in caught.value.where


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl", "a.arrow"])
def test_scanning_works_for_every_format(tmp_path, name):
    data = mixed_table(100)
    parts = list(scan(write(data, tmp_path / name), batch_rows=30, schema=data.schema))

    assert [len(part) for part in parts] == [30, 30, 30, 10]
    assert parts[0].concat(parts).arrow.equals(data.arrow)


def test_a_dash_is_json_lines_on_standard_input_and_output(monkeypatch, capsysbinary):
    class Standard:
        buffer = io.BytesIO(b'{"a": 1, "b": "x"}\n{"a": 2, "b": null}\n')

    monkeypatch.setattr(sys, "stdin", Standard())
    data = read("-")
    write(data, "-")

    assert data.to_arrow().to_pylist() == [{"a": 1, "b": "x"}, {"a": 2, "b": None}]
    assert [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()] == data.to_arrow().to_pylist()


def test_parquet_carries_target_and_null_words(tmp_path, messy):
    data = read(messy, target="plan")

    assert read(write(data, tmp_path / "a.parquet")).schema.target == "plan"


def test_a_parquet_file_changed_by_others_is_inferred_anew(tmp_path, messy):
    import pyarrow.parquet as pq

    path = write(read(messy), tmp_path / "a.parquet")
    table = pq.read_table(path)
    pq.write_table(table.append_column("more", pa.array([1, 2, 3])), path)

    assert "more" in read(path).schema


def test_texts_that_are_all_dates_become_dates_with_a_note(tmp_path):
    frame = pd.DataFrame({"born": ["1990-01-31", None, "2001-12-01"], "x": [1, 2, 3]})
    data = read(frame)

    assert data.schema["born"].kind == "datetime"
    assert [note.code for note in data.notes] == ["R113"]


def test_read_of_a_table_keeps_its_schema():
    data = mixed_table(50)

    assert read(data, target="plan").schema == data.schema.with_target("plan")
    assert len(read(data, rows=7)) == 7


def test_an_unknown_on_invalid_is_refused(messy):
    with pytest.raises(ConfigError, match="on_invalid='skip'"):
        read(messy, on_invalid="skip")


def test_a_schema_survives_json_with_its_formats(messy):
    schema = read(messy).schema

    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_nan_in_frames_is_missing_with_a_note():
    data = read(pd.DataFrame({"a": [1.5, np.nan], "b": ["x", "y"]}))

    assert data["a"].null_count == 1


@pytest.mark.parametrize(
    ("text", "cells", "noted"),
    [
        ('a,b\n"1,5",x\n"22,25",y\n', [1.5, 22.25], []),
        ('a,b\n"1,500",x\n"2,250",y\n', [1500, 2250], []),
        ("a;b\n1,500;x\n2,250;y\n", [1.5, 2.25], ["R114"]),
        ("a;b\n1.500,5;x\n2,250;y\n", [1500.5, 2.25], []),
    ],
)
def test_a_comma_in_numbers_is_judged_by_its_digits_and_the_delimiter(tmp_path, text, cells, noted):
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    data = read(path)

    assert data["a"].to_pylist() == cells
    assert [note.code for note in data.notes] == noted
