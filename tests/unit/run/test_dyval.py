"""Items put to a backend: what is scored, what is resumed, when it stops, and which level is reached."""

import json
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("httpx", reason="the extra llm is not installed")

from synthwright.core.context import Stop
from synthwright.core.errors import BackendError, Cancelled, ConfigError, DataError, ReadError, RunIncomplete
from synthwright.data.corpus import Corpus
from synthwright.generators.dyval import DyVal
from synthwright.llm.meter import Limits, Meter
from synthwright.llm.scripted import ScriptedBackend
from synthwright.reasoning.items import oracle
from synthwright.run import dyval
from synthwright.run.asking import Asked
from synthwright.run.endpoints import Endpoint, scripted


@pytest.fixture(scope="module")
def corpus():
    """84 items of all tasks at two levels."""
    return DyVal(task="all", level="D2,D4", trace=True).fit().sample(84)


def test_a_solver_that_reads_is_always_right_and_shown_no_reasoning(corpus):
    found = dyval.score(corpus, scripted("oracle"))
    assert found.breakdown.total.accuracy == 1.0
    assert found.counts.to_json() == {"requested": 84, "accepted": 84, "rejected": 0, "failed": 0, "pending": 0}
    assert {one["scores"]["outcome"] for one in found.corpus.records()} == {"correct"}
    assert found.corpus.arrow.column("id").equals(corpus.arrow.column("id"))


def test_planted_wrong_answers_are_counted_exactly(corpus):
    backend = scripted("wrong=0.3,refusal=0.1,truncation=0.1", seed=5)
    found = dyval.score(corpus, backend)
    planted = list(backend.truth.values())
    assert found.breakdown.total.right == planted.count("") > 30
    assert found.breakdown.total.outcomes["unparsed"] >= planted.count("truncation") > 0
    assert found.notes[0].code == "L001"


def test_sorting_names_is_no_way_to_the_answer(corpus):
    found = dyval.score(corpus, scripted("names")).breakdown.total
    assert found.low < found.chance


@pytest.mark.parametrize("cut", [0.2, 0.55, 0.9])
def test_a_ledger_that_was_cut_gives_the_same_scores(corpus, tmp_path, cut):
    whole = dyval.score(corpus, scripted("wrong=0.3"), ledger=tmp_path / "whole")
    content = (tmp_path / "whole").read_bytes()
    (tmp_path / "part").write_bytes(content[: int(cut * len(content))])
    backend = scripted("wrong=0.3")
    again = dyval.score(corpus, backend, ledger=tmp_path / "part")
    assert 0 < len(backend.truth) < 84
    assert (tmp_path / "part").read_bytes() == content
    assert again.corpus.fingerprint() == whole.corpus.fingerprint()


def test_stopped_it_keeps_what_came_and_goes_on(corpus, tmp_path):
    stop = Stop()

    def sink(event):
        if event.done == 10:
            stop.ask()

    with pytest.raises(Cancelled) as caught:
        dyval.score(corpus, scripted("oracle"), ledger=tmp_path / "l", callbacks=[sink], stop=stop)
    assert "run the same command again" in caught.value.fix
    backend = scripted("oracle")
    dyval.score(corpus, backend, ledger=tmp_path / "l")
    assert len(backend.truth) == 74


class Late(ScriptedBackend):
    """Three requests are always under way: they still arrive after a wish to stop, as by HTTP."""

    def generate(self, requests, ctx):
        left = iter(requests)
        while not ctx.cancelled() and (three := list(islice(left, 3))):
            yield from map(self._answered, three)


def test_what_is_under_way_at_a_wish_to_stop_is_kept(corpus, tmp_path):
    stop = Stop()
    late = Late(lambda request: "<<<True>>>", model_id="late")
    with pytest.raises(Cancelled):
        dyval.score(corpus, late, ledger=tmp_path / "l", callbacks=[lambda event: stop.ask()], stop=stop)
    assert len(late.truth) == 3
    again = Late(lambda request: "<<<True>>>", model_id="late")
    dyval.score(corpus, again, ledger=tmp_path / "l")
    assert len(again.truth) == 81


def test_failed_requests_are_never_scored_as_wrong(corpus, tmp_path):
    with pytest.raises(RunIncomplete, match=r"\d+ of 84 requests are answered, \d+ failed") as error:
        dyval.score(corpus, scripted("exception=0.2"), ledger=tmp_path / "l")
    assert "same command" in error.value.fix
    backend = scripted("exception=0.2")
    backend.model_id, backend._rates = "scripted:exception=0.2", {}
    assert dyval.score(corpus, backend, ledger=tmp_path / "l").breakdown.total.accuracy == 1.0
    assert len(backend.truth) < 40


def test_a_limit_leaves_the_rest_pending_to_be_asked_later(corpus, tmp_path):
    with pytest.raises(RunIncomplete, match="30 of 84 requests are answered, 0 failed, 54 are pending"):
        dyval.score(corpus, scripted("oracle", meter=Meter(Limits(max_calls=30))), ledger=tmp_path / "l")
    assert dyval.score(corpus, scripted("oracle"), ledger=tmp_path / "l").counts.accepted == 84


def test_an_endpoint_where_nothing_works_is_given_up_soon(corpus):
    backend = scripted("exception=1")
    with pytest.raises(BackendError, match="planted"):
        dyval.score(corpus, backend)
    assert len(backend.truth) < 10


def test_another_model_does_not_go_on_with_a_ledger(corpus, tmp_path):
    dyval.score(corpus, scripted("oracle"), ledger=tmp_path / "l")
    with pytest.raises(ConfigError, match="model"):
        dyval.score(corpus, scripted("names"), ledger=tmp_path / "l")
    with pytest.raises(ConfigError, match="max_tokens"):
        dyval.score(corpus, scripted("oracle"), ledger=tmp_path / "l", asked=Asked(max_tokens=9))


# -- replies in a file


def replies(corpus, path, change=lambda documents: documents):
    documents = [{"id": one["id"], "reply": oracle(one)} for one in corpus.records()]
    path.write_text("\n".join(json.dumps(one) for one in change(documents)) + "\n")
    return path


def test_replies_of_a_file_are_scored(corpus, tmp_path):
    found = dyval.score_file(corpus, replies(corpus, tmp_path / "p"))
    assert found.breakdown.total.accuracy == 1.0
    shuffled = dyval.score_file(corpus, replies(corpus, tmp_path / "q", lambda found: found[::-1]))
    assert shuffled.breakdown == found.breakdown


def test_items_without_a_reply_count_as_not_right_and_say_so(corpus, tmp_path):
    found = dyval.score_file(corpus, replies(corpus, tmp_path / "p", lambda found: found[:80]))
    assert found.breakdown.total.right == 80
    assert "4 of 84 items have no reply" in str(found.notes[0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda found: [*found, {"id": "nobody", "reply": "x"}], "there is no item 'nobody'"),
        (lambda found: [*found, found[0]], "two replies"),
        (lambda found: [{"reply": "x"}], "it has no id"),
        (lambda found: [{"id": found[0]["id"]}], "no text under reply"),
        (lambda found: [], "no replies"),
        (lambda found: [3], "it has no id"),
    ],
)
def test_a_file_of_replies_in_error_names_the_line(corpus, tmp_path, change, words):
    with pytest.raises(ReadError, match=words):
        dyval.score_file(corpus, replies(corpus, tmp_path / "p", change))


def test_texts_that_are_no_items_are_refused():
    with pytest.raises(DataError, match="no item of DyVal"):
        dyval.score(Corpus.of([{"instruction": "Hi", "response": "Hello"}]), scripted("oracle"))


# -- ladder


@pytest.mark.quality
def test_the_ladder_finds_a_known_level():
    found = dyval.ladder(["bool_logic", "arithmetic", "deductive_logic"], scripted("skill=2.5"), seed=1)
    assert np.median([abs(one.reached.theta - 2.5) for one in found]) < 0.6
    assert all(one.reached.low - 0.5 <= 2.5 <= one.reached.high + 0.5 for one in found)


def test_a_ladder_goes_on_where_it_stopped(tmp_path):
    how = {"seed": 3, "ledger": tmp_path / "l"}
    whole = dyval.ladder(["bool_logic"], scripted("skill=3"), **how)
    content = (tmp_path / "l").read_bytes()
    (tmp_path / "l").write_bytes(content[: len(content) // 2])
    backend = scripted("skill=3")
    assert dyval.ladder(["bool_logic"], backend, **how) == whole
    assert 0 < len(backend.truth) < whole[0].reached.items


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "right",
        "speed=3",
        "skill=3,step_error=0.1",
        "wrong=2",
        "skill=high",
        "step_error=3",
        "slope=2",
        "skill=Infinity",
    ],
)
def test_a_script_that_is_none_is_refused(spec):
    with pytest.raises(ConfigError, match=r"scripted|add up|Cannot read"):
        scripted(spec)


@pytest.mark.quality
def test_misreading_statements_costs_more_at_higher_levels():
    items = [
        DyVal(task="bool_logic", level=level, allow_repeats=True).fit().sample(150) for level in ("D1", "D3", "D5")
    ]
    right = [dyval.score(one, scripted("step_error=0.03")).breakdown.total.accuracy for one in items]
    assert np.all(np.diff(right) < 0)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (Endpoint("scripted:oracle", model="m"), "takes no --model"),
        (Endpoint("http://127.0.0.1:9/v1"), "Which model"),
        (Endpoint("127.0.0.1:9", "m"), "not an http"),
        (Endpoint("http://127.0.0.1:9/v1", "m", concurrency=0), "at once"),
    ],
)
def test_an_endpoint_that_is_none_is_refused(endpoint, words):
    with pytest.raises(ConfigError, match=words):
        endpoint.open()


def test_the_cache_answers_without_the_endpoint(corpus, tmp_path: Path):
    from synthwright.llm.cache import CachedBackend

    first, second = scripted("oracle"), scripted("oracle")
    dyval.score(corpus, CachedBackend(first, tmp_path / "c"))
    found = dyval.score(corpus, CachedBackend(second, tmp_path / "c"))
    assert not second.truth
    assert found.spent["from_cache"] == 84
    assert found.breakdown.total.accuracy == 1.0
