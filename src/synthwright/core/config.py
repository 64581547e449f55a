"""Options: one frozen pydantic model per generator, metric or backend, and the `--set a.b=1` parser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from synthwright.core.errors import ConfigError, Problem, SynthwrightError, did_you_mean, listing

ConfigT = TypeVar("ConfigT", bound=BaseModel)

# pydantic's words for programmers, in those of people who write recipes.
_PLAIN = {"tuple": "list", "Tuple": "List", "dictionary": "mapping of names to values", " after validation": ""}
_WORDS = re.compile("|".join(_PLAIN))


class Config(BaseModel):
    """Base of all option classes: frozen, unknown keys forbidden, every field described and bounded."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def build(cls: type[ConfigT], values: Mapping[str, object], *, where: str) -> ConfigT:
    """Return `cls(**values)`; raise ConfigError listing every wrong option as `problem @ path`.

    where: what the options belong to, for example `generator 'cart'`; it starts each path.
    """
    try:
        return cls.model_validate(dict(values))
    except ValidationError as error:
        items = [cast(dict[str, Any], item) for item in error.errors()]
        found = [_problem(cls, item, where) for item in items if not _is_echo(item, items)]
        raise ConfigError.of(found) from None


def _problem(cls: type[BaseModel], item: dict[str, Any], where: str) -> Problem:
    path = ".".join(str(part) for part in item["loc"])
    place = f"{where}: {path}" if path else where
    if item["type"] == "extra_forbidden":
        fields = _fields_at(cls, item["loc"][:-1])
        name = str(item["loc"][-1])
        what = f"Unknown option {name!r}.{did_you_mean(name, fields)}"
        return Problem(what, place, f"use one of: {listing(fields)}" if fields else "leave it out")
    if item["type"] == "value_error":
        return _own(item["ctx"]["error"], place, item["input"])
    given = "" if item["type"] == "missing" else f" (given: {item.get('input')!r})"
    return Problem(
        f"{_WORDS.sub(lambda found: _PLAIN[found.group()], item['msg'])}{given}",
        place,
        "correct the value",
        "ConfigError",
    )


def _is_echo(item: Mapping[str, Any], items: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a list is called too short because its wrong entries, which are told one by one, were not counted."""
    if item["type"] != "too_short" or len(item["input"]) < item["ctx"]["min_length"]:
        return False
    place = item["loc"]
    return any(one["loc"][: len(place)] == place and len(one["loc"]) > len(place) for one in items)


def _own(error: Exception, place: str, given: object) -> Problem:
    """What a validator of ours found, in its words; an error of ours behind it knows how to fix it."""
    cause = error.__cause__
    if isinstance(cause, SynthwrightError):
        return Problem(cause.what, place, cause.fix, "ConfigError")
    what = str(error)[:1].upper() + str(error)[1:]
    shown = f" (given: {given!r})" if isinstance(given, str | int | float) else ""
    return Problem(what + shown, place, "correct the value", "ConfigError")


def _fields_at(cls: type[BaseModel], path: Iterable[object]) -> list[str]:
    for part in path:
        field = cls.model_fields.get(str(part))
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        cls = inner
    return [field.alias or name for name, field in cls.model_fields.items()]


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Turn `["a.b=1", "c=x"]` into `{"a": {"b": 1}, "c": "x"}`.

    Values are JSON where they parse as JSON (numbers, true, null, lists), else text.
    """
    result: dict[str, Any] = {}
    for text in assignments:
        path, sign, raw = text.partition("=")
        parts = path.strip().split(".")
        if not sign or not all(parts):
            raise ConfigError(f"Cannot read {text!r} as an option.", where="--set", fix="write it as --set name=value")
        place = result
        for part in parts[:-1]:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ConfigError(f"{path!r} sets an option below {part!r}, which has a value already.", where="--set")
        place[parts[-1]] = _value(raw)
    return result


def _value(raw: str) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw
