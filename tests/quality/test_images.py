"""Image methods on scikit-learn's digits: what they reach in seconds. The full fits are in benchmarks/images.py."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC

import synthwright as sw
from synthwright.data.images import ImageSet

pytestmark = pytest.mark.quality


@pytest.fixture(scope="module")
def parts():
    x, y = load_digits(return_X_y=True)
    return sw.split(ImageSet.of(np.rint(x * 255 / 16).astype(np.uint8).reshape(-1, 8, 8), y), seed=0)


def accuracy(learned, judged):
    flat = [part.pixels().reshape(len(part), -1) / 255 for part in (learned, judged)]
    return float((SVC(C=10).fit(flat[0], learned.labels()).predict(flat[1]) == judged.labels()).mean())


def test_the_classifier_is_good_enough_to_judge(parts):
    assert accuracy(parts[0], parts[2]) > 0.97


def test_ppca_is_a_floor_that_is_not_low(parts):
    model = sw.Generator.create("image_ppca").fit(parts[0])
    assert accuracy(model.sample(len(parts[0])), parts[2]) > 0.94


def test_a_flow_of_few_steps_beats_the_gaussian_it_starts_from(parts):
    pytest.importorskip("torch", reason="needs the extra deep")
    train = parts[0].select(np.flatnonzero(parts[0].labels() < 4))
    test = parts[2].select(np.flatnonzero(parts[2].labels() < 4))
    found = []
    for steps in (1, 100):
        model = sw.Generator.create("image_flow", steps=steps, width=8, batch=32, sample_steps=5).fit(train)
        fake = model.sample(128)
        report = sw.evaluate(fake, train=train, holdout=test, metrics=["image_kid"])
        found.append(report["fidelity.image_kid"].value)
    assert found[1] < 0.75 * found[0]
