"""The run folder: whose it is, what configured it, and what is complete in it.

    recipe.lock.yaml   the recipe with all defaults, versions, data fingerprint; `lock` is their hash
    schema.json  model.synth  blocks/part-00042.parquet  synthetic.*  report.json  report.html  card.md
    events.jsonl  run.json  (the only two with clock readings)

Files are the truth of progress, the lock is the truth of configuration. Nothing that a run did not write is
ever deleted.
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from synthwright.core.errors import ConfigError, FormatError, WriteError
from synthwright.core.store import write_json, write_text
from synthwright.run.recipe import Recipe, read_yaml, to_yaml

if TYPE_CHECKING:
    from synthwright.data.dataset import Dataset

LOCK_FILE, MUTEX = "recipe.lock.yaml", ".lock"
PACKAGES = ("numpy", "scipy", "scikit-learn", "pyarrow", "pydantic", "safetensors", "lightgbm", "torch")
_OURS = (
    LOCK_FILE,
    "schema.json",
    "model.synth",
    "report.json",
    "report.html",
    "card.md",
    "run.json",
    "synthetic",
    "checkpoint",
    "fit.lock.yaml",
    "part-",
)
_SHOWN = 5
_PACKS_ITSELF = (".parquet", ".arrow", ".feather", ".ipc", ".npz")
_LOCK_HEAD = "# Written by synthwright: what this run was made from. Go on with: synthwright run THIS-FOLDER --resume\n"


@dataclass(frozen=True)
class Ledger:
    """Where the requested rows are: requested = made + rejected + failed + pending.

    rejected: thrown away for good; drawn rows that miss a condition are drawn again and do not count.
    """

    requested: int
    made: int = 0
    rejected: int = 0
    failed: int = 0

    @property
    def pending(self) -> int:
        """Rows that nobody has tried to make yet."""
        return self.requested - self.made - self.rejected - self.failed

    def to_json(self) -> dict[str, int]:
        """All five numbers."""
        return {**asdict(self), "pending": self.pending}


@dataclass(frozen=True)
class Lock:
    """What a run is made from. Two runs with equal `hash` give equal bytes."""

    recipe: Recipe
    data: Mapping[str, Any]  # fingerprint, rows, columns
    versions: Mapping[str, str]

    @property
    def hash(self) -> str:
        """sha256 of all that can change a byte; the paths of the data and of the folder do not."""
        return hashlib.sha256(json.dumps(self._facts(), sort_keys=True).encode()).hexdigest()

    def _facts(self) -> dict[str, Any]:
        recipe = self.recipe.to_mapping()
        del recipe["out"]
        recipe["data"] = {key: value for key, value in recipe["data"].items() if key not in ("read", "schema")}
        recipe["format_of"] = self.suffix
        return {"recipe": recipe, "data": dict(self.data), "versions": dict(self.versions)}

    @property
    def suffix(self) -> str:
        """File ending of the result."""
        wanted = self.recipe.sample.format
        return suffix_like(self.recipe.data.read) if wanted == "same" else f".{wanted}"

    def to_yaml(self, head: str = _LOCK_HEAD) -> str:
        """The lock file's text; head: a comment that says what wrote it."""
        recipe = self.recipe.to_mapping()
        recipe["data"]["read"] = absolute(recipe["data"]["read"]) if recipe["data"]["read"] else None
        recipe["data"]["schema"] = absolute(recipe["data"]["schema"]) if recipe["data"]["schema"] else None
        document = {"lock": self.hash, "recipe": recipe, "data": dict(self.data), "versions": dict(self.versions)}
        return head + to_yaml(document)

    @classmethod
    def load(cls, path: Path) -> Lock:
        """Read a lock file. Raises FormatError."""
        try:
            document = read_yaml(path)
            recipe = Recipe.from_mapping(document["recipe"], where=str(path))
            return cls(recipe, document["data"], document["versions"])
        except (KeyError, TypeError, ConfigError) as error:
            raise FormatError(
                f"This is no lock file of a run: {error}", where=str(path), fix="name another folder with --out"
            ) from error

    def differences(self, other: Lock) -> list[str]:
        """In words, what `other` has otherwise; none when the hashes are equal."""
        mine, theirs = flat(self._facts()), flat(other._facts())
        keys = [*mine, *(key for key in theirs if key not in mine)]
        return [
            f"{key}: {mine.get(key)!r} there, {theirs.get(key)!r} now"
            for key in keys
            if mine.get(key) != theirs.get(key)
        ]


def versions() -> dict[str, str]:
    """Versions of everything that can change a byte."""
    from synthwright import __version__

    found = {"synthwright": __version__, "python": ".".join(platform.python_version_tuple()[:2])}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def suffix_like(source: str | None) -> str:
    """The ending that a result gets to look like its source: databases become Parquet, folders stay folders.

    What is made from options alone is text, in JSON lines; so is what comes from JSON. What packs itself is not packed.
    """
    if source is None:
        return ".jsonl"
    if Path(source).is_dir():
        return ""
    if "://" in source or "::" in source:
        return ".parquet"
    suffixes = Path(source).suffixes
    packed = suffixes[-1].lower() if suffixes and suffixes[-1].lower() in (".gz", ".bz2", ".xz", ".zst", ".zip") else ""
    plain = suffixes[: len(suffixes) - bool(packed)]
    if not plain:
        return ".csv"
    like = plain[-1].lower()
    like = {".data": ".csv", ".txt": ".csv", ".pq": ".parquet", ".json": ".jsonl"}.get(like, like)
    return like if like in _PACKS_ITSELF else like + packed


def absolute(path: str) -> str:
    """A file path that means the same from everywhere; addresses of databases stay."""
    return path if "://" in path else str(Path(path).absolute())


def flat(document: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`."""
    result: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping):
            result.update(flat(value, f"{prefix}{key}."))
        else:
            result[f"{prefix}{key}"] = value
    return result


def facts_of(data: Dataset | None) -> dict[str, Any]:
    """What a lock says of the data; None when nothing is learned from data."""
    if data is None:
        return {"fingerprint": "", "rows": 0, "columns": 0}
    facts = {"fingerprint": data.fingerprint(), "rows": len(data), "columns": len(data.schema.columns)}
    form = data.schema.csv  # no part of what the data say, but of the bytes that are written
    return facts if form is None else {**facts, "csv": form.model_dump(mode="json")}


def check_free(folder: Path, lock_file: str = LOCK_FILE) -> None:
    """Refuse a folder that holds something else than a run (or what else the lock is of). Raises ConfigError."""
    if folder.exists() and not folder.is_dir():
        raise ConfigError("The run folder is a file.", where=str(folder), fix="name another folder with --out")
    if not folder.exists() or (folder / lock_file).is_file():
        return
    strangers = [path.name for path in sorted(folder.iterdir()) if path.name != MUTEX and not _is_leftover(path)]
    if strangers:
        raise ConfigError(
            f"The folder is not empty and holds no run: {', '.join(strangers[:5])}.",
            where=str(folder),
            fix="name a new or empty folder with --out; nothing was touched",
        )


def enter(folder: Path, lock: Lock, *, resume: bool) -> None:
    """Write the lock, or compare it with the one that is there. Raises ConfigError when they differ."""
    path = folder / LOCK_FILE
    if not path.is_file():
        write_text(path, lock.to_yaml())
        return
    there = Lock.load(path)
    if there.hash != lock.hash:
        raise ConfigError(
            f"The folder holds a run of something else ({shortened(there.differences(lock))}).",
            where=str(folder),
            fix="name another folder with --out, or go back to the recipe, data and versions of this one",
        )
    if not resume:
        raise ConfigError(
            "The folder holds this run already, finished or not.", where=str(folder), fix=resume_command(folder)
        )


def shortened(found: Sequence[str]) -> str:
    """The first few differences, and how many more there are."""
    more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return "; ".join(found[:_SHOWN]) + more


def resume_command(folder: Path) -> str:
    """The command that goes on with a run."""
    import shlex

    return f"synthwright run {shlex.quote(str(folder))} --resume"


def sweep(folder: Path) -> None:
    """Remove the half-written files and folders that a killed run left; only names that this program makes."""
    for place in (folder, folder / "blocks"):
        for path in sorted(place.iterdir()) if place.is_dir() else ():
            if _is_leftover(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_leftover(path: Path) -> bool:
    name = path.name
    return name.endswith((".tmp", ".old")) and name.startswith(tuple(f".{ours}" for ours in _OURS))


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder so that no second run works in it. Raises ConfigError when one does, WriteError."""
    mutex = FileLock(folder / MUTEX, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mutex.acquire()
    except Timeout:
        raise ConfigError(
            "Another run is working in this folder.",
            where=str(folder),
            fix="wait for it, or name another folder with --out",
        ) from None
    except OSError as error:
        raise WriteError(
            f"Cannot use the run folder: {error.strerror or error}.",
            where=str(folder),
            fix="check the permissions, or name another folder with --out",
        ) from error
    try:
        yield
    finally:
        mutex.release()


def write_ledger(folder: Path, ledger: Ledger, facts: Mapping[str, object]) -> None:
    """Write `run.json`: the ledger, and facts such as state and seconds."""
    write_json(folder / "run.json", {"ledger": ledger.to_json(), **facts})
