"""Metrics on text: good items pass, each planted fault fails where it belongs and nowhere else."""

import pytest

import synthwright as sw
from synthwright.core.errors import DataError
from synthwright.core.seeds import named_rng
from synthwright.data.corpus import Corpus
from synthwright.evaluate.runner import chosen_metrics
from synthwright.evaluate.text import TextEncoding
from synthwright.generators.dyval import DyVal
from synthwright.run.dyval import score
from synthwright.run.endpoints import scripted

ITEMS = "labels", "balance", "shortcuts", "asked", "repeats", "accuracy"
LOGIC = {"task": "bool_logic,deductive_logic", "level": "D4"}


@pytest.fixture(scope="module")
def items():
    """160 items of two tasks."""
    return DyVal(**LOGIC).fit().sample(160)


def verdicts(report):
    return {score.id.partition("_")[2]: score.verdict for score in report.scores}


def changed(corpus, change):
    """The records with some fields changed; `change(place, record)` gives them."""
    return corpus.with_records([{**one, **change(i, one)} for i, one in enumerate(corpus.records())])


def failed(corpus):
    return {name for name, verdict in verdicts(sw.evaluate(corpus)).items() if verdict == "fail"}


def test_good_items_pass_and_what_is_not_there_is_not_assessed(items):
    assert verdicts(sw.evaluate(items)) == {**dict.fromkeys(ITEMS, "pass"), "accuracy": "not assessed"}


@pytest.mark.parametrize("options", [{"order": "all"}, {"template_set": "mixed", "order": "reversed"}, {"few_shot": 1}])
def test_every_way_to_ask_passes(options):
    report = sw.evaluate(DyVal(task="bool_logic,reachability", level="D4", **options).fit().sample(84))
    assert set(verdicts(report).values()) <= {"pass", "not assessed"}


def test_one_wrong_label_is_found(items):
    flipped = {"True": "False", "False": "True", "N/A": "True"}
    report = sw.evaluate(changed(items, lambda i, one: {"label": flipped[one["label"]]} if i == 17 else {}))
    found = report["truthfulness.text_labels"]
    assert (found.verdict, found.value) == ("fail", 159 / 160)
    assert found.where[0]["task"] in LOGIC["task"]
    assert {name for name, verdict in verdicts(report).items() if verdict == "fail"} == {"labels"}


def test_a_text_that_nobody_can_read_is_found(items):
    def broken(i, one):
        return {"messages": [{"role": "user", "content": "abc is true-ish."}]} if i == 3 else {}

    found = sw.evaluate(changed(items, broken))["truthfulness.text_labels"]
    assert "1 items cannot be read" in found.plain


def test_items_of_one_label_only_fail_on_balance(items):
    true = [i for i, one in enumerate(items.records()) if one["label"] == "True"]
    assert failed(items.select(true)) == {"balance"}


def test_duplicated_items_fail_on_repeats(items):
    assert failed(items.select([*range(160), *range(30)])) == {"repeats"}


def test_the_same_puzzle_under_other_names_is_a_repeat(items):
    def renamed(one):
        text = one["messages"][0]["content"]
        names = {word for line in text.splitlines()[2:-3] for word in line.replace(".", "").replace(",", "").split()}
        for name in sorted(word for word in names if len(word) == 3 and not set(word) & set("aeiouy")):
            text = text.replace(name, name[::-1].upper().lower() if name[::-1] not in names else name)
        return {**one, "messages": [{"role": "user", "content": text}], "payload": {**one["payload"], "puzzle": "new"}}

    records = items.records()
    copies = [made for one in records[:40] if (made := renamed(one))["messages"] != one["messages"]]
    assert len(copies) > 30
    assert failed(items.with_records([*records, *copies])) >= {"repeats"}


def test_an_order_that_gives_the_answer_away_is_a_cue():
    made = DyVal(task="bool_logic", level="D4").fit().sample(240)
    records = made.records()

    def leaky(one):
        head, *rest = one["messages"][0]["content"].split("\n\n")
        lines = sorted(rest[0].splitlines(), reverse=one["label"] == "True")
        asked = one["payload"]["query"][0]
        lines.sort(key=lambda line: line.startswith(asked), reverse=one["label"] == "True")
        return {"messages": [{"role": "user", "content": "\n\n".join([head, "\n".join(lines), *rest[1:]])}]}

    assert failed(made.with_records([{**one, **leaky(one)} for one in records])) == {"shortcuts"}


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        (lambda one: {"level": "D2"}, "size"),
        (lambda one: {"order": "topological"}, "order"),
        (lambda one: {"template_set": "3"}, "wording"),
    ],
)
def test_items_that_are_not_what_they_say_fail_on_what_was_asked(items, change, claim):
    report = sw.evaluate(changed(items, lambda i, one: change(one) if i % 3 == 0 else {}))
    assert verdicts(report)["asked"] == "fail"
    assert report["controllability.text_asked"].details["broken"][claim] > 20


def test_a_missing_level_is_found():
    made = DyVal(task="bool_logic,reachability", level="D3,D5").fit().sample(80).records()
    corpus = Corpus.of([one for one in made if (one["task"], one["level"]) != ("reachability", "D5")])
    found = sw.evaluate(corpus)["controllability.text_asked"]
    assert found.verdict == "fail"
    assert "Reachability has 0 items at D5" in found.plain


def test_answers_are_reported_with_chance_and_interval(items):
    found = sw.evaluate(score(items, scripted("wrong=0.25", seed=1)).corpus)
    one = found["utility.text_accuracy"]
    assert one.low <= 0.75 <= one.high
    assert one.references["majority"] == pytest.approx(0.5, abs=0.02)
    cells = found.pictures["answers"]["cells"]
    assert [(cell["task"], cell["level"]) for cell in cells] == [(task, "D4") for task in LOGIC["task"].split(",")]
    assert sum(cell["n"] for cell in cells) == 160


@pytest.mark.parametrize(("spec", "fix"), [("oracle", "use higher levels"), ("skill=-9", "use lower levels")])
def test_answers_that_tell_nothing_apart_are_a_warning(items, spec, fix):
    found = sw.evaluate(score(items, scripted(spec)).corpus)["utility.text_accuracy"]
    assert (found.verdict, found.fix) == ("warn", fix)


# -- records that are no items

WORDS = [f"word{i}" for i in range(900)]


def talk(n, seed, *, words=40, known=900):
    rng = named_rng(seed, "talk")
    lengths = rng.poisson(words, size=(n, 2)) + 3
    return Corpus.of(
        [
            {
                "instruction": " ".join(WORDS[i] for i in rng.integers(known, size=a)),
                "response": " ".join(WORDS[i] for i in rng.integers(known, size=b)),
            }
            for a, b in lengths
        ]
    )


@pytest.fixture(scope="module")
def real():
    return {"train": talk(300, 1), "holdout": talk(200, 2)}


def plain_failed(synthetic, real):
    return {s.id.partition(".")[2] for s in sw.evaluate(synthetic, **real).scores if s.verdict == "fail"}


@pytest.mark.parametrize("seed", [3, 4, 5])
def test_fresh_texts_pass(real, seed):
    report = sw.evaluate(talk(300, seed), **real)
    assert {one.verdict for one in report.scores} == {"pass"}
    assert len(report.scores) == 4


def test_texts_without_real_ones_are_judged_for_repeats_only():
    found = {one.id: one.verdict for one in sw.evaluate(talk(60, 3)).scores}
    assert found.pop("diversity.text_duplicates") == "pass"
    assert set(found.values()) == {"not assessed"}


def edited(corpus, n):
    """The first n records with one word changed: near copies."""
    return [
        {"instruction": f"{one['instruction']} indeed", "response": one["response"]} for one in corpus.records()[:n]
    ]


def test_near_repeats_fail_on_diversity(real):
    fresh = talk(200, 6)
    assert plain_failed(fresh.with_records([*fresh.records(), *edited(fresh, 60)]), real) == {"text_duplicates"}


def test_near_copies_of_train_fail_on_privacy(real):
    fresh = talk(200, 7)
    assert plain_failed(fresh.with_records([*fresh.records(), *edited(real["train"], 40)]), real) == {"text_copies"}


def test_texts_of_another_length_fail_on_fidelity(real):
    assert plain_failed(talk(300, 8, words=60), real) == {"text_lengths"}


def test_texts_of_few_words_fail_on_diversity(real):
    assert plain_failed(talk(300, 9, known=40), real) == {"text_variety"}


def test_every_metric_of_text_has_a_summary_and_unique_ids():
    metrics = [metric for _, metric in chosen_metrics("text")]
    assert len({metric.name for metric in metrics}) == len(metrics) == 10
    assert all(metric.summary and metric.label for metric in metrics)


def test_another_modality_is_refused():
    with pytest.raises(DataError, match="holds no texts"):
        TextEncoding({"synthetic": sw.Table.of({"a": [1]})})


def test_the_same_seed_gives_the_same_numbers(items):
    few = items.select(range(80))
    first, second = (sw.evaluate(few, seed=4) for _ in range(2))
    assert [one.timed(0.0) for one in first.scores] == [one.timed(0.0) for one in second.scores]
