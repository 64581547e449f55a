"""What options say of the form of data: how text is written, and to which size images are brought."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from synthwright.core.errors import ConfigError

if TYPE_CHECKING:
    from synthwright.io.files import File

_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_SIZE = re.compile(r"(\d{1,5})(?:x(\d{1,5}))?")


def csv_target(out: str, given: Mapping[str, str]) -> str | File:
    """The target `out`, with what was asked of its text: delimiter, decimal, encoding. Raises ConfigError.

    given: by the name of the option; empty when it was not given.
    """
    asked = {name: value for name, value in given.items() if value}
    if not asked:
        return out
    from synthwright.io.files import SUFFIXES, File
    from synthwright.io.sql import as_query
    from synthwright.io.streams import split_suffix

    options = " and ".join(f"--{name}" for name in asked)
    file = None if out == "-" or as_query(out) else File(path=out)
    if file is None or SUFFIXES.get(split_suffix(file.path)[0]) != "csv":
        raise ConfigError(
            f"{options} {'shapes' if len(asked) == 1 else 'shape'} CSV files; {out!r} is none.",
            where="command line",
            fix="end it in .csv",
        )
    if "delimiter" in asked:
        asked["delimiter"] = _mark(asked["delimiter"])
    if asked.get("decimal", ".") not in (".", ","):
        raise ConfigError(
            f"A decimal mark is a point or a comma, not {asked['decimal']!r}.", where="--decimal", fix="write . or ,"
        )
    return File.model_validate({"path": out, **asked})


def _mark(text: str) -> str:
    mark = _NAMED.get(text.lower(), text)
    if len(mark) != 1 or not mark.isascii() or mark.isalnum() or mark in '"\r\n.-+ ':
        raise ConfigError(
            f"Cells cannot be cut at {text!r}.", where="--delimiter", fix="use comma, semicolon, tab, pipe, or one mark"
        )
    return mark


def image_size(text: str) -> tuple[int, int] | None:
    """Height and width from `32` or `32x48`; None when nothing was said. Raises ConfigError."""
    if not text:
        return None
    found = _SIZE.fullmatch(text.strip().lower())
    if found is None:
        raise ConfigError(
            f"{text!r} is no size of images.", where="--image-size", fix="write one side, 32, or height x width, 32x48"
        )
    return int(found[1]), int(found[2] or found[1])
