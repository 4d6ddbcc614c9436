"""The picture an engineer wants to see first: which keypoints are matched, and where they go."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence

_GOAL, _PATH, _SEEN, _MISSED = (80, 220, 80), (0, 200, 255), (0, 120, 255), (90, 90, 90)
_LEFT_OUT = (220, 60, 200)


def draw_matches(
    image: np.ndarray,
    camera: PinholeCamera,
    correspondence: Correspondence,
    mask: np.ndarray | None = None,
    left_out: np.ndarray | None = None,
) -> np.ndarray:
    """Draw matches on a BGR or grey image, as (H, W, 3) BGR.

    Matched keypoints are orange dots with a line to their goal, a green ring; goals without a
    match are grey rings, and violet crosses where they are ``left_out``, (N,) bool. What ``mask``
    (H, W) leaves out, where it is zero, is darkened.
    """
    canvas = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image.copy()
    if mask is not None:
        canvas[mask == 0] //= 3
    goals = _corners(camera.denormalize(correspondence.desired))
    seen = _corners(camera.denormalize(correspondence.current))
    crossed = np.zeros(len(goals), dtype=bool) if left_out is None else left_out
    rows = zip(goals, seen, correspondence.matched, crossed, strict=True)
    for goal, point, matched, cross in rows:
        if matched:
            cv2.line(canvas, point, goal, _PATH, 1, cv2.LINE_AA)
            cv2.circle(canvas, goal, 3, _GOAL, 1, cv2.LINE_AA)
            cv2.circle(canvas, point, 2, _SEEN, -1, cv2.LINE_AA)
        elif cross:
            cv2.drawMarker(canvas, goal, _LEFT_OUT, cv2.MARKER_TILTED_CROSS, 6, 1, cv2.LINE_AA)
        else:
            cv2.circle(canvas, goal, 2, _MISSED, 1, cv2.LINE_AA)
    return canvas


def _corners(pixels: np.ndarray) -> list[tuple[int, int]]:
    return [(int(x), int(y)) for x, y in np.rint(pixels)]
