"""The one loop: it learns, stops, resumes to the same bytes, and says clearly what went wrong."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the deep kernel needs torch")

from synthwright.core.context import Context, Stop  # noqa: E402
from synthwright.core.errors import Cancelled, ConfigError, Diverged, FitError, FormatError  # noqa: E402
from synthwright.core.seeds import fit_sequence  # noqa: E402
from synthwright.deep import losses, samplers, tensors  # noqa: E402
from synthwright.deep.nets import GRUClassifier, ResidualMLP, SequenceTransformer  # noqa: E402
from synthwright.deep.paths import RectifiedFlow  # noqa: E402
from synthwright.deep.train import Plan, adamw, train  # noqa: E402

MEAN, COV = np.array([1.0, -2.0]), np.array([[1.0, 0.8], [0.8, 1.0]])


class Flow:
    """A small flow on two numbers."""

    averaged = ("net",)

    def __init__(self, ctx, rate=3e-3):
        gen = tensors.torch_generator(ctx.rng)
        self.net = tensors.build(lambda: ResidualMLP(2, 2, width=48, depth=2), gen)
        self.modules, self.optimizers = {"net": self.net}, {"net": adamw(self.net, rate)}
        self.path = RectifiedFlow()

    def step(self, batch, gen):
        loss = losses.flow_matching(self.path, self.net, batch[0], None, gen).mean()
        self.optimizers["net"].zero_grad()
        loss.backward()
        self.optimizers["net"].step()
        return {"loss": loss.detach()}

    def holdout(self, batch, gen):
        return losses.flow_matching(self.path, self.net, batch[0], None, gen).mean()


def data(n=1500):
    return (tensors.tensor_of(np.random.default_rng(0).multivariate_normal(MEAN, COV, n)),)


def context(**surroundings):
    return Context.on(fit_sequence(0), **surroundings)


def weights(objective):
    return b"".join(value.tobytes() for value in tensors.arrays_of(objective.net).values())


def fitted(plan, ctx=None, make=Flow):
    ctx = ctx or context()
    objective = make(ctx)
    return objective, train(objective, data(), ctx, plan)


@pytest.mark.quality
def test_a_small_net_learns_a_gaussian():
    objective, done = fitted(Plan(max_steps=700, batch=256))
    noise = torch.randn(4000, 2, generator=torch.Generator().manual_seed(1))
    made = samplers.flow(objective.path, objective.net, noise, steps=20).numpy()
    assert done.ended == "steps"
    assert made.mean(0) == pytest.approx(MEAN, abs=0.15)
    assert np.cov(made.T) == pytest.approx(COV, abs=0.25)
    assert done.losses[-1][1]["loss"] < done.losses[0][1]["loss"]


def test_the_same_seed_gives_the_same_bytes_and_global_streams_stay():
    torch.random.get_rng_state()
    before = torch.random.get_rng_state().tolist()
    one, two = fitted(Plan(max_steps=30))[0], fitted(Plan(max_steps=30))[0]
    assert weights(one) == weights(two)
    assert torch.random.get_rng_state().tolist() == before
    torch.default_generator.manual_seed(7)
    assert weights(fitted(Plan(max_steps=30))[0]) == weights(one)


def test_a_stopped_fit_goes_on_to_the_same_bytes(tmp_path):
    plan = Plan(max_steps=120, batch=128, holdout=0.1, looks=6)
    whole, _ = fitted(plan)
    path, seen = tmp_path / "checkpoint.synth", []

    def stop_at(event):
        seen.append(event)
        if len(seen) == 70:
            raise Cancelled("enough")

    ctx = context(sinks=(stop_at,))
    ctx.checkpoint = path
    with pytest.raises(Cancelled):
        fitted(plan, ctx)
    assert path.exists()
    again = context()
    again.checkpoint = path
    resumed, done = fitted(plan, again)
    assert weights(resumed) == weights(whole)
    assert done.steps == 120


def test_a_checkpoint_of_another_fit_is_refused(tmp_path):
    ctx = context(sinks=(stop_after(20),))
    ctx.checkpoint = tmp_path / "c.synth"
    with pytest.raises(Cancelled):
        fitted(Plan(max_steps=100), ctx)
    other = context()
    other.checkpoint = ctx.checkpoint
    with pytest.raises(FormatError, match="another fit"):
        fitted(Plan(max_steps=200), other)


def stop_after(n):
    seen = []

    def sink(event):
        seen.append(event)
        if len(seen) == n:
            raise Cancelled("enough")

    return sink


def test_a_wish_to_stop_is_heard_at_the_next_step():
    stop = Stop()
    stop.ask()
    with pytest.raises(Cancelled):
        fitted(Plan(max_steps=100), context(stop=stop))


def test_seconds_end_a_fit_and_a_note_says_so():
    clock = iter(np.arange(0, 1000, 0.5))
    ctx = context(cpu_clock=lambda: float(next(clock)))
    _, done = fitted(Plan(max_steps=10_000, max_seconds=10.0), ctx)
    assert done.ended == "seconds"
    assert 10 < done.steps < 40
    assert [note.code for note in ctx.notes] == ["D002"]


def test_patience_ends_a_fit_and_the_best_weights_are_kept():
    class Worse(Flow):
        """Its holdout loss rises from the third look on."""

        looks = 0

        def holdout(self, batch, gen):
            self.looks += 1
            if self.looks == 2:
                self.at_best = weights(self)
            return torch.tensor(abs(self.looks - 2.0))

    ctx = context()
    objective = Worse(ctx)
    done = train(objective, data(), ctx, Plan(max_steps=1000, holdout=0.1, looks=100, patience=3))
    assert done.ended == "patience"
    assert done.best_step == 20
    assert weights(objective) == objective.at_best


def test_the_average_of_weights_is_what_remains():
    raw, _ = fitted(Plan(max_steps=60, ema=0))
    averaged, _ = fitted(Plan(max_steps=60, ema=0.999))
    assert weights(raw) != weights(averaged)


def test_a_loss_that_is_no_number_is_diverged_with_step_and_advice():
    class Exploding(Flow):
        def step(self, batch, gen):
            return {"loss": torch.tensor(float("nan") if self.n > 24 else 1.0)} if self.count() else {}

        n = 0

        def count(self):
            self.n += 1
            return True

    with pytest.raises(Diverged, match="step 25") as error:
        fitted(Plan(max_steps=100), make=Exploding)
    assert "learning_rate" in error.value.fix


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory: you tried")])
def test_short_memory_is_one_clear_advice(error):
    class Large(Flow):
        def step(self, batch, gen):
            raise error

    with pytest.raises(FitError, match="Memory ran out") as found:
        fitted(Plan(max_steps=10, batch=99), make=Large)
    assert "batch" in found.value.fix
    assert "99" in str(found.value)


def test_other_errors_are_not_dressed_up():
    class Broken(Flow):
        def step(self, batch, gen):
            raise RuntimeError("something else")

    with pytest.raises(RuntimeError, match="something else"):
        fitted(Plan(max_steps=10), make=Broken)


def test_a_device_that_does_not_exist_is_named_with_those_that_do():
    with pytest.raises(ConfigError, match="no device 'cuda:99'") as error:
        tensors.device_of("cuda:99", context())
    assert "cpu" in error.value.fix
    with pytest.raises(ConfigError, match="gpu"):
        tensors.device_of("gpu", context())
    ctx = context()
    assert str(tensors.device_of("auto", ctx)) in tensors.available_devices()
    assert [note.code for note in ctx.notes] == ["D001"]


def test_weights_that_do_not_fit_are_refused():
    net = ResidualMLP(2, 2, width=8, depth=1)
    arrays = tensors.arrays_of(net)
    tensors.load_arrays(ResidualMLP(2, 2, width=8, depth=1), arrays)
    with pytest.raises(FormatError, match="another shape"):
        tensors.load_arrays(ResidualMLP(2, 2, width=16, depth=1), arrays)


def test_nets_ignore_what_lies_beyond_the_end_of_a_series():
    gen = torch.Generator().manual_seed(0)
    net = tensors.build(lambda: SequenceTransformer(2, 6, width=16, heads=2, depth=1, width_cond=3), gen)
    torch.nn.init.normal_(net.last.weight, std=0.1, generator=gen)
    x, lengths = torch.randn(4, 6, 2, generator=gen), torch.tensor([3, 4, 6, 2])
    other = x.clone()
    other[0, 3:] = 9.0
    cond = torch.randn(4, 3, generator=gen)
    a, b = (net(one, torch.full((4,), 0.5), (cond, lengths)) for one in (x, other))
    torch.testing.assert_close(a[0, :3], b[0, :3])
    judge = tensors.build(lambda: GRUClassifier(2, hidden=5), gen)
    torch.testing.assert_close(judge(x, lengths)[0], judge(other, lengths)[0])


def test_the_loop_costs_little_beside_the_steps():
    """200 steps of nothing in less than two seconds, also on a busy machine: the loop is not what takes the time."""

    class Nothing(Flow):
        def step(self, batch, gen):
            return {"loss": torch.zeros(())}

    ctx = context()
    train(Nothing(ctx), data(), ctx, Plan(max_steps=200))
    assert ctx.cpu_seconds < 2.0
