"""How many puzzles there are: the table against a count of its own, against one by one, and against what is drawn."""

from collections import Counter
from itertools import combinations_with_replacement, product
from typing import NamedTuple

import pytest

import synthwright as sw
from synthwright.core.errors import SpaceExhausted
from synthwright.reasoning.levels import LABELS, LEVELS
from synthwright.reasoning.puzzles import Dice, canonical_id, item_seed
from synthwright.reasoning.sampling import Wish, groups
from synthwright.reasoning.solver import solve
from synthwright.reasoning.spaces import Capacity, capacity, wish_of


class Tree(NamedTuple):
    """An operator over trees in sorted order, or a leaf: a fact as its kind, or "leaf"."""

    kind: str
    below: tuple = ()


def trees(depth, width, leaves, *, root_width=None, nots=lambda layer: True):
    """All trees, operands unordered."""
    found = [Tree(leaf) for leaf in leaves]
    for layer in range(1, depth + 1):
        n = root_width if root_width and layer == depth else width
        wide = [Tree(kind, below) for kind in ("and", "or") for below in combinations_with_replacement(found, n)]
        found = wide + ([Tree("not", (one,)) for one in found] if nots(layer) else [])
    return found


def shape(one):
    return "fact" if not one.below else (one.kind, tuple(sorted(map(repr, map(shape, one.below)))))


def n_true(one):
    return sum(map(n_true, one.below)) + (one.kind == "true")


def truth(one):
    return {"true": lambda: True, "false": lambda: False}.get(one.kind, lambda: combined(one.kind, one.below))()


def combined(kind, below):
    values = [truth(part) for part in below]
    return {"and": all(values), "or": any(values), "not": not values[0]}[kind]


def concluded(one):
    """Deduction: True, False for a fact that is so, None for a rule that settles nothing."""
    if not one.below:
        return one.kind == "true"
    values = [concluded(part) for part in one.below]
    holds = {
        "and": all(v is True for v in values),
        "or": any(v is True for v in values),
        "not": values[0] is False,
    }
    return True if holds[one.kind] else None


def with_twins(all_of_them, label, wanted):
    """Those whose facts, dealt otherwise over the same operators, give every wanted label."""
    labels = {}
    for one in all_of_them:
        labels.setdefault((shape(one), n_true(one)), set()).add(label(one))
    return [one for one in all_of_them if len(labels[shape(one), n_true(one)]) == wanted]


@pytest.mark.parametrize("level", ["D1", "D2"])
def test_twins_of_bool_and_deduction_are_counted_one_by_one(level):
    size = LEVELS[level]
    every = trees(size.depth, size.width, ("false", "true"))
    assert len(every) == capacity("bool_logic", level, Wish("uniform")).n
    assert len(with_twins(every, truth, 2)) == capacity("bool_logic", level, Wish()).n
    rules = trees(size.depth, size.width, ("false", "true"), nots=lambda layer: layer == 1)
    assert len(rules) == capacity("deductive_logic", level, Wish("uniform")).n
    assert len(with_twins(rules, concluded, 2)) == capacity("deductive_logic", level, Wish()).n


def answers_below(one, value, depth):
    """What abduction says of the leaves below a name that is False, True or unknown."""
    if not one.below:
        return {str(value)}
    passed = None if value is not False or one.kind == "and" else one.kind == "not"
    return set().union(*(answers_below(part, passed, depth - 1) for part in one.below))


def n_places(one):
    """Leaves that differ in more than their name."""
    return sum(map(n_places, set(one.below))) if one.below else 1


@pytest.mark.parametrize("level", ["D1", "D2", "D3", pytest.param("D4", marks=pytest.mark.quality)])
def test_triples_of_abduction_are_counted_one_by_one(level):
    size = LEVELS[level]
    every = trees(size.depth, size.width, ("leaf",), root_width=3 if level == "D1" else size.width)
    whole = [one for one in every if len(answers_below(one, False, size.depth)) == 3]
    assert sum(map(n_places, whole)) == capacity("abductive_logic", level, Wish()).n


def convolved(a, b):
    found = Counter()
    for (i, x), (j, y) in product(a.items(), b.items()):
        found[i + j] += x * y
    return found


def multisets(table, n):
    """Multisets of n things, by the sum of their sizes: k h_k = sum of p_i h_(k-i) (Newton)."""
    h = [Counter({0: 1})]
    for k in range(1, n + 1):
        total = Counter()
        for i in range(1, k + 1):
            total += convolved(Counter({size * i: m for size, m in table.items()}), h[k - i])
        h.append(Counter({size: m // k for size, m in total.items()}))
    return h[n]


def tables(size, nots, flips):
    """For each shape: how many ways to deal k true facts make it hold, and how many do not."""
    found = [(Counter({1: 1}), Counter({0: 1}))]
    for layer in range(1, size.depth + 1):
        fresh = [(f, t) if flips(layer) else (t, f) for t, f in found] if nots(layer) else []
        for chosen in combinations_with_replacement(range(len(found)), size.width):
            hold, fail, every = (Counter({0: 1}) for _ in range(3))
            for place, n in Counter(chosen).items():
                t, f = found[place]
                hold, fail = convolved(hold, multisets(t, n)), convolved(fail, multisets(f, n))
                every = convolved(every, multisets(t + f, n))
            fresh += [(hold, every - hold), (every - fail, fail)]
        found = fresh
    return found


def kinds_of(shapes):
    """Shapes with equal tables, and how many there are."""
    found = {}
    for hold, fail in shapes:
        key = (tuple(sorted(hold.items())), tuple(sorted(fail.items())))
        found[key] = (hold, fail, found.get(key, (0, 0, 0))[2] + 1)
    return list(found.values())


def anywhere(layer):
    return True


def over_facts(layer):
    return layer == 1


@pytest.mark.quality
@pytest.mark.parametrize(
    ("task", "level", "nots"),
    [
        ("bool_logic", "D3", anywhere),
        ("deductive_logic", "D3", over_facts),
        ("deductive_logic", "D4", over_facts),
    ],
)
def test_twins_of_larger_levels_are_counted_over_shapes(task, level, nots):
    """D4 of bool has 65,535 shapes, which take eight seconds: it was counted once, by the same functions."""
    shapes = tables(LEVELS[level], nots, anywhere)
    assert sum(sum(t[k] + f[k] for k in t if f[k]) for t, f in shapes) == capacity(task, level, Wish()).n


@pytest.mark.parametrize("level", ["D1", pytest.param("D2", marks=pytest.mark.quality)])
def test_twins_of_extended_deduction_are_counted_over_pairs_of_shapes(level):
    shapes = kinds_of(tables(LEVELS[level], anywhere, over_facts))
    counted = 0
    for (for_, not_for, n), (against, not_against, m) in product(shapes, shapes):
        ways = [convolved(for_, not_against), convolved(not_for, against), convolved(not_for, not_against)]
        counted += n * m * sum(sum(way[k] for way in ways) for k in ways[0] if all(way[k] for way in ways))
    assert counted == capacity("deductive_logic", level, Wish(extended=True)).n


def drawn(task, n, wish):
    found = set()
    for index in range(n):
        for one in groups(task, LEVELS["D1"], wish, Dice(item_seed("space", task, "D1", index)), index):
            found.add(canonical_id(one))
    return len(found)


@pytest.mark.parametrize(
    ("task", "wish", "n"),
    [
        ("bool_logic", Wish(), 700),
        ("deductive_logic", Wish(), 700),
        ("abductive_logic", Wish(), 50),
        ("bool_logic", Wish("paper"), 6000),
        ("deductive_logic", Wish("uniform"), 8000),
        ("bool_logic", Wish(flaws="deletions"), 9000),
    ],
)
def test_a_long_sample_of_the_first_level_reaches_every_puzzle_and_no_other(task, wish, n):
    assert drawn(task, n, wish) == capacity(task, "D1", wish).n


@pytest.mark.parametrize("task", ["bool_logic", "deductive_logic", "abductive_logic"])
def test_upper_bounds_are_not_passed(task):
    for wish in (Wish(flaws="cycles"), Wish(flaws="deletions"), Wish("uniform"), Wish("uniform", extended=True)):
        assert drawn(task, 300, wish) <= capacity(task, "D1", wish).n


def test_sizes_are_those_counted_for_the_paper_and_graphs_have_none():
    paper = Wish("paper")
    assert [capacity("bool_logic", level, paper).n for level in ("D1", "D2")] == [80, 6560]
    assert capacity("bool_logic", "D3", paper).n == pytest.approx(3.1e7, rel=0.03)
    assert [capacity("abductive_logic", level, paper).n for level in ("D1", "D2")] == [42, 1302]
    assert capacity("arithmetic", "D1", paper) is capacity("reachability", "D1", Wish()) is None
    assert str(Capacity(1320, False)) == "at most 1,320 different puzzles"


def test_records_say_how_they_were_drawn_and_the_widest_is_assumed_when_they_disagree():
    twin = {"gen": {"balance": "twin", "unsolvable": "none"}}
    mixed = {"gen": {"balance": "True=0.7,False=0.3", "unsolvable": "none"}}
    assert wish_of([twin, twin]) == Wish()
    assert wish_of([mixed]).shares == (("True", 0.7), ("False", 0.3))
    assert wish_of([twin, mixed]) == wish_of([]) == wish_of([{}]) == wish_of([{"gen": {"balance": "?"}}])
    assert wish_of([{}]) == Wish("paper")


# -- what the generator makes of it


def of(**options):
    return sw.Generator.create("dyval", **options).fit()


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"task": "bool_logic", "level": "D1"}, 10),
        ({"task": "bool_logic", "level": "D1", "balance": "True=0.8,False=0.2"}, 10),
        ({"task": "bool_logic", "level": "D1", "balance": "uniform"}, 40),
        ({"task": "abductive_logic", "level": "D2"}, 25),
        ({"task": "bool_logic,reachability", "level": "D1"}, 20),
    ],
)
def test_more_than_half_of_a_level_is_refused_with_a_number_that_is_not(options, most):
    model = of(**options)
    assert len(model.sample(most)) == most
    with pytest.raises(SpaceExhausted, match="different puzzles") as error:
        model.sample(most + 1)
    assert f"at most {most:,} in all" in error.value.fix
    assert len(of(**options, allow_repeats=True).sample(most + 1)) == most + 1


def test_the_plain_command_works_and_says_which_levels_repeat():
    model = of()
    assert len(model.sample(140)) == 140
    assert any("only 3 puzzles" in note.what and note.where == "abductive_logic D1" for note in model.notes)
    model.check_capacity(280)
    with pytest.raises(SpaceExhausted, match="3 different puzzles") as error:
        model.check_capacity(281)
    assert "at most 280 in all" in error.value.fix
    with pytest.raises(SpaceExhausted):  # all levels: few are crowded, and one is asked for beyond all its puzzles
        of(level="D1-D8").check_capacity(56 * 22)


def test_the_description_prints_capacities_and_what_can_be_memorised():
    page = of(task="bool_logic,arithmetic", level="D1,D4").describe()
    assert "bool_logic D1: 20 different puzzles, memorisable" in page
    assert "bool_logic D4: 37,278,184 different puzzles" in page
    assert "37,278,184 different puzzles, memorisable" not in page
    assert "arithmetic D1" not in page


def test_labels_of_a_level_are_known():
    assert {solve(one) for one in groups("bool_logic", LEVELS["D1"], Wish(), Dice(1), 0)} == set(LABELS["bool_logic"])
