import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.deep.paths import RectifiedFlow  # noqa: E402 - after the skip
from synthwright.deep.tableflow import (  # noqa: E402
    FlowOptions,
    ResidualNet,
    TableFlow,
    TokenNet,
    TokenObjective,
)
from synthwright.deep.tensors import build  # noqa: E402

SIZES = (3, 2, 4)


def _stats(sizes=SIZES):
    features = torch.zeros(sum(sizes), 3)
    features[:, 0] = 1
    shares = torch.cat([torch.full((size,), 1 / size) for size in sizes])
    return sizes, shares, features


def _flow(m=1, order=(1, 0, 2), **options):
    return TableFlow(_stats(), order, m, FlowOptions(width=8, **options), torch.Generator().manual_seed(0))


def _shaken(net, seed=1):
    """Weights that are not zero anywhere, so that everything that is seen shows."""
    gen = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in net.parameters():
            value.add_(torch.randn(value.shape, generator=gen))
    return net


def test_untrained_logits_are_the_shares_of_the_data():
    sizes, _, features = _stats()
    shares = torch.tensor([0.5, 0.3, 0.2, 0.9, 0.1, 0.25, 0.25, 0.25, 0.25])
    net = build(lambda: TokenNet(sizes, shares, features, FlowOptions(width=8)), torch.Generator().manual_seed(0))
    logits = net(torch.zeros(5, 3, dtype=torch.int64), torch.ones(3, 3))
    assert torch.cat([one.softmax(1)[0] for one in logits]).tolist() == pytest.approx(shares.tolist(), abs=1e-6)


def test_a_column_answers_to_the_columns_it_may_see_and_to_no_others():
    net = _shaken(_flow().modules["tokens"])
    sees = torch.zeros(3, 3)
    sees[1, 0] = sees[1, 2] = sees[0, 2] = 1  # order 1, 0, 2
    base = torch.tensor([[0, 0, 0]])
    plain = net(base, sees)
    for changed, answer in [(0, [False, False, True]), (1, [True, False, True]), (2, [False, False, False])]:
        other = base.clone()
        other[0, changed] = 1
        differs = [not torch.equal(a, b) for a, b in zip(plain, net(other, sees), strict=True)]
        assert differs == answer


def test_one_column_alone_has_the_logits_of_the_whole():
    net = _shaken(_flow().modules["tokens"])
    tokens = torch.tensor([[0, 1, 3], [2, 0, 1]])
    sees = torch.zeros(3, 3)
    sees[1, 0] = sees[1, 2] = sees[0, 2] = 1
    whole = net(tokens, sees)
    for j, seen in [(1, []), (0, [1]), (2, [1, 0])]:
        assert torch.allclose(net.column(tokens, j, seen), whole[j], rtol=1e-4, atol=1e-3)


def test_conditions_are_drawn_with_the_probabilities_of_the_whole():
    flow = _flow()
    _shaken(flow.modules["tokens"], seed=4)
    with torch.no_grad():
        flow.modules["tokens"].last.mul_(0.3)
    gen = torch.Generator().manual_seed(3)
    free = flow.drawn_tokens(60_000, gen)
    possible = {0: torch.tensor([True, False, True]), 2: torch.tensor([False, True, True, False])}
    # The usual order is 1, 0, 2; columns 0 and 2 come first under the condition, which another net answers unless it
    # was trained to take any order. So compare within the conditioned columns' own order.
    first = TableFlow(_stats(), (0, 2, 1), 1, FlowOptions(width=8), torch.Generator().manual_seed(0))
    first.modules = flow.modules
    free = first.drawn_tokens(60_000, gen)
    kept = free[possible[0][free[:, 0]] & possible[2][free[:, 2]]]
    made = first.drawn_tokens(20_000, gen, possible)
    assert possible[0][made[:, 0]].all()
    assert possible[2][made[:, 2]].all()
    for rows in (kept, made):
        assert len(rows) > 2000
    shares = [
        np.bincount((rows[:, 0] * 8 + rows[:, 2] * 2 + rows[:, 1]).numpy(), minlength=24) / len(rows)
        for rows in (kept, made)
    ]
    assert np.abs(shares[0] - shares[1]).max() < 0.025


@pytest.mark.quality
def test_an_untrained_flow_makes_standard_normal_residuals():
    for path in ("flow", "edm"):
        flow = _flow(m=2, path=path)
        tokens = torch.zeros(4000, 3, dtype=torch.int64)
        made = flow.drawn_residuals(tokens, torch.Generator().manual_seed(0), 24)
        assert made.mean(0).abs().max() < 0.1
        assert (made.std(0) - 1).abs().max() < 0.06


def test_the_starting_velocity_is_the_best_one_for_standard_normal_data():
    net = build(lambda: ResidualNet(SIZES, 1, FlowOptions(width=8)), torch.Generator().manual_seed(0))
    gen = torch.Generator().manual_seed(1)
    data, noise = torch.randn(40_000, 1, generator=gen), torch.randn(40_000, 1, generator=gen)
    t = torch.full((40_000,), 0.7)
    x = RectifiedFlow().noised(data, noise, t)
    answer = net(x, t, torch.zeros(40_000, 3, dtype=torch.int64)).detach()
    slope = float((x * (data - noise)).sum() / (x * x).sum())
    assert float((answer / x).median()) == pytest.approx(slope, abs=0.02)


def test_known_residuals_stay():
    flow = _flow(m=2)
    values = torch.tensor([[0.5, 0.0]]).expand(50, -1)
    mask = torch.tensor([[True, False]]).expand(50, -1)
    tokens = torch.zeros(50, 3, dtype=torch.int64)
    made = flow.drawn_residuals(tokens, torch.Generator().manual_seed(0), 4, (values, mask))
    assert (made[:, 0] == 0.5).all()
    assert made[:, 1].std() > 0.3


def test_training_in_any_order_repeats_with_its_seed():
    tokens = torch.tensor(np.random.default_rng(0).integers(0, 2, (64, 3)))
    losses = []
    for _ in range(2):
        flow, gen = _flow(), torch.Generator().manual_seed(5)
        objective = TokenObjective(flow.modules["tokens"], flow.order, FlowOptions(width=8, any_order=0.5))
        losses.append([float(objective.step((tokens,), gen)["loss"]) for _ in range(6)])
    assert losses[0] == losses[1]
    assert losses[0][-1] < losses[0][0]
