import io
import json
import sys

import pytest

from synthwright.core.context import Context, Stop
from synthwright.core.errors import Cancelled
from synthwright.core.progress import Bar, Event, JsonLines, Lines, Silent, sink_for
from synthwright.core.seeds import fit_sequence


def _context(**surroundings):
    ticks = iter(range(1000))
    return Context.on(fit_sequence(0), clock=lambda: float(next(ticks)), **surroundings)


def test_a_step_reaches_every_sink_with_time_and_numbers():
    seen = []
    _context(sinks=[seen.append]).step(2, 5, "fitting", loss=0.5)
    assert seen == [Event("fitting", 2, 5, 1.0, {"loss": 0.5})]


def test_a_broken_sink_does_not_lose_the_job():
    seen = []

    def broken(event):
        raise RuntimeError("no terminal")

    _context(sinks=[broken, seen.append]).step(1, 1, "fitting")
    assert len(seen) == 1


def test_a_sink_may_cancel():
    def cancel(event):
        raise Cancelled("enough")

    with pytest.raises(Cancelled, match="enough"):
        _context(sinks=[cancel]).step(1, 1, "fitting")


def test_a_wish_to_stop_is_met_at_the_next_step():
    stop = Stop()
    ctx = _context(stop=stop)
    ctx.step(1, 3, "fitting")
    stop.ask()
    assert ctx.cancelled()
    with pytest.raises(Cancelled, match="Stopped during fitting \\(2 of 3\\)"):
        ctx.step(2, 3, "fitting")


def test_the_same_note_is_kept_once():
    ctx = _context()
    ctx.note("N012", "re-made, not learned", "id")
    ctx.note("N012", "re-made, not learned", "id")
    assert [str(note) for note in ctx.notes] == ["N012: re-made, not learned (id)"]


def test_lines_are_sparse_and_count_anew_for_a_new_job():
    stream = io.StringIO()
    sink = Lines(stream, every=30)
    for seconds, stage in ((0, "a"), (31, "b"), (50, "b"), (62, "c"), (5, "d"), (36, "e")):
        sink(Event(stage, 1, 2, seconds))
    assert [line.split("]")[1].strip() for line in stream.getvalue().splitlines()] == ["b 1/2", "c 1/2", "e 1/2"]


def test_json_lines_are_one_object_each():
    stream = io.StringIO()
    JsonLines(stream)(Event("a", 1, 2, 0.5, {"loss": 1.0}))
    assert json.loads(stream.getvalue()) == {"stage": "a", "done": 1, "total": 2, "seconds": 0.5, "loss": 1.0}


def test_json_lines_on_standard_error_leave_it_open_for_the_last_message(capsys):
    sink = sink_for("json")
    sink.close()
    sys.stderr.write("done\n")
    assert capsys.readouterr().err == "done\n"


def test_the_bar_waits_before_it_appears_and_can_be_closed():
    bar = Bar(patience=2)
    bar(Event("a", 1, 2, 0.5))
    assert bar._progress is None
    bar(Event("a", 2, 2, 3.0))
    assert bar._progress is not None
    bar.close()


def test_the_environment_chooses_the_sink_of_auto_mode(monkeypatch):
    monkeypatch.setenv("SYNTHWRIGHT_PROGRESS", "off")
    assert isinstance(sink_for("auto"), Silent)
    monkeypatch.setenv("SYNTHWRIGHT_PROGRESS", "nonsense")
    assert isinstance(sink_for("auto"), Lines)
    assert isinstance(sink_for("json"), JsonLines)
