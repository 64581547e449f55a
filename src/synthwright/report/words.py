"""What a report says in words: a question per axis, its answer, the worst reasons first, and what was not assessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthwright.core.errors import counted
from synthwright.evaluate.metric import AXES, Axis, Report, Score, Verdict
from synthwright.report.charts import number

MAIN_AXES: tuple[Axis, ...] = ("privacy", "fidelity", "utility")  # the three questions of the first screen
ORDER: tuple[Axis, ...] = (*MAIN_AXES, *(axis for axis in AXES if axis not in MAIN_AXES))
SEVERITY: tuple[Verdict, ...] = ("fail", "error", "warn", "pass", "not assessed")
ICONS: Mapping[Verdict, str] = {"pass": "✓", "warn": "!", "fail": "✕", "error": "?", "not assessed": "?"}
WORDS: Mapping[Verdict, str] = {
    "pass": "passed",
    "warn": "look closer",
    "fail": "failed",
    "error": "could not be computed",
    "not assessed": "not assessed",
}
QUESTIONS: Mapping[Axis, str] = {
    "privacy": "Safe to share?",
    "fidelity": "Faithful?",
    "utility": "Useful?",
    "diversity": "Varied enough?",
    "controllability": "Does what was asked?",
    "truthfulness": "True?",
    "fairness": "Fair?",
}
EXPLAINED: Mapping[Axis, str] = {
    "privacy": "Can anyone tell from the synthetic rows who was in the training data?",
    "fidelity": "Do the columns, and the relations between them, look like those of the real data?",
    "utility": "Does a model trained on the synthetic rows work on real ones?",
    "diversity": "Are all kinds of real rows there, and do rows not repeat?",
    "controllability": "Were the conditions of the request kept?",
    "truthfulness": "Do the rows keep the rules that real rows keep?",
    "fairness": "Are groups treated as they are in the real data?",
}
_ANSWERS: Mapping[Axis, Mapping[Verdict, str]] = {
    "privacy": {
        "pass": "Nothing we tried found a trace of a single training row.",
        "warn": "There are signs that training rows shine through.",
        "fail": "Training rows can be recognised. Do not share this table.",
    },
    "fidelity": {
        "pass": "It looks like the real data in everything we measured.",
        "warn": "It looks like the real data, with visible differences.",
        "fail": "It differs from the real data in ways that matter.",
    },
    "utility": {
        "pass": "Models trained on it do as well on real rows.",
        "warn": "Models trained on it do somewhat worse on real rows.",
        "fail": "Models trained on it do clearly worse on real rows.",
    },
    "diversity": {
        "pass": "All kinds of real rows are there.",
        "warn": "Some kinds of real rows are rarer than they should be.",
        "fail": "Kinds of real rows are missing, or rows repeat.",
    },
    "controllability": {
        "pass": "Every request was kept.",
        "warn": "Requests were mostly kept.",
        "fail": "Requests were not kept.",
    },
    "truthfulness": {"pass": "The rules hold.", "warn": "The rules mostly hold.", "fail": "Rules are broken."},
    "fairness": {
        "pass": "Groups are treated as in the real data.",
        "warn": "Groups are treated somewhat unlike in the real data.",
        "fail": "Groups are treated unlike in the real data.",
    },
}
# What a unit of the data is called: one, several, and all of them together.
UNITS: Mapping[str, tuple[str, str, str]] = {
    "table": ("row", "rows", "table"),
    "images": ("image", "images", "set of images"),
    "series": ("series", "series", "set of series"),
    "text": ("item", "items", "set of items"),
}
_EXPLAINED_OTHERWISE: Mapping[str, Mapping[Axis, str]] = {
    "images": {
        "fidelity": "Do the images look like the real ones?",
        "controllability": "Do the images show the class that was asked for?",
    },
    "series": {
        "fidelity": "Do levels, steps, rhythms and relations between channels look like those of the real series?"
    },
    "text": {
        "fidelity": "Do the items look like the real ones?",
        "truthfulness": "Is the recorded answer the right one, when each item is solved anew from its text?",
        "controllability": "Are tasks, levels and labels as asked for, without cues that give the answer away?",
        "utility": "How often does the model that was asked answer right?",
    },
}
_ANSWERS_OTHERWISE: Mapping[str, Mapping[Axis, Mapping[Verdict, str]]] = {
    "text": {
        "utility": {
            "pass": "The answers tell how far the model reaches.",
            "warn": "Nearly all answers are right, or no better than guesses: models are hardly told apart.",
        },
        "diversity": {"pass": "Items do not repeat.", "warn": "Some items repeat.", "fail": "Items repeat."},
        "truthfulness": {
            "pass": "Every recorded answer is the one that the text gives.",
            "fail": "Recorded answers are wrong.",
        },
    }
}
_SHORT: Mapping[Verdict, str] = {
    "pass": "Yes",
    "warn": "With care",
    "fail": "No",
    "error": "Unknown",
    "not assessed": "Not assessed",
}


@dataclass(frozen=True)
class AxisSummary:
    """One axis in words: its question, the short and the long answer, and the score that decided."""

    axis: Axis
    question: str
    verdict: Verdict
    short: str
    answer: str
    explained: str
    deciding: Score | None
    n_scores: int


def summarise(report: Report, axis: Axis) -> AxisSummary:
    """The answer to one axis' question. The deciding score is the first with the worst verdict."""
    scores = [score for score in report.scores if score.axis == axis]
    verdict = report.verdict_of(axis)
    if verdict == "error":
        answer = "A test broke down; the reason is below."
    elif verdict == "not assessed":
        answer = scores[0].plain if scores else "No test of this was part of the evaluation."
    else:
        otherwise = _ANSWERS_OTHERWISE.get(modality(report), {}).get(axis, {})
        answer = otherwise.get(verdict) or said(_ANSWERS[axis][verdict], report)
        left = sum(score.verdict == "not assessed" for score in scores)
        if verdict == "pass" and left:
            answer += f" Not assessed: {left} of {counted(len(scores), 'test')}."
    deciding = next((score for score in scores if score.verdict == verdict), None)
    # Passing attacks is no proof of safety, so the short answer to this one question is never a plain yes.
    short = "No leak found" if axis == "privacy" and verdict == "pass" else _SHORT[verdict]
    if verdict == "pass" and 2 * sum(score.verdict == "not assessed" for score in scores) >= len(scores):
        short += ", in part"
    explained = _EXPLAINED_OTHERWISE.get(modality(report), {}).get(axis) or said(EXPLAINED[axis], report)
    return AxisSummary(axis, QUESTIONS[axis], verdict, short, answer, explained, deciding, len(scores))


def modality(report: Report) -> str:
    """What kind of data was judged; reports of earlier versions judged tables."""
    found = str(report.settings.get("modality", "table"))
    return found if found in UNITS else "table"


def said(text: str, report: Report) -> str:
    """A sentence about rows and tables, in the words of the data that were judged."""
    one, several, whole = UNITS[modality(report)]
    for word, other in (("rows", several), ("row", one), ("table", whole)):
        text = re.sub(rf"\b{word}\b", other, text)
    return text


def headline(report: Report) -> str:
    """The report in one or two sentences: the worst verdict decides; what broke down is counted on its own."""
    n = {verdict: sum(score.verdict == verdict for score in report.scores) for verdict in SEVERITY}
    tests = f"{counted(len(report.scores), 'test')}"
    broken = f"{n['error']:,} could not be computed." if n["error"] else ""
    if any(score.axis == "privacy" and score.verdict == "fail" for score in report.scores):
        found = said("Do not share this table: training data show through.", report)
    elif n["fail"]:
        found = f"Not good enough yet: {counted(n['fail'], 'test')} of {len(report.scores):,} failed."
    elif n["warn"]:
        found = f"Usable with care: {counted(n['warn'], 'point')} to look at."
    elif n["error"]:
        return f"Not fully judged: {n['error']:,} of {tests} could not be computed."
    elif n["pass"]:
        unknown = f"; {counted(n['not assessed'], 'was', 'were')} not assessed" if n["not assessed"] else ""
        return f"No problem found in {counted(n['pass'], 'test')}{unknown}."
    else:
        return "Nothing could be assessed."
    return f"{found} {broken}".strip()


def lead(report: Report) -> str:
    """What was compared with what, in one sentence."""
    synthetic, train = _rows(report, "synthetic"), _rows(report, "train")
    made = "1 synthetic row{} was" if synthetic == "1" else f"{synthetic} synthetic rows{{}} were"
    if not report.inputs.get("train"):
        return said(made.format(", made from options alone,") + " judged by themselves.", report)
    unseen = [part for part in ("holdout", "test") if report.inputs.get(part)]
    real = f"{train} real {'row' if train == '1' else 'rows'}"
    words = said(f"{made.format('')} compared with {real} the generator learned from", report)
    if unseen:
        words += " and with " + " and ".join(f"{_rows(report, part)} ({part})" for part in unseen) + " it never saw"
    else:
        words += said("; there were no unseen real rows to compare with, so privacy rests on weaker evidence", report)
    return words + "."


def reasons(report: Report, most: int = 3) -> list[Score]:
    """The worst scores: failed, then broken, then doubtful, in the order of the report; and every broken one."""
    bad = ordered([score for score in report.scores if score.verdict in ("fail", "error", "warn")])
    return [score for place, score in enumerate(bad) if place < most or score.verdict == "error"]


@dataclass(frozen=True)
class Unknown:
    """Something that was not assessed: what, why, and what would help ("" when nothing would)."""

    what: str
    why: str
    fix: str = ""


def not_assessed(report: Report) -> list[Unknown]:
    """What was not assessed: single tests, then whole axes without any test."""
    found = [Unknown(score.label, score.plain, score.fix) for score in report.scores if score.verdict == "not assessed"]
    bare = [axis for axis in AXES if not any(score.axis == axis for score in report.scores)]
    if bare:
        found.append(Unknown(", ".join(bare).capitalize(), "no test of this was part of the evaluation"))
    return found


def not_assessed_together(report: Report) -> list[Unknown]:
    """As `not_assessed`, with the tests of one reason and one remedy in one entry."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for one in not_assessed(report):
        grouped.setdefault((one.why, one.fix), []).append(one.what)
    return [Unknown("; ".join(names), *reason) for reason, names in grouped.items()]


def ordered(scores: Sequence[Score]) -> list[Score]:
    """Scores with the worst first; ties keep their order."""
    return sorted(scores, key=lambda score: SEVERITY.index(score.verdict))


def places(score: Score, most: int = 4) -> str:
    """Where to look, in words: `column age; columns bmi and charges`."""
    found = [", ".join(f"{key} {_place(value)}" for key, value in place.items()) for place in score.where]
    once = list(dict.fromkeys(found))
    rest = len(once) - most
    return "; ".join(once[:most]) + (f"; and {rest} more" if rest > 0 else "")


def measured(score: Score) -> str:
    """Value and interval: `0.93 (0.91 to 0.95)`."""
    if score.low is None or score.high is None:
        return number(score.value)
    return f"{number(score.value)} ({number(score.low)} to {number(score.high)})"


def references(score: Score) -> dict[str, float]:
    """The references, what fresh real data get first."""
    return dict(sorted(score.references.items(), key=lambda item: (item[0] != "real", item[0])))


def reference_name(name: str) -> str:
    """A reference in words that need no key."""
    return {
        "real": "fresh real data",
        "independent": "columns shuffled apart",
        "copy": "a copy of the training data",
        "majority": "always guessing the commonest answer",
        "rates": "guessing by the overall rates",
        "cut": "tails cut off",
        "lost": "levels lost",
    }.get(name, name.replace("_", " "))


def _rows(report: Report, part: str) -> str:
    entry = report.inputs.get(part)
    rows = entry.get("rows") if isinstance(entry, Mapping) else None
    return f"{rows:,}" if isinstance(rows, int) else "an unknown number of"


def _place(value: object) -> str:
    if isinstance(value, list | tuple):
        return " and ".join(str(item) for item in value)
    return number(value) if isinstance(value, float) else str(value)
