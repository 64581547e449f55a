"""Intervals, chance, outcomes, the ladder, probes, and mutants of our own pipeline that must not survive."""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

import synthwright as sw
from synthwright.core.errors import ConfigError, DataError, SpaceExhausted, Unsupported
from synthwright.reasoning import answers, grammar, items, probes, puzzles, rules, sampling, solver
from synthwright.reasoning.ladder import Ladder
from synthwright.reasoning.levels import LABELS, LEVELS
from synthwright.reasoning.sampling import Wish
from synthwright.reasoning.scoring import chance_of, score, wilson


def made(n=120, **options):
    options = {"allow_repeats": True, "secret": "test", **options}
    return sw.Generator.create("dyval", **options).fit().sample(n).records()


# -- scoring


def test_wilson_covers_what_it_promises():
    for n, p in ((20, 0.5), (50, 0.9), (100, 0.05)):
        covered = sum(binom.pmf(k, n, p) for k in range(n + 1) if wilson(k, n)[0] <= p <= wilson(k, n)[1])
        assert covered > 0.93
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10)[1] == 1.0
    assert wilson(0, 10)[0] == 0.0


def test_the_oracle_is_always_right_and_sorting_names_is_chance():
    records = made(420, level="D2-D4")
    right = score(records, [items.oracle(one) for one in records])
    assert right.total.accuracy == 1.0
    assert right.total.outcomes["correct"] == 420
    sorted_ = score(records, [items.sort_by_name(one) for one in records], by=("task",))
    for cell in sorted_.cells:
        assert cell.low <= cell.chance + 0.03, cell.key


def test_chance_is_taken_out():
    records = made(200, task="bool_logic", level="D3")
    cell = score(records, ["<<<True>>>"] * 200).cells[0]
    assert cell.accuracy == cell.chance == 0.5
    assert cell.corrected == 0.0
    assert chance_of(["3", "4", "3"]) == 0.0


def test_order_sensitivity_finds_a_reader_who_needs_one_order():
    records = made(300, task="bool_logic", level="D3", order="all")
    replies = [items.oracle(one) if one["order"] == "topological" else "<<<True>>>" for one in records]
    found = score(records, replies).orders
    assert "topological" in found["orders"]
    assert found["difference"] > 0.3
    assert found["p"] < 1e-4
    assert score(records, [items.oracle(one) for one in records]).orders["difference"] == 0


@pytest.mark.quality
def test_a_reader_who_slips_at_every_statement_gets_worse_from_level_to_level():
    """3 % slips a statement: accuracy falls with the level for every task whose answer cannot be guessed."""
    for task in ("arithmetic", "max_sum_path"):
        accuracies = []
        for level in ("D1", "D3", "D6"):
            records, rng = made(70, task=task, level=level), np.random.default_rng(0)
            replies = []
            for one in records:
                n = len(grammar.parse(items.question_of(one), task).statements)
                replies.append(items.oracle(one) if rng.random() < 0.97**n else "<<<0.123>>>")
            accuracies.append(score(records, replies).total.accuracy)
        assert accuracies == sorted(accuracies, reverse=True), (task, accuracies)


# -- ladder


def climbed(theta, seed, chance=0.0, slope=1.5):
    rng, ladder = np.random.default_rng(seed), Ladder(chance=chance)
    while not ladder.is_done:
        p = chance + (1 - chance) / (1 + np.exp(-slope * (theta - ladder.place)))
        ladder.tell((rng.random(ladder.block) < p).tolist())
    return ladder.reached()


@pytest.mark.quality
def test_the_ladder_recovers_the_level_of_simulated_solvers():
    thetas = np.random.default_rng(1).uniform(1.5, 7.5, 200)
    found = [climbed(theta, seed) for seed, theta in enumerate(thetas)]
    errors = np.array([one.theta for one in found]) - thetas
    covered = np.mean([one.low <= theta <= one.high for one, theta in zip(found, thetas, strict=True)])
    assert np.mean(np.abs(errors) <= 0.6) >= 0.9
    assert 0.92 <= covered <= 0.99
    assert max(one.items for one in found) <= 120


def test_solvers_beyond_the_ends_are_reported_as_censored():
    assert climbed(-2.0, 0).censored == "below D1"
    assert climbed(12.0, 0).censored == "above D8"
    assert climbed(4.0, 0).censored == ""


# -- probes


@pytest.mark.parametrize(
    ("task", "level"),
    [(t, level) for t in ("bool_logic", "deductive_logic", "abductive_logic") for level in ("D2", "D4")],
)
@pytest.mark.quality
def test_counts_and_looks_of_twins_tell_nothing(task, level):
    records = made(400, task=task, level=level)
    assert abs(probes.guess(records, probes.counts).gain) <= 0.05
    surface = probes.guess(records, probes.surface)
    assert surface.low <= surface.chance + 0.03


def test_the_probe_finds_a_cue_that_is_there():
    records = made(400, task="deductive_logic", level="D4", balance="uniform")
    assert probes.guess(records, probes.counts).gain > 0.1
    leaky = [{**one, "template_set": "5" if one["label"] == "True" else "0"} for one in records]
    for one in leaky:
        puzzle = grammar.parse(items.question_of(one), one["task"])
        text = grammar.render(puzzle, number=int(one["template_set"]))
        one["messages"] = [{"role": "user", "content": text}]
    assert probes.guess(leaky, probes.surface).accuracy > 0.9


# -- generator


def test_labels_are_balanced_in_every_block_and_twins_share_a_group():
    records = made(420, task="bool_logic,reachability", level="D3")
    for task in ("bool_logic", "reachability"):
        labels = Counter(one["label"] for one in records if one["task"] == task)
        assert abs(labels["True"] - labels["False"]) <= 1
    kin = {}
    for one in records:
        kin.setdefault(one["payload"]["puzzle"].rpartition("-")[0], set()).add(one["group"])
    assert all(len(groups) == 1 for groups in kin.values())


def test_no_puzzle_stands_on_two_sides_of_a_split():
    corpus = sw.Generator.create("dyval", level="D1-D3", allow_repeats=True).fit().sample(840)
    parts = sw.split(corpus, fractions=[0.6, 0.2, 0.2], seed=0)
    seen = [{one["payload"]["canonical"] for one in part.records()} for part in parts]
    assert all(seen)
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_small_spaces_are_said_to_be_exhausted():
    model = sw.Generator.create("dyval", task="bool_logic", level="D1").fit()
    assert any("memorise" in note.what for note in model.notes)
    assert len(model.sample(10)) == 10
    with pytest.raises(SpaceExhausted, match="20 different puzzles") as error:
        model.sample(11)
    assert "allow_repeats" in error.value.fix


def test_the_secret_decides_the_items_and_the_commitment_shows_it():
    one, two = made(20, secret="a"), made(20, secret="b")
    assert {r["id"] for r in one}.isdisjoint(r["id"] for r in two)
    assert puzzles.commitment("a") in sw.Generator.create("dyval", secret="a").fit().describe()
    assert puzzles.commitment("a") != puzzles.commitment("b")
    assert {r["gen"]["commitment"] for r in one} == {puzzles.commitment("a")}
    assert {r["gen"]["seed"] for r in one} == {0}


def test_a_label_that_graph_and_text_disagree_on_is_never_given_out(monkeypatch):
    monkeypatch.setattr(sampling, "_meant", lambda nodes, leaves, truth: str(truth[0]))
    with pytest.raises(RuntimeError, match="was drawn as"):
        made(20, task="bool_logic", level="D3")


def test_conditions_choose_tasks_and_levels():
    model = sw.Generator.create("dyval", level="D2-D4").fit()
    found = model.sample(30, where="task == 'reachability' and level == 'D3'").records()
    assert {(one["task"], one["level"]) for one in found} == {("reachability", "D3")}


def test_reasoning_is_added_for_training_and_ends_in_the_label():
    for one in made(60, trace=True, level="D2"):
        assert one["response"].endswith(f"<<<{one['label']}>>>")
        assert len(one["response"].splitlines()) > 1


@pytest.mark.parametrize(
    "options", [{"task": "bool"}, {"level": "D9"}, {"template_set": 7}, {"balance": "fair"}, {"few_shot": 99}]
)
def test_wrong_options_are_one_clear_error(options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        sw.Generator.create("dyval", **options)


def test_data_are_refused():
    with pytest.raises(Unsupported, match="learns from none"):
        sw.Generator.create("dyval").fit({"x": [1, 2, 3]})


# -- mutants: each breaks one thing in our own pipeline, and a check that we run must notice


def labels_hold(records):
    return all(items.oracle(one) == f"<<<{one['label']}>>>" for one in records)


def twins_hold(task):
    for i in range(8):
        drawn = sampling.groups(task, LEVELS["D3"], Wish(), puzzles.Dice(i), i)
        if sorted(solver.solve(one) for one in drawn) != sorted(LABELS[task]):
            return False
        if len({puzzles.canonical_id(one, marks=False) for one in drawn}) != 1:
            return False
    return True


def reading_holds():
    for number, task in itertools.product(range(7), ("arithmetic", "bool_logic", "deductive_logic")):
        puzzle = sampling.groups(task, LEVELS["D2"], Wish(), puzzles.Dice(number), 0)[0]
        try:
            if grammar.parse(grammar.render(puzzle, number=number), task, number=number) != puzzle:
                return False
        except DataError:
            return False
    return True


def mutant_label_from_graph(monkeypatch):
    """The label of the whole puzzle is kept after a statement was deleted from the text."""
    records = made(60, task="arithmetic", level="D2")
    for one in records:
        lines = one["messages"][0]["content"].split("\n")
        del lines[2]
        one["messages"] = [{"role": "user", "content": "\n".join(lines)}]
    return not labels_hold(records)


def mutant_wrong_label(monkeypatch):
    records = made(60, task="bool_logic", level="D2")
    records[7]["label"] = "True" if records[7]["label"] == "False" else "False"
    return not labels_hold(records)


def mutant_two_valued_logic(monkeypatch):
    monkeypatch.setattr(solver, "_kleene", lambda one, known: all(known.get(arg, False) for arg in one.args))
    try:
        return not twins_hold("bool_logic") or not labels_hold_by_table()
    except RuntimeError:  # no pair of twins is found at all
        return True


def labels_hold_by_table():
    for i in range(20):
        puzzle = sampling.groups("bool_logic", LEVELS["D2"], Wish("paper"), puzzles.Dice(i), i)[0]
        known = {one.head: one.kind == "true" for one in puzzle.statements if one.kind in ("true", "false")}
        rules = {one.head: one for one in puzzle.statements if one.kind in ("and", "or", "not")}

        def value(name, known=known, rules=rules):
            if name in known:
                return known[name]
            found = [value(arg) for arg in rules[name].args]
            return {"and": all(found), "or": any(found), "not": not found[0]}[rules[name].kind]

        if solver.solve(puzzle) != str(value(puzzle.query[0])):
            return False
    return True


def mutant_first_instead_of_last_answer(monkeypatch):
    def first(reply):
        import re

        found = re.findall(r"<<<(.*?)>>>", reply)
        return answers.Answer(found[0], False) if found else None

    monkeypatch.setattr(answers, "extract", first)
    return answers.judge("<<<3>>> was the example, mine is <<<7>>>", "7", "arithmetic")[0] != "correct"


def mutant_commas_deleted(monkeypatch):
    monkeypatch.setattr(answers, "_plain", lambda text: text.replace(",", ""))
    return answers.judge("<<<1.5, -2>>>", "x = 1.5, y = -2", "linear_equation")[0] == "correct" and (
        answers.judge("<<<12,34>>>", "x = 12, y = 34", "linear_equation")[0] != "correct"
    )


def mutant_minus_read_backwards(monkeypatch):
    original = grammar._statement
    monkeypatch.setattr(
        grammar,
        "_statement",
        lambda kind, slots: (
            replace(found, args=found.args[::-1]) if (found := original(kind, slots)).kind in ("sub", "div") else found
        ),
    )
    return not reading_holds() or any(grammar.ambiguities(number) for number in range(7))


def mutant_twins_without_shuffle(monkeypatch):
    monkeypatch.setattr(sampling, "solve", lambda puzzle: LABELS[puzzle.task][0] if LABELS[puzzle.task] else "1")
    try:
        return not twins_hold("bool_logic")
    except RuntimeError:  # no pair of twins is found at all
        return True


def mutant_shares_forgotten(monkeypatch):
    monkeypatch.setattr(sampling, "answer_of", lambda shares, turn: shares[turn % len(shares)][0])
    labels = Counter(one["label"] for one in made(60, task="bool_logic", level="D3", balance="True=0.9,False=0.1"))
    low, high = binom.interval(0.999, 60, 0.9)
    return not low <= labels["True"] <= high


def mutant_contradictions_kept(monkeypatch):
    """Nobody asks whether the rules against a name hold too."""
    monkeypatch.setattr(rules, "_meant", lambda nodes, roots, leaves, truth: "True")
    try:
        for seed in range(20):
            sampling.groups("deductive_logic", LEVELS["D2"], Wish("uniform", extended=True), puzzles.Dice(seed), 0)
    except RuntimeError as error:
        return "was drawn as" in str(error)
    return False


def mutant_names_in_order(monkeypatch):
    def ordered(n, dice):
        letters = "bcdfghjklmnpqrstvwxz"
        return [letters[i // 400] + letters[i // 20 % 20] + letters[i % 20] for i in range(n)][::-1]

    monkeypatch.setattr(sampling, "names", ordered)
    drawn = [sampling.groups("bool_logic", LEVELS["D3"], Wish(), puzzles.Dice(i), i)[0] for i in range(40)]
    return sum(p.query[0] == max(one.head for one in p.statements) for p in drawn) > 20


def mutant_unseeded_shuffle(monkeypatch):
    import secrets

    monkeypatch.setattr(puzzles.Dice, "below", lambda self, n: secrets.randbelow(n))
    return made(10, level="D3") != made(10, level="D3")


def mutant_not_above_rules(monkeypatch):
    """The published deductive sampler: `not` anywhere, so that counts give the answer away."""
    records = made(300, task="deductive_logic", level="D4", balance="paper")
    return probes.guess(records, probes.counts).gain > 0.05


MUTANTS = [value for name, value in sorted(globals().items()) if name.startswith("mutant_")]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_mutant_of_our_pipeline_is_noticed(mutant, monkeypatch):
    assert mutant(monkeypatch), "nobody noticed"


def test_there_are_mutants_and_the_original_passes_their_checks():
    assert len(MUTANTS) >= 8
    assert labels_hold(made(60, level="D2"))
    assert twins_hold("bool_logic")
    assert reading_holds()
    assert labels_hold_by_table()
