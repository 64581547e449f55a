"""JSON-able data behind the figures of a report on series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthwright.classic import timeseries
from synthwright.evaluate.metric import Score
from synthwright.evaluate.series import SeriesEncoding
from synthwright.evaluate.series_fidelity import real_windows, stream

_CHANNELS, _DRAWN, _BARS = 8, 6, 30


def pictures(encoding: SeriesEncoding, scores: Sequence[Score]) -> dict[str, Any]:
    """Data of the figures that the measured scores give rise to.

    "series_lines": {"channels": [{"column": str, "real": [[float]], "synthetic": [[float]]}]}, a few windows of each;
    "series_spectra": {"channels": [{"column", "frequency": [float], "real": [share], "synthetic": [share]}]};
    "series_acf": {"channels": [{"column", "lag": [int], "real": [float], "synthetic": [float]}]};
    "series_histograms": {"channels": [{"column", "edges": [float], "real": [share], "synthetic": [share]}]};
    "utility": as for tables.
    """
    by_id = {score.id: score for score in scores if score.value is not None}
    channels = encoding.numbers[:_CHANNELS]
    if not channels or not len(encoding.windows("synthetic")):
        return {}
    found: dict[str, Any] = {"series_lines": {"channels": [_lines(encoding, j) for j in channels]}}
    real, made = real_windows(encoding).values, encoding.windows("synthetic").values
    if encoding.length >= 6:
        lags = encoding.length // 2
        memory = [timeseries.autocorrelation(one, lags) for one in (real, made)]
        power = [timeseries.periodograms(one).mean(axis=0) for one in (real, made)]
        power = [one / np.maximum(one.sum(axis=0), 1e-12) for one in power]
        cycles = np.arange(1, len(power[0]) + 1) / encoding.length
        found["series_spectra"] = {
            "channels": [
                {"column": encoding.names[j], "frequency": _plain(cycles), **_pair(power[0][:, j], power[1][:, j])}
                for j in channels
            ]
        }
        found["series_acf"] = {
            "channels": [
                {
                    "column": encoding.names[j],
                    "lag": list(range(1, lags + 1)),
                    **_pair(memory[0][:, j], memory[1][:, j]),
                }
                for j in channels
            ]
        }
    found["series_histograms"] = {"channels": [_histogram(encoding, j, real, made) for j in channels]}
    if "utility.series_forecast" in by_id:
        bars = by_id["utility.series_forecast"].details["bars"]
        found["utility"] = {"metric": "Unexplained variance of forecasts", "better": "lower", "bars": bars}
    return found


def _lines(encoding: SeriesEncoding, j: int) -> dict[str, Any]:
    """The same number of windows of both, drawn at random, in the channel's own units."""
    rng = stream(encoding, f"lines {j}")
    mean, spread = encoding.ends[encoding.names[j]]
    found: dict[str, Any] = {"column": encoding.names[j]}
    for key, part in (("real", "train"), ("synthetic", "synthetic")):
        values = encoding.windows(part).values
        rows = np.sort(rng.choice(len(values), size=min(_DRAWN, len(values)), replace=False))
        found[key] = [_plain(line * spread + mean) for line in values[rows, :, j]]
    return found


def _histogram(encoding: SeriesEncoding, j: int, real: np.ndarray, made: np.ndarray) -> dict[str, Any]:
    mean, spread = encoding.ends[encoding.names[j]]
    low, high = np.quantile(real[:, :, j], [0.002, 0.998])
    if high <= low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _BARS + 1)
    counts = [np.histogram(np.clip(one[:, :, j], low, high), edges)[0] for one in (real, made)]
    shares = [one / max(one.sum(), 1) for one in counts]
    return {"column": encoding.names[j], "edges": _plain(edges * spread + mean), **_pair(*shares)}


def _pair(real: np.ndarray, made: np.ndarray) -> dict[str, list[float]]:
    return {"real": _plain(real), "synthetic": _plain(made)}


def _plain(values: np.ndarray) -> list[float]:
    return [float(f"{value:.6g}") for value in values]
