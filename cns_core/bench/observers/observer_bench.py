"""Precision and speed of the observers against ground truth, plain matching beside tracking.

Images come at 25 Hz, as from a camera; matchings beside the stream count with what they delay it.
An observer sees the first image of a sequence until it has matched it, as a robot would wait. A
step is what :class:`~cns_core.servo.VisualServo` does for an image: observing, the stop rule, CNS.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import cv2

from cns_core.bench.observers.degraded_bench import (
    DEGRADED,
    degraded_head,
    degraded_line,
    show,
)
from cns_core.bench.observers.observer_measures import Row, measure, summarize
from cns_core.bench.observers.observer_plot import draw
from cns_core.bench.observers.observer_table import head, line
from cns_core.bench.observers.observer_views import ViewSequence
from cns_core.bench.observers.video_bench import VIDEO_MODES, video_head, video_line, watch
from cns_core.bench.observers.view_conditions import VIEW_CONDITIONS
from cns_core.bench.report.machine import describe_machine, describe_versions
from cns_core.observers import BACKENDS, OBSERVERS

MODES = ("plain", "tracking")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="write observer.json and a plot")
    parser.add_argument("--scenes", type=int, default=8, metavar="N", help="scenes (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="of the first scene (default 0)")
    parser.add_argument(
        "--observers", nargs="+", choices=OBSERVERS, default=list(BACKENDS), metavar="NAME"
    )
    parser.add_argument(
        "--conditions",
        nargs="+",
        choices=tuple(VIEW_CONDITIONS),
        default=list(VIEW_CONDITIONS),
        metavar="NAME",
        help="; ".join(VIEW_CONDITIONS),
    )
    parser.add_argument(
        "--oversampling", type=int, default=3, help="of the rendered views (default 3)"
    )
    parser.add_argument(
        "--video",
        action="store_true",
        help="instead of the conditions: the times of frames of video, a photograph a scene, with "
        "everything covered for a second",
    )
    parser.add_argument(
        "--degraded",
        action="store_true",
        help="instead of the conditions: a view of a photograph a scene, dark, too bright, blurred "
        "or compressed, shown again and again",
    )


def run(args: Namespace) -> int:
    """Measure, print a table; the exit status."""
    if args.scenes < 1 or args.oversampling < 1:
        print("cns-bench observer: --scenes and --oversampling must be positive", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    title, measured, write_row = head, _rows, line
    if args.video:
        title, measured, write_row = video_head, _video_rows, video_line
    elif args.degraded:
        title, measured, write_row = degraded_head, _degraded_rows, degraded_line
    rows = []
    print(title())
    for row in measured(args):
        rows.append(row)
        print(write_row(row), flush=True)
    if args.out:
        _write(args, rows)
    return 0


def _degraded_rows(args: Namespace) -> Iterator[Row]:
    """A row for every observer, way of degrading and photograph."""
    seeds = range(args.seed, args.seed + args.scenes)
    for name, condition, seed in product(args.observers, DEGRADED, seeds):
        yield show(seed, name, condition)


def _video_rows(args: Namespace) -> Iterator[Row]:
    """A row for every observer, mode and photograph."""
    seeds = range(args.seed, args.seed + args.scenes)
    for name, seed, mode in product(args.observers, seeds, VIDEO_MODES):
        yield watch(seed, name, mode)


def _rows(args: Namespace) -> Iterator[Row]:
    """Measure every observer under every condition, a row each."""
    for condition in args.conditions:
        seeds = range(args.seed, args.seed + args.scenes)
        shown = VIEW_CONDITIONS[condition]
        sequences = [ViewSequence(seed, shown, args.oversampling) for seed in seeds]
        for name, mode in product(args.observers, MODES):
            frames = [frame for each in sequences for frame in measure(each, name, mode)]
            yield summarize(name, mode, condition, frames)


def _write(args: Namespace, rows: list[Row]) -> None:
    """Write ``observer.json`` and a plot into the folder asked for."""
    args.out.mkdir(parents=True, exist_ok=True)
    facts = {"machine": describe_machine(), "versions": describe_versions()}
    facts |= {"scenes": args.scenes, "seed": args.seed, "oversampling": args.oversampling}
    text = json.dumps({**facts, "rows": rows}, indent=1)
    section = "video" if args.video else "degraded" if args.degraded else "observer"
    (args.out / f"{section}.json").write_text(text + "\n")
    if section == "observer":
        draw(rows, args.out / "observer.png")
