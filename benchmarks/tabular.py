"""Quality, speed and memory of tabular generators on the same splits, as rows of a CSV file.

    python -m benchmarks.tabular --tables adult,magic --methods auto,cart,mostlyai --rows 5000 --seeds 0,1

Each cell (table, method, rows, seed) is made and scored in processes of its own. Finished cells are kept: a second
call goes on where the first was stopped. `--redo METHOD,...` makes cells anew, `--rescore` only scores them anew.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from benchmarks import datasets

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "benchmarks" / ".cache"
FIELDS = (
    *("table", "method", "rows", "seed", "budget_s", "status", "columns"),
    *("fit_cpu_s", "fit_wall_s", "sample_cpu_s", "sample_wall_s", "peak_rss_mb"),
    *("marginal", "pair", "c2st", "task", "tstr", "trtr", "dcr_share", "copies_pct", "holdout_copies_pct"),
    *("settings", "versions", "scored_with", "machine"),
)
# method -> (peer environment, module, further arguments); every other name is a generator of this library.
PEERS: dict[str, tuple[str, str, list[str]]] = {
    "mostlyai": ("mostlyai", "mostlyai", []),
    "forestdiffusion": ("forestdiffusion", "forestdiffusion", []),
    "sdv-copula": ("sdv", "sdv", ["--variant", "copula"]),
    "sdv-ctgan": ("sdv", "sdv", ["--variant", "ctgan"]),
    "sdv-tvae": ("sdv", "sdv", ["--variant", "tvae"]),
}
BUDGETED = ("sdv-ctgan", "sdv-tvae", "ctgan", "tvae", "flow")  # methods that train as long as they are told
REAL = "real"  # the floor: holdout rows, judged as if they were synthetic, against the test rows
_WALL_FACTOR = 20  # on a shared machine a process may wait this many times its processor seconds


@dataclass(frozen=True)
class Cell:
    """One measurement. method: a peer, `real`, or one of our generators with options, as in `cart:trees=4`.

    budget: processor seconds of fit, of a method that trains as long as it is told; 0 for all others.
    """

    table: str
    method: str
    rows: int
    seed: int
    budget: int = 0

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """How the cell is found in the CSV."""
        return self.table, self.method, str(self.rows), str(self.seed), str(self.budget or "")

    @property
    def folder(self) -> Path:
        """Where its parts, sample and cost are kept."""
        return CACHE / f"{self.table}-{self.rows}-{self.seed}"

    @property
    def sample(self) -> Path:
        """The synthetic rows."""
        return self.folder / f"{self.label}.parquet"

    @property
    def label(self) -> str:
        """The method and its budget, as in `ctgan@90`."""
        return f"{self.method}@{self.budget}" if self.budget else self.method


class CellFailed(Exception):
    """A cell that gave no result; the text is what goes into the column `status`."""


def main() -> None:
    """Run the cells that are asked for, one after another."""
    asked = _arguments()
    found = product(asked.tables, asked.methods, asked.rows, asked.seeds)
    cells = [Cell(*one, budget=asked.budget if is_budgeted(one[1]) else 0) for one in found]
    for i, cell in enumerate(cells):
        rows = read(asked.out)
        if cell.method in asked.redo:
            cell.sample.unlink(missing_ok=True)
        done = rows.get(cell.key)
        if done and done["status"] in ("ok", "over limit") and cell.method not in asked.redo and not asked.rescore:
            continue
        print(f"[{i + 1}/{len(cells)}] {cell.table} {cell.method} {cell.rows} seed {cell.seed}", flush=True)
        row = run(cell, limit=asked.limit, score=not asked.no_score)
        print("    " + " ".join(f"{k}={row[k]}" for k in FIELDS[5:20] if row.get(k) not in (None, "")), flush=True)
        if not asked.no_score or row["status"] != "ok":
            write(asked.out, {**read(asked.out), cell.key: row})


def is_budgeted(method: str) -> bool:
    """Whether a method, options aside, takes a budget."""
    return method.partition(":")[0] in BUDGETED


def run(cell: Cell, *, limit: int, score: bool = True) -> dict[str, str]:
    """Make and score one cell; a failure is a row too."""
    row = dict(zip(FIELDS, cell.key, strict=False)) | {"machine": machine()}
    try:
        cost = make(cell, limit)
        scores = _score(cell, limit) if score else {}
    except CellFailed as failure:
        return row | {"status": str(failure)}
    return row | {"status": "ok"} | {k: str(v) for k, v in (cost | scores).items()}


def make(cell: Cell, limit: int) -> dict[str, object]:
    """The cell's sample and its cost, from the cache if it was made before. Raises CellFailed."""
    _write_parts(cell)
    cost_file = cell.sample.with_suffix(".json")
    if cell.method == REAL:
        return {}
    if cell.sample.exists() and cost_file.exists():
        found: dict[str, object] = json.loads(cost_file.read_text())
        return found
    python, arguments = _command(cell)
    more = ["--seed", str(cell.seed), "--limit", str(limit), "--budget", str(cell.budget)]
    cost = run_json([*arguments, *more], limit, python)
    cost_file.write_text(json.dumps(cost))
    return cost


def _command(cell: Cell) -> tuple[str, list[str]]:
    """Interpreter and arguments that make a cell's sample."""
    train = cell.folder / "train.parquet"
    files = [str(train), str(_row_count(train)), str(cell.sample)]
    if cell.method not in PEERS:
        name, *options = cell.method.split(":")
        more = [word for option in options for word in ("--set", option)]
        target = datasets.SOURCES[cell.table].target
        return sys.executable, ["-m", "benchmarks.own", *files, "--method", name, "--target", target, *more]
    environment, module, more = PEERS[cell.method]
    python = ROOT / "benchmarks" / ".peers" / environment / "bin" / "python"
    if not python.exists():
        raise CellFailed(f"not installed: benchmarks/peers/setup {environment}")
    return str(python), ["-m", f"benchmarks.peers.{module}", *files, *more]


def _score(cell: Cell, limit: int) -> dict[str, object]:
    target = datasets.SOURCES[cell.table].target
    arguments = [str(cell.folder), cell.label, "--target", target, "--seed", str(cell.seed)]
    return run_json(["-m", "benchmarks.scoring", *arguments], limit)


def run_json(arguments: list[str], limit: int, python: str = sys.executable) -> dict[str, object]:
    """The JSON that a Python process prints last. Raises CellFailed with "over limit" or the last line of its errors.

    limit: processor seconds that the process allows itself; by the clock it may take twenty times as long, which is
    a failure to be tried again and not "over limit": it says something of the machine, not of the method.
    """
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
    environment = {**os.environ, **single, "PYTHONHASHSEED": "0", "TQDM_DISABLE": "1"}
    try:
        done = subprocess.run(
            [python, *arguments],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=limit * _WALL_FACTOR,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CellFailed(f"failed: no end after {limit * _WALL_FACTOR} seconds by the clock") from None
    if done.returncode in (-24, -9):  # SIGXCPU, then SIGKILL
        raise CellFailed("over limit")
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines:
        errors = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise CellFailed(f"failed: {errors[-1][:200]}")
    found: dict[str, object] = json.loads(lines[-1])
    return found


def _write_parts(cell: Cell) -> None:
    if (cell.folder / "test.parquet").exists():
        return
    cell.folder.mkdir(parents=True, exist_ok=True)
    parts = datasets.split(datasets.load(cell.table), cell.rows, cell.seed)
    for name in ("train", "holdout", "test"):
        getattr(parts, name).to_parquet(cell.folder / f"{name}.parquet", index=False)


def _row_count(path: Path) -> int:
    import pyarrow.parquet as pq

    return int(pq.read_metadata(path).num_rows)


def read(path: Path) -> dict[tuple[str, ...], dict[str, str]]:
    """The rows of a results file by cell, in their order."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {(r["table"], r["method"], r["rows"], r["seed"], r["budget_s"]): r for r in csv.DictReader(file)}


def write(path: Path, rows: dict[tuple[str, ...], dict[str, str]]) -> None:
    """Replace a results file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows.values())
    temporary.replace(path)


def machine() -> str:
    """Processor, cores, memory, system and Python in one phrase."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        model = found[0] if found else model
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{model}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}, Python {platform.python_version()}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(datasets.SOURCES)
    parser.add_argument("--tables", type=_words, default=list(datasets.CORE), help=f"of: {names}; or core, packaged")
    parser.add_argument("--methods", type=_words, default=["real", "independent", "copula", "cart", "boost", "auto"])
    parser.add_argument("--rows", type=_numbers, default=[5000], help="training rows, at most 40%% of the table")
    parser.add_argument("--seeds", type=_numbers, default=[0])
    parser.add_argument("--budget", type=int, default=90, help=f"processor seconds of fit of {', '.join(BUDGETED)}")
    parser.add_argument("--limit", type=int, default=300, help="processor seconds for fit and sample of one cell")
    parser.add_argument("--redo", type=_words, default=[], help="methods whose finished cells are made anew")
    parser.add_argument("--rescore", action="store_true", help="score finished cells anew from their kept samples")
    parser.add_argument("--no-score", action="store_true", help="only make the samples")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "tabular.csv")
    asked = parser.parse_args()
    groups = {"core": datasets.CORE, "packaged": datasets.PACKAGED}
    asked.tables = [name for word in asked.tables for name in groups.get(word, (word,))]
    return asked


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _numbers(text: str) -> list[int]:
    return [int(word) for word in _words(text)]


if __name__ == "__main__":
    main()
