"""The OpenAI wire protocol: where an endpoint is, what it is sent, and what its replies mean."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from synthwright.core.errors import ConfigError, Problem
from synthwright.llm.meter import estimated_tokens
from synthwright.llm.protocol import Completion, Finish, Request

_ENDS = ("/chat/completions", "/completions")
_FINISH: dict[str, Finish] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}
_SHOWN = 200  # letters of a server's own words in a message
_QUOTA = ("insufficient_quota", "billing", "quota exceeded", "exceeded your current quota")
_CONTEXT = ("context_length", "context length", "context window", "maximum context")
_PROTOCOL = "check that the address speaks the OpenAI protocol, and what its log says"
_STOP_SENDING = {
    400: ("BadRequest", "it refuses the request", "correct model and options"),
    401: ("AuthFailed", "it does not accept the key", "check the key in the environment variable of --key-env"),
    403: ("AuthFailed", "it does not allow this", "check the key in the environment variable of --key-env"),
    404: ("BadRequest", "it knows no such model or address", "check --model, and the address up to its /v1"),
    405: ("BadRequest", "nothing takes requests at this address", "give the address up to its /v1"),
    413: ("ContextOverflow", "the request is too long for it", "ask shorter items"),
    422: ("BadRequest", "it refuses the request", "correct model and options"),
}


@dataclass(frozen=True)
class Address:
    """Where an endpoint is: `base` ends in its version, for example http://127.0.0.1:8000/v1."""

    base: str
    is_local: bool

    @classmethod
    def of(cls, url: str, *, has_key: bool = False) -> Address:
        """Check an address that the user gave. Raises ConfigError; a key in it is not repeated."""
        try:
            parts = urlsplit(url.strip())
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ConfigError("The address cannot be read.", where="backend", fix=_FIX) from None
        if parts.scheme not in ("http", "https") or not host:
            shown = url if not set("@?#") & set(url) else "it"
            raise ConfigError(f"{shown!r:.80} is not an http or https address.", where="backend", fix=_FIX)
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ConfigError(
                "The address holds a password, a query or a fragment; keys do not belong there.",
                where="backend",
                fix="put the key into an environment variable and name that with --key-env",
            )
        is_local = _is_local(host)
        if has_key and parts.scheme == "http" and not is_local:
            raise ConfigError(
                "The key would be sent in clear: the address is http and not on this machine.",
                where="backend",
                fix="use an https address, or leave --key-env out",
            )
        path = parts.path.rstrip("/")
        for end in _ENDS:
            path = path.removesuffix(end)
        return cls(urlunsplit((parts.scheme, parts.netloc, path or "/v1", "", "")), is_local)


_FIX = "give it up to its version, for example http://127.0.0.1:8000/v1"


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def key_of(name: str) -> str:
    """The key in the environment variable `name`; "" for no name. Raises ConfigError, which never shows a value."""
    if not name:
        return ""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ConfigError(
            "--key-env is not the name of an environment variable.",
            where="--key-env",
            fix="name the variable that holds the key, never the key itself",
        )
    key = os.environ.get(name, "").strip()
    if not key:
        raise ConfigError(
            f"The environment variable {name} is not set.", where="--key-env", fix=f"set it: export {name}=..."
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise ConfigError(
            f"The environment variable {name} holds letters that no key has.", where="--key-env", fix="set it anew"
        )
    return key


def body_of(request: Request, model: str) -> dict[str, Any]:
    """The JSON document that is sent. One answer is asked for: servers are known to ignore other numbers."""
    found: dict[str, Any] = {
        "model": model,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
        "stream": False,
    }
    if request.messages:
        found["messages"] = [{"role": role, "content": content} for role, content in request.messages]
    else:
        found["prompt"] = request.prompt
    if request.stop:
        found["stop"] = list(request.stop)
    if request.seed is not None:
        found["seed"] = request.seed
    return found


@dataclass(frozen=True)
class Reply:
    """What a server sent back."""

    status: int
    kind: str  # content type
    body: bytes
    retry_after: float | None = None


def completion_of(reply: Reply, request: Request, model: str) -> Completion | Problem:
    """The completion in a reply, or what is wrong with it. Half a surrogate pair in a text becomes U+FFFD."""
    if reply.status != 200:
        return _refused(reply)
    if "json" not in reply.kind.lower():
        kind = reply.kind.partition(";")[0] or "no content type"
        what = f"It answers with {kind[:60]!r} instead of JSON."
        is_page = "html" in kind.lower()
        fix = "give the address up to its /v1; a web page answers there now" if is_page else _PROTOCOL
        return Problem(what, "backend", fix, "NoJson")
    try:
        document = json.loads(reply.body)
        choice = document["choices"][0]
        text = choice["message"].get("content") if request.messages else choice["text"]
        if text is None and choice["message"].get("refusal"):
            text, choice = str(choice["message"]["refusal"]), {"finish_reason": "content_filter"}
        if text is None and choice.get("finish_reason") in ("length", "content_filter"):
            text = ""  # a model that thinks apart from its answer was cut before it, or a filter took it all
        if not isinstance(text, str):
            raise TypeError("no text")
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        return _no_completion(reply.body, is_json=not isinstance(error, ValueError))
    finish = _FINISH.get(str(choice.get("finish_reason") or "stop"), "stop")
    n_in, n_out = _usage(document.get("usage"))
    is_estimated = n_in is None or n_out is None
    sent = request.prompt or "".join(content for _, content in request.messages)
    return Completion(
        request.row_key,
        request.attempt,
        text,
        finish,
        model,
        estimated_tokens(sent) if n_in is None else n_in,
        estimated_tokens(text) if n_out is None else n_out,
        is_estimated,
    )


def _no_completion(body: bytes, *, is_json: bool) -> Problem:
    """What is wrong with a reply of status 200; some servers send their errors so."""
    if not body.strip():
        return Problem("The reply is no completion: it is empty.", "backend", _PROTOCOL, "BadReply")
    why = "no text of an answer stands in it" if is_json else "it is no whole JSON document"
    return Problem(f"The reply is no completion: {why}. It says: {_words(body)!r}", "backend", _PROTOCOL, "BadReply")


def _refused(reply: Reply) -> Problem:
    words, low = _words(reply.body), _shown(reply.body, 2_000).lower()
    said = f" It says: {words!r}" if words else ""
    if reply.status == 429 and any(one in low for one in _QUOTA):
        return Problem(
            f"The quota is used up.{said}", "backend", "raise it at the provider, then go on", "QuotaExhausted"
        )
    if reply.status == 429:
        return Problem(f"It asks to slow down (429).{said}", "backend", "lower --concurrency, or wait", "RateLimited")
    if reply.status == 400 and any(one in low for one in _CONTEXT):
        what = f"The request is too long for the model.{said}"
        return Problem(what, "backend", "lower --max-tokens, or ask shorter items", "ContextOverflow")
    if reply.status in _STOP_SENDING:
        code, why, fix = _STOP_SENDING[reply.status]
        return Problem(f"The endpoint answers {reply.status}: {why}.{said}", "backend", fix, code)
    if reply.status >= 500 or reply.status in (408, 409, 425):
        what = f"The endpoint fails with {reply.status}.{said}"
        return Problem(what, "backend", "look into its log; go on with the same command", "Transient")
    what = f"The endpoint answers {reply.status} instead of a completion.{said}"
    return Problem(what, "backend", "give its own address up to /v1; redirects are not followed", "BadRequest")


def _usage(found: Any) -> tuple[int | None, int | None]:
    usage = found if isinstance(found, Mapping) else {}
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    n_in, n_out = (one if isinstance(one, int) and not isinstance(one, bool) and one >= 0 else None for one in counts)
    return n_in, n_out


def _words(body: bytes) -> str:
    """The message in a server's error document, else the start of what it sent."""
    try:
        document = json.loads(body)
        error = document.get("error", document.get("detail", document.get("message")))
        message = error.get("message") if isinstance(error, Mapping) else error
        if isinstance(message, str):
            return _printable(message)[:_SHOWN]
    except (ValueError, AttributeError):
        pass  # servers also answer with plain text
    return _shown(body)


def _shown(body: bytes, most: int = _SHOWN) -> str:
    return _printable(body[: 4 * most].decode("utf-8", "replace"))[:most].strip()


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
