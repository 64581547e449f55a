"""Judging synthetic data; `synthwright.evaluate(...)` is this package, called.

metric    Evidence, Score, Metric, Report    runner   choose metrics, run them, isolate failures
fidelity  diversity  utility  privacy        one question a class, each with its two references
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Verb(ModuleType):
    """A package that can be called, so that `sw.evaluate(...)` and `synthwright.evaluate.metric` both work."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from synthwright.evaluate.runner import evaluate

        return evaluate(*args, **kwargs)


sys.modules[__name__].__class__ = _Verb
