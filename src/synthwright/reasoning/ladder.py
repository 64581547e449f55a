"""The level that somebody reaches: a staircase of items, then a curve through right and wrong answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthwright.reasoning.levels import LEVELS

_FIRST, _BLOCK, _UP, _DOWN = 2, 5, 4, 2
_REVERSALS, _ITEMS = 8, 120
_THETAS = np.linspace(-1.0, 10.0, 441)  # levels that are considered for theta
_SLOPES = np.exp(np.linspace(np.log(0.3), np.log(6.0), 61))
_USUAL_SLOPE, _SLOPE_SPREAD = 1.5, 0.7  # of the penalty on log(slope): a staircase says little about the slope
_CHI2 = 3.841458820694124  # 95 % quantile, one degree of freedom


@dataclass(frozen=True)
class Reached:
    """theta: the level at which the chance-corrected score is one half, with a 95 % profile interval.

    censored: "below D1" or "above D8" when theta lies outside the levels, else "".
    """

    theta: float
    low: float
    high: float
    slope: float
    items: int
    censored: str

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        return dict(self.__dict__)


@dataclass
class Ladder:
    """Asks for blocks of five items: up a level after four right answers, down after two or fewer, else again.

        ladder = Ladder(chance=0.5)
        while not ladder.is_done:
            right = [...]                      # answers to ladder.block items of level ladder.level
            ladder.tell(right)
        ladder.reached().theta

    It ends after 8 turns or 120 items. chance: what guessing scores.
    """

    chance: float = 0.0
    place: int = _FIRST
    history: list[tuple[int, int, int]] = field(default_factory=list)  # level, items, right
    reversals: int = 0
    _direction: int = 0

    block = _BLOCK

    @property
    def level(self) -> str:
        """The level of the next block."""
        return list(LEVELS)[self.place - 1]

    @property
    def is_done(self) -> bool:
        """Whether enough is known."""
        return self.reversals >= _REVERSALS or sum(n for _, n, _ in self.history) >= _ITEMS

    def tell(self, right: list[bool]) -> None:
        """Record the answers to one block."""
        n_right = sum(right)
        self.history.append((self.place, len(right), n_right))
        step = 1 if n_right >= _UP else -1 if n_right <= _DOWN else 0
        if step and self._direction and step != self._direction:
            self.reversals += 1
        self._direction = step or self._direction
        self.place = min(max(self.place + step, 1), len(LEVELS))

    def reached(self) -> Reached:
        """P(right) = g + (1 - g) / (1 + exp(-a (theta - level))) by penalised likelihood on a grid."""
        fit = np.full((len(_THETAS), len(_SLOPES)), 0.0)
        for level, n, right in self.history:
            curve = 1 / (1 + np.exp(-_SLOPES[None, :] * (_THETAS[:, None] - level)))
            p = np.clip(self.chance + (1 - self.chance) * curve, 1e-9, 1 - 1e-9)
            fit += right * np.log(p) + (n - right) * np.log(1 - p)
        fit -= 0.5 * (np.log(_SLOPES / _USUAL_SLOPE) / _SLOPE_SPREAD)[None, :] ** 2
        profile = fit.max(1)
        best = int(profile.argmax())
        inside = np.flatnonzero(2 * (profile[best] - profile) <= _CHI2)
        theta = float(_THETAS[best])
        censored = "below D1" if theta < 1 else "above D8" if theta > len(LEVELS) else ""
        slope = float(_SLOPES[int(fit[best].argmax())])
        n_items = sum(n for _, n, _ in self.history)
        return Reached(theta, float(_THETAS[inside[0]]), float(_THETAS[inside[-1]]), slope, n_items, censored)
