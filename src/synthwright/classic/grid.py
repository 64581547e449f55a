"""Tokens of a number: point masses, and quantile bins of at least 20 cells each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from synthwright.core.store import State

_MOST_BINS, _ROWS_OF_A_BIN = 256, 20
_MOST_ATOMS, _ATOM_SHARE, _ATOM_ROWS, _RARE = 256, 0.001, 8, 5
_FEW_VALUES = 64


@dataclass(frozen=True, eq=False)
class Grid:
    """A fine histogram of one column of numbers, without missing ones.

    atoms: ascending values with mass (at least 8 cells and 0.1 %, at most 256; of up to 64 distinct values, all with
    5 cells). knots: (2 bins + 1,) ascending ends and medians of the bins of all other values; empty when there are
    fewer than 20. Tokens: 0..len(atoms) - 1, then the bins.
    """

    atoms: np.ndarray
    knots: np.ndarray

    @classmethod
    def fit(cls, values: np.ndarray, *, heap: bool = True) -> Self:
        """Of at least one value. heap: look for point masses."""
        distinct, counts = np.unique(values, return_counts=True)
        atoms = distinct[:0]
        if heap and len(distinct) <= _FEW_VALUES:
            atoms = distinct[counts >= _RARE]
        elif heap:
            heavy = np.flatnonzero(counts >= max(_ATOM_ROWS, _ATOM_SHARE * len(values)))
            atoms = np.sort(distinct[heavy[np.argsort(-counts[heavy], kind="stable")[:_MOST_ATOMS]]])
        rest = values[~np.isin(values, atoms)]
        few = len(distinct) <= _FEW_VALUES and len(rest) < 0.5 * len(values)
        if len(atoms) and (few or len(rest) < _ROWS_OF_A_BIN):
            return cls(atoms, np.zeros(0))
        bins = min(_MOST_BINS, max(1, len(rest) // _ROWS_OF_A_BIN))
        return cls(atoms, np.quantile(rest, np.linspace(0, 1, 2 * bins + 1)))

    @property
    def n_bins(self) -> int:
        """Number of quantile bins."""
        return len(self.knots) // 2

    def tokens(self, values: np.ndarray) -> np.ndarray:
        """int64 tokens; when all mass is in atoms, values between take the nearest."""
        n_atoms = len(self.atoms)
        if not len(self.knots):
            return np.searchsorted((self.atoms[1:] + self.atoms[:-1]) / 2, values)
        place = np.searchsorted(self.knots[::2], values, side="right") - 1
        tokens = n_atoms + np.clip(place, 0, self.n_bins - 1)
        if n_atoms:
            near = np.minimum(np.searchsorted(self.atoms, values), n_atoms - 1)
            tokens = np.where(self.atoms[near] == values, near, tokens)
        return tokens

    def values(self, tokens: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """An atom itself, or a uniform draw from a half of the bin."""
        n_atoms = len(self.atoms)
        found = np.empty(len(tokens))
        is_atom = tokens < n_atoms
        found[is_atom] = self.atoms[tokens[is_atom]]
        if not is_atom.all():
            u = 2 * (tokens[~is_atom] - n_atoms + rng.random(int((~is_atom).sum())))
            place = np.minimum(u.astype(np.int64), len(self.knots) - 2)
            found[~is_atom] = self.knots[place] + (u - place) * (self.knots[place + 1] - self.knots[place])
        return found

    def state(self) -> State:
        """Everything `restore` needs."""
        return State({}, {"atoms": self.atoms, "knots": self.knots})

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`."""
        return cls(state.arrays["atoms"], state.arrays["knots"])


def middle_ranks(values: np.ndarray) -> np.ndarray:
    """(F(x-) + F(x)) / 2 of each value in its own sample, in (0, 1)."""
    ordered = np.sort(values)
    below, upto = np.searchsorted(ordered, values, side="left"), np.searchsorted(ordered, values, side="right")
    return np.asarray((below + upto) / (2 * len(values)))
