import pytest

torch = pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.deep.ctgan import Conditions, GANObjective, GANOptions, as_vector, settle  # noqa: E402
from synthwright.deep.heads import Heads  # noqa: E402 - after the skip

TINY = GANOptions(noise=4, hidden=(16,), pack=5)


def _gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _codes() -> torch.Tensor:
    """900 rows of thing 0, 90 of 1, 10 of 2 in the first choice; the second is not asked for."""
    first = torch.tensor([0] * 900 + [1] * 90 + [2] * 10)
    return torch.stack([first, torch.arange(1000) % 2], 1)


def test_rows_have_the_thing_they_are_drawn_for():
    codes = _codes()
    things, rows = Conditions(codes, Heads(0, (3, 2), ()), (0,)).draw(500, _gen())
    assert torch.equal(codes[rows, 0], things)


def test_rare_things_are_drawn_by_the_logarithm_of_their_frequency():
    things, _ = Conditions(_codes(), Heads(0, (3, 2), ()), (0,)).draw(20_000, _gen())
    logs = torch.tensor([901.0, 91.0, 11.0]).log()
    found = torch.bincount(things, minlength=3) / 20_000
    assert found.tolist() == pytest.approx((logs / logs.sum()).tolist(), abs=0.02)


def test_shares_are_the_frequencies_spread_over_the_columns():
    found = Conditions(_codes(), Heads(0, (3, 2), ()), (0, 1))
    assert found.shares.tolist() == pytest.approx([0.45, 0.045, 0.005, 0.25, 0.25])


def test_things_of_millions_of_rows_are_counted_exactly():
    codes = (torch.arange(5_000_000) < 4_229_919).long()[:, None]
    found = Conditions(codes, Heads(0, (2,), ()), (0, 0, 0))  # a row too many would be one without the thing
    assert found.counts.tolist() == [770_081, 4_229_919] * 3


def test_without_choices_rows_are_drawn_evenly():
    conditions = Conditions(torch.zeros(50, 0, dtype=torch.int64), Heads(2, (), (None, None)), ())
    things, rows = conditions.draw(30, _gen())
    assert as_vector(things, conditions.width).shape == (30, 0)
    assert int(rows.max()) < 50


def _objective() -> GANObjective:
    heads, codes = Heads(1, (3, 2), (None,)), _codes()
    conditions = Conditions(codes, heads, (0,))
    return GANObjective(heads, (torch.zeros(1000, 1), codes), conditions, TINY, _gen())


def test_a_step_changes_both_nets_and_repeats_from_the_same_seed():
    one, two = _objective(), _objective()
    before = [p.detach().clone() for p in (*one.maker.parameters(), *one.critic.parameters())]
    batch = (torch.zeros(20, 1), torch.zeros(20, 2))
    assert one.step(batch, _gen(1)).keys() == two.step(batch, _gen(1)).keys()
    after = [*one.maker.parameters(), *one.critic.parameters()]
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True) if a.dim() == 2)
    assert all(torch.equal(a, b) for a, b in zip(one.maker.parameters(), two.maker.parameters(), strict=True))


def test_the_critic_learns_to_tell_real_from_made_rows():
    objective, gen, batch = _objective(), _gen(2), (torch.zeros(100, 1),)
    gaps = [float(objective.step(batch, gen)["critic"]) for _ in range(60)]
    assert sum(gaps[-10:]) < sum(gaps[:10])


def test_settled_batch_norms_have_the_moments_of_their_inputs():
    maker, inputs = _objective().maker, torch.randn(2000, 7, generator=_gen(3))
    settle(maker, inputs)
    made = maker.norms[0](maker.inner[0](inputs))
    assert not maker.training
    assert torch.allclose(made.mean(0), torch.zeros(16), atol=1e-4)
    assert torch.allclose(made.std(0), torch.ones(16), atol=1e-2)
