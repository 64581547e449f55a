"""Saved models: a folder, or the same zipped as `*.synth`; plain JSON, safetensors and text, never pickle.

    model.json            header (format, generator, version, config, schema, facts), JSON state, and for every
                          other file its sha256 and size
    tensors.safetensors   arrays of the state
    NAME.txt              texts of the state, for example LightGBM models

Writing goes to a temporary name and is moved into place; reading is strict: anything unknown, missing,
altered, too large, too new or outside the folder raises FormatError naming the file.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from synthwright.core.errors import FormatError, WriteError, listing

FORMAT = 1
LIMIT_BYTES = 4 * 2**30
_HEADER, _TENSORS = "model.json", "tensors.safetensors"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_ZIP = b"PK\x03\x04"  # how a zip archive begins
# What the standard library raises on damaged archives: flipped bits reach the decompressors and the flag fields.
_BAD_ARCHIVE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
# Key: the format a function reads; value: turns its header into the next format's.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}


@dataclass(frozen=True)
class State:
    """What a fitted generator keeps: JSON-able facts, arrays and texts. Never code, never objects."""

    meta: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


def save(path: str | Path, header: Mapping[str, Any], state: State) -> Path:
    """Write header and state to `path`: a zip file when it ends in `.synth`, else a folder.

    The bytes depend on the content alone. Raises WriteError and leaves what was there before when it fails; a folder
    that holds anything but a model is refused, never replaced.
    """
    target = Path(path)
    check_place(target)
    files = _pack(header, state)
    if target.suffix == ".synth":
        with atomic_file(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
    else:
        with atomic_folder(target) as folder:
            for name, content in files.items():
                (folder / name).write_bytes(content)
    return target


def check_place(path: str | Path) -> None:
    """Refuse a folder with other files than a model's, which writing a model would remove. Raises WriteError."""
    target = Path(path)
    if target.suffix == ".synth" or not target.is_dir():
        return
    entries = {entry.name: entry.is_file() for entry in target.iterdir()}
    ours = _HEADER in entries
    strange = [name for name, plain in sorted(entries.items()) if not (ours and plain and _is_part(name))]
    if strange:
        raise WriteError(
            f"The folder holds other files, which would be lost: {listing(strange, 3)}.",
            where=str(target),
            fix="name a new or an empty folder, or a file that ends in .synth",
        )


def _is_part(name: str) -> bool:
    return name in (_HEADER, _TENSORS) or name.endswith(".txt")


def _pack(header: Mapping[str, Any], state: State) -> dict[str, bytes]:
    from safetensors.numpy import save as pack_arrays

    files: dict[str, bytes] = {}
    if state.arrays:
        arrays = {name: np.ascontiguousarray(array) for name, array in sorted(state.arrays.items())}
        files[_TENSORS] = pack_arrays(arrays)
    for name, text in sorted(state.texts.items()):
        files[f"{name}.txt"] = text.encode()
    listing = {name: {"sha256": _sha256(content), "bytes": len(content)} for name, content in files.items()}
    document = {"format": FORMAT, **header, "state": state.meta, "files": listing}
    text = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return {_HEADER: text.encode(), **files}


def load(path: str | Path, limit_bytes: int = LIMIT_BYTES) -> tuple[dict[str, Any], State]:
    """Read what `save` wrote: (header, state). Raises FormatError."""
    source = Path(path)
    files = _read_folder(source, limit_bytes) if source.is_dir() else _read_zip(source, limit_bytes)
    if _HEADER not in files:
        raise FormatError(f"{_HEADER} is missing.", where=str(source), fix="this is no synthwright model")
    try:
        header = json.loads(files.pop(_HEADER))
    except ValueError as error:
        raise FormatError(f"{_HEADER} is not valid JSON: {error}", where=str(source)) from error
    header = _migrate(header, source)
    _verify(header.pop("files", {}), files, source)
    meta = header.pop("state", None)
    if not isinstance(meta, dict):
        raise FormatError("The key 'state' is missing.", where=f"{source}: {_HEADER}")
    texts = {name.removesuffix(".txt"): content.decode() for name, content in files.items() if name.endswith(".txt")}
    return header, State(meta, _arrays(files.get(_TENSORS), source), texts)


def _arrays(content: bytes | None, source: Path) -> dict[str, np.ndarray]:
    if content is None:
        return {}
    from safetensors import SafetensorError
    from safetensors.numpy import load as unpack_arrays

    try:
        arrays: dict[str, np.ndarray] = unpack_arrays(content)
    except SafetensorError as error:
        raise FormatError(f"{_TENSORS} cannot be read: {error}", where=str(source)) from error
    return arrays


def _migrate(header: dict[str, Any], source: Path) -> dict[str, Any]:
    number = header.get("format") if isinstance(header, dict) else None
    if not isinstance(number, int) or number < 1:
        raise FormatError("The format number is missing.", where=f"{source}: {_HEADER}")
    if number > FORMAT:
        raise FormatError(
            f"The model has format {number}; this version reads up to {FORMAT}.",
            where=str(source),
            fix="pip install --upgrade synthwright",
        )
    while number < FORMAT:
        header = MIGRATIONS[number](header)
        number += 1
    return header


def _verify(listing: Mapping[str, Any], files: Mapping[str, bytes], source: Path) -> None:
    for name in sorted(set(listing) | set(files)):
        where = f"{source}: {name}"
        if name not in files:
            raise FormatError("A file of the model is missing.", where=where)
        if name not in listing:
            raise FormatError("An unexpected file lies in the model.", where=where, fix="remove it")
        if _sha256(files[name]) != listing[name].get("sha256"):
            raise FormatError(
                "The content does not match its checksum: the file was altered or cut short.",
                where=where,
                fix="copy the model again, or fit it anew",
            )


def _read_folder(source: Path, limit_bytes: int) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    total = 0
    if not (source / _HEADER).is_file():
        raise FormatError(
            f"The folder holds no model: {_HEADER} is missing.", where=str(source), fix="name a model that `fit` wrote"
        )
    for path in sorted(source.iterdir()):
        if path.is_symlink() or not path.is_file():
            raise FormatError("Only plain files may lie in a model.", where=str(path), fix="remove it")
        total += path.stat().st_size
        _check_size(total, limit_bytes, source)
        files[path.name] = path.read_bytes()
    return files


def _read_zip(source: Path, limit_bytes: int) -> dict[str, bytes]:
    if not source.exists():
        raise FormatError("There is no such file.", where=str(source), fix="check the path")
    if not _begins_as_archive(source):
        raise FormatError(
            "The file is no model: a saved model is a zip archive, and this is none.",
            where=str(source),
            fix="name what `synthwright fit --out` or `synthwright run` wrote, such as model.synth",
        )
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(source) as archive:
            _check_size(sum(item.file_size for item in archive.infolist()), limit_bytes, source)
            for item in archive.infolist():
                if Path(item.filename).name != item.filename or item.filename in ("", ".", "..") or item.is_dir():
                    raise FormatError(f"The archive holds an unsafe path: {item.filename!r}.", where=str(source))
                if item.filename in files:
                    raise FormatError(f"The archive holds {item.filename!r} twice.", where=str(source))
                files[item.filename] = _read_member(archive, item)
    except _BAD_ARCHIVE as error:
        raise FormatError(
            f"The file is not a complete .synth archive: {error}",
            where=str(source),
            fix="copy the model again, or fit it anew",
        ) from error
    return files


def _begins_as_archive(source: Path) -> bool:
    """Whether the first bytes are those of a zip archive, as far as there are any."""
    try:
        with source.open("rb") as stream:
            first = stream.read(len(_ZIP))
    except OSError as error:
        raise FormatError(
            f"Cannot open the model: {error.strerror}.", where=str(source), fix="check the path"
        ) from error
    return _ZIP.startswith(first)


def _read_member(archive: zipfile.ZipFile, item: zipfile.ZipInfo) -> bytes:
    with archive.open(item) as stream:
        content = stream.read(item.file_size + 1)
    if len(content) > item.file_size:
        raise FormatError(f"{item.filename!r} is larger than the archive says.", where=str(archive.filename))
    return content


def _check_size(total: int, limit_bytes: int, source: Path) -> None:
    if total > limit_bytes:
        raise FormatError(
            f"The model has {total:,} bytes; the limit is {limit_bytes:,}.",
            where=str(source),
            fix="pass limit_bytes= to load a larger one",
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def atomic_file(target: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; move it into place when the block ends without an error.

    Raises WriteError when the folder cannot be written or the disk is full; the old file stays.
    """
    final = Path(target)
    with _writing(final):
        if final.is_dir():
            raise IsADirectoryError(f"{final} is a folder")
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=final.parent, prefix=f".{final.name}.", suffix=".tmp")
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(final)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: str | Path) -> Iterator[Path]:
    """Like `atomic_file`, for a folder: the old one is replaced only when the new one is complete."""
    final = Path(target)
    with _writing(final):
        if final.exists() and not final.is_dir():
            raise NotADirectoryError(f"{final} is a file")
        final.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=final.parent, prefix=f".{final.name}.", suffix=".tmp"))
        try:
            yield temporary
            temporary.chmod(0o777 & ~_umask())
            if final.exists():
                retired = temporary.with_suffix(".old")
                final.replace(retired)
                temporary.replace(final)
                shutil.rmtree(retired)
            else:
                temporary.replace(final)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _writing(final: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(
            f"Cannot write: {error.strerror or error}.",
            where=str(final),
            fix="check the free space and the permissions of the folder, or name another place",
        ) from error


def write_text(target: str | Path, text: str) -> Path:
    """Write UTF-8 text in one step."""
    with atomic_file(target) as temporary:
        temporary.write_bytes(text.encode())
    return Path(target)


def write_json(target: str | Path, document: object) -> Path:
    """Write JSON with sorted keys in one step."""
    return write_text(target, json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
