"""Write the tables of the documentation from the measured rows: no figure in the text is typed by hand.

    python -m benchmarks.tables [--check]

A table stands in a Markdown file between `<!-- table: NAME -->` and `<!-- end -->`. With `--check` nothing is written
and the exit code is 1 when a file is out of date.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Sequence

from benchmarks import datasets
from benchmarks.tabular import ROOT

RESULTS = ROOT / "benchmarks" / "results"
FILES = ("README.md", "docs/benchmarks.md", "docs/hybrid.md", "docs/recipes.md")
# By method, and @ the processor seconds of a fit where the method takes such a budget: no other budget is shown.
NAMES = {
    "real": "another real sample",
    "independent": "independent columns",
    "copula": "`copula`",
    "cart": "`cart`",
    "boost": "`boost`",
    "auto": "**`auto`**",
    "mostlyai": "TabularARGN (mostlyai-engine 2.7.3)",
    "forestdiffusion": "ForestDiffusion 1.0.6",
    "sdv-copula": "GaussianCopula (SDV 2.0)",
    "flow@90": "`flow`",
    "ctgan@90": "`ctgan`",
    "tvae@90": "`tvae`",
    "sdv-ctgan@90": "CTGAN (SDV 2.0)",
    "sdv-tvae@90": "TVAE (SDV 2.0)",
}
NETS = ("flow@90", "ctgan@90", "tvae@90", "mostlyai", "sdv-ctgan@90", "sdv-tvae@90")
SMALL = (4_500, 5_500)  # training rows of the "5,000 rows" tables; small tables give 40 % of their rows
_MARK = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
Row = dict[str, str]


def main() -> None:
    """Fill in every table of every file."""
    stale = []
    for name in FILES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        new = filled(text)
        if new != text:
            stale.append(name)
            if "--check" not in sys.argv:
                path.write_text(new, encoding="utf-8")
    print(f"out of date: {', '.join(stale)}" if stale else "all tables are up to date")
    if stale and "--check" in sys.argv:
        raise SystemExit("run: python -m benchmarks.tables")


def filled(text: str) -> str:
    """The text with its tables built anew."""
    return _MARK.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[3]}", text)


def rows(name: str) -> list[Row]:
    """The rows of a results file; none when it was not measured yet."""
    path = RESULTS / f"{name}.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def summary() -> str:
    """Means over the tables with 5,000 training rows."""
    lines = []
    for method, found in _by_method(_small()):
        ok = [row for row in found if row["status"] == "ok"]
        lines.append(
            [
                NAMES[method],
                f"{len(ok)}/{len(found)}",
                *(_mean(ok, column, form) for column, form in _COLUMNS),
                _ratio(ok),
                *(_mean(ok, column, ".1f") for column in ("fit_cpu_s", "sample_cpu_s")),
                _mean(ok, "peak_rss_mb", ".0f"),
            ]
        )
    heads = ["method", "runs", *(_HEADS[column] for column, _ in _COLUMNS), "TSTR / TRTR"]
    return _markdown([*heads, "fit CPU s", "sample CPU s", "peak MB"], lines)


_COLUMNS = (("c2st", ".3f"), ("dcr_share", ".3f"), ("marginal", ".3f"), ("pair", ".3f"), ("copies_pct", ".2f"))
_HEADS = {
    "c2st": "C2ST AUC",
    "dcr_share": "DCR share",
    "marginal": "columns",
    "pair": "pairs",
    "copies_pct": "copies %",
    "holdout_copies_pct": "copies % of a real sample",
}


def short() -> str:
    """The table of the README: the same means, fewer columns and methods."""
    lines = []
    for method, found in _by_method(_small()):
        ok = [row for row in found if row["status"] == "ok"]
        scores = [_mean(ok, column, ".2f") for column in ("c2st", "dcr_share")]
        lines.append([NAMES[method], f"{len(ok)}/{len(found)}", *scores, _ratio(ok), _mean(ok, "fit_cpu_s", ".1f")])
    return _markdown(["method", "runs", "C2ST AUC", "DCR share", "TSTR / TRTR", "fit CPU s"], lines)


def nets(seed: str) -> Callable[[], str]:
    """Neural methods with 90 processor seconds each (TabularARGN stops by itself), on the tables all have run on."""

    def make() -> str:
        found = [row for row in _small() if label(row) in NETS and row["seed"] == seed]
        groups = {method: [row for row in group if row["status"] == "ok"] for method, group in _by_method(found)}
        shared = set.intersection(*({row["table"] for row in group} for group in groups.values())) if groups else set()
        lines = []
        for method in (one for one in NETS if one in groups):
            ok = [row for row in groups[method] if row["table"] in shared]
            lines.append(
                [
                    NAMES[method],
                    f"{len(ok)}/{len(datasets.CORE)}",
                    *(_mean(ok, column, ".3f") for column in ("c2st", "tstr")),
                    _ratio(ok),
                    *(_mean(ok, column, ".3f") for column in ("dcr_share", "pair")),
                    _mean(ok, "fit_cpu_s", ".1f"),
                ]
            )
        heads = ["method", "tables", "C2ST AUC", "TSTR", "TSTR / TRTR", "DCR share", "pairs", "fit CPU s"]
        return _markdown(heads, lines)

    return make


def large() -> str:
    """The same means over the runs with 15,000 training rows or more."""
    found = [row for row in rows("tabular") if int(row["rows"]) >= 15_000]
    lines = []
    for method, group in _by_method(found):
        ok = [row for row in group if row["status"] == "ok"]
        scores = [_mean(ok, column, ".3f") for column in ("c2st", "dcr_share")]
        names = ", ".join(dict.fromkeys(row["table"] for row in ok))
        lines.append([NAMES[method], names, *scores, _ratio(ok), _mean(ok, "fit_cpu_s", ".1f")])
    return _markdown(["method", "tables", "C2ST AUC", "DCR share", "TSTR / TRTR", "fit CPU s"], lines)


def by_table(column: str, form: str) -> Callable[[], str]:
    """One score for every method and table with 5,000 training rows, means over seeds."""

    def make() -> str:
        found = _small()
        names = [name for name in datasets.SOURCES if any(row["table"] == name for row in found)]
        lines = []
        for method, group in _by_method(found):
            cells = []
            for name in names:
                here = [row for row in group if row["table"] == name]
                ok = [row for row in here if row["status"] == "ok"]
                cells.append(_mean(ok, column, form) if ok else (here[0]["status"].partition(":")[0] if here else ""))
            lines.append([NAMES[method], *cells])
        return _markdown(["method", *names], lines)

    return make


def targets() -> str:
    """The figures asked of the default beside what was measured."""
    small = [row for row in _small() if row["status"] == "ok"]
    own, peer = ([row for row in small if row["method"] == name] for name in ("auto", "mostlyai"))
    big = [row for row in rows("tabular") if row["method"] == "auto" and row["status"] == "ok"]
    big = [row for row in big if int(row["rows"]) >= 15_000]
    if not own:
        return "not measured yet"
    shared = {row["table"] for row in peer}
    beside = [row for row in own if row["table"] in shared]
    lines = [
        ["mean C2ST AUC, 5,000 rows", "<= 0.60", _mean(own, "c2st", ".3f")],
        ["mean DCR share, 5,000 rows", "<= 0.54", _mean(own, "dcr_share", ".3f")],
        ["mean C2ST AUC, 15,000 rows and more", "<= 0.56", _mean(big, "c2st", ".3f")],
        ["mean TSTR / TRTR", ">= 0.97", _ratio(own)],
        [
            "copies %, beside those of a real sample",
            "no more",
            f"{_mean(own, 'copies_pct', '.2f')} / {_mean(own, 'holdout_copies_pct', '.2f')}",
        ],
    ]
    if beside:
        share = _average(beside, "fit_cpu_s") / _average(peer, "fit_cpu_s")
        lines.append(["fit CPU time / TabularARGN's, same tables", "<= 0.20", f"{share:.3f}"])
    return _markdown(["figure", "asked", "measured"], lines)


def scaling() -> str:
    """Cost at 1x, 2x and 4x rows."""
    heads = {
        "rows": "rows",
        "fit_cpu_s": "fit CPU s",
        "sample_cpu_s": "sample CPU s",
        "sample_rows_per_min": "sampled rows a minute",
        "evaluate_cpu_s": "evaluate CPU s",
        "total_wall_s": "all, by the clock, s",
        "peak_rss_mb": "peak MB",
    }
    lines = [
        [f"{int(row[k]):,}" if k.startswith(("rows", "sample_rows")) else row[k] for k in heads]
        for row in rows("scaling")
    ]
    return _markdown(list(heads.values()), lines)


def startup() -> str:
    """Start-up times beside their budgets."""
    lines = [[f"`{r['what']}`", r["cpu_s"], r["wall_s"], r["budget_s"], r["heavy"]] for r in rows("startup")]
    return _markdown(["what", "CPU s", "clock s", "budget s", "heavy packages loaded"], lines)


def machines() -> str:
    """Where, and with which versions, the rows were measured."""
    found = rows("tabular")
    lines = [f"- {machine}" for machine in dict.fromkeys(row["machine"] for row in found)]
    versions = dict.fromkeys(row["versions"] for row in found if row["versions"])
    return "\n".join([*lines, *(f"- {version}" for version in versions)]) or "not measured yet"


def workers() -> str:
    """Many rows by each kind of worker."""
    found = rows("workers")
    heads = ["workers", "rows x columns", "blocks CPU s", "clock s", "rows a CPU minute", "join CPU s", "file MB"]
    lines = [
        [
            row["workers"],
            f"{int(row['rows']):,} x {row['columns']}",
            row["blocks_cpu_s"] or "not known",
            row["blocks_wall_s"],
            f"{int(row['rows_per_cpu_min']):,}" if row["rows_per_cpu_min"] else "not known",
            row["write_cpu_s"],
            row["file_mb"],
            row["peak_rss_mb"],
            row["digest"],
        ]
        for row in found
    ]
    return _markdown([*heads, "peak MB of a process", "sha256 of the file"], lines)


def hybrid() -> str:
    """Mean gains of hybrids of tables over the best parent of each table, and how many tables gain and lose."""
    lines = []
    found = [row for row in rows("hybrid") if row["tstr"]]
    for method in dict.fromkeys(row["method"] for row in found):
        group = [row for row in found if row["method"] == method]
        verdicts = [row["verdict"] for row in group]
        lines.append(
            [
                f"`{method}`",
                group[0]["parents"].replace(" ", ", "),
                *(_mean(group, column, ".3f") for column in ("c2st", "parent_c2st")),
                _with_error([float(row["c2st_gain"]) for row in group]),
                " / ".join(str(verdicts.count(word)) for word in ("gain", "no gain", "loss")),
                _with_error([float(row["tstr_gain"]) for row in group]),
                *(_mean(group, column, ".3f") for column in ("dcr_share", "parent_dcr_share")),
                *(_mean(group, column, ".1f") for column in ("fit_cpu_s", "parent_fit_cpu_s")),
            ]
        )
    heads = ["hybrid", "parents", "C2ST AUC", "best parent's", "gain", "tables: gain / none / loss", "TSTR gain"]
    return _markdown([*heads, "DCR share", "parent's", "fit CPU s", "parent's"], lines)


def _with_error(values: Sequence[float]) -> str:
    """Mean and its standard error."""
    if len(values) < 2:
        return f"{values[0]:+.3f}"
    mean = sum(values) / len(values)
    spread = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    return f"{mean:+.3f} ± {spread / len(values) ** 0.5:.3f}"


def hybrid_series() -> str:
    """Hybrids of series beside their best parents."""
    found = [row for row in rows("hybrid") if not row["tstr"]]
    lines = [
        [row["data"], f"`{row['method']}`", row["best_parent"], row["c2st"], row["parent_c2st"], row["verdict"]]
        for row in found
    ]
    return _markdown(["series", "hybrid", "best parent", "C2ST AUC", "parent's", "verdict"], lines)


TABLES: dict[str, Callable[[], str]] = {
    "summary": summary,
    "short": short,
    "large": large,
    "nets": nets("0"),
    "nets_again": nets("1"),
    "targets": targets,
    "c2st": by_table("c2st", ".3f"),
    "dcr": by_table("dcr_share", ".3f"),
    "tstr": by_table("tstr", ".3f"),
    "trtr": by_table("trtr", ".3f"),
    "fit": by_table("fit_cpu_s", ".1f"),
    "scaling": scaling,
    "workers": workers,
    "hybrid": hybrid,
    "hybrid_series": hybrid_series,
    "startup": startup,
    "machines": machines,
}


def _small() -> list[Row]:
    wanted = [row for row in rows("tabular") if SMALL[0] <= int(row["rows"]) <= SMALL[1]]
    return [row for row in wanted if row["table"] in datasets.CORE]


def _by_method(found: Sequence[Row]) -> Iterable[tuple[str, list[Row]]]:
    for method in NAMES:
        group = [row for row in found if label(row) == method]
        if group:
            yield method, group


def label(row: Row) -> str:
    """Method and budget of a row, as in `ctgan@90`."""
    return f"{row['method']}@{row['budget_s']}" if row["budget_s"] else row["method"]


def _average(found: Sequence[Row], column: str) -> float:
    values = [float(row[column]) for row in found if row[column] != ""]
    return sum(values) / len(values) if values else float("nan")


def _mean(found: Sequence[Row], column: str, form: str) -> str:
    value = _average(found, column)
    return "" if value != value else format(value, form)


def _ratio(found: Sequence[Row]) -> str:
    values = [float(row["tstr"]) / float(row["trtr"]) for row in found if row["tstr"] and float(row["trtr"]) > 0]
    return f"{sum(values) / len(values):.3f}" if values else ""


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    if not lines:
        return "not measured yet"
    body = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *body])


if __name__ == "__main__":
    main()
