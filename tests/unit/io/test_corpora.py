"""Corpora come back as they were written, in every form; rejected records stand apart; lines in error are named."""

import json

import pytest

from synthwright.core.errors import ConfigError, DataError, ReadError, WriteError
from synthwright.data.corpus import Corpus
from synthwright.io.corpora import read_corpus, rejected_path, write_corpus
from synthwright.io.dispatch import read, write


def corpus(*more):
    """Two records, the first with letters at which `str.splitlines` cuts, and some more."""
    return Corpus.of(
        [
            {
                "instruction": "One\u2028line\u0085of\u2029three",
                "response": "yes",
                "framework": "f",
                "payload": {"a": 1},
            },
            {"instruction": "Two", "response": "no", "framework": "f", "status": "corrected"},
            *more,
        ]
    )


REJECTED = {"instruction": "Three", "response": "?", "status": "rejected", "reject_reason": "empty"}


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.ndjson", "a.jsonl.zst", "a.parquet", "a.arrow"])
def test_what_is_written_is_read_back(tmp_path, name):
    write(corpus(), tmp_path / name)
    assert read(tmp_path / name, modality="text").records() == corpus().records()


@pytest.mark.parametrize("form", ["record", "openai", "sharegpt", "alpaca"])
def test_messages_survive_every_form_and_the_form_is_seen(tmp_path, form):
    path = write_corpus(corpus(), tmp_path / "a.jsonl", form=form)
    assert read_corpus(path).arrow.column("messages").equals(corpus().arrow.column("messages"))


def test_a_byte_order_mark_is_no_letter(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"instruction": "Hi"}\n', encoding="utf-8-sig")
    assert read_corpus(tmp_path / "a.jsonl").records()[0]["instruction"] == "Hi"


# -- rejected records


@pytest.mark.parametrize("form", ["record", "openai"])
def test_rejected_records_stand_in_a_file_of_their_own_with_the_reason(tmp_path, form):
    write_corpus(corpus(REJECTED), tmp_path / "a.jsonl", form=form)
    assert [one["instruction"] for one in read_corpus(tmp_path / "a.jsonl").records()] == [
        one["instruction"] for one in corpus().records()
    ]
    (one,) = read_corpus(tmp_path / "a.rejected.jsonl").records()
    assert (one["instruction"], one["status"], one["reject_reason"]) == ("Three", "rejected", "empty")


def test_without_rejected_records_there_is_no_second_file(tmp_path):
    write_corpus(corpus(), tmp_path / "a.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]


def test_a_corpus_of_rejected_records_needs_a_name_that_says_so(tmp_path):
    with pytest.raises(WriteError, match="All 1 records are rejected") as error:
        write_corpus(Corpus.of([REJECTED]), tmp_path / "a.jsonl")
    assert "a.rejected.jsonl" in error.value.fix
    assert not list(tmp_path.iterdir())
    path = write_corpus(corpus(REJECTED), tmp_path / "a.rejected.jsonl")
    assert len(read_corpus(path)) == 3


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("a.jsonl", "a.rejected.jsonl"),
        ("a.b.jsonl.gz", "a.b.rejected.jsonl.gz"),
        ("a.rejected.jsonl", "a.rejected.jsonl"),
        ("a", "a.rejected"),
    ],
)
def test_the_name_of_the_rejected_keeps_its_ending(tmp_path, name, beside):
    assert rejected_path(tmp_path / name) == tmp_path / beside


# -- wrong files


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("nonsense", r"Line 2 is not a record.*\n.*a.jsonl:2"),
        ("[1]", "Line 2 is not a record: no object"),
        ('{"conversations": ["a"]}', "Line 2 is no record of the form sharegpt"),
        ('{"conversations": 5}', "Line 2 is no record of the form sharegpt"),
    ],
)
def test_a_line_that_is_no_record_is_named(tmp_path, line, words):
    first = {"conversations": [{"from": "human", "value": "Hi"}]}
    (tmp_path / "a.jsonl").write_text(f"{json.dumps(first)}\n{line}\n")
    with pytest.raises(ReadError, match=words):
        read_corpus(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"messages": 5}, "a message that is none: 5"),
        ({"messages": [{"role": 5, "content": "x"}]}, "a message that is none"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "unknown roles robot"),
        ({"instruction": "a", "task": 5}, "no text as task: 5"),
        ({"instruction": ["a"]}, "no text as instruction"),
        ({"instruction": "\ud800"}, "half a surrogate pair"),
        ({"instruction": "a", "status": "maybe"}, "Unknown status: maybe"),
        ({"framework": "f"}, "neither messages nor an instruction"),
    ],
)
def test_a_record_with_the_wrong_content_is_refused_in_words(tmp_path, record, words):
    (tmp_path / "a.jsonl").write_text(json.dumps(record) + "\n")
    with pytest.raises(DataError, match=words):
        read_corpus(tmp_path / "a.jsonl", form="record")


def test_an_object_that_is_not_json_is_refused_in_words():
    with pytest.raises(DataError, match=r"Record 1 cannot be written: .*set"):
        Corpus.of([{"instruction": "a"}, {"instruction": "b", "payload": {"c": {1, 2}}}])


def test_a_file_that_is_not_there_or_holds_nothing_says_so(tmp_path):
    with pytest.raises(ReadError, match="There is no such file"):
        read_corpus(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_bytes(b"\n\n")
    with pytest.raises(ReadError, match="no records"):
        read_corpus(tmp_path / "a.jsonl")
    (tmp_path / "a.jsonl").write_bytes(b'{"instruction": "\xff"}\n')
    with pytest.raises(ReadError, match="not UTF-8"):
        read_corpus(tmp_path / "a.jsonl")


def test_an_unknown_form_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ConfigError, match="Unknown form 'csv'"):
        read_corpus(tmp_path / "none.jsonl", form="csv")
    with pytest.raises(ConfigError, match="Unknown form 'csv'"):
        write_corpus(corpus(), tmp_path / "a.jsonl", form="csv")
