"""The judge is certified: every planted fault fails on its axis, and fresh real rows pass everything."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import synthwright as sw
from synthwright.evaluate.faults import FAULTS, REQUIRED, inject

pytestmark = pytest.mark.quality
ROWS = 4000
OTHERS = [name for name in FAULTS if name not in (*REQUIRED, "none")]


@cache
def loans(seed: int) -> tuple[sw.Table, sw.Table, sw.Table]:
    """Train, holdout and carrier of a simulated loan book: levels, gaps that come together, heavy tails, dates."""
    rng = np.random.default_rng(seed)
    n = 3 * ROWS
    age = np.round(18 + 60 * rng.beta(2, 3, n)).astype(np.int64)
    region = rng.choice(["north", "south", "east", "west", "islands"], n, p=[0.35, 0.3, 0.2, 0.12, 0.03])
    job = np.where(age > 62, "retired", rng.choice(["clerk", "nurse", "driver", "teacher"], n, p=[0.4, 0.3, 0.2, 0.1]))
    income = np.round(np.exp(rng.normal(7.3 + 0.3 * (job == "teacher") + 0.008 * age, 0.5)), 2)
    savings = np.where(rng.random(n) < 0.4, 0.0, np.round(np.exp(rng.normal(6.5, 1.4, n)), 2))
    amount = np.round(income * np.exp(rng.normal(0.4, 0.6, n)) + 50, 2)
    distance = np.round(rng.gamma(3.0, 8.0, n), 1)
    opened = np.datetime64("2021-03-01") + rng.integers(0, 1200, n).astype("timedelta64[D]")
    logit = 2.2 * (amount / income - 1.7) - 0.06 * (age - 40) - 0.9 * (savings > 0) + 0.5 * (region == "islands")
    default = rng.random(n) < 1 / (1 + np.exp(-1.5 * logit))
    hidden = rng.random(n) < 0.12
    table = pa.table(
        {
            "age": age,
            "region": region,
            "job": pa.array(job, mask=rng.random(n) < 0.05),
            "income": pa.array(income, mask=hidden),
            "savings": pa.array(savings, mask=hidden & (rng.random(n) < 0.9)),
            "amount": amount,
            "distance": distance,
            "opened": pa.array(opened),
            "default": np.where(default, "yes", "no"),
        }
    )
    data = sw.Table.of(table, target="default")
    return tuple(data.select(np.arange(i * ROWS, (i + 1) * ROWS)) for i in range(3))  # type: ignore[return-value]


@cache
def adult() -> tuple[sw.Table, sw.Table, sw.Table]:
    """Train, holdout and carrier of the public census table."""
    folder = os.environ.get("SYNTHWRIGHT_DATA")
    if not folder:
        pytest.skip("set SYNTHWRIGHT_DATA to a folder that holds tabular/adult.parquet")
    table = pq.read_table(Path(folder) / "tabular" / "adult.parquet").drop_columns(["split"])
    data = sw.Table.of(table, target="income")
    order = np.random.default_rng(5).permutation(len(data))
    return tuple(data.select(order[i * ROWS : (i + 1) * ROWS]) for i in range(3))  # type: ignore[return-value]


def failed(name: str, parts: tuple[sw.Table, sw.Table, sw.Table]) -> list[str]:
    """Ids of the scores that fail when the carrier is spoiled by a fault."""
    train, holdout, carrier = parts
    fake = inject(name, carrier, train=train, holdout=holdout, seed=3)
    report = sw.evaluate(fake, train=train, holdout=holdout, metrics=list(FAULTS[name].scores))
    return [score.id for score in report.scores if score.verdict == "fail"]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("name", [*REQUIRED, *OTHERS])
def test_a_planted_fault_fails_on_its_axis(name: str, seed: int) -> None:
    assert failed(name, loans(seed))


@pytest.mark.parametrize("name", [*REQUIRED, *OTHERS])
def test_a_fault_planted_into_census_rows_fails_on_its_axis(name: str) -> None:
    assert failed(name, adult())


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_fresh_real_rows_pass_everything(seed: int) -> None:
    train, holdout, carrier = loans(seed)
    report = sw.evaluate(carrier, train=train, holdout=holdout, seed=seed)
    assert [score.id for score in report.scores if score.verdict not in ("pass", "not assessed")] == []


def test_fresh_census_rows_pass_everything() -> None:
    train, holdout, carrier = adult()
    report = sw.evaluate(carrier, train=train, holdout=holdout)
    assert [score.id for score in report.scores if score.verdict not in ("pass", "not assessed")] == []


def test_the_verdict_does_not_depend_on_the_order_of_rows_and_columns() -> None:
    train, holdout, carrier = loans(0)
    names = list(reversed(carrier.arrow.column_names))
    turned = inject("none", carrier, train=train, holdout=holdout).arrow.select(names)
    report = sw.evaluate(turned, train=train, holdout=holdout)
    assert report.verdict == "pass"
