"""The same ordered work as `pool`, in the actors of a Ray cluster on this machine (extra `scale`).

The cluster is private: it listens on the loopback address only, asks for a random token, serves no dashboard, sends
no usage statistics, writes into a temporary folder, and ends with the work.
"""

from __future__ import annotations

import logging
import secrets
import signal
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from synthwright.core.errors import MissingExtra, SampleError, Unsupported
from synthwright.core.extras import need
from synthwright.core.pool import dying, environment, one_thread

ResultT = TypeVar("ResultT")
_STORE_BYTES = 128 * 2**20  # shared memory for results on their way; blocks go to files, so it stays almost empty
_AGAIN = 3  # times that an actor is started anew, and its task done again, when it dies
_LAST_SECONDS = 60.0  # for the tasks that run when the caller stops
_SETTINGS: dict[str, str] = {}  # environment of Ray, for the life of this process; empty until Ray is wanted
_SET_BY_RAY = ("PYTHONBREAKPOINT", "RAY_CLIENT_MODE")  # what it leaves in the environment


class _Doer:
    """Does tasks in a process of its own; what `work` keeps in its module (a loaded model) lives as long."""

    def do(self, work: Callable[..., ResultT], task: tuple[Any, ...]) -> ResultT:
        return work(*task)


def map_on_ray(work: Callable[..., ResultT], tasks: Sequence[tuple[Any, ...]], workers: int) -> Iterator[ResultT]:
    """Yield `work(*task)` for each task in order, computed by `workers` Ray actors, one thread each.

    `work` is a top-level function of a module that the workers can import. At most two tasks per actor wait or run
    beyond the last yielded one. A killed actor is started again and does its task again. Raises MissingExtra,
    Unsupported when this process is in a Ray cluster already, SampleError.
    """
    ray = _ray()
    if not tasks:
        return
    with one_thread(), _cluster(ray, workers):
        actor = ray.remote(num_cpus=1, max_restarts=_AGAIN, max_task_retries=_AGAIN)(_Doer)
        actors = [actor.remote() for _ in range(min(workers, len(tasks)))]
        # Task i goes to actor i mod n: a fixed share for each, without asking who is idle; blocks cost the same.
        running: deque[Any] = deque()
        submitted = 0
        try:
            while submitted < len(tasks) or running:
                while submitted < len(tasks) and len(running) < 2 * len(actors):
                    running.append(actors[submitted % len(actors)].do.remote(work, tasks[submitted]))
                    submitted += 1
                yield _result(ray, running.popleft())
        except GeneratorExit:  # the caller stops: let running tasks put their files in place
            if running:
                ray.wait(list(running), num_returns=len(running), timeout=_LAST_SECONDS)
            raise


def _ray() -> Any:
    """Ray, imported under our settings: it reads some of them at import only, for the whole process."""
    if "ray" in sys.modules and not _SETTINGS:
        raise Unsupported(
            "Something else imported Ray in this process, under settings of its own (open ports, no token).",
            where="workers='ray'",
            fix="sample in a fresh Python, for example by `synthwright sample --workers ray`, or use workers=4",
        )
    if not _SETTINGS:
        _SETTINGS.update(
            RAY_USAGE_STATS_ENABLED="0",
            RAY_AUTH_MODE="token",
            RAY_AUTH_TOKEN=secrets.token_hex(32),
            RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",  # in spite of its name: "bind to the loopback address", everywhere
            RAY_DEDUP_LOGS_SKIP_REGEX=".",  # nothing of Ray's talk on our standard output
        )
    with environment(_SETTINGS, _SET_BY_RAY):
        try:
            return need("ray", extra="scale", who="workers='ray'")
        except MissingExtra:
            _SETTINGS.clear()
            raise


def _result(ray: Any, reference: Any) -> Any:
    try:
        return ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        cause = getattr(error, "cause", None)
        raise cause if isinstance(cause, Exception) else SampleError(f"A Ray worker failed: {error}") from None
    except ray.exceptions.RayActorError as error:
        raise dying() from error


@contextmanager
def _cluster(ray: Any, workers: int) -> Iterator[None]:
    if ray.is_initialized():
        raise Unsupported(
            "This process is in a Ray cluster already; blocks are made in a private one on this machine.",
            where="workers='ray'",
            fix="let the other sample end first, or use a number of processes, such as workers=4",
        )
    # The paths of Ray's sockets are long, and the system's limit for them is about 100 characters.
    short = "/tmp" if Path("/tmp").is_dir() else None
    with (
        tempfile.TemporaryDirectory(prefix="sw-", dir=short, ignore_cleanup_errors=True) as folder,
        environment(_SETTINGS, _SET_BY_RAY),
        _own_handler_of_sigterm(),
    ):
        try:
            _start(ray, workers, folder)
            yield
        finally:
            ray.shutdown()


def _start(ray: Any, workers: int, folder: str) -> None:
    try:
        ray.init(
            address="local",
            num_cpus=workers,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            logging_level=logging.ERROR,
            object_store_memory=_STORE_BYTES,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder,
        )
    except (RuntimeError, OSError, ValueError, ray.exceptions.RayError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SampleError(
            f"Ray does not start: {reason}", where="workers='ray'", fix="use a number of processes, such as workers=4"
        ) from error
    _check_address(ray)


def _check_address(ray: Any) -> None:
    address = ray.util.get_node_ip_address()
    if not (address.startswith("127.") or address == "::1"):
        raise SampleError(
            f"Ray listens on {address}, not on the loopback address only.",
            where="workers='ray'",
            fix="use a number of processes, such as workers=4",
        )


@contextmanager
def _own_handler_of_sigterm() -> Iterator[None]:
    """Ray replaces the handler of SIGTERM; put ours back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before if before is not None else signal.SIG_DFL)
