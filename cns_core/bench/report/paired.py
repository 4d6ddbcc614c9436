"""Whether episodes differ beyond the noise, paired by scene."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import binomtest

from cns_core.bench.loop.plan import Record

Pair = tuple[Record, Record]
"""The same scene before and after."""

_RESAMPLES = 2000
_SIGNIFICANT = 0.05
_TOLERATED = 0.05
"""A relative change smaller than this is no regression, however sure."""

_FEWEST_PAIRS = 5

MEASURES = ("steps", "rotation_error_deg", "translation_error_mm")
_FLOOR = {"steps": 1.0, "rotation_error_deg": 0.01, "translation_error_mm": 0.05}
"""Below these a difference means nothing to anyone."""


@dataclass(frozen=True)
class Change:
    """How one measure of one column changed.

    Attributes:
        column: in words.
        measure: ``success`` or one of ``MEASURES``.
        pairs: how many scenes it was judged on.
        before, after: means.
        low, high: 95 % interval of the change: a difference for success, else a ratio.
        verdict: ``worse``, ``better`` or ``same``.
    """

    column: str
    measure: str
    pairs: int
    before: float
    after: float
    low: float
    high: float
    verdict: str


def compare_success(column: str, pairs: list[Pair]) -> Change:
    """Sign test on the scenes where only one of the two succeeded (McNemar, exact)."""
    won = np.array([[a["success"], b["success"]] for a, b in pairs], dtype=int)
    lost, gained = int((won[:, 0] > won[:, 1]).sum()), int((won[:, 0] < won[:, 1]).sum())
    low, high = _interval(won[:, 1] - won[:, 0])
    verdict = "same"
    if lost != gained:
        test = binomtest(max(lost, gained), lost + gained, alternative="greater")
        if test.pvalue < _SIGNIFICANT:
            verdict = "worse" if lost > gained else "better"
    before, after = won.mean(axis=0)
    return Change(column, "success", len(pairs), before, after, low, high, verdict)


def compare_measure(column: str, pairs: list[Pair], name: str) -> Change:
    """Mean ratio over the scenes where both succeeded."""
    values = np.array(
        [[a[name], b[name]] for a, b in pairs if a["success"] and b["success"]], dtype=float
    ).reshape(-1, 2)
    values = np.maximum(values, _FLOOR[name])
    low, high = np.exp(_interval(np.log(values[:, 1] / values[:, 0])))
    verdict = "same"
    if len(values) >= _FEWEST_PAIRS:
        ratio = math.exp(np.log(values[:, 1] / values[:, 0]).mean())
        if low > 1.0 and ratio > 1.0 + _TOLERATED:
            verdict = "worse"
        elif high < 1.0 and ratio < 1.0 - _TOLERATED:
            verdict = "better"
    before, after = values.mean(axis=0) if len(values) else (math.nan, math.nan)
    return Change(column, name, len(values), before, after, low, high, verdict)


def _interval(differences: np.ndarray) -> tuple[float, float]:
    """95 % bootstrap interval of the mean; seeded, so that a comparison repeats."""
    if not len(differences):
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    draws = rng.integers(len(differences), size=(_RESAMPLES, len(differences)))
    low, high = np.percentile(differences[draws].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)
