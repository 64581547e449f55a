import pytest

torch = pytest.importorskip("torch", reason="needs the extra deep")

from synthwright.deep.heads import Heads  # noqa: E402 - after the skip
from synthwright.deep.tvae import VAEObjective, VAEOptions  # noqa: E402

HEADS = Heads(1, (2, 3), ((1, 2),))


def _gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _rows(n: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    """A scalar that is high when the first choice is 1; it has no meaning when the second choice is 2."""
    codes = torch.stack([torch.arange(n) % 2, torch.arange(n) % 3], 1)
    scalars = (codes[:, :1] - 0.5) * (codes[:, 1:] < 2)
    return scalars, codes


def test_training_lowers_the_loss_on_other_rows():
    objective, gen = VAEObjective(HEADS, VAEOptions(latent=4, hidden=(32,)), _gen()), _gen(1)
    first = objective.holdout(_rows(), _gen(2)).item()
    for _ in range(150):
        objective.step(_rows(), gen)
    assert objective.holdout(_rows(), _gen(2)).item() < 0.7 * first


def test_a_scalar_without_meaning_costs_nothing():
    objective, codes = VAEObjective(HEADS, VAEOptions(latent=4, hidden=(8,)), _gen()), torch.tensor([[0, 2]] * 50)
    with torch.no_grad():
        objective.encoder.net[0].weight[:, 0] = 0.0  # the encoder looks away, so only the reconstruction could differ
        near, far = (float(objective.holdout((torch.full((50, 1), x), codes), _gen(3))) for x in (0.0, 0.9))
    assert far == pytest.approx(near)


def test_rows_from_the_prior_have_the_width_of_the_heads_and_sigma_is_bounded():
    decoder = VAEObjective(HEADS, VAEOptions(latent=4, hidden=(8,)), _gen()).decoder
    assert decoder.raw_rows(7, _gen()).shape == (7, 6)
    with torch.no_grad():
        decoder.log_sigma.fill_(-50.0)
    assert decoder.sigma.tolist() == pytest.approx([0.01])
