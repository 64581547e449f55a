"""Who answers the items of DyVal: an endpoint at an address, or a script that solves them as well as it is told to."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from synthwright.core.config import parse_assignments
from synthwright.core.errors import ConfigError, listing
from synthwright.llm.cache import CachedBackend
from synthwright.llm.http import HttpBackend, Patience
from synthwright.llm.meter import Meter
from synthwright.llm.protocol import Backend, Request
from synthwright.llm.scripted import FAULTS, ScriptedBackend, share_of
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
    level at which half of what is above chance is right), slope=1.5, and rates of faults such as refusal=0.1.
    Raises ConfigError.
    """
    if spec in ("oracle", "names"):
        solve = oracle if spec == "oracle" else sort_by_name
        return ScriptedBackend(lambda request: solve(_asked_of(request)), meter=meter, model_id=f"scripted:{spec}")
    settings = parse_assignments([part.strip() for part in spec.split(",") if part.strip()])
    known = ("skill", "slope", *FAULTS)
    for name, value in settings.items():
        if name not in known or isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(
                f"{name}={value!r} is no setting of a scripted backend.",
                where="--backend",
                fix=f"use scripted:oracle, scripted:names, or numbers for: {listing(known)}",
            )
    if not settings:
        raise ConfigError(
            "A scripted backend needs to know what it can do.", where="--backend", fix="use scripted:oracle"
        )
    skill, slope = settings.pop("skill", math.inf), settings.pop("slope", _SLOPE)

    def rates(request: Request) -> dict[str, float]:
        task, level = cell_of(request)
        solved = 1 / (1 + math.exp(min(700.0, -slope * (skill - list(LEVELS).index(level) - 1))))
        wrong = (1 - chance_of(task)) * (1 - solved)
        spoiled = sum(settings.values())
        return {**settings, "wrong": settings.get("wrong", 0.0) + wrong * max(0.0, 1 - spoiled)}

    return ScriptedBackend(
        lambda request: oracle(_asked_of(request)),
        wrong=lambda request: _wrong(request, seed),
        rates=settings if skill == math.inf else rates,
        seed=seed,
        meter=meter,
        model_id=f"scripted:{spec}",
    )


def chance_of(task: str) -> float:
    """What guessing scores when all labels are as frequent; 0 for numbers."""
    labels = LABELS[task]
    return 1 / len(labels) if labels else 0.0


def cell_of(request: Request) -> tuple[str, str]:
    task, _, level = request.purpose.partition(" ")
    return task, level


def _asked_of(request: Request) -> dict[str, Any]:
    """The part of a record that a solver may see."""
    messages = [{"role": role, "content": content} for role, content in request.messages]
    return {"task": cell_of(request)[0], "messages": messages}


def _wrong(request: Request, seed: int) -> str:
    """Another answer of the same kind."""
    right = oracle(_asked_of(request)).strip("<>")
    labels = [one for one in LABELS[cell_of(request)[0]] or () if one != right]
    if labels:
        return f"<<<{labels[int(share_of(seed, request, 'wrong') * len(labels))]}>>>"
    numbers = [float(part.strip(" ()")) + 1 for part in right.split(",")] if right != "N/A" else [1.0]
    return f"<<<{', '.join(f'{number:g}' for number in numbers)}>>>"
