"""The tables that are measured on, with their target, and how each is split.

Public tables lie in the folder that the environment variable SYNTHWRIGHT_DATA names, as `tabular/NAME.parquet` or
`tabular/NAME.csv`; `packaged` ones come with scikit-learn, statsmodels and palmerpenguins, so that the harness runs
without that folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

_FEWEST_HELD = 2_000  # rows that holdout and test have at least, each
_HOLDOUT_SHARE = 0.4  # train and holdout take at most this share each; the rest is the test part
_MOST_TEST = 5_000


@dataclass(frozen=True)
class Source:
    """One table: what is predicted, and which columns are left out (`once`: keep the first row of each value)."""

    target: str
    drop: tuple[str, ...] = ()
    once: str = ""
    load: Callable[[], Any] | None = None  # for tables that a package ships


@dataclass(frozen=True)
class Parts:
    """Disjoint rows of one table, as pandas frames."""

    train: Any
    holdout: Any
    test: Any


def _breast_cancer() -> Any:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(as_frame=True).frame


def _diabetes() -> Any:
    from sklearn.datasets import load_diabetes

    return load_diabetes(as_frame=True, scaled=False).frame


def _wine() -> Any:
    from sklearn.datasets import load_wine

    return load_wine(as_frame=True).frame


def _fair() -> Any:
    from statsmodels.datasets import fair

    frame = fair.load_pandas().data
    return frame.assign(affairs=(frame["affairs"] > 0).map({True: "yes", False: "no"}))


def _penguins() -> Any:
    import palmerpenguins

    return palmerpenguins.load_penguins()


SOURCES: Mapping[str, Source] = {
    "adult": Source("income", drop=("split",)),
    "bank_marketing": Source("y"),
    "credit_default": Source("default payment"),
    "magic": Source("class"),
    "online_shoppers": Source("Revenue"),
    "oulad_students": Source("final_result", once="id_student"),
    "abalone": Source("rings"),
    "bank_additional": Source("y"),
    "communities_crime": Source("ViolentCrimesPerPop", drop=("Black", "class")),
    "german_credit": Source("class"),
    "nhanes1_survival": Source("survival_years"),
    "wine_quality": Source("quality"),
    "breast_cancer": Source("target", load=_breast_cancer),
    "diabetes": Source("target", load=_diabetes),
    "fair": Source("affairs", load=_fair),
    "penguins": Source("species", load=_penguins),
    "wine": Source("target", load=_wine),
}
CORE = ("adult", "bank_marketing", "credit_default", "magic", "online_shoppers", "oulad_students")
PACKAGED = tuple(name for name, source in SOURCES.items() if source.load)


def load(name: str) -> Any:
    """The whole table as a pandas frame, without the columns that are left out. Raises SystemExit with the fix."""
    source = SOURCES.get(name)
    if source is None:
        raise SystemExit(f"Unknown table {name!r}. Tables: {', '.join(SOURCES)}")
    frame = source.load() if source.load else _read(name)
    if source.once:
        frame = frame.drop_duplicates(source.once).drop(columns=source.once)
    return frame.drop(columns=list(source.drop)).reset_index(drop=True)


def _read(name: str) -> Any:
    import pandas as pd

    folder = os.environ.get("SYNTHWRIGHT_DATA")
    if not folder:
        raise SystemExit(
            f"The table {name!r} is not packaged: set SYNTHWRIGHT_DATA to a folder that holds tabular/{name}.parquet "
            f"(or .csv), or use --tables {','.join(PACKAGED)}"
        )
    base = Path(folder) / "tabular" / name
    if base.with_suffix(".parquet").exists():
        return pd.read_parquet(base.with_suffix(".parquet"))
    return pd.read_csv(base.with_suffix(".csv"), keep_default_na=False, na_values=[""])


def split(frame: Any, rows: int, seed: int) -> Parts:
    """Shuffle by seed into train, holdout and test; equal for all methods.

    Up to 5,000 rows: train = holdout = min(rows, 40%) rows, test = the rest up to 5,000. Beyond: train = rows, and
    holdout and test share the rest, up to 5,000 each, so that scores mean the same at every size.
    """
    order = np.random.default_rng(seed).permutation(len(frame))
    size = min(rows, int(_HOLDOUT_SHARE * len(frame)))
    held = size
    if rows > _MOST_TEST:
        size = min(rows, len(frame) - 2 * _FEWEST_HELD)
        held = min(_MOST_TEST, (len(frame) - size) // 2)
    cuts = (order[:size], order[size : size + held], order[size + held : size + held + _MOST_TEST])
    return Parts(*(frame.iloc[cut].reset_index(drop=True) for cut in cuts))
