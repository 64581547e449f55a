"""Reasoning problems without a model: seven tasks, eight levels, answers known by construction."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from synthwright.core.config import Config
from synthwright.core.context import Context
from synthwright.core.errors import ConfigError, SpaceExhausted
from synthwright.core.seeds import seed_of
from synthwright.core.store import State
from synthwright.data.conditions import Condition
from synthwright.data.corpus import Corpus, corpus_schema
from synthwright.data.schema import Schema
from synthwright.generators.base import Ability, Generator
from synthwright.reasoning.balance import balance_text, check_shares, parse_balance, shares_of
from synthwright.reasoning.items import Style, items, record
from synthwright.reasoning.levels import LEVELS, TASKS, parse_levels, parse_tasks
from synthwright.reasoning.puzzles import commitment
from synthwright.reasoning.sampling import Wish
from synthwright.reasoning.spaces import Capacity, capacity

_CROWDED = 0.1  # share of a sample that may come from levels of which more than half is asked for
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
    balance: Literal["twin", "uniform", "paper"] | dict[str, float] = Field(
        "twin",
        description="twin: puzzles that share everything but the answer; uniform: equal shares of the answers; paper: "
        "as the published sampler draws them; or shares, as in True=0.7,False=0.2,N/A=0.1, of twins.",
    )
    extended: bool = Field(
        False, description="deductive_logic gets rules that make something false, and the answer False with them."
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

    @field_validator("balance", mode="before")
    @classmethod
    def _is_readable(cls, value: Any) -> str | dict[str, float]:
        try:
            return parse_balance(value)
        except ConfigError as error:
            raise ValueError(error.what) from error

    @model_validator(mode="after")
    def _fits(self) -> Self:
        """Options that say how the answers are to be must not contradict each other."""
        tasks = parse_tasks(self.task)
        try:
            if self.extended and "deductive_logic" not in tasks:
                raise ConfigError(
                    "extended=true is about deductive_logic, which is not among the tasks.", fix="leave it out"
                )
            if self.extended and self.balance == "paper":
                raise ConfigError(
                    "No sampler was published for extended=true.", fix="use balance=twin, balance=uniform or shares"
                )
            if not isinstance(self.balance, str):
                if self.unsolvable != "none":
                    raise ConfigError(
                        "balance names the shares of the answers, and unsolvable leaves them to what is missing.",
                        fix="leave one of them out",
                    )
                check_shares(self.balance, tasks, extended=self.extended)
        except ConfigError as error:
            raise ValueError(error.what) from error
        return self

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
            most = self._capacity(task, level)
            if most is not None and most.is_memorisable:
                ctx.note(
                    "T001",
                    f"only {'' if most.is_exact else 'at most '}{most.n:,} puzzles differ in more than names: they "
                    "repeat and can be memorised",
                    f"{task} {level}",
                )

    def _capacity(self, task: str, level: str) -> Capacity | None:
        return capacity(task, level, self._wish(task))

    def _wish(self, task: str) -> Wish:
        config = self.config
        extended = config.extended and task == "deductive_logic"
        shares = () if isinstance(config.balance, str) else shares_of(config.balance, task, extended=extended)
        balance = config.balance if isinstance(config.balance, str) else "twin"
        return Wish(balance, config.unsolvable, shares, extended)

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
        """Raise SpaceExhausted when n items are more than half of the puzzles of a task and level.

        Levels of which twins use a part only may be asked for more than half of that part, with the Note T001 on their
        repeats, as long as they make up no more than a tenth of the sample and half of all their puzzles.
        """
        super().check_capacity(n)
        cells = self._cells()
        each = -(-n // len(cells))
        if self.config.allow_repeats or not (full := self._exhausted(each)):
            return
        task, level, most = min(full, key=lambda cell: cell[2].n)
        sizes = [size for cell in self._cells() for size in self._limits(*cell) if size < each]
        fewer = max((size for size in sizes if not self._exhausted(size)), default=0) * len(cells)
        ask = f"ask for at most {fewer:,} in all, " if fewer else ""
        raise SpaceExhausted(
            f"{each:,} items of {task} at {level} are asked for; it has {most}.",
            where=f"task {task}, level {level}",
            fix=f"{ask}use higher levels, or allow_repeats=true",
        )

    def _limits(self, task: str, level: str) -> tuple[int, ...]:
        """Half of the puzzles that can be drawn, and half of all puzzles; empty where they need no count."""
        most, every = self._capacity(task, level), capacity(task, level, Wish("paper"))
        return () if most is None or every is None else (most.n // 2, max(most.n, every.n) // 2)

    def _exhausted(self, each: int) -> list[tuple[str, str, Capacity]]:
        """The tasks and levels that `each` items are too many for."""
        cells = self._cells()
        found = [(task, level, most) for task, level in cells if (most := self._capacity(task, level)) is not None]
        full = [cell for cell in found if each > cell[2].n / 2]
        if len(full) > _CROWDED * len(cells):
            return full
        return [cell for cell in full if each > self._limits(*cell[:2])[1]]

    def _sample(self, n: int, ctx: Context, where: Condition | None) -> Corpus:
        config, cells = self.config, self._wanted(where)
        # An item depends on secret, seed, task, level and its number alone; numbers of blocks do not overlap.
        seed = seed_of(ctx.rng)
        secret = f"{config.secret}|{seed}"
        first = (ctx.block * 64 + ctx.attempt) * _STRIDE
        wishes = {task: self._wish(task) for task in parse_tasks(config.task)}
        style = Style(
            config.order,
            None if config.template_set == "mixed" else config.template_set,
            config.few_shot,
            config.trace,
        )
        gen = {
            "commitment": commitment(config.secret),  # the one that `describe` prints; with the seed it gives the items
            "seed": seed,
            "balance": balance_text(config.balance),
            "unsolvable": config.unsolvable,
            **({"extended": True} if config.extended else {}),
        }
        found: list[dict[str, Any]] = []
        group = 0
        while len(found) < n:
            if group % 50 == 0:
                ctx.step(min(len(found), n), n, "sampling")
            cell, index = cells[group % len(cells)], first + group // len(cells)
            wish = wishes[cell[0]]
            found += [record(one, secret, wish, style, gen) for one in items(secret, cell, index, wish, style)]
            group += 1
        return Corpus.of(found[:n])

    def describe(self) -> str:
        """The options, the capacity of small levels, and the commitment to the secret."""
        lines = [super().describe(), f"commitment {commitment(self.config.secret)}"]
        for task, level in self._cells():
            most = self._capacity(task, level)
            if most is not None:
                lines.append(f"{task} {level}: {most}{', memorisable' if most.is_memorisable else ''}")
        return "\n".join(lines)

    def _state(self) -> State:
        return State({"levels": list(LEVELS)})

    def _restore(self, state: State) -> None:
        if list(state.meta["levels"]) != list(LEVELS):
            raise ValueError("the model was made with other levels")
