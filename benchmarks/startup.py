"""Start-up time: `import synthwright` and `synthwright --help`, best of five, and which heavy packages they load.

python -m benchmarks.startup
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.measure import timed
from benchmarks.tabular import ROOT, machine

HEAVY = ("duckdb", "lightgbm", "numpy", "pandas", "polars", "pyarrow", "pydantic", "scipy", "sklearn", "torch")
FIELDS = ("what", "cpu_s", "wall_s", "budget_s", "heavy", "machine")
_TIMES = 5
_IMPORT = """
import json, sys, time
wall, cpu = time.perf_counter(), time.process_time()
import synthwright
cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
print(json.dumps([cpu, wall, [name for name in sys.argv[1:] if name in sys.modules]]))
"""
_HELP = """
import sys
from synthwright.cli.app import main
sys.argv = ["synthwright", "--help"]
try:
    main()
finally:
    print("heavy:" + " ".join(m for m in %r if m in sys.modules), file=sys.stderr)
"""


def main() -> None:
    """Measure both and write the CSV."""
    rows = [import_row(), help_row()]
    out = ROOT / "benchmarks" / "results" / "startup.csv"
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row | {"machine": machine()} for row in rows)
    for row in rows:
        print(row)


def import_row() -> dict[str, object]:
    """`import synthwright` inside a running interpreter."""
    runs = [json.loads(_output([sys.executable, "-c", _IMPORT, *HEAVY])) for _ in range(_TIMES)]
    cpu, wall, heavy = min(runs)
    return _row("import synthwright", cpu, wall, 0.05, heavy)


def help_row() -> dict[str, object]:
    """The whole process of `synthwright --help`, the interpreter's own start included."""
    command = Path(sys.executable).with_name("synthwright")
    costs = [timed(lambda: _output([str(command), "--help"]))[1] for _ in range(_TIMES)]
    best = min(costs, key=lambda cost: cost.cpu)
    shown = subprocess.run([sys.executable, "-c", _HELP % (HEAVY,)], capture_output=True, text=True, check=True)
    heavy = shown.stderr.partition("heavy:")[2].split()
    return _row("synthwright --help", best.cpu, best.wall, 0.3, heavy)


def _row(what: str, cpu: float, wall: float, budget: float, heavy: list[str]) -> dict[str, object]:
    return {
        "what": what,
        "cpu_s": round(cpu, 3),
        "wall_s": round(wall, 3),
        "budget_s": budget,
        "heavy": " ".join(heavy) or "none",
    }


def _output(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
