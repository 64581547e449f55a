"""Train, holdout and test without leaks: by the schema's roles, in units, from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.context import Note
from synthwright.core.errors import ConfigError, DataError, counted, listing
from synthwright.core.seeds import check_seed, named_rng
from synthwright.data.dataset import Dataset
from synthwright.data.schema import Column

DatasetT = TypeVar("DatasetT", bound=Dataset)
PARTS = ("train", "holdout", "test")
_WORDS = {
    **dict.fromkeys(("train", "training", "fit"), 0),
    **dict.fromkeys(("holdout", "validation", "valid", "val", "dev"), 1),
    **dict.fromkeys(("test", "testing", "eval", "evaluation"), 2),
}


def split(
    data: DatasetT, *, fractions: Sequence[float] = (0.6, 0.2, 0.2), seed: int = 0
) -> tuple[DatasetT, DatasetT, DatasetT]:
    """Divide a dataset into (train, holdout, test); a Note on each part says by what.

    The first role that the schema gives decides: `split` (its words train, holdout or validation, test; when there
    is no holdout, the training units are divided further by the other roles), `group` (no group on both sides; parts
    get groups of all sizes alike), `order` with moments (train before holdout before test; equal moments stay
    together), else by unit, each level of a discrete target in equal shares. A group and an order together keep
    groups whole, in the order of their first moments. Units keep their order within a part.

    Rows that are exact copies of each other are units of their own and may fall on both sides, as they do in new
    data; give them a common `group` to prevent it. Sizes are exact for units, groups and levels up to one.
    Raises ConfigError for bad fractions, DataError for too few units or unknown words in a `split` column.
    """
    shares = _shares(fractions)
    rng = named_rng(check_seed(seed), "split")
    divided = data.split_parts(shares, rng)
    if divided is None:
        numbers, how = _assigned(data, shares, rng)
        parts = [data.select(np.flatnonzero(numbers == number)) for number in range(len(PARTS))]
    else:
        parts, how = list(divided[0]), divided[1]
    found = []
    for name, part in zip(PARTS, parts, strict=True):
        if not len(part):
            raise DataError(f"No unit is left for the {name} part.", where=how, fix="use more units or other fractions")
        size = f"{len(part):,} of {len(data):,} units" if divided is None else f"{part.to_arrow().num_rows:,} rows"
        note = Note("S001", f"{name} part, split {how}: {size}")
        found.append(type(data)(part.tables, part.schema, (*data.notes, note)))
    return found[0], found[1], found[2]


def _shares(fractions: Sequence[float]) -> np.ndarray:
    shares = np.asarray(fractions, dtype=np.float64)
    if shares.shape != (3,) or not np.all(shares > 0) or abs(shares.sum() - 1) > 1e-6:
        raise ConfigError(
            f"fractions must be three numbers above 0 that add up to 1, not {tuple(fractions)}.",
            where="split(fractions)",
            fix="use (0.6, 0.2, 0.2) for train, holdout and test",
        )
    return np.asarray(shares / shares.sum())


def _assigned(data: Dataset, shares: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, str]:
    """The part of every unit, and by what."""
    n = len(data)
    if n < len(PARTS):
        raise DataError(
            f"{counted(n, 'unit')} cannot be divided into three parts.", where="split", fix="use at least 3 units"
        )
    columns = data.schema.of(data.main) if data.main in data.schema.tables else ()
    if data.arrow.num_rows != n:  # units are not rows: no column describes them one by one
        columns = ()
    marked = next((column for column in columns if column.role == "split"), None)
    if marked is not None:
        return _by_words(data, marked, columns, shares, rng)
    return _by_roles(data, np.arange(n), columns, shares, rng)


def _by_words(
    data: Dataset, marked: Column, columns: Sequence[Column], shares: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, str]:
    words = [str(word).lower() for word in data.arrow.column(marked.name).to_pylist()]
    unknown = sorted(set(words) - set(_WORDS))
    if unknown:
        raise DataError(
            f"The split column {marked.name!r} holds {listing([repr(word) for word in unknown], 5)}.",
            where=f"column {marked.name!r}",
            fix="use the words train, holdout (or validation) and test, or give the column another role",
        )
    parts = np.array([_WORDS[word] for word in words])
    how = f"by column {marked.name!r}"
    if not np.any(parts == 1):
        units = np.flatnonzero(parts == 0)
        inner = np.array([shares[0], shares[1]]) / (shares[0] + shares[1])
        divided, inner_how = _by_roles(data, units, columns, inner, rng)
        parts[units] = divided
        how += f", holdout taken from train {inner_how}"
    return parts, how


def _by_roles(
    data: Dataset, units: np.ndarray, columns: Sequence[Column], shares: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, str]:
    group = next((column for column in columns if column.role == "group"), None)
    order = next((column for column in columns if column.role == "order" and column.kind == "datetime"), None)
    times = _codes(data, order, units) if order is not None else None
    if group is not None:
        return _by_group(_groups(data, group, units), times, shares, rng, f"by group {group.name!r}")
    if order is not None and times is not None:
        return _in_order(times, shares)[times], f"by time {order.name!r}"
    target = next((column for column in columns if column.role == "target" and column.is_discrete), None)
    if target is not None:
        levels = _codes(data, target, units)
        return _interleaved(levels, shares, rng), f"by unit, levels of {target.name!r} alike"
    return _interleaved(np.zeros(len(units), dtype=np.int64), shares, rng), "by unit"


def _by_group(
    groups: np.ndarray, times: np.ndarray | None, shares: np.ndarray, rng: np.random.Generator, how: str
) -> tuple[np.ndarray, str]:
    sizes = np.bincount(groups)
    if len(sizes) < len(shares):
        raise DataError(
            f"{counted(len(sizes), 'group')} cannot be divided into {len(shares)} parts.",
            where=how,
            fix="use more groups",
        )
    if times is None:
        return _interleaved(sizes, shares, rng)[groups], how
    first = np.full(len(sizes), np.iinfo(np.int64).max)
    np.minimum.at(first, groups, times)
    _, place = np.unique(first, return_inverse=True)
    return _in_order(place, shares)[place][groups], f"{how}, in order of first moments"


def _codes(data: Dataset, column: Column, units: np.ndarray) -> np.ndarray:
    """Dense ranks of the cells in ascending order; missing is the first."""
    cells = data.arrow.column(column.name).take(pa.array(units))
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if cells.null_count == len(cells):
        return np.zeros(len(cells), dtype=np.int64)
    coded = pa.concat_arrays(cells.chunks).dictionary_encode()
    ranks = pc.rank(coded.dictionary, sort_keys="ascending", tiebreaker="dense").to_numpy().astype(np.int64)
    index = pc.fill_null(coded.indices, -1).to_numpy()
    codes = np.where(index < 0, 0, np.append(ranks, 0)[index])
    return np.unique(codes, return_inverse=True)[1]


def _groups(data: Dataset, column: Column, units: np.ndarray) -> np.ndarray:
    """A number for each unit's group; a unit without one is a group of its own."""
    cells = data.arrow.column(column.name).take(pa.array(units))
    codes = _codes(data, column, units)
    alone = pc.is_null(cells).to_numpy().astype(bool)
    codes[alone] = codes.max() + 1 + np.arange(int(alone.sum()))
    return np.unique(codes, return_inverse=True)[1]


def _sizes(n: int, shares: np.ndarray) -> np.ndarray:
    """Whole sizes that add up to n, by largest remainder, none of them 0 when n allows."""
    sizes = np.floor(n * shares).astype(np.int64)
    order = np.argsort(-(n * shares - sizes), kind="stable")
    sizes[order[: n - int(sizes.sum())]] += 1
    while n >= len(shares) and (sizes == 0).any():
        sizes[np.argmax(sizes)] -= 1
        sizes[np.argmin(sizes)] += 1
    return np.asarray(sizes)


def _interleaved(levels: np.ndarray, shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random part for each unit, so that every run of equal levels gets its shares up to one unit.

    Part k's labels stand at the even places (j + 1/2) / size_k; merging them gives a fair sequence, which meets the
    units in random order within levels.
    """
    n = len(levels)
    sizes = _sizes(n, shares)
    places = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    labels = np.repeat(np.arange(len(shares)), sizes)[np.argsort(places, kind="stable")]
    parts = np.empty(n, dtype=np.int64)
    parts[np.lexsort((rng.random(n), levels))] = labels
    return parts


def _in_order(places: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The part of each place in time, cut where the units' shares are nearest; a place is never cut."""
    counts = np.bincount(places)
    if len(counts) < len(shares):
        raise DataError(
            f"{counted(len(counts), 'different moment')} cannot be divided into {len(shares)} parts.",
            where="split by time",
            fix="give the column another role to split at random",
        )
    upto = np.cumsum(counts) / counts.sum()
    cuts: list[int] = []
    for number, wanted in enumerate(np.cumsum(shares)[:-1]):
        first = cuts[-1] + 1 if cuts else 0
        last = len(counts) - (len(shares) - 1 - number)  # leaves one place for each later part
        cuts.append(first + int(np.argmin(np.abs(upto[first:last] - wanted))))
    return np.searchsorted(cuts, np.arange(len(counts)), side="left")
