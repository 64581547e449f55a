"""Reasoning problems without a model: seven tasks, eight levels, answers known by construction."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import ConfigError, SpaceExhausted
from synthwright.core.seeds import seed_of
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.corpus import Corpus, corpus_schema
from synthwright.data.schema import Schema
from synthwright.generators.base import Ability, Generator
from synthwright.reasoning.items import Style, items, record
from synthwright.reasoning.levels import LEVELS, TASKS, capacity, parse_levels, parse_tasks
from synthwright.reasoning.puzzles import commitment
from synthwright.reasoning.sampling import Wish

_STRIDE = 2**20  # group numbers of one attempt at one block


class DyValConfig(Config):
    """Options of DyVal."""

    task: str = Field("all", description=f"all, or names with commas between: {', '.join(TASKS)}.")
    level: str = Field("D1-D4", description="D1 to D8, a range such as D1-D4, or a list with commas.")
    order: Literal["topological", "reversed", "random", "all"] = Field(
        "random", description="Order of the statements; all asks every puzzle in the three orders."
    )
    template_set: int | Literal["mixed"] = Field(
        0, description="Wording: 0 plain, 1 to 4 paraphrases, 5 formulas, 6 a story; mixed draws one for each puzzle."
    )
    balance: Literal["twin", "uniform", "paper"] = Field(
        "twin",
        description="twin: puzzles that share everything but the answer; uniform: equal shares of the answers; paper: "
        "as the published sampler draws them.",
    )
    unsolvable: Literal["none", "deletions", "cycles"] = Field(
        "none", description="Remove statements or close cycles, so that some answers cannot be determined."
    )
    few_shot: int = Field(0, ge=0, le=16, description="Worked examples before each item, never items themselves.")
    trace: bool = Field(False, description="Add the reasoning as a reply, for training data.")
    secret: str = Field("", description="Key of the item seeds; publish `describe()`'s commitment before, this after.")
    allow_repeats: bool = Field(False, description="Make more items than half of the puzzles that a level has.")

    @field_validator("template_set")
    @classmethod
    def _exists(cls, value: int | str) -> int | str:
        if isinstance(value, int) and not 0 <= value <= 6:
            raise ValueError("must be 0 to 6, or mixed")
        return value

    @field_validator("task", "level")
    @classmethod
    def _is_known(cls, value: str, info: Any) -> str:
        try:
            (parse_tasks if info.field_name == "task" else parse_levels)(value)
        except ConfigError as error:
            raise ValueError(error.what) from error
        return value


class DyVal(Generator):
    """Makes reasoning problems whose text, answer and difficulty come from a random graph; learns from no data.

    Tasks: arithmetic, linear equations, boolean, deductive and abductive logic, reachability, best path. The recorded
    answer is solved from the text. Twins (the default) share rules, sizes and words and differ in the answer, so that
    nothing but reasoning tells them apart. Item seeds are HMAC-SHA256(secret, task | level | number).

    >>> model = DyVal(task="bool_logic", level="D2", secret="mine").fit()
    >>> made = model.sample(4)
    >>> sorted(made.arrow.column("label").to_pylist())
    ['False', 'False', 'True', 'True']
    """

    name: ClassVar[str] = "dyval"
    summary: ClassVar[str] = "reasoning problems from random graphs, with answers known by construction"
    source: ClassVar[str] = "Zhu et al. 2023, DyVal, arXiv 2309.17167"
    config_type: ClassVar[type[Config]] = DyValConfig
    ability: ClassVar[Ability] = Ability("text", learns=False, where="exact", block=120, cost="no fit")

    def blank_schema(self) -> Schema:
        """The schema of every corpus."""
        return corpus_schema()

    def _fit(self, data: None, ctx: Context) -> None:
        ctx.step(1, 2, "counting puzzles")
        for task, level in self._cells():
            most = capacity(task, level)
            if most is not None and most < 10_000:
                ctx.note(
                    "T001",
                    f"only {most:,} puzzles differ in more than names: they repeat and can be memorised",
                    f"{task} {level}",
                )

    def _cells(self) -> list[tuple[str, str]]:
        return [(task, level) for level in parse_levels(self.config.level) for task in parse_tasks(self.config.task)]

    def _wanted(self, where: Condition | None) -> list[tuple[str, str]]:
        """The cells that a condition on task and level leaves; what else it says is left to rejection."""
        cells = self._cells()
        if where is None:
            return cells
        for place, name in enumerate(("task", "level")):
            wanted = where.members.get(name) or ((where.equal[name],) if name in where.equal else None)
            cells = [cell for cell in cells if wanted is None or cell[place] in wanted]
        return cells or self._cells()

    def check_capacity(self, n: int) -> None:
        """Raise SpaceExhausted when n items are more than half of the puzzles of a task and level."""
        super().check_capacity(n)
        cells = self._cells()
        each = -(-n // len(cells))
        for task, level in cells:
            most = capacity(task, level)
            if most is not None and each > most / 2 and not self.config.allow_repeats:
                raise SpaceExhausted(
                    f"{each:,} items of {task} at {level} are asked for; it has {most:,} different puzzles.",
                    where=f"task {task}, level {level}",
                    fix=f"ask for at most {most // 2 * len(cells):,} items, use higher levels, or allow_repeats=true",
                )

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Corpus:
        config, cells = self.config, self._wanted(where)
        # An item depends on secret, seed, task, level and its number alone; numbers of blocks do not overlap.
        seed = seed_of(ctx.rng)
        secret = f"{config.secret}|{seed}"
        first = (ctx.block * 64 + ctx.attempt) * _STRIDE
        wish = Wish(config.balance, config.unsolvable)
        style = Style(
            config.order,
            None if config.template_set == "mixed" else config.template_set,
            config.few_shot,
            config.trace,
        )
        gen = {
            "commitment": commitment(config.secret),  # the one that `describe` prints; with the seed it gives the items
            "seed": seed,
            "balance": config.balance,
            "unsolvable": config.unsolvable,
        }
        found: list[dict[str, Any]] = []
        group = 0
        while len(found) < n:
            if group % 50 == 0:
                ctx.step(min(len(found), n), n, "sampling")
            cell, index = cells[group % len(cells)], first + group // len(cells)
            found += [record(one, secret, wish, style, gen) for one in items(secret, cell, index, wish, style)]
            group += 1
        return Corpus.of(found[:n])

    def describe(self) -> str:
        """The options, the capacity of small levels, and the commitment to the secret."""
        lines = [super().describe(), f"commitment {commitment(self.config.secret)}"]
        for task, level in self._cells():
            most = capacity(task, level)
            if most is not None:
                lines.append(f"{task} {level}: {most:,} different puzzles")
        return "\n".join(lines)

    def _state(self) -> State:
        return State({"levels": list(LEVELS)})

    def _restore(self, state: State) -> None:
        if list(state.meta["levels"]) != list(LEVELS):
            raise ValueError("the model was made with other levels")
