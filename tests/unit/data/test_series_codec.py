from __future__ import annotations

import json

import numpy as np
import pytest

from synthwright.core.errors import DataError
from synthwright.data.sequences import SeriesSet
from synthwright.data.series_codec import SeriesCodec
from synthwright.testing import small_series


def there_and_back(data: SeriesSet, **options: object) -> tuple[SeriesCodec, dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    codec = SeriesCodec.fit(data, rng, protect=False, **options)  # type: ignore[arg-type]
    codec = SeriesCodec.from_json(json.loads(json.dumps(codec.to_json())))
    flat = np.nan_to_num(codec.encode(data, rng))
    static = {column.name: data.arrow.column(column.name) for column in data.statics}
    made = codec.decode(flat, data.lengths, static, np.zeros(len(data)), rng)
    return codec, {c.name: made.tables["rows"].column(c.name).to_numpy(zero_copy_only=False) for c in data.channels}


def channel(data: SeriesSet, name: str) -> np.ndarray:
    return data.tables["rows"].column(name).to_numpy(zero_copy_only=False)


@pytest.mark.parametrize("own_scale", [True, False])
@pytest.mark.parametrize("steps", ["always", "never"])
def test_series_come_back_exactly_on_their_grid(own_scale: bool, steps: str) -> None:
    data = small_series(60)
    _, made = there_and_back(data, own_scale=own_scale, steps=steps)
    for name in ("load", "count"):
        assert np.mean(np.isclose(made[name], channel(data, name))) > 0.97, name


def test_a_lattice_of_values_is_restored() -> None:
    rng = np.random.default_rng(0)
    lattice = np.round(0.067 * np.arange(30), 3)
    data = SeriesSet.from_windows(rng.choice(lattice, (200, 12)))
    codec, made = there_and_back(data)
    assert len(codec.channels[0].support) == 30
    assert set(made["x1"]) <= set(lattice)


def test_a_fine_lattice_is_restored_although_rounding_bends_it_and_most_values_are_rare() -> None:
    rng = np.random.default_rng(5)
    lattice = np.round(0.0703 * np.arange(-400, 400), 3)
    data = SeriesSet.from_windows(rng.choice(lattice, (60, 40)))
    codec, made = there_and_back(data, steps="never")
    assert len(codec.channels[0].support) >= 790
    assert np.mean(np.isin(made["x1"], lattice)) > 0.9
    assert np.abs(made["x1"] - channel(data, "x1")).max() < 0.002


def test_a_channel_above_another_is_found_although_the_extremes_of_both_are_hidden() -> None:
    rng = np.random.default_rng(6)
    low = rng.standard_normal((60, 20)).cumsum(axis=1)
    data = SeriesSet.from_windows(np.stack([low, low + 0.1 * rng.random(low.shape)], axis=2), channels=("low", "high"))
    codec = SeriesCodec.fit(data, rng, protect=True)
    assert codec.channels[1].below == ("low",)


def test_overlapping_windows_do_not_make_a_grid_of_values_that_stand_once() -> None:
    long = SeriesSet.of({"x": np.random.default_rng(1).standard_normal(300)})
    codec = SeriesCodec.fit(long.windows(24), np.random.default_rng(0), protect=False)
    assert len(codec.channels[0].support) == 0


def test_a_channel_that_is_nearly_a_sum_of_others_stays_one() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((2, 150, 10)).cumsum(axis=2)
    total = a + 2 * b + 0.05 * rng.standard_normal(a.shape)
    data = SeriesSet.from_windows(np.stack([total, a, b], axis=2), channels=("total", "a", "b"))
    codec, made = there_and_back(data, steps="never")
    sums = [one for one in codec.channels if one.sum_of]
    assert len(sums) == 1
    assert np.std(made["total"] - made["a"] - 2 * made["b"]) < 0.06


def test_smooth_curves_are_learned_by_few_anchors_and_stay_smooth() -> None:
    rng = np.random.default_rng(3)
    f, p = rng.uniform(0, 0.1, (2, 500, 1))
    data = SeriesSet.from_windows(np.sin(f * np.arange(24) + p))
    codec, made = there_and_back(data)
    assert codec.width == 2
    assert np.quantile(np.abs(made["x1"] - channel(data, "x1")), 0.98) < 5e-6  # peaks end where the data's do
    bends = np.diff(made["x1"].reshape(500, 24), 2, axis=1)
    assert np.abs(bends - np.diff(channel(data, "x1").reshape(500, 24), 2, axis=1)).max() < 1e-4


def test_series_with_scales_of_their_own_keep_them_apart() -> None:
    rng = np.random.default_rng(4)
    scale = np.exp(rng.normal(0, 1, (300, 1)))
    data = SeriesSet.from_windows(scale * rng.standard_normal((300, 16)))
    codec, made = there_and_back(data)
    assert codec.latents[0].floor > 0
    assert codec.width == 18
    own = [np.abs(x.reshape(300, 16)).mean(axis=1) for x in (made["x1"], channel(data, "x1"))]
    assert np.corrcoef(np.log(own[0]), np.log(own[1]))[0, 1] > 0.999


def test_series_of_one_normal_distribution_get_no_scale_of_their_own() -> None:
    values = np.random.default_rng(5).standard_normal((400, 20))
    for t in range(1, 20):
        values[:, t] += 0.8 * values[:, t - 1]
    codec, _ = there_and_back(SeriesSet.from_windows(values))
    assert codec.latents[0].floor == 0


def test_only_constant_channels_are_an_error() -> None:
    with pytest.raises(DataError, match="Every channel is constant"):
        SeriesCodec.fit(SeriesSet.from_windows(np.ones((60, 5))), np.random.default_rng(0))
