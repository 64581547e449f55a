"""An endpoint on this machine that answers, or fails in the way it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Endpoint:
    """Loopback server. plan(number, document) -> what to do with the request of that number, a dictionary:
    text, status, body (bytes), kind (content type), headers, wait (seconds), drop (no reply), drip."""

    def __init__(self, plan: Callable[[int, dict[str, Any]], dict[str, Any]]) -> None:
        self.plan, self.seen, self.headers, self.paths = plan, [], [], []
        self.running = self.most_running = 0
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                owner.handle(self)

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def handle(self, handler: BaseHTTPRequestHandler) -> None:
        document = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        with self._lock:
            number = len(self.seen)
            self.seen.append(document)
            self.headers.append(dict(handler.headers))
            self.paths.append(handler.path)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        what = self.plan(number, document)
        try:
            self._reply(handler, what, document)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has given up: that is what is tested
        finally:
            with self._lock:
                self.running -= 1

    def _reply(self, handler: BaseHTTPRequestHandler, what: dict[str, Any], document: dict[str, Any]) -> None:
        time.sleep(what.get("wait", 0.0))
        if what.get("drop"):
            handler.close_connection = True
            handler.connection.close()
            return
        body = what.get("body", completion(what.get("text", "hello"), document))
        handler.send_response(what.get("status", 200))
        handler.send_header("content-type", what.get("kind", "application/json"))
        handler.send_header("content-length", str(len(body)))
        for name, value in what.get("headers", {}).items():
            handler.send_header(name, value)
        handler.end_headers()
        for part in [body[i : i + 1] for i in range(len(body))] if what.get("drip") else [body]:
            handler.wfile.write(part)
            handler.wfile.flush()
            time.sleep(what.get("drip", 0.0))


def completion(text: str, document: dict[str, Any], **more: Any) -> bytes:
    """The body of a good reply."""
    key = {"message": {"role": "assistant", "content": text}} if "messages" in document else {"text": text}
    choice = {"index": 0, "finish_reason": "stop", **key}
    usage = {"prompt_tokens": 11, "completion_tokens": 3}
    return json.dumps({"model": document.get("model"), "choices": [choice], "usage": usage, **more}).encode()


@contextmanager
def running(plan: Callable[[int, dict[str, Any]], dict[str, Any]]) -> Iterator[Endpoint]:
    """A running endpoint."""
    made = Endpoint(plan)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        made.server.server_close()
        thread.join()


@pytest.fixture
def endpoint() -> Callable[..., Any]:
    """`with endpoint(plan) as server:`; see `Endpoint`."""
    return running
