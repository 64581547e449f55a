"""What a model answered: the last marked answer of its reply, else the last thing that looks like one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from synthwright.reasoning.levels import LABELS, NOT_KNOWN

Outcome = Literal["correct", "wrong", "abstained", "hallucinated", "unparsed"]
OUTCOMES: tuple[Outcome, ...] = ("correct", "wrong", "abstained", "hallucinated", "unparsed")
TOLERANCE = {"arithmetic": 1e-4, "max_sum_path": 1e-4, "linear_equation": 1e-3}
_ZERO = 1e-6  # absolute tolerance where the truth is 0
_TRUE, _FALSE = ("true", "yes", "t", "1"), ("false", "no", "f", "0")
_UNKNOWN = (
    "n/a",
    "na",
    "unknown",
    "undetermined",
    "undeterminable",
    "indeterminate",
    "none",
    "not determinable",
    "cannot be determined",
    "can not be determined",
    "can't be determined",
    "it cannot be determined",
    "no path",
    "not applicable",
    "unsolvable",
)
_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2012": "-", "\uff0d": "-", "\u00a0": " ", "\u202f": " "})
_POWER = r"(?:\s*(?:[eE]|\\?(?:times|cdot)?\s*[x*\u00d7\u00b7]?\s*10\^)\{?[-+]?\d+\}?)?"
_NUMBER = r"[-+]?(?:\d{1,3}(?:[,_ ]\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+)" + _POWER
_SHARE = rf"{_NUMBER}(?:\s*/\s*{_NUMBER})?"


@dataclass(frozen=True)
class Answer:
    """The text that was taken for the answer, and whether it stood in the form that was asked for."""

    text: str
    is_loose: bool


def extract(reply: str) -> Answer | None:
    """The last <<<...>>>; else the last \\boxed{...}, the last "answer is ...", the last line; None for no reply."""
    marked = re.findall(r"<<<(.*?)>>>", reply, re.DOTALL)
    marked = [one for one in marked if one.strip(" .\n") or not marked]
    if marked:
        return Answer(marked[-1].strip(), False)
    boxed = _boxed(reply)
    said = re.findall(r"answer\s*(?:is|:|=)\s*:?\s*(.+)", reply, re.IGNORECASE)
    if boxed is not None:
        return Answer(boxed.strip(), True)
    if said:
        return Answer(said[-1].strip(), True)
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    return Answer(lines[-1], True) if lines else None


def _boxed(reply: str) -> str | None:
    """Content of the last \\boxed{...}, braces inside it matched."""
    start = reply.rfind("\\boxed{")
    if start < 0:
        return None
    depth = 0
    for end in range(start + 6, len(reply)):
        depth += {"{": 1, "}": -1}.get(reply[end], 0)
        if depth == 0:
            return reply[start + 7 : end]
    return None


def normal(text: str, task: str) -> str | tuple[float, ...] | None:
    """The answer in one form: "True", "False", "N/A", numbers as a tuple; None when it cannot be read."""
    plain = _plain(text)
    if plain.lower().rstrip(".!") in _UNKNOWN:
        return NOT_KNOWN
    if LABELS[task] is not None:
        word = plain.lower().rstrip(".!")
        if word in _TRUE:
            return "True"
        if word in _FALSE:
            return "False"
        found = re.findall(r"\b(true|false|yes|no|n/a|unknown)\b", word)
        kinds = {("True" if one in _TRUE else "False" if one in _FALSE else NOT_KNOWN) for one in found}
        return kinds.pop() if len(kinds) == 1 else None
    return _pair(plain) if task == "linear_equation" else _single(plain)


def _plain(text: str) -> str:
    """Without LaTeX, markup and units of money: numbers and words stay."""
    text = text.translate(_MINUS)
    text = re.sub(r"\\(?:text|mathrm|mathbf)\{([^{}]*)\}", r"\1", text)
    text = re.sub(r"([-+]?)\\d?t?frac\{([^{}]+)\}\{([^{}]+)\}", r"\1\2/\3", text)
    text = re.sub(r"\\[,;!: ]|\\left|\\right|\$|\*\*|`|~|\u2248", "", text)
    return text.strip().strip("\"'()[]{} ").strip()


def _single(plain: str) -> tuple[float, ...] | None:
    found = _numbers(plain)
    return found if len(found) == 1 else (found[-1:] if "=" in plain and found else None)


def _pair(plain: str) -> tuple[float, ...] | None:
    named = {name.lower(): one for name, one in re.findall(rf"\b([xyXY])\s*(?:=|:|is)\s*({_SHARE}%?)", plain)}
    if "x" in named and "y" in named:
        found = _numbers(named["x"]) + _numbers(named["y"])
        return found if len(found) == 2 else None
    found = _numbers(re.sub(r"\band\b|;|\|", " , ", plain))
    return found if len(found) == 2 else None


def _numbers(text: str) -> tuple[float, ...]:
    """All numbers of a text: fractions, percentages, thousands with commas, powers of ten."""
    found = []
    for match in re.finditer(rf"{_SHARE}\s*%?", _unpaired(text)):
        value = _value(match.group().strip())
        if value is not None:
            found.append(value)
    return tuple(found)


def _unpaired(text: str) -> str:
    """A comma between two numbers that are no thousands gets blanks, so that each is read alone."""
    return re.sub(r"(?<=\d),(?=\s*[-+]?\d)(?!\d{3}(?:\D|$))", " , ", text)


def _value(text: str) -> float | None:
    share = 100.0 if text.endswith("%") else 1.0
    parts = [_plain_number(part) for part in text.rstrip("% ").split("/")]
    if any(part is None for part in parts) or (len(parts) == 2 and parts[1] == 0):
        return None
    value = float(parts[0]) if len(parts) == 1 else float(Fraction(parts[0]) / Fraction(parts[1]))  # type: ignore[arg-type]
    return value / share


def _plain_number(text: str) -> float | None:
    text = re.sub(r"\s*\\?(?:times|cdot)?\s*[x*\u00d7\u00b7]?\s*10\^\{?([-+]?\d+)\}?", r"e\1", text.strip())
    try:
        value = float(re.sub(r"[,_ ]", "", text))
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None


def judge(reply: str | None, label: str, task: str) -> tuple[Outcome, bool]:
    """How a reply compares with the label, and whether the answer had to be searched for.

    abstained: N/A where there is an answer; hallucinated: an answer where there is none. Numbers match within the
    task's relative tolerance of the truth.
    """
    answer = extract(reply) if reply else None
    if answer is None:
        return "unparsed", False
    given, truth = normal(answer.text, task), normal(label, task)
    if given is None:
        return "unparsed", answer.is_loose
    if given == truth or _is_near(given, truth, task):
        return "correct", answer.is_loose
    if given == NOT_KNOWN:
        return "abstained", answer.is_loose
    return ("hallucinated" if truth == NOT_KNOWN else "wrong"), answer.is_loose


def _is_near(given: object, truth: object, task: str) -> bool:
    if not (isinstance(given, tuple) and isinstance(truth, tuple) and len(given) == len(truth)):
        return False
    relative = TOLERANCE[task]
    return all(abs(g - t) <= (relative * abs(t) if t else _ZERO) for g, t in zip(given, truth, strict=True))
