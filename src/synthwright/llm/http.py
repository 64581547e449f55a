"""Any endpoint that speaks the OpenAI protocol, at an address the user gives; nothing else is ever contacted."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from synthwright.core.context import Context
from synthwright.core.errors import ConfigError, Problem
from synthwright.core.extras import need
from synthwright.llm.meter import Meter
from synthwright.llm.protocol import Capability, Completion, Request, failed
from synthwright.llm.wire import Address, Reply, body_of, completion_of, key_of

_MOST_BYTES = 16 * 2**20  # of one reply
_BASE, _FACTOR, _CAP, _JITTER = 0.5, 2.0, 60.0, 0.2
_BAD_REPLIES = 2  # more attempts after a reply that is no completion
_COOL_DOWN, _SLOWER, _AFTER = 2.0, 0.75, 25
_SLICE = 0.1  # seconds between looks at the wish to stop


@dataclass(frozen=True)
class Patience:
    """How long to go on trying: attempts after a failure, seconds for one reply, seconds of slowing down in all."""

    retries: int = 3
    timeout: float = 120.0
    most_waiting: float = 600.0


class HttpBackend:
    """Chat and completions by HTTP, several at once.

    url: up to its version, for example http://127.0.0.1:8000/v1; redirects are not followed. model: as the endpoint
    calls it. key_env: name of the environment variable that holds the key; the key is sent in one header and written
    nowhere. Errors of the connection, timeouts and 5xx are tried again with growing pauses; 429 lowers the number of
    requests at once instead (Retry-After is honoured); refusals (4xx, quota) are not tried again.
    Raises ConfigError, MissingExtra; failures of requests are completions with an error.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key_env: str = "",
        concurrency: int = 4,
        patience: Patience | None = None,
        meter: Meter | None = None,
        capabilities: frozenset[Capability] | None = None,
    ) -> None:
        if not model.strip():
            raise ConfigError("The model has no name.", where="--model", fix="name it as the endpoint calls it")
        if not 1 <= concurrency <= 256:
            raise ConfigError(
                f"{concurrency} requests at once are not possible.", where="concurrency", fix="use 1 to 256"
            )
        key = key_of(key_env)
        self.address = Address.of(url, has_key=bool(key))
        self.model_id, self.meter = model, meter or Meter()
        self.capabilities = self.default_capabilities if capabilities is None else capabilities
        self._patience, self._concurrency = patience or Patience(), concurrency
        self._secret = key
        httpx = need("httpx", extra="llm", who="a backend by HTTP")
        self._httpx = httpx
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(
            headers=headers,
            timeout=httpx.Timeout(self._patience.timeout, connect=min(10.0, self._patience.timeout)),
            follow_redirects=False,
            trust_env=not self.address.is_local,  # a proxy must not see what is meant for this machine
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
        )

    default_capabilities: ClassVar[frozenset[Capability]] = frozenset(("chat", "seed", "stop_strings"))

    def __repr__(self) -> str:
        return f"HttpBackend({self.address.base!r}, {self.model_id!r})"

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def generate(self, requests: Sequence[Request], ctx: Context) -> Iterator[Completion]:
        """One completion for each request as they arrive; see `Backend.generate`."""
        gate, stop = _Gate(self._concurrency, ctx), threading.Event()
        left = iter(requests)
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="llm") as pool:
            running: set[Future[Completion]] = set()
            try:
                while True:
                    while len(running) < self._concurrency and not ctx.cancelled():
                        request = next(left, None)
                        if request is None:
                            break
                        running.add(pool.submit(_Call(self, request, gate, ctx, stop).run))
                    if not running:
                        return
                    done, running = wait(running, timeout=_SLICE, return_when=FIRST_COMPLETED)
                    if ctx.cancelled():
                        stop.set()  # requests under way may end; pauses between attempts do not go on
                    for future in done:
                        yield future.result()
            finally:
                stop.set()

    def post(self, request: Request, ctx: Context) -> Reply | Problem:
        """Send one request once. A problem is one of the connection."""
        path = "/chat/completions" if request.messages else "/completions"
        start = ctx.seconds
        try:
            url = self.address.base + path
            with self._client.stream("POST", url, json=body_of(request, self.model_id)) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        what = f"The reply is longer than {_MOST_BYTES >> 20} MiB."
                        return Problem(what, self.address.base, "check what answers there", "TooLong")
                    if ctx.seconds - start > self._patience.timeout:
                        return self._timed_out()
                after = _seconds(response.headers.get("retry-after"))
                clean = (
                    body.replace(self._secret.encode(), b"[key]") if self._secret else body
                )  # before it is cut short
                return Reply(response.status_code, response.headers.get("content-type", ""), bytes(clean), after)
        except self._httpx.TimeoutException:
            return self._timed_out()
        except (self._httpx.DecodingError, self._httpx.StreamError) as error:
            what = f"The reply cannot be read: {self._words(error)}."
            return Problem(what, self.address.base, "check what answers there", "BadReply")
        except (self._httpx.RequestError, self._httpx.InvalidURL) as error:
            what = f"The endpoint cannot be reached: {self._words(error)}."
            return Problem(what, self.address.base, "start it, or correct the address", "Transient")

    def _timed_out(self) -> Problem:
        what = f"No whole reply within {self._patience.timeout:g} s."
        return Problem(what, self.address.base, "raise --timeout, or lower --concurrency", "Timeout")

    def _words(self, error: Exception) -> str:
        return self.clean(str(error)).rstrip(". ") or type(error).__name__

    def clean(self, text: str) -> str:
        """Text without the key, whoever repeated it."""
        return text.replace(self._secret, "[key]") if self._secret else text

    def named(self, problem: Problem) -> Problem:
        """A problem with the address in it and without the key."""
        return replace(problem, what=self.clean(problem.what), where=f"{self.address.base}, model {self.model_id}")


class _Gate:
    """How many requests may run at once: fewer after each 429, one more after 25 answers."""

    def __init__(self, most: int, ctx: Context) -> None:
        self._most, self._ctx = most, ctx
        self._limit, self._running, self._good = float(most), 0, 0
        self._closed_until = 0.0
        self._changed = threading.Condition()

    def enter(self, is_over: Callable[[], bool]) -> bool:
        """Wait for a place; False when it is over before there is one."""
        with self._changed:
            while self._running >= max(1, int(self._limit)) or self._ctx.seconds < self._closed_until:
                if is_over():
                    return False
                self._changed.wait(_SLICE)
            self._running += 1
            return True

    def leave(self, *, was_good: bool) -> None:
        """Give the place back."""
        with self._changed:
            self._running -= 1
            self._good += was_good
            if self._good >= _AFTER:
                self._good, self._limit = 0, min(self._most, self._limit + 1)
            self._changed.notify_all()

    def slow_down(self, seconds: float | None) -> None:
        """After a 429: fewer at once, and nothing for a while."""
        with self._changed:
            now = self._ctx.seconds
            if now >= self._closed_until:  # several answers of one wave count once
                self._limit = max(1.0, self._limit * _SLOWER)
            self._closed_until = max(self._closed_until, now + (_COOL_DOWN if seconds is None else seconds))
            self._good = 0

    @property
    def limit(self) -> int:
        """How many may run now."""
        return max(1, int(self._limit))


class _Call:
    """One request on its way to one completion, with all its attempts."""

    def __init__(
        self, backend: HttpBackend, request: Request, gate: _Gate, ctx: Context, stop: threading.Event
    ) -> None:
        self._backend, self._request, self._gate, self._ctx, self._stop = backend, request, gate, ctx, stop
        self._calls = 0

    def run(self) -> Completion:
        retries = bad = 0
        patience, start = self._backend._patience, self._ctx.seconds
        while True:
            found, after = self._once()
            if isinstance(found, Completion):
                return replace(found, n_calls=self._calls)
            if found.code == "RateLimited" and self._ctx.seconds - start < patience.most_waiting:
                self._gate.slow_down(after)  # does not use up an attempt
            elif found.code in ("Transient", "Timeout") and retries < patience.retries:
                self._pause(retries)
                retries += 1
            elif found.code == "BadReply" and bad < min(_BAD_REPLIES, patience.retries):
                self._pause(bad)
                bad += 1
            else:
                return self._given_up(found)
            if self._stop.is_set():
                return self._given_up(Problem(found.what, found.where, found.fix, "Stopped"))

    def _once(self) -> tuple[Completion | Problem, float | None]:
        if not self._gate.enter(self._stop.is_set):
            return Problem("Stopped before it was sent.", "backend", "go on with the same command", "Stopped"), None
        ticket, beyond = self._backend.meter.reserve(self._request)
        if beyond is not None:
            self._gate.leave(was_good=False)
            return beyond, None
        self._calls += 1
        found: Completion | Problem | None = None
        after = None
        try:
            reply = self._backend.post(self._request, self._ctx)
            if isinstance(reply, Reply):
                after = reply.retry_after
                found = completion_of(reply, self._request, self._backend.model_id)
            else:
                found = reply
        finally:
            good = isinstance(found, Completion)
            self._backend.meter.settle(ticket, found if isinstance(found, Completion) else None)
            self._gate.leave(was_good=good)
        return found, after

    def _pause(self, number: int) -> None:
        """Wait before the next attempt: 0.5, 1, 2 ... s, by up to a fifth more or less, fixed for each request."""
        digest = hashlib.sha256(f"{self._request.row_key}|{number}".encode()).digest()
        spread = 1 + _JITTER * (2 * digest[0] / 255 - 1)
        self._stop.wait(min(_CAP, _BASE * _FACTOR**number * spread))

    def _given_up(self, problem: Problem) -> Completion:
        problem = self._backend.named(problem) if problem.code != "BudgetExceeded" else problem
        return failed(self._request, problem, model_id=self._backend.model_id, n_calls=self._calls)


def _seconds(header: Any) -> float | None:
    """Retry-After in seconds; dates and nonsense count as absent. At most a minute."""
    try:
        value = float(header)
    except (TypeError, ValueError):
        return None
    return min(max(value, 0.0), 60.0) if value == value else None
