"""Matching on photographs that packages ship, under known changes of view, light and quality.

A pair is a desired image and a current one; its truth is a homography, or the disparity of a real
stereo pair. `cns-bench photos` prints tables and whether `auto` reaches what it must, and
succeeds if it does. Settings are chosen by other pictures (`--pictures tuning`) than are reported.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import Any

import cv2

from cns_core.bench.photos.photo_acceptance import Verdict, judge
from cns_core.bench.photos.photo_conditions import CONDITIONS, STEREO_CONDITIONS
from cns_core.bench.photos.photo_measures import PairResult, Row, measure, summarize
from cns_core.bench.photos.photo_pairs import STEREO, pairs
from cns_core.bench.photos.photo_table import markdown
from cns_core.bench.photos.photographs import SETS
from cns_core.bench.report.machine import describe_machine, describe_versions
from cns_core.observers import OBSERVERS, make_observer
from cns_core.observers.learned.extra import is_installed

MODES = ("plain", "tracked")
_ALL = (*CONDITIONS, *STEREO_CONDITIONS)


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="write photos.json and photos.md")
    parser.add_argument("--seed", type=int, default=0, help="of views and noise (default 0)")
    parser.add_argument(
        "--pictures", choices=tuple(SETS), default="report", help="which set (default report)"
    )
    parser.add_argument(
        "--observers", nargs="+", choices=OBSERVERS, default=list(OBSERVERS), metavar="NAME"
    )
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES), metavar="MODE")
    parser.add_argument(
        "--conditions",
        nargs="+",
        choices=_ALL,
        default=list(_ALL),
        metavar="NAME",
        help="; ".join(_ALL),
    )


def run(args: Namespace) -> int:
    """Measure, print the tables and the verdicts; 0 if all are met."""
    cv2.setNumThreads(1)
    observers = args.observers
    if not is_installed():
        observers = [name for name in observers if name not in ("xfeat", "auto")]
        print(f"without the extra 'learned' only: {', '.join(observers)}")
    results = _measure(args, observers)
    rows = _rows(results)
    verdicts = judge(results)
    text = "\n\n".join([markdown(rows), "\n".join(f"- {verdict}" for verdict in verdicts)])
    print(text)
    if args.out:
        _write(args, text, results, rows, verdicts)
    return 0 if all(verdict.met for verdict in verdicts) else 1


def _measure(args: Namespace, observers: Sequence[str]) -> list[PairResult]:
    pictures = SETS[args.pictures] + ((STEREO,) if args.pictures == "report" else ())
    results = []
    if "xfeat" in observers or "auto" in observers:
        warm_up()
    for pair in pairs(pictures, tuple(args.conditions), args.seed):
        found = [measure(pair, name, mode) for mode, name in product(args.modes, observers)]
        right = ", ".join(f"{each.observer} {each.mode} {each.right}" for each in found)
        print(f"{pair.condition}, {pair.picture}: {right}", flush=True)
        results += found
    return results


def warm_up() -> None:
    """Load the learned matcher and run it once, which no image's time is to include."""
    pair = next(pairs(SETS["tuning"][:1], ("near",), 0))
    observer = make_observer("xfeat", pair.camera)
    observer.set_desired(pair.desired)
    observer.observe(pair.current)


def _rows(results: Sequence[PairResult]) -> list[Row]:
    groups: dict[tuple[str, str, str], list[PairResult]] = {}
    for each in results:
        groups.setdefault((each.condition, each.mode, each.observer), []).append(each)
    return [summarize(group) for group in groups.values()]


def _write(
    args: Namespace,
    text: str,
    results: Sequence[PairResult],
    rows: Sequence[Row],
    verdicts: Sequence[Verdict],
) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "photos.md").write_text(text + "\n")
    facts: dict[str, Any] = {"machine": describe_machine(), "versions": describe_versions()}
    facts |= {"seed": args.seed, "pictures": args.pictures}
    facts["verdicts"] = [asdict(each) for each in verdicts]
    facts["rows"] = [asdict(each) for each in rows]
    facts["pairs"] = [asdict(each) for each in results]
    (args.out / "photos.json").write_text(json.dumps(facts, indent=1) + "\n")
