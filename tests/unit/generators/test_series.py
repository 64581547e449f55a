"""The methods of series against simulators whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import synthwright as sw
from synthwright.classic.timeseries import autocorrelation, cross_correlation_parts
from synthwright.core.errors import ConditionError, DataError, Unsupported
from synthwright.data.sequences import SeriesSet
from synthwright.generators.base import Generator
from synthwright.testing import mixed_table, small_series


def ar2(n: int, steps: int, seed: int) -> np.ndarray:
    """x_t = 1.2 x_{t-1} - 0.5 x_{t-2} + e_t, stationary: (n, steps)."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, steps + 100))
    e = rng.standard_normal(x.shape)
    for t in range(2, x.shape[1]):
        x[:, t] = 1.2 * x[:, t - 1] - 0.5 * x[:, t - 2] + e[:, t]
    return x[:, 100:]


def var1(n: int, steps: int, seed: int) -> np.ndarray:
    """Two channels; the second follows the first one step later: (n, steps, 2)."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, steps + 50, 2))
    e = rng.standard_normal(x.shape)
    for t in range(1, x.shape[1]):
        x[:, t, 0] = 0.7 * x[:, t - 1, 0] + e[:, t, 0]
        x[:, t, 1] = 0.6 * x[:, t - 1, 0] + 0.2 * x[:, t - 1, 1] + e[:, t, 1]
    return x[:, 50:]


def test_free_text_and_columns_of_rare_levels_stay_empty_and_rare_levels_are_pooled(tmp_path) -> None:
    n, steps = 60, 3
    columns = {
        "id": np.repeat(np.arange(n), steps),
        "x": np.random.default_rng(0).normal(size=n * steps).round(2),
        "remark": [f"said {i}" for i in range(n * steps)],
        "state": ["run", "idle"] * (n * steps // 2 - 1) + ["smoke", "fire"],
        "ward": [f"ward {i % 50}" for i in range(n * steps)],
    }
    model = Generator.create("pca_gaussian").fit(SeriesSet.of(columns, entity="id"), seed=0)
    assert {(note.code, note.where) for note in model.notes} >= {
        ("N014", "remark"),
        ("N022", "state"),
        ("N014", "ward"),
    }
    rows = model.sample(50, seed=0).tables["rows"]
    assert set(rows["state"].to_pylist()) <= {"run", "idle"}
    assert {*rows["remark"].to_pylist(), *rows["ward"].to_pylist()} == {None}
    saved = (model.save(tmp_path / "model") / "model.json").read_text(encoding="utf-8")
    assert [word for word in ("said 7", "ward 7", "smoke") if word in saved] == []


def test_a_model_that_keeps_series_leaves_free_text_empty_as_tables_do(tmp_path) -> None:
    columns = {"id": np.repeat(np.arange(60), 3), "x": np.arange(180) % 7, "remark": [f"said {i}" for i in range(180)]}
    model = Generator.create("block_bootstrap").fit(SeriesSet.of(columns, entity="id"), seed=0)
    made = model.sample(20, seed=0)
    assert set(made.to_arrow()["remark"].to_pylist()) == {None}
    sw.write(made, tmp_path / "made.csv")
    assert sw.read(tmp_path / "made.csv", schema=model.schema).fingerprint() == made.fingerprint()


def cube(data: SeriesSet) -> np.ndarray:
    rows = data.tables["rows"]
    flat = np.column_stack([rows.column(column.name).to_numpy() for column in data.channels])
    return data.padded(flat)


def walks(n: int = 60, steps: int = 40, seed: int = 0) -> SeriesSet:
    """Prices: low walks on a log scale, high is never below it, copy repeats it."""
    rng = np.random.default_rng(seed)
    low = np.round(np.exp(4 + np.cumsum(rng.normal(0, 0.02, (n, steps)), axis=1) + rng.normal(0, 1, (n, 1))), 2)
    high = np.round(low * (1 + rng.gamma(2, 0.004, low.shape)), 2)
    return SeriesSet.from_windows(np.stack([low, high, low], axis=2), channels=("low", "high", "copy"))


def test_the_gaussian_keeps_the_autocorrelation_of_an_ar2() -> None:
    data = SeriesSet.from_windows(ar2(2_000, 30, 1))
    made = cube(Generator.create("pca_gaussian").fit(data).sample(3_000))
    phi = [1.2 / 1.5]
    phi.append(1.2 * phi[0] - 0.5)
    for _ in range(8):
        phi.append(1.2 * phi[-1] - 0.5 * phi[-2])
    assert np.abs(autocorrelation(made, 10)[:, 0] - phi).max() < 0.05


def test_the_gaussian_keeps_the_lagged_correlation_of_a_var() -> None:
    data = SeriesSet.from_windows(var1(2_000, 24, 2))
    made = cube(Generator.create("pca_gaussian").fit(data).sample(3_000))
    real, found = (cross_correlation_parts(x).mean_of(np.ones(len(x))) for x in (var1(20_000, 24, 3), made))
    assert np.abs(real - found).max() < 0.07


def test_relations_between_channels_hold_in_every_made_row() -> None:
    pytest.importorskip("pandas", reason="compares data frames")
    data = walks()
    for name in ("pca_gaussian", "block_bootstrap"):
        rows = Generator.create(name).fit(data).sample(300).tables["rows"].to_pandas()
        assert (rows["high"] >= rows["low"]).all()
        assert (rows["copy"] == rows["low"]).all()
        assert np.allclose(rows["low"], rows["low"].round(2))


def test_a_random_walk_is_learned_by_its_steps() -> None:
    model = Generator.create("pca_gaussian").fit(walks(200))
    assert any("low walks at random" in note.what for note in model.notes)
    made, real = cube(model.sample(500))[:, :, 0], cube(walks(200))[:, :, 0]
    steps = [np.diff(np.log(x), axis=1).std() for x in (made, real)]
    assert steps[0] == pytest.approx(steps[1], rel=0.1)


def test_attributes_are_made_first_and_series_follow_them() -> None:
    made = Generator.create("pca_gaussian").fit(small_series(300)).sample(400)
    frame = made.to_pandas().groupby("region")["load"].mean()
    assert frame["north"] - frame["south"] == pytest.approx(2.0, abs=0.4)
    assert set(made.lengths.tolist()) <= set(range(12, 21))


def test_blocks_hold_values_of_the_training_series_only() -> None:
    data = SeriesSet.from_windows(ar2(30, 40, 4))
    made = Generator.create("block_bootstrap", block=5).fit(data).sample(100)
    assert set(made.tables["rows"]["x1"].to_pylist()) <= set(data.tables["rows"]["x1"].to_pylist())


@pytest.mark.parametrize("kind", ["moving", "circular", "stationary"])
def test_within_a_block_neighbours_are_neighbours_of_the_data(kind: str) -> None:
    data = SeriesSet.from_windows(np.arange(200.0).reshape(5, 40))
    made = cube(Generator.create("block_bootstrap", kind=kind, block=8, anchored=False).fit(data).sample(200))[:, :, 0]
    follows = np.diff(made, axis=1) == 1
    assert follows.mean() == pytest.approx(7 / 8, abs=0.05)


def test_a_constant_channel_stays_constant() -> None:
    values = np.stack([ar2(80, 20, 5), np.full((80, 20), 7.5)], axis=2)
    made = Generator.create("pca_gaussian").fit(SeriesSet.from_windows(values)).sample(50)
    assert set(made.tables["rows"]["x2"].to_pylist()) == {7.5}


def test_holes_levels_and_irregular_moments_come_back() -> None:
    pytest.importorskip("pandas", reason="compares data frames")
    rng = np.random.default_rng(6)
    n, steps = 120, 15
    level = rng.normal(0, 1, (n, steps)).cumsum(axis=1)
    columns = {
        "who": np.repeat(np.arange(n), steps),
        "at": np.cumsum(rng.integers(1, 5, (n, steps)), axis=1).ravel(),
        "x": np.where(rng.random(n * steps) < 0.2, np.nan, np.round(level.ravel(), 1)),
        "mood": np.where(level.ravel() > 0, "up", "down"),
    }
    data = SeriesSet.of(columns, entity="who", order="at")
    rows = Generator.create("pca_gaussian").fit(data).sample(300).tables["rows"].to_pandas()
    assert rows["x"].isna().mean() == pytest.approx(0.2, abs=0.04)
    assert set(rows["mood"]) == {"up", "down"}
    assert rows.loc[rows["mood"] == "up", "x"].mean() > rows.loc[rows["mood"] == "down", "x"].mean() + 1
    gaps = rows.groupby("who")["at"].diff().dropna()
    assert set(gaps) == {1, 2, 3, 4}


def test_moments_of_made_series_rise_by_the_beat_of_the_data() -> None:
    start = np.datetime64("2024-01-01T00:00:00", "us")
    moments = start + np.arange(400) * np.timedelta64(1, "h")
    data = SeriesSet.of({"at": moments, "x": ar2(1, 400, 7)[0]}, order="at")
    made = Generator.create("pca_gaussian", window=12).fit(data).sample(20)
    at = made.tables["rows"]["at"].to_numpy().reshape(20, 12)
    assert (np.diff(at, axis=1) == np.timedelta64(1, "h")).all()


def test_long_series_are_learned_as_windows_with_a_note() -> None:
    model = Generator.create("pca_gaussian").fit(SeriesSet.of({"x": ar2(1, 500, 8)[0]}))
    assert model.sample(3).lengths.tolist() == [24, 24, 24]
    assert any(note.code == "Q010" for note in model.notes)


def test_a_condition_on_an_attribute_is_kept_and_an_unknown_level_refused() -> None:
    model = Generator.create("pca_gaussian").fit(small_series(100))
    assert set(model.sample(40, where="region == 'south'").arrow["region"].to_pylist()) == {"south"}
    with pytest.raises(ConditionError, match="levels"):
        model.sample(5, where="region == 'east'")


def test_too_few_series_and_other_data_are_refused() -> None:
    with pytest.raises(DataError, match="20 series or windows are too few"):
        Generator.create("pca_gaussian").fit(small_series(20))
    with pytest.raises(Unsupported, match=r"learns from datasets of modality .series"):
        Generator.create("pca_gaussian").fit(mixed_table())


@pytest.mark.quality
def test_the_flow_learns_a_switch_that_the_gaussian_misses(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the flow needs torch")
    rng = np.random.default_rng(9)
    side = rng.choice([-1.0, 1.0], size=(600, 1))
    values = side * np.sin(np.arange(12) / 2)[None, :] + 0.1 * rng.standard_normal((600, 12))
    data = SeriesSet.from_windows(values)
    options = {"width": 64, "depth": 2, "max_steps": 900, "max_seconds": None, "batch": 128, "learning_rate": 3e-3}

    def between(model: Generator) -> float:
        made = cube(model.sample(400))[:, :, 0] @ np.sin(np.arange(12) / 2)
        return float((np.abs(made) < 3).mean())  # real series lie near -6 and 6, none between

    flow = Generator.create("series_flow", **options).fit(data)
    assert between(flow) < 0.1
    assert between(Generator.create("pca_gaussian").fit(data)) > 0.2
    loaded = Generator.load(flow.save(tmp_path / "a.synth"))
    assert loaded.sample(20).fingerprint() == flow.sample(20).fingerprint()


def test_the_flow_gives_channels_that_do_not_depend_on_each_other_nets_of_their_own(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="the flow needs torch")
    a, b = (ar2(1_200, 8, seed) for seed in (1, 2))
    data = SeriesSet.from_windows(np.stack([a, b, a + 0.5 * ar2(1_200, 8, 3)], axis=2))
    flow = Generator.create("series_flow", width=16, depth=1, max_steps=5, max_seconds=None).fit(data)
    made = cube(flow.sample(400, seed=1))
    assert sorted(flow._size.groups) == [8, 16]
    assert np.corrcoef(made[:, :, 0].ravel(), made[:, :, 2].ravel())[0, 1] > 0.7
    assert abs(np.corrcoef(made[:, :, 0].ravel(), made[:, :, 1].ravel())[0, 1]) < 0.1
    loaded = Generator.load(flow.save(tmp_path / "a.synth"))
    assert loaded.sample(20).fingerprint() == flow.sample(20).fingerprint()
