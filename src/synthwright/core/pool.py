"""Ordered work in spawned processes, one compute thread each."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, get_context, parent_process
from typing import Any, TypeVar

from synthwright.core.errors import SampleError

ResultT = TypeVar("ResultT")
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


def map_tasks(work: Callable[..., ResultT], tasks: Sequence[tuple[Any, ...]], workers: int) -> Iterator[ResultT]:
    """Yield `work(*task)` for each task in order, computed in `workers` spawned processes.

    `work` is a top-level function. At most two tasks per worker wait or run beyond the last yielded one, so memory
    stays bounded. When the caller stops iterating, waiting tasks are dropped.
    """
    before = {key: os.environ.get(key) for key in _ONE_THREAD}
    os.environ.update(_ONE_THREAD)  # children read these when they import numpy
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
    except BrokenProcessPool as error:
        raise SampleError(
            "A worker process died.", fix="use fewer workers (memory), and call it below `if __name__ == '__main__':`"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
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
