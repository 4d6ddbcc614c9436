"""Precision and speed of the observers against ground truth, plain matching beside tracking.

Images come at 25 Hz, as from a camera; matchings beside the stream count with what they delay it.
An observer sees the first image of a sequence until it has matched it, as a robot would wait. A
step is what :class:`~cns_core.servo.VisualServo` does for an image: observing, the stop rule, CNS.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from cns_core.bench.observers.observer_plot import draw
from cns_core.bench.observers.observer_views import CAMERA, CONDITIONS, Sequence
from cns_core.bench.report.machine import describe_machine, describe_versions
from cns_core.control.stop import MotionStop
from cns_core.observers import BACKENDS, make_observer
from cns_core.servo import VisualServo

MODES = ("plain", "tracking")
_PERIOD_S = 0.04
_LONGEST_WAIT_S = 10.0
_TRUE_PX = 3.0
_NEVER_S = 1e9


def add_arguments(parser):
    parser.add_argument("--out", type=Path, metavar="DIR", help="write observer.json and a plot")
    parser.add_argument("--scenes", type=int, default=8, metavar="N", help="scenes (default 8)")
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
    print(_table_line(list(_COLUMNS)))
    print(
        "|" + "|".join("-" * (w + 1) + (":" if k > 2 else "-") for k, w in enumerate(_WIDTHS)) + "|"
    )
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
    """Show a sequence to a new servo; for each frame a dict of what it took and found."""
    observer = make_observer(name, CAMERA, tracking=mode == "tracking")
    with VisualServo(CAMERA, observer, "cns", stop=_never_stop()) as servo:
        servo.set_desired(sequence.desired_image)
        first_match_ms = _await_first_match(observer, sequence.images[0])
        frames, due = [], time.perf_counter()
        for k, image in enumerate(sequence.images):
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter() - _PERIOD_S) + _PERIOD_S
            before = time.perf_counter()
            step = servo.step(image)
            frame = {
                "step_ms": 1e3 * (time.perf_counter() - before),
                "ms": 1e3 * step.timings["observe"],
                "first_match_ms": first_match_ms,
            }
            found = step.correspondence
            frames.append(frame | _judge(found, *sequence.truth(k, found.desired)))
        return frames


def _never_stop():
    """The servo's own stop rule, with which no sequence ends."""
    return MotionStop(
        dwell_s=_NEVER_S,
        window_s=(_NEVER_S, _NEVER_S),
        lost_after_s=_NEVER_S,
        diverged_after_s=_NEVER_S,
    )


def _await_first_match(observer, image):
    """Show the first image at the camera's rate until something is found or no hope is left.

    Returns:
        Milliseconds that took.
    """
    before = time.perf_counter()
    while observer.observe(image).count == 0 and time.perf_counter() < before + _LONGEST_WAIT_S:
        time.sleep(_PERIOD_S)
    return 1e3 * (time.perf_counter() - before)


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
    errors = [np.median(f["errors_px"]) for f in frames if len(f["errors_px"])]
    matches = sum(frame["matches"] for frame in frames)
    true = sum(frame["true_matches"] for frame in frames)
    row = {"observer": name, "mode": mode, "condition": condition, "frames": len(frames)}
    for key in ("ms", "step_ms"):
        p50, p99 = np.percentile([frame[key] for frame in frames], [50, 99]).round(2).tolist()
        row |= {f"{key}_p50": p50, f"{key}_p99": p99}
    row["first_match_ms_median"] = round(np.median([f["first_match_ms"] for f in frames]), 1)
    for key in ("keypoints", "visible", "matches", "true_matches"):
        row[f"{key}_median"] = float(np.median([frame[key] for frame in frames]))
    row["true_share"] = round(true / matches, 4) if matches else None
    row["keypoint_error_px_median"] = round(float(np.median(errors)), 4) if errors else None
    return row


_COLUMNS = {
    "observer": ("observer", "{}"),
    "mode": ("mode", "{}"),
    "condition": ("condition", "{}"),
    "ms p50": ("ms_p50", "{:.1f}"),
    "p99": ("ms_p99", "{:.1f}"),
    "step p50": ("step_ms_p50", "{:.1f}"),
    "step p99": ("step_ms_p99", "{:.1f}"),
    "first match": ("first_match_ms_median", "{:.0f}"),
    "visible": ("visible_median", "{:.0f}"),
    "true": ("true_matches_median", "{:.0f}"),
    "share": ("true_share", "{:.3f}"),
    "error px": ("keypoint_error_px_median", "{:.4f}"),
}
_WIDTHS = [8, 8, 20] + [max(6, len(title)) for title in list(_COLUMNS)[3:]]


def _table_line(cells):
    """One line of a Markdown table whose columns also line up in a terminal."""
    aligned = [cell.ljust(w) for cell, w in zip(cells[:3], _WIDTHS[:3], strict=True)]
    aligned += [cell.rjust(w) for cell, w in zip(cells[3:], _WIDTHS[3:], strict=True)]
    return f"| {' | '.join(aligned)} |"


def _line(row):
    return _table_line(
        ["-" if row[key] is None else form.format(row[key]) for key, form in _COLUMNS.values()]
    )
