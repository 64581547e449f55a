"""The loop: nets with dropout, a fit that ends between two readings, checkpoints of other fits."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the deep kernel needs torch")

from synthwright.core.context import Context, Stop  # noqa: E402 - after the skip
from synthwright.core.errors import Cancelled, Diverged, FormatError  # noqa: E402
from synthwright.deep import samplers  # noqa: E402
from synthwright.deep.losses import flow_matching  # noqa: E402
from synthwright.deep.nets import ResidualMLP  # noqa: E402
from synthwright.deep.paths import EDM, RectifiedFlow  # noqa: E402
from synthwright.deep.tensors import arrays_of, build, torch_generator  # noqa: E402
from synthwright.deep.train import Plan, adamw, train  # noqa: E402

PLAN = Plan(40, batch=16, holdout=0.25, looks=8, patience=99)


class Flow:
    averaged = ("net",)

    def __init__(self, net, break_at):
        self.net, self.break_at, self.made = net, break_at, 0
        self.modules, self.optimizers = {"net": net}, {"net": adamw(net, 3e-3)}

    def step(self, batch, gen):
        assert self.net.training
        self.made += 1
        loss = flow_matching(RectifiedFlow(), self.net, batch[0], None, gen).mean()
        self.optimizers["net"].zero_grad()
        loss.backward()
        self.optimizers["net"].step()
        return {"loss": loss.detach() * (float("nan") if self.made == self.break_at else 1.0)}

    def holdout(self, batch, gen):
        assert not self.net.training  # the weights are judged as they will be used
        return flow_matching(RectifiedFlow(), self.net, batch[0], None, gen).mean()


def fit(plan=PLAN, seed=0, width=8, shift=0.0, break_at=None, **around):
    ctx = Context(np.random.default_rng(seed), **around)
    gen = torch_generator(ctx.rng)
    net = build(lambda: ResidualMLP(2, 2, width=width, depth=1, dropout=0.3), gen)
    trained = train(Flow(net, break_at), (torch.randn(80, 2, generator=gen) + shift,), ctx, plan)
    return arrays_of(net), trained


def same(one, other):
    return all((one[name] == other[name]).all() for name in one)


def test_dropout_repeats_by_seed_and_leaves_the_global_stream_alone():
    before = torch.get_rng_state()
    first = fit()[0]
    assert torch.equal(before, torch.get_rng_state())
    assert same(first, fit()[0])
    assert not same(first, fit(seed=1)[0])


def stop_at(step, path):
    stop = Stop()

    def sink(event):
        if event.done == step:
            stop.ask()

    with pytest.raises(Cancelled):
        fit(checkpoint=path, stop=stop, sinks=(sink,))


def test_a_stopped_fit_with_dropout_goes_on_to_the_bytes_of_a_whole_one(tmp_path):
    stop_at(17, tmp_path / "fit.synth")
    assert same(fit()[0], fit(checkpoint=tmp_path / "fit.synth")[0])


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"seed": 1}, "seed"),
        ({"width": 12}, "shapes"),
        ({"shift": 1.0}, "data"),
        ({"plan": replace(PLAN, ema=0.5)}, "plan"),
    ],
)
def test_a_checkpoint_of_another_seed_net_data_or_plan_is_refused(tmp_path, change, word):
    stop_at(3, tmp_path / "fit.synth")
    with pytest.raises(FormatError, match=word):
        fit(checkpoint=tmp_path / "fit.synth", **change)


def test_a_fit_that_seconds_end_between_two_readings_is_still_checked():
    ticks = iter(range(10**6))
    plan = replace(PLAN, max_steps=1000, max_seconds=30.0, holdout=0.0)
    steps = fit(plan, cpu_clock=lambda: float(next(ticks)))[1].steps
    assert steps % 25 != 0
    ticks = iter(range(10**6))
    with pytest.raises(Diverged, match=f"step {steps}"):
        fit(plan, cpu_clock=lambda: float(next(ticks)), break_at=steps)


class Pair:
    """Two nets, each with an optimiser of its own; the loss on rows kept back is best at the third look."""

    averaged = ("one", "two")

    def __init__(self, gen):
        nets = {name: build(lambda: torch.nn.Linear(2, 2), gen) for name in self.averaged}
        self.modules, self.optimizers = nets, {name: adamw(net, 1e-2) for name, net in nets.items()}
        self.looks, self.seen = 0, []

    def step(self, batch, gen):
        loss = (self.modules["two"](self.modules["one"](batch[0])) - batch[0]).square().mean()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self.optimizers.values():
            optimizer.step()
        return {"loss": loss.detach()}

    def holdout(self, batch, gen):
        self.looks += 1
        self.seen.append({name: arrays_of(net) for name, net in self.modules.items()})
        return torch.tensor(abs(self.looks - 3.0))


@pytest.mark.parametrize("ema", [0.9, 0.0])
def test_early_stop_takes_every_averaged_net_back_to_the_best_look(ema):
    ctx = Context(np.random.default_rng(0))
    gen = torch_generator(ctx.rng)
    pair = Pair(gen)
    done = train(pair, (torch.randn(80, 2, generator=gen),), ctx, replace(PLAN, ema=ema, patience=2))
    assert (done.ended, done.best_step, pair.looks) == ("patience", 15, 5)
    for name, net in pair.modules.items():
        assert same(arrays_of(net), pair.seen[2][name])
        assert not same(arrays_of(net), pair.seen[4][name])


def test_a_net_that_answers_the_data_reaches_them_after_more_than_fifty_steps():
    noise = torch.randn(50, 1, generator=torch.Generator().manual_seed(0))
    made = samplers.flow(RectifiedFlow("data"), lambda x, t, cond: torch.full_like(x, 3.0), noise, steps=100)
    assert torch.allclose(made, torch.full_like(made, 3.0), atol=1e-4)


def test_churn_without_a_stream_is_an_error():
    with pytest.raises(ValueError, match="gen"):
        samplers.edm(EDM(), lambda x, t, cond: x, torch.zeros(1, 1), churn=10.0)
