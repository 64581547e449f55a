"""Completions kept in a SQLite file: the same request to the same model is asked once."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from synthwright.core.context import Context
from synthwright.core.errors import WriteError
from synthwright.llm.protocol import Backend, Capability, Completion, Request, as_cached


class CachedBackend:
    """Answers from a file what was asked before, and asks `inner` for the rest.

    The key holds the model and everything that is sent. Only answers that ended by themselves are kept: failures, cut
    and filtered ones are asked again. Raises WriteError.
    """

    def __init__(self, inner: Backend, path: str | Path) -> None:
        self.inner = inner
        self._path = Path(path)
        with self._usable():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._store = sqlite3.connect(self._path)
            self._store.execute("CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY, document TEXT)")
            self._store.commit()

    @property
    def model_id(self) -> str:
        """The model that answers."""
        return self.inner.model_id

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the model can do."""
        return self.inner.capabilities

    def generate(self, requests: Sequence[Request], ctx: Context) -> Iterator[Completion]:
        """One completion for each request: kept ones first."""
        missing = []
        for request in requests:
            kept = self._kept(request)
            if kept is None:
                missing.append(request)
            else:
                yield kept
        by_key = {(one.row_key, one.attempt): one for one in missing}
        for completion in self.inner.generate(missing, ctx):
            if completion.error is None and completion.finish_reason == "stop":
                self._keep(by_key[completion.row_key, completion.attempt], completion)
            yield completion

    def close(self) -> None:
        """Close the file and the model."""
        self._store.close()
        self.inner.close()

    def _key(self, request: Request) -> str:
        return hashlib.sha256(f"{self.model_id}|{request.digest}".encode()).hexdigest()

    def _kept(self, request: Request) -> Completion | None:
        with self._usable():
            wanted = (self._key(request),)
            found = self._store.execute("SELECT document FROM completions WHERE key = ?", wanted).fetchone()
        return None if found is None else as_cached(Completion.from_json(json.loads(found[0])), request)

    def _keep(self, request: Request, completion: Completion) -> None:
        document = json.dumps(completion.to_json(), ensure_ascii=False, sort_keys=True)
        with self._usable():
            self._store.execute("INSERT OR REPLACE INTO completions VALUES (?, ?)", (self._key(request), document))
            self._store.commit()

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Failures of the file, also those met later (a full disk, a lock of another run), as WriteError."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise WriteError(
                f"The cache cannot be used: {error}", where=str(self._path), fix="name another file, or remove this one"
            ) from error
