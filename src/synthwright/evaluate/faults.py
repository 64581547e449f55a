"""Planted faults: known defects put into real rows, to test a judge of synthetic data. Ours is certified by them.

The carrier is a perfect generator: fresh real rows. `inject` spoils it in one way and leaves the rest alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy import stats

from synthwright.classic.association import ranks_correlation
from synthwright.core.errors import ConfigError, Unsupported, did_you_mean, listing
from synthwright.core.seeds import named_rng
from synthwright.data.schema import MAIN, Column
from synthwright.data.table import Table

_SWAP = 0.05  # share of the levels exchanged beside the jitter of numbers
_UNRELATED = 0.15  # rank correlation below which two numbers count as unrelated
_ATOM = 0.05  # a value held by so many rows is a default, which jitter and shifts of one column leave alone


@dataclass(frozen=True)
class Parts:
    """The tables an injector may use."""

    carrier: Table
    train: Table
    holdout: Table
    dose: float
    rng: np.random.Generator
    target: str | None


@dataclass(frozen=True)
class Fault:
    """One defect. axis: where it must be seen; scores: ids of which at least one must fail; dose: its usual size."""

    name: str
    axis: str
    scores: tuple[str, ...]
    dose: float
    summary: str
    make: Callable[[Parts], Table]


def inject(
    name: str,
    carrier: Table,
    *,
    train: Table,
    holdout: Table,
    dose: float | None = None,
    seed: int = 0,
) -> Table:
    """Spoil `carrier` (real rows that are in neither train nor holdout) with the fault called `name`.

    dose: size of the fault, its usual one when not given. The target is the schema's. The same seed gives the same
    rows. Raises ConfigError for an unknown name, Unsupported when the table has no column for it.

    >>> real = Table.of({"x": [float(i) for i in range(60)], "y": ["a", "b", "b"] * 20})
    >>> fake = inject("copy_all", real, train=real, holdout=real)
    >>> set(fake["x"].to_pylist()) <= set(real["x"].to_pylist())
    True
    """
    if name not in FAULTS:
        raise ConfigError(
            f"Unknown fault {name!r}.{did_you_mean(name, FAULTS)}", fix=f"use one of: {listing(FAULTS, 40)}"
        )
    fault = FAULTS[name]
    parts = Parts(
        carrier,
        train,
        holdout,
        fault.dose if dose is None else dose,
        named_rng(seed, f"fault {name}"),
        train.schema.target,
    )
    return fault.make(parts)


# -- privacy


def _copy_all(parts: Parts) -> Table:
    return parts.train.select(parts.rng.integers(len(parts.train), size=len(parts.carrier)))


def _copy_some(parts: Parts) -> Table:
    return _replaced(parts, parts.train)


def _leak_holdout(parts: Parts) -> Table:
    return _replaced(parts, parts.holdout)


def _replaced(parts: Parts, source: Table) -> Table:
    n = len(parts.carrier)
    k = min(max(1, round(parts.dose * n)), len(source))
    kept = parts.carrier.select(np.sort(parts.rng.choice(n, size=n - k, replace=False)))
    return Table.concat([kept, source.select(parts.rng.choice(len(source), size=k, replace=False))])


def _copy_jitter(parts: Parts) -> Table:
    rows = parts.rng.permutation(len(parts.train))[: len(parts.carrier)]
    table = parts.train.select(rows)
    for column in _numbers(table):
        values = _values(table, column)
        noise = parts.dose * np.nanstd(values) * parts.rng.standard_normal(len(values))
        table = _with(table, column, np.where(_is_atom(values), values, values + noise))
    for column in table.columns:
        if column.is_discrete and column.is_learned:
            swapped = np.flatnonzero(parts.rng.random(len(table)) < _SWAP)
            order = np.arange(len(table))
            order[swapped] = parts.rng.permutation(swapped)
            table = _set(table, column, table[column.name].take(pa.array(order)))
    return table


# -- fidelity


def _independent(parts: Parts) -> Table:
    table = parts.carrier
    for column in table.columns:
        order = parts.rng.permutation(len(table))
        table = _set(table, column, table[column.name].take(pa.array(order)))
    return table


def _invent_correlation(parts: Parts) -> Table:
    """Reorder one number so that its ranks follow another one a little; its margin stays exactly as it is."""
    table = parts.carrier
    candidates = [column for column in _numbers(table) if _smoothness(_values(table, column)) > 0.8]
    best: tuple[float, Column, Column] | None = None
    for i, a in enumerate(candidates):
        for b in candidates[:i]:
            found = abs(ranks_correlation(*(np.nan_to_num(_values(table, c)) for c in (a, b))))
            if best is None or found < best[0]:
                best = (found, a, b)
    if best is None or best[0] > _UNRELATED:
        raise Unsupported("The table has no two unrelated numbers with many values.", fix="inject another fault")
    _, a, b = best
    x, y = (_normal_scores(_values(table, column), parts.rng) for column in (a, b))
    rest = y - float(x @ y / (x @ x)) * x  # the new correlation replaces the little there was
    mixed = parts.dose * x + np.sqrt(1 - parts.dose**2) * rest / rest.std()
    values = _values(table, b)
    present = ~np.isnan(values)
    moved = values.copy()
    moved[np.flatnonzero(present)[np.argsort(mixed[present], kind="stable")]] = np.sort(values[present])
    return _with(table, b, moved)


def _normal_scores(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    order = np.lexsort([rng.random(len(values)), np.nan_to_num(values)])
    ranks = np.empty(len(values))
    ranks[order] = np.arange(1, len(values) + 1)
    return np.asarray(stats.norm.ppf(ranks / (len(values) + 1)))


def _cut_tails(parts: Parts) -> Table:
    column = _smoothest(parts.carrier)
    values = _values(parts.carrier, column)
    low, high = np.nanquantile(values, [parts.dose, 1 - parts.dose])
    if not ((values < low) | (values > high)).any():
        raise Unsupported(f"{column.name!r} has no tails: its ends are common values.", fix="inject another fault")
    return _with(parts.carrier, column, np.clip(values, low, high))


def _shift_mean(parts: Parts) -> Table:
    column = _smoothest(parts.carrier)
    values = _values(parts.carrier, column)
    return _with(parts.carrier, column, values + parts.dose * np.nanstd(values))


def _unseen_level(parts: Parts) -> Table:
    column = _level_column(parts.carrier, parts.target)
    cells = _texts(parts.carrier, column).to_pylist()
    for row in parts.rng.choice(len(cells), size=max(1, round(parts.dose * len(cells))), replace=False).tolist():
        cells[row] = "planted level"
    free = parts.carrier.schema.edit({column.name: {"kind": "category", "dtype": "string", "categories": None}})
    table = parts.carrier.arrow
    return Table({MAIN: table.set_column(table.column_names.index(column.name), column.name, pa.array(cells))}, free)


def _fill_gaps(parts: Parts) -> Table:
    """Missing cells of every column spread over the rows at random: rates stay, joint patterns go."""
    table = parts.carrier
    if sum(table[column.name].null_count > 0 for column in table.columns if column.is_learned) < 2:
        raise Unsupported("Fewer than two columns have gaps.", fix="inject another fault")
    for column in table.columns:
        if table[column.name].null_count:
            order = parts.rng.permutation(len(table))
            table = _set(table, column, table[column.name].take(pa.array(order)))
    return table


def _heap(parts: Parts) -> Table:
    column = _smoothest(parts.carrier)
    values = _values(parts.carrier, column)
    spread = np.nanstd(values)
    step = 10.0 ** np.ceil(np.log10(spread / 5))
    chosen = parts.rng.random(len(values)) < parts.dose
    return _with(parts.carrier, column, np.where(chosen, np.round(values / step) * step, values))


# -- diversity


def _collapse(parts: Parts) -> Table:
    n = len(parts.carrier)
    kept = parts.rng.choice(n, size=max(1, round(parts.dose * n)), replace=False)
    return parts.carrier.select(np.resize(kept, n))


def _drop_minority(parts: Parts) -> Table:
    """Take out every row of one level: the rarest with at least `dose` of the rows."""
    table = parts.carrier
    best: tuple[float, Column, str] | None = None
    for column in table.columns:
        if not (column.is_discrete and column.is_learned) or column.name == parts.target:
            continue
        for item in _texts(table, column).value_counts().to_pylist():
            share = item["counts"] / len(table)
            if item["values"] is not None and parts.dose <= share < 0.3 and (best is None or share < best[0]):
                best = (share, column, item["values"])
    if best is None:
        raise Unsupported(f"No level has between {parts.dose:.1%} and 30% of the rows.", fix="inject another fault")
    _, column, level = best
    keep = pc.fill_null(pc.not_equal(_texts(table, column), level), True)
    return table.select(np.flatnonzero(keep.to_numpy(zero_copy_only=False)))


def _duplicate(parts: Parts) -> Table:
    return _replaced(parts, parts.carrier)


# -- utility


def _shuffle_target(parts: Parts) -> Table:
    if parts.target is None:
        raise Unsupported("The table has no target.", fix="mark one: Table.of(data, target=)")
    n = len(parts.carrier)
    chosen = parts.rng.choice(n, size=round(parts.dose * n), replace=False)
    order = np.arange(n)
    order[chosen] = parts.rng.permutation(chosen)
    column = parts.carrier.schema[parts.target]
    return _set(parts.carrier, column, parts.carrier[parts.target].take(pa.array(order)))


# -- no fault


def _reordered(parts: Parts) -> Table:
    return parts.carrier.select(parts.rng.permutation(len(parts.carrier)))


_MADE = (
    ("none", "none", "", 0.0, "fresh real rows in another order: nothing may fail", _reordered),
    ("copy_all", "privacy", "copies", 1.0, "all rows drawn from train", _copy_all),
    (
        "copy_jitter",
        "privacy",
        "near_copies dcr_share",
        0.02,
        "all train rows, noise of a share of the sd on numbers, 5 % of the levels exchanged",
        _copy_jitter,
    ),
    ("copy_some", "privacy", "copies", 0.05, "a share of the rows is copied from train", _copy_some),
    ("leak_holdout", "privacy", "leak", 0.20, "a share of the rows is copied from the holdout", _leak_holdout),
    ("independent", "fidelity", "pairs", 1.0, "every column is shuffled on its own", _independent),
    ("collapse", "diversity", "coverage", 0.10, "a share of the rows, repeated", _collapse),
    ("drop_minority", "diversity", "rare_levels", 0.02, "a rare level is lost", _drop_minority),
    ("duplicate", "diversity", "duplicates", 0.10, "a share of the rows repeats others", _duplicate),
    ("shuffle_target", "utility", "relation", 0.20, "the target is shuffled in a share of the rows", _shuffle_target),
    ("invent_correlation", "fidelity", "invented", 0.20, "two unrelated numbers correlate", _invent_correlation),
    ("cut_tails", "fidelity", "tails", 0.01, "one number is clipped at two quantiles", _cut_tails),
    ("shift_mean", "fidelity", "marginals", 0.10, "one number is shifted by a share of its sd", _shift_mean),
    ("unseen_level", "fidelity", "support", 0.02, "a share of the rows gets a new level", _unseen_level),
    ("fill_gaps", "fidelity", "missing pairs", 1.0, "gaps no longer come together", _fill_gaps),
    ("heap", "fidelity", "spikes", 0.30, "a share of one number is rounded coarsely", _heap),
)
FAULTS: dict[str, Fault] = {
    name: Fault(name, axis, tuple(f"{axis}.{score}" for score in scores.split()), dose, summary, make)
    for name, axis, scores, dose, summary, make in _MADE
}
REQUIRED = (
    "copy_all", "copy_jitter", "copy_some", "independent", "collapse", "shuffle_target", "drop_minority",
    "invent_correlation", "cut_tails", "shift_mean",
)  # fmt: skip


# -- cells


def _numbers(table: Table) -> list[Column]:
    return [
        column
        for column in table.columns
        if column.kind in ("number", "integer") and column.is_learned and column.role != "target"
    ]


def _values(table: Table, column: Column) -> np.ndarray:
    return np.asarray(table[column.name].combine_chunks().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _texts(table: Table, column: Column) -> pa.Array:
    cells = table[column.name].combine_chunks()
    plain = cells.cast(cells.type.value_type) if pa.types.is_dictionary(cells.type) else cells
    return plain.cast(pa.string())


def _smoothness(values: np.ndarray) -> float:
    """Share of the rows whose value is no default and no gap."""
    return float(1 - (_is_atom(values) | np.isnan(values)).mean())


def _is_atom(values: np.ndarray) -> np.ndarray:
    found, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    return np.isin(values, found[counts > _ATOM * len(values)])


def _smoothest(table: Table) -> Column:
    """The number with the most distinct values."""
    columns = _numbers(table)
    if not columns:
        raise Unsupported("The table has no number to spoil.", fix="inject another fault")
    return max(columns, key=lambda column: len(np.unique(_values(table, column))))


def _level_column(table: Table, target: str | None) -> Column:
    for column in table.columns:
        if column.kind == "category" and column.is_learned and column.name != target:
            return column
    raise Unsupported("The table has no category to spoil.", fix="inject another fault")


def _with(table: Table, column: Column, values: np.ndarray) -> Table:
    """The table with new numbers in a column, on its own type and inside its own bounds."""
    kind = table.arrow.schema.field(column.name).type
    if pa.types.is_integer(kind):
        values = np.round(values)
    return _set(table, column, pa.array(values, mask=np.isnan(values)).cast(kind, safe=False))


def _set(table: Table, column: Column, cells: pa.Array | pa.ChunkedArray) -> Table:
    place = table.arrow.column_names.index(column.name)
    field = table.arrow.schema.field(column.name)
    free = table.schema.edit({column.name: {"bounds": None}})
    return Table({MAIN: table.arrow.set_column(place, field, cells)}, free, table.notes)
