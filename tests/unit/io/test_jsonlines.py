import io

import pyarrow as pa
import pytest

from synthwright.core.errors import ReadError
from synthwright.data.table import Table
from synthwright.io.jsonlines import read_json, write_json_lines


def table(*lines):
    return read_json(io.BytesIO("\n".join(lines).encode()), "a.jsonl", lines=True)


def test_keys_keep_their_order_and_missing_ones_are_missing():
    found, _, _ = table('{"b": 1, "a": "x"}', "", '{"a": "y", "c": 2.5}')

    assert found.column_names == ["b", "a", "c"]
    assert found.to_pylist()[1] == {"b": None, "a": "y", "c": 2.5}


def test_json_says_what_is_text():
    found, _, _ = table('{"zip": "02139", "n": 7, "ok": true}')

    assert [str(field.type) for field in found.schema] == ["string", "int64", "bool"]


def test_large_whole_numbers_are_exact():
    found, _, notes = table('{"a": 9007199254740993, "b": 123456789012345678901234567890}')

    assert found.to_pylist() == [{"a": 9007199254740993, "b": "123456789012345678901234567890"}]
    assert [note.code for note in notes] == ["R109"]


def test_cells_of_several_types_become_text_with_a_note():
    found, _, notes = table('{"a": 1}', '{"a": "x"}')

    assert found["a"].to_pylist() == ["1", "x"]
    assert "1 number, 1 text" in notes[0].what


def test_dates_are_recognised_and_written_back():
    found, hints, _ = table('{"d": "31.12.2020"}', '{"d": null}')
    data = Table.of(found)
    stream = io.BytesIO()
    write_json_lines(stream, data.arrow, data.schema.edit(d={"format": hints["d"]["format"]}))

    assert str(found.schema[0].type) == "date32[day]"
    assert stream.getvalue() == b'{"d": "31.12.2020"}\n{"d": null}\n'


def test_objects_and_lists_in_cells_go_through_unchanged():
    found, hints, _ = table('{"a": {"x": [1, 2]}}', '{"a": [3]}')
    data = Table.of(found).replace({})
    stream = io.BytesIO()
    write_json_lines(stream, data.arrow, data.schema.edit(a={"kind": hints["a"]["kind"]}))

    assert stream.getvalue() == b'{"a": {"x": [1, 2]}}\n{"a": [3]}\n'


def test_nested_arrow_columns_are_written_as_json():
    data = Table.of({"a": pa.array([[1, 2], None])})
    stream = io.BytesIO()
    write_json_lines(stream, data.arrow, data.schema)

    assert stream.getvalue() == b'{"a": [1, 2]}\n{"a": null}\n'


def test_a_list_of_objects_is_read_too():
    found, _, _ = read_json(io.BytesIO(b'[{"a": 1}, {"a": 2}]'), "a.json", lines=False)

    assert found["a"].to_pylist() == [1, 2]


@pytest.mark.parametrize(
    ("content", "match", "where"),
    [
        (b'{"a": 1}\n[1]\n', "holds a list, not an object", "line 2"),
        (b'{"a": 1}\n{"a"\n', "not JSON", "line 2"),
        (b'{"a": 1, "a": 2}\n', "'a' stands twice", "line 1"),
        (b'{"a": "\xe5"}\n', "not UTF-8", "a.jsonl"),
        (b"\n\n", "no rows", "a.jsonl"),
    ],
)
def test_bad_lines_are_named(content, match, where):
    with pytest.raises(ReadError, match=match) as caught:
        read_json(io.BytesIO(content), "a.jsonl", lines=True)
    assert where in caught.value.where
