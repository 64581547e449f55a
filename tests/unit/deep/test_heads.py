import pytest

torch = pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.deep.heads import Heads, dropped, gumbel  # noqa: E402 - after the skip


def _heads() -> Heads:
    """Two scalars; choices among 3 and 2 things; the second scalar counts while the first 2 of 3 things are chosen."""
    return Heads(2, (3, 2), (None, (0, 2)))


def _gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_codes_become_one_one_hot_block_for_each_choice():
    assert _heads().one_hot(torch.tensor([[2, 0], [0, 1]])).tolist() == [[0, 0, 1, 1, 0], [1, 0, 0, 0, 1]]


def test_a_bound_scalar_counts_only_while_its_things_are_chosen():
    heads = _heads()
    counted = heads.counted(heads.one_hot(torch.tensor([[0, 0], [1, 0], [2, 0]])))
    assert counted.tolist() == [[1, 1], [1, 1], [1, 0]]


def test_shares_add_up_to_one_within_each_choice():
    shares = _heads().log_shares(torch.randn(7, 5, generator=_gen())).exp()
    assert torch.allclose(shares[:, :3].sum(1), torch.ones(7))
    assert torch.allclose(shares[:, 3:].sum(1), torch.ones(7))


def test_things_are_drawn_as_often_as_their_shares_say():
    raw = torch.zeros(20_000, 7)
    raw[:, 2:5] = torch.tensor([0.5, 0.3, 0.2]).log()
    _, codes = _heads().drawn(raw, _gen())
    found = torch.bincount(codes[:, 0], minlength=3) / len(codes)
    assert found.tolist() == pytest.approx([0.5, 0.3, 0.2], abs=0.02)


def test_relaxed_choices_are_nearly_one_hot_and_carry_a_gradient():
    raw = torch.zeros(500, 7, requires_grad=True)
    rows = _heads().relaxed(raw, _gen(), 0.1)
    assert float(rows[:, 2:5].detach().max(1).values.mean()) > 0.9
    rows.sum().backward()
    assert raw.grad is not None


def test_offsets_give_made_rows_the_wanted_shares():
    heads, logits = _heads(), torch.randn(5000, 5, generator=_gen())
    wanted = torch.tensor([0.7, 0.2, 0.1, 0.05, 0.95])
    made = heads.log_shares(logits + heads.offsets(logits, wanted)).exp().mean(0)
    assert made.tolist() == pytest.approx(wanted.tolist(), abs=0.003)


def test_rows_without_scalars_or_without_choices_work():
    only_choices, only_scalars = Heads(0, (2,), ()), Heads(3, (), (None, None, None))
    assert only_choices.drawn(torch.zeros(4, 2), _gen())[0].shape == (4, 0)
    scalars, codes = only_scalars.drawn(torch.zeros(4, 3), _gen())
    assert (scalars.shape, codes.shape) == ((4, 3), (4, 0))
    assert only_scalars.relaxed(torch.zeros(4, 3), _gen(), 0.2).shape == (4, 3)


def test_noise_has_the_mean_of_gumbel_and_dropout_keeps_the_mean():
    assert float(gumbel(torch.zeros(50_000), _gen()).mean()) == pytest.approx(0.5772, abs=0.03)
    assert float(dropped(torch.ones(50_000), 0.4, _gen()).mean()) == pytest.approx(1.0, abs=0.02)
