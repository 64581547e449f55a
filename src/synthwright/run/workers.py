"""Who makes the blocks: this process, or several. Same function, same blocks, same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from synthwright.core.context import Context, Stop
from synthwright.core.pool import map_tasks
from synthwright.core.progress import Sink
from synthwright.core.seeds import block_sequence
from synthwright.generators.base import Generator
from synthwright.run.blocks import Blocks, write_part

_MODEL: dict[tuple[str, int, int], Generator] = {}  # the one model of this process, by path, time and size


def make_blocks(
    model: Path,
    blocks: Blocks,
    *,
    where: str | None,
    seed: int,
    workers: int,
    surroundings: tuple[Sequence[Sink], Stop],
) -> Iterator[int]:
    """Make the missing blocks and yield the number of each when its file is in place.

    model: path of a saved model. workers: processes; 1 stays in this one. Raises Unreachable, SampleError,
    WriteError, and Cancelled between two blocks.
    """
    sinks, stop = surroundings
    missing = blocks.missing()
    ctx = Context.on(block_sequence(seed, 0, 0), sinks=tuple(sinks), stop=stop)
    tasks = [(str(model), index, where, seed, str(blocks.path(index))) for index in missing]
    done = len(blocks) - len(missing)
    ctx.step(done, len(blocks), "sampling")
    results = (
        map_tasks(make_block, tasks, workers)
        if workers > 1 and len(tasks) > 1
        else (make_block(*task) for task in tasks)
    )
    for index in results:
        done += 1
        yield index
        ctx.step(done, len(blocks), "sampling")


def make_block(model: str, index: int, where: str | None, seed: int, path: str) -> int:
    """Make and write one block; runs in any process. Returns its number."""
    write_part(_loaded(model).sample_block(index, where=where, seed=seed), Path(path))
    return index


def _loaded(model: str) -> Generator:
    facts = Path(model).stat()
    key = (model, facts.st_mtime_ns, facts.st_size)
    if key not in _MODEL:
        _MODEL.clear()
        _MODEL[key] = Generator.load(model)
    return _MODEL[key]
