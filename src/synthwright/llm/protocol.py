"""What is asked of a language model and what comes back, whoever answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from synthwright.core.context import Context
from synthwright.core.errors import BackendError, Problem, Unsupported, listing

Capability = Literal["chat", "raw_completion", "seed", "stop_strings", "usage"]
Finish = Literal["stop", "length", "content_filter", "error"]
# Codes of failures that another attempt may cure; all others need a person.
CURABLE = ("RateLimited", "Transient", "Timeout", "BadReply", "Stopped")


@dataclass(frozen=True)
class Request:
    """One question to a model: messages, which the backend puts into its template, or a raw prompt, never both.

    row_key, purpose, attempt: what the answer is for; they are not sent. seed: None leaves the choice to the backend.
    """

    messages: tuple[tuple[str, str], ...] = ()  # (role, content)
    prompt: str = ""
    row_key: str = ""
    purpose: str = "answer"
    attempt: int = 0
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    seed: int | None = None

    @property
    def needs(self) -> Capability:
        """The capability that a backend must have to answer."""
        return "chat" if self.messages else "raw_completion"

    @property
    def digest(self) -> str:
        """sha256 of what is sent: every field that can change the answer."""
        sent = [self.messages, self.prompt, self.temperature, self.top_p, self.max_tokens, self.stop, self.seed]
        return hashlib.sha256(json.dumps(sent, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Completion:
    """What a model answered to one request, or why it did not: then `error` says so and `text` is empty.

    n_prompt_tokens, n_new_tokens: as the backend counted them; is_estimated: counted from the length of the text.
    n_calls: how often the backend was called for it, failed calls included.
    """

    row_key: str
    attempt: int = 0
    text: str = ""
    finish_reason: Finish = "stop"
    model_id: str = ""
    n_prompt_tokens: int = 0
    n_new_tokens: int = 0
    is_estimated: bool = False
    is_cached: bool = False
    n_calls: int = 1
    error: Problem | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document; fields at their default are left out."""
        found = {k: v for k, v in self.__dict__.items() if k == "row_key" or v != _BLANK[k]}
        if self.error is not None:
            found["error"] = dict(self.error.__dict__)
        return found

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Completion:
        """The inverse of `to_json`. Raises TypeError, KeyError for a document that is none."""
        error = document.get("error")
        return cls(**{**document, "error": None if error is None else Problem(**error)})


_BLANK = dict(Completion("").__dict__)


class Backend(Protocol):
    """Answers requests. Batches are the primitive; how many run at once is the backend's own business."""

    @property
    def model_id(self) -> str:
        """The name of the model."""
        ...

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What can be asked."""
        ...

    def generate(self, requests: Sequence[Request], ctx: Context) -> Iterator[Completion]:
        """One completion for each request, in any order, as they come; failures are completions with an error.

        When `ctx` is asked to stop, no further request is begun; those under way still arrive.
        """
        ...

    def close(self) -> None:
        """Give connections and files back."""
        ...


def answers(backend: Backend, requests: Sequence[Request], ctx: Context) -> Generator[Completion, None, None]:
    """As `backend.generate`, checked: capabilities before the first call, one completion a request after the last.

    Raises Unsupported, BackendError for a backend that breaks the promise, Cancelled when asked to stop.
    """
    _check(backend, requests)
    waiting = {(one.row_key, one.attempt) for one in requests}
    if len(waiting) < len(requests):
        raise BackendError("Two requests have one row key and attempt.", where="requests", fix="number the attempts")
    for completion in backend.generate(requests, ctx):
        key = (completion.row_key, completion.attempt)
        if key not in waiting:
            raise BackendError(f"A completion came twice, or unasked: {key}.", where=backend.model_id)
        waiting.discard(key)
        yield completion
    if waiting:
        ctx.step(len(requests) - len(waiting), len(requests), "asking")  # raises Cancelled when that is the reason
        raise BackendError(f"{len(waiting)} of {len(requests)} requests got no completion.", where=backend.model_id)


def ask(backend: Backend, requests: Sequence[Request], ctx: Context) -> list[Completion]:
    """The completions of `answers` in the order of the requests."""
    found = {(one.row_key, one.attempt): one for one in answers(backend, requests, ctx)}
    return [found[one.row_key, one.attempt] for one in requests]


def _check(backend: Backend, requests: Sequence[Request]) -> None:
    for one in requests:
        if bool(one.messages) == bool(one.prompt):
            raise Unsupported(f"Request {one.row_key!r} needs messages or a prompt, and not both.", where="requests")
        if one.needs not in backend.capabilities:
            why = (
                "chat endpoints wrap every prompt in their own template, so a raw prompt cannot be sent"
                if one.needs == "raw_completion"
                else "it completes raw text only"
            )
            raise Unsupported(
                f"{backend.model_id} cannot do {one.needs}: {why}.",
                where=f"request {one.row_key!r}",
                fix=f"it can do: {listing(sorted(backend.capabilities))}",
            )
        if one.seed is not None and "seed" not in backend.capabilities:
            raise Unsupported(
                f"{backend.model_id} takes no seed.", where=f"request {one.row_key!r}", fix="leave it out"
            )


def failed(request: Request, problem: Problem, *, model_id: str = "", n_calls: int = 1) -> Completion:
    """The completion that says why a request has no answer."""
    return Completion(
        request.row_key, request.attempt, finish_reason="error", model_id=model_id, n_calls=n_calls, error=problem
    )


def as_cached(completion: Completion, request: Request) -> Completion:
    """A kept completion as the answer to a request that says the same."""
    return replace(completion, row_key=request.row_key, attempt=request.attempt, is_cached=True, n_calls=0)
