"""Long tables are recognised as series by their cells, and tables are not."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import synthwright as sw
from synthwright.data.sequence_guess import Shape, found_shape, hint

HOUR = dt.timedelta(hours=1)
START = dt.datetime(2024, 1, 1)


def panel(*, entities: int = 8, steps: int = 12, by_time: bool = False) -> pa.Table:
    """Patients in two wards with an hourly value, standing patient by patient or hour by hour."""
    rng = np.random.default_rng(0)
    pairs = [(who, t) for who in range(entities) for t in range(steps)]
    if by_time:
        pairs.sort(key=lambda pair: pair[1])
    return pa.table(
        {
            "ward": ["A" if who % 2 else "B" for who, _ in pairs],
            "patient": [f"p{who}" for who, _ in pairs],
            "time": [START + t * HOUR for _, t in pairs],
            "pulse": rng.integers(50, 90, len(pairs)),
        }
    )


@pytest.mark.parametrize("by_time", [False, True])
def test_who_and_when_are_found_in_a_panel(by_time: bool) -> None:
    assert found_shape(panel(by_time=by_time)) == Shape("patient", "time")


def test_numbers_that_count_within_each_series_order_it() -> None:
    table = panel().drop_columns("time").append_column("day", pa.array(list(range(1, 13)) * 8))
    assert found_shape(table) == Shape("patient", "day")


def test_moments_at_even_steps_are_one_series_also_by_months() -> None:
    months = [dt.date(2000 + i // 12, 1 + i % 12, 1) for i in range(60)]
    assert found_shape(pa.table({"x": list(range(60)), "month": months})) == Shape(None, "month")


def test_a_table_in_the_order_of_its_dates_is_no_series() -> None:
    rng = np.random.default_rng(1)
    moments = [START + int(s) * dt.timedelta(seconds=1) for s in np.cumsum(rng.integers(1, 90_000, 400))]
    orders = pa.table({"sold": moments, "shop": rng.choice(["x", "y"], 400), "units": rng.integers(1, 5, 400)})
    assert found_shape(orders) is None
    assert hint(orders) == []


def test_a_table_in_any_order_with_a_running_number_is_no_series() -> None:
    rng = np.random.default_rng(2)
    days = [START + int(d) * dt.timedelta(days=1) for d in rng.integers(0, 900, 300)]
    table = pa.table({"id": list(range(300)), "born": days, "sex": rng.choice(["f", "m"], 300)})
    assert found_shape(table) is None


def test_what_is_known_is_kept_and_the_rest_is_found() -> None:
    table = panel()
    assert found_shape(table, entity="patient") == Shape("patient", "time")
    assert found_shape(table, order="time") == Shape("patient", "time")
    assert found_shape(table, entity="ward") is None  # hours repeat within a ward


def test_missing_moments_and_huge_numbers_are_passed_over() -> None:
    moments = [None, *([START + t * HOUR for t in range(39)])]
    table = pa.table({"when": moments, "huge": pa.array([2**63 + i for i in range(40)], pa.uint64())})
    assert found_shape(table) is None


def test_reading_a_panel_as_series_says_which_columns_it_took(tmp_path: Path) -> None:
    path = tmp_path / "wards.csv"
    sw.write(panel(), path)
    data = sw.read(path, modality="series")
    assert (len(data), data.entity, data.order) == (8, "patient", "time")
    assert "read with entity patient, order time" in " ".join(str(note) for note in data.notes)
    given = sw.read(path, entity="patient", order="time")
    assert given.fingerprint() == data.fingerprint()
    assert "Q005" not in [note.code for note in given.notes]


def test_reading_a_panel_as_table_says_what_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "wards.csv"
    sw.write(panel(), path)
    notes = [note for note in sw.read(path).notes if note.code == "Q004"]
    assert len(notes) == 1
    assert "entity patient, order time" in str(notes[0])
    schema = sw.read(path).schema  # somebody who gives a schema has decided what the rows are
    assert "Q004" not in [note.code for note in sw.read(path, schema=schema).notes]


def test_rows_that_nothing_names_or_orders_are_one_series_and_that_is_said() -> None:
    data = sw.read({"x": np.random.default_rng(3).normal(size=40)}, modality="series")
    assert len(data) == 1
    assert [note.code for note in data.notes] == ["Q006"]
