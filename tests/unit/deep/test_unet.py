"""The U-Net of images: shapes, sizes, and what it is before training."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.deep.tensors import build, torch_generator  # noqa: E402
from synthwright.deep.unet import UNet  # noqa: E402


def made(channels=1, **more):
    return build(lambda: UNet(channels, 3, width=8, **more), torch_generator(np.random.default_rng(0)))


@pytest.mark.parametrize(
    ("shape", "more"),
    [((1, 8, 8), {}), ((3, 16, 8), {"levels": 2, "fold": 2}), ((1, 16, 24), {"levels": 2, "fold": 4})],
)
def test_what_comes_out_has_the_shape_of_what_goes_in(shape, more):
    x = torch.randn((4, *shape), generator=torch.Generator().manual_seed(0))
    out = made(shape[0], **more)(x, torch.full((4,), 0.5), torch.tensor([0, 1, 2, 3]))
    assert out.shape == x.shape


def test_an_untrained_net_answers_zero():
    x = torch.ones(2, 1, 8, 8)
    assert made()(x, torch.zeros(2), torch.zeros(2, dtype=torch.long)).abs().max() == 0


def test_class_and_time_reach_the_answer_once_the_last_layer_is_not_zero():
    net = made()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.05)
    x = torch.randn((1, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    base = net(x, torch.tensor([0.3]), torch.tensor([0]))
    assert not torch.equal(base, net(x, torch.tensor([0.3]), torch.tensor([3])))
    assert not torch.equal(base, net(x, torch.tensor([0.6]), torch.tensor([0])))


def test_every_parameter_gets_a_gradient_after_the_first_step():
    net = made(levels=2, fold=2)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.01)
    x = torch.randn((4, 1, 16, 16), generator=torch.Generator().manual_seed(0))
    net(x, torch.linspace(0, 1, 4), torch.tensor([0, 1, 2, 3])).square().mean().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or p.grad.abs().max() == 0] == []


def test_equal_seeds_give_equal_nets():
    one, two = made(), made()
    assert all(torch.equal(a, b) for a, b in zip(one.state_dict().values(), two.state_dict().values(), strict=True))
