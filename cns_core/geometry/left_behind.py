"""What stays in place in the image while the scene around it moves: it is fixed to the camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

_FEWEST = 8
"""Points that move, below which they say nothing about the others."""
_DEVIATION = 1.4826  # standard deviation of a normal distribution over its median magnitude
_SPREADS = 3.0


@dataclass(frozen=True)
class CommonMotion:
    """What one affine map of the points that move (least median of squares) makes of all points.

    Attributes:
        moved: (M,) bool, the points that the map is fitted to.
        gap: (M,) between where it carries a point and where that is found.
        length: (M,) of the motion by which it carries a point.
    """

    moved: NDArray[np.bool_]
    gap: NDArray[np.float64]
    length: NDArray[np.float64]

    @classmethod
    def of(
        cls, before: NDArray[np.float64], after: NDArray[np.float64], still: float
    ) -> CommonMotion | None:
        """That of (M, 2) points in two images; None where too few move further than ``still``."""
        moved = np.linalg.norm(after - before, axis=1) > still
        if moved.sum() < _FEWEST:
            return None
        affine, _ = cv2.estimateAffine2D(before[moved], after[moved], method=cv2.LMEDS)
        if affine is None:
            return None
        carried = before @ affine[:, :2].T + affine[:, 2]
        gap, length = (np.linalg.norm(carried - each, axis=1) for each in (after, before))
        return cls(moved, gap, length)

    @property
    def agreed(self) -> bool:
        """Whether the points that move follow the map, as mismatches do not.

        Any three points follow some map: half of the others must, too.
        """
        gap = self.gap[self.moved]
        spread = _DEVIATION * np.quantile(gap, min(0.5 + 1.5 / len(gap), 1.0))
        return bool(np.median(self.length[self.moved]) > _SPREADS * spread)

    def left_behind(self, least: float) -> NDArray[np.bool_]:
        """(M,) bool, points that stayed though the map moves them by more than ``least`` and than
        the parallax that spreads it could hide."""
        spread = _DEVIATION * float(np.median(self.gap[self.moved]))
        return np.asarray(~self.moved & (self.length > max(least, _SPREADS * spread)))


def left_behind(
    before: NDArray[np.float64], after: NDArray[np.float64], still: float, least: float
) -> NDArray[np.bool_]:
    """Tell points that stay though the motion of the others, carried to them, is a long one.

    About the centre of a turn, where the scene itself stays in place, their map moves nothing.

    Args:
        before, after: (M, 2) the same points in two images.
        still: a point that moved no further than this stayed, unit of the points.
        least: a motion that is to tell something is longer than this.

    Returns:
        (M,) bool; none where too few points move to tell.
    """
    if (np.linalg.norm(after - before, axis=1) > still).all():
        return np.zeros(len(before), dtype=bool)  # without a fit: matches are judged in every frame
    motion = CommonMotion.of(before, after, still)
    return np.zeros(len(before), dtype=bool) if motion is None else motion.left_behind(least)
