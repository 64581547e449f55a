"""Judging synthetic data; `synthwright.evaluate(...)` is this package, called.

metric    Evidence, Score, Metric, Report    runner   choose metrics, run them, isolate failures
fidelity  pairs  detection  rules  diversity  utility  fairness  privacy   one question a class, with its references
encoding  the columns as arrays, made once   verdict  from a difference to pass, warn, fail
inputs    frames -> the training columns     learners the models behind utility and the classifier test
faults    planted faults, to test a judge    pictures data of the report's figures
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
