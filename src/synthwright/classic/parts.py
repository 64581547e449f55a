"""States of the parts of a model, joined to one and taken apart again: keys are dotted paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthwright.core.store import State


def joined(parts: Mapping[str, State], meta: Mapping[str, Any] | None = None) -> State:
    """One state of several: `part` of the result gives each back. meta: facts of the whole."""
    whole = State(dict(meta or {}))
    whole.meta["parts"] = {}
    for name, state in parts.items():
        whole.meta["parts"][name] = state.meta
        whole.arrays.update({f"{name}.{key}": array for key, array in state.arrays.items()})
        whole.texts.update({f"{name}.{key}": text for key, text in state.texts.items()})
    return whole


def part(whole: State, name: str) -> State:
    """The state that was joined under `name`. Raises KeyError when there is none."""
    start = f"{name}."
    return State(
        whole.meta["parts"][name],
        {key.removeprefix(start): array for key, array in whole.arrays.items() if key.startswith(start)},
        {key.removeprefix(start): text for key, text in whole.texts.items() if key.startswith(start)},
    )


def has_part(whole: State, name: str) -> bool:
    """Whether a state was joined under `name`."""
    return name in whole.meta["parts"]
