"""What every fit, sample and metric is handed: randomness, a sign of life, notes, and the wish to stop.

The only module of the library that reads a clock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from synthwright.core.errors import Cancelled
from synthwright.core.log import get_logger
from synthwright.core.progress import Event, Sink
from synthwright.core.seeds import integer_seed, rng_of

_LOG = get_logger(__name__)


@dataclass(frozen=True)
class Note:
    """Something that was changed, dropped, clipped, chosen or approximated. No deviation is silent."""

    code: str
    what: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.what}" + (f" ({self.where})" if self.where else "")


class Stop:
    """A wish to stop, shared by a job and whoever may cancel it; safe across threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ask(self) -> None:
        """Ask the job to stop at its next step."""
        self._event.set()

    def is_asked(self) -> bool:
        """Whether somebody asked."""
        return self._event.is_set()


@dataclass
class Context:
    """One job's surroundings. `rng` is the job's only source of randomness."""

    rng: np.random.Generator
    device: str = "cpu"
    sinks: Sequence[Sink] = ()
    stop: Stop = field(default_factory=Stop)
    clock: Callable[[], float] = time.perf_counter
    cpu_clock: Callable[[], float] = time.process_time
    notes: list[Note] = field(default_factory=list)
    checkpoint: Path | None = None  # where a long fit keeps its state, and goes on from; None: nowhere
    block: int = 0  # number of the block that is being sampled
    attempt: int = 0  # how often the block has been drawn before
    _start: float = field(init=False, default=0.0)
    _cpu_start: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._start = self.clock()
        self._cpu_start = self.cpu_clock()

    @classmethod
    def on(cls, sequence: np.random.SeedSequence, **surroundings: object) -> Context:
        """A context on a random stream; the other fields by name."""
        return cls(rng_of(sequence), **surroundings)  # type: ignore[arg-type]  # passed through to the dataclass

    @property
    def seconds(self) -> float:
        """Seconds since this context was made."""
        return self.clock() - self._start

    @property
    def cpu_seconds(self) -> float:
        """Processor seconds of this process since this context was made."""
        return self.cpu_clock() - self._cpu_start

    def step(self, done: int, total: int, stage: str, **numbers: float) -> None:
        """Say that `done` of `total` is reached, and stop here if somebody asked for it.

        Raises Cancelled. A sink may raise Cancelled too; any other failure of a sink is logged and ignored.
        """
        event = Event(stage, done, total, self.seconds, numbers)
        for sink in self.sinks:
            try:
                sink(event)
            except Cancelled:
                raise
            except Exception as error:  # noqa: BLE001 - a broken progress display must not lose an hour's fit
                _LOG.warning("a progress callback failed: %s: %s", type(error).__name__, error)
        if self.stop.is_asked():
            raise Cancelled(f"Stopped during {stage} ({done} of {total}).")

    def note(self, code: str, what: str, where: str = "") -> None:
        """Record a deviation; the same note is kept once."""
        entry = Note(code, what, where)
        if entry not in self.notes:
            self.notes.append(entry)
            _LOG.info("%s", entry)

    def cancelled(self) -> bool:
        """Whether somebody asked to stop, for loops that cannot raise."""
        return self.stop.is_asked()

    def seed(self) -> int:
        """Draw a 31-bit seed for a library that takes one (LightGBM, scikit-learn)."""
        return integer_seed(self.rng)
