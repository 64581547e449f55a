import numpy as np
import pytest

from synthwright.classic.mixing import discrepancy, pair_kernel, simplex_weights, without_itself


def plain_kernel(x, y, levels):
    """The kernel written out for two rows."""
    d, k = len(x), []
    for j in range(d):
        if np.isnan(x[j]) or np.isnan(y[j]):
            k.append(float(np.isnan(x[j]) and np.isnan(y[j])))
        elif j in levels:
            k.append(float(x[j] == y[j]))
        else:
            k.append(np.exp(-abs(x[j] - y[j]) / 0.1))
    pairs = sum(k[i] * k[j] for i in range(d) for j in range(d) if i != j)
    return sum(k) / d + pairs / (d * (d - 1))


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.random(12), rng.integers(0, 3, 12), rng.random(12)]).astype(np.float32)
    x[3, 0] = x[7, 0] = np.nan
    return x


def test_the_kernel_mean_is_that_of_all_pairs(rows):
    wanted = np.mean([[plain_kernel(a, b, [1]) for b in rows[5:]] for a in rows[:5]])
    assert pair_kernel(rows[:5], rows[5:], [1]) == pytest.approx(wanted, rel=1e-5)


def test_the_mean_without_itself_leaves_the_diagonal_out(rows):
    n = len(rows)
    wanted = np.mean([plain_kernel(rows[i], rows[j], [1]) for i in range(n) for j in range(n) if i != j])
    assert without_itself(rows, [1]) == pytest.approx(wanted, rel=1e-5)
    one = rows[:, 2:]
    wanted = np.mean([np.exp(-abs(one[i, 0] - one[j, 0]) / 0.1) for i in range(n) for j in range(n) if i != j])
    assert without_itself(one, []) == pytest.approx(wanted, rel=1e-5)


def test_the_weights_of_a_true_mixture_are_found():
    rng = np.random.default_rng(1)
    a, b, c = rng.beta(2, 5, (1000, 1)), rng.beta(5, 2, (1000, 1)), rng.random((1000, 1))
    target = np.concatenate([rng.beta(2, 5, (700, 1)), rng.beta(5, 2, (300, 1))])
    samples = [x.astype(np.float32) for x in (a, b, c)]
    target = target.astype(np.float32)
    inner = np.array([[pair_kernel(x, y, []) for y in samples] for x in samples])
    for i, x in enumerate(samples):
        inner[i, i] = without_itself(x, [])
    weights = simplex_weights(inner, np.array([pair_kernel(x, target, []) for x in samples]))
    assert weights == pytest.approx([0.7, 0.3, 0.0], abs=0.15)
    assert weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("seed", range(20))
def test_no_weights_on_a_grid_and_no_single_sample_are_better(seed):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(3, 3))
    inner, cross = root @ root.T, rng.normal(size=3)
    found = discrepancy(simplex_weights(inner, cross), inner, cross)
    grid = [(a, b, 1 - a - b) for a in np.linspace(0, 1, 41) for b in np.linspace(0, 1 - a, 41)]
    assert found <= min(discrepancy(np.array(w), inner, cross) for w in grid) + 1e-9


def test_an_indefinite_estimate_still_gives_the_best_single_sample_or_better():
    inner, cross = np.array([[1.0, 1.2], [1.2, 1.1]]), np.array([1.0, 1.0])
    weights = simplex_weights(inner, cross)
    singles = [discrepancy(unit, inner, cross) for unit in np.eye(2)]
    assert discrepancy(weights, inner, cross) <= min(singles)
