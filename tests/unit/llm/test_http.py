"""The client against a server on this machine that fails in every way we know of."""

import socket
import sqlite3
from contextlib import closing

import pytest

pytest.importorskip("httpx", reason="the extra llm is not installed")

from synthwright.core.context import Context, Stop
from synthwright.core.errors import Cancelled, ConfigError, Unsupported, WriteError
from synthwright.core.seeds import fit_sequence
from synthwright.llm import http
from synthwright.llm.cache import CachedBackend
from synthwright.llm.http import HttpBackend, Patience
from synthwright.llm.meter import Limits, Meter
from synthwright.llm.protocol import Request, answers, ask

FAST = Patience(retries=3, timeout=0.4, most_waiting=1.0)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(http, "_BASE", 0.01)
    monkeypatch.setattr(http, "_COOL_DOWN", 0.02)
    monkeypatch.setattr(http, "_SLICE", 0.01)


def context(**more):
    return Context.on(fit_sequence(0), **more)


def requests(n=1, **more):
    return [Request((("system", "Be short."), ("user", f"Say {i}.")), row_key=f"r{i}", **more) for i in range(n)]


def asked(server, n=1, patience=FAST, concurrency=1, **more):
    backend = HttpBackend(server.url, "m", patience=patience, concurrency=concurrency, **more)
    try:
        return ask(backend, requests(n), context())
    finally:
        backend.close()


def test_what_is_sent_and_what_comes_back(endpoint):
    with endpoint(lambda number, document: {"text": document["messages"][-1]["content"]}) as server:
        backend = HttpBackend(server.url, "m")
        (one,) = ask(backend, requests(temperature=0.5, top_p=0.9, max_tokens=7, stop=("x",), seed=3), context())
        backend.close()
    assert server.paths == ["/v1/chat/completions"]
    assert server.seen == [
        {
            "model": "m", "temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "stop": ["x"], "seed": 3, "stream": False,
            "messages": [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Say 0."}],
        }
    ]  # fmt: skip
    assert (one.text, one.finish_reason, one.n_prompt_tokens, one.n_new_tokens) == ("Say 0.", "stop", 11, 3)
    assert not one.is_estimated
    assert "authorization" not in {name.lower() for name in server.headers[0]}


def test_raw_completions_are_sent_only_where_the_user_says_that_they_work(endpoint):
    with endpoint(lambda number, document: {"text": "upon a time"}) as server:
        backend = HttpBackend(server.url, "m")
        with pytest.raises(Unsupported, match="own template"):
            ask(backend, [Request(prompt="Once")], context())
        raw = HttpBackend(server.url, "m", capabilities=frozenset(["raw_completion"]))
        assert ask(raw, [Request(prompt="Once")], context())[0].text == "upon a time"
        backend.close()
        raw.close()
    assert server.paths == ["/v1/completions"]


def test_many_at_once_each_get_their_own_answer(endpoint):
    def plan(number, document):
        return {"text": document["messages"][-1]["content"], "wait": 0.02}

    with endpoint(plan) as server:
        found = asked(server, 40, concurrency=8)
    assert [one.text for one in found] == [f"Say {i}." for i in range(40)]
    assert 2 <= server.most_running <= 8


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 503}, {"drop": True}], ids=["500", "503", "dropped"])
def test_failures_that_pass_are_tried_again(endpoint, fault):
    with endpoint(lambda number, document: fault if number < 3 else {}) as server:
        (one,) = asked(server)
    assert (one.text, one.n_calls, len(server.seen)) == ("hello", 4, 4)


@pytest.mark.parametrize(
    ("fault", "code", "calls", "words"),
    [
        ({"status": 500, "body": b"boom"}, "Transient", 4, "500"),
        ({"drop": True}, "Transient", 4, "cannot be reached"),
        ({"wait": 0.6}, "Timeout", 4, "No whole reply"),
        ({"drip": 0.03}, "Timeout", 4, "No whole reply"),
        ({"body": b'{"choices": [{"mess'}, "BadReply", 3, "no completion"),
        ({"body": b'{"choices": []}'}, "BadReply", 3, "no completion"),
        ({"body": b"[1, 2]"}, "BadReply", 3, "no completion"),
        ({"body": b'{"choices": [{"message": {"content": null}}]}'}, "BadReply", 3, "no completion"),
        ({"body": b"\xff\xfe\x00"}, "BadReply", 3, "no whole JSON"),
        ({"body": b""}, "BadReply", 3, "it is empty"),
        ({"body": b'{"error": {"message": "model is loading"}}'}, "BadReply", 3, "It says: 'model is loading'"),
        ({"kind": "text/html", "body": b"<h1>Welcome</h1>"}, "NoJson", 1, "'text/html' instead of JSON"),
        ({"status": 302, "headers": {"location": "http://127.0.0.1:9/"}}, "BadRequest", 1, "302"),
        ({"status": 401, "body": b'{"error": {"message": "bad key"}}'}, "AuthFailed", 1, "bad key"),
        ({"status": 404, "body": b'{"error": {"message": "no model m"}}'}, "BadRequest", 1, "no model m"),
        ({"status": 400, "body": b'{"error": "maximum context length is 5"}'}, "ContextOverflow", 1, "too long"),
        ({"status": 429, "body": b'{"error": {"code": "insufficient_quota"}}'}, "QuotaExhausted", 1, "quota"),
    ],
    ids=lambda value: value if isinstance(value, str) and value[0].isupper() else "",
)
def test_each_failure_is_a_value_with_a_code_and_words(endpoint, fault, code, calls, words):
    with endpoint(lambda number, document: fault) as server:
        (one,) = asked(server)
    assert one.error is not None
    assert one.text == ""
    assert (one.finish_reason, one.error.code) == ("error", code)
    assert words in one.error.what
    assert server.url in one.error.where
    assert one.error.fix
    assert (len(server.seen), one.n_calls) == (calls, calls)


def test_a_429_uses_up_no_attempt_and_fewer_are_sent_at_once(endpoint):
    def plan(number, document):
        return {"status": 429, "headers": {"retry-after": "0"}} if number < 6 else {"wait": 0.01}

    with endpoint(plan) as server:
        found = asked(server, 12, patience=Patience(retries=0, timeout=2.0, most_waiting=20.0), concurrency=4)
    assert [one.error for one in found] == [None] * 12


def test_a_server_that_only_says_429_ends_as_rate_limited(endpoint):
    with endpoint(lambda number, document: {"status": 429}) as server:
        (one,) = asked(server, patience=Patience(retries=1, timeout=1.0, most_waiting=0.2))
    assert one.error.code == "RateLimited"


def test_nobody_there_is_one_clear_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    backend = HttpBackend(f"http://127.0.0.1:{port}", "m", patience=FAST)
    (one,) = ask(backend, requests(), context())
    backend.close()
    assert "cannot be reached" in one.error.what
    assert not one.error.what.endswith("..")
    assert one.error.fix == "start it, or correct the address"


def test_a_connection_that_breaks_off_ends_in_one_full_stop(endpoint):
    with endpoint(lambda number, document: {"drop": True}) as server:
        (one,) = asked(server)
    assert one.error.what.endswith("a response.")


def test_only_a_web_page_is_called_one(endpoint):
    with endpoint(lambda number, document: {"kind": "application/octet-stream", "body": b"\0"}) as server:
        (one,) = asked(server)
    assert "web page" not in one.error.fix


@pytest.mark.parametrize("reason", ["length", "content_filter"])
@pytest.mark.parametrize("message", [b'{"content": null, "reasoning_content": "hm"}', b'{"role": "assistant"}'])
def test_a_reply_that_was_cut_before_any_answer_is_an_empty_answer(endpoint, reason, message):
    body = b'{"choices": [{"message": %s, "finish_reason": "%s"}]}' % (message, reason.encode())
    with endpoint(lambda number, document: {"body": body}) as server:
        (one,) = asked(server)
    assert (one.error, one.text, one.finish_reason) == (None, "", reason)


def test_a_reply_without_counts_is_estimated_and_says_so(endpoint):
    with endpoint(lambda n, document: {"body": b'{"choices": [{"message": {"content": "hi"}}]}'}) as server:
        (one,) = asked(server)
    assert one.is_estimated
    assert one.n_prompt_tokens > 0


@pytest.mark.parametrize(("reason", "finish"), [("length", "length"), ("content_filter", "content_filter")])
def test_cut_and_filtered_replies_are_told_apart(endpoint, reason, finish):
    body = b'{"choices": [{"message": {"content": "h"}, "finish_reason": "%s"}]}' % reason.encode()
    with endpoint(lambda number, document: {"body": body}) as server:
        (one,) = asked(server)
    assert (one.text, one.finish_reason) == ("h", finish)


def test_the_key_is_sent_and_never_shown(endpoint, monkeypatch, caplog):
    caplog.set_level("DEBUG")
    monkeypatch.setenv("TEST_KEY", "sk-very-secret")
    fault = {"status": 401, "body": b'{"error": {"message": "Incorrect key sk-very-secret given"}}'}
    with endpoint(lambda number, document: fault) as server:
        backend = HttpBackend(server.url, "m", key_env="TEST_KEY", patience=FAST)
        (one,) = ask(backend, requests(), context())
        backend.close()
    assert server.headers[0]["Authorization"] == "Bearer sk-very-secret"
    shown = f"{one} {one.to_json()} {backend!r} {caplog.text} {server.seen}"
    assert "secret" not in shown
    assert "Incorrect key [key] given" in one.error.what


def test_a_key_that_is_repeated_where_words_are_cut_short_or_in_a_reply_is_not_shown(endpoint, monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-very-secret")
    fault = {"status": 401, "body": b'{"error": "' + b"x" * 192 + b' sk-very-secret"}'}
    with endpoint(lambda number, document: fault if number == 0 else {"text": "Say sk-very-secret"}) as server:
        backend = HttpBackend(server.url, "m", key_env="TEST_KEY", patience=FAST, concurrency=1)
        refused, replied = ask(backend, requests(2), context())
        backend.close()
    assert "xxx [key]" in refused.error.what
    assert "sk-" not in refused.error.what
    assert replied.text == "Say [key]"


def test_half_a_surrogate_pair_in_a_reply_becomes_a_letter_that_files_can_hold(endpoint):
    body = b'{"choices": [{"message": {"content": "a\\ud83d b\\ud83d\\ude00"}}]}'
    with endpoint(lambda number, document: {"body": body}) as server:
        (one,) = asked(server)
    assert one.text == "a\ufffd b\U0001f600"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/v1", "not an http or https address"),
        ("localhost:8000", "not an http or https address"),
        ("", "not an http or https address"),
        ("http://", "not an http or https address"),
        ("http://host:port/v1", "cannot be read"),
        ("http://me:secret@host/v1", "keys do not belong there"),
        ("http://host/v1?key=secret", "keys do not belong there"),
        ("host/v1?key=secret", "'it' is not an http or https address"),
    ],
)
def test_an_address_that_is_none_is_refused_without_showing_a_password(url, words):
    with pytest.raises(ConfigError, match=words) as error:
        HttpBackend(url, "m")
    assert "secret" not in str(error.value)


def test_a_key_is_not_sent_in_clear_over_a_network(monkeypatch):
    monkeypatch.setenv("TEST_KEY", "sk-1")
    with pytest.raises(ConfigError, match="sent in clear"):
        HttpBackend("http://example.org/v1", "m", key_env="TEST_KEY")
    for url in ("https://example.org/v1", "http://localhost:1/v1", "http://[::1]:1/v1"):
        HttpBackend(url, "m", key_env="TEST_KEY").close()


@pytest.mark.parametrize(("name", "words"), [("sk-abc-123", "never the key itself"), ("NO_SUCH_KEY", "is not set")])
def test_a_key_variable_that_is_none_is_refused(name, words):
    with pytest.raises(ConfigError) as error:
        HttpBackend("https://example.org", "m", key_env=name)
    assert words in str(error.value)
    assert "abc" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://h", "http://h/v1"),
        ("http://h/", "http://h/v1"),
        ("http://h/v1/", "http://h/v1"),
        ("http://h/v1/chat/completions", "http://h/v1"),
        ("https://h/api/openai/v2", "https://h/api/openai/v2"),
    ],
)
def test_an_address_may_be_given_in_several_ways(given, base):
    backend = HttpBackend(given, "m")
    backend.close()
    assert backend.address.base == base


def test_the_budget_counts_every_attempt_and_stops_before_the_next(endpoint):
    with endpoint(lambda number, document: {"status": 503} if number < 2 else {}) as server:
        found = asked(server, 5, meter=Meter(Limits(max_calls=4)))
    assert len(server.seen) == 4
    assert [one.error is None for one in found] == [True, True, False, False, False]


def drain(arriving, got, stop):
    for one in arriving:
        got.append(one)
        stop.ask()


def test_a_wish_to_stop_waits_for_what_is_under_way_and_begins_nothing_new(endpoint):
    stop, got = Stop(), []
    with endpoint(lambda number, document: {"wait": 0.05}) as server:
        backend = HttpBackend(server.url, "m", concurrency=2, patience=FAST)
        with pytest.raises(Cancelled):
            drain(answers(backend, requests(50), context(stop=stop)), got, stop)
        backend.close()
    assert len(got) == len(server.seen) <= 4
    assert all(one.error is None for one in got)


def test_the_cache_asks_once_and_again_when_anything_changes(endpoint, tmp_path):
    with endpoint(lambda number, document: {"text": f"reply {number}"}) as server:
        for _ in range(2):
            backend = CachedBackend(HttpBackend(server.url, "m"), tmp_path / "cache.sqlite")
            found = ask(backend, requests(3), context())
            again = ask(backend, requests(3, temperature=0.7), context())
            backend.close()
    assert len(server.seen) == 6
    assert all(one.is_cached and one.n_calls == 0 for one in (*found, *again))


def test_the_cache_keeps_neither_failures_nor_cut_replies(endpoint, tmp_path):
    cut = b'{"choices": [{"message": {"content": "h"}, "finish_reason": "length"}]}'
    with endpoint(lambda number, document: [{"body": cut}, {"status": 404}, {}, {}][min(number, 3)]) as server:
        backend = CachedBackend(HttpBackend(server.url, "m", patience=FAST), tmp_path / "cache.sqlite")
        finishes = [ask(backend, requests(), context())[0].finish_reason for _ in range(4)]
        backend.close()
    assert finishes == ["length", "error", "stop", "stop"]
    assert len(server.seen) == 3


def test_a_cache_that_is_lost_on_the_way_is_one_clear_error(endpoint, tmp_path):
    with endpoint(lambda number, document: {"text": "yes"}) as server:
        backend = CachedBackend(HttpBackend(server.url, "m"), tmp_path / "c")
        with closing(sqlite3.connect(tmp_path / "c")) as store:
            store.execute("DROP TABLE completions")
        with pytest.raises(WriteError, match="cache cannot be used"):
            ask(backend, requests(), context())
        backend.close()
