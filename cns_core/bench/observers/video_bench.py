"""What a frame of video takes while it is followed, lost from view and found again."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from cns_core.bench.loop.environments import CAMERA
from cns_core.bench.loop.episode import DT_S
from cns_core.bench.observers.video import COVERED, FRAMES, Video
from cns_core.observers import make_observer

VIDEO_MODES = ("plain", "tracking", "deterministic")
"""Each frame on its own; as the nodes do it; matching within the stream of frames."""
_TRUE_PX = 3.0
_FOUND_SHARE = 0.5
_COLUMNS = {
    "observer": "observer",
    "mode": "mode",
    "seed": "seed",
    "ms_p50": "ms p50",
    "ms_p99": "p99",
    "ms_worst": "worst",
    "p99_over_p50": "p99/p50",
    "own_p50": "own p50",
    "own_p99": "own p99",
    "found_after_frames": "found after",
    "true_share": "right",
    "error_px_median": "error px",
}


def watch(seed: int, name: str, mode: str) -> dict[str, Any]:
    """A row: show a video at the camera's rate, as a robot would see it.

    ``observe`` is timed as the node calls it: :meth:`.Observer.prepare` follows outside of it. Its
    own time is what its thread computes, however busy the machine is with something else.
    """
    video = Video(seed)
    tracking, background = mode != "plain", mode != "deterministic"
    observer = make_observer(name, CAMERA, tracking=tracking, background=background)
    try:
        observer.set_desired(video.desired_image)
        images = list(video.frames())
        taken_ms, own_ms, counts, errors = [], [], np.zeros(FRAMES, int), []
        due = time.perf_counter()
        for k, image in enumerate(images):
            time.sleep(max(0.0, due - time.perf_counter()))
            due = max(due, time.perf_counter() - DT_S) + DT_S
            before, own_before = time.perf_counter(), time.thread_time()
            found = observer.observe(image)
            taken_ms.append(1e3 * (time.perf_counter() - before))
            own_ms.append(1e3 * (time.thread_time() - own_before))
            observer.prepare()
            seen = found.matched & (k not in COVERED)
            desired, current = (CAMERA.denormalize(p[seen]) for p in (found.desired, found.current))
            gap = video.errors_px(k, desired, current)
            counts[k] = (gap < _TRUE_PX).sum()
            errors.append(gap)
    finally:
        observer.close()
    row = {"observer": name, "mode": mode, "seed": seed}
    return row | _times(np.array(taken_ms), np.array(own_ms)) | _found(counts, np.hstack(errors))


def _times(ms: np.ndarray, own_ms: np.ndarray) -> dict[str, Any]:
    p50, p99 = np.percentile(ms, [50, 99])
    own_p50, own_p99 = np.percentile(own_ms, [50, 99])
    return {
        "ms_p50": round(float(p50), 1),
        "ms_p99": round(float(p99), 1),
        "ms_worst": round(float(ms.max()), 1),
        "p99_over_p50": round(float(p99 / p50), 2),
        "own_p50": round(float(own_p50), 1),
        "own_p99": round(float(own_p99), 1),
    }


def _found(counts: np.ndarray, errors: np.ndarray) -> dict[str, Any]:
    """How soon there are half as many right matches as before the cover, and how good they are."""
    before = np.median(counts[: COVERED.start])
    back = np.flatnonzero(counts[COVERED.stop :] > _FOUND_SHARE * before)
    return {
        "found_after_frames": int(back[0]) + 1 if len(back) else None,
        "true_share": round(float((errors < _TRUE_PX).mean()), 4) if len(errors) else None,
        "error_px_median": round(float(np.median(errors)), 4) if len(errors) else None,
    }


def video_head() -> str:
    """The two lines above the rows."""
    titles = list(_COLUMNS.values())
    return f"| {' | '.join(titles)} |\n|{'---|' * 2}{'--:|' * (len(titles) - 2)}"


def video_line(row: dict[str, Any]) -> str:
    """One row of :func:`watch`."""
    cells = (row[key] for key in _COLUMNS)
    return f"| {' | '.join('-' if cell is None else str(cell) for cell in cells)} |"
