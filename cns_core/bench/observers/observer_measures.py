"""What an observer takes and finds in a sequence of views, frame by frame and on the whole."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from cns_core.bench.loop.environments import CAMERA
from cns_core.bench.loop.episode import DT_S
from cns_core.bench.observers.observer_views import ViewSequence
from cns_core.control.motion_stop import MotionStop
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers import Observer, make_observer
from cns_core.servo import VisualServo

Frame = dict[str, Any]
"""Times in ms, counts, and ``errors_px`` of the matches of one frame."""
Row = dict[str, Any]
"""A row of the report, as it stands in its JSON."""

_LONGEST_WAIT_S = 10.0
_TRUE_PX = 3.0
_NEVER_S = 1e9


def measure(sequence: ViewSequence, name: str, mode: str) -> list[Frame]:
    """Show a sequence to a new servo; what each frame took and found."""
    observer = make_observer(name, CAMERA, tracking=mode == "tracking")
    with VisualServo(CAMERA, observer, "cns", stop=_never_stop()) as servo:
        servo.set_desired(sequence.desired_image)
        first_match_ms = _await_first_match(observer, sequence.images[0])
        frames: list[Frame] = []
        due = time.perf_counter()
        for k, image in enumerate(sequence.images):
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter() - DT_S) + DT_S
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


def _never_stop() -> MotionStop:
    """The servo's own stop rule, with which no sequence ends."""
    return MotionStop(
        dwell_s=_NEVER_S,
        window_s=(_NEVER_S, _NEVER_S),
        lost_after_s=_NEVER_S,
        diverged_after_s=_NEVER_S,
    )


def _await_first_match(observer: Observer, image: np.ndarray) -> float:
    """Show the first image at the camera's rate until something is found or no hope is left.

    Returns:
        Milliseconds that took.
    """
    before = time.perf_counter()
    while observer.observe(image).count == 0 and time.perf_counter() < before + _LONGEST_WAIT_S:
        time.sleep(DT_S)
    return 1e3 * (time.perf_counter() - before)


def _judge(found: Correspondence, pixels: np.ndarray, visible: np.ndarray) -> Frame:
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


def summarize(name: str, mode: str, condition: str, frames: list[Frame]) -> Row:
    """One row of the report from the frames of all scenes."""
    errors = [np.median(f["errors_px"]) for f in frames if len(f["errors_px"])]
    matches = sum(frame["matches"] for frame in frames)
    true = sum(frame["true_matches"] for frame in frames)
    row: Row = {"observer": name, "mode": mode, "condition": condition, "frames": len(frames)}
    for key in ("ms", "step_ms"):
        p50, p99 = np.percentile([frame[key] for frame in frames], [50, 99]).round(2).tolist()
        row |= {f"{key}_p50": p50, f"{key}_p99": p99}
    row["first_match_ms_median"] = round(np.median([f["first_match_ms"] for f in frames]), 1)
    for key in ("keypoints", "visible", "matches", "true_matches"):
        row[f"{key}_median"] = float(np.median([frame[key] for frame in frames]))
    row["true_share"] = round(true / matches, 4) if matches else None
    row["keypoint_error_px_median"] = round(float(np.median(errors)), 4) if errors else None
    return row
