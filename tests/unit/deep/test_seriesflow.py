from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="the deep kernel needs torch")

import torch

from synthwright.core.context import Context
from synthwright.deep.seriesflow import Size, drawn, fitted
from synthwright.deep.seriesjudge import gru_accuracy
from synthwright.deep.tensors import build, torch_generator
from synthwright.deep.train import Plan

NOTHING = np.zeros((4_000, 0))


def test_an_untrained_net_draws_from_the_standard_normal_distribution() -> None:
    size = Size((3,), 0, width=16, depth=1)
    net = build(size.net, torch_generator(np.random.default_rng(0)))
    z = drawn(net, size, NOTHING, np.random.default_rng(1), steps=18)  # type: ignore[arg-type]
    assert np.allclose(z.mean(axis=0), 0, atol=0.06)
    assert np.allclose(np.cov(z, rowvar=False), np.eye(3), atol=0.08)


def test_training_finds_two_places_and_obeys_the_condition() -> None:
    rng = np.random.default_rng(2)
    side = rng.choice([-1.0, 1.0], size=(2_000, 1))
    z = side + 0.1 * rng.standard_normal((2_000, 1))
    size = Size((1,), 1, width=32, depth=2)
    plan = Plan(max_steps=300, batch=128)
    net, trained = fitted(z, side, np.zeros(2_000, dtype=bool), Context(rng), size=size, plan=plan, rate=3e-3)
    assert trained.steps == 300
    asked = np.repeat([[-1.0], [1.0]], 200, axis=0)
    made = drawn(net, size, asked, rng, steps=18)
    assert np.mean(np.sign(made) == asked) > 0.99
    assert made[200:].mean() == pytest.approx(1.0, abs=0.1)


def test_groups_of_scores_have_nets_that_do_not_see_each_other() -> None:
    net = build(Size((2, 3), 0, width=80, depth=1).net, torch_generator(np.random.default_rng(0)))
    for own in net.nets:  # the last layers start at zero
        torch.nn.init.ones_(own.last.weight)
    x = torch.randn(1, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
    answer = net(x, torch.zeros(1))
    assert answer.shape == (1, 5)
    (slope,) = torch.autograd.grad(answer[0, :2].sum(), x)
    assert (slope[0, :2] != 0).all()
    assert (slope[0, 2:] == 0).all()
    assert [own.first.out_features for own in net.nets] == [64, 64]


def test_the_loss_of_the_rows_kept_back_by_the_caller_ends_the_training() -> None:
    rng = np.random.default_rng(3)
    z = rng.standard_normal((60, 8))  # normal already: whatever is learned is learned by heart
    held = np.arange(60) >= 40
    plan = Plan(max_steps=2_000, batch=32, holdout=0.04, looks=40, patience=3)
    _, trained = fitted(
        z, np.zeros((60, 0)), held, Context(rng), size=Size((8,), 0, width=64, depth=2), plan=plan, rate=5e-3
    )
    assert trained.ended == "patience"
    assert trained.best_step < 1_000


def test_the_recurrent_judge_tells_rising_from_falling_and_guesses_among_equals() -> None:
    rng = np.random.default_rng(4)
    up = np.linspace(0, 1, 10)[None, :, None] + 0.05 * rng.standard_normal((300, 10, 1))
    label = np.repeat([1.0, 0.0], 150)
    told = np.where((label == 1)[:, None, None], up, up[:, ::-1])
    inside = np.arange(300) % 5 == 0
    assert gru_accuracy(told, label, inside, Context(rng), steps=300, hidden=8) > 0.9
    assert abs(gru_accuracy(up, label, inside, Context(rng), steps=50, hidden=8) - 0.5) < 0.2
