"""The image flow with tiny nets: sizes, conditions, guidance, budgets, resuming, bad input."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.core.errors import Cancelled, ConfigError, FormatError, Unsupported
from synthwright.data.images import ImageSet
from synthwright.generators.base import Generator, load
from synthwright.generators.image_flow import ImageFlow
from synthwright.testing import small_images

TINY = {"steps": 4, "width": 8, "batch": 16, "sample_steps": 2}


def random_set(h, w, c, n=24):
    return ImageSet.of(np.random.default_rng(0).integers(0, 256, (n, h, w, c), dtype=np.uint8), [0, 1] * (n // 2))


@pytest.mark.parametrize("size", [(8, 8, 1), (9, 13, 3), (28, 20, 1), (40, 33, 3)])
def test_images_of_any_size_keep_it(size):
    fake = ImageFlow(**{**TINY, "steps": 1}).fit(random_set(*size)).sample(3)
    assert fake.shape == size


@pytest.mark.parametrize("size", [(7, 20, 1), (20, 65, 3)])
def test_images_too_small_or_too_large_are_refused_with_a_way_out(size):
    with pytest.raises(Unsupported, match="8 to 64 pixels a side") as caught:
        ImageFlow(**TINY).fit(random_set(*size))
    assert "size=" in caught.value.fix


def test_the_asked_class_is_made():
    model = ImageFlow(**TINY).fit(small_images(60))
    assert set(model.sample(20, where="label == 'bar'").labels()) == {"bar"}


def test_guidance_changes_images_and_is_no_matter_without_classes():
    bare = ImageSet.of(small_images(60).pixels())
    prints = [ImageFlow(**TINY, guidance=w).fit(bare).sample(5).fingerprint() for w in (1.0, 3.0)]
    assert prints[0] == prints[1]


def test_calibrated_images_have_the_means_of_their_classes_and_a_saved_model_makes_the_same(tmp_path):
    data = small_images(200)
    off = {}
    for on in (True, False):
        model = ImageFlow(**TINY, calibrate=on).fit(data)
        fake = model.sample(200)
        means = [[x.pixels()[x.codes() == k].mean(axis=0) for k in range(2)] for x in (fake, data)]
        off[on] = float(np.abs(np.subtract(*means)).mean())
        assert load(model.save(tmp_path / f"{on}.synth")).sample(200).fingerprint() == fake.fingerprint()
    assert off[True] < 0.5 * off[False]


def test_max_seconds_ends_training_with_a_note():
    model = ImageFlow(**{**TINY, "steps": 100_000}, max_seconds=0.3).fit(small_images(60))
    assert model.fit_cpu_seconds < 5
    assert any("ended by max_seconds" in note.what for note in model.notes)
    assert len(model.sample(3)) == 3


def test_a_stopped_fit_goes_on_to_the_same_model(tmp_path):
    data, options = small_images(60), {**TINY, "steps": 12}
    whole = ImageFlow(**options).fit(data, seed=3)

    def stop(event):
        if event.stage == "training" and event.done == 7:
            raise Cancelled("enough")

    path = tmp_path / "state"
    with pytest.raises(Cancelled):
        ImageFlow(**options).fit(data, seed=3, resume_from=path, callbacks=[stop])
    resumed = ImageFlow(**options).fit(data, seed=3, resume_from=path)
    assert resumed.sample(6).fingerprint() == whole.sample(6).fingerprint()


def test_a_checkpoint_of_another_fit_is_refused(tmp_path):
    data = small_images(60)

    def stop(event):
        if event.stage == "training" and event.done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        ImageFlow(**TINY).fit(data, resume_from=tmp_path / "state", callbacks=[stop])
    with pytest.raises(FormatError, match="another fit"):
        ImageFlow(**{**TINY, "steps": 9}).fit(data, resume_from=tmp_path / "state")


def test_a_device_that_does_not_exist_is_refused():
    with pytest.raises(ConfigError, match="no device 'cuda:7'"):
        ImageFlow(**TINY, device="cuda:7").fit(small_images(60))


def test_a_model_with_missing_weights_is_refused(tmp_path):
    model = ImageFlow(**TINY).fit(small_images(60))
    state = model._state()
    state.arrays.popitem()
    with pytest.raises(FormatError, match="Weights are missing"):
        ImageFlow(**TINY)._restore(state)


def test_the_saved_model_holds_no_image(tmp_path):
    data = small_images(60)
    content = b"".join(path.read_bytes() for path in sorted(ImageFlow(**TINY).fit(data).save(tmp_path / "m").iterdir()))
    scaled = data.pixels().reshape(60, -1).astype(np.float32) / 127.5 - 1
    assert not any(image.tobytes() in content for image in scaled)
    assert not any(image.tobytes() in content for image in data.pixels())
    assert Generator.load(tmp_path / "m").name == "image_flow"


@pytest.mark.parametrize(
    "options",
    [{"steps": 0}, {"batch": 1}, {"width": 12}, {"holdout": 0.9}, {"guidance": -1}, {"hide": 1.0}, {"sample_steps": 1}],
)
def test_options_out_of_bounds_are_refused(options):
    with pytest.raises(ConfigError):
        ImageFlow(**options)
