import json

import numpy as np
import pytest

from synthwright.core.errors import ConditionError, Unreachable
from synthwright.data.table import Table
from synthwright.generators.base import load
from synthwright.generators.copula import Copula


def _table(n: int = 3000) -> Table:
    rng = np.random.default_rng(0)
    z = rng.multivariate_normal([0, 0, 0], [[1, 0.7, 0.5], [0.7, 1, 0.3], [0.5, 0.3, 1]], n)
    return Table.of(
        {
            "income": np.round(np.exp(8 + z[:, 0]), 2),
            "age": np.clip(np.round(45 + 15 * z[:, 1]), 18, 95).astype(int),
            "plan": np.array(["low", "mid", "high"])[np.digitize(z[:, 2], [-0.4, 0.9])],
            "score": [None if gone else float(v) for gone, v in zip(z[:, 0] > 1, rng.normal(size=n), strict=True)],
        }
    )


DATA = _table()


@pytest.fixture(scope="module")
def model() -> Copula:
    return Copula().fit(DATA)


def _rank_correlation(data: Table, a: str, b: str) -> float:
    x, y = (np.argsort(np.argsort(data[name].to_numpy())) for name in (a, b))
    return float(np.corrcoef(x, y)[0, 1])


def test_ranks_are_correlated_as_in_the_data(model):
    made = model.sample(20_000)
    assert _rank_correlation(made, "income", "age") == pytest.approx(_rank_correlation(DATA, "income", "age"), abs=0.03)


def test_levels_depend_on_numbers_as_in_the_data(model):
    made = model.sample(20_000)

    def medians(data: Table) -> list[float]:
        plan, income = np.array(data["plan"].to_pylist()), data["income"].to_numpy()
        return [float(np.log(np.median(income[plan == level]))) for level in ("low", "mid", "high")]

    assert medians(made) == pytest.approx(medians(DATA), abs=0.12)


def test_missing_cells_depend_on_other_columns_as_in_the_data(model):
    made = model.sample(20_000)

    def rates(data: Table) -> list[float]:
        gone, income = np.array(data["score"].is_null().to_pylist()), data["income"].to_numpy()
        return [float(gone.mean()), float(gone[income > np.exp(9)].mean()), float(gone[income < np.exp(8)].mean())]

    assert rates(made) == pytest.approx(rates(DATA), abs=0.06)


@pytest.mark.parametrize(
    "where",
    [
        "plan == 'high'",
        "plan in ['low', 'high'] and age >= 60",
        "age == 45",
        "age in [30, 31, 60] and score is null",
        "income > 20000 and income < 25000 and plan != 'mid'",
        "score is not null and age < 30",
    ],
)
def test_conditional_samples_look_like_the_rows_of_a_large_free_sample(model, where):
    from synthwright.data.conditions import parse_condition

    free = model.sample(60_000, seed=1)
    wanted = free.select(np.flatnonzero(parse_condition(where, free.schema).mask(free)))
    made = model.sample(4000, where=where, seed=2)
    for name in ("income", "age"):
        a, b = np.log(made[name].to_numpy()), np.log(wanted[name].to_numpy())
        assert a.mean() == pytest.approx(b.mean(), abs=6 * b.std() / np.sqrt(min(len(a), len(b))) + 1e-9)


def test_a_rare_condition_needs_no_rejection(model):
    made = model.sample(500, where="plan == 'low' and age >= 80 and income > 30000")
    assert len(made) == 500


def test_values_never_seen_cannot_be_asked_for(model):
    with pytest.raises(Unreachable, match="No such value of 'age'"):
        model.sample(10, where="age > 200")
    with pytest.raises(ConditionError, match="no level of 'plan'"):
        model.sample(10, where="plan == 'gold'")


def test_a_saved_model_samples_alike(model, tmp_path):
    again = load(model.save(tmp_path / "model.synth"))
    assert again.sample(300, where="age > 50", seed=4).arrow.equals(model.sample(300, where="age > 50", seed=4).arrow)


def test_the_state_holds_no_rows(model):
    state = model._state()
    assert {name: array.shape for name, array in state.arrays.items()} == {"correlation": (5, 5)}
    assert len(json.dumps(state.meta)) < 100_000


def test_shrinkage_and_protection_are_told_as_notes(model):
    assert {"N024", "G021"} <= {note.code for note in model.notes}
