"""The contract suite itself: it must catch generators that break a promise."""

import numpy as np
import pytest

from synthwright import testing
from synthwright.core import registry
from synthwright.core.store import State
from synthwright.data.encode import Codec
from synthwright.generators.base import Ability
from synthwright.generators.bootstrap import Bootstrap
from synthwright.generators.independent import Independent


class Hoarder(Bootstrap):
    """Keeps rows without saying so."""

    ability = Ability("table", keeps_rows=False)


class Careless(Independent):
    """Uses the global generator."""

    def _sample(self, n, ctx, where):
        ctx.rng = np.random.default_rng(np.random.randint(1000))  # noqa: NPY002 - the fault under test
        return super()._sample(n, ctx, where)


class Forgetful(Independent):
    """Loses a part of its state."""

    def _restore(self, state):
        super()._restore(state)
        self._shares = [np.full_like(share, 1 / len(share)) for share in self._shares]


class Silent(Independent):
    """Emits no event while it fits."""

    def _fit(self, data, ctx):
        self._codec = Codec.fit(data)
        self._shares = [np.full(n, 1 / n) for n in self._codec.cardinality]


class Vague(Independent):
    """Has options without a description."""

    summary = ""


@pytest.mark.contract
@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Hoarder, testing.the_model_holds_no_rare_value, "is in the"),
        (Careless, testing.global_randomness_is_left_alone, "global generator"),
        (Careless, testing.same_seed_same_bytes, "different rows"),
        (Forgetful, testing.save_and_load_keep_everything, "other rows"),
        (Silent, testing.work_shows_progress_and_can_be_stopped, "no events"),
        (Vague, testing.the_class_describes_itself, "summary"),
    ],
)
def test_a_broken_promise_is_caught(cls, check, message, monkeypatch):
    monkeypatch.setitem(registry._ADDED["generators"], cls.name, cls)
    with pytest.raises(AssertionError, match=message):
        check(cls, {})


def test_the_table_of_the_suite_has_every_kind_of_trouble():
    data = testing.mixed_table()
    assert data["comment"].null_count == len(data)
    assert 0 < data["score"].null_count < len(data)
    assert State() == State()
