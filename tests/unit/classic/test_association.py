from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from synthwright.classic import association


@pytest.mark.parametrize("rho", [0.1, 0.2, 0.5])  # strong ones fall short in any finite number of bins
def test_the_coefficient_of_binned_normals_is_near_their_correlation(rho: float) -> None:
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=(2, 60_000))
    y = rho * x + np.sqrt(1 - rho**2) * noise
    edges = stats.norm.ppf(np.arange(1, 24) / 24)
    codes = np.column_stack([np.searchsorted(edges, x), np.searchsorted(edges, y)])
    assert association.associations(codes, (24, 24))[0, 1] == pytest.approx(rho, abs=0.03)


def test_independent_columns_have_a_coefficient_near_zero_after_the_bias_is_removed() -> None:
    rng = np.random.default_rng(2)
    found = [association.phi_squared(rng.multinomial(500, np.full(36, 1 / 36)).reshape(6, 6)) for _ in range(300)]
    assert np.mean(found) < 25 / 500 / 5  # the bias itself is 25 / 500


def test_raking_keeps_odds_ratios_and_reaches_the_margins() -> None:
    table = np.array([[30.0, 10.0], [20.0, 40.0]])
    found = association.raked(table, np.array([60.0, 40.0]), np.array([30.0, 70.0]))
    assert found.sum(axis=1) == pytest.approx([60, 40])
    assert found.sum(axis=0) == pytest.approx([30, 70])
    assert found[0, 0] * found[1, 1] / (found[0, 1] * found[1, 0]) == pytest.approx(30 * 40 / (10 * 20))


def test_ranks_correlation_equals_scipys() -> None:
    x, y = np.random.default_rng(3).integers(0, 9, (2, 200))
    assert association.ranks_correlation(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
