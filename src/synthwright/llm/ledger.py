"""Which rows are done: a file that grows by one line a row, and goes on after being cut at any byte.

First line: what the run is made from. Each other line: a row's key, its status and its document. The last line of a
key counts. `FILE.index.json` beside it says how many rows are where; it can be rebuilt and is never read.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from filelock import FileLock, Timeout

from synthwright.core.errors import ConfigError, FormatError, WriteError
from synthwright.core.store import write_json

Status = Literal["accepted", "rejected", "failed"]
STATUSES: tuple[Status, ...] = ("accepted", "rejected", "failed")
FORMAT = 1
_SYNC_EVERY = 32  # lines that a power cut may cost; a killed process costs none


@dataclass(frozen=True)
class Counts:
    """Where the requested rows are: requested = accepted + rejected + failed + pending."""

    requested: int
    accepted: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def pending(self) -> int:
        """Rows that nobody has answered yet."""
        return self.requested - self.accepted - self.rejected - self.failed

    def to_json(self) -> dict[str, int]:
        """All five numbers."""
        return {**asdict(self), "pending": self.pending}


class CallLedger:
    """The rows of a run by key, in a file or in memory (`path` None).

    keys: all that are requested, each once; run: JSON-able facts that decide the answers. Rows that failed are asked
    again by the next run. Raises ConfigError when the file belongs to another run or is in use, FormatError when it
    is damaged before its last line, WriteError.
    """

    def __init__(self, path: str | Path | None, keys: Sequence[str], run: Mapping[str, Any]) -> None:
        self.path = None if path is None else Path(path)
        self.run = {"format": FORMAT, **run}
        self._keys = dict.fromkeys(keys)
        if len(self._keys) < len(keys):
            raise ConfigError("A key is requested twice.", where="ledger", fix="give every row its own key")
        self._rows: dict[str, tuple[Status, dict[str, Any]]] = {}
        self._file: IO[bytes] | None = None
        self._unsynced = 0
        if self.path is not None:
            self._open(self.path)

    # -- use

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def record(self, key: str, status: Status, document: Mapping[str, Any]) -> None:
        """Write down what became of a row; it is on its way to the disk when this returns."""
        if key not in self._keys:
            raise ConfigError(f"Row {key!r} was not requested.", where="ledger")
        self._rows[key] = (status, dict(document))
        if self._file is not None:
            self._append({"key": key, "status": status, "document": dict(document)})

    def pending(self) -> list[str]:
        """Keys without an answer, and those that failed, in the order of the request."""
        return [key for key in self._keys if self._rows.get(key, ("failed", {}))[0] == "failed"]

    def rows(self, status: Status) -> dict[str, dict[str, Any]]:
        """Documents of a status by key, in the order of the request, whenever they arrived."""
        return {key: self._rows[key][1] for key in self._keys if key in self._rows and self._rows[key][0] == status}

    @property
    def counts(self) -> Counts:
        """How many rows are where."""
        found = [status for key, (status, _) in self._rows.items() if key in self._keys]
        return Counts(len(self._keys), *(found.count(status) for status in STATUSES))

    def request(self, keys: Sequence[str]) -> None:
        """Add keys to those that are requested."""
        self._keys.update(dict.fromkeys(keys))

    def close(self) -> None:
        """Force everything to the disk and write the index."""
        if self._file is None or self.path is None:
            return
        try:
            self._sync()
            self._file.close()
            write_json(_index(self.path), {**self.counts.to_json(), "bytes": self.path.stat().st_size})
        except OSError as error:
            raise _cannot(self.path, error) from error
        finally:
            self._file = None
            self._lock.release()

    # -- file

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(f"{path}.lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ConfigError(
                "The ledger is in use by another run.", where=str(path), fix="wait for it, or name another"
            ) from None
        except OSError as error:
            raise _cannot(path, error) from error
        try:
            kept = self._read(path)
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(kept)  # a line that was cut short never counts
            self._file.seek(kept)
            if kept == 0:
                self._append(self.run)
                self._sync()
        except OSError as error:
            self._lock.release()
            raise _cannot(path, error) from error
        except BaseException:
            self._lock.release()
            raise

    def _read(self, path: Path) -> int:
        """Take in the whole lines of the file; the number of their bytes."""
        content = path.read_bytes() if path.exists() else b""
        kept = content.rfind(b"\n") + 1
        if not kept and not _line(self.run).startswith(content):
            raise ConfigError("The file is no ledger of this run.", where=str(path), fix="name another file")
        for number, line in enumerate(content[:kept].splitlines(), 1):
            try:
                document = json.loads(line)
                if number == 1:
                    self._check_run(document, path)
                else:
                    self._rows[document["key"]] = (_status(document["status"]), dict(document["document"]))
            except (ValueError, KeyError, TypeError) as error:
                raise FormatError(
                    f"Line {number} is damaged: {type(error).__name__}.", where=str(path), fix="name a new ledger"
                ) from error
        return kept

    def _check_run(self, found: Any, path: Path) -> None:
        if not isinstance(found, dict) or "format" not in found:
            raise ConfigError("The file is no ledger.", where=str(path), fix="name another file")
        mine = json.loads(json.dumps(self.run))
        names = [name for name in {**mine, **found} if mine.get(name) != found.get(name)]
        if names:
            shown = ", ".join(f"{name}: {found.get(name)!r} there, {mine.get(name)!r} now" for name in names)
            raise ConfigError(f"The ledger belongs to another run ({shown}).", where=str(path), fix="name another file")

    def _append(self, document: Mapping[str, Any]) -> None:
        try:
            self._file.write(_line(document))  # type: ignore[union-attr]  # callers have opened it
            self._file.flush()  # type: ignore[union-attr]
            self._unsynced += 1
            if self._unsynced >= _SYNC_EVERY:
                self._sync()
        except OSError as error:
            raise _cannot(self.path, error) from error

    def _sync(self) -> None:
        os.fsync(self._file.fileno())  # type: ignore[union-attr]  # as in _append
        self._unsynced = 0


def _line(document: Mapping[str, Any]) -> bytes:
    return (json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _index(path: Path) -> Path:
    return path.with_name(path.name + ".index.json")


def _status(text: str) -> Status:
    if text not in STATUSES:
        raise ValueError(text)
    return text


def _cannot(path: Path | None, error: OSError) -> WriteError:
    return WriteError(
        f"Cannot write the ledger: {error.strerror or error}.", where=str(path), fix="name another place with --ledger"
    )
