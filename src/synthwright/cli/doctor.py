"""Body of `doctor`: what is installed and what the machine has, with one fix for each finding."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from synthwright.cli.console import Output, table

_FREE_GIB = 2  # a run of a million rows needs about half of it
_OLDEST = (3, 11)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    what: str
    state: Literal["ok", "absent", "broken", "warn"]
    detail: str
    fix: str = ""


def doctor(output: Output) -> None:
    """Print all findings; exit with 4 when something that is needed is broken."""
    import typer

    found = list(findings())
    output.emit([asdict(one) for one in found], lambda: _page(found))
    if any(one.state == "broken" for one in found):
        raise typer.Exit(4)


def findings() -> Iterator[Finding]:
    """Everything that is looked at, in order."""
    current = platform.python_version()
    good = sys.version_info[:2] >= _OLDEST
    yield Finding("Python", "ok" if good else "broken", current, "" if good else "install Python 3.11 or newer")
    if sys.prefix == sys.base_prefix:
        yield Finding("virtual environment", "warn", "none is active", "python3 -m venv .venv && . .venv/bin/activate")
    yield from _packages()
    yield _lightgbm()
    yield _threads()
    yield _disk(Path.cwd(), "disk here")
    yield _disk(Path(tempfile.gettempdir()), "disk for temporary files")
    yield _writable(Path.cwd())


def _packages() -> Iterator[Finding]:
    extras: dict[str, list[str]] = {}
    for line in requires("synthwright") or []:
        name = line.partition(";")[0].split("[")[0]
        for sign in "<>=!~ (":
            name = name.partition(sign)[0]
        extra = line.partition("extra ==")[2].strip(" '\"")
        if name != "synthwright" and extra not in ("dev", "all"):
            extras.setdefault(extra, []).append(name)
    for extra, names in extras.items():
        for name in names:
            try:
                yield Finding(name, "ok", version(name) + (f" (extra {extra})" if extra else ""))
            except PackageNotFoundError:
                state: Literal["absent", "broken"] = "absent" if extra else "broken"
                fix = f"pip install 'synthwright[{extra}]'" if extra else f"pip install {name}"
                yield Finding(name, state, f"not installed (extra {extra})" if extra else "not installed", fix)


def _lightgbm() -> Finding:
    """LightGBM loads: its wheel wants the system library libgomp, or the copy that scikit-learn brings."""
    from synthwright.core.errors import MissingExtra
    from synthwright.core.extras import lightgbm

    try:
        return Finding("LightGBM loads", "ok", str(lightgbm().__version__))
    except MissingExtra as error:
        absent = "not installed" in error.what
        return Finding("LightGBM loads", "absent" if absent else "warn", error.what, error.fix)


def _threads() -> Finding:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    wish = os.environ.get("OMP_NUM_THREADS")
    detail = f"{cores} cores, OMP_NUM_THREADS {wish or 'not set'}"
    if wish is not None and wish.isdigit() and int(wish) > cores:
        return Finding("threads", "warn", detail, f"export OMP_NUM_THREADS={cores}")
    return Finding("threads", "ok", detail)


def _disk(folder: Path, what: str) -> Finding:
    free = shutil.disk_usage(folder).free / 2**30
    detail = f"{free:.1f} GiB free in {folder}"
    return (
        Finding(what, "ok", detail)
        if free >= _FREE_GIB
        else Finding(what, "warn", detail, "free some space, or run elsewhere with --out")
    )


def _writable(folder: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Finding("folder is writable", "ok", str(folder))
    except OSError as error:
        return Finding(
            "folder is writable",
            "warn",
            f"{folder}: {error.strerror}",
            "change to another folder, or name one with --out",
        )


def _page(found: list[Finding]) -> str:
    from synthwright.core.errors import counted

    rows = [(one.state, one.what, one.detail + (f"  ->  {one.fix}" if one.fix else "")) for one in found]
    bad = [one for one in found if one.state in ("broken", "warn")]
    end = f"{counted(len(bad), 'finding')} to look at." if bad else "All is well."
    return table(("state", "what", "detail and fix"), rows) + "\n\n" + end
