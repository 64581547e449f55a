"""Synthetic data that can be trusted: fit, sample, save, evaluate.

Names below are resolved on first use, so `import synthwright` imports nothing heavy.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_NAMES = {
    "Cancelled": "core.errors",
    "Column": "data.schema",
    "ConditionError": "core.errors",
    "ConfigError": "core.errors",
    "DataError": "core.errors",
    "Dataset": "data.dataset",
    "FormatError": "core.errors",
    "Generator": "generators.base",
    "MissingExtra": "core.errors",
    "Note": "core.context",
    "Recipe": "run.recipe",
    "Report": "evaluate.metric",
    "Schema": "data.schema",
    "SchemaError": "core.errors",
    "SynthwrightError": "core.errors",
    "Table": "data.table",
    "Unreachable": "core.errors",
    "Unsupported": "core.errors",
    "evaluate": "evaluate",
    "load": "generators.base",
    "read": "io.dispatch",
    "run": "run",
    "split": "data.split",
    "write": "io.dispatch",
}
__all__ = ["__version__", *_NAMES]


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'synthwright' has no attribute {name!r}")
    module = importlib.import_module(f"synthwright.{_NAMES[name]}")
    return module if _NAMES[name] == name else getattr(module, name)  # `evaluate` and `run` are callable packages


def __dir__() -> list[str]:
    return sorted({*globals(), *_NAMES})
