"""Paths, losses and samplers against closed forms: Gaussian data have exact scores, exact velocities, exact flows."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the deep kernel needs torch")

from synthwright.deep import losses, samplers  # noqa: E402
from synthwright.deep.paths import EDM, MaskedDiscrete, RectifiedFlow  # noqa: E402

MEAN, COV = torch.tensor([1.0, -2.0]), torch.tensor([[1.5, 0.8], [0.8, 0.7]])
EYE = torch.eye(2)


def gen(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian(n: int, seed: int = 0) -> torch.Tensor:
    root = torch.linalg.cholesky(COV)
    return MEAN + torch.randn(n, 2, generator=gen(seed)) @ root.T


def exact_velocity(x: torch.Tensor, t: torch.Tensor, cond: object = None) -> torch.Tensor:
    """E[data - noise | x_t] of Gaussian data: both are jointly Gaussian with x_t = (1 - t) noise + t data."""
    s = t[0]
    total = s**2 * COV + (1 - s) ** 2 * EYE
    gain = (s * COV - (1 - s) * EYE) @ torch.linalg.inv(total)
    return MEAN + (x - s * MEAN) @ gain.T


def exact_denoised(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """E[data | data + sigma noise] of Gaussian data (the posterior mean)."""
    gain = COV @ torch.linalg.inv(COV + sigma[0] ** 2 * EYE)
    return MEAN + (x - MEAN) @ gain.T


class ExactEDM:
    """The net whose EDM-denoised values are exact: F = (D - c_skip x) / c_out at x / c_in."""

    def __init__(self, path: EDM) -> None:
        self.path = path

    def __call__(self, scaled: torch.Tensor, c_noise: torch.Tensor, cond: object) -> torch.Tensor:
        sigma = (4 * c_noise).exp()
        c_skip, c_out, c_in, _ = self.path.coefficients(sigma)
        x = scaled / c_in[:, None]
        return (exact_denoised(x, sigma) - c_skip[:, None] * x) / c_out[:, None]


# -- rectified flow


def test_the_exact_velocity_is_the_minimum_of_the_flow_matching_loss():
    data, path = gaussian(40_000), RectifiedFlow()
    at = torch.full((len(data),), 0.6)
    noise = torch.randn(data.shape, generator=gen(3))
    x = path.noised(data, noise, at)
    target = data - noise
    best = (exact_velocity(x, at) - target).square().mean()
    for shift in (0.05, -0.05):
        assert (exact_velocity(x, at) + shift - target).square().mean() > best
        assert (exact_velocity(x, at) * (1 + shift) - target).square().mean() > best


def test_velocity_and_data_nets_say_the_same():
    x, t = torch.randn(5, 2, generator=gen()), torch.full((5,), 0.3)
    by_velocity = RectifiedFlow("velocity")
    data_net = lambda x, t, cond: by_velocity.denoised(exact_velocity, x, t, cond)  # noqa: E731
    by_data = RectifiedFlow("data")
    torch.testing.assert_close(by_data.velocity(data_net, x, t), exact_velocity(x, t))
    torch.testing.assert_close(by_data.denoised(data_net, x, t), by_velocity.denoised(exact_velocity, x, t))


def test_sampling_with_the_exact_velocity_gives_the_gaussian_back():
    noise = torch.randn(20_000, 2, generator=gen(5))
    made = samplers.flow(RectifiedFlow(), exact_velocity, noise, steps=40)
    assert torch.allclose(made.mean(0), MEAN, atol=0.03)
    assert torch.allclose(torch.cov(made.T), COV, atol=0.04)


def exact_flow(noise: torch.Tensor) -> torch.Tensor:
    """The end of the exact path of Gaussian data that starts at `noise`: each axis of the covariance is scaled."""
    scale, axes = torch.linalg.eigh(COV.double())
    return MEAN.double() + ((noise.double() @ axes) * scale.sqrt()) @ axes.T


@pytest.mark.parametrize(("solver", "order"), [(samplers.euler, 1), (samplers.heun, 2)])
def test_solvers_converge_at_their_order(solver, order):
    """Halving the step divides the error by 2 ** order."""
    noise = torch.randn(200, 2, generator=gen(1)).double()

    def field(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        s = t[0].double()
        total = s**2 * COV.double() + (1 - s) ** 2 * EYE.double()
        gain = (s * COV.double() - (1 - s) * EYE.double()) @ torch.linalg.inv(total)
        return MEAN.double() + (x - s * MEAN.double()) @ gain.T

    errors = []
    for steps in (40, 80):
        made = solver(field, noise, torch.linspace(0, 1, steps + 1).double())
        errors.append((made - exact_flow(noise)).abs().mean().item())
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.25)


def test_training_times_are_logit_normal():
    t = RectifiedFlow(scale=0.5, shift=0.4).times(50_000, gen())
    logits = torch.logit(t)
    assert logits.mean().item() == pytest.approx(0.4, abs=0.02)
    assert logits.std().item() == pytest.approx(0.5, abs=0.02)


def test_guidance_of_one_is_the_net_and_two_moves_twice_as_far():
    net = lambda x, t, cond: x * 0 + (0.0 if cond is None else cond)  # noqa: E731
    x, t = torch.zeros(3, 1), torch.zeros(3)
    assert samplers.guided(net, None, 1)(x, t, 2.0)[0].item() == 2.0
    assert samplers.guided(net, None, 2)(x, t, 2.0)[0].item() == 4.0


def test_known_values_stay_and_the_rest_follows_them():
    """Inpainting one coordinate of a Gaussian: the other has the conditional mean and variance."""
    n = 6000
    values, mask = torch.zeros(n, 2), torch.zeros(n, 2, dtype=torch.bool)
    values[:, 0], mask[:, 0] = 2.5, True
    made = samplers.flow(
        RectifiedFlow(), exact_velocity, torch.randn(n, 2, generator=gen(2)), steps=60, known=(values, mask), gen=gen(3)
    )
    slope = COV[1, 0] / COV[0, 0]
    assert torch.equal(made[:, 0], values[:, 0])
    assert made[:, 1].mean().item() == pytest.approx((MEAN[1] + slope * (2.5 - MEAN[0])).item(), abs=0.12)
    assert made[:, 1].std().item() == pytest.approx(math.sqrt(COV[1, 1] - slope * COV[0, 1]), rel=0.25)


# -- EDM


def test_preconditioning_keeps_unit_variance_and_even_weights():
    """Table 1: inputs and targets of the net have unit variance at every noise level, weight times c_out^2 is 1."""
    path, n = EDM(sigma_data=0.7), 60_000
    data = 0.7 * torch.randn(n, 1, generator=gen())
    for level in (0.01, 0.5, 20.0):
        sigma = torch.full((n,), level)
        c_skip, c_out, c_in, c_noise = path.coefficients(sigma)
        noisy = data + level * torch.randn(n, 1, generator=gen(1))
        assert (c_in[:, None] * noisy).std().item() == pytest.approx(1, abs=0.02)
        assert ((data - c_skip[:, None] * noisy) / c_out[:, None]).std().item() == pytest.approx(1, abs=0.02)
        assert (path.weight(sigma) * c_out**2)[0].item() == pytest.approx(1, rel=1e-5)
        assert c_noise[0].item() == pytest.approx(math.log(level) / 4)


def test_the_schedule_falls_from_the_largest_level_to_zero():
    sigmas = EDM().schedule(18)
    assert len(sigmas) == 19
    assert sigmas[0].item() == pytest.approx(80, rel=1e-5)
    assert sigmas[-2].item() == pytest.approx(0.002, rel=1e-4)
    assert sigmas[-1].item() == 0
    assert (sigmas.diff() < 0).all()


@pytest.mark.parametrize("churn", [0.0, 20.0])
def test_sampling_with_the_exact_score_gives_the_gaussian_back(churn):
    path = EDM(sigma_data=1.0)
    noise = torch.randn(20_000, 2, generator=gen(7))
    # Fresh noise in every step converges at order 1 only: 240 steps bring its variance within 1 %.
    made = samplers.edm(path, ExactEDM(path), noise, steps=240 if churn else 30, churn=churn, gen=gen(8))
    assert torch.allclose(made.mean(0), MEAN, atol=0.05)
    assert torch.allclose(torch.cov(made.T), COV, atol=0.06)


def test_the_exact_denoiser_is_the_minimum_of_the_edm_loss():
    path, data = EDM(sigma_data=1.0), gaussian(20_000)
    exact = ExactEDM(path)

    def at(bias: float) -> float:
        sigma = torch.full((len(data),), 0.8)
        x = data + 0.8 * torch.randn(data.shape, generator=gen(4))
        return (path.denoised(exact, x, sigma) + bias - data).square().mean().item()

    assert at(0.0) < min(at(0.05), at(-0.05))
    wrong = lambda x, t, cond: 0 * x  # noqa: E731
    loss = losses.edm_denoising(path, wrong, data, None, gen(1))
    assert loss.shape == (20_000,)


# -- masked levels

JOINT = torch.tensor([[0.30, 0.05, 0.05], [0.05, 0.25, 0.30]])  # of two columns with 2 and 3 levels


def exact_logits(tokens: torch.Tensor, t: torch.Tensor) -> list[torch.Tensor]:
    """log p(column | the columns that are visible)."""
    out = []
    for j in (0, 1):
        table = JOINT if j == 0 else JOINT.T  # (levels of j, levels of the other)
        other, size = tokens[:, 1 - j], table.shape[1]
        given = table[:, other.clamp(max=size - 1)].T
        whole = table.sum(1).expand(len(tokens), -1)
        out.append(torch.where((other == size)[:, None], whole, given).log())
    return out


def test_masking_follows_its_schedule_and_ends_near_all_or_nothing():
    path, tokens = MaskedDiscrete([2, 3]), torch.zeros(40_000, 2, dtype=torch.long)
    for t, share in ((0.0, path.eps), (0.3, path.eps + 0.3 * (1 - 2 * path.eps)), (1.0, 1 - path.eps)):
        noisy, hidden = path.corrupted(tokens, torch.full((40_000,), t), gen())
        assert hidden.float().mean().item() == pytest.approx(share, abs=0.01)
        assert torch.equal(noisy[:, 1][hidden[:, 1]], torch.full_like(noisy[:, 1][hidden[:, 1]], 3))


def test_the_exact_posterior_sampler_gives_the_joint_back():
    path = MaskedDiscrete([2, 3])
    made = samplers.masked(path, exact_logits, 40_000, gen(2), steps=64)
    found = torch.zeros(2, 3).index_put_((made[:, 0], made[:, 1]), torch.ones(len(made)), accumulate=True) / len(made)
    assert torch.allclose(found, JOINT, atol=0.012)


def test_known_levels_stay():
    path = MaskedDiscrete([2, 3])
    known = torch.tensor([[1, 3]]).expand(5000, -1)
    made = samplers.masked(path, exact_logits, 5000, gen(2), steps=16, known=known)
    assert (made[:, 0] == 1).all()
    shares = torch.bincount(made[:, 1], minlength=3) / len(made)
    assert torch.allclose(shares, JOINT[1] / JOINT[1].sum(), atol=0.03)


def test_the_masked_loss_bounds_the_negative_log_likelihood():
    """With the exact posterior its mean is the entropy of the joint (in the limit of a fine schedule)."""
    path, n = MaskedDiscrete([2, 3], eps=1e-4), 200_000
    flat = torch.multinomial(JOINT.flatten(), n, replacement=True, generator=gen())
    tokens = torch.stack([flat // 3, flat % 3], 1)
    t = torch.rand(n, generator=gen(1))
    noisy, hidden = path.corrupted(tokens, t, gen(2))
    loss = losses.masked_cross_entropy(path, exact_logits(noisy, t), tokens, hidden, t).mean().item()
    entropy = -(JOINT * JOINT.log()).sum().item()
    assert loss == pytest.approx(entropy, rel=0.03)


# -- GAN and VAE


def test_the_gradient_penalty_of_a_linear_critic_is_its_slope():
    slope = torch.tensor([3.0, 4.0])
    critic = lambda x: x @ slope  # noqa: E731
    real, fake = gaussian(50), gaussian(50, 1)
    assert losses.gradient_penalty(critic, real, fake, gen()).item() == pytest.approx((5 - 1) ** 2, rel=1e-5)
    loss = losses.critic_loss(critic, real, fake, gen(), penalty=10)
    want = critic(fake).mean() - critic(real).mean() + 160
    assert loss.item() == pytest.approx(want.item(), rel=1e-4)


def test_the_divergence_of_gaussians_equals_torch():
    from torch.distributions import Normal, kl_divergence

    mean, log_variance = torch.randn(6, 3, generator=gen()), torch.randn(6, 3, generator=gen(1))
    want = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(losses.gaussian_kl(mean, log_variance), want)
    assert losses.gaussian_kl(torch.zeros(1, 4), torch.zeros(1, 4)).item() == 0


def test_a_loss_is_one_number_a_unit():
    data = gaussian(7)
    assert losses.flow_matching(RectifiedFlow(), exact_velocity_any, data, None, gen()).shape == (7,)
    assert losses.flow_matching(RectifiedFlow("data"), exact_velocity_any, data, None, gen()).shape == (7,)


def exact_velocity_any(x: torch.Tensor, t: torch.Tensor, cond: object) -> torch.Tensor:
    return torch.zeros_like(x)


def test_numpy_is_not_needed_for_the_global_state():
    before = np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist()  # noqa: NPY002 - what is watched
    samplers.flow(RectifiedFlow(), exact_velocity, torch.randn(10, 2, generator=gen()), steps=3)
    MaskedDiscrete([2]).corrupted(torch.zeros(5, 1, dtype=torch.long), torch.rand(5, generator=gen()), gen())
    assert before == (np.random.get_state()[1].tolist(), torch.random.get_rng_state().tolist())  # noqa: NPY002
