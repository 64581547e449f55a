"""Every error that synthwright raises on purpose.

SynthwrightError(what, where, fix, code)
├─ ConfigError          ├─ SchemaError ── ConstraintError       ├─ DataError (list of problems)
├─ ReadError            ├─ ConditionError ── Unreachable        ├─ NotFitted
├─ WriteError           ├─ MissingExtra                         ├─ FitError ── Diverged
├─ Unsupported          ├─ FormatError                          ├─ BackendError ── RateLimited, BadReply
├─ SampleError          ├─ PrivacyBudgetSpent                   └─ Cancelled
│  └─ SpaceExhausted
└─ RunIncomplete

A message says what happened (with the numbers), where, and how to fix it. `exit_code` is what the
command line returns: 2 the request, 3 the data, 4 the environment, 5 incomplete but resumable,
130 interrupted.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: what, where, how to fix it, and a stable code for machines."""

    what: str
    where: str = ""
    fix: str = ""
    code: str = ""

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"where: {self.where}")
        if self.fix:
            lines.append(f"fix: {self.fix}")
        return "\n".join(lines)


class SynthwrightError(Exception):
    """Base of all errors raised on purpose; catching it catches nothing else."""

    exit_code: ClassVar[int] = 2

    def __init__(
        self,
        what: str,
        *,
        where: str = "",
        fix: str = "",
        code: str = "",
        problems: Sequence[Problem] = (),
    ) -> None:
        self.problem = Problem(what, where, fix, code or type(self).__name__)
        self.problems: tuple[Problem, ...] = tuple(problems) or (self.problem,)
        super().__init__(what)

    @property
    def what(self) -> str:
        """What happened, with the numbers."""
        return self.problem.what

    @property
    def where(self) -> str:
        """File, column, configuration path or block."""
        return self.problem.where

    @property
    def fix(self) -> str:
        """A command or an argument that helps."""
        return self.problem.fix

    @property
    def code(self) -> str:
        """Stable name for machines; the class name unless a finer one was given."""
        return self.problem.code

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> SynthwrightError:
        """Return one error of this class that carries all `problems` (at least one)."""
        found = tuple(problems)
        if len(found) == 1:
            one = found[0]
            return cls(one.what, where=one.where, fix=one.fix, code=one.code)
        lines = [f"{len(found)} problems:"]
        for one in found:
            lines.append("- " + str(one).replace("\n", "\n  "))
        return cls("\n".join(lines), problems=found)

    def __str__(self) -> str:
        return str(self.problem)


class ConfigError(SynthwrightError):
    """An option, a recipe or an argument is wrong."""


class SchemaError(SynthwrightError):
    """A schema contradicts itself or the data."""

    exit_code = 3


class ConstraintError(SchemaError):
    """A rule between columns is impossible, in conflict with another, or broken by the training data."""


class DataError(SynthwrightError):
    """The data cannot be used as they are."""

    exit_code = 3


class ReadError(SynthwrightError):
    """A file, folder or database cannot be read."""

    exit_code = 3


class WriteError(SynthwrightError):
    """A result cannot be written; nothing half-written is left behind."""

    exit_code = 4


class ConditionError(SynthwrightError):
    """A `where` cannot be understood, or names something that does not exist."""


class Unreachable(ConditionError):
    """A `where` is understood, but the generator made too few matching rows within the budget."""


class NotFitted(SynthwrightError):
    """`sample`, `save` or `describe` was called before `fit`."""


class Unsupported(SynthwrightError):
    """The method cannot do what was asked; the message names one that can."""


class MissingExtra(SynthwrightError):
    """An optional package is needed and absent; the message holds the command that installs it."""

    exit_code = 4


class FitError(SynthwrightError):
    """A model could not be fitted."""

    exit_code = 3


class Diverged(FitError):
    """Training produced NaN or infinity."""


class SampleError(SynthwrightError):
    """A fitted model could not produce valid units."""

    exit_code = 3


class SpaceExhausted(SampleError):
    """More different units are asked for than there are, or than leave room for chance."""


class FormatError(SynthwrightError):
    """A saved model or run folder is damaged, altered, too new or unsafe."""

    exit_code = 3


class RunIncomplete(SynthwrightError):
    """A run stopped before its end and can be resumed."""

    exit_code = 5


class PrivacyBudgetSpent(SynthwrightError):
    """The privacy budget does not cover the next step."""


class BackendError(SynthwrightError):
    """A text or image backend failed."""

    exit_code = 4


class RateLimited(BackendError):
    """A backend asked us to slow down."""


class BadReply(BackendError):
    """A backend answered with something that cannot be used."""


class Cancelled(SynthwrightError):
    """The work was stopped on request; finished parts are kept."""

    exit_code = 130


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest of `known`, or an empty string."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def counted(n: int, one: str, several: str = "") -> str:
    """A number with its word: "1 row", "2,000 rows"; several: the word for all but one, `one` with an s.

    >>> counted(1, "unit is", "units are"), counted(2000, "row")
    ('1 unit is', '2,000 rows')
    """
    return f"{n:,} {one if n == 1 else several or one + 's'}"


def listing(names: Iterable[object], most: int = 12) -> str:
    """Return at most `most` names joined by commas, and how many were left out."""
    found = [str(name) for name in names]
    shown = ", ".join(found[:most])
    return shown if len(found) <= most else f"{shown}, ... ({len(found) - most} more)"
