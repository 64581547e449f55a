"""Who does the work: this process, several processes, or a local Ray cluster; results come in order from each."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from typing import Any, Literal, Self, TypeVar

from synthwright.core.errors import ConfigError, SampleError
from synthwright.core.log import get_logger

ResultT = TypeVar("ResultT")
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_STRIKES = 2  # sets of workers in a row that may die before they finish a single task
_LOG = get_logger(__name__)


@dataclass(frozen=True)
class Workers:
    """How many do the work, and where; never changes a byte of the result.

    >>> str(Workers.of(4)), str(Workers.of("ray:2")), str(Workers.of(None))
    ('4', 'ray:2', '1')
    """

    kind: Literal["serial", "processes", "ray"] = "serial"
    count: int = 1

    @classmethod
    def of(cls, asked: int | str | Self | None) -> Self:
        """From what a user wrote: a number of processes, "ray" (one worker for each core) or "ray:2".

        Raises ConfigError.
        """
        if isinstance(asked, cls):
            return asked
        if asked is None:
            return cls()
        text = "" if isinstance(asked, bool) else str(asked)
        if re.fullmatch(r"[1-9]\d{0,3}", text):
            return cls("serial" if text == "1" else "processes", int(text))
        if found := re.fullmatch(r"ray(?::([1-9]\d{0,3}))?", text):
            return cls("ray", int(found.group(1) or os.cpu_count() or 1))
        raise ConfigError(
            f"Workers must be a number of processes from 1 to 9999, or ray, or ray:N, not {asked!r}.",
            where="workers",
            fix="use 4, or ray:4",
        )

    def __str__(self) -> str:
        return f"ray:{self.count}" if self.kind == "ray" else str(self.count)


def run_tasks(
    work: Callable[..., ResultT], tasks: Sequence[tuple[Any, ...]], workers: Workers
) -> Generator[ResultT, None, None]:
    """Yield `work(*task)` for each task in order, done by whom `workers` says.

    `work` is a top-level function. A single task, or a single process, is done here. Raises what `work` raises,
    SampleError when workers keep dying, MissingExtra without Ray.
    """
    if workers.kind == "ray":
        from synthwright.core.cluster import map_on_ray

        yield from map_on_ray(work, tasks, workers.count)
    elif workers.count > 1 and len(tasks) > 1:
        yield from map_tasks(work, tasks, workers.count)
    else:
        for task in tasks:
            yield work(*task)


def map_tasks(work: Callable[..., ResultT], tasks: Sequence[tuple[Any, ...]], workers: int) -> Iterator[ResultT]:
    """Yield `work(*task)` for each task in order, computed in `workers` spawned processes, one thread each.

    `work` is a top-level function. At most two tasks per worker wait or run beyond the last yielded one, so memory
    stays bounded. When a worker dies, what it and its fellows had not delivered is done again by new ones. When the
    caller stops iterating, waiting tasks are dropped. Raises SampleError when workers die again and again.
    """
    done = strikes = 0
    with one_thread():
        while done < len(tasks):
            before = done
            try:
                for result in _from_one_pool(work, tasks[done:], workers):
                    done += 1
                    yield result
            except BrokenProcessPool as error:
                strikes = strikes + 1 if done == before else 1
                if strikes >= _STRIKES:
                    raise dying() from error
                _LOG.warning("a worker process died; its tasks are done again by new ones")


def _from_one_pool(work: Callable[..., ResultT], tasks: Sequence[tuple[Any, ...]], workers: int) -> Iterator[ResultT]:
    pool = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"), initializer=_follow_parent)
    try:
        running: dict[int, Future[ResultT]] = {}
        submitted = 0
        for position in range(len(tasks)):
            while submitted < len(tasks) and submitted < position + 2 * workers:
                running[submitted] = pool.submit(work, *tasks[submitted])
                submitted += 1
            future = running.pop(position)
            wait([future], return_when=FIRST_COMPLETED)
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def dying() -> SampleError:
    """The error for workers that die again and again."""
    return SampleError(
        "Worker processes keep dying.",
        where="workers",
        fix="use fewer workers (memory), and call it below `if __name__ == '__main__':`",
    )


@contextmanager
def one_thread() -> Iterator[None]:
    """Processes started within compute on one thread; this one keeps its own setting."""
    with environment(_ONE_THREAD):  # children read these when they import numpy
        yield


@contextmanager
def environment(values: Mapping[str, str], others: Sequence[str] = ()) -> Iterator[None]:
    """Environment variables for the processes started within; they, and `others`, are put back afterwards."""
    before = {key: os.environ.get(key) for key in (*values, *others)}
    os.environ.update(values)
    try:
        yield
    finally:
        for key, value in before.items():
            os.environ.pop(key, None) if value is None else os.environ.__setitem__(key, value)


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, which stops between tasks, and end when the parent is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
