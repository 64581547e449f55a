"""How identifiers are re-made: unlike the real ones, in their format, and unique as a function of the row number.

A format is a numbered space of values: whole numbers, a counter inside a text, or a pattern such as `P-` and five
digits. Runs of numbers that no real identifier uses come first; only when they are used up do new identifiers fall
among the real ones. The real identifiers are not stored, and the ends of the runs are rounded, so that a saved model
does not tell them.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.data.schema import Column, arrow_type

Style = Literal["integer", "counter", "pattern", "spread"]
_SPACE = 2**40  # largest number of values used of a larger space: keeps the scrambling inside 64 bits
_MULTIPLIER = 7_368_787  # prime below 2**23, so multiplier * index < 2**63
_RUNS = 64  # most runs of unused numbers kept
_DIGITS, _LOWER, _UPPER = "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ALPHABETS = ("89ab", "89AB", _DIGITS, _DIGITS + "abcdef", _DIGITS + "ABCDEF", _LOWER, _UPPER, _DIGITS + _LOWER,
              _DIGITS + _UPPER, _LOWER + _UPPER, _DIGITS + _LOWER + _UPPER)  # fmt: skip
_COUNTED = re.compile(r"(?P<prefix>.*?)(?P<number>0|[1-9]\d{0,17})")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_LINK = re.compile(r"[a-z]+://.+", re.IGNORECASE)


@dataclass(frozen=True)
class IdFormat:
    """One column's format. `make` is a pure function of the row numbers; `capacity` is how many differ."""

    name: str
    style: Style
    dtype: str
    null_rate: float
    free: tuple[tuple[int, int], ...]  # runs (start, length) that hold no real identifier, used first
    taken: tuple[tuple[int, int], ...]  # runs used after those
    scrambled: bool = False
    prefix: str = ""
    suffix: str = ""
    width: int = 0
    alphabets: tuple[str, ...] = ()

    @classmethod
    def of(cls, cells: pa.ChunkedArray, column: Column) -> Self | None:
        """The format of a column's cells; None when its type cannot be re-made."""
        kind = cells.type.value_type if pa.types.is_dictionary(cells.type) else cells.type
        rate = cells.null_count / max(1, len(cells))
        plain = cells.cast(kind).drop_null() if len(cells) else cells
        if _is_text(kind):
            return cls._of_text(plain.cast(pa.string()), column, str(cells.type), rate)
        if pa.types.is_integer(kind) or (pa.types.is_floating(kind) and _is_whole(plain)):
            limits = _limits(kind, column)
            return cls._of_numbers(plain.cast(pa.int64()).to_numpy(), column, str(cells.type), rate, limits=limits)
        if pa.types.is_temporal(kind) or pa.types.is_floating(kind):
            return cls._spread(plain, column, str(cells.type), rate)
        return None

    @classmethod
    def _of_numbers(
        cls, real: np.ndarray, column: Column, dtype: str, rate: float, *, limits: tuple[int, int], prefix: str = ""
    ) -> Self:
        real = np.unique(real)
        if not len(real):
            real = np.zeros(1, dtype=np.int64)
        first, last = int(real[0]), int(real[-1])
        dense = (last - first + 1) <= 20 * len(real)
        low, high = limits
        if dense:
            grid = 10 ** max(0, len(str(abs(last))) - 2)
            start = min(-(-(last + 1) // grid) * grid, high + 1)
            free = [(start, min(high - start + 1, _SPACE))] if start <= high else []
        else:
            low = max(low, 10 ** (len(str(abs(first))) - 1) if first > 0 else first)
            high = min(high, 10 ** len(str(abs(last))) - 1)
            free = _unused(real, low, high)
        taken = _complement(free, max(low, first) if dense else low, high if not dense else min(high, max(last, low)))
        style: Style = "counter" if prefix or not _is_number(dtype) else "integer"
        return cls(column.name, style, dtype, rate, tuple(free), tuple(taken), not dense, prefix)

    @classmethod
    def _of_text(cls, plain: pa.ChunkedArray, column: Column, dtype: str, rate: float) -> Self:
        values = pc.unique(plain).to_pylist()
        alphabets = _alphabets(values)
        if alphabets is not None:
            return cls._of_pattern(values, alphabets, column, dtype, rate)
        counted = [_COUNTED.fullmatch(value) for value in values]
        if values and all(counted):
            prefixes = {match["prefix"] for match in counted if match}
            if len(prefixes) == 1:
                numbers = np.array([int(match["number"]) for match in counted if match], dtype=np.int64)
                return cls._of_numbers(numbers, column, dtype, rate, limits=(0, 10**18), prefix=prefixes.pop())
        prefix, suffix = _template(values, column.name)
        return cls(column.name, "counter", dtype, rate, ((0, _SPACE),), (), False, prefix, suffix, 6)

    @classmethod
    def _of_pattern(
        cls, values: Sequence[str], alphabets: tuple[str, ...], column: Column, dtype: str, rate: float
    ) -> Self:
        size = prod(len(alphabet) for alphabet in alphabets)
        if size > _SPACE:  # too many to number: new ones meet a real one with probability n_new * n_real / size
            return cls(column.name, "pattern", dtype, rate, ((0, _SPACE),), (), True, alphabets=alphabets)
        ranks = np.unique(_ranks(values, alphabets))
        dense = int(ranks[-1] - ranks[0]) + 1 <= 20 * len(ranks)
        if dense:
            last = int(ranks[-1])
            grid = 10 ** max(0, len(str(last)) - 2)
            start = -(-(last + 1) // grid) * grid
            start = start if start < size else last + 1
            free = [(start, size - start)] if start < size else []
        else:
            free = _unused(ranks, 0, size - 1)
        taken = _complement(free, 0, size - 1)
        return cls(column.name, "pattern", dtype, rate, tuple(free), tuple(taken), not dense, alphabets=alphabets)

    @classmethod
    def _spread(cls, plain: pa.ChunkedArray, column: Column, dtype: str, rate: float) -> Self:
        """Moments and measures say nothing when spread evenly over whole units of their range."""
        ends = pc.min_max(plain) if len(plain) else {"min": pa.scalar(0), "max": pa.scalar(0)}
        low, high = (_whole(ends[key]) for key in ("min", "max"))
        return cls(column.name, "spread", dtype, rate, ((low, max(1, high - low + 1)),), (), True)

    @property
    def capacity(self) -> int:
        """How many different identifiers there are."""
        if self.style == "spread":
            return _SPACE  # not unique: nothing runs out
        return sum(length for _, length in (*self.free, *self.taken))

    @property
    def n_free(self) -> int:
        """How many of them are certain to differ from the real ones."""
        return sum(length for _, length in self.free)

    @property
    def words(self) -> str:
        """The format for people, with # for a digit and ? for another character."""
        if self.style == "pattern":
            return "".join(a if len(a) == 1 else "#" if a == _DIGITS else "?" for a in self.alphabets)
        if self.style == "spread":
            return "evenly spread values"
        return f"{self.prefix}{'#' * self.width or 'number'}{self.suffix}"

    def make(self, index: np.ndarray) -> pa.Array:
        """Identifiers of these row (or group) numbers; missing at the real rate, also by number."""
        salt = zlib.crc32(self.name.encode())
        numbers = self._numbers(np.asarray(index, dtype=np.int64), salt)
        gone = uniform(index, salt + 1) < self.null_rate if self.null_rate else None
        kind = arrow_type(self.dtype)
        value_kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if self.style == "pattern":
            made = self._spelled(numbers, np.asarray(index), salt)
        elif self.style == "counter":
            digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), self.width, "0")
            made = pc.binary_join_element_wise(self.prefix, digits, self.suffix, "")
        else:
            made = _cast_numbers(numbers, value_kind)
        made = made.cast(value_kind)
        if gone is not None:
            made = pc.if_else(pa.array(~gone), made, pa.scalar(None, value_kind))
        return made.cast(kind) if kind != value_kind else made

    def _numbers(self, index: np.ndarray, salt: int) -> np.ndarray:
        if self.style == "spread":
            start, length = self.free[0]
            return start + (uniform(index, salt) * length).astype(np.int64)
        n_free = self.n_free
        position = index.copy()
        if self.scrambled and n_free > 1:
            used = min(n_free, _SPACE)
            inside = index < used
            multiplier = _MULTIPLIER if used % _MULTIPLIER else 1
            scrambled = (index[inside] * multiplier + salt) % used
            position[inside] = scrambled * (n_free // used)
        return _at(position, (*self.free, *self.taken))

    def _spelled(self, numbers: np.ndarray, index: np.ndarray, salt: int) -> pa.Array:
        letters = np.empty((len(numbers), len(self.alphabets)), dtype="<U1")
        rest, counted = numbers.copy(), 1
        for position in range(len(self.alphabets) - 1, -1, -1):
            alphabet = np.array(list(self.alphabets[position]))
            size = len(alphabet)
            if counted >= _SPACE:  # the counter never reaches these letters
                digit = (uniform(index, salt + 7 * position) * size).astype(np.int64)
            else:
                digit, rest = rest % size, rest // size
            letters[:, position] = alphabet[digit]
            counted *= size
        return pa.array(
            np.ascontiguousarray(letters).view(f"<U{len(self.alphabets)}").ravel().astype(object), pa.string()
        )

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        values = dict(document)
        for key in ("free", "taken"):
            values[key] = tuple((int(start), int(length)) for start, length in values[key])
        values["alphabets"] = tuple(values["alphabets"])
        return cls(**values)


def uniform(index: np.ndarray, salt: int) -> np.ndarray:
    """Numbers in [0, 1) that look random and depend on (index, salt) alone.

    Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014, figure 17).
    """
    x = np.asarray(index).astype(np.uint64) + np.uint64(1)
    x = (x + np.uint64(salt & 0xFFFFFFFF)) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(dtype: str) -> bool:
    return not dtype.startswith("dictionary") and not _is_text(arrow_type(dtype))


def _is_whole(cells: pa.ChunkedArray) -> bool:
    values = cells.to_numpy()
    return bool(np.all(np.abs(values) < 2**53) and np.all(values == np.rint(values)))


def _whole(value: pa.Scalar) -> int:
    if pa.types.is_temporal(value.type):
        storage = pa.int32() if value.type.bit_width == 32 else pa.int64()
        return int(value.cast(storage).as_py())
    return int(np.floor(float(value.as_py() or 0.0)))


def _limits(kind: pa.DataType, column: Column) -> tuple[int, int]:
    if pa.types.is_floating(kind):
        low, high = -(2**53), 2**53
    else:
        bits = kind.bit_width - (0 if pa.types.is_unsigned_integer(kind) else 1)
        low = 0 if pa.types.is_unsigned_integer(kind) else -(2**bits)
        high = min(2**bits, 2**63) - 1
    for place, bound in enumerate(column.bounds or ()):
        if isinstance(bound, int | float):
            low, high = (max(low, int(bound)), high) if place == 0 else (low, min(high, int(bound)))
    return low, high


def _alphabets(values: Sequence[str]) -> tuple[str, ...] | None:
    """The smallest alphabet of every position when all values have one length and few fixed letters vary."""
    if len(values) < 2 or len({len(value) for value in values}) != 1 or not values[0]:
        return None
    found = []
    for letters in zip(*values, strict=True):
        seen = set(letters)
        fitting = (a for a in (*sorted(seen)[:1], *_ALPHABETS) if seen <= set(a))
        alphabet = next(fitting, None)
        if alphabet is None:
            return None
        found.append(alphabet)
    for order in (range(1, len(found)), range(len(found) - 2, -1, -1)):  # fixed digits of a longer number vary later
        for i in order:
            if len(found[i]) == 1 and found[i].isdigit() and found[i - order.step] == _DIGITS:
                found[i] = _DIGITS
    return tuple(found)


def _ranks(values: Sequence[str], alphabets: Sequence[str]) -> np.ndarray:
    ranks = np.zeros(len(values), dtype=np.int64)
    for position, alphabet in enumerate(alphabets):
        place = {letter: i for i, letter in enumerate(alphabet)}
        ranks = ranks * len(alphabet) + np.array([place[value[position]] for value in values], dtype=np.int64)
    return ranks


def _template(values: Sequence[str], name: str) -> tuple[str, str]:
    sample = values[:200]
    for pattern, prefix, suffix in ((_EMAIL, "user", "@example.org"), (_LINK, "https://example.org/", "")):
        if sample and sum(bool(pattern.fullmatch(value)) for value in sample) >= 0.8 * len(sample):
            return prefix, suffix
    return ("person-" if "name" in name.lower() else f"{name}-"), ""


def _unused(real: np.ndarray, low: int, high: int) -> list[tuple[int, int]]:
    """The longest runs of [low, high] without a real number, ends rounded inwards; in ascending order."""
    ends = np.concatenate([[low - 1], real[(real >= low) & (real <= high)], [high + 1]])
    gaps = np.diff(ends) - 1
    largest = np.sort(np.argsort(-gaps, kind="stable")[:_RUNS])
    runs = []
    for i in largest:
        start, length = int(ends[i]) + 1, int(gaps[i])
        grid = 10 ** max(0, len(str(length)) - 2)
        first = -(-start // grid) * grid
        last = (start + length) // grid * grid
        if last > first:
            runs.append((first, last - first))
    return runs


def _complement(runs: Sequence[tuple[int, int]], low: int, high: int) -> list[tuple[int, int]]:
    found, start = [], low
    for first, length in sorted(runs):
        if first > start:
            found.append((start, min(first, high + 1) - start))
        start = max(start, first + length)
    if start <= high:
        found.append((start, high + 1 - start))
    return [run for run in found if run[1] > 0]


def _at(position: np.ndarray, runs: Sequence[tuple[int, int]]) -> np.ndarray:
    """The number at each position of the runs laid end to end."""
    starts = np.array([start for start, _ in runs], dtype=np.int64)
    ends = np.cumsum([length for _, length in runs])
    run = np.minimum(np.searchsorted(ends, position, side="right"), len(runs) - 1)
    return np.asarray(
        starts[run] + position - (ends[run] - np.array([length for _, length in runs], dtype=np.int64)[run])
    )


def _cast_numbers(numbers: np.ndarray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_temporal(kind) and kind.bit_width == 32:
        return pa.array(numbers.astype(np.int32)).cast(kind)
    return pa.array(numbers).cast(kind)
