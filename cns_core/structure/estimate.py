"""What is known of the way to the goal, and how well."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaincinv

from cns_core.geometry import se3
from cns_core.geometry.rotation import rotation_matrices, rotation_vector

_PROBABILITY = 0.95


@dataclass(frozen=True)
class Estimate:
    """The way to the goal as structure tells it.

    Attributes:
        motion: (6,) translation (m) and rotation vector (rad) of the desired camera in the current
            camera's frame; what a straight way has left.
        covariance: (6, 6) of its error, as the residuals tell it: what the bounds follow from.
        scale: m, from the desired camera to the centre of the points it sees.
        scale_deviation: m, standard deviation of ``scale``.
        good: number of points it rests on.
        explained: share of the sightings of known points that the map explains.
        expected: (6, 6) of its error, as is to be expected before the residuals are looked at: what
            decides when the way is taken. None for the same as ``covariance``.
        agreeing: share of all that is matched that the goal explains.
    """

    motion: np.ndarray
    covariance: np.ndarray
    scale: float
    scale_deviation: float
    good: int
    explained: float
    expected: np.ndarray | None = None
    agreeing: float = 1.0

    @property
    def translation_m(self) -> float:
        """Distance to the goal."""
        return float(np.linalg.norm(self.motion[:3]))

    @property
    def rotation_rad(self) -> float:
        """Angle to the goal."""
        return float(np.linalg.norm(self.motion[3:]))

    @property
    def deviation(self) -> float:
        """Expected deviation of the motion, translation over the scale and rotation in rad."""
        expected = self.covariance if self.expected is None else self.expected
        translation, rotation = expected[:3, :3], expected[3:, 3:]
        return float(np.sqrt(np.trace(translation) / self.scale**2 + np.trace(rotation)))

    @property
    def size(self) -> float:
        """Length of the motion, measured as ``deviation``."""
        return float(np.hypot(self.translation_m / self.scale, self.rotation_rad))

    def after(self, moved: np.ndarray) -> Estimate:
        """The same once the camera has moved by (6,) ``moved``, m and rad in its own frame."""
        T_current_goal = se3.pose(rotation_matrices(self.motion[None, 3:])[0], self.motion[:3])
        return replace(self, motion=straight_motion(se3.inverse(se3.exp(moved)) @ T_current_goal))

    def translation_bound_m(self) -> float:
        """What the error of the translation stays below with 95 % probability."""
        return bound(self.covariance[:3, :3])

    def rotation_bound_rad(self) -> float:
        """What the error of the rotation stays below with 95 % probability."""
        return bound(self.covariance[3:, 3:])


def straight_motion(T_current_goal: np.ndarray) -> np.ndarray:
    """(6,) translation (m) and rotation vector (rad) of a (4, 4) pose."""
    return np.concatenate([T_current_goal[:3, 3], rotation_vector(T_current_goal[:3, :3])])


def bound(covariance: np.ndarray) -> float:
    """95 % quantile of the length of a zero-mean Gaussian vector (Satterthwaite's approximation).

    Args:
        covariance: (3, 3).
    """
    total = float(np.trace(covariance))
    squared = float(np.sum(covariance**2))
    if total <= 0.0:
        return 0.0
    freedom = total**2 / squared
    quantile = 2.0 * gammaincinv(0.5 * freedom, _PROBABILITY)  # of chi squared
    return float(np.sqrt(quantile * total / freedom))
