"""Events of long work, and the sinks that show them. A sink that fails never fails the job."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Sink = Callable[["Event"], None]
ProgressMode = Literal["auto", "bar", "lines", "json", "off"]


@dataclass(frozen=True)
class Event:
    """One sign of life: `done` of `total` steps of `stage`, `seconds` after the work began."""

    stage: str
    done: int
    total: int
    seconds: float
    numbers: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(
            {
                "stage": self.stage,
                "done": self.done,
                "total": self.total,
                "seconds": round(self.seconds, 3),
                **self.numbers,
            },
            sort_keys=True,
        )


class ClosableSink(Protocol):
    """A sink that holds a screen line or a file until it is closed."""

    def __call__(self, event: Event) -> None:
        """Show the event."""

    def close(self) -> None:
        """Give the screen or the file back."""


class Silent:
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Drop the event."""

    def close(self) -> None:
        """Nothing to close."""


class Lines:
    """One plain line every `every` seconds of work; short jobs stay silent."""

    def __init__(self, stream: IO[str] | None = None, every: float = 30.0) -> None:
        self._stream = stream or sys.stderr
        self._every = every
        self._last = 0.0

    def __call__(self, event: Event) -> None:
        """Print the event unless one was shown less than `every` seconds ago."""
        if event.seconds < self._last:  # a new job on the same sink counts from zero
            self._last = 0.0
        if event.seconds - self._last < self._every:
            return
        self._last = event.seconds
        print(f"[{event.seconds:7.1f} s] {event.stage} {event.done}/{event.total}", file=self._stream, flush=True)

    def close(self) -> None:
        """Nothing to close."""


class JsonLines:
    """One JSON object a line, for other programs and for `events.jsonl`."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __call__(self, event: Event) -> None:
        """Write the event and flush."""
        self._stream.write(event.to_json() + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the stream; standard error stays open for what comes after the work."""
        if self._stream is not sys.stderr:
            self._stream.close()


class Bar:
    """A rich progress bar that appears once the job has run for `patience` seconds."""

    def __init__(self, patience: float = 2.0) -> None:
        self._patience = patience
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, event: Event) -> None:
        """Move the bar of the event's stage."""
        if self._progress is None:
            if event.seconds < self._patience:
                return
            from rich.console import Console
            from rich.progress import Progress

            self._progress = Progress(console=Console(stderr=True), transient=True)
            self._progress.start()
        if event.stage not in self._tasks:
            self._tasks[event.stage] = self._progress.add_task(event.stage, total=event.total)
        self._progress.update(self._tasks[event.stage], completed=event.done, total=event.total)

    def close(self) -> None:
        """Take the bar off the screen."""
        if self._progress is not None:
            self._progress.stop()


def sink_for(mode: ProgressMode = "auto") -> ClosableSink:
    """Return the sink for a mode; `auto` is a bar on a terminal and sparse lines elsewhere.

    The environment variable SYNTHWRIGHT_PROGRESS overrides `auto`.
    """
    if mode == "auto":
        wish = os.environ.get("SYNTHWRIGHT_PROGRESS", "")
        mode = wish if wish in ("bar", "lines", "json", "off") else ("bar" if sys.stderr.isatty() else "lines")  # type: ignore[assignment]  # checked against the literal one line up
    if mode == "bar":
        return Bar()
    if mode == "lines":
        return Lines()
    if mode == "json":
        return JsonLines(sys.stderr)
    return Silent()
