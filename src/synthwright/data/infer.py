"""Guess kinds, roles and sensitivity of columns, with the evidence for each guess.

Evidence holds counts and names, never cell values: a schema is saved inside models. The target is never guessed.
Bounds stay open, because a new real row may lie outside what was seen.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.errors import DataError
from synthwright.data.schema import Column, Kind, Role, Scalar, Schema
from synthwright.data.sensitive import judge, name_tokens, names_a_person

MAX_LEVELS = 4096  # levels listed in a schema; a column with more stays open
_FEW = 10  # whole numbers with at most so many values may be codes
_REPEATS = 3  # codes come back: so many cells for each value at least
_CODES = 100  # ... and with a telling name, at most so many
_TEXT_LEVELS = 50  # texts with at most so many values are levels unless nearly every cell has its own
_FEWEST_PERSONS = 10  # numbers of persons, from which a column that says so holds them
_PROSE_WORDS = 6  # texts of so many words a cell are sentences even when some repeat
_SAMPLE = 2000  # distinct texts looked at for patterns
_ID_ENDS = {"id", "ids", "uuid", "guid", "key", "pk", "rowid", "identifier", "ssn", "mrn", "uid"}
_NUMBER_ENDS = {"number", "no", "nr", "num"}
_NUMBERED = {
    "hospital",
    "account",
    "customer",
    "invoice",
    "order",
    "policy",
    "phone",
    "patient",
    "record",
    "serial",
    "passport",
    "case",
    "ticket",
    "telephone",
    "card",
    "licence",
    "license",
    "employee",
    "student",
    "member",
    "reference",
    "registration",
    "tracking",
}
_CODE_WORDS = {
    "code",
    "type",
    "class",
    "cat",
    "category",
    "group",
    "cluster",
    "region",
    "zone",
    "state",
    "county",
    "sex",
    "gender",
    "race",
    "ethnicity",
    "marital",
    "marriage",
    "status",
    "education",
    "occupation",
    "system",
    "systems",
    "browser",
    "channel",
    "segment",
    "label",
    "flag",
    "ward",
    "dept",
    "department",
    "zip",
    "zipcode",
    "postcode",
    "postal",
    "district",
    "weekday",
    "country",
}
_COUNT_WORDS = {
    "num",
    "number",
    "count",
    "counts",
    "n",
    "years",
    "score",
    "rate",
    "level",
    "amount",
    "amt",
    "total",
    "avg",
    "mean",
}
_SPLIT_NAMES = {"split", "fold", "subset", "partition"}
_SPLIT_WORDS = {"train", "training", "test", "testing", "valid", "validation", "val", "dev", "holdout", "eval"}
_ROUND_STEPS = tuple(sorted((m * 10**p for p in range(10) for m in (5, 10, 25)), reverse=True))
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True)
class Profile:
    """Counts of one column.

    levels: distinct known values, ascending unless there are over MAX_LEVELS; counts: how often each occurs.
    """

    name: str
    n_rows: int
    n_known: int
    levels: pa.Array
    counts: np.ndarray

    @property
    def n_distinct(self) -> int:
        """Distinct known values."""
        return len(self.levels)

    @property
    def words(self) -> str:
        """The counts as text."""
        missing = self.n_rows - self.n_known
        tail = f", {missing:,} missing" if missing else ""
        return f"{self.n_distinct:,} of {self.n_known:,} distinct{tail}"


@dataclass(frozen=True)
class Guess:
    """What a column seems to be, and why."""

    kind: Kind
    why: str
    role: Role = "feature"
    categories: tuple[Scalar, ...] | None = None
    step: float | None = None
    format: str | None = None


def infer_schema(table: pa.Table, *, hints: Mapping[str, Mapping[str, object]] | None = None) -> Schema:
    """The schema a data scientist would write down for the table.

    hints: column name -> fields of Column already known, for example from a reader (format, null_words, kind);
    they win over guesses, and their `evidence` is put in front. Raises DataError for a table without columns.
    Cost: one hash pass per column; a sort of its distinct values.
    """
    if table.num_columns == 0:
        raise DataError("The table has no columns.", fix="check the source")
    known = hints or {}
    columns = [
        infer_column(name, cells, known.get(name, {}))
        for name, cells in zip(table.column_names, table.columns, strict=True)
    ]
    return Schema(columns=tuple(columns))


def infer_column(name: str, cells: pa.ChunkedArray, hint: Mapping[str, object]) -> Column:
    """One column of `infer_schema`."""
    kind = cells.type
    profile = _profile(name, cells)
    guess = _guess(profile, cells)
    texts = [str(v) for v in _spread(profile.levels).to_pylist()] if _is_text(_value_type(kind)) else []
    sensitivity, reason = judge(
        name, kind=guess.kind, n_distinct=profile.n_distinct, n_known=profile.n_known, values=texts
    )
    if guess.kind == "identifier" and guess.role in ("id", "group"):
        sensitivity, reason = "direct", "an identifier points at one unit"
    evidence = [str(hint.get("evidence", "")), guess.why, f"{sensitivity}: {reason}" if reason else ""]
    fields: dict[str, object] = {
        "name": name,
        "kind": guess.kind,
        "dtype": str(kind),
        "role": guess.role,
        "nullable": True,
        "categories": guess.categories,
        "step": guess.step,
        "format": guess.format,
        "sensitivity": sensitivity,
        **{key: value for key, value in hint.items() if value is not None},
        "evidence": "; ".join(part for part in evidence if part),
    }
    return Column.model_validate(fields)


def _profile(name: str, cells: pa.ChunkedArray) -> Profile:
    if pa.types.is_nested(cells.type):
        return Profile(name, len(cells), len(cells) - cells.null_count, pa.nulls(0), np.zeros(0, np.int64))
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    plain = cells.drop_null()
    found = pc.value_counts(plain)
    values, counts = found.field("values"), found.field("counts").to_numpy()
    if len(values) > MAX_LEVELS:
        return Profile(name, len(cells), len(plain), values, counts)
    order = pc.sort_indices(values)
    return Profile(name, len(cells), len(plain), values.take(order), counts[order.to_numpy()])


def _guess(profile: Profile, cells: pa.ChunkedArray) -> Guess:
    kind = cells.type
    if pa.types.is_dictionary(kind) and kind.ordered:
        levels = _dictionary_levels(cells)
        return Guess("ordinal", f"ordered levels, {profile.words}", categories=levels)
    kind = _value_type(kind)
    if profile.n_known == 0:
        return Guess("number" if _is_number(kind) else _empty_kind(kind), "every cell is missing")
    if pa.types.is_boolean(kind):
        return Guess("boolean", f"true/false, {profile.words}")
    if pa.types.is_temporal(kind):
        is_span = pa.types.is_duration(kind) or pa.types.is_time(kind)
        return Guess("duration" if is_span else "datetime", f"type {kind}, {profile.words}")
    if pa.types.is_nested(kind):
        return Guess("json", f"type {kind}")
    if _is_number(kind):
        return _guess_number(profile, cells)
    if _is_text(kind):
        return _guess_text(profile)
    return Guess("text", f"type {kind} is not modelled", role="ignore")


def _empty_kind(kind: pa.DataType) -> Kind:
    if pa.types.is_temporal(kind):
        return "duration" if pa.types.is_duration(kind) or pa.types.is_time(kind) else "datetime"
    return "json" if pa.types.is_nested(kind) else "boolean" if pa.types.is_boolean(kind) else "category"


def _dictionary_levels(cells: pa.ChunkedArray) -> tuple[Scalar, ...]:
    unified = cells.unify_dictionaries()
    return tuple(unified.chunk(0).dictionary.to_pylist()) if unified.num_chunks else ()


# -- numbers


def _guess_number(profile: Profile, cells: pa.ChunkedArray) -> Guess:
    if pa.types.is_decimal(profile.levels.type):
        step = 10.0**-profile.levels.type.scale
        return Guess("number", f"decimals of fixed scale, {profile.words}", step=step)
    values = profile.levels.to_numpy(zero_copy_only=False)
    finite = values[np.isfinite(values)]
    if not len(finite) or np.any(finite != np.round(finite)):
        return Guess("number", f"numbers with decimals, {profile.words}", step=decimal_step(finite))
    if guess := _whole_identifier(profile, cells, values):
        return guess
    if why := _code_reason(profile, finite):
        return Guess("category", f"whole numbers as codes: {why}, {profile.words}", categories=_levels(profile))
    return Guess("integer", f"whole numbers, {profile.words}", step=whole_step(finite))


def _whole_identifier(profile: Profile, cells: pa.ChunkedArray, values: np.ndarray) -> Guess | None:
    if role := _id_role(profile):
        return Guess("identifier", f"{profile.words}, name says identifier", role=role)
    n = profile.n_rows
    if n >= 20 and profile.n_distinct == n and values.max() - values.min() == n - 1:
        rows = cells.to_numpy()
        if np.all(np.diff(rows) == 1):
            return Guess("identifier", f"{profile.words}, counts up row by row", role="id")
    return None


def _id_role(profile: Profile) -> Role | None:
    """Role of a column whose name says identifier: id when unique, group or key when many repeat, else None."""
    if not is_id_name(profile.name) or profile.n_known < 10:
        return None
    share = profile.n_distinct / profile.n_known
    if share == 1.0:
        return "id"
    if names_a_person(profile.name) and profile.n_distinct >= _FEWEST_PERSONS:
        return "group"  # however often each repeats: as levels, the numbers of real persons would be in every sample
    return "key" if share >= 0.05 and profile.n_distinct > _TEXT_LEVELS else None


def is_id_name(name: str) -> bool:
    """Whether a column name says that its values name things: `id`, `AlbumId`, `id_student`, `hospital_number`."""
    tokens = name_tokens(name)
    if not tokens:
        return False
    if tokens[-1] in _ID_ENDS or tokens[0] in ("id", "uuid", "unnamed") or tokens == ("index",):
        return True
    return len(tokens) > 1 and tokens[-1] in _NUMBER_ENDS and tokens[-2] in _NUMBERED


def _code_reason(profile: Profile, values: np.ndarray) -> str:
    """Why whole numbers are codes rather than quantities; empty when they are quantities."""
    n, tokens = len(values), set(name_tokens(profile.name))
    if profile.n_known < _REPEATS * n:
        return ""
    if n == 2:
        return "two values"
    is_code_name = not tokens.isdisjoint(_CODE_WORDS) and tokens.isdisjoint(_COUNT_WORDS)
    if n > 2 and is_code_name and n <= (MAX_LEVELS if tokens & {"zip", "zipcode", "postcode", "postal"} else _CODES):
        return "name says code"
    gaps = np.diff(values)
    is_frequent = profile.counts.min() >= max(5, 0.01 * profile.n_known)
    if 3 <= n <= _FEW and len(np.unique(gaps)) > 1 and is_frequent:
        return "few values with uneven gaps, none rare"
    return ""


def decimal_step(values: np.ndarray) -> float | None:
    """The coarsest of 0.5, 0.25, 0.1, 0.05, 0.01, ... 1e-6 on whose grid all values lie; None when finer.

    A value lies on the grid when it is within 1e-12, absolute or relative: the rounding of 64-bit floats and no more.
    """
    if not len(values) or np.abs(values).max() > 1e15:
        return None
    for step in (0.5, 0.25, 0.1, 0.05, 0.01, 0.005, 0.001, 1e-4, 1e-5, 1e-6):
        grid = np.round(values / step)
        if np.all(np.abs(values - grid * step) <= np.maximum(1e-12, 1e-12 * np.abs(values))):
            return step
    return None


def whole_step(values: np.ndarray) -> float:
    """1, or a round larger step (5, 10, 25, 50, 100, ...) that divides all of at least ten distinct values."""
    if len(values) < 10 or np.abs(values).max() >= 2**53:
        return 1.0
    common = int(np.gcd.reduce(np.abs(values).astype(np.int64)))
    return float(next((step for step in _ROUND_STEPS if common % step == 0), 1))


# -- texts


def _guess_text(profile: Profile) -> Guess:
    n, share = profile.n_distinct, profile.n_distinct / profile.n_known
    sample = [str(v) for v in _spread(profile.levels).to_pylist()]
    if role := _id_role(profile):
        pattern = _whole_pattern(profile, sample)
        return Guess("identifier", f"{profile.words}, name says identifier", role=role, format=pattern)
    if profile.n_known >= 10 and all(_UUID.fullmatch(v) for v in sample):
        role = "id" if share == 1.0 else "group" if names_a_person(profile.name) else "key"
        return Guess("identifier", f"{profile.words}, all are UUIDs", role=role, format=pattern_of(sample))
    if role := _split_role(profile):
        return Guess("category", f"{profile.words}, name and words say split", role=role, categories=_levels(profile))
    if _is_json(sample):
        return Guess("json", f"{profile.words}, values are JSON objects or lists")
    unique = share == 1.0 and n >= 10
    if unique and (pattern := _whole_pattern(profile, sample)):
        return Guess("identifier", f"{profile.words}, all of one pattern", role="id", format=pattern)
    words = float(np.mean([len(v.split()) for v in sample]))
    is_prose = words >= _PROSE_WORDS and share > 0.1 and n > _TEXT_LEVELS
    if (share > 0.5 and n > _TEXT_LEVELS) or is_prose or (unique and words >= 3):
        return Guess("text", f"{profile.words}, {words:.1f} words a cell")
    levels = _levels(profile)
    why = (
        f"{profile.words}" if levels is not None else f"{profile.words}, more than {MAX_LEVELS:,} levels are not listed"
    )
    return Guess("category", why, categories=levels)


def _split_role(profile: Profile) -> Role | None:
    if _SPLIT_NAMES.isdisjoint(name_tokens(profile.name)) or profile.n_distinct > len(_SPLIT_WORDS):
        return None
    return "split" if {str(v).lower() for v in profile.levels.to_pylist()} <= _SPLIT_WORDS else None


def _is_json(sample: Sequence[str]) -> bool:
    if not all(v[:1] in ("{", "[") and v[-1:] in ("}", "]") for v in (value.strip() for value in sample)):
        return False
    try:
        return all(isinstance(json.loads(v), dict | list) for v in sample)
    except ValueError:
        return False


def _whole_pattern(profile: Profile, sample: Sequence[str]) -> str | None:
    """The pattern of the sample if all values match it, else the pattern of all values."""
    pattern = pattern_of(sample)
    if pattern is None or len(sample) == profile.n_distinct:
        return pattern
    fits = pc.match_substring_regex(profile.levels, f"^(?:{pattern})$")
    return pattern if pc.all(fits).as_py() else pattern_of(profile.levels.to_pylist())


def pattern_of(values: Sequence[str]) -> str | None:
    r"""A regular expression that all values match, such as `P\d{5}`, when they are codes; else None.

    Codes have digits, no blanks, and the same sequence of letter and digit runs. Text stands in the pattern only
    where it is the same in all values.
    """
    if not values or any(" " in v or not any(ch.isdigit() for ch in v) for v in values):
        return None
    if all(_UUID.fullmatch(v) for v in values) and all(v == v.lower() for v in values):
        return "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    is_hex = all(re.fullmatch(r"[0-9a-fA-F]+", v) for v in values) and not all(v.isdigit() for v in values)
    if is_hex and len({len(v) for v in values}) == 1:
        return f"[{'0-9a-f' if all(v == v.lower() for v in values) else '0-9a-fA-F'}]{{{len(values[0])}}}"
    runs = [re.findall(r"\d+|[A-Za-z]+|[^A-Za-z\d]+", v) for v in values]
    if len({len(r) for r in runs}) != 1:
        return None
    parts = [_run_pattern(part) for part in zip(*runs, strict=True)]
    return None if None in parts else "".join(part for part in parts if part is not None)


def _run_pattern(runs: Sequence[str]) -> str | None:
    if len(set(runs)) == 1 and not runs[0].isdigit():
        return re.escape(runs[0])
    low, high = min(map(len, runs)), max(map(len, runs))
    times = f"{{{low}}}" if low == high else f"{{{low},{high}}}"
    for letters, matches in ((r"\d", str.isdigit), (r"[A-Z]", str.isupper), (r"[a-z]", str.islower)):
        if all(matches(run) for run in runs):
            return letters + times
    return r"[A-Za-z]" + times if all(run.isalpha() for run in runs) else None


# -- shared


def _levels(profile: Profile) -> tuple[Scalar, ...] | None:
    return tuple(profile.levels.to_pylist()) if profile.n_distinct <= MAX_LEVELS else None


def _spread(levels: pa.Array) -> pa.Array:
    """At most _SAMPLE levels, evenly spread."""
    if len(levels) <= _SAMPLE:
        return levels
    return levels.take(pa.array(np.linspace(0, len(levels) - 1, _SAMPLE).astype(np.int64)))


def _value_type(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))
