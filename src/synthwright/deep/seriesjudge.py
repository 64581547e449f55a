"""The literature's judge of series: a small recurrent net that tells synthetic windows from real ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from synthwright.core.context import Context
from synthwright.deep.nets import GRUClassifier
from synthwright.deep.tensors import build, tensor_of, torch_generator
from synthwright.deep.train import Plan, train


class _Telling:
    """The objective: logistic loss."""

    averaged: Sequence[str] = ()

    def __init__(self, net: GRUClassifier) -> None:
        self.net = net
        self.modules: Mapping[str, torch.nn.Module] = {"net": net}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"net": torch.optim.Adam(net.parameters(), lr=1e-3)}

    def step(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> dict[str, Tensor]:
        """One update on (windows, labels)."""
        x, label = batch
        loss = F.binary_cross_entropy_with_logits(self.net(x)[:, 0], label)
        self.optimizers["net"].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers["net"].step()
        return {"loss": loss.detach()}

    def holdout(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor | None:
        """Nothing is watched: the protocol has a fixed number of steps."""
        return None


def gru_accuracy(
    x: np.ndarray, label: np.ndarray, inside: np.ndarray, ctx: Context, *, steps: int = 2_000, hidden: int | None = None
) -> float:
    """Balanced accuracy on the windows `inside` of a GRU that learned from the others.

    x: (n, length, channels), about in [0, 1]; label: (n,) 1 synthetic, 0 real. One layer of max(1, channels // 2)
    units unless said otherwise, Adam 1e-3, batches of 256: Yoon et al. 2019 (TimeGAN), supplement.
    """
    net = build(lambda: GRUClassifier(x.shape[2], hidden=hidden or max(1, x.shape[2] // 2)), torch_generator(ctx.rng))
    assert isinstance(net, GRUClassifier)  # for the type checker
    data = (tensor_of(x[~inside]), tensor_of(label[~inside].astype(np.float64)))
    plan = Plan(max_steps=steps, batch=256, ema=0.0, warmup=0.0, floor=1.0)
    train(_Telling(net), data, ctx, plan)
    with torch.no_grad():
        found = net.eval()(tensor_of(x[inside]))[:, 0].numpy() > 0
    real = label[inside] == 0
    return 0.5 * (float(found[~real].mean()) + float((~found[real]).mean()))
