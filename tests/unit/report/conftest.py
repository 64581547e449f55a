"""A report made by hand: every verdict, every kind of figure, and names that try to break out of HTML."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from synthwright.core.context import Note
from synthwright.evaluate.metric import Report, Score

NASTY = "<script>alert('x')</script> & | `b` \"q\""


def shares(n: int, shift: float) -> list[float]:
    raw = [math.exp(-(((i - n / 2 - shift) / (n / 6)) ** 2)) for i in range(n)]
    return [value / sum(raw) for value in raw]


def score(id: str, axis: str, label: str, value: float | None, verdict: str, plain: str, **more: object) -> Score:
    return Score(id, axis, label, value, verdict, plain, **more)  # type: ignore[arg-type]


@pytest.fixture
def make_report() -> Callable[..., Report]:
    """`make_report(columns=6)`: a report with every verdict and every figure."""
    return sample_report


@pytest.fixture
def nasty() -> str:
    """A column name that tries to break out of HTML, Markdown and CSV."""
    return NASTY


def sample_report(columns: int = 6) -> Report:
    names = [
        "age",
        "bmi",
        "systolic",
        "smoker",
        "plan",
        NASTY,
        *(f"measurement {i}" for i in range(max(0, columns - 6))),
    ][:columns]
    marginals: list[dict[str, object]] = [
        {
            "column": name,
            "kind": "number",
            "distance": 0.02 * i,
            "verdict": "fail" if i == 1 else "pass",
            "edges": [18 + 3 * k for k in range(25)],
            "real": shares(24, 0),
            "synthetic": shares(24, i / 3),
            "missing": {"real": 0.05, "synthetic": 0.04},
        }
        for i, name in enumerate(names)
        if name not in ("smoker", "plan")
    ]
    marginals += [
        {
            "column": "smoker",
            "kind": "level",
            "distance": 0.02,
            "verdict": "pass",
            "labels": ["no", "yes"],
            "real": [0.81, 0.19],
            "synthetic": [0.79, 0.21],
            "missing": {"real": 0.0, "synthetic": 0.0},
        },
        {
            "column": "plan",
            "kind": "level",
            "distance": 0.04,
            "verdict": "warn",
            "labels": ["basic", "plus", "gold", NASTY],
            "real": [0.5, 0.3, 0.15, 0.05],
            "synthetic": [0.52, 0.31, 0.16, 0.01],
            "missing": {"real": 0.0, "synthetic": 0.0},
        },
    ]
    return Report(
        scores=_scores(),
        notes=_notes(),
        inputs=_inputs(),
        settings=_settings(),
        model=_MODEL,
        pictures={"marginals": marginals, "pairs": _pairs(names), **_curves()},
    )


def _pairs(names: list[str]) -> dict[str, object]:
    n = len(names)
    real = [[0.0 if i == j else abs(math.sin(i + j + i * j)) for j in range(n)] for i in range(n)]
    difference = [[0.0 if i == j else math.sin(3 * (i + j) + i * j) * 0.12 for j in range(n)] for i in range(n)]
    synthetic = [
        [a + b for a, b in zip(line, other, strict=True)] for line, other in zip(real, difference, strict=True)
    ]
    return {"columns": names, "real": real, "synthetic": synthetic, "difference": difference, "top": []}


def _curves() -> dict[str, object]:
    return {
        "distances": {
            "edges": [k / 20 for k in range(21)],
            "synthetic_to_train": shares(20, 0),
            "synthetic_to_holdout": shares(20, 1),
            "holdout_to_train": shares(20, 0.5),
        },
        "membership": {"fpr": [k / 20 for k in range(21)], "tpr": [(k / 20) ** 0.9 for k in range(21)]},
        "utility": {
            "metric": "AUC",
            "better": "higher",
            "bars": [
                {"label": "real rows", "value": 0.921, "low": 0.91, "high": 0.93, "kind": "real"},
                {"label": "synthetic rows", "value": 0.912, "low": 0.903, "high": 0.92, "kind": "synthetic"},
                {"label": "shuffled columns", "value": 0.52, "low": None, "high": None, "kind": "independent"},
            ],
        },
        "fairness": {
            "target": "plan",
            "positive": NASTY,
            "groups": [
                {
                    "column": "sex",
                    "group": "F",
                    "share_real": 0.52,
                    "share_synthetic": 0.5,
                    "rate_real": 0.3,
                    "rate_synthetic": 0.28,
                },
                {
                    "column": "sex",
                    "group": "M",
                    "share_real": 0.48,
                    "share_synthetic": 0.5,
                    "rate_real": 0.2,
                    "rate_synthetic": 0.26,
                },
            ],
        },
    }


def _scores() -> tuple[Score, ...]:
    return (
        score(
            "fidelity.marginals",
            "fidelity",
            "Single columns",
            0.031,
            "warn",
            "Column 'bmi' is shifted by 0.1 standard deviations.",
            low=0.027,
            high=0.036,
            references={"real": 0.021, "independent": 0.021},
            better="lower",
            where=[{"column": "bmi"}],
            fix="fit on more rows, or raise --set bags=16",
        ),
        score(
            "fidelity.pairs",
            "fidelity",
            "Pairs of columns",
            0.024,
            "pass",
            "All 15 pairs are related as they are in the real data.",
            low=0.021,
            high=0.028,
            references={"real": 0.02, "independent": 0.18},
            better="lower",
        ),
        score(
            "fidelity.c2st",
            "fidelity",
            "Can a classifier tell them apart?",
            0.57,
            "pass",
            "A classifier tells synthetic from real rows slightly better than by guessing.",
            low=0.55,
            high=0.59,
            references={"real": 0.5, "independent": 0.91},
            better="lower",
            sampled={"synthetic": 5000, "real": 5000},
        ),
        score(
            "utility.tstr",
            "utility",
            "Train on synthetic, test on real",
            0.912,
            "pass",
            "A model trained on the synthetic rows reaches an AUC of 0.912 on real rows; on real rows, 0.921.",
            low=0.903,
            high=0.92,
            references={"real": 0.921, "independent": 0.52},
        ),
        score(
            "privacy.copies",
            "privacy",
            "Exact copies",
            0.0,
            "pass",
            "No synthetic row equals a training row.",
            low=0.0,
            high=0.0007,
            references={"real": 0.0004, "copy": 1.0},
            better="lower",
        ),
        score(
            "privacy.nearest",
            "privacy",
            "Closer to training than to unseen rows",
            0.524,
            "pass",
            "52.4% of the synthetic rows lie closer to a training row than to an unseen one; 50% is what chance gives.",
            low=0.505,
            high=0.543,
            references={"real": 0.5, "copy": 1.0},
            better="near",
        ),
        score("privacy.outliers", "privacy", "Rare people", None, "error", f"The test broke down: ValueError: {NASTY}"),
        score(
            "privacy.membership",
            "privacy",
            "Membership attack",
            None,
            "not assessed",
            "It needs 1,000 holdout rows; there are 400.",
            fix="give 1,000 rows or more in holdout",
        ),
        score(
            "diversity.coverage",
            "diversity",
            "Coverage",
            0.93,
            "fail",
            "7% of the kinds of real rows are missing.",
            low=0.91,
            high=0.95,
            references={"real": 0.98, "independent": 0.6},
            p=1e-6,
            margins={"warn": 0.4, "fail": 1.0},
            where=[{"column": NASTY}],
            fix="sample more rows",
        ),
        score(
            "fairness.rates",
            "fairness",
            "Outcome rates by group",
            0.06,
            "warn",
            "plan = gold is commoner among men than in the real rows.",
            better="lower",
            references={"real": 0.01},
        ),
    )


def _notes() -> tuple[Note, ...]:
    return (
        Note("N012", "'patient_id' is re-made, not learned", "column 'patient_id'"),
        Note("D001", "12 NaN cells were read as missing", NASTY),
        Note("A001", "picked 'cart' over 'boost': C2ST 0.57 against 0.61", "generator 'auto'"),
    )


def _inputs() -> dict[str, object]:
    part = {"columns": 6, "fingerprint": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}
    return {
        name: {"rows": rows, **part}
        for name, rows in (("train", 4000), ("holdout", 500), ("test", 500), ("synthetic", 5000))
    }


def _settings() -> dict[str, object]:
    return {
        "seed": 0,
        "target": "plan",
        "metrics": ["marginals", "pairs"],
        "alpha": 0.001,
        "versions": {"synthwright": "0.1.0", "numpy": "2.3.1"},
        "recipe": "data:\n  read: patients.csv\nout: runs/patients\n",
    }


_MODEL = "cart: bagged sequential trees\nfitted on 4,000 units, seed 0\noption bags = 8\n6 columns, data 9f86d081884c"
