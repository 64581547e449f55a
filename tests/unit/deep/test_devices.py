"""Streams of a graphics card cannot draw for the processor: every draw in training is made where its stream is."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra deep")

from torch.overrides import TorchFunctionMode  # noqa: E402 - after the skip

from synthwright.deep.ctgan import Conditions, GANObjective, GANOptions  # noqa: E402
from synthwright.deep.heads import Heads  # noqa: E402
from synthwright.deep.tableflow import FlowOptions, ResidualObjective, TableFlow, TokenObjective  # noqa: E402
from synthwright.deep.tvae import VAEObjective, VAEOptions  # noqa: E402

FACTORIES = (torch.rand, torch.randn, torch.randint, torch.randperm)
SCALARS, CODES = torch.zeros(40, 1), torch.arange(40)[:, None] % 3


class Placed(TorchFunctionMode):
    """Counts draws that name a stream; those that leave their device to chance are an error."""

    draws = 0

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in FACTORIES and kwargs.get("generator") is not None:
            assert kwargs.get("device") == kwargs["generator"].device, f"{func.__name__} without the stream's device"
            self.draws += 1
        return func(*args, **kwargs)


def _gan(heads, asked=(0,)):
    options = GANOptions(noise=4, hidden=(8,), pack=2)
    return GANObjective(heads, (SCALARS, CODES), Conditions(CODES, heads, asked), options, torch.Generator())


def _flow(kind):
    features = torch.ones(3, 3)
    flow = TableFlow(((3,), torch.full((3,), 1 / 3), features), (0,), 1, FlowOptions(width=8), torch.Generator())
    if kind == "tokens":
        return TokenObjective(flow.modules["tokens"], (0,), FlowOptions())
    return ResidualObjective(flow.modules["residuals"], flow.path, FlowOptions())


OBJECTIVES = {
    "ctgan": (lambda: _gan(Heads(1, (3,), (None,))), (SCALARS, CODES)),
    "ctgan of numbers": (lambda: _gan(Heads(1, (3,), (None,)), ()), (SCALARS, CODES)),
    "tvae": (lambda: VAEObjective(Heads(1, (3,), (None,)), VAEOptions(4, (8,)), torch.Generator()), (SCALARS, CODES)),
    "tokens": (lambda: _flow("tokens"), (CODES, SCALARS)),
    "residuals": (lambda: _flow("residuals"), (CODES, SCALARS)),
}


@pytest.mark.parametrize("name", list(OBJECTIVES))
def test_steps_draw_on_the_device_of_their_stream(name):
    make, batch = OBJECTIVES[name]
    objective, gen = make(), torch.Generator().manual_seed(0)
    with Placed() as seen:
        for _ in range(4):
            objective.step(batch, gen)
        with torch.no_grad():
            objective.holdout(batch, gen)
    assert seen.draws
