"""Shares of the answers that somebody asks for; and deduction in which something can be false."""

import itertools
from collections import Counter

import pytest
from scipy.stats import binom

import synthwright as sw
from synthwright.core.errors import ConfigError
from synthwright.reasoning import grammar, items, probes
from synthwright.reasoning.answers import judge
from synthwright.reasoning.balance import answer_of, balance_text, parse_balance, shares_of
from synthwright.reasoning.levels import LEVELS, NOT_KNOWN
from synthwright.reasoning.puzzles import Dice, Puzzle, Statement, canonical_id, item_seed
from synthwright.reasoning.sampling import Wish, groups
from synthwright.reasoning.scoring import score
from synthwright.reasoning.solver import concluded, deduced, solve

MIX = "True=0.7,False=0.2,N/A=0.1"


def made(n=120, **options):
    options = {"allow_repeats": True, "secret": "test", **options}
    return sw.Generator.create("dyval", **options).fit().sample(n).records()


def is_within_bounds(k, n, share):
    """99.9 % of binomial counts."""
    low, high = binom.interval(0.999, n, share)
    return low <= k <= high


# -- reading


def test_shares_are_read_from_text_mappings_and_what_yaml_makes_of_them():
    wanted = {"True": 0.7, "False": 0.2, "N/A": 0.1}
    assert parse_balance(MIX) == parse_balance(" n/a = 0.1, false=0.2 ,TRUE=0.7") == wanted
    assert parse_balance({True: 0.7, False: 0.2, "N/A": 0.1}) == wanted
    assert list(parse_balance({"N/A": 0.1, "False": 0.2, "True": "0.7"})) == ["True", "False", "N/A"]
    assert balance_text(wanted) == MIX
    assert parse_balance("paper") == balance_text("paper") == "paper"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"balance": "twins"}, "Did you mean 'twin'"),
        ({"balance": ""}, "Unknown balance ''"),
        ({"balance": "True=0.7,False=0.4"}, "add up to 1.1"),
        ({"balance": "True=1.5,False=-0.5"}, "share of True is '1.5'"),
        ({"balance": "False=-0.5,True=1.5"}, "share of False is '-0.5'"),
        ({"balance": {"True": float("nan"), "False": 0.5}}, "share of True is nan"),
        ({"balance": {"True": True, "False": 0}}, "share of True is True"),
        ({"balance": "True=much,False=0.1"}, "share of True is 'much'"),
        ({"balance": "True=0.5,true=0.5"}, "name True twice"),
        ({"balance": "True=0.5,maybe=0.5"}, "Unknown answer 'maybe'"),
        ({"balance": "True=0.5,False"}, "Cannot read 'False' as a share"),
        ({"balance": 0.5}, "Cannot read 0.5 as a balance"),
        ({"balance": {}}, "add up to 0"),
        ({"balance": MIX}, "No chosen task has the answer N/A"),
        ({"balance": "True=1"}, "do not name False, an answer of bool_logic"),
        ({"balance": "True=0.5,False=0.5", "task": "deductive_logic"}, "deductive_logic with extended=true"),
        ({"balance": "True=0.5,N/A=0.5", "task": "all"}, "do not name False, an answer of bool_logic"),
        ({"balance": "True=0,False=0,N/A=1", "task": "bool_logic,abductive_logic"}, "bool_logic have the share 0"),
        ({"balance": MIX, "task": "arithmetic"}, "always has a number"),
        ({"balance": "True=0.5,False=0.5", "unsolvable": "deletions"}, "leaves them to what is missing"),
        ({"extended": True}, "not among the tasks"),
        ({"extended": True, "task": "deductive_logic", "balance": "paper"}, "No sampler was published"),
    ],
)
def test_a_balance_that_cannot_be_is_one_clear_error(options, words):
    with pytest.raises(ConfigError) as error:
        sw.Generator.create("dyval", **{"task": "bool_logic", "level": "D2", **options})
    assert words in str(error.value)
    assert len(error.value.problems) == 1
    assert error.value.problem.fix


# -- what is drawn


def test_turns_fill_every_run_as_evenly_as_the_shares_say():
    shares = (("True", 0.7), ("False", 0.2), ("N/A", 0.1))
    for first, n in itertools.product((0, 1, 777, 2**26, 5 * 2**26 + 3, 2**40), (10, 100, 1000)):
        counts = Counter(answer_of(shares, turn) for turn in range(first, first + n))
        assert all(abs(counts[answer] - share * n) <= 4 for answer, share in shares)
    assert {answer_of((("True", 0.0), ("False", 1.0)), turn) for turn in range(500)} == {"False"}


def test_each_task_takes_the_shares_of_its_own_answers():
    shares = parse_balance(MIX)
    assert shares_of(shares, "bool_logic") == (("True", pytest.approx(7 / 9)), ("False", pytest.approx(2 / 9)))
    assert shares_of(shares, "deductive_logic") == (("True", pytest.approx(7 / 8)), ("N/A", pytest.approx(1 / 8)))
    assert shares_of(shares, "max_sum_path") == (("number", pytest.approx(0.9)), ("N/A", 0.1))
    assert shares_of(shares, "arithmetic") == ()


def test_shares_are_met_by_every_task_within_binomial_bounds():
    records = made(840, task="all", level="D1-D2", balance=MIX)
    for task in ("bool_logic", "deductive_logic", "abductive_logic", "reachability", "max_sum_path"):
        labels = [one["label"] for one in records if one["task"] == task]
        for answer, share in shares_of(parse_balance(MIX), task):
            k = sum(label == answer or (answer == "number" and label != NOT_KNOWN) for label in labels)
            assert is_within_bounds(k, len(labels), share), (task, answer, k)
    assert {one["gen"]["balance"] for one in records} == {MIX}
    assert all(items.oracle(one) == f"<<<{one['label']}>>>" for one in records)


def test_shares_of_one_task_reach_its_ends():
    assert {one["label"] for one in made(30, task="reachability", level="D3", balance="True=0,False=1")} == {"False"}
    numbers = made(60, task="max_sum_path", level="D3", balance="number=0.5,N/A=0.5")
    assert Counter(one["label"] == NOT_KNOWN for one in numbers)[True] == 30


@pytest.mark.parametrize("balance", ["twin", "uniform"])
def test_answers_without_shares_stay_within_binomial_bounds(balance):
    records = made(1680, task="all", level="D1-D2", balance=balance)
    wanted = {
        "bool_logic": {"True": 1 / 2, "False": 1 / 2},
        "deductive_logic": {"True": 1 / 2, "N/A": 1 / 2},
        "abductive_logic": {"True": 1 / 3, "False": 1 / 3, "N/A": 1 / 3},
        "reachability": {"True": 1 / 2, "False": 1 / 2},
        "max_sum_path": {"N/A": 0.15},
    }
    for task, shares in wanted.items():
        labels = [one["label"] for one in records if one["task"] == task]
        for answer, share in shares.items():
            assert is_within_bounds(labels.count(answer), len(labels), share), (task, answer, labels.count(answer))


@pytest.mark.quality
def test_shares_leave_no_cue_but_the_share_itself():
    for task, mix in (("deductive_logic", "True=0.7,N/A=0.3"), ("abductive_logic", "True=0.2,False=0.2,N/A=0.6")):
        guess = probes.guess(made(400, task=task, level="D4", balance=mix), probes.counts)
        assert guess.chance > 0.55
        assert guess.low <= guess.chance + 0.03, (task, guess)


def test_items_with_shares_do_not_depend_on_how_many_are_made_or_on_blocks():
    model = sw.Generator.create(
        "dyval", task="bool_logic,max_sum_path", level="D3", balance="True=0.5,False=0.2,N/A=0.3"
    )
    model = model.fit()
    whole = model.sample(300).records()
    assert whole[:150] == model.sample(150).records()
    assert whole[120:240] == model.sample_block(1).records()


def test_a_saved_generator_keeps_its_shares(tmp_path):
    model = sw.Generator.create("dyval", task="bool_logic", level="D3", balance={"True": 0.9, "False": 0.1}).fit()
    again = sw.load(model.save(tmp_path / "m.synth"))
    assert again.config.balance == {"True": 0.9, "False": 0.1}
    assert again.sample(20).records() == model.sample(20).records()


def test_the_report_compares_with_the_shares_that_were_asked_for():
    model = sw.Generator.create(
        "dyval", task="bool_logic,max_sum_path", level="D3", balance="True=0.6,False=0.1,N/A=0.3"
    )
    asked = model.fit().sample(400)
    (found,) = sw.evaluate(asked, metrics=["text_balance"]).scores
    assert found.verdict == "pass"
    told_otherwise = [{**one, "gen": {**one["gen"], "balance": "twin"}} for one in asked.records()]
    (found,) = sw.evaluate(asked.with_records(told_otherwise), metrics=["text_balance"]).scores
    assert found.verdict == "fail"


# -- deduction in which something can be false


def extended(level, index, **wish):
    dice = Dice(item_seed("extended", "deductive_logic", level, index))
    return groups("deductive_logic", LEVELS[level], Wish(**wish, extended=True), dice, index)


@pytest.mark.parametrize("level", ["D1", "D2", "D4", "D6"])
def test_extended_triples_share_rules_and_counts_and_have_all_three_answers(level):
    for index in range(5):
        twins = extended(level, index)
        assert [solve(one) for one in twins] == ["True", "False", "N/A"]
        kinds = [Counter(one.kind for one in twin.statements) for twin in twins]
        assert kinds[0] == kinds[1] == kinds[2]
        assert any(kind.startswith("deny_") for kind in kinds[0])
        assert len({canonical_id(one, marks=False) for one in twins}) == 1
        assert all(len(said) == 1 for one in twins for said in concluded(one.statements).values())


@pytest.mark.parametrize("number", range(7))
def test_extended_rules_are_read_back_in_every_wording_and_order(number):
    for order, flaws in itertools.product(grammar.ORDERS, ("none", "deletions", "cycles")):
        for puzzle in extended("D2", number, flaws=flaws):
            asked = grammar.arranged(puzzle, order, Dice(number))
            read = grammar.parse(grammar.render(asked, number=number), "deductive_logic")
            assert read == asked
            assert solve(read) == solve(puzzle)


def by_trying_all(puzzle):
    """All that follows, by trying every rule as often as there are statements."""
    said = {(one.head, one.kind == "true") for one in puzzle.statements if one.kind in ("true", "false")}
    for _ in puzzle.statements:
        for one in puzzle.statements:
            way, _, how = one.kind.partition("_")
            if way in ("rule", "deny"):
                parts = [(arg, how != "not") in said for arg in one.args]
                if all(parts) if how in ("and", "not") else any(parts):
                    said.add((one.head, way == "rule"))
    (name,) = puzzle.query
    both = {value for head, value in said if head == name}
    return str(both.pop()) if len(both) == 1 else NOT_KNOWN


def test_extended_answers_equal_a_solver_of_their_own_also_with_flaws():
    for index, flaws in itertools.product(range(20), ("none", "deletions", "cycles")):
        for puzzle in extended("D2", index, flaws=flaws):
            assert solve(puzzle) == by_trying_all(puzzle)


def test_what_is_concluded_both_ways_is_unknown_in_any_order():
    facts = (Statement("true", "bcd"), Statement("rule_or", "fgh", ("bcd",)), Statement("deny_or", "fgh", ("bcd",)))
    rule = Statement("rule_not", "jkl", ("fgh",))
    for order in itertools.permutations((*facts, rule)):
        puzzle = Puzzle("deductive_logic", order, ("fgh",))
        assert solve(puzzle) == NOT_KNOWN
        assert deduced(order) == {"bcd": True, "jkl": True}
        assert concluded(order)["fgh"].keys() == {True, False}


def test_extended_items_are_balanced_solved_and_without_cues():
    records = made(300, task="deductive_logic", level="D3", extended=True)
    assert Counter(one["label"] for one in records) == {"True": 100, "False": 100, "N/A": 100}
    assert {one["gen"]["extended"] for one in records} == {True}
    assert score(records, [items.oracle(one) for one in records]).total.accuracy == 1.0
    assert abs(probes.guess(records, probes.counts).gain) <= 0.05
    assert judge("<<<False>>>", "False", "deductive_logic")[0] == "correct"


def test_extended_items_come_in_equal_or_asked_shares():
    uniform = made(60, task="deductive_logic", level="D2", extended=True, balance="uniform")
    assert set(Counter(one["label"] for one in uniform).values()) == {20}
    asked = made(100, task="deductive_logic", level="D2", extended=True, balance="True=0.1,False=0.8,N/A=0.1")
    assert is_within_bounds(sum(one["label"] == "False" for one in asked), 100, 0.8)


def test_extended_leaves_other_tasks_as_they_are():
    def bool_only(records):
        return [one["messages"] for one in records if one["task"] == "bool_logic"][:4]

    assert bool_only(made(70, task="all", level="D2")) == bool_only(made(70, task="all", level="D2", extended=True))
