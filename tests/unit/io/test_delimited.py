import gzip
import io

import pyarrow as pa
import pytest

from synthwright.core.errors import ReadError
from synthwright.io.delimited import read_texts, scan_texts, sniff, write_header, write_texts


@pytest.fixture
def file(tmp_path):
    def make(content, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


def rows(path, **options):
    return read_texts(path, sniff(path, **options)).to_pylist()


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(file, mark):
    path = file(f"a{mark}b\n1{mark}x, y; z|w\n2{mark}z\n".replace("x, y; z|w", f'"x{mark}y"'))

    assert rows(path) == [{"a": "1", "b": f"x{mark}y"}, {"a": "2", "b": "z"}]


def test_a_decimal_comma_does_not_hide_the_semicolon(file):
    assert rows(file("a;b\n1,5;2,5\n3,5;4,5\n")) == [{"a": "1,5", "b": "2,5"}, {"a": "3,5", "b": "4,5"}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_is_found_with_and_without_a_mark(file, encoding):
    assert rows(file("navn,by\nPål,Tromsø\n".encode(encoding))) == [{"navn": "Pål", "by": "Tromsø"}]


def test_western_bytes_are_read_with_a_note(file):
    path = file("navn\nPål €\n".encode("cp1252"))

    assert rows(path) == [{"navn": "Pål €"}]
    assert [note.code for note in sniff(path).notes] == ["R101"]


def test_the_wrong_encoding_asked_for_is_one_clear_error(file):
    with pytest.raises(ReadError, match="not utf-8: byte 6"):
        sniff(file(b"navn\nP\xe5l\n"), encoding="utf-8")


def test_an_unknown_encoding_is_one_clear_error(file):
    with pytest.raises(ReadError, match="Unknown encoding 'utf-9'"):
        sniff(file("a\n1\n"), encoding="utf-9")


def test_quoted_newlines_and_quotes_are_part_of_a_cell(file):
    assert rows(file('a,b\n"x\ny","he said ""hi"""\n')) == [{"a": "x\ny", "b": 'he said "hi"'}]


def test_quoted_empty_cells_differ_from_unquoted_ones(file):
    assert rows(file('a,b\n"",\n')) == [{"a": "", "b": None}]


def test_windows_line_ends_and_a_missing_last_one_are_fine(file):
    assert rows(file("a,b\r\n1,2\r\n3,4")) == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_duplicate_headers_are_refused_by_name(file):
    with pytest.raises(ReadError, match="twice in the header: b") as caught:
        sniff(file("a,b,b\n1,2,3\n"))
    assert caught.value.where.endswith("line 1")


def test_columns_without_a_name_get_one_with_a_note(file):
    dialect = sniff(file(",a\n1,2\n"))

    assert dialect.names == ("column_1", "a")
    assert dialect.notes[0].code == "R102"


def test_a_file_without_a_header_is_refused_with_the_way_out(file):
    with pytest.raises(ReadError, match="numbers only") as caught:
        sniff(file("1,2\n3,4\n"))
    assert "header=False" in caught.value.fix
    assert rows(file("1,2\n3,4\n"), header=False)[0] == {"column_1": "1", "column_2": "2"}


def test_ragged_lines_are_named_with_their_numbers(file):
    with pytest.raises(ReadError, match=r"2 lines .* which has 2: line 3 has 3 cells, line 5 has 1 cells"):
        rows(file('a,b\n1,2\n1,2,3\n"x\ny",2\n7\n'.replace('"x\ny",2\n', "8,9\n")))


def test_line_numbers_count_newlines_inside_quotes(file):
    with pytest.raises(ReadError, match="line 4 has 3 cells"):
        rows(file('a,b\n"x\ny",2\n1,2,3\n'))


def test_a_nul_byte_is_one_clear_error(file):
    with pytest.raises(ReadError, match="NUL byte"):
        sniff(file(b"a,b\n1,\x002\n"))


def test_a_header_alone_is_no_data(file):
    with pytest.raises(ReadError, match="header but no rows"):
        rows(file("a,b\n"))


@pytest.mark.parametrize("content", ["\n\n", "\n"])
def test_blank_lines_alone_are_no_data(file, content):
    with pytest.raises(ReadError, match="no rows"):
        rows(file(content))


def test_scanning_gives_parts_of_equal_size_whatever_the_blocks(file):
    path = file("a,b\n" + "".join(f"{i},x\n" for i in range(1000)))
    parts = list(scan_texts(path, sniff(path), 300))

    assert [part.num_rows for part in parts] == [300, 300, 300, 100]
    assert pa.concat_tables(parts).column("a").to_pylist() == [str(i) for i in range(1000)]


def test_an_archive_cut_short_is_one_clear_error(file):
    path = file(gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)[:-40], "a.csv.gz")

    with pytest.raises(ReadError, match="cannot be read to its end"):
        sniff(path)


def test_written_cells_are_quoted_only_where_needed():
    stream = io.BytesIO()
    table = pa.table({"a,b": ["plain", 'say "hi"', "x,y", "", None], "c": ["1", "2", "3", "4", "line\nend"]})
    write_header(lambda text: stream.write(text.encode()), table.column_names, ",")
    write_texts(lambda text: stream.write(text.encode()), table, ",")

    assert stream.getvalue().decode() == '"a,b",c\nplain,1\n"say ""hi""",2\n"x,y",3\n"",4\n,"line\nend"\n'


def test_a_missing_cell_of_a_single_column_is_not_lost():
    stream = io.BytesIO()
    write_texts(lambda text: stream.write(text.encode()), pa.table({"a": ["x", None]}), ",")

    assert stream.getvalue() == b'x\n""\n'


def test_a_header_without_a_line_end_is_no_data_either(file):
    with pytest.raises(ReadError, match="header but no rows"):
        rows(file("a"))


def test_a_quote_that_is_never_closed_is_refused(file):
    with pytest.raises(ReadError, match="never closed; it begins in row 1"):
        rows(file('a,b\n1,x\n2,"y\n3,z\n'))


def test_a_lone_quote_inside_a_cell_is_text(file):
    assert rows(file('a,b\n1,5" pipe\n')) == [{"a": "1", "b": '5" pipe'}]
