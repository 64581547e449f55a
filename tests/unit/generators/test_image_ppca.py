"""Probabilistic PCA on images: classes, factors, notes, bad input."""

import numpy as np
import pytest

from synthwright.core.errors import ConditionError, ConfigError, DataError, Unsupported
from synthwright.data.images import ImageSet
from synthwright.generators.image_ppca import ImagePPCA
from synthwright.testing import small_images


def two(n=60, **more):
    """Dark and bright images, the bright ones three times as many."""
    codes = np.where(np.arange(n) % 4 == 0, 0, 1)
    pixels = np.random.default_rng(0).normal(60 + 120 * codes[:, None, None], 10, (n, 6, 5))
    return ImageSet.of(np.clip(pixels, 0, 255).astype(np.uint8), np.array(["dark", "bright"])[codes], **more)


def test_samples_look_like_their_class():
    fake = ImagePPCA().fit(two()).sample(300, seed=1)
    light = fake.pixels().mean(axis=(1, 2, 3))
    assert light[fake.labels() == "dark"].max() < 100 < light[fake.labels() == "bright"].min()


def test_classes_have_their_shares_unless_balanced():
    shares = [float((ImagePPCA(balance=b).fit(two()).sample(2_000).labels() == "dark").mean()) for b in (False, True)]
    assert shares[0] == pytest.approx(0.25, abs=0.04)
    assert shares[1] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("where", "left"),
    [
        ("label == 'dark'", {"dark"}),
        ({"label": ["dark", "bright"]}, {"dark", "bright"}),
        ("label != 'dark'", {"bright"}),
    ],
)
def test_conditions_on_the_class_hold(where, left):
    assert set(ImagePPCA().fit(two()).sample(50, where=where).labels()) == left


def test_a_rare_class_is_made_in_one_draw():
    data = two(400)
    rare = data.select([0, 4, *[i for i in range(400) if i % 4]])
    assert len(ImagePPCA().fit(rare).sample(700, where="label == 'dark'")) == 700


def test_images_without_classes_are_learned_as_one():
    fake = ImagePPCA().fit(ImageSet.of(two().pixels())).sample(10)
    assert fake.labels() is None
    assert fake.shape == (6, 5, 1)


def test_a_condition_on_images_without_classes_is_refused():
    with pytest.raises(ConditionError):
        ImagePPCA().fit(ImageSet.of(two().pixels())).sample(3, where="label == 'dark'")


def test_the_chosen_number_of_factors_is_noted():
    notes = [note.what for note in ImagePPCA().fit(two()).notes]
    assert sum("by held-out likelihood" in what for what in notes) == 2


def test_more_factors_than_images_allow_are_lowered_with_a_note():
    model = ImagePPCA(factors=40).fit(two())
    assert any("only 14 factors" in note.what for note in model.notes)


def test_metadata_stay_empty_with_a_note():
    model = ImagePPCA().fit(two(metadata={"price": np.arange(60) / 4}))
    assert any("stay empty: price" in note.what for note in model.notes)
    assert model.sample(5).arrow.column("price").null_count == 5


def test_metadata_that_may_not_be_missing_are_sampled_all_the_same():
    data = two(metadata={"price": np.arange(60) / 4})
    strict = data.replace({}, data.schema.edit(price={"nullable": False}))
    assert len(ImagePPCA().fit(strict).sample(5)) == 5


def test_pixel_noise_adds_the_rest_of_the_variance():
    data = two()
    plain, noisy = (ImagePPCA(factors=1, pixel_noise=on).fit(data).sample(400) for on in (False, True))
    spread = [one.pixels()[one.labels() == "dark"].std(axis=0).mean() for one in (data, plain, noisy)]
    assert spread[1] < 0.6 * spread[0]
    assert spread[2] == pytest.approx(spread[0], rel=0.25)


def test_a_class_of_one_image_is_refused():
    data = two()
    with pytest.raises(DataError, match=r"1 class has one image.*'dark' \(1\)"):
        ImagePPCA().fit(data.select([0, *[i for i in range(60) if i % 4]]))


@pytest.mark.parametrize(
    "options", [{"factors": 0}, {"factors": 1.5}, {"factors": 10**6}, {"balance": "maybe"}, {"q": 3}]
)
def test_options_out_of_bounds_are_refused(options):
    with pytest.raises(ConfigError):
        ImagePPCA(**options)


def test_an_array_is_no_set_of_images():
    with pytest.raises(Unsupported, match="ImageSet"):
        ImagePPCA().fit(small_images().pixels())
