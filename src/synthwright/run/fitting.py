"""A fit that keeps its state in a folder while it learns, and goes on from it: what `fit` and `run` share.

Beside the model that `fit` writes, for as long as it is not written:

    OUT.partial/checkpoint.synth    the state of training, as in the folder of a run
    OUT.partial/fit.lock.yaml       what is learned from what, so that nothing else goes on from that state
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from synthwright.core.context import Stop
from synthwright.core.errors import Cancelled, ConfigError, FitError
from synthwright.core.progress import Event
from synthwright.core.store import check_place, write_text
from synthwright.data.dataset import Dataset
from synthwright.generators.base import Generator
from synthwright.generators.defaults import method_for
from synthwright.run.folder import MUTEX, Lock, check_free, facts_of, held, shortened, sweep, versions
from synthwright.run.recipe import Recipe

LOCK_FILE = "fit.lock.yaml"
_CHECKPOINT = "checkpoint.synth"
_HEAD = (
    "# Written by synthwright: what is learned here. The same command goes on with it; this folder goes at the end.\n"
)
_ANEW = "the same command starts anew"


@contextmanager
def checkpoint_in(folder: Path, method: Generator) -> Iterator[Path | None]:
    """Where a method keeps the state of its fit, None when it cannot; removed when the block ends without an error."""
    yield folder / _CHECKPOINT if method.ability.resume else None
    for path in checkpoints(folder):
        path.unlink()


def checkpoints(folder: Path) -> list[Path]:
    """The states that a stopped fit has left in a folder: one for each net that was learning."""
    stem, _, suffix = _CHECKPOINT.partition(".")
    return sorted(folder.glob(f"{stem}*.{suffix}"))


def partial_folder(out: str | Path) -> Path:
    """The folder beside a model's file that holds the state of its fit."""
    target = Path(out)
    return target.with_name(f"{target.name}.partial")


def fit_to(
    recipe: Recipe,
    data: Dataset,
    *,
    callbacks: Sequence[Callable[[Event], None]] = (),
    stop: Stop | None = None,
    going_on: Callable[[Path], None] = lambda folder: None,
) -> Generator:
    """Learn as the recipe's `generator` says and write the model to `recipe.out`; returns the model.

    A method that can go on (`Ability.resume`) keeps its state in `OUT.partial` until the model is written; the same
    recipe, data and versions go on from there to the same bytes. going_on: is told that folder when it does.
    Raises ConfigError when the folder holds the state of another fit, Cancelled saying what is kept, and what `fit`
    and `save` raise; what cannot be learned leaves no state.
    """
    section = recipe.generator
    model, notes = method_for(data, section.use, **section.options)
    model.check_packages()
    data = data.noted(*notes)
    check_place(recipe.out)
    folder = partial_folder(recipe.out)

    def learn(checkpoint: Path | None) -> None:
        model.fit(data, seed=section.seed, callbacks=callbacks, stop=stop, resume_from=checkpoint)
        model.save(recipe.out)

    if not model.ability.resume:
        try:
            learn(None)
        except Cancelled as error:
            what = f"{error.what} Nothing is kept: {model.name!r} cannot go on with a stopped fit."
            raise Cancelled(what, where=recipe.out, fix=_ANEW) from error
        return model
    check_free(folder, LOCK_FILE)
    try:
        with _entered(folder, Lock(recipe, facts_of(data), versions())):
            if checkpoints(folder):
                going_on(folder)
            with checkpoint_in(folder, model) as checkpoint:
                learn(checkpoint)
    except Cancelled as error:
        if checkpoints(folder):
            raise Cancelled(error.what, where=str(folder), fix="the same command goes on from what is kept") from error
        raise Cancelled(f"{error.what} Nothing is kept yet.", where=recipe.out, fix=_ANEW) from error
    return model


@contextmanager
def _entered(folder: Path, lock: Lock) -> Iterator[None]:
    """Hold the folder of one fit; afterwards it is there only if a state is worth going on from."""
    try:
        with held(folder):
            sweep(folder)
            path = folder / LOCK_FILE
            if checkpoints(folder):
                _check_same(path, lock)
            else:
                write_text(path, lock.to_yaml(_HEAD))
            try:
                yield
            except FitError:
                for state in checkpoints(folder):  # going on from it would fail in the same way
                    state.unlink()
                raise
            finally:
                if not checkpoints(folder):
                    path.unlink(missing_ok=True)
    finally:
        _remove_empty(folder)


def _check_same(path: Path, lock: Lock) -> None:
    there = Lock.load(path)
    if there.hash != lock.hash:
        raise ConfigError(
            f"The folder keeps a stopped fit of something else ({shortened(there.differences(lock))}).",
            where=str(path.parent),
            fix="go back to the options, data and versions of that one, name another --out, or delete the folder to "
            "start anew",
        )


def _remove_empty(folder: Path) -> None:
    """Remove the folder of a fit when nothing but the mutex is in it, which is free by now."""
    if folder.is_dir() and all(path.name == MUTEX for path in folder.iterdir()):
        (folder / MUTEX).unlink(missing_ok=True)
        folder.rmdir()
