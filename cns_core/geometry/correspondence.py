"""What an observer gives and a controller takes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

_MOST_WEIGHT = 4.0


@dataclass(frozen=True)
class Correspondence:
    """Every keypoint of the desired image and where it is in the current one.

    Args:
        desired: (N, 2) keypoints of the desired image, undistorted normalized plane.
        current: (N, 2) the same keypoints in the current image; rows not matched are zero.
        matched: (N,) bool, whether ``current`` holds a sighting.
        deviation: (N,) standard deviation of ``current`` along one axis, normalized plane: times
            the camera's focal length it is in pixels. NaN where nothing is known of it, as in the
            rows not matched; one number stands for all of them.

    Raises:
        ValueError: on shapes that disagree, matched rows that are not finite or deviations of
            theirs that are not positive.
    """

    desired: NDArray[np.float64]
    current: NDArray[np.float64]
    matched: np.ndarray
    deviation: NDArray[np.float64] = field(default_factory=lambda: np.array(np.nan))

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
        deviation = np.asarray(self.deviation, dtype=float)
        if deviation.shape not in ((), matched.shape):
            raise ValueError(f"deviation must be {matched.shape}, got {deviation.shape}")
        deviation = np.where(matched, deviation, np.nan)
        if (deviation[matched] <= 0.0).any() or np.isinf(deviation[matched]).any():
            raise ValueError("deviations of matched keypoints must be positive and finite, or NaN")
        object.__setattr__(self, "deviation", deviation)
        object.__setattr__(self, "desired", desired)
        object.__setattr__(self, "matched", matched)
        object.__setattr__(self, "current", np.where(matched[:, None], current, 0.0))

    @property
    def count(self) -> int:
        """Number of matched keypoints."""
        return int(self.matched.sum())

    @property
    def weight(self) -> NDArray[np.float64]:
        """(N,) in least squares, 1 for a matched keypoint of the usual deviation or an unknown one.

        None counts more than a few times the usual, as deviations are only estimated.
        """
        if not np.isfinite(self.deviation).any():
            return np.ones(len(self.matched))
        share = np.nanmedian(self.deviation) / self.deviation
        return np.where(np.isfinite(share), np.minimum(share**2, _MOST_WEIGHT), 1.0)

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
