"""Can a classifier tell synthetic rows from real rows that the generator never saw?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from scipy import stats

from synthwright.core.context import Context
from synthwright.core.seeds import named_rng
from synthwright.evaluate.encoding import TableEncoding
from synthwright.evaluate.learners import c2st_auc, detectable_auc
from synthwright.evaluate.metric import Axis, Evidence, Score
from synthwright.evaluate.verdict import ALPHA, NEED_HOLDOUT, TableMetric, judge

AUC_WARN, AUC_FAIL = 0.55, 0.70
_ROWS, _REFERENCE_ROWS = 10_000, 3_000  # most rows a side, for the score and for its references


def c2st(encoding: TableEncoding, part: str, other: str, *, most: int = _ROWS) -> tuple[float, float, int]:
    """AUC of telling two parts apart, its standard error and the rows used a side (equal on both sides)."""
    n = min(encoding.rows[part], encoding.rows[other], most)
    sides = [encoding.features(one, encoding.draw(one, n, "c2st")) for one in (part, other)]
    rng = named_rng(encoding.seed, f"c2st {part} {other}")
    value, error = c2st_auc(sides[0], sides[1], rng=rng, levels=encoding.level_features())
    return value, error, n


class C2ST(TableMetric):
    """Classifier two-sample test against the holdout: AUC of LightGBM, 0.5 is best."""

    name: ClassVar[str] = "c2st"
    axis: ClassVar[Axis] = "fidelity"
    label: ClassVar[str] = "Real or synthetic? (classifier)"
    summary: ClassVar[str] = "AUC of a classifier that tells synthetic rows from unseen real ones"
    source: ClassVar[str] = "Lopez-Paz and Oquab 2017"
    fewest: ClassVar[int] = 100

    def scores(self, evidence: Evidence, ctx: Context) -> Sequence[Score]:
        """One score; value is the AUC."""
        encoding = evidence.encoding
        other = "holdout" if evidence.holdout is not None else "test" if evidence.test is not None else ""
        if not other:
            return self.unknown("Real rows that the generator never saw were not given.", NEED_HOLDOUT)
        if few := self.too_few({part: encoding.rows[part] for part in ("synthetic", other)}):
            return few
        value, error, n = c2st(encoding, "synthetic", other)
        p = float(stats.norm.sf((value - 0.5) / error))
        verdict = judge(value, p, warn=AUC_WARN, fail=AUC_FAIL, alpha=ALPHA)
        smallest = detectable_auc(n, n)
        odds = round(100 * value)
        plain = {
            "pass": f"A classifier hardly tells synthetic rows from real ones: {odds} of 100 pairs (50 is guessing).",
            "warn": f"A classifier tells a synthetic row from a real one in {odds} of 100 pairs (50 is guessing).",
            "fail": f"A classifier recognises synthetic rows: right in {odds} of 100 pairs (50 is guessing).",
        }[verdict]
        real, _, _ = c2st(encoding, "train", other, most=_REFERENCE_ROWS)
        independent, _, _ = c2st(encoding, "independent", other, most=_REFERENCE_ROWS)
        score = self.score(
            value,
            verdict,
            plain,
            low=max(0.0, value - 1.96 * error),
            high=min(1.0, value + 1.96 * error),
            references={"real": real, "independent": independent},
            better="lower",
            p=p,
            margins={"warn": AUC_WARN, "fail": AUC_FAIL},
            fix="" if verdict == "pass" else "fit on more rows, or try another generator: auto, cart or boost",
            details={"effect": value, "detectable": smallest, "against": other},
            sampled={"synthetic": n, "of": encoding.rows["synthetic"]},
        )
        return [score]
