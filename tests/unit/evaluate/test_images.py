"""Metrics on images: each planted fault fails on its axis, fresh real images pass, bad input is refused in words."""

import numpy as np
import pytest
from scipy import ndimage

import synthwright as sw
from synthwright.core.errors import ConfigError, DataError, Unsupported
from synthwright.data.images import ImageSet
from synthwright.evaluate.images import ImageEncoding
from synthwright.evaluate.runner import chosen_metrics


@pytest.fixture(scope="module")
def parts():
    """Train, holdout and test of scikit-learn's digits: 1,078, 360 and 359 images of 8 x 8 in 10 classes."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return sw.split(ImageSet.of(np.rint(x * 255 / 16).astype(np.uint8).reshape(-1, 8, 8), y), seed=0)


def judged(synthetic, parts, **more):
    train, holdout, test = parts
    return sw.evaluate(synthetic, train=train, holdout=holdout, test=test, **more)


def verdicts(report):
    return {score.id: score.verdict for score in report.scores}


@pytest.fixture(scope="module")
def copies(parts):
    rows = np.random.default_rng(0).permutation(len(parts[0]))[:700]
    return judged(parts[0].select(rows), parts)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.quality
def test_fresh_real_images_pass_everything(seed, parts):
    train, holdout, test = parts
    pool = np.random.default_rng(seed).permutation(len(holdout) + len(test))
    both = holdout.concat([holdout, test])
    half = len(pool) // 2
    report = sw.evaluate(both.select(pool[:half]), train=train, holdout=both.select(pool[half:]), seed=seed)
    assert set(verdicts(report).values()) == {"pass"}


def test_every_metric_of_images_was_measured(copies):
    assert len(copies.scores) == len(chosen_metrics("images")) == 12
    assert all(score.value is not None for score in copies.scores)


def test_every_score_has_references_an_interval_a_p_and_words(copies):
    for score in copies.scores:
        assert score.references, score.id
        assert score.low is not None, score.id
        assert score.low <= score.high, score.id
        assert score.p is not None, score.id
        assert score.plain[-1] in ".)", score.id


def test_copies_of_training_images_fail_on_privacy_alone(copies):
    bad = {id for id, verdict in verdicts(copies).items() if verdict == "fail"}
    assert bad == {"privacy.image_copies", "privacy.image_near_copies", "privacy.image_closer"}
    assert copies["privacy.image_near_copies"].value > 0.9


def test_the_copy_rate_of_fresh_images_is_about_one_percent(parts):
    report = judged(parts[2], (*parts[:2], parts[1]), metrics=["image_near_copies"])
    assert 0 <= report["privacy.image_near_copies"].value <= 0.03


def test_slightly_changed_copies_are_found_though_none_is_exact(parts):
    pixels = parts[0].pixels().astype(int) + np.random.default_rng(0).integers(-6, 7, (len(parts[0]), 8, 8, 1))
    near = ImageSet.of(np.clip(pixels, 1, 254).astype(np.uint8), parts[0].labels())
    found = verdicts(judged(near, parts, metrics=["privacy"]))
    assert found["privacy.image_copies"] == "pass"
    assert found["privacy.image_near_copies"] == found["privacy.image_closer"] == "fail"


def test_one_copy_in_ten_is_found(parts):
    train, holdout, test = parts
    fresh = test.concat([test.select(range(250)), train.select(range(32))])
    score = judged(fresh, (train, holdout, holdout), metrics=["image_copies"])["privacy.image_copies"]
    assert score.verdict == "fail"


@pytest.mark.quality
def test_noise_fails_on_fidelity_and_usefulness(parts):
    train = parts[0]
    pixels = np.random.default_rng(0).integers(0, 256, train.pixels().shape, dtype=np.uint8)
    found = verdicts(judged(ImageSet.of(pixels, train.labels()), parts))
    for id in ("fidelity.image_kid", "fidelity.image_fd", "fidelity.image_precision", "utility.image_tstr"):
        assert found[id] == "fail", id
    assert found["controllability.image_control"] == "fail"


@pytest.mark.quality
def test_blurred_images_fail_on_fidelity_and_variety(parts):
    train = parts[0]
    pixels = np.stack([ndimage.gaussian_filter(image, (0.7, 0.7, 0)) for image in train.pixels()])
    found = verdicts(judged(ImageSet.of(pixels, train.labels()), parts, metrics=["fidelity", "diversity"]))
    for id in ("fidelity.image_kid", "fidelity.image_fd", "diversity.image_coverage", "diversity.image_vendi"):
        assert found[id] == "fail", id


def test_one_class_alone_fails_on_diversity_and_usefulness(parts):
    only = parts[2].select(np.flatnonzero(parts[2].labels() == 3))
    more = only.concat([only] * 3)
    found = verdicts(judged(more, (*parts[:2], parts[1]), metrics=["diversity", "utility"]))
    for id in ("diversity.image_classes", "diversity.image_coverage", "utility.image_tstr"):
        assert found[id] == "fail", id


@pytest.mark.quality
def test_shuffled_labels_fail_on_control_and_usefulness_and_pass_on_fidelity(parts):
    labels = np.random.default_rng(0).permutation(parts[0].labels())
    found = verdicts(
        judged(ImageSet.of(parts[0].pixels(), labels), parts, metrics=["fidelity", "utility", "image_control"])
    )
    assert found["controllability.image_control"] == found["utility.image_tstr"] == "fail"
    assert found["fidelity.image_kid"] == found["fidelity.image_precision"] == "pass"


def test_one_class_of_ten_with_wrong_labels_is_found_and_named(parts):
    labels = parts[0].labels().copy()
    fours = labels == 4
    labels[fours] = np.random.default_rng(0).choice([1, 7], fours.sum())
    report = judged(ImageSet.of(parts[0].pixels(), labels), parts, metrics=["image_control", "image_tstr"])
    assert report["controllability.image_control"].verdict == "fail"
    assert "4" in str(report["utility.image_tstr"].where)


def test_a_few_images_again_and_again_fail_on_diversity(parts):
    few = parts[0].select(np.random.default_rng(0).integers(0, 40, 700))
    found = verdicts(judged(few, parts, metrics=["diversity"]))
    assert found["diversity.image_repeats"] == found["diversity.image_vendi"] == "fail"


def test_the_ceiling_of_control_is_the_accuracy_on_unseen_images(copies, parts):
    score = copies["controllability.image_control"]
    assert score.references["real"] == score.details["ceiling"] > 0.97


def test_usefulness_is_read_against_training_on_real_images_and_guessing(copies):
    score = copies["utility.image_tstr"]
    assert score.references["real"] > 0.97
    assert score.references["majority"] < 0.12
    assert [bar["kind"] for bar in score.details["bars"]] == ["real", "synthetic", "other"]


def test_the_features_are_named(copies):
    assert copies["fidelity.image_kid"].details["extractor"].startswith("pixels-pca")


def test_equal_evidence_gives_equal_scores(parts, copies):
    rows = np.random.default_rng(0).permutation(len(parts[0]))[:700]
    again = judged(parts[0].select(rows), parts, metrics=["image_kid", "image_vendi"])
    for id in ("fidelity.image_kid", "diversity.image_vendi"):
        assert (again[id].value, again[id].low) == (copies[id].value, copies[id].low)


# -- what cannot be judged


@pytest.mark.quality
def test_no_fix_offers_what_only_one_method_has_without_naming_it(parts):
    train = parts[0]
    wrong = ImageSet.of(train.pixels(), np.random.default_rng(0).permutation(train.labels()))
    report = judged(wrong, parts, metrics=["image_control", "image_vendi", "image_tstr"])
    fix = report["controllability.image_control"].fix
    assert "guidance" not in fix  # it raises the score and lowers the use
    assert all("image_flow" in score.fix for score in report.scores if "option" in score.fix)
    assert "image_flow" in fix


def test_without_labels_the_metrics_of_classes_are_not_assessed(parts):
    bare = [ImageSet.of(part.pixels()) for part in parts]
    found = verdicts(judged(bare[2], (bare[0], bare[1], bare[1])))
    for id in ("utility.image_tstr", "controllability.image_control", "diversity.image_classes"):
        assert found[id] == "not assessed", id
    assert found["fidelity.image_kid"] == "pass"


def test_without_unseen_images_closeness_and_distance_are_not_assessed(parts):
    report = sw.evaluate(parts[2], train=parts[0])
    assert verdicts(report)["fidelity.image_kid"] == "not assessed"
    assert verdicts(report)["privacy.image_near_copies"] == "not assessed"
    assert sw.evaluate(parts[0].select(range(200)), train=parts[0])["privacy.image_copies"].verdict == "fail"


def test_few_images_are_not_assessed(parts):
    report = judged(parts[2].select(range(20)), parts)
    assert verdicts(report)["fidelity.image_kid"] == "not assessed"
    assert "20 images in synthetic" in report["fidelity.image_kid"].plain


def test_a_frechet_distance_of_too_few_images_is_refused(parts):
    score = judged(parts[2].select(range(100)), parts, metrics=["image_fd"])["fidelity.image_fd"]
    assert (score.value, score.verdict) == (None, "not assessed")
    assert "100 images are too few" in score.plain


def test_images_of_another_size_are_refused(parts):
    other = ImageSet.of(np.zeros((60, 9, 8), np.uint8), np.arange(60) % 10)
    with pytest.raises(DataError, match=r"\(8, 8, 1\) in train and \(9, 8, 1\) in synthetic"):
        judged(other, parts)


def test_labels_of_another_type_are_refused(parts):
    other = ImageSet.of(parts[2].pixels(), [str(level) for level in parts[2].labels()])
    with pytest.raises(DataError, match="Classes are int64 in train and string in synthetic"):
        judged(other, parts)


def test_a_class_that_train_does_not_have_is_found(parts):
    labels = parts[2].labels().copy()
    labels[:30] = 77
    score = judged(ImageSet.of(parts[2].pixels(), labels), (parts[0], parts[1], parts[1]), metrics=["image_classes"])
    assert score["diversity.image_classes"].verdict == "fail"
    assert "a class that no training image has" in score["diversity.image_classes"].plain


def test_equal_real_images_are_refused():
    flat = ImageSet.of(np.zeros((60, 8, 8), np.uint8))
    encoding = ImageEncoding({"train": flat, "holdout": flat, "synthetic": flat})
    with pytest.raises(DataError, match="All real images are equal"):
        encoding.features("train")


def test_a_table_is_no_set_of_images(parts):
    with pytest.raises(Unsupported):
        sw.evaluate({"x": [1, 2, 3]}, train=parts[0])


def test_a_holdout_that_is_the_training_data_is_refused(parts):
    with pytest.raises(ConfigError, match="holdout is the training data"):
        sw.evaluate(parts[2], train=parts[0], holdout=parts[0])
