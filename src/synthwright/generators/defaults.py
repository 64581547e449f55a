"""What `auto` is where data are read: the method by that name for tables, another one for other data."""

from __future__ import annotations

from typing import Any

from synthwright.core.context import Note
from synthwright.core.errors import MissingExtra
from synthwright.data.dataset import Dataset
from synthwright.generators.base import Generator

# Modality -> methods in order of preference; the first whose packages are installed is taken.
_AUTO = {"images": ("image_flow", "image_ppca"), "series": ("pca_gaussian",)}


def method_for(data: Dataset | None, name: str = "auto", /, **options: Any) -> tuple[Generator, list[Note]]:
    """The generator of this name, and a Note when `auto` is another method for these data.

    >>> from synthwright.data.sequences import SeriesSet
    >>> method, notes = method_for(SeriesSet.of({"x": [0.1, 0.4, 0.2]}))
    >>> method.name, [note.code for note in notes]
    ('pca_gaussian', ['G033'])

    Raises Unsupported, ConfigError, MissingExtra.
    """
    if name != "auto" or data is None or data.modality not in _AUTO:
        return Generator.create(name, **options), []
    passed_over = ""
    *preferred, last = _AUTO[data.modality]
    for candidate in preferred:
        method = Generator.create(candidate, **options)
        try:
            method.check_packages()
        except MissingExtra as error:
            passed_over = f"; {candidate} is better but cannot be used: {error.what} {error.fix}"
            continue
        return method, [_chosen(candidate, data, "")]
    return Generator.create(last, **options), [_chosen(last, data, passed_over)]


def _chosen(name: str, data: Dataset, more: str) -> Note:
    return Note("G033", f"auto uses {name!r} for {data.modality}{more}", "generator 'auto'")
