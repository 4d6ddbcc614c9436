"""What closed loops on photographs came to: reads the episodes of `cns-bench` runs.

Success is 0.3 deg and 0.3 % of the goal's distance; a false claim, convergence while more than
1 deg or 1 % off.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cns_core.bench.loop.measures import wilson
from cns_core.bench.loop.plan import Record
from cns_core.bench.loop.runner import EPISODES

ROTATION_DEG, SHARE = 0.3, 0.003
_WRONG_DEG, _WRONG_SHARE = 1.0, 0.01


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="--out of the runs")


def run(args: Namespace) -> int:
    """Print the table; 0 unless a claim was false."""
    records = []
    for folder in args.folders:
        lines = (folder / EPISODES).read_text(encoding="utf-8").splitlines()
        records += [json.loads(line) for line in lines]
    print(table(records))
    return int(any(false_claim(record) for record in records))


def off(record: Record) -> tuple[float, float]:
    """``(deg, share of the goal's distance)`` by which an episode ended off."""
    distance_mm = 1e3 * float(np.linalg.norm(record["goal_m"]))
    return record["rotation_error_deg"], record["translation_error_mm"] / distance_mm


def succeeded(record: Record) -> bool:
    """Whether it ended at the goal."""
    rotation, share = off(record)
    return bool(rotation < ROTATION_DEG and share < SHARE)


def is_wrong(rotation_deg: float, share: float) -> bool:
    """Whether a camera that is so far off, as of :func:`off`, may not be called at the goal."""
    return bool(rotation_deg > _WRONG_DEG or share > _WRONG_SHARE)


def false_claim(record: Record) -> bool:
    """Whether the goal was said to be reached where it was not."""
    return is_wrong(*off(record)) and record["status"] == "converged"


def table(records: Sequence[Record]) -> str:
    """A row for each environment, perturbation and observer; errors are those of successes."""
    lines = [
        "| environment | camera or tool | observer | within 0.3 deg and 0.3 % | steps | deg | % "
        "| false claims |",
        "|---|---|---|--:|--:|--:|--:|--:|",
    ]
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        spec = record["spec"]
        key = spec["environment"], spec["perturbation"], spec["observer"]
        groups.setdefault(key, []).append(record)
    for names, group in sorted(groups.items()):
        lines.append(f"| {' | '.join(names)} | {' | '.join(_cells(group))} |")
    return "\n".join(lines)


def _cells(group: Sequence[Record]) -> list[str]:
    won = [record for record in group if succeeded(record)]
    low, high = wilson(len(won), len(group))
    share = f"{len(won)} of {len(group)} ({100 * low:.0f} to {100 * high:.0f} %)"
    false = str(sum(map(false_claim, group)))
    if not won:
        return [share, "-", "-", "-", false]
    steps = f"{np.median([record['steps'] for record in won]):.0f}"
    ends = np.array([off(record) for record in won]) * (1.0, 100.0)
    errors = [f"{np.median(e):.3f}, {e.max():.3f}" for e in ends.T]
    return [share, steps, *errors, false]
