"""Are the items of DyVal right, as asked for, different from each other, and free of cues; how well are they answered?

Nothing that a record says about itself is believed: labels are solved anew, and puzzles compared, from the text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from synthwright.core.context import Context
from synthwright.evaluate.metric import Axis, Score
from synthwright.evaluate.text import ItemMetric, TextEncoding, cells_of
from synthwright.evaluate.verdict import Finding
from synthwright.reasoning import probes
from synthwright.reasoning.answers import judge
from synthwright.reasoning.balance import answers_of, shares_of
from synthwright.reasoning.items import question_of
from synthwright.reasoning.levels import LABELS
from synthwright.reasoning.puzzles import Puzzle, canonical_id
from synthwright.reasoning.scoring import score as graded
from synthwright.reasoning.scoring import wilson
from synthwright.reasoning.solver import solve
from synthwright.reasoning.spaces import Capacity, capacity, wish_of
from synthwright.reasoning.trees import Wish

BALANCE_FAIL, SHORTCUT_FAIL, REPEATS_FAIL, KNOWN_FAIL = 0.20, 0.15, 0.02, 0.35
_FEWEST_BALANCED, _FEWEST_PROBED = 12, 60
_MAKE = "make new items: synthwright text dyval make"
_CEILING = 0.95


class TextLabels(ItemMetric):
    """Share of items whose recorded answer is the one that an independent solver finds in the text; must be 1."""

    name: ClassVar[str] = "text_labels"
    axis: ClassVar[Axis] = "truthfulness"
    label: ClassVar[str] = "Right answers"
    summary: ClassVar[str] = "share of items whose answer, solved anew from the text, is the recorded one"
    source: ClassVar[str] = "Zhu et al. 2023 (arXiv 2309.17167), with the solver of this package"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is the share. Details hold the first wrong items."""
        items, puzzles = encoding.items(), encoding.puzzles()
        wrong, unread = [], []
        for place, (one, puzzle) in enumerate(zip(items, puzzles, strict=True)):
            if place % 200 == 0:
                ctx.step(place, len(items), "solving")
            if puzzle is None:
                unread.append(one)
            elif judge(f"<<<{solve(puzzle)}>>>", str(one["label"]), str(one["task"]))[0] != "correct":
                wrong.append(one)
        n, bad = len(items), len(wrong) + len(unread)
        low, high = wilson(n - bad, n)
        plain = f"All {n:,} recorded answers are those that the text gives."
        if bad:
            plain = f"{len(wrong):,} of {n:,} recorded answers are wrong"
            plain += f", and {len(unread):,} items cannot be read." if unread else "."
        shown = [{"id": one["id"], "task": one["task"], "level": one["level"]} for one in (*wrong, *unread)[:10]]
        return [
            self.score(
                1 - bad / n,
                "fail" if bad else "pass",
                plain,
                low=low,
                high=high,
                references={"all right": 1.0, "answers dealt anew": _dealt(items, ctx.rng)},
                p=0.0 if bad else 1.0,
                where=shown,
                fix=_MAKE if bad else "",
                details={"wrong": len(wrong), "unreadable": len(unread), "items": n},
                sampled=encoding.used(),
            )
        ]


def _dealt(items: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> float:
    """Share of answers that stay right when the answers of each task are dealt to its items at random."""
    right = 0
    tasks: dict[str, list[str]] = {}
    for one in items:
        tasks.setdefault(str(one["task"]), []).append(str(one["label"]))
    for labels in tasks.values():
        right += sum(a == b for a, b in zip(labels, rng.permutation(labels), strict=True))
    return right / len(items)


class TextBalance(ItemMetric):
    """Are all answers of a task equally frequent, so that none of them is a good guess; or in the shares asked for?"""

    name: ClassVar[str] = "text_balance"
    axis: ClassVar[Axis] = "controllability"
    label: ClassVar[str] = "Balance of answers"
    summary: ClassVar[str] = "share of an answer within a task and level, beside an even mix or the share asked for"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is the largest excess over an even mix, or over the share that the records say was asked.

        Numbers: none may be frequent.
        """
        items = encoding.items()
        found = []
        for name, places in _groups(items, _FEWEST_BALANCED).items():
            task = str(items[places[0]]["task"])
            wish = wish_of([items[place] for place in places])
            answers, n = Counter(str(items[place]["label"]) for place in places), len(places)
            due = {answer: _due(answer, task, wish) for answer in answers}
            commonest, k = max(answers.items(), key=lambda pair: (pair[1] / n - due[pair[0]], pair[0]))
            share, even = k / n, due[commonest]
            p = float(min(1.0, (len(LABELS[task] or ()) or 1) * stats.binom.sf(k - 1, n, even)))
            expected = f"{even:.0%} was asked for" if wish.shares else f"an even mix has {even:.0%}"
            words = f"in {name} {commonest!r} is the answer to {share:.0%} of {n:,} items; {expected}"
            low, high = wilson(k, n)
            where = {"cell": name, "answer": commonest}
            excess = share - even
            found.append(Finding(excess / BALANCE_FAIL, p, words, where, excess, low - even, high - even))
        if not found:
            return self.unknown(f"Fewer than {_FEWEST_BALANCED} items of a task are too few.", _MAKE)
        return [
            self.from_findings(
                found,
                good="No answer is much more frequent than the others.",
                fix="use balance=twin or balance=uniform",
                references={"an even mix": 0.0, "one answer only": 0.5},
                better="lower",
                sampled=encoding.used(),
            )
        ]


def _due(answer: str, task: str, wish: Wish) -> float:
    """The share of an answer that was asked for, or that of an even mix; of numbers, what is still not frequent."""
    own = answers_of(task, extended=wish.extended)
    if answer in own and wish.shares:
        return dict(shares_of(dict(wish.shares), task, extended=wish.extended))[answer]
    return 1 / len(own) if LABELS[task] else 0.25


class TextShortcuts(ItemMetric):
    """Can the answer be guessed from how many statements of which kind there are, or from looks, without reasoning?"""

    name: ClassVar[str] = "text_shortcuts"
    axis: ClassVar[Axis] = "controllability"
    label: ClassVar[str] = "Cues beside the reasoning"
    summary: ClassVar[str] = "accuracy above chance of classifiers that see counts, or lengths and places, only"
    source: ClassVar[str] = "Gururangan et al. 2018 (arXiv 1803.02324), on counts and surface of puzzles"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is the largest gain over the commonest answer, of two probes a task (and level)."""
        items = [one for one, puzzle in zip(encoding.items(), encoding.puzzles(), strict=True) if puzzle is not None]
        found = []
        groups = _groups(items, _FEWEST_PROBED, labelled=True)
        for i, (name, places) in enumerate(groups.items()):
            ctx.step(i, len(groups), "probing")
            for kind, features in (("counts", probes.counts), ("looks", probes.surface)):
                guess = probes.guess([items[place] for place in places], features, seed=encoding.seed)
                if guess is not None:
                    found.append(_cue(name, kind, guess))
        if not found:
            why = f"Fewer than {_FEWEST_PROBED} items with two answers: nothing can be learned from them."
            return self.unknown(why, _MAKE + " with a larger --n")
        return [
            self.from_findings(
                found,
                good="Neither counts nor looks of the items give the answers away.",
                fix="use balance=twin, or harder levels",
                references={"no cue": 0.0, "given away": 0.5},
                better="lower",
                details={"probes": [{**one.where, "gain": one.value} for one in found]},
                sampled=encoding.used(),
            )
        ]


def _cue(name: str, kind: str, guess: probes.Guess) -> Finding:
    right = round(guess.accuracy * guess.n)
    p = float(stats.binom.sf(right - 1, guess.n, guess.chance))
    words = (
        f"{kind} alone guess {guess.accuracy:.0%} of the answers of {name}; the commonest answer has {guess.chance:.0%}"
    )
    low, high = guess.low - guess.chance, guess.high - guess.chance
    return Finding(guess.gain / SHORTCUT_FAIL, p, words, {"cell": name, "probe": kind}, guess.gain, low, high)


class TextRepeats(ItemMetric):
    """Do puzzles repeat, once names are left out? Levels with few puzzles repeat by chance: that is allowed for."""

    name: ClassVar[str] = "text_repeats"
    axis: ClassVar[Axis] = "diversity"
    label: ClassVar[str] = "Repeated puzzles"
    summary: ClassVar[str] = "share of items whose puzzle, without names and order, stands in an earlier item"
    source: ClassVar[str] = "Weisfeiler and Leman 1968; Shervashidze et al. 2011, on the puzzle's graph"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score; value is the share over all items. Details hold capacity and repeats of each task and level."""
        items, puzzles = encoding.items(), encoding.puzzles()
        texts = [question_of(one) for one in items]
        first = _firsts(texts)
        equal = len(texts) - len(first)
        words = f"{equal:,} of {len(items):,} items have the very text of an earlier one"
        p = float(stats.binom.sf(equal - 1, len(items), 1e-4))
        found = [Finding(equal / len(items) / REPEATS_FAIL, p, words, {}, equal / len(items), warn=0.0)]
        table: list[dict[str, Any]] = []
        small: list[str] = []
        total = equal
        cells = cells_of([items[i] for i in first])
        for (task, level), places in cells.items():
            ctx.step(len(table), len(cells), "comparing")
            again = _repeats([items[first[i]] for i in places], [puzzles[first[i]] for i in places])
            most = capacity(task, level, wish_of([items[first[i]] for i in places]))
            found.append(_repeated((task, level), again, len(places), most))
            total += again
            cell = {"capacity": most and most.n, "items": len(places), "repeats": again}
            table.append({"task": task, "level": level, **cell, "is_exact": bool(most and most.is_exact)})
            if most is not None and most.is_memorisable:
                small.append(f"{task} {level}")
        n = len(items)
        good = "Puzzles do not repeat more often than chance has it."
        good += f" Small enough to be memorised: {', '.join(small)}." if small else ""
        return [
            self.from_findings(
                found,
                good=good,
                fix="make fewer items of this level, or use higher levels",
                shown=(total / n, *wilson(total, n)),
                references={"no repeats": 0.0, "one puzzle only": 1.0},
                details={"cells": table, "memorisable": small},
                better="lower",
                sampled=encoding.used(),
            )
        ]


def _repeated(cell: tuple[str, str], again: int, n: int, most: Capacity | None) -> Finding:
    """The repeats of one task and level. Where there are few puzzles that is worth a warning and no more."""
    task, level = cell
    chance = _by_chance(n, most.n) if most is not None else 0.0
    words = f"{again:,} of {n:,} items of {task} at {level} repeat an earlier puzzle under other names"
    effect = again / n / REPEATS_FAIL
    if most is not None and most.is_memorisable:
        words += f"; it has {most}, so that about {chance:.0%} would by chance"
        effect = min((again / n - chance) / KNOWN_FAIL, 1.0)
    p = float(stats.binom.sf(again - 1, n, max(chance, 0.001)))
    return Finding(effect, p, words, {"task": task, "level": level}, again / n, *wilson(again, n))


def _repeats(items: Sequence[Mapping[str, Any]], puzzles: Sequence[Puzzle | None]) -> int:
    """Equal puzzles under different names; one puzzle that is asked in three orders is no repeat."""
    asked: dict[str, set[str]] = {}
    for one, puzzle in zip(items, puzzles, strict=True):
        if puzzle is not None:
            name = (one.get("payload") or {}).get("puzzle") or one["id"]
            asked.setdefault(canonical_id(puzzle), set()).add(str(name))
    return sum(len(names) - 1 for names in asked.values())


def _firsts(texts: Sequence[str]) -> list[int]:
    """Where each text stands first."""
    seen: dict[str, int] = {}
    for i, text in enumerate(texts):
        seen.setdefault(text, i)
    return list(seen.values())


def _by_chance(n: int, most: int) -> float:
    """Share of n draws from `most` equally likely puzzles that were drawn before."""
    return 1 - most * (1 - (1 - 1 / most) ** n) / n


class TextAccuracy(ItemMetric):
    """How often the answers that a corpus holds are right, by task and level, with chance beside it."""

    name: ClassVar[str] = "text_accuracy"
    axis: ClassVar[Axis] = "utility"
    label: ClassVar[str] = "Answers of the model"
    summary: ClassVar[str] = "share of right answers, with a Wilson interval, by task and level"
    source: ClassVar[str] = "Wilson 1927; Zhu et al. 2023 (arXiv 2309.17167)"

    def measure(self, encoding: TextEncoding, ctx: Context) -> list[Score]:
        """One score about the answers; a warning when they cannot tell models apart."""
        items = [one for one in encoding.items() if "reply" in (one.get("scores") or {})]
        if not items:
            return self.unknown("The items hold no answers of a model.", "ask one: synthwright text dyval score")
        found = graded(items, [one["scores"]["reply"] for one in items])
        total = found.total
        models = sorted({str(one["scores"].get("model_id") or "") for one in items} - {""})
        cells = [
            {
                **cell.key,
                **{name: getattr(cell, name) for name in ("n", "accuracy", "low", "high", "chance", "corrected")},
                "outcomes": dict(cell.outcomes),
            }
            for cell in found.cells
        ]
        plain = (
            f"{total.right:,} of {total.n:,} answers are right: {total.accuracy:.1%}, {total.corrected:.1%} of the way "
            f"from chance ({total.chance:.1%}) to perfect."
        )
        is_flat = total.low > _CEILING or total.low <= total.chance  # perfect, or not told from guessing
        if is_flat:
            plain += " At this level the items tell models hardly apart."
        return [
            self.score(
                total.accuracy,
                "warn" if is_flat else "pass",
                plain,
                low=total.low,
                high=total.high,
                references={"all right": 1.0, "majority": total.chance},
                fix=("use higher levels" if total.corrected > 0.5 else "use lower levels") if is_flat else "",
                details={
                    "answers": {"model": ", ".join(models), "cells": cells, "outcomes": dict(total.outcomes)},
                    "corrected": total.corrected,
                    "loose": found.loose,
                    "orders": dict(found.orders),
                    "unanswered": len(encoding.items()) - len(items),
                },
                sampled=encoding.used(),
            )
        ]


def _groups(items: Sequence[Mapping[str, Any]], fewest: int, *, labelled: bool = False) -> dict[str, list[int]]:
    """Items by task and level; levels with too few are joined within a task, tasks with too few are left out."""
    groups: dict[str, list[int]] = {}
    rest: dict[str, list[int]] = {}
    for (task, level), places in cells_of(items).items():
        if labelled and LABELS[task] is None:
            continue
        if len(places) >= fewest:
            groups[f"{task} {level}"] = places
        else:
            rest.setdefault(task, []).extend(places)
    return {
        **groups,
        **{f"{task} (few of each level)": places for task, places in rest.items() if len(places) >= fewest},
    }
