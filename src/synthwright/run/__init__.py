"""A recipe executed into a folder; `synthwright.run(...)` is this package, called.

recipe   Recipe: data, generator, sample, evaluation    runner   execute and resume
blocks   numbered parts of a sample, as files           workers  who makes the blocks
folder   the run folder: lock, ledger, whose it is    fitting  a fit that keeps its state, and goes on from it
asking   requests through a backend into a ledger       endpoints   a backend from what the user says
dyval    score and ladder of reasoning items
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Verb(ModuleType):
    """A package that can be called, so that `sw.run(...)` and `synthwright.run.recipe` both work."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from synthwright.run.runner import run

        return run(*args, **kwargs)


sys.modules[__name__].__class__ = _Verb
