"""The flow on images: its Gaussian part in closed form, padding, guidance."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.core.context import Context  # noqa: E402
from synthwright.deep import samplers  # noqa: E402
from synthwright.deep.imageflow import PATH, Residual, Shape, drawn, fitted, from_net, to_net  # noqa: E402
from synthwright.deep.train import Plan  # noqa: E402


class Nothing(torch.nn.Module):
    def forward(self, x, t, cond):
        return torch.zeros_like(x)


def gaussian(mean, deviation):
    net = Residual(Nothing(), (1, 1, 1))
    net.mean.fill_(mean)
    net.spread.fill_(deviation)
    return net


@pytest.mark.parametrize(("mean", "deviation"), [(0.0, 1.0), (0.7, 0.2), (-1.0, 0.02)])
def test_an_untrained_net_makes_the_gaussian_of_each_pixel(mean, deviation):
    noise = torch.randn((4_000, 1, 1, 1), generator=torch.Generator().manual_seed(0))
    out = samplers.flow(PATH, gaussian(mean, deviation), noise, torch.zeros(4_000, dtype=torch.long), steps=200)
    assert float(out.mean()) == pytest.approx(mean, abs=4 * deviation / 60)
    assert float(out.std()) == pytest.approx(deviation, rel=0.05)


def test_the_gaussian_velocity_is_the_conditional_expectation():
    rng = np.random.default_rng(0)
    data, noise, t = 0.5 + 0.3 * rng.standard_normal(400_000), rng.standard_normal(400_000), 0.6
    x = (1 - t) * noise + t * data
    near = np.abs(x - 0.5) < 0.02
    net = gaussian(0.5, 0.3)
    answer = net(torch.full((1, 1, 1, 1), 0.5), torch.tensor([t]), torch.tensor([0]))
    assert float(answer) == pytest.approx((data - noise)[near].mean(), abs=0.02)


@pytest.mark.parametrize("size", [(8, 8, 1), (10, 9, 3), (28, 28, 1), (30, 17, 3), (64, 48, 3)])
def test_padding_fits_the_net_and_is_cut_off_again(size):
    h, w, c = size
    shape = Shape.of((h, w, c), 4)
    step = shape.fold * 2 ** (shape.levels - 1)
    assert shape.height % step == shape.width % step == 0
    pixels = np.random.default_rng(0).integers(0, 256, (3, h, w, c), dtype=np.uint8)
    assert np.array_equal(np.rint(from_net(to_net(pixels, shape)))[:, :h, :w], pixels)


def test_the_net_is_small_for_small_images_and_folds_large_ones():
    assert [(Shape.of((s, s, 1), 2).fold, Shape.of((s, s, 1), 2).levels) for s in (8, 28, 64)] == [
        (1, 1),
        (2, 2),
        (4, 2),
    ]


def pair(n=40):
    codes = np.arange(n) % 2
    pixels = np.full((n, 8, 8, 1), 30, dtype=np.uint8) + np.random.default_rng(0).integers(
        0, 20, (n, 8, 8, 1), np.uint8
    )
    pixels[codes == 1, :, :4] += 180
    return pixels, codes


def test_a_few_steps_lower_the_loss_and_tell_classes_apart():
    pixels, codes = pair(200)
    shape = Shape.of((8, 8, 1), 2, 8)
    ctx = Context(np.random.default_rng(0))
    net, trained = fitted(pixels, codes, shape, ctx, Plan(max_steps=50, batch=16), rate=1e-2, drop=0.1)
    first, last = trained.losses[0][1]["loss"], trained.losses[-1][1]["loss"]
    assert last < 0.8 * first
    asked = np.arange(20) % 2
    images = drawn(net, shape, asked, np.random.default_rng(1), guidance=1.0, steps=4)
    left = images[:, :, :4].mean(axis=(1, 2, 3)) > 128
    assert (left == (asked == 1)).mean() >= 0.9


def test_guidance_of_one_is_the_net_and_more_of_it_moves_images():
    pixels, codes = pair()
    shape = Shape.of((8, 8, 1), 2, 8)
    net, _ = fitted(
        pixels, codes, shape, Context(np.random.default_rng(0)), Plan(max_steps=20, batch=16), rate=5e-3, drop=0.2
    )
    found = [drawn(net, shape, codes[:4], np.random.default_rng(1), guidance=w, steps=4) for w in (1.0, 1.0, 3.0)]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])
