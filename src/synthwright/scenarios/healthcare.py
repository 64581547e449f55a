"""Two tables to try things on: real patients, and hospital stays simulated from known relations."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from synthwright.core.seeds import named_rng

DIAGNOSES = ("heart failure", "pneumonia", "diabetes", "hip fracture", "asthma")
_RISK = np.array([0.9, 0.3, 0.5, 0.1, -0.4])  # log-odds of a readmission, by diagnosis
_STAY = np.array([6.0, 5.0, 3.5, 8.0, 2.5])  # mean days in hospital
_CHOSEN = np.array([[0.10, 0.20, 0.20, 0.05, 0.45], [0.35, 0.20, 0.22, 0.18, 0.05]])  # of young, of old
_FIRST_DAY = np.datetime64("2022-01-01")


# Names of the ten measurements, in the order of scikit-learn's table.
_MEASURED = (
    "age",
    "sex",
    "bmi",
    "pressure",
    "cholesterol",
    "ldl",
    "hdl",
    "tc_hdl_ratio",
    "log_triglycerides",
    "glucose",
)


def diabetes_patients() -> pa.Table:
    """442 real diabetes patients: ten measurements, and the progression of the disease one year later.

    Source: Efron, Hastie, Johnstone, Tibshirani 2004, Annals of Statistics 32(2), section 1; as scikit-learn ships it.
    sex is coded 1 and 2 without a key.
    """
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    cells = {name: np.round(x[:, i], 4) for i, name in enumerate(_MEASURED)}
    whole = {name: cells[name].astype(np.int64) for name in ("age", "sex", "cholesterol", "glucose")}
    return pa.table({**cells, **whole, "progression": y.astype(np.int64)})


def patients(rows: int = 3000, seed: int = 0) -> pa.Table:
    """A table of hospital stays, one a row; equal arguments give equal bytes.

    age ~ 85 Beta(2.2, 1.6) + 12; diagnosis depends on age; days ~ Gamma by diagnosis; charges are 0 for a tenth of
    the patients, else grow with days; logit P(readmitted) = -2.2 + 0.02 (age - 50) + risk(diagnosis) + 0.6 smoker
    + 0.05 days. Gaps: bmi for a tenth (more often in short stays), systolic at random.
    """
    rng = named_rng(seed, "healthcare.patients")
    age = np.round(12 + 85 * rng.beta(2.2, 1.6, rows)).astype(np.int64)
    old = age > 55 + rng.normal(0, 8, rows)
    diagnosis = _choice(_CHOSEN[old.astype(int)], rng)
    sex = np.where(rng.random(rows) < 0.5 + 0.1 * (diagnosis == 3), "F", "M")
    smoker = rng.random(rows) < np.where(age > 70, 0.12, 0.24)
    bmi = np.round(rng.normal(24.5 + 3.5 * (diagnosis == 2) + 0.03 * (age - 50), 3.8), 1)
    systolic = np.round(rng.normal(104 + 0.42 * age + 0.6 * (bmi - 25), 11)).astype(np.int64)
    days = np.maximum(1, np.round(rng.gamma(2.0, _STAY[diagnosis] / 2) + 0.02 * age)).astype(np.int64)
    charges = np.round(np.exp(rng.normal(6.9, 0.25, rows)) * (days + 1.5), 2)
    charges[rng.random(rows) < 0.1] = 0.0
    logit = -2.2 + 0.02 * (age - 50) + _RISK[diagnosis] + 0.6 * smoker + 0.05 * days
    readmitted = rng.random(rows) < 1 / (1 + np.exp(-logit))
    admitted = _FIRST_DAY + rng.integers(0, 900, rows).astype("timedelta64[D]")
    return pa.table(
        {
            "patient_id": [f"P{number:06d}" for number in rng.permutation(rows) + 100_000],
            "age": age,
            "sex": sex,
            "smoker": np.where(smoker, "yes", "no"),
            "bmi": pa.array(bmi, mask=rng.random(rows) < np.where(days < 3, 0.2, 0.05)),
            "systolic": pa.array(systolic, mask=rng.random(rows) < 0.04),
            "diagnosis": [DIAGNOSES[code] for code in diagnosis],
            "admitted": pa.array(admitted),
            "discharged": pa.array(admitted + days.astype("timedelta64[D]")),
            "charges": charges,
            "readmitted": np.where(readmitted, "yes", "no"),
        }
    )


def _choice(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One level a row from the shares in its row. shares: (rows, levels), rows add up to 1."""
    chosen: np.ndarray = (rng.random((len(shares), 1)) > np.cumsum(shares, axis=1)[:, :-1]).sum(axis=1)
    return chosen
