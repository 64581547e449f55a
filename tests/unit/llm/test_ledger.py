"""A ledger that is cut at any byte goes on to the same result; its numbers always add up."""

import json

import numpy as np
import pytest

from synthwright.core.errors import ConfigError, FormatError, WriteError
from synthwright.llm.ledger import STATUSES, CallLedger

KEYS = [f"row-{i}" for i in range(25)]
RUN = {"job": "test", "model": "m"}


def fill(path, keys=KEYS, upto=None):
    """Answer what is pending, in order; the document depends on the key alone."""
    with CallLedger(path, keys, RUN) as ledger:
        for key in ledger.pending()[:upto]:
            ledger.record(key, "accepted", {"text": f"ä {key}\n", "n": len(key)})
        return ledger.rows("accepted")


def test_cut_at_every_kind_of_byte_it_goes_on_to_the_same_file(tmp_path):
    whole = tmp_path / "whole"
    rows = fill(whole)
    content = whole.read_bytes()
    for at in np.random.default_rng(0).choice(len(content) + 1, size=60, replace=False):
        part = tmp_path / "part"
        part.write_bytes(content[: int(at)])
        assert fill(part) == rows
        assert part.read_bytes() == content


def test_a_row_that_is_done_is_not_pending_and_failed_ones_are_asked_again(tmp_path):
    with CallLedger(tmp_path / "l", KEYS[:4], RUN) as ledger:
        ledger.record("row-0", "accepted", {"a": 1})
        ledger.record("row-1", "failed", {})
        ledger.record("row-2", "rejected", {"why": "x"})
    with CallLedger(tmp_path / "l", KEYS[:4], RUN) as ledger:
        assert ledger.pending() == ["row-1", "row-3"]
        assert ledger.counts.to_json() == {"requested": 4, "accepted": 1, "rejected": 1, "failed": 1, "pending": 1}
        ledger.record("row-1", "accepted", {"b": 2})
        assert ledger.rows("accepted") == {"row-0": {"a": 1}, "row-1": {"b": 2}}
    index = json.loads((tmp_path / "l.index.json").read_text())
    assert index == {**ledger.counts.to_json(), "bytes": (tmp_path / "l").stat().st_size}


def test_the_numbers_add_up_after_every_record():
    rng = np.random.default_rng(1)
    ledger = CallLedger(None, KEYS, RUN)
    for key in rng.choice(KEYS, size=80):
        ledger.record(str(key), STATUSES[int(rng.integers(3))], {})
        counts = ledger.counts
        assert counts.requested == counts.accepted + counts.rejected + counts.failed + counts.pending
        assert counts.pending >= 0


def test_rows_come_in_the_order_of_the_request_whenever_they_arrived(tmp_path):
    with CallLedger(tmp_path / "l", KEYS, RUN) as ledger:
        for key in reversed(KEYS):
            ledger.record(key, "accepted", {})
        assert list(ledger.rows("accepted")) == KEYS


def test_another_run_is_refused_with_the_difference(tmp_path):
    fill(tmp_path / "l", upto=3)
    with pytest.raises(ConfigError, match="model: 'm' there, 'other' now"):
        CallLedger(tmp_path / "l", KEYS, {**RUN, "model": "other"})
    assert fill(tmp_path / "l")  # and the refusal left it usable


def test_two_runs_cannot_share_a_ledger(tmp_path):
    with CallLedger(tmp_path / "l", KEYS, RUN), pytest.raises(ConfigError, match="in use"):
        CallLedger(tmp_path / "l", KEYS, RUN)


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b'{"key": "row-1"}\n', b'{"key": "a", "status": "done", "document": {}}\n']
)
def test_a_damaged_line_in_the_middle_is_named(tmp_path, line):
    fill(tmp_path / "l", upto=2)
    content = (tmp_path / "l").read_bytes().splitlines(keepends=True)
    (tmp_path / "l").write_bytes(b"".join([content[0], line, *content[1:]]))
    with pytest.raises(FormatError, match="Line 2"):
        CallLedger(tmp_path / "l", KEYS, RUN)


def test_a_file_that_is_no_ledger_is_left_alone(tmp_path):
    (tmp_path / "notes.json").write_text('{"mine": 1}\n')
    with pytest.raises(ConfigError, match="no ledger"):
        CallLedger(tmp_path / "notes.json", KEYS, RUN)
    assert (tmp_path / "notes.json").read_text() == '{"mine": 1}\n'


def test_a_file_of_one_line_without_an_end_is_no_ledger_that_was_cut_and_is_left_alone(tmp_path):
    (tmp_path / "notes").write_text("my only copy")
    with pytest.raises(ConfigError, match="no ledger"):
        CallLedger(tmp_path / "notes", KEYS, RUN)
    assert (tmp_path / "notes").read_text() == "my only copy"


def test_a_place_that_cannot_be_written_is_one_clear_error():
    with pytest.raises(WriteError, match="ledger"):
        CallLedger("/proc/nowhere/l", KEYS, RUN)


def test_keys_must_differ_and_be_known(tmp_path):
    with pytest.raises(ConfigError, match="twice"):
        CallLedger(None, ["a", "a"], RUN)
    with pytest.raises(ConfigError, match="not requested"):
        CallLedger(None, ["a"], RUN).record("b", "accepted", {})
