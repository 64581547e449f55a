"""One table with everything that is hard to write as tokens or modes, and its codec."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from synthwright.data.encode import Codec
from synthwright.data.table import Table


@pytest.fixture(scope="session")
def data() -> Table:
    """Two humps, a heap at 0 with holes, few whole numbers, dates, a level of 3 and one of 400."""
    n = 2000
    rng = np.random.default_rng(0)
    humps = np.round(np.where(rng.random(n) < 0.5, rng.normal(-50, 3, n), rng.normal(80, 10, n)), 2)
    paid = np.where(rng.random(n) < 0.6, 0.0, np.round(rng.gamma(2, 50, n), 2))
    return Table.of(
        {
            "humps": humps,
            "paid": pa.array(paid, mask=rng.random(n) < 0.1),
            "rooms": rng.integers(1, 8, n),
            "day": [date(2020, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 900, n)],
            "plan": np.array(["a", "b", "c"])[rng.integers(3, size=n)],
            "code": np.array([f"c{i:03d}" for i in range(400)])[np.arange(n) % 400],
        }
    )


@pytest.fixture(scope="session")
def codec(data: Table) -> Codec:
    return Codec.fit(data)
