"""What generators made of other generators share: the parents, what they can do together, their states, their seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from synthwright.classic.parts import joined, part
from synthwright.core import registry
from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import ConfigError, DataError
from synthwright.core.seeds import named_rng
from synthwright.core.store import State
from synthwright.data.dataset import Dataset
from synthwright.data.split import split
from synthwright.generators.base import Ability, Generator

MOST_DEPTH = 3
Options = dict[str, dict[str, Any]]


def _words(given: Any) -> Any:
    """Words of a list written as text: `a,b`, or `[a, b]` as in YAML."""
    if not isinstance(given, str):
        return given
    bare = given.strip()
    bare = bare[1:-1] if bare.startswith("[") and bare.endswith("]") else bare
    return [word.strip(" '\"") for word in bare.split(",")]


Names = Annotated[tuple[str, ...], BeforeValidator(_words)]


class ComposedConfig(Config):
    """Options of every generator made of others."""

    options: Options = Field(
        default_factory=dict,
        description="Options of parents by name, as in --set options.cart.leaf=30.",
    )
    protect: bool = Field(True, description="Pool levels in fewer than 5 rows and hide the 5 extreme values.")


class Composed(Generator):
    """A generator that holds parents. Its ability is theirs together, so it belongs to the instance."""

    depth: int

    def _adopt(self, names: Sequence[str], ability: Ability) -> None:
        """Make the parents, and this instance's ability from the class's and theirs. Raises ConfigError."""
        where = f"generator {self.name!r}"
        twice = [name for name in dict.fromkeys(names) if list(names).count(name) > 1]
        if twice:
            raise ConfigError(
                f"{', '.join(twice)} is named more than once.", where=f"{where}: parents", fix="name each parent once"
            )
        strangers = [name for name in self.config.options if name not in names]
        if strangers:
            raise ConfigError(
                f"Options are given for {', '.join(strangers)}, which are no parents.",
                where=f"{where}: options",
                fix=f"parents are: {', '.join(names)}",
            )
        self.parents = [self._parent(name) for name in names]
        self.depth = 1 + max(getattr(parent, "depth", 0) for parent in self.parents)
        if self.depth > MOST_DEPTH:
            raise ConfigError(
                f"Generators are nested {self.depth} deep; {MOST_DEPTH} is the most.",
                where=where,
                fix="use fewer layers",
            )
        idle = [parent.name for parent in self.parents if not parent.ability.learns]
        if idle:
            raise ConfigError(f"{', '.join(idle)} learns from no data.", where=where, fix="name parents that learn")
        kinds = sorted({parent.ability.modality for parent in self.parents})
        if len(kinds) > 1:
            raise ConfigError(
                f"The parents make different data: {', '.join(kinds)}.",
                where=f"{where}: parents",
                fix="name parents of one modality; see: synthwright generators",
            )
        self.ability = _together(ability, [parent.ability for parent in self.parents])  # type: ignore[misc]  # see above

    def _parent(self, name: str) -> Generator:
        cls: type[Generator] = registry.find("generators", name)
        options = dict(self.config.options.get(name, {}))
        if "protect" in cls.config_type.model_fields:
            options.setdefault("protect", self.config.protect)
        return cls(**options)

    def _fresh(self, i: int) -> Generator:
        """Another one of parent i, not fitted."""
        return self._parent(self.parents[i].name)

    def _teach(self, parent: Generator, data: Dataset, ctx: Context, root: int, name: str) -> None:
        """Fit a parent on prepared data, on the stream called `name`; its notes become ours, with its name."""
        child = Context(named_rng(root, name), device=ctx.device, sinks=ctx.sinks, stop=ctx.stop)
        parent._fit(data, child)
        for note in child.notes:
            ctx.note(note.code, note.what, " in ".join(filter(None, [note.where, f"parent {parent.name!r}"])))

    def _joined_state(self, meta: Mapping[str, Any], others: Mapping[str, State]) -> State:
        parts = {f"parent{i}": parent._state() for i, parent in enumerate(self.parents)}
        return joined({**parts, **others}, meta)

    def _restore_parents(self, state: State) -> None:
        for i, parent in enumerate(self.parents):
            parent._restore(part(state, f"parent{i}"))


def _together(own: Ability, parents: Sequence[Ability]) -> Ability:
    """What a generator of these parents can do: the least of each."""
    needs = dict.fromkeys([*own.needs, *(need for parent in parents for need in parent.needs)])
    ranks = ("seconds", "minutes", "hours")
    return Ability(
        parents[0].modality,
        where="none" if any(parent.where == "none" for parent in parents) else "reject",
        block=min(parent.block for parent in parents),
        missing=all(parent.missing for parent in parents),
        mixed=all(parent.mixed for parent in parents),
        keeps_rows=any(parent.keeps_rows for parent in parents),
        needs=tuple(needs),
        rows=(
            max(own.rows[0], *(2 * parent.rows[0] for parent in parents)),
            min(own.rows[1], *(parent.rows[1] for parent in parents)),
        ),
        cost=max((own.cost, *(parent.cost for parent in parents)), key=lambda c: ranks.index(c) if c in ranks else 1),
    )


def parts_of(data: Dataset, shares: tuple[float, float, float], ctx: Context) -> tuple[Any, Any, Any]:
    """Three parts for learning, choosing and checking, cut as `data.split` cuts: series that overlap stay apart."""
    learned, chosen, checked = split(data, fractions=shares, seed=ctx.seed())
    return learned, chosen, checked


def folds_of(data: Dataset, count: int, rng: np.random.Generator) -> np.ndarray:
    """Fold of each unit: at random; neighbours together for series, which may overlap."""
    places = np.arange(len(data))
    return places * count // len(data) if data.modality == "series" else rng.permutation(places % count)


def check_alike(real: Dataset, made: Dataset, parent: Generator) -> None:
    """Refuse parents that make shorter series than they learn from: anything would tell those apart."""
    if real.modality != "series":
        return
    longest, reached = int(real.lengths.max()), int(made.lengths.max())  # type: ignore[attr-defined]  # a SeriesSet
    if reached < 0.5 * longest:
        raise DataError(
            f"{parent.name!r} makes series of at most {reached} steps from series of up to {longest}: they cannot be "
            "compared.",
            fix=f"cut the data first: data.windows({reached})",
        )
