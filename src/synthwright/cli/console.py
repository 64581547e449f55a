"""What all verbs share: output as text or JSON, progress, Ctrl-C, and errors as what, where, fix."""

from __future__ import annotations

import json as json_module
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from synthwright.core.context import Stop
from synthwright.core.errors import SynthwrightError
from synthwright.core.progress import ClosableSink, sink_for

BUG = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells count


@dataclass(frozen=True)
class Output:
    """Where a verb's result goes: text for people, one JSON document for programs, or nowhere."""

    json: bool = False
    quiet: bool = False

    def emit(self, document: object, text: str | Callable[[], str]) -> None:
        """Print the document with --json, nothing with --quiet, else the text."""
        if self.json:
            print(json_module.dumps(document, indent=1, ensure_ascii=False, sort_keys=True))
        elif not self.quiet:
            print(text() if callable(text) else text)

    def say(self, line: str) -> None:
        """Print a line about the work on standard error; nothing with --quiet."""
        if not self.quiet:
            sys.stderr.write(f"{line}\n")

    @contextmanager
    def work(self) -> Iterator[tuple[ClosableSink, Stop]]:
        """Progress on standard error and a polite Ctrl-C, for the length of a job."""
        sink = sink_for("off" if self.quiet else "auto")
        try:
            with stoppable() as stop:
                yield sink, stop
        finally:
            sink.close()


@contextmanager
def stoppable() -> Iterator[Stop]:
    """A wish to stop that the first Ctrl-C (or SIGTERM) makes; the second ends the process at once."""
    stop = Stop()

    def interrupted(number: int, frame: FrameType | None) -> None:
        if stop.is_asked():
            os._exit(INTERRUPTED)
        stop.ask()
        sys.stderr.write("\nStopping at the next step. Ctrl-C again stops at once.\n")

    before = {number: signal.signal(number, interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def explain(error: BaseException, *, json: bool, debug: bool) -> int:
    """Print an error for people (or as JSON) on standard error; return the exit code."""
    if debug:
        traceback.print_exception(error)
    if isinstance(error, SynthwrightError):
        _print_error(json, error.code, error.what, error.where, error.fix, str(error))
        return error.exit_code
    if isinstance(error, KeyboardInterrupt) or type(error).__name__ == "Abort":
        sys.stderr.write("Interrupted.\n")
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left; nothing more to say
        return 0
    show, code = getattr(error, "show", None), getattr(error, "exit_code", None)
    if callable(show) and isinstance(code, int):  # a wrong option or verb, as typer words it
        if json:
            _print_error(True, "UsageError", str(getattr(error, "message", error)), "command line", "add --help", "")
        else:
            show()
        return code
    what = f"A bug in synthwright: {type(error).__name__}: {error}"
    fix = "run it again with --debug and report what it prints"
    _print_error(json, "Bug", what, "", fix, f"{what}\nfix: {fix}")
    return BUG


def _print_error(json: bool, code: str, what: str, where: str, fix: str, text: str) -> None:
    if json:
        text = json_module.dumps(
            {"error": {"code": code, "what": what, "where": where, "fix": fix}}, ensure_ascii=False
        )
        sys.stderr.write(text + "\n")
    else:
        sys.stderr.write(f"{code}: {text}\n")


def table(head: Sequence[str], rows: Sequence[Sequence[object]], *, wrap: int | None = None) -> str:
    """Aligned columns of text; the last column wraps at the terminal's width (or `wrap`)."""
    import shutil
    import textwrap

    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[i]) for line in [list(head), *cells]) for i in range(len(head))]
    room = wrap or (shutil.get_terminal_size().columns if sys.stdout.isatty() else 120)
    last = max(24, room - sum(widths[:-1]) - 2 * (len(widths) - 1))
    lines = []
    for line in [list(head), ["-" * min(width, last) for width in widths], *cells]:
        start = "  ".join(cell.ljust(width) for cell, width in zip(line[:-1], widths[:-1], strict=True))
        start += "  " if start else ""
        parts = textwrap.wrap(line[-1], last) or [""]
        lines.append((start + parts[0]).rstrip())
        lines += [" " * len(start) + part for part in parts[1:]]
    return "\n".join(lines)
