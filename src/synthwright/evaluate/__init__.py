"""Judging synthetic data; `synthwright.evaluate(...)` is this package, called.

metric    Evidence, Score, Metric, Report    runner   choose metrics, run them, isolate failures
fidelity  pairs  detection  rules  diversity  utility  fairness  privacy   one question a class, with its references
encoding  the columns as arrays, made once   verdict  from a difference to pass, warn, fail
inputs    frames -> the training columns     learners the models behind utility and the classifier test
goal      the target and its classes         pictures data of the report's figures
faults    planted faults, to test a judge
images    parts of images as arrays; its metrics: image_fidelity, image_diversity, image_utility, image_privacy,
          image_pictures
series    windows of series as arrays; its metrics: series_fidelity, series_detection with series_judges, series_use,
          series_pictures
text      records as items; its metrics: text_items, text_plain, text_claims
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
