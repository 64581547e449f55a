"""Files as byte streams: compression by suffix, checks before reading, and writing in one step."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import pyarrow as pa

from synthwright.core.errors import ReadError, WriteError, did_you_mean, listing
from synthwright.core.store import atomic_file

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".lzma": "lzma", ".zst": "zstd", ".zip": "zip"}
# What the readers of damaged archives raise.
BAD_STREAM = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, pa.ArrowException)


def split_suffix(path: Path) -> tuple[str, str]:
    """Suffix of the content and name of the compression: `a.csv.gz` gives (".csv", "gzip"), `a.csv` (".csv", "")."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in COMPRESSIONS:
        return (suffixes[-2] if len(suffixes) > 1 else ""), COMPRESSIONS[suffixes[-1]]
    return (suffixes[-1] if suffixes else ""), ""


def check_readable(path: Path) -> None:
    """Raise ReadError unless `path` is a file with content."""
    where = str(path)
    if path.is_dir():
        inside = listing(sorted(item.name for item in path.iterdir() if item.is_file()), 5)
        raise ReadError(
            "This is a folder, not a file.", where=where, fix=f"name a file in it: {inside or 'it is empty'}"
        )
    if not path.exists():
        parent = path.parent
        known = [item.name for item in parent.iterdir()] if parent.is_dir() else []
        raise ReadError(f"There is no such file.{did_you_mean(path.name, known)}", where=where, fix="check the path")
    if not path.is_file():
        raise ReadError("This is not a regular file.", where=where, fix="name a file")
    try:
        with path.open("rb") as stream:
            if not stream.read(1):
                raise ReadError("The file is empty.", where=where, fix="check how it was made")
    except OSError as error:
        raise ReadError(f"Cannot open: {error.strerror}.", where=where, fix="check its permissions") from error


@contextmanager
def open_input(path: Path) -> Iterator[IO[bytes]]:
    """A stream of the file's decompressed bytes. Raises ReadError, also for a damaged archive met while reading."""
    check_readable(path)
    try:
        with _decompressed(path) as stream:
            yield stream
    except BAD_STREAM as error:
        if isinstance(error, pa.ArrowInvalid) and not split_suffix(path)[1]:
            raise
        raise ReadError(
            f"The file cannot be read to its end: {error}", where=str(path), fix="copy it again; is it complete?"
        ) from error


@contextmanager
def _decompressed(path: Path) -> Iterator[IO[bytes]]:
    name = split_suffix(path)[1]
    if name == "zip":
        with zipfile.ZipFile(path) as archive, archive.open(_only_member(archive, path)) as stream:
            yield stream
    elif name == "zstd":
        with pa.OSFile(str(path)) as raw, pa.CompressedInputStream(raw, "zstd") as stream:
            yield cast(IO[bytes], stream)
    else:
        openers: dict[str, Callable[..., Any]] = {
            "gzip": gzip.open,
            "bz2": bz2.open,
            "xz": lzma.open,
            "lzma": lzma.open,
        }
        with openers.get(name, open)(path, "rb") as stream:
            yield stream


def _only_member(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    members = [item for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX/")]
    if len(members) != 1:
        names = listing([item.filename for item in members], 5)
        raise ReadError(
            f"The archive holds {len(members)} files ({names}); one is expected.",
            where=str(path),
            fix="unpack it and name the file",
        )
    return members[0]


@contextmanager
def open_output(path: Path) -> Iterator[IO[bytes]]:
    """A stream that becomes the file `path`, compressed by suffix, when the block ends without an error.

    Equal content gives equal bytes: archives hold no time stamps. Raises WriteError; the old file then stays.
    """
    name = split_suffix(path)[1]
    with atomic_file(path) as temporary, temporary.open("wb") as raw:
        if name in ("xz", "lzma"):
            form = lzma.FORMAT_XZ if name == "xz" else lzma.FORMAT_ALONE
            with lzma.open(raw, "wb", format=form) as stream:
                yield cast(IO[bytes], stream)
        elif name == "gzip":
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as stream:
                yield cast(IO[bytes], stream)
        elif name == "bz2":
            with bz2.open(raw, "wb") as stream:
                yield cast(IO[bytes], stream)
        elif name == "zstd":
            with pa.CompressedOutputStream(pa.PythonFile(raw, mode="w"), "zstd") as stream:
                yield cast(IO[bytes], stream)
        elif name == "zip":
            with zipfile.ZipFile(raw, "w") as archive:
                item = zipfile.ZipInfo(path.name.removesuffix(".zip"))
                item.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(item, "w", force_zip64=True) as stream:
                    yield stream
        else:
            yield raw


def refuse_compression(path: Path, what: str) -> None:
    """Raise WriteError when a format that compresses itself is asked for with an outer compression."""
    if split_suffix(path)[1]:
        raise WriteError(f"{what} files compress themselves.", where=str(path), fix="leave out the second suffix")
