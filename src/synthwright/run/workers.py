"""Who makes the blocks: this process, several, or a local Ray cluster. Same function, same blocks, same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from synthwright.core.context import Context, Stop
from synthwright.core.pool import Workers, run_tasks
from synthwright.core.progress import Sink
from synthwright.core.seeds import block_sequence
from synthwright.generators.base import loaded
from synthwright.run.blocks import Blocks, write_part


def make_blocks(
    model: Path,
    blocks: Blocks,
    *,
    where: str | None,
    seed: int,
    workers: int | str | Workers,
    surroundings: tuple[Sequence[Sink], Stop],
) -> Iterator[int]:
    """Make the missing blocks and yield the number of each when its file is in place.

    model: path of a saved model, which each worker loads once. workers: processes (1 stays in this one), "ray" or
    "ray:N". A block whose worker is killed is made again. Raises ConfigError, MissingExtra, Unreachable, SampleError,
    WriteError, and Cancelled between two blocks; parts that are in place stay there.
    """
    sinks, stop = surroundings
    missing = blocks.missing()
    ctx = Context.on(block_sequence(seed, 0, 0), sinks=tuple(sinks), stop=stop)
    # Absolute: a Ray worker has a working directory of its own.
    name = str(model.absolute())
    tasks = [(name, index, blocks.units(index), where, seed, str(blocks.path(index).absolute())) for index in missing]
    done = len(blocks) - len(missing)
    ctx.step(done, len(blocks), "sampling")
    with closing(run_tasks(make_block, tasks, Workers.of(workers))) as results:
        for index in results:
            done += 1
            yield index
            ctx.step(done, len(blocks), "sampling")


def make_block(model: str, index: int, units: int, where: str | None, seed: int, path: str) -> int:
    """Make and write the first units of one block; runs in any process. Returns its number."""
    write_part(loaded(model).sample_block(index, where=where, seed=seed, units=units), Path(path))
    return index
