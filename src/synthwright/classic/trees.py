"""Bags of classification and regression trees whose leaves are distributions of tokens.

A leaf holds the sorted tokens of at least `leaf` training cells of one column: counts of levels, point masses and
quantile bins. No row index, and nothing that ties a cell to the cells of the same row in other columns, is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from synthwright.core.store import State

ROWS_OF_A_TREE = 50_000  # more rows refine a tree little and cost n log n
_MIN_GAIN = 1e-6  # smallest decrease of impurity: keeps pure nodes whole
_FEW_LEVELS, _DIRECTIONS = 64, 16  # beyond 64 levels, Gini is taken in 16 random directions
_MISSING = -1e30  # missing numbers lie on their own side of every split


@dataclass(frozen=True)
class TreeOptions:
    """Size of a bag: trees, fewest growing cells of a leaf, share of the rows that grow a tree, pull to the parent."""

    trees: int = 8
    leaf: int = 20
    share: float = 0.5
    shrink: float = 0.0


@dataclass(frozen=True, eq=False)
class Forest:
    """Concatenated trees in flat arrays. Nodes are in depth-first order, so each node's tokens are one slice.

    feature: (nodes,) int32, -1 in leaves; threshold: float64, go left when x <= threshold; left, right, parent: int32
    (-1: root has no parent); start, count: slice of `tokens`; roots: (trees,); tokens: (trees * cells,) sorted
    within each leaf. shrink: a draw leaves a node with n cells for its parent with probability shrink / (n + shrink)
    (hierarchical shrinkage, Agarwal et al. 2022, arXiv 2202.00858, equation 2, as a mixture).
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    parent: np.ndarray
    start: np.ndarray
    count: np.ndarray
    roots: np.ndarray
    tokens: np.ndarray
    shrink: float = 0.0

    @classmethod
    def fit(
        cls,
        x: np.ndarray,
        tokens: np.ndarray,
        response: np.ndarray | None,
        options: TreeOptions,
        rng: np.random.Generator,
    ) -> Self:
        """Grow a bag on subsamples without replacement, and fill the leaves with the other rows too.

        Rows that did not shape a leaf dilute those that did: draws are farther from single training rows at equal
        fidelity (docs/decisions/0007).

        x: (n, d) float32 without NaN; tokens: (n,) codes >= 0; response: (n,) or (n, k) to split on by least squares,
        or None to split on the tokens by Gini impurity. Leaves hold at least `options.leaf` cells.
        Source: Breiman et al. 1984; bagging of generators, Breiman 1996.
        """
        n = len(tokens)
        n_fill = min(n, ROWS_OF_A_TREE)
        # Numbers are smoothed between the values of a leaf anyway, so their trees may look at more rows.
        share = options.share if response is None else min(1.0, 1.2 * options.share)
        n_grow = max(1, round(share * n_fill))
        if response is None and int(tokens.max(initial=0)) >= _FEW_LEVELS:
            response = rng.choice([-1.0, 1.0], size=(int(tokens.max()) + 1, _DIRECTIONS))[tokens]
        parts, n_nodes, n_tokens = [], 0, 0
        for _ in range(options.trees):
            rows = rng.permutation(n)[:n_fill]
            grow = rows[:n_grow]
            target = tokens[grow] if response is None else response[grow]
            part = _flat(_grown(x[grow], target, response is None, options.leaf, rng), x[rows], tokens[rows])
            for name in ("left", "right", "parent"):
                part[name] = np.where(part[name] >= 0, part[name] + n_nodes, -1)
            part["start"] = part["start"] + n_tokens
            part["roots"] = np.array([n_nodes])
            parts.append(part)
            n_nodes += len(part["feature"])
            n_tokens += n_fill
        whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        for name in ("feature", "left", "right", "parent", "start", "count", "roots"):
            whole[name] = whole[name].astype(np.int32)
        whole["tokens"] = whole["tokens"].astype(np.uint16 if tokens.max() < 2**16 else np.int32)
        return cls(**whole, shrink=options.shrink)

    def route(self, x: np.ndarray, nodes: np.ndarray) -> np.ndarray:
        """The leaf that each row reaches from its starting node: (n,). One vectorised step for each level."""
        nodes = nodes.astype(np.int64)
        live = np.flatnonzero(self.feature[nodes] >= 0)
        while len(live):
            at = nodes[live]
            at = np.where(x[live, self.feature[at]] <= self.threshold[at], self.left[at], self.right[at])
            nodes[live] = at
            live = live[self.feature[at] >= 0]
        return nodes

    def draw(self, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One token for each row: of the row's leaf in a tree picked at random."""
        nodes = self.route(x, self.roots[rng.integers(0, len(self.roots), len(x))])
        if self.shrink > 0:
            nodes = self._shrunk(nodes, rng)
        place = self.start[nodes] + (rng.random(len(x)) * self.count[nodes]).astype(np.int64)
        return np.asarray(self.tokens[place], dtype=np.int64)

    def _shrunk(self, nodes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        live = np.arange(len(nodes))
        while len(live):
            n = self.count[nodes[live]]
            leaves = rng.random(len(live)) * (n + self.shrink) >= n
            live = live[leaves & (self.parent[nodes[live]] >= 0)]
            nodes[live] = self.parent[nodes[live]]
        return nodes

    def state(self) -> State:
        """Everything `restore` needs."""
        names = ("feature", "threshold", "left", "right", "parent", "start", "count", "roots", "tokens")
        return State({"shrink": self.shrink}, {name: getattr(self, name) for name in names})

    @classmethod
    def restore(cls, state: State) -> Self:
        """The inverse of `state`."""
        return cls(**state.arrays, shrink=float(state.meta["shrink"]))


def features_of(numbers: np.ndarray) -> np.ndarray:
    """Numbers as float32 without NaN, as trees take them."""
    return np.clip(np.where(np.isnan(numbers), _MISSING, numbers), _MISSING, -_MISSING).astype(np.float32)


def spread_response(ranks: np.ndarray) -> np.ndarray:
    """(n, 2): rank r in [0, 1] and 2 (r - 1/2)^2, so that a split may part places or widths."""
    return np.column_stack([ranks, 2 * (ranks - 0.5) ** 2])


def level_scores(levels: np.ndarray, response: np.ndarray, sizes: tuple[int, int]) -> np.ndarray:
    """One number for each level, such that levels with like responses lie close: (sizes[0],).

    levels, response: (n,) codes below sizes. First principal coordinate of the smoothed profiles (correspondence
    analysis, Greenacre 2007, section 8); exact for two responses (Breiman et al. 1984, section 4.2.2).
    """
    counts = np.bincount(levels.astype(np.int64) * sizes[1] + response, minlength=sizes[0] * sizes[1])
    table = counts.reshape(sizes).astype(np.float64)
    total = table.sum(axis=1, keepdims=True)
    overall = table.sum(axis=0) / max(table.sum(), 1.0)
    profile = ((table + 10.0 * overall) / (total + 10.0) - overall) / np.sqrt(overall + 1e-9)  # 1e-9: no 0 / 0
    _, _, axes = np.linalg.svd(np.sqrt(total) * profile, full_matrices=False)
    axis = axes[0] * (1.0 if axes[0][np.argmax(np.abs(axes[0]))] > 0 else -1.0)
    return np.asarray(profile @ axis)


def _grown(x: np.ndarray, target: np.ndarray, is_level: bool, leaf: int, rng: np.random.Generator) -> Any:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if is_level else DecisionTreeRegressor
    seed = int(rng.integers(2**31 - 1))
    grown = kind(min_samples_leaf=min(leaf, len(x)), min_impurity_decrease=_MIN_GAIN, random_state=seed)
    return grown.fit(x, target).tree_


def _flat(tree: Any, x: np.ndarray, tokens: np.ndarray) -> dict[str, np.ndarray]:
    """Node arrays of one tree. Depth-first preorder makes the cells under a node one slice in order of leaves."""
    feature, left, right = tree.feature, tree.children_left, tree.children_right
    leaf_of = tree.apply(x)
    order = np.lexsort((tokens, leaf_of))
    inside = np.flatnonzero(feature >= 0)
    parent = np.full(tree.node_count, -1)
    parent[left[inside]] = inside
    parent[right[inside]] = inside
    in_leaf = np.bincount(leaf_of, minlength=tree.node_count)
    count = in_leaf.tolist()
    for node, above in zip(range(tree.node_count - 1, 0, -1), parent[:0:-1].tolist(), strict=True):
        count[above] += count[node]  # children come after their parent, so each is complete when it is added
    return {
        "feature": np.where(feature >= 0, feature, -1),
        "threshold": tree.threshold.astype(np.float64),
        "left": np.where(feature >= 0, left, -1),
        "right": np.where(feature >= 0, right, -1),
        "parent": parent,
        "start": np.cumsum(in_leaf) - in_leaf,
        "count": np.array(count),
        "tokens": tokens[order],
    }
