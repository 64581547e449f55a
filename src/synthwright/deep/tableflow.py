"""A table in two steps of one objective: tokens column after column, then a flow of what the tokens leave open.

A token is a level, a point mass, missing, or a quantile bin of a number. Given all tokens, a residual says where in its
bin each number lies, as a normal score: standard normal when the tokens say everything, so the flow starts from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from synthwright.deep import samplers
from synthwright.deep.heads import dropped
from synthwright.deep.losses import edm_denoising, flow_matching
from synthwright.deep.nets import ResidualMLP
from synthwright.deep.paths import EDM, RectifiedFlow, spread
from synthwright.deep.tensors import build
from synthwright.deep.train import adamw, updated

_COND = 8  # width of a token where it is a condition of the flow
_OWN = 0.1  # how much of a bin is its own, beside what it shares with its neighbours


@dataclass(frozen=True)
class FlowOptions:
    """Sizes and rates. width: of each column's own layers; depth: how many; any_order: share of batches in it."""

    width: int = 128
    depth: int = 2
    embedding: int = 16
    flow_width: int = 192
    flow_depth: int = 2
    dropout: float = 0.1
    any_order: float = 0.5
    rate: float = 2e-3
    decay: float = 1e-2
    flow_rate: float = 5e-4
    path: Literal["flow", "edm"] = "flow"


class TokenNet(nn.Module):
    """Logits of every column's token given the tokens of the columns that it may see.

    Each column has its own layers; what it sees of the others is decided by a mask on the first one, so one matrix
    product serves all columns in any order (Germain et al. 2015, arXiv 1502.03509, section 4; any order as in
    TabularARGN, arXiv 2501.12012). sizes: tokens of each column; shares: (sum(sizes),) of the data, where the logits
    start; features: (sum(sizes), f) what is known of a token, so that neighbouring bins begin alike.
    """

    def __init__(self, sizes: Sequence[int], shares: Tensor, features: Tensor, options: FlowOptions) -> None:
        super().__init__()
        self.sizes, d, e, h = tuple(sizes), len(sizes), options.embedding, options.width
        owner = torch.repeat_interleave(torch.arange(d), torch.tensor(self.sizes))
        self.places = [sum(sizes[:j]) for j in range(d)]  # `starts` as numbers: to ask a device for one makes it wait
        self.register_buffer("starts", torch.tensor(self.places), persistent=False)
        self.register_buffer("owner", owner, persistent=False)
        self.register_buffer("features", features)
        self.free = nn.Parameter(torch.randn(sum(sizes), e))
        self.smooth = nn.Parameter(torch.randn(d, features.shape[1], e))
        has_rank = features[:, 1:].abs().sum(1) > 0
        self.register_buffer("own", torch.where(has_rank, _OWN, 1.0)[:, None], persistent=False)
        self.first = nn.Parameter(torch.randn(d, e, d, h) / (d * e) ** 0.5)
        self.first_bias = nn.Parameter(torch.randn(d, h) * 0.1)
        self.inner = nn.Parameter(torch.randn(options.depth, d, h, h) / h**0.5)
        self.inner_bias = nn.Parameter(torch.zeros(options.depth, d, 1, h))
        self.last = nn.Parameter(torch.zeros(sum(sizes), h))
        self.last_smooth = nn.Parameter(torch.zeros(d, features.shape[1], h))
        self.last_bias = nn.Parameter(shares.clamp(min=1e-4).log())
        self.dropout = options.dropout

    def embedded(self, tokens: Tensor) -> Tensor:
        """tokens (batch, d) -> (batch, d, embedding)."""
        table = self.own * self.free + torch.einsum("kf,kfe->ke", self.features, self.smooth[self.owner])
        return F.embedding(tokens + self.starts, table)

    def forward(self, tokens: Tensor, sees: Tensor, gen: torch.Generator | None = None) -> list[Tensor]:
        """sees (d, d): 1 where the column of the row may be seen by that of the column; gen: for dropout, or none."""
        d, e, _, h = self.first.shape
        x = self.embedded(tokens).reshape(len(tokens), d * e)
        weight = (self.first * sees[:, None, :, None]).reshape(d * e, d * h)
        a = (x @ weight).view(-1, d, h) + self.first_bias
        a = self._inner(a.transpose(0, 1), slice(None), gen)  # (d, batch, h)
        return [self._logits(one, j) for j, one in enumerate(a)]

    def column(self, tokens: Tensor, j: int, seen: Sequence[int]) -> Tensor:
        """Logits (batch, sizes[j]) of one column given the columns `seen`; other tokens do not matter."""
        e, h = self.first.shape[1], self.first.shape[3]
        a = self.first_bias[j].expand(len(tokens), -1)
        if len(seen):
            at = torch.tensor(list(seen), device=tokens.device)
            x = self.embedded(tokens)[:, at].reshape(len(tokens), -1)
            a = a + x @ self.first[at, :, j].reshape(len(seen) * e, h)
        a = self._inner(a[None], slice(j, j + 1), None)[0]
        return self._logits(a, j)

    def _logits(self, a: Tensor, j: int) -> Tensor:
        own = slice(self.places[j], self.places[j] + self.sizes[j])
        return F.linear(
            a, self.own[own] * self.last[own] + self.features[own] @ self.last_smooth[j], self.last_bias[own]
        )

    def _inner(self, a: Tensor, own: slice, gen: torch.Generator | None) -> Tensor:
        h = F.silu(F.layer_norm(a, a.shape[-1:]))
        for weight, bias in zip(self.inner, self.inner_bias, strict=True):
            if gen is not None:
                h = dropped(h, self.dropout, gen)
            h = h + F.silu(torch.baddbmm(bias[own], F.layer_norm(h, h.shape[-1:]), weight[own]))
        h = F.layer_norm(h, h.shape[-1:])
        return h if gen is None else dropped(h, self.dropout, gen)


class ResidualNet(nn.Module):
    """net(x, t, tokens) for residuals (batch, m): what a path asks of a net, less what standard normal data answer.

    With "flow" that is the velocity (2 t - 1) / (t^2 + (1 - t)^2) x; with "edm" nothing: F = 0 there.
    """

    def __init__(self, sizes: Sequence[int], m: int, options: FlowOptions) -> None:
        super().__init__()
        starts = [sum(sizes[:j]) for j in range(len(sizes))]
        self.register_buffer("starts", torch.tensor(starts), persistent=False)
        self.tokens = nn.Embedding(sum(sizes), _COND)
        self.body = ResidualMLP(m, m, width=options.flow_width, depth=options.flow_depth, width_cond=_COND * len(sizes))
        self.velocity = options.path == "flow"
        self.register_buffer("start", torch.full((1,), torch.nan))  # held-out loss before any training; in checkpoints

    def reset(self) -> None:
        """Back to the start: standard normal residuals, whatever the tokens are."""
        nn.init.zeros_(self.body.last.weight)
        nn.init.zeros_(self.body.last.bias)

    def forward(self, x: Tensor, t: Tensor, tokens: Tensor) -> Tensor:
        answer: Tensor = self.body(x, t, self.tokens(tokens + self.starts).flatten(1))
        if not self.velocity:
            return answer
        s = spread(t, x)
        return (2 * s - 1) / (s * s + (1 - s) ** 2) * x + answer


class TokenObjective:
    """Cross-entropy of every token given those before it, in the usual order or, for some batches, in a random one."""

    averaged: Sequence[str] = ("net",)

    def __init__(self, net: TokenNet, order: Sequence[int], options: FlowOptions) -> None:
        self.net, self.any_order = net, options.any_order
        self.modules: Mapping[str, nn.Module] = {"net": net}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {"net": adamw(net, options.rate, decay=options.decay)}
        self._usual = _sees(order).to(net.first.device)

    def step(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Mapping[str, Tensor]:
        """One update. batch: tokens (rows, d), residuals."""
        sees = self._usual
        if float(torch.rand((), generator=gen, device=gen.device)) < self.any_order:
            order = torch.randperm(len(sees), generator=gen, device=gen.device)
            sees = _sees(order.tolist()).to(sees.device)
        return updated(self.net, self.optimizers["net"], self._loss(batch[0], sees, gen))

    def holdout(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor | None:
        """-log p of a row's tokens in the usual order, in nats."""
        return self._loss(batch[0], self._usual, None)

    def _loss(self, tokens: Tensor, sees: Tensor, gen: torch.Generator | None) -> Tensor:
        logits = self.net(tokens, sees, gen)
        return torch.stack([F.cross_entropy(one, tokens[:, j]) for j, one in enumerate(logits)]).sum()


class ResidualObjective:
    """The path's loss of residuals given tokens."""

    averaged: Sequence[str] = ("net",)

    def __init__(self, net: ResidualNet, path: RectifiedFlow | EDM, options: FlowOptions) -> None:
        self.net, self.path = net, path
        self.modules: Mapping[str, nn.Module] = {"net": net}
        self.optimizers: Mapping[str, torch.optim.Optimizer] = {
            "net": adamw(net, options.flow_rate, decay=options.decay)
        }

    def step(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Mapping[str, Tensor]:
        """One update. batch: tokens (rows, d), residuals (rows, m), NaN where a row has none."""
        return updated(self.net, self.optimizers["net"], self._loss(batch, gen))

    def holdout(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor | None:
        """The loss, as a mean over four draws of the noise: what there is to gain is small beside one draw's.

        The first time, the loss of the start is noted with the same noise.
        """
        if self.net.start.isnan():
            state, last = gen.get_state(), self.net.body.last
            kept = [last.weight.clone(), last.bias.clone()]
            self.net.reset()
            self.net.start.copy_(self._mean_loss(batch, gen))
            last.weight.copy_(kept[0])
            last.bias.copy_(kept[1])
            gen.set_state(state)
        return self._mean_loss(batch, gen)

    def _mean_loss(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor:
        return torch.stack([self._loss(batch, gen) for _ in range(4)]).mean()

    def _loss(self, batch: tuple[Tensor, ...], gen: torch.Generator) -> Tensor:
        tokens, residuals = batch
        filled = _filled(residuals, gen)
        if isinstance(self.path, EDM):
            return edm_denoising(self.path, self.net, filled, tokens, gen).mean()
        return flow_matching(self.path, self.net, filled, tokens, gen).mean()


def _sees(order: Sequence[int]) -> Tensor:
    place = torch.empty(len(order), dtype=torch.int64)
    place[torch.tensor(list(order))] = torch.arange(len(order))
    return (place[:, None] < place[None, :]).float()


class TableFlow:
    """Both nets and the sampler. order: the columns, in the order of drawing that is trained most."""

    def __init__(
        self,
        stats: tuple[Sequence[int], Tensor, Tensor],
        order: Sequence[int],
        m: int,
        options: FlowOptions,
        gen: torch.Generator,
    ) -> None:
        """stats: sizes, shares and features as `TokenNet` takes them; m: residuals of a row; gen: first weights."""
        sizes = stats[0]
        self.sizes, self.order, self.m = tuple(sizes), tuple(order), m
        self.path: RectifiedFlow | EDM = RectifiedFlow() if options.path == "flow" else EDM()
        self.modules: dict[str, nn.Module] = {"tokens": build(lambda: TokenNet(*stats, options), gen)}
        if m:
            self.modules["residuals"] = build(lambda: ResidualNet(sizes, m, options), gen)

    # -- drawing

    @torch.no_grad()
    def drawn_tokens(self, n: int, gen: torch.Generator, possible: Mapping[int, Tensor] | None = None) -> Tensor:
        """Tokens (n, d), column by column. possible: by column (tokens,) bool; these columns come first.

        Exact under a condition for the net's distribution: a row that was pressed into what is possible counts by
        the share of its probability that was possible, and rows are drawn anew by these weights.
        """
        possible = possible or {}
        first = [j for j in self.order if j in possible]
        ways = 8 if len(first) > 1 else 1
        tokens = torch.zeros(n * ways, len(self.sizes), dtype=torch.int64)
        weight = torch.zeros(n * ways)
        net, seen = self.modules["tokens"], list[int]()
        for j in first:
            shares = net.column(tokens, j, seen).log_softmax(1).masked_fill(~possible[j], -torch.inf)
            weight = weight + shares.logsumexp(1)
            tokens[:, j] = torch.multinomial(shares.softmax(1), 1, generator=gen)[:, 0]
            seen.append(j)
        if ways > 1:
            tokens = tokens[torch.multinomial(weight.softmax(0), n, replacement=True, generator=gen)]
        for j in (j for j in self.order if j not in possible):
            shares = net.column(tokens, j, seen).softmax(1)
            tokens[:, j] = torch.multinomial(shares, 1, generator=gen)[:, 0]
            seen.append(j)
        return tokens

    @torch.no_grad()
    def drawn_residuals(
        self, tokens: Tensor, gen: torch.Generator, steps: int, known: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Residuals (n, m) given tokens. known: (values, mask) of those that are given; with path "flow" only."""
        noise = torch.randn(len(tokens), self.m, generator=gen)
        if not self.m:
            return noise
        net = self.modules["residuals"]
        if isinstance(self.path, EDM):
            return samplers.edm(self.path, net, noise, tokens, steps=steps)
        return samplers.flow(self.path, net, noise, tokens, steps=steps, known=known, gen=gen)


def _filled(residuals: Tensor, gen: torch.Generator) -> Tensor:
    """Noise where a row has no residual: what the flow need not learn."""
    noise = torch.randn(residuals.shape, generator=gen, device=gen.device).to(residuals.device)
    return torch.where(residuals.isnan(), noise, residuals)
