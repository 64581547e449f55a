"""Who answers the items of DyVal: an endpoint at an address, or a script that solves them as well as it is told to."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from synthwright.core.config import parse_assignments
from synthwright.core.errors import ConfigError, listing
from synthwright.llm.cache import CachedBackend
from synthwright.llm.http import HttpBackend, Patience
from synthwright.llm.meter import Meter
from synthwright.llm.protocol import Backend, Request
from synthwright.llm.scripted import FAULTS, ScriptedBackend, share_of
from synthwright.reasoning.balance import answers_of
from synthwright.reasoning.grammar import parse
from synthwright.reasoning.items import oracle, sort_by_name
from synthwright.reasoning.levels import LABELS, LEVELS

SCRIPTED = "scripted:"
_SLOPE = 1.5


@dataclass(frozen=True)
class Endpoint:
    """Who is to answer: an address, or `scripted:` and what it can do; the rest belongs to addresses."""

    backend: str
    model: str = ""
    key_env: str = ""
    concurrency: int = 4
    patience: Patience = field(default_factory=Patience)
    cache: str = ""

    def open(self, meter: Meter | None = None, *, seed: int = 0) -> Backend:
        """The backend. Raises ConfigError, MissingExtra."""
        if self.backend.startswith(SCRIPTED):
            if self.model or self.key_env or self.cache:
                raise ConfigError(
                    "A scripted backend takes no --model, --key-env or --cache.",
                    where="--backend",
                    fix="leave them out, or give the address of an endpoint",
                )
            return scripted(self.backend.removeprefix(SCRIPTED), seed=seed, meter=meter)
        if not self.model:
            raise ConfigError(
                "Which model of the endpoint should answer?", where="--model", fix="name it as the endpoint calls it"
            )
        found: Backend = HttpBackend(
            self.backend,
            self.model,
            key_env=self.key_env,
            concurrency=self.concurrency,
            patience=self.patience,
            meter=meter,
        )
        return CachedBackend(found, self.cache) if self.cache else found


def scripted(spec: str, *, seed: int = 0, meter: Meter | None = None) -> ScriptedBackend:
    """A backend that solves items by reading them, as well as `spec` says.

    spec: "oracle" is always right; "names" sorts names and guesses; else settings with commas between: skill=3.5 (the
    level at which half of what is above chance is right) with slope=1.5, or step_error=0.03 (the chance to misread one
    statement), and rates of faults such as wrong=0.2, refusal=0.1. Raises ConfigError.
    """
    if spec in ("oracle", "names"):
        solve = oracle if spec == "oracle" else sort_by_name
        return ScriptedBackend(lambda request: solve(_asked_of(request)), meter=meter, model_id=f"scripted:{spec}")
    settings = _settings(spec)
    solved = _solver_of(settings)
    faults = {name: value for name, value in settings.items() if name in FAULTS}

    def rates(request: Request) -> dict[str, float]:
        chance = _chance(request)
        share = solved(request) * (1 - chance) + chance
        return {**faults, "wrong": faults.get("wrong", 0.0) + (1 - share) * max(0.0, 1 - sum(faults.values()))}

    return ScriptedBackend(
        lambda request: oracle(_asked_of(request)),
        wrong=lambda request: _wrong(request, seed),
        rates=faults if solved is _always else rates,
        seed=seed,
        meter=meter,
        model_id=f"scripted:{spec}",
    )


def _settings(spec: str) -> dict[str, float]:
    known = ("skill", "slope", "step_error", *FAULTS)
    parts = [part.strip() for part in spec.split(",") if part.strip()]
    found = parse_assignments(parts) if all("=" in part for part in parts) else {}
    for name, value in found.items():
        if (
            name not in known
            or isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise ConfigError(
                f"{name}={value!r} is no setting of a scripted backend.",
                where="--backend",
                fix=f"use scripted:oracle, scripted:names, or numbers for: {listing(known)}",
            )
    is_unclear = {"skill", "step_error"} <= set(found) or ("slope" in found and "skill" not in found)
    if not found or is_unclear or not 0 <= found.get("step_error", 0) <= 1:
        raise ConfigError(
            f"scripted:{spec} does not say how well to answer.",
            where="--backend",
            fix="use scripted:oracle, scripted:skill=3.5 or scripted:step_error=0.03",
        )
    return found


def _always(request: Request) -> float:
    return 1.0


def _solver_of(settings: dict[str, float]) -> Callable[[Request], float]:
    """Probability that an item is solved, guessing left out."""
    if "skill" in settings:
        skill, slope = settings["skill"], settings.get("slope", _SLOPE)

        def by_level(request: Request) -> float:
            level = list(LEVELS).index(cell_of(request)[1]) + 1
            return 1 / (1 + math.exp(min(700.0, -slope * (skill - level))))

        return by_level
    if "step_error" in settings:
        error = settings["step_error"]
        return lambda request: (1 - error) ** len(parse(request.messages[-1][1], cell_of(request)[0]).statements)
    return _always


def chance_of(task: str) -> float:
    """What guessing scores when all labels are as frequent; 0 for numbers."""
    labels = LABELS[task]
    return 1 / len(labels) if labels else 0.0


def _chance(request: Request) -> float:
    """What guessing scores on one item."""
    labels = _answers(request)
    return 1 / len(labels) if labels else 0.0


def _answers(request: Request) -> tuple[str, ...]:
    """The answers that an item can have; deduction with rules that make something false has one more."""
    task = cell_of(request)[0]
    if task == "deductive_logic":
        statements = parse(request.messages[-1][1], task).statements
        return answers_of(task, extended=any(one.kind.startswith("deny_") for one in statements))
    return LABELS[task] or ()


def cell_of(request: Request) -> tuple[str, str]:
    """Task and level of the item that a request asks."""
    task, _, level = request.purpose.partition(" ")
    return task, level


def _asked_of(request: Request) -> dict[str, Any]:
    """The part of a record that a solver may see."""
    messages = [{"role": role, "content": content} for role, content in request.messages]
    return {"task": cell_of(request)[0], "messages": messages}


def _wrong(request: Request, seed: int) -> str:
    """Another answer of the same kind."""
    right = oracle(_asked_of(request)).strip("<>")
    labels = [one for one in _answers(request) if one != right]
    if labels:
        return f"<<<{labels[int(share_of(seed, request, 'wrong') * len(labels))]}>>>"
    # Far enough away for every tolerance, also of large numbers.
    numbers = [1.5 * float(part) + 1 for part in re.findall(r"-?[\d.]+(?:e-?\d+)?", right)] or [1.0]
    return f"<<<{', '.join(f'{number:.10g}' for number in numbers)}>>>"
