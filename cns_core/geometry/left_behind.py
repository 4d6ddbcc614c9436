"""What stays in place in the image while the scene around it moves: it is fixed to the camera."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_FEWEST = 8
"""Points that move, below which they say nothing about the others."""
_DEVIATION = 1.4826  # standard deviation of a normal distribution over its median magnitude
_SPREADS = 3.0


def agree(before: NDArray[np.float64], after: NDArray[np.float64], still: float) -> bool:
    """Whether points that moved further than ``still`` follow one affine map, as in (M, 2) images.

    Mismatches do not. Any three points follow some map: half of the others must, too.
    """
    moved = np.linalg.norm(after - before, axis=1) > still
    if moved.sum() < _FEWEST:
        return False
    carried = _carried(before, before[moved], after[moved])
    if carried is None:
        return False
    gap = np.linalg.norm(carried - after, axis=1)[moved]
    spread = _DEVIATION * np.quantile(gap, min(0.5 + 1.5 / len(gap), 1.0))
    length = np.linalg.norm(carried - before, axis=1)[moved]
    return bool(np.median(length) > _SPREADS * spread)


def left_behind(
    before: NDArray[np.float64], after: NDArray[np.float64], still: float, least: float
) -> NDArray[np.bool_]:
    """Tell points that stay though the motion of the others, carried to them, is a long one.

    The points that move are fitted by one affine map (least median of squares), which parallax
    spreads; a point is left behind where that map moves it further than that spread could hide.
    About the centre of a turn, where the scene itself stays in place, it moves nothing.

    Args:
        before, after: (M, 2) the same points in two images.
        still: a point that moved no further than this stayed, unit of the points.
        least: a motion that is to tell something is longer than this.

    Returns:
        (M,) bool; none where too few points move to tell.
    """
    none = np.zeros(len(before), dtype=bool)
    stayed = np.linalg.norm(after - before, axis=1) <= still
    if not stayed.any() or len(before) - stayed.sum() < _FEWEST:
        return none
    carried = _carried(before, before[~stayed], after[~stayed])
    if carried is None:
        return none
    gap = np.linalg.norm(carried - after, axis=1)
    spread = _DEVIATION * float(np.median(gap[~stayed]))
    moves = np.linalg.norm(carried - before, axis=1) > max(least, _SPREADS * spread)
    return np.asarray(stayed & moves)


def _carried(
    points: NDArray[np.float64], before: NDArray[np.float64], after: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """(M, 2) points where the map of others puts them (least median of squares)."""
    affine, _ = cv2.estimateAffine2D(before, after, method=cv2.LMEDS)
    return None if affine is None else np.asarray(points @ affine[:, :2].T + affine[:, 2])
