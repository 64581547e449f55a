"""What every generator must satisfy: the public contract suite, for our generators and for plugin authors.

    from synthwright.testing import check_generator
    check_generator(MyGenerator, steps=5)

Each check is a function of (class, options) whose name says the promise; it raises AssertionError.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from synthwright.core.errors import (
    Cancelled,
    ConditionError,
    ConfigError,
    DataError,
    FormatError,
    NotFitted,
    Unsupported,
)
from synthwright.core.progress import Event
from synthwright.data.conditions import parse_condition
from synthwright.data.dataset import Dataset
from synthwright.data.table import Table
from synthwright.generators.base import Generator

Check = Callable[[type[Generator], dict[str, Any]], None]
CANARY = "canary-7f3a91"
_NUMBER_CANARY = 987654.32


def mixed_table(n_rows: int = 300, seed: int = 0) -> Table:
    """A small table with every kind of column that real tables hold.

    Zero-inflated decimals, whole numbers, a level that depends on them, a boolean, dates, holes, a constant,
    an all-missing column, an identifier, one person with a unique name, city and income.
    """
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n_rows)
    paid = np.where(rng.random(n_rows) < 0.4, 0.0, np.round(rng.gamma(2.0, 150.0, n_rows) + age, 2))
    plan = np.array(["basic", "plus", "gold"])[np.clip((paid > 100).astype(int) + (age > 60), 0, 2)]
    holes = rng.random(n_rows) < 0.15
    city = [CANARY if i == 7 else str(c) for i, c in enumerate(rng.choice(["Oslo", "Bergen", "Troms\u00f8"], n_rows))]
    paid[7] = _NUMBER_CANARY
    return Table.of(
        {
            "person_id": [f"P{i:05d}" for i in range(n_rows)],
            "age": age,
            "paid": paid,
            "plan": plan,
            "city": city,
            "member": age + rng.normal(0, 10, n_rows) > 50,
            "since": [date(2015, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 3000, n_rows)],
            "score": pa.array(np.round(rng.normal(0, 1, n_rows), 3), mask=holes),
            "country": ["NO"] * n_rows,
            "comment": pa.nulls(n_rows, pa.string()),
        }
    )


def small_images(n_images: int = 120, seed: int = 0) -> Dataset:
    """8 x 8 grey images of two classes: a noisy disc and a noisy bar, each with its own place and brightness."""
    from synthwright.data.images import ImageSet

    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:8, :8]
    labels = np.array(["disc", "bar"])[rng.integers(2, size=n_images)]
    centre, light = rng.normal(3.5, 0.6, (n_images, 2)), rng.uniform(120, 230, n_images)
    disc = ((y - centre[:, :1, None]) ** 2 + (x - centre[:, 1:, None]) ** 2) < 6
    bar = np.abs(x - centre[:, 1:, None]) < 1.2
    shape = np.where((labels == "disc")[:, None, None], disc, bar)
    pixels = shape * light[:, None, None] + rng.normal(20, 6, (n_images, 8, 8))
    return ImageSet.of(np.clip(pixels, 0, 255).astype(np.uint8), labels=labels)


def small_series(n_series: int = 80, seed: int = 0) -> Dataset:
    """Series of 12 to 20 steps in two channels, a decimal one and a count, whose level depends on a static region."""
    from synthwright.data.sequences import SeriesSet

    rng = np.random.default_rng(seed)
    columns: dict[str, list[Any]] = {"who": [], "day": [], "region": [], "load": [], "count": []}
    for i in range(n_series):
        n, region = int(rng.integers(12, 21)), ("north", "south")[int(rng.integers(2))]
        level = np.cumsum(rng.normal(0, 0.3, n)) + np.sin(np.arange(n) / 2) + 2 * (region == "north")
        columns["who"] += [f"S{i:03d}"] * n
        columns["day"] += list(range(n))
        columns["region"] += [region] * n
        columns["load"] += np.round(level, 2).tolist()
        columns["count"] += rng.poisson(np.exp(np.clip(level / 3, -2, 2))).tolist()
    return SeriesSet.of(pa.table(columns), entity="who", order="day", static=("region",))


EXAMPLES: dict[str, Callable[[], Dataset]] = {"table": mixed_table, "images": small_images, "series": small_series}
_CONDITIONS = {"images": "label == 'disc'", "series": "region == 'north'", "text": "level == 'D1'"}


def _example(cls: type[Generator]) -> Any:
    """A small dataset that the class can learn from; None for a method that learns from none."""
    return EXAMPLES[cls.ability.modality]() if cls.ability.learns else None


def check_generator(cls: type[Generator], **options: Any) -> None:
    """Run every check on a generator class with the given options. Raises AssertionError naming the check."""
    for check in checks_for(cls):
        try:
            check(cls, options)
        except AssertionError as error:
            raise AssertionError(f"{cls.name}: {check.__name__}: {error}") from error


def checks_for(cls: type[Generator]) -> list[Check]:
    """The checks that apply to a class, for use with pytest.mark.parametrize."""
    return [check for check in CHECKS if cls.ability.modality == "table" or check not in _TABLES_ONLY]


def the_class_describes_itself(cls: type[Generator], options: dict[str, Any]) -> None:
    """Name, summary, docstring and a description of every option are there."""
    assert cls.name, "name is missing"
    assert cls.summary, "summary is missing"
    assert cls.__doc__, "docstring is missing"
    for name, field in cls.config_type.model_fields.items():
        assert field.description, f"option {name!r} has no description"
    cls(**options)


def an_unknown_option_is_one_clear_error(cls: type[Generator], options: dict[str, Any]) -> None:
    """The error names the option."""
    error = _raises(ConfigError, lambda: cls(**{**options, "no_such_option": 1}))
    assert "no_such_option" in str(error)


def nothing_works_before_fit(cls: type[Generator], options: dict[str, Any]) -> None:
    """Sample, save and describe raise NotFitted."""
    model = cls(**options)
    for act in (lambda: model.sample(1), lambda: model.save("x.synth"), model.describe):
        _raises(NotFitted, act)


def samples_have_the_size_and_types_of_the_data(cls: type[Generator], options: dict[str, Any]) -> None:
    """Exactly n rows; the same columns, order and Arrow types as the training data."""
    data = _example(cls)
    model = cls(**options).fit(data)
    fake = model.sample(137)
    assert len(fake) == 137, f"{len(fake)} units instead of 137"
    assert fake.modality == cls.ability.modality, f"the sample is of modality {fake.modality}"
    assert fake.schema == model.schema or data is not None, "the sample has another schema than the model"
    for name, table in (data.tables if data is not None else {}).items():
        made = fake.tables[name].schema
        assert made.equals(table.schema), f"{made} differs from {table.schema}"


def special_columns_survive(cls: type[Generator], options: dict[str, Any]) -> None:
    """Constants stay, empty columns stay empty, identifiers are new and unique, holes keep their rate."""
    data = mixed_table()
    fake = cls(**options).fit(data).sample(1500)
    assert pc.unique(fake["country"]).to_pylist() == ["NO"], "the constant column changed"
    assert fake["comment"].null_count == len(fake), "the empty column was filled"
    made, real = fake["person_id"].to_pylist(), set(data["person_id"].to_pylist())
    assert len(set(made)) == len(made), "identifiers repeat"
    assert not real & set(made), "identifiers of real units came back"
    rate = fake["score"].null_count / len(fake)
    assert abs(rate - data["score"].null_count / len(data)) < 0.08, f"holes have rate {rate:.2f}"


def numbers_keep_their_grid(cls: type[Generator], options: dict[str, Any]) -> None:
    """Whole numbers stay whole, cents stay cents, the heap of zeros stays."""
    data = mixed_table()
    fake = cls(**options).fit(data).sample(1500)
    paid = np.array([v for v in fake["paid"].to_pylist() if v is not None])
    assert np.allclose(paid, np.round(paid, 2)), "decimals are finer than the data's"
    share = float(np.mean(paid == 0))
    assert abs(share - float(pc.mean(pc.equal(data["paid"], 0.0)).as_py())) < 0.1, f"zeros have share {share:.2f}"


def same_seed_same_bytes(cls: type[Generator], options: dict[str, Any]) -> None:
    """Fit and sample repeat exactly; another seed gives other rows."""
    data = _example(cls)
    one, two = cls(**options).fit(data, seed=3), cls(**options).fit(data, seed=3)
    first = one.sample(80, seed=1)
    assert first.fingerprint() == two.sample(80, seed=1).fingerprint(), "the same seeds gave different rows"
    assert first.fingerprint() != one.sample(80, seed=2).fingerprint(), "another seed gave the same rows"


def a_longer_sample_begins_with_the_shorter(cls: type[Generator], options: dict[str, Any]) -> None:
    """sample(n) is a prefix of sample(m), across a block border."""
    model = cls(**options).fit(_example(cls))
    n = model.ability.block + 10
    long = model.sample(n + 50, seed=5)
    assert long.select(np.arange(n)).fingerprint() == model.sample(n, seed=5).fingerprint()


def workers_do_not_change_the_rows(cls: type[Generator], options: dict[str, Any]) -> None:
    """Two spawned processes give the bytes of one."""
    model = cls(**options).fit(_example(cls))
    n = model.ability.block + 10
    assert model.sample(n, seed=4, workers=2).fingerprint() == model.sample(n, seed=4).fingerprint()


def save_and_load_keep_everything(cls: type[Generator], options: dict[str, Any]) -> None:
    """A loaded model samples the same rows, says the same, and saves to the same bytes, as file and as folder."""
    model = cls(**options).fit(_example(cls))
    with tempfile.TemporaryDirectory() as folder:
        file = model.save(Path(folder) / "a.synth")
        loaded = Generator.load(file)
        wanted = model.sample(60, seed=9).fingerprint()
        assert loaded.sample(60, seed=9).fingerprint() == wanted, "the loaded model samples other rows"
        assert loaded.describe() == model.describe()
        assert loaded.save(Path(folder) / "b.synth").read_bytes() == file.read_bytes(), "saving again gave other bytes"
        assert Generator.load(model.save(Path(folder) / "c")).sample(60, seed=9).fingerprint() == wanted


def a_damaged_model_is_refused(cls: type[Generator], options: dict[str, Any]) -> None:
    """A file cut short raises FormatError."""
    model = cls(**options).fit(_example(cls))
    with tempfile.TemporaryDirectory() as folder:
        path = model.save(Path(folder) / "a.synth")
        path.write_bytes(path.read_bytes()[:-40])
        _raises(FormatError, lambda: Generator.load(path))


def where_holds_in_every_row(cls: type[Generator], options: dict[str, Any]) -> None:
    """All rows match and none is missing; an unknown column or an impossible wish is an error."""
    model = cls(**options).fit(_example(cls))
    if cls.ability.where == "none":
        _raises(Unsupported, lambda: model.sample(5, where="age > 30"))
        return
    if cls.ability.modality != "table":
        wish = _CONDITIONS[cls.ability.modality]
        fake = model.sample(20, where=wish)
        assert len(fake) == 20, f"{len(fake)} units instead of 20"
        assert parse_condition(wish, fake.schema).mask(fake).all(), "a unit breaks the condition"
        _raises(ConditionError, lambda: model.sample(5, where="no_such_column > 30"))
        return
    fake = model.sample(70, where="age >= 40 and plan == 'plus'")
    assert len(fake) == 70, f"{len(fake)} rows instead of 70"
    assert pc.min(fake["age"]).as_py() >= 40, "a row breaks the condition"
    assert pc.unique(fake["plan"]).to_pylist() == ["plus"], "a row breaks the condition"
    _raises(ConditionError, lambda: model.sample(5, where="agee > 30"))
    _raises(ConditionError, lambda: model.sample(5, where="plan == 'no such plan'"))


def bad_data_is_one_clear_error(cls: type[Generator], options: dict[str, Any]) -> None:
    """Too few units, another modality and no dataset at all are refused."""
    data = _example(cls)
    if data is not None:
        _raises(DataError, lambda: cls(**options).fit(data.select([0])))
        _raises(Unsupported, lambda: cls(**options).fit(None))
    other = mixed_table() if cls.ability.modality != "table" else small_images()
    _raises(Unsupported, lambda: cls(**options).fit(other))
    _raises((DataError, Unsupported), lambda: cls(**options).fit(42))
    model = cls(**options).fit(data)
    wrong: tuple[Any, ...] = (0, -1, 2.5, True)
    for n in wrong:
        _raises(ConfigError, partial(model.sample, n))


def global_randomness_is_left_alone(cls: type[Generator], options: dict[str, Any]) -> None:
    """Neither read (results do not depend on it) nor moved."""
    data = _example(cls)
    prints = []
    cls(**options).fit(data)  # imports what it needs: loading torch makes its global generator
    for seed in (1, 2):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - the trap is the global generator itself
        before = _global_state()
        prints.append(cls(**options).fit(data).sample(40).fingerprint())
        assert _global_state() == before, "a global generator was used"
    assert prints[0] == prints[1], "the result depends on a global generator"


def work_shows_progress_and_can_be_stopped(cls: type[Generator], options: dict[str, Any]) -> None:
    """Fit and sample emit events; a callback that raises Cancelled stops them and leaves nothing half-fitted."""
    data, events = _example(cls), list[Event]()
    model = cls(**options).fit(data, callbacks=[events.append])
    fitted = len(events)
    model.sample(10, callbacks=[events.append])
    assert fitted >= 2, "fit emits no events of its own"
    assert len(events) > fitted, "sample emits no event"
    fresh = cls(**options)
    _raises(Cancelled, lambda: fresh.fit(data, callbacks=[_stop_at_second()]))
    _raises(NotFitted, lambda: fresh.sample(1))


def the_model_holds_no_rare_value(cls: type[Generator], options: dict[str, Any]) -> None:
    """Unless it declares `keeps_rows`: no value of a single person is in the saved bytes or in the samples."""
    if cls.ability.keeps_rows:
        return
    data = mixed_table()
    model = cls(**options).fit(data)
    with tempfile.TemporaryDirectory() as folder:
        content = b"".join(p.read_bytes() for p in sorted(model.save(Path(folder) / "m").iterdir()))
    assert CANARY.encode() not in content, "a unique text is in the model"
    assert b"P00007" not in content, "an identifier is in the model"
    for kind in (np.float64, np.float32):
        assert kind(_NUMBER_CANARY).tobytes() not in content, "a unique number is in the model"
    assert str(_NUMBER_CANARY).encode() not in content, "a unique number is in the model"
    assert CANARY not in model.sample(3000)["city"].to_pylist(), "a unique text is in the sample"


CHECKS: tuple[Check, ...] = (
    the_class_describes_itself,
    an_unknown_option_is_one_clear_error,
    nothing_works_before_fit,
    samples_have_the_size_and_types_of_the_data,
    special_columns_survive,
    numbers_keep_their_grid,
    same_seed_same_bytes,
    a_longer_sample_begins_with_the_shorter,
    workers_do_not_change_the_rows,
    save_and_load_keep_everything,
    a_damaged_model_is_refused,
    where_holds_in_every_row,
    bad_data_is_one_clear_error,
    global_randomness_is_left_alone,
    work_shows_progress_and_can_be_stopped,
    the_model_holds_no_rare_value,
)
_TABLES_ONLY = (special_columns_survive, numbers_keep_their_grid, the_model_holds_no_rare_value)


def _global_state() -> tuple[Any, ...]:
    numpy_state: Any = np.random.get_state()  # noqa: NPY002 - the global generator is what is watched
    torch = sys.modules.get("torch")
    torch_state = torch.random.get_rng_state().tolist() if torch is not None else []
    return random.getstate(), numpy_state[1].tolist(), numpy_state[2:], torch_state


def _raises(kinds: Any, act: Callable[[], Any]) -> Exception:
    try:
        act()
    except Exception as error:
        if isinstance(error, kinds):
            return error  # type: ignore[no-any-return]  # kinds holds exception classes
        raise
    names = kinds.__name__ if isinstance(kinds, type) else " or ".join(kind.__name__ for kind in kinds)
    raise AssertionError(f"{names} was not raised")


def _stop_at_second() -> Callable[[Event], None]:
    seen: list[Event] = []

    def callback(event: Event) -> None:
        seen.append(event)
        if len(seen) == 2:
            raise Cancelled("stopped by the test")

    return callback
