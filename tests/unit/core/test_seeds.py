import subprocess
import sys

import pytest

from synthwright.core.errors import ConfigError
from synthwright.core.seeds import block_sequence, check_seed, fit_sequence, integer_seed, named_rng, rng_of


def test_streams_are_fixed_by_seed_and_place_alone():
    assert rng_of(block_sequence(7, 3, 0)).random() == rng_of(block_sequence(7, 3, 0)).random()


def test_streams_of_different_places_differ():
    draws = {
        rng_of(sequence).random()
        for sequence in (
            fit_sequence(0),
            block_sequence(0, 0, 0),
            block_sequence(0, 0, 1),
            block_sequence(0, 1, 0),
            block_sequence(1, 0, 0),
        )
    }
    assert len(draws) == 5
    assert named_rng(0, "a").random() != named_rng(0, "b").random()


def test_named_streams_do_not_depend_on_the_hash_seed_of_python():
    code = "from synthwright.core.seeds import named_rng; print(named_rng(0, 'column age').random())"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": str(h)}
        ).stdout
        for h in (1, 2)
    }
    assert len(outputs) == 1


@pytest.mark.parametrize("seed", [-1, 1.5, None, "0", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ConfigError, match="seed must be an integer"):
        check_seed(seed)


def test_integer_seeds_fit_31_bits():
    rng = named_rng(0, "x")
    assert all(0 <= integer_seed(rng) < 2**31 for _ in range(100))
