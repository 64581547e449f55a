"""How time and memory grow with rows, and who makes them; each measurement in a process of its own.

    python -m benchmarks.scaling [--table adult] [--sizes 8000,16000,32000] [--method auto]
    python -m benchmarks.scaling --large 10000000 [--method cart] [--workers 1,2,ray:2] [--train-rows 16000]

The first fits, samples and evaluates at 1x, 2x and 4x. The second fits once, makes so many rows as a run does (blocks
to files, parts joined to one Parquet file, a bounded draw judged), and says what each step cost and the most memory
that any process of it held; `digest` is of the resulting file, equal for all workers.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks import datasets
from benchmarks.measure import peak_megabytes, timed
from benchmarks.tabular import ROOT, machine, run_json

FIELDS = (
    *("table", "method", "rows", "fit_cpu_s", "sample_cpu_s", "sample_rows_per_min", "evaluate_cpu_s", "total_wall_s"),
    *("peak_rss_mb", "machine"),
)
WORKER_FIELDS = (
    *(
        "table",
        "columns",
        "method",
        "train_rows",
        "rows",
        "workers",
        "blocks_cpu_s",
        "blocks_wall_s",
        "rows_per_cpu_min",
    ),
    *("write_cpu_s", "evaluate_cpu_s", "blocks_mb", "file_mb", "peak_rss_mb", "digest", "machine"),
)
_OTHERS = 8_000  # rows of holdout and of test, the same for every size
_LIMIT = 1_200
_LARGE_LIMIT = 3_600


def main() -> None:
    """Measure every size and write the CSV."""
    asked = _arguments()
    if asked.one:
        print(json.dumps(measure(asked.table, asked.one, asked.method)))
        return
    if asked.large:
        large(asked)
        return
    rows = []
    for size in asked.sizes:
        command = ["-m", "benchmarks.scaling", "--table", asked.table, "--method", asked.method, "--one", str(size)]
        rows.append(run_json(command, _LIMIT) | {"machine": machine()})
        print(rows[-1], flush=True)
    with asked.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def measure(table: str, size: int, method: str) -> dict[str, object]:
    """One size: fit on `size` rows, sample as many, evaluate with holdout, test and target."""
    import numpy as np

    import synthwright as sw

    frame = datasets.load(table)
    order = np.random.default_rng(0).permutation(len(frame))
    others = min(_OTHERS, (len(frame) - size) // 2)
    cuts = np.split(order, [size, size + others, size + 2 * others])[:3]
    whole = sw.Table.of(frame, target=datasets.SOURCES[table].target)
    del frame
    train, holdout, test = (whole.select(cut) for cut in cuts)
    model = sw.Generator.create(method)
    _, fitted = timed(lambda: model.fit(train, seed=0))
    fake, sampled = timed(lambda: model.sample(size, seed=0))
    _, judged = timed(
        lambda: sw.evaluate(train=train, holdout=holdout, test=test, synthetic=fake, target=whole.schema.target)
    )
    return {
        "table": table,
        "method": method,
        "rows": size,
        "fit_cpu_s": round(fitted.cpu, 2),
        "sample_cpu_s": round(sampled.cpu, 2),
        "sample_rows_per_min": round(60 * size / sampled.cpu),
        "evaluate_cpu_s": round(judged.cpu, 2),
        "total_wall_s": round(fitted.wall + sampled.wall + judged.wall, 1),
        "peak_rss_mb": round(peak_megabytes()),
    }


def large(asked: argparse.Namespace) -> None:
    """One row of the CSV for each kind of worker; or, inside the process of its own, the measurement."""
    if asked.inside:
        print(json.dumps(measure_large(asked)))
        return
    out = asked.out.with_name("workers.csv")
    rows = []
    for workers in asked.workers.split(","):
        command = ["-m", "benchmarks.scaling", "--inside", "--table", asked.table, "--method", asked.method]
        command += ["--large", str(asked.large), "--workers", workers, "--train-rows", str(asked.train_rows)]
        rows.append(run_json(command, _LARGE_LIMIT) | {"machine": machine()})
        print(rows[-1], flush=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, WORKER_FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def measure_large(asked: argparse.Namespace) -> dict[str, object]:
    """Fit on `train_rows` rows, make `large` rows in blocks, join them, judge a draw."""
    import numpy as np

    import synthwright as sw
    from synthwright.core.context import Stop
    from synthwright.core.seeds import named_rng
    from synthwright.io.dispatch import write_parts
    from synthwright.run.blocks import Blocks
    from synthwright.run.runner import MOST_JUDGED
    from synthwright.run.workers import make_blocks

    frame = datasets.load(asked.table)
    order = np.random.default_rng(0).permutation(len(frame))
    whole = sw.Table.of(frame, target=datasets.SOURCES[asked.table].target)
    size = min(asked.train_rows, len(frame) // 2)
    train, holdout = whole.select(order[:size]), whole.select(order[size : 2 * size])
    del frame
    with tempfile.TemporaryDirectory(dir=os.environ.get("SYNTHWRIGHT_SCRATCH")) as folder:
        saved = sw.Generator.create(asked.method).fit(train, seed=0).save(Path(folder) / "model.synth")
        model = sw.load(saved)
        blocks = Blocks(Path(folder) / "blocks", asked.large, model.ability.block)
        made = make_blocks(saved, blocks, where=None, seed=1, workers=asked.workers, surroundings=((), Stop()))
        _, sampled = timed(lambda: [None for _ in made])
        result = Path(folder) / "synthetic.parquet"
        _, written = timed(lambda: write_parts(blocks.parts(model.schema), result))
        drawn = blocks.drawn(model.schema, MOST_JUDGED, named_rng(0, "judged units"))
        _, judged = timed(lambda: sw.evaluate(train=train, holdout=holdout, synthetic=drawn))
        with result.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        is_ray = asked.workers.startswith("ray")  # its processes are no children of ours: their time is not known
        return {
            "table": asked.table,
            "columns": len(whole.columns),
            "method": asked.method,
            "train_rows": size,
            "rows": pq.read_metadata(result).num_rows,
            "workers": asked.workers,
            "blocks_cpu_s": "" if is_ray else round(sampled.cpu, 1),
            "blocks_wall_s": round(sampled.wall, 1),
            "rows_per_cpu_min": "" if is_ray else round(60 * asked.large / sampled.cpu),
            "write_cpu_s": round(written.cpu, 1),
            "evaluate_cpu_s": round(judged.cpu, 1),
            "blocks_mb": round(sum(path.stat().st_size for path in blocks.folder.iterdir()) / 2**20),
            "file_mb": round(result.stat().st_size / 2**20),
            "peak_rss_mb": round(peak_megabytes()),
            "digest": digest[:16],
        }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    has_data = bool(os.environ.get("SYNTHWRIGHT_DATA"))
    parser.add_argument("--table", default="adult" if has_data else "fair", choices=tuple(datasets.SOURCES))
    sizes = "8000,16000,32000" if has_data else "1000,2000,4000"
    parser.add_argument("--sizes", type=lambda text: [int(word) for word in text.split(",")], default=sizes)
    parser.add_argument("--method", default="", help="auto; of --large: cart")
    parser.add_argument("--large", type=int, default=0, metavar="ROWS", help="make so many rows as a run does")
    parser.add_argument("--workers", default="1", help="of --large: several are measured one after another")
    parser.add_argument("--train-rows", type=int, default=16_000, help="of --large")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--one", type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "results" / "scaling.csv")
    asked = parser.parse_args()
    asked.method = asked.method or ("cart" if asked.large else "auto")
    return asked


if __name__ == "__main__":
    main()
