"""Scripted replies depend on the request alone; faults come at their rates and are known."""

from collections import Counter

import pytest

from synthwright.core.context import Context, Stop
from synthwright.core.errors import BackendError, Cancelled, ConfigError, Unsupported
from synthwright.core.seeds import fit_sequence
from synthwright.llm.meter import Limits, Meter
from synthwright.llm.protocol import Completion, Request, answers, ask
from synthwright.llm.scripted import FAULTS, ScriptedBackend


def context(**more):
    return Context.on(fit_sequence(0), **more)


def requests(n, **more):
    return [Request((("user", f"Say {i}."),), row_key=f"r{i}", **more) for i in range(n)]


def backend(**more):
    return ScriptedBackend(
        lambda request: f"right: {request.messages[-1][1]}", wrong=lambda request: "wrong", slow_seconds=0.0, **more
    )


EVERY = dict.fromkeys(FAULTS, 0.1)


def texts(completions):
    return {one.row_key: (one.text, one.finish_reason, one.error) for one in completions}


def test_replies_do_not_depend_on_order_or_on_the_size_of_a_batch():
    asked = requests(200)
    whole = texts(ask(backend(rates=EVERY, seed=3), asked, context()))
    one_by_one = backend(rates=EVERY, seed=3)
    parts = [one for request in reversed(asked) for one in ask(one_by_one, [request], context())]
    assert texts(parts) == whole
    assert texts(ask(backend(rates=EVERY, seed=4), asked, context())) != whole


@pytest.mark.parametrize("change", [{"attempt": 1}, {"purpose": "other"}, {"temperature": 0.5}, {"seed": 1}])
def test_another_attempt_purpose_or_text_draws_anew(change):
    rates = {"wrong": 0.5}
    plain = [one.text for one in ask(backend(rates=rates), requests(60), context())]
    assert [one.text for one in ask(backend(rates=rates), requests(60, **change), context())] != plain


def test_each_fault_comes_at_its_rate_and_is_known():
    made = backend(rates=EVERY, seed=1)
    found = {one.row_key: one for one in ask(made, requests(4000), context())}
    counts = Counter(made.truth.values())
    assert set(counts) == {"", *FAULTS}
    assert all(abs(counts[name] - 400) < 5 * (4000 * 0.1 * 0.9) ** 0.5 for name in FAULTS)
    for (key, _), fault in made.truth.items():
        one, question = found[key], f"Say {key[1:]}."
        looks = {
            "": one.text == f"right: {question}",
            "slow": one.text == f"right: {question}",
            "wrong": one.text == "wrong",
            "echo": one.text == question,
            "truncation": one.finish_reason == "length" and f"right: {question}".startswith(one.text),
            "exception": one.error is not None and one.text == "",
            "malformed": one.text.startswith("{") and not one.text.endswith("}"),
            "refusal": "answer" in one.text or "sorry" in one.text or "decline" in one.text,
            "duplicate": one.text == "This is the answer that I give to everybody.",
        }
        assert looks[fault], (fault, one)


@pytest.mark.parametrize(
    ("rates", "words"),
    [({"wrongs": 0.1}, "Did you mean 'wrong'"), ({"echo": 0.7, "slow": 0.7}, "add up"), ({"echo": -1}, "add up")],
)
def test_impossible_rates_are_refused(rates, words):
    with pytest.raises(ConfigError, match=words):
        backend(rates=rates)


def test_the_fault_wrong_needs_a_wrong_reply():
    with pytest.raises(ConfigError, match="wrong="):
        ScriptedBackend(lambda request: "x", rates={"wrong": 0.1})


def test_a_completion_survives_json():
    for one in ask(backend(rates=EVERY), requests(50), context()):
        assert Completion.from_json(one.to_json()) == one


def test_the_digest_holds_every_field_that_is_sent_and_no_other():
    base = Request((("user", "a"),), row_key="1")
    same = [
        Request((("user", "a"),), row_key="2"),
        Request((("user", "a"),), purpose="p"),
        Request((("user", "a"),), attempt=3),
    ]
    other = [
        Request((("user", "b"),)), Request((("system", "a"),)), Request(prompt="a"),
        *(Request((("user", "a"),), **{name: value}) for name, value in (
            ("temperature", 0.1), ("top_p", 0.9), ("max_tokens", 5), ("stop", ("x",)), ("seed", 0)
        )),
    ]  # fmt: skip
    assert {one.digest for one in same} == {base.digest}
    assert len({one.digest for one in (base, *other)}) == 1 + len(other)


def test_a_budget_of_calls_is_exact():
    made = backend(meter=Meter(Limits(max_calls=7)))
    found = ask(made, requests(10), context())
    assert [one.error is None for one in found] == [True] * 7 + [False] * 3
    assert {one.error.code for one in found[7:]} == {"BudgetExceeded"}
    assert made.meter.calls == 7


def test_a_budget_of_money_is_checked_with_the_worst_case_before_a_call():
    meter = Meter(Limits(max_cost=1e-3, price_in=0.0, price_out=1.0))
    found = ask(backend(meter=meter), requests(2, max_tokens=600), context())
    assert [one.error is None for one in found] == [True, True]  # settled with few tokens, so the second fits too
    found = ask(backend(meter=Meter(Limits(max_cost=1e-3, price_out=1.0))), requests(1, max_tokens=1001), context())
    assert found[0].error.code == "BudgetExceeded"


class Breaks(ScriptedBackend):
    """Loses one completion, or gives one twice."""

    def __init__(self, how):
        super().__init__(lambda request: "x")
        self.how = how

    def generate(self, requests, ctx):
        found = list(super().generate(requests, ctx))
        yield from (found[1:] if self.how == "loses" else [*found, found[0]])


@pytest.mark.parametrize(("how", "words"), [("loses", "1 of 3 requests got no completion"), ("twice", "came twice")])
def test_a_backend_that_loses_or_repeats_completions_is_found_out(how, words):
    with pytest.raises(BackendError, match=words):
        ask(Breaks(how), requests(3), context())


def test_a_raw_prompt_to_a_chat_backend_is_refused_before_any_call():
    made = backend()
    made.capabilities = frozenset(["chat"])
    with pytest.raises(Unsupported, match="own template"):
        ask(made, [Request(prompt="Once")], context())
    assert made.meter.calls == 0
    with pytest.raises(Unsupported, match="messages or a prompt"):
        ask(made, [Request()], context())


def drain(arriving, got, stop):
    for one in arriving:
        got.append(one)
        if len(got) == 4:
            stop.ask()


def test_a_wish_to_stop_ends_asking_and_is_an_error_of_its_own():
    stop, got = Stop(), []
    with pytest.raises(Cancelled):
        drain(answers(backend(), requests(10), context(stop=stop)), got, stop)
    assert len(got) == 4
