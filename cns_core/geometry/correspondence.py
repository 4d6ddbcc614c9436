"""What an observer gives and a controller takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Correspondence:
    """Every keypoint of the desired image and where it is in the current one.

    Args:
        desired: (N, 2) keypoints of the desired image, undistorted normalized plane.
        current: (N, 2) the same keypoints in the current image; rows not matched are zero.
        matched: (N,) bool, whether ``current`` holds a sighting.

    Raises:
        ValueError: on shapes that disagree or matched rows that are not finite.
    """

    desired: NDArray[np.float64]
    current: NDArray[np.float64]
    matched: np.ndarray

    def __post_init__(self) -> None:
        desired = np.asarray(self.desired, dtype=float)
        matched = np.asarray(self.matched, dtype=bool)
        current = np.asarray(self.current, dtype=float)
        if desired.ndim != 2 or desired.shape[1] != 2:
            raise ValueError(f"desired must be (N, 2), got {desired.shape}")
        if current.shape != desired.shape or matched.shape != desired.shape[:1]:
            raise ValueError(
                f"current must be {desired.shape} and matched {desired.shape[:1]}, "
                f"got {current.shape} and {matched.shape}"
            )
        if not (np.isfinite(desired).all() and np.isfinite(current[matched]).all()):
            raise ValueError("desired keypoints and matched current keypoints must be finite")
        object.__setattr__(self, "desired", desired)
        object.__setattr__(self, "matched", matched)
        object.__setattr__(self, "current", np.where(matched[:, None], current, 0.0))

    @property
    def count(self) -> int:
        """Number of matched keypoints."""
        return int(self.matched.sum())

    @property
    def error(self) -> float:
        """Mean distance of the matched keypoints to their goals, normalized plane; inf if none."""
        if not self.count:
            return float("inf")
        gap = self.current[self.matched] - self.desired[self.matched]
        return float(np.linalg.norm(gap, axis=1).mean())

    def same_target(self, desired: ArrayLike) -> bool:
        """Whether (N, 2) ``desired`` are the keypoints this refers to."""
        return self.desired is desired or np.array_equal(self.desired, desired)
