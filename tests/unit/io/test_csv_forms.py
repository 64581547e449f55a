"""A file is written like the one that the data come from: delimiter, decimal mark, byte order mark."""

import codecs

import pytest

import synthwright as sw
from synthwright.core.errors import WriteError
from synthwright.data.schema import CsvForm, Schema
from synthwright.io.dispatch import read, scan, write
from synthwright.io.files import File

ROWS = [("1,50", "Köln", "31.12.2020"), ("2.203,75", "Bonn", "01.02.2021"), ("0,10", "Köln", "15.03.2021")]


def lines(mark, rows=ROWS):
    return "\n".join(mark.join(row) for row in [("preis", "stadt", "tag"), *rows]) + "\n"


@pytest.fixture
def german(tmp_path):
    path = tmp_path / "german.csv"
    path.write_text(lines(";"), encoding="utf-8", newline="")
    return path


@pytest.mark.parametrize("mark", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_comes_back_byte_for_byte(tmp_path, mark, encoding):
    source = tmp_path / "a.csv"
    source.write_text(lines(mark), encoding=encoding, newline="")
    data = read(source)
    assert data["preis"].to_pylist() == [1.5, 2203.75, 0.1]
    assert write(data, tmp_path / "b.csv").read_bytes() == source.read_bytes()


def test_plain_csv_leaves_no_trace_in_the_schema(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1.5,a\n2.5,b\n")
    schema = read(tmp_path / "a.csv").schema
    assert schema.csv is None
    assert "csv" not in schema.to_json()


def test_the_form_survives_json_and_older_schemas_have_none(german):
    schema = read(german).schema
    document = schema.to_json()
    assert document["csv"] == {"delimiter": ";", "decimal": ","}
    assert Schema.from_json(document) == schema
    del document["csv"]
    assert Schema.from_json(document).csv is None


def test_the_form_is_no_part_of_what_the_data_say(german, tmp_path):
    plain = write(read(german), File(path=tmp_path / "b.csv", delimiter=",", decimal="."))
    assert plain.read_text(encoding="utf-8").splitlines()[2] == '"2,203.75",Bonn,01.02.2021'
    assert read(plain).fingerprint() == read(german).fingerprint()


def test_latin_1_is_read_and_utf_8_is_written_unless_asked_otherwise(tmp_path):
    source = tmp_path / "a.csv"
    source.write_bytes(lines(";").encode("cp1252"))
    data = read(source)
    assert write(data, tmp_path / "b.csv").read_bytes() == lines(";").encode("utf-8")
    again = write(data, File(path=tmp_path / "c.csv", encoding="cp1252"))
    assert again.read_bytes() == source.read_bytes()


def test_utf_16_has_one_byte_order_mark_however_many_parts_there_are(german, tmp_path):
    data = read(german)
    path = sw.io.dispatch.write_parts([data, data], File(path=tmp_path / "b.csv", encoding="utf-16"))
    content = path.read_bytes()
    assert content.decode("utf-16") == lines(";", ROWS * 2)
    assert content.count(codecs.BOM_UTF16) == 1


def test_a_letter_that_the_encoding_lacks_is_named(german, tmp_path):
    with pytest.raises(WriteError, match="has no 'ö'"):
        write(read(german), File(path=tmp_path / "b.csv", encoding="ascii"))
    with pytest.raises(WriteError, match="Unknown encoding 'klingon'"):
        write(read(german), File(path=tmp_path / "b.csv", encoding="klingon"))
    assert not (tmp_path / "b.csv").exists()


def test_the_suffix_decides_the_delimiter_before_the_origin_does(german, tmp_path):
    tabs = write(read(german), tmp_path / "b.tsv")
    assert tabs.read_text(encoding="utf-8") == lines("\t")
    # Tabs come from the suffix; between commas a decimal comma would be doubtful.
    back = write(read(tabs), tmp_path / "c.csv")
    assert back.read_text(encoding="utf-8").splitlines()[1] == "1.50,Köln,31.12.2020"


def test_what_was_asked_for_wins_over_the_origin(german, tmp_path):
    piped = write(read(german), File(path=tmp_path / "b.csv", delimiter="|"))
    assert piped.read_text(encoding="utf-8") == lines("|")
    points = write(read(german), File(path=tmp_path / "c.csv", decimal="."))
    assert points.read_text(encoding="utf-8").splitlines()[1] == "1.50;Köln;31.12.2020"


def test_a_column_alone_is_written_with_a_point(german, tmp_path):
    alone = write(read(german).keep(["preis"]), tmp_path / "b.csv")
    assert read(alone)["preis"].to_pylist() == [1.5, 2203.75, 0.1]


def test_parquet_carries_the_form(german, tmp_path):
    parquet = write(read(german), tmp_path / "a.parquet")
    assert write(read(parquet), tmp_path / "b.csv").read_bytes() == german.read_bytes()


def test_batches_carry_the_form(german, tmp_path):
    parts = list(scan(german, batch_rows=2))
    assert sw.io.dispatch.write_parts(parts, tmp_path / "b.csv").read_bytes() == german.read_bytes()


def test_a_model_writes_samples_like_its_data_after_loading(tmp_path):
    source = tmp_path / "a.csv"
    source.write_text(lines(";", ROWS * 20), encoding="utf-8-sig", newline="")
    model = sw.Generator.create("independent").fit(read(source), seed=0)
    fake = sw.load(model.save(tmp_path / "m.synth")).sample(40, seed=1)
    written = write(fake, tmp_path / "b.csv").read_bytes()
    assert written.startswith(codecs.BOM_UTF8 + b"preis;stadt;tag\n")
    assert read(tmp_path / "b.csv").arrow.equals(fake.arrow)


def test_series_are_written_like_their_file(tmp_path):
    source = tmp_path / "a.csv"
    rows = [(f"{who}", f"{step}", f"{step + 0.5}".replace(".", ",")) for who in "abc" for step in range(5)]
    source.write_text("\n".join(";".join(row) for row in [("who", "step", "value"), *rows]) + "\n", newline="")
    data = read(source, entity="who", order="step")
    assert write(data, tmp_path / "b.csv").read_bytes() == source.read_bytes()
    again = read(source, schema=data.schema)
    assert write(again, tmp_path / "c.csv").read_bytes() == source.read_bytes()


def test_few_rows_without_a_comma_are_read_by_a_schema_that_expects_one(tmp_path):
    schema = Schema.from_json(
        {
            "columns": [
                {"name": "x", "kind": "number", "dtype": "double", "format": "g"},
                {"name": "y", "kind": "category", "dtype": "string"},
            ],
            "csv": {"delimiter": ";", "decimal": ","},
        }
    )
    (tmp_path / "few.csv").write_text("x;y\n1;a\n2;b\n3;c\n4,5;d\n")
    assert read(tmp_path / "few.csv", schema=schema)["x"].to_pylist() == [1, 2, 3, 4.5]
    (tmp_path / "points.csv").write_text("x;y\n1;a\n2;b\n3;c\n4.5;d\n")
    assert read(tmp_path / "points.csv", schema=schema)["x"].to_pylist() == [1, 2, 3, 4.5]


def test_points_in_one_column_of_a_file_with_commas_stay_decimal_marks_with_its_schema(tmp_path):
    (tmp_path / "a.csv").write_text("x;y\n1,5;2.5\n2,5;0.5\n")
    data = read(tmp_path / "a.csv")
    assert data["y"].to_pylist() == [2.5, 0.5]
    assert read(tmp_path / "a.csv", schema=data.schema).arrow.equals(data.arrow)


def test_whole_numbers_written_with_decimals_keep_their_comma(tmp_path):
    source = tmp_path / "a.csv"
    source.write_text("x;y;n\n3,00;0,5;1234567\n1.200,00;1,5;2\n", newline="")
    data = read(source)
    assert data["x"].to_pylist() == [3, 1200]
    assert write(data, tmp_path / "b.csv").read_bytes() == source.read_bytes()
    assert read(source, schema=data.schema).arrow.equals(data.arrow)


def test_thousands_are_not_parted_where_a_point_alone_would_be_a_fraction(tmp_path):
    (tmp_path / "a.csv").write_text('n,x\n"1,234",0.5\n"12,345",1.5\n')
    data = read(tmp_path / "a.csv")
    written = write(data, File(path=tmp_path / "b.csv", delimiter=";", decimal=","))
    assert written.read_text() == "n;x\n1234;0,5\n12345;1,5\n"


@pytest.mark.parametrize("schema_form", [None, CsvForm(delimiter="|")])
def test_a_given_schema_is_believed_where_it_names_a_form(german, tmp_path, schema_form):
    given = read(german).schema.model_copy(update={"csv": schema_form})
    expected = schema_form or CsvForm(delimiter=";", decimal=",")
    assert read(german, schema=given).schema.csv == expected
