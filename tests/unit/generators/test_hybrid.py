import numpy as np
import pytest

from synthwright.core import registry
from synthwright.core.errors import ConfigError, DataError, FormatError, Unsupported
from synthwright.data.sequences import SeriesSet
from synthwright.data.table import Table
from synthwright.evaluate.learners import c2st_auc
from synthwright.generators.base import Generator
from synthwright.generators.hybrid import Mixture, Reweight
from synthwright.generators.independent import Independent
from synthwright.generators.residual import Residual
from synthwright.generators.views import view_from_json, view_of
from synthwright.testing import mixed_table

needs_trees = pytest.mark.usefixtures("trees")


@pytest.fixture
def trees():
    pytest.importorskip("lightgbm", reason="needs the extra trees")


def crossed(n, seed=0):
    """Two numbers on a cross: each margin is plain, together they leave most of the square empty."""
    rng = np.random.default_rng(seed)
    x = rng.random(n)
    y = np.where(rng.random(n) < 0.5, x, 1 - x) + rng.normal(0, 0.03, n)
    return Table.of({"x": np.round(x, 4), "y": np.round(y, 4)})


def tied(n):
    """Two normal numbers of correlation 0.95."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n)
    return Table.of({"x": x, "y": 3 * x + rng.normal(size=n)})


def waves(n=240, seed=0):
    rng = np.random.default_rng(seed)
    phase, rate = rng.uniform(0, 2 * np.pi, (n, 1, 1)), rng.uniform(0.3, 0.6, (n, 1, 1))
    return SeriesSet.from_windows(np.sin(rate * np.arange(12)[None, :, None] + phase) + rng.normal(0, 0.1, (n, 12, 1)))


def distance(made, real):
    """AUC of the judge on the columns' ranks."""
    view = view_of(real, protect=False)
    return c2st_auc(view.rows(made), view.rows(real), rng=np.random.default_rng(0), levels=view.levels)[0]


# -- mixture


def test_a_mixture_gives_its_shares_to_the_parent_that_fits():
    model = Mixture(parents="independent,copula").fit(tied(600))
    assert model._weights[1] > 0.9
    assert any(note.code in ("G070", "G071") for note in model.notes)


def test_a_mixture_that_fails_its_check_leaves_all_to_the_best_parent(monkeypatch):
    monkeypatch.setattr("synthwright.generators.hybrid.simplex_weights", lambda inner, cross: np.array([1.0, 0.0]))
    model = Mixture(parents=["independent", "copula"]).fit(tied(600))
    assert list(model._weights) == [0.0, 1.0]
    assert [note.what for note in model.notes if note.code == "G071"] == [
        "the mixture (1.00 independent, 0.00 copula) was worse than 'copula' on the check: 'copula' makes all units"
    ]


# -- reweight


@pytest.mark.quality
@needs_trees
def test_accepted_proposals_are_harder_to_tell_from_fresh_real_rows():
    model = Reweight(parent="independent", draws=6, folds=2).fit(crossed(900), seed=1)
    fresh = crossed(900, seed=9)
    plain = distance(Independent().fit(crossed(900), seed=1).sample(900), fresh)
    assert distance(model.sample(900), fresh) < plain - 0.12
    notes = {note.code: note.what for note in model.notes}
    assert "unseen units" in notes["G072"]
    assert "proposals a unit" in notes["G074"]


@needs_trees
def test_when_nothing_can_be_corrected_every_proposal_is_accepted_and_a_note_says_so():
    rng = np.random.default_rng(0)
    data = Table.of({"x": np.round(rng.random(600), 3), "y": rng.choice(["a", "b"], 600).tolist()})
    model = Reweight(parent="independent").fit(data)
    assert any(note.code == "G073" for note in model.notes)
    assert model._accepted == 1.0
    assert len(model.sample(50, seed=4)) == 50


# -- residual


def test_a_sharp_linear_relation_survives_a_parent_that_knows_no_relations():
    rng = np.random.default_rng(0)
    x = rng.normal(size=800)
    data = Table.of({"x": x, "y": 3 * x + rng.normal(0, 0.1, 800), "z": rng.choice(["a", "b"], 800).tolist()})
    made = Residual(parent="independent").fit(data).sample(2000).arrow.to_pydict()
    assert np.corrcoef(made["x"], made["y"])[0, 1] > 0.99
    assert set(made["z"]) == {"a", "b"}


def test_holes_stay_at_their_rate_and_values_on_their_grid():
    rng = np.random.default_rng(1)
    x = np.round(rng.normal(size=800), 2)
    y = np.where(rng.random(800) < 0.2, np.nan, np.round(2 * x + rng.normal(0, 0.05, 800), 1))
    made = Residual().fit(Table.of({"x": x, "y": [None if np.isnan(v) else v for v in y]})).sample(2000)
    cells = np.array(made["y"].to_pylist(), dtype=float)
    assert abs(np.isnan(cells).mean() - 0.2) < 0.05
    assert np.allclose(cells[~np.isnan(cells)], np.round(cells[~np.isnan(cells)], 1))


def test_without_any_relation_the_parent_gets_the_table_as_it_is():
    rng = np.random.default_rng(2)
    model = Residual().fit(Table.of({"x": rng.random(300), "y": rng.random(300)}))
    assert model._steps == []
    assert any("no number" in note.what for note in model.notes)


# -- series


@needs_trees
@pytest.mark.parametrize(
    "model",
    [Mixture(parents="block_bootstrap,pca_gaussian"), Reweight(parent="pca_gaussian", folds=2)],
    ids=["mixture", "reweight"],
)
@pytest.mark.quality
def test_hybrids_take_the_modality_of_their_parents(model, tmp_path):
    assert model.ability.modality == "series"
    data = waves()
    made = model.fit(data).sample(30, seed=2)
    assert len(made) == 30
    assert made.schema == data.schema
    loaded = Generator.load(model.save(tmp_path / "m.synth"))
    assert loaded.sample(30, seed=2).fingerprint() == made.fingerprint()
    assert model.sample(600, seed=2).select(range(30)).fingerprint() == made.fingerprint()
    with pytest.raises(Unsupported, match="learns from datasets of modality 'series', not 'table'"):
        model.fit(mixed_table())


def test_keeping_rows_is_inherited_from_a_parent():
    assert Mixture(parents="block_bootstrap,pca_gaussian").ability.keeps_rows
    assert not Mixture().ability.keeps_rows


def test_series_that_a_parent_shortens_are_refused_with_the_way_to_cut_them():
    long = SeriesSet.from_windows(np.random.default_rng(0).normal(size=(120, 150, 1)))
    with pytest.raises(DataError, match=r"data\.windows\(24\)"):
        Mixture(parents="block_bootstrap,pca_gaussian").fit(long)


# -- composition


@pytest.mark.quality
def test_hybrids_nest_and_come_back_from_their_file(trees, tmp_path):
    options = {"mixture": {"parents": ["independent", "copula"]}}
    model = Reweight(parent="mixture", options=options, folds=2).fit(mixed_table(400))
    loaded = Generator.load(model.save(tmp_path / "m.synth"))
    assert isinstance(loaded.parents[0], Mixture)
    assert loaded.sample(40, seed=3).fingerprint() == model.sample(40, seed=3).fingerprint()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Mixture(parents="cart"), "at least 2"),
        (lambda: Mixture(parents="cart,cartt"), "Did you mean 'cart'"),
        (lambda: Mixture(parents="cart,copula,cart"), "cart is named more than once"),
        (lambda: Mixture(parents="cart,pca_gaussian"), "different data: series, table"),
        (lambda: Mixture(parents="cart,copula", options={"boost": {"leaf": 3}}), "Options are given for boost"),
        (lambda: Mixture(parents="cart,copula", options={"cart": {"leaf": 1}}), "leaf"),
        (lambda: Reweight(parent="reweight", options={"reweight": {"parent": "mixture"}, "mixture": {}}), "no parents"),
        (lambda: Reweight(parent="dyval"), "learns from no data"),
        (lambda: Residual(parent="pca_gaussian"), "Residuals are taken of tables"),
        (lambda: Reweight(draws=1), "greater than 1"),
    ],
)
def test_a_wrong_composition_is_one_clear_error(make, words):
    with pytest.raises((ConfigError, Unsupported), match=words):
        make()


def test_nesting_has_an_end():
    inner = {"parent": "reweight", "options": {"reweight": {"parent": "residual"}}}
    with pytest.raises(ConfigError, match="nested 4 deep"):
        Reweight(parent="reweight", options={"reweight": inner})


def test_a_mixture_whose_file_has_other_weights_is_refused(tmp_path):
    model = Mixture(parents="independent,copula").fit(mixed_table())
    model._weights = np.array([1.0])
    with pytest.raises(FormatError, match="1 weights for 2 parents"):
        Generator.load(model.save(tmp_path / "m.synth"))


def test_the_options_of_parents_reach_them():
    model = Mixture(parents="cart,copula", options={"cart": {"leaf": 33}}, protect=False)
    assert model.parents[0].config.leaf == 33
    assert not model.parents[0].config.protect
    assert registry.find("generators", "mixture") is Mixture


# -- views


def test_views_come_back_from_json_and_see_holes_and_levels():
    table = mixed_table().replace({})
    kept = Independent().fit(table)._preparation.learned(table)
    for data in (kept, waves(40)):
        view = view_of(data, protect=True)
        again = view_from_json(view.to_json())
        assert np.array_equal(again.rows(data), view.rows(data), equal_nan=True)
        assert again.levels == view.levels
    assert np.isnan(view_of(kept, protect=True).rows(kept)).any()


@pytest.mark.parametrize("text", ["independent,copula", "[independent,copula]", "[independent, 'copula']"])
def test_a_list_of_parents_can_be_written_as_in_yaml(text):
    assert Mixture(parents=text).config.parents == ("independent", "copula")
