"""From one integer to every random stream: named children, blocks and attempts.

A stream is fixed by (seed, spawn key) alone, so no stream depends on how many numbers another one drew,
on the number of workers, or on Python's per-process hash of strings.
"""

from __future__ import annotations

import zlib

import numpy as np

from synthwright.core.errors import ConfigError

_FIT, _BLOCK, _NAMED = 0, 1, 2


def check_seed(seed: int) -> int:
    """Return `seed` as a plain int; raise ConfigError unless it is an integer >= 0."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or int(seed) < 0:
        raise ConfigError(f"seed must be an integer >= 0, not {seed!r}.", where="seed", fix="use seed=0")
    return int(seed)


def fit_sequence(seed: int) -> np.random.SeedSequence:
    """The stream of `fit`."""
    return np.random.SeedSequence(check_seed(seed), spawn_key=(_FIT,))


def block_sequence(seed: int, index: int, attempt: int) -> np.random.SeedSequence:
    """The stream of attempt `attempt` at block `index` of a sample."""
    return np.random.SeedSequence(check_seed(seed), spawn_key=(_BLOCK, index, attempt))


def named_sequence(seed: int, name: str) -> np.random.SeedSequence:
    """The stream called `name`, for example of one metric or one column."""
    return np.random.SeedSequence(check_seed(seed), spawn_key=(_NAMED, zlib.crc32(name.encode())))


def seed_of(rng: np.random.Generator) -> int:
    """The seed that the user gave for a stream of this module, whichever block or name the stream is for."""
    return int(rng.bit_generator.seed_seq.entropy)  # type: ignore[attr-defined]  # PCG64 keeps its sequence


def rng_of(sequence: np.random.SeedSequence) -> np.random.Generator:
    """A numpy generator on a stream."""
    return np.random.Generator(np.random.PCG64(sequence))


def named_rng(seed: int, name: str) -> np.random.Generator:
    """A numpy generator on the stream called `name`."""
    return rng_of(named_sequence(seed, name))


def integer_seed(rng: np.random.Generator) -> int:
    """Draw a seed for a library that wants a 31-bit integer."""
    return int(rng.integers(2**31 - 1))
