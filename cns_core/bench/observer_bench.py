"""Precision and speed of the observers against ground truth, plain matching beside tracking.

Images come at 25 Hz, as from a camera; matchings beside the stream count with what they delay it.
An observer sees the first image of a sequence until it has matched it, as a robot would wait.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from cns_core.bench.machine import describe_machine, describe_versions
from cns_core.bench.observer_plot import draw
from cns_core.bench.observer_views import CAMERA, CONDITIONS, Sequence
from cns_core.observers import BACKENDS, make_observer

MODES = ("plain", "tracking")
_PERIOD_S = 0.04
_LONGEST_WAIT_S = 10.0
_TRUE_PX = 3.0


def add_arguments(parser):
    parser.add_argument("--out", type=Path, metavar="DIR", help="write observer.json and a plot")
    parser.add_argument("--scenes", type=int, default=3, metavar="N", help="scenes (default 3)")
    parser.add_argument("--seed", type=int, default=0, help="of the first scene (default 0)")
    parser.add_argument(
        "--observers", nargs="+", choices=tuple(BACKENDS), default=list(BACKENDS), metavar="NAME"
    )
    parser.add_argument(
        "--conditions",
        nargs="+",
        choices=tuple(CONDITIONS),
        default=list(CONDITIONS),
        metavar="NAME",
        help="; ".join(CONDITIONS),
    )
    parser.add_argument(
        "--oversampling", type=int, default=3, help="of the rendered views (default 3)"
    )


def run(args):
    """Measure, print a table; the exit status."""
    if args.scenes < 1 or args.oversampling < 1:
        print("cns-bench observer: --scenes and --oversampling must be positive", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    rows = []
    print(_HEADER)
    for condition in args.conditions:
        seeds = range(args.seed, args.seed + args.scenes)
        sequences = [Sequence(s, CONDITIONS[condition], args.oversampling) for s in seeds]
        for name in args.observers:
            for mode in MODES:
                frames = [frame for each in sequences for frame in measure(each, name, mode)]
                rows.append(summarize(name, mode, condition, frames))
                print(_line(rows[-1]), flush=True)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        facts = {"machine": describe_machine(), "versions": describe_versions()}
        facts |= {"scenes": args.scenes, "seed": args.seed, "oversampling": args.oversampling}
        text = json.dumps({**facts, "rows": rows}, indent=1)
        (args.out / "observer.json").write_text(text + "\n")
        draw(rows, args.out / "observer.png")
    return 0


def measure(sequence, name, mode):
    """Show a sequence to a new observer; for each frame a dict of what it took and found."""
    observer = make_observer(name, CAMERA, tracking=mode == "tracking")
    try:
        observer.set_desired(sequence.desired_image)
        _await_first_match(observer, sequence.images[0])
        frames, due = [], time.perf_counter()
        for k, image in enumerate(sequence.images):
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter() - _PERIOD_S) + _PERIOD_S
            before = time.perf_counter()
            found = observer.observe(image)
            elapsed_ms = 1e3 * (time.perf_counter() - before)
            frames.append({"ms": elapsed_ms, **_judge(found, *sequence.truth(k, found.desired))})
        return frames
    finally:
        observer.close()


def _await_first_match(observer, image):
    """Show the first image, at the camera's rate, until something is found or no hope is left."""
    give_up = time.perf_counter() + _LONGEST_WAIT_S
    while observer.observe(image).count == 0 and time.perf_counter() < give_up:
        time.sleep(_PERIOD_S)


def _judge(found, pixels, visible):
    """Counts and keypoint errors of one frame."""
    error = np.linalg.norm(CAMERA.denormalize(found.current) - pixels, axis=1)
    true = found.matched & visible & (error < _TRUE_PX)
    return {
        "keypoints": len(error),
        "visible": int(visible.sum()),
        "matches": found.count,
        "true_matches": int(true.sum()),
        "errors_px": error[found.matched & visible],
    }


def summarize(name, mode, condition, frames):
    """One row of the report from the frames of all scenes."""
    ms = [frame["ms"] for frame in frames]
    errors = [np.median(f["errors_px"]) for f in frames if len(f["errors_px"])]
    matches = sum(frame["matches"] for frame in frames)
    true = sum(frame["true_matches"] for frame in frames)
    row = {"observer": name, "mode": mode, "condition": condition, "frames": len(frames)}
    row["ms_p50"], row["ms_p99"] = np.percentile(ms, [50, 99]).round(2).tolist()
    for key in ("keypoints", "visible", "matches", "true_matches"):
        row[f"{key}_median"] = float(np.median([frame[key] for frame in frames]))
    row["true_share"] = round(true / matches, 4) if matches else None
    row["keypoint_error_px_median"] = round(float(np.median(errors)), 4) if errors else None
    return row


_HEADER = (
    f"{'observer':9}{'mode':10}{'condition':22}{'ms p50':>8}{'p99':>8}"
    f"{'visible':>9}{'true':>6}{'share':>7}{'error px':>10}"
)


def _line(row):
    share, error = row["true_share"], row["keypoint_error_px_median"]
    return (
        f"{row['observer']:9}{row['mode']:10}{row['condition']:22}"
        f"{row['ms_p50']:8.1f}{row['ms_p99']:8.1f}"
        f"{row['visible_median']:9.0f}{row['true_matches_median']:6.0f}"
        f"{'-' if share is None else format(share, '.3f'):>7}"
        f"{'-' if error is None else format(error, '.4f'):>10}"
    )
