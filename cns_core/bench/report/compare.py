"""`cns-bench compare A.json B.json`: what moved beyond the noise, paired by scene.

Exits with 0 when B is no worse than A, 1 on a regression, 2 when they cannot be compared.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

from cns_core.bench.report.summary import COLUMN, column_of

_RESAMPLES = 2000
_SIGNIFICANT = 0.05
_TOLERATED = 0.05
"""A relative change smaller than this is no regression, however sure."""

_FEWEST_PAIRS = 5

MEASURES = ("steps", "rotation_error_deg", "translation_error_mm")
_FLOOR = {"steps": 1.0, "rotation_error_deg": 0.01, "translation_error_mm": 0.05}
"""Below these a difference means nothing to anyone."""


def add_arguments(parser):
    parser.add_argument("before", type=Path, metavar="A.json")
    parser.add_argument("after", type=Path, metavar="B.json")
    parser.add_argument(
        "--across",
        nargs="+",
        default=[],
        choices=COLUMN,
        help="pair episodes that differ in these, such as weights",
    )


def run(args):
    """Print one line for each column and measure; the exit status."""
    try:
        before, after = _episodes(args.before), _episodes(args.after)
        changes = compare(before, after, args.across)
    except (ValueError, OSError, KeyError) as error:
        print(f"cns-bench compare: {error}", file=sys.stderr)
        return 2
    for change in changes:
        print(_line(change))
    worse = [change for change in changes if change["verdict"] == "worse"]
    print(f"{len(worse)} regressions in {len(changes)} comparisons")
    return 1 if worse else 0


def compare(before, after, across=()):
    """Compare two lists of episode records.

    Args:
        across: names of ``COLUMN`` in which paired episodes may differ.

    Returns:
        One dict for each column and measure: ``column``, ``measure``, ``pairs``, ``before``,
        ``after``, ``low`` and ``high`` (95 % interval of the change: a difference for success, else
        a ratio) and ``verdict``: worse, better or same.

    Raises:
        ValueError: if no episode pairs up, or pairs are ambiguous.
    """
    a, b = _index(before, across), _index(after, across)
    shared = [key for key in a if key in b]
    if not shared:
        raise ValueError("the reports share no episode: same scenes and columns are needed")
    columns = {}
    for column, scene in shared:
        columns.setdefault(column, []).append((a[column, scene], b[column, scene]))
    changes = []
    for column, pairs in columns.items():
        label = " ".join(str(value) for value in column)
        changes.append({"column": label} | _success(pairs))
        changes += [{"column": label} | _measure(pairs, name) for name in MEASURES]
    return [change for change in changes if change["pairs"]]


def _episodes(path):
    return json.loads(path.read_text(encoding="utf-8"))["episodes"]


def _index(records, across):
    kept = [n for n, name in enumerate(COLUMN) if name not in across]
    index = {}
    for record in records:
        column = column_of(record)
        key = tuple(column[n] for n in kept), record["scene"]
        if key in index:
            raise ValueError(f"two episodes on {key[1]} fall together across {across}")
        index[key] = record
    return index


def _success(pairs):
    """Sign test on the scenes where only one of the two succeeded (McNemar, exact)."""
    won = np.array([[a["success"], b["success"]] for a, b in pairs], dtype=int)
    lost, gained = int((won[:, 0] > won[:, 1]).sum()), int((won[:, 0] < won[:, 1]).sum())
    low, high = _interval(won[:, 1] - won[:, 0])
    verdict = "same"
    if lost != gained:
        test = binomtest(max(lost, gained), lost + gained, alternative="greater")
        if test.pvalue < _SIGNIFICANT:
            verdict = "worse" if lost > gained else "better"
    return {
        "measure": "success",
        "pairs": len(pairs),
        "before": won[:, 0].mean(),
        "after": won[:, 1].mean(),
        "low": low,
        "high": high,
        "verdict": verdict,
    }


def _measure(pairs, name):
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
    mean = values.mean(axis=0) if len(values) else (math.nan, math.nan)
    return {
        "measure": name,
        "pairs": len(values),
        "before": mean[0],
        "after": mean[1],
        "low": low,
        "high": high,
        "verdict": verdict,
    }


def _interval(differences):
    """95 % bootstrap interval of the mean; seeded, so that a comparison repeats."""
    if not len(differences):
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    draws = rng.integers(len(differences), size=(_RESAMPLES, len(differences)))
    return tuple(np.percentile(differences[draws].mean(axis=1), [2.5, 97.5]))


def _line(change):
    return (
        f"{change['verdict']:<6} {change['column']}: {change['measure']} "
        f"{change['before']:.4g} -> {change['after']:.4g} "
        f"[{change['low']:.3g}, {change['high']:.3g}] over {change['pairs']} scenes"
    )
