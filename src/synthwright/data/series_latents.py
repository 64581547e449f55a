"""Latent channels: the numbers of one channel of a set of series as nearly normal numbers, and back.

A series may have a level and a scale of its own. Then both become numbers beside the series, which is learned on its
own scale: quiet and wild stretches of one channel look alike (Lin et al. 2020, arXiv 1909.13403, section 4.1.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from synthwright.data.sequences import padded
from synthwright.data.series_channels import Score
from synthwright.data.series_curves import Curve

_SMOOTH = 1e-4  # variance of second differences over that of the level below which a channel is a smooth curve
_OWN = 1.5  # variance of the series' log scales over that of a normal vector's draws above which they are learned
_APART = 0.5  # share of a level's variance between series above which these get a level and a scale of their own
_DRAWS = 2_000
_FLOOR = 1e-3  # added to a series' scale, in units of the channel's, so that a flat series has one


@dataclass(frozen=True, eq=False)
class Latent:
    """One latent channel. part: level, step (start first, then steps), gap, rest, flags, missing or time.

    curve: the channel is a smooth curve; its coordinates are learned, each by its own of `ranks`. Else ranks are of
    what a series has once (start or mean; scale when `floor` is above 0), and `rest` is of its steps; without `rest`,
    steps are centred and scaled only.
    """

    column: str
    part: str
    width: int = 1
    rest: Score | None = None
    centre: float = 0.0
    scale: float = 1.0
    floor: float = 0.0
    curve: Curve | None = None
    ranks: tuple[Score, ...] = ()

    @classmethod
    def fit(cls, name: str, part: str, quantity: np.ndarray, lengths: np.ndarray, *, own_scale: bool | None) -> Self:
        """Of one quantity of all rows. own_scale: whether series get a scale of their own; None: when it varies."""
        grid = padded(quantity, lengths)
        if part in ("missing", "time"):
            return cls(name, part, rest=Score.fit(quantity))
        if part == "level" and _is_smooth(grid):
            curve = Curve.fit(grid) if not np.isnan(grid).any() else None
            if curve is not None:
                return cls(name, part, curve=curve, ranks=tuple(Score.fit(c) for c in curve.coordinates(grid).T))
            return cls(name, part, centre=float(np.nanmean(grid)), scale=float(np.nanstd(grid)) or 1.0)
        moves = _moves(grid, part)
        own = own_scale if own_scale is not None else _has_own_scale(moves, grid, part)
        floor = _FLOOR * max(float(np.nanmean(np.abs(moves))), 1e-300) if own and grid.shape[1] >= 4 else 0.0
        bare = cls(name, part, floor=floor)
        once, rest = bare._taken_apart(grid)
        return cls(name, part, floor=floor, ranks=tuple(Score.fit(x) for x in once), rest=Score.fit(rest))

    def size(self, length: int) -> int:
        """How many numbers describe one series."""
        if self.curve is not None:
            return len(self.ranks)
        return length * self.width + len(self.ranks) - int(self.part == "step")

    def forward(self, quantity: np.ndarray, lengths: np.ndarray, length: int, rng: np.random.Generator) -> np.ndarray:
        """One quantity of all rows as (series, size); NaN beyond the end of a series."""
        grid = np.full((len(lengths), length), np.nan)
        plain = padded(quantity, lengths)
        grid[:, : plain.shape[1]] = plain
        if self.curve is not None:
            found = self.curve.coordinates(grid)
            return np.column_stack([score.forward(found[:, k], rng) for k, score in enumerate(self.ranks)])
        if self.rest is None:
            return np.asarray((grid - self.centre) / self.scale)
        once, rest = self._taken_apart(grid)
        ranked = [score.forward(x, rng)[:, None] for score, x in zip(self.ranks, once, strict=True)]
        return np.concatenate([*ranked, self.rest.forward(rest, rng)], axis=1)

    def backward(self, z: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """The inverse of `forward`: (series, length)."""
        once = [score.inverse(z[:, k]) for k, score in enumerate(self.ranks)]
        if self.curve is not None:
            return self.curve.curves(np.column_stack(once))
        if self.rest is None:
            return np.asarray(z * self.scale + self.centre)
        rest = self.rest.inverse(z[:, len(self.ranks) :])
        if self.floor:
            rest = self._rescaled(rest, np.exp(once[-1]), lengths)
        if self.part == "step":
            return np.cumsum(np.concatenate([once[0][:, None], rest], axis=1), axis=1)
        return rest + once[0][:, None] if self.part == "level" and self.floor else rest

    def _taken_apart(self, grid: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
        """What a series has once, and what it has at every step."""
        moves = _moves(grid, self.part)
        once = [grid[:, 0]] if self.part == "step" else []
        if not self.floor:
            return once, grid if self.part == "level" else moves
        if self.part == "level":
            once = [np.nanmean(grid, axis=1)]
        scale = np.nanmean(np.abs(moves), axis=1) + self.floor
        return [*once, np.log(scale)], moves / scale[:, None]

    def _rescaled(self, rest: np.ndarray, scale: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Steps with exactly the mean size that the series' scale says, and levels around exactly its mean."""
        last = lengths - int(self.part == "step")
        inside = np.arange(rest.shape[1])[None, :] < last[:, None]
        count = np.maximum(last, 1)
        if self.part == "level":
            rest = rest - (np.where(inside, rest, 0.0).sum(axis=1) / count)[:, None]
        size = np.where(inside, np.abs(rest), 0.0).sum(axis=1) / count
        wanted = np.maximum(scale - self.floor, 0.0)
        return np.asarray(rest * (wanted / np.maximum(size, 1e-300))[:, None])

    def to_json(self) -> dict[str, Any]:
        """A JSON-able document."""
        plain = {name: getattr(self, name) for name in ("column", "part", "width", "centre", "scale", "floor")}
        return {
            **plain,
            "rest": self.rest.to_json() if self.rest else None,
            "curve": self.curve.to_json() if self.curve else None,
            "ranks": [score.to_json() for score in self.ranks],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        made = dict(document)
        made["rest"] = Score.from_json(made["rest"]) if made["rest"] else None
        made["curve"] = Curve.from_json(made["curve"]) if made["curve"] else None
        made["ranks"] = tuple(Score.from_json(score) for score in made["ranks"])
        return cls(**made)


def _moves(grid: np.ndarray, part: str) -> np.ndarray:
    """What is measured against a series' scale: steps, gaps, or deviations from its mean."""
    if part == "step":
        return np.diff(grid, axis=1)
    return grid - np.nanmean(grid, axis=1, keepdims=True) if part == "level" else grid


def _is_smooth(grid: np.ndarray) -> bool:
    """Whether series are curves without noise: these are not bent by ranks, or they get kinks."""
    if grid.shape[1] < 4:
        return False
    return bool(np.nanvar(np.diff(grid, 2, axis=1)) < _SMOOTH * max(np.nanvar(grid), 1e-300))


def _has_own_scale(moves: np.ndarray, grid: np.ndarray, part: str) -> bool:
    """Whether scales differ more between series than they would if each were a draw of one normal vector.

    Also where levels lie so far apart that a distribution of all steps says little about those of one series.
    """
    known = grid[:, : int(np.quantile((~np.isnan(grid)).sum(axis=1), 0.1))]
    known = known[~np.isnan(known).any(axis=1)]
    n, length = known.shape
    if length < 8 or n < 30:
        return False
    if part == "level" and known.mean(axis=1).var() > _APART * known.var():
        return True
    rng = np.random.default_rng(0)  # a fixed stream: the answer is a property of the data
    moves = _moves(known, part)
    score = Score.fit(moves)
    z = score.forward(moves, rng)
    scales, axes = np.linalg.eigh(np.cov(z, rowvar=False))
    drawn = rng.standard_normal((_DRAWS, len(scales))) * np.sqrt(np.maximum(scales, 0.0)) @ axes.T
    floor = _FLOOR * np.abs(moves).mean()
    spreads = [np.log(np.abs(one).mean(axis=1) + floor).var() for one in (moves, score.inverse(drawn))]
    return bool(spreads[0] > _OWN * spreads[1])
