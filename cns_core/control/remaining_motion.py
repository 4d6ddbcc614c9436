"""How far the camera still is from the goal, estimated from the keypoints alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.interaction_matrix import mean_interaction_matrix

_ROUNDS = 4
_TUKEY = 4.685
_STIFFNESS = 1e-6


@dataclass(frozen=True)
class RemainingMotion:
    """Camera motion left near the goal, for a scene at depth 1.

    Attributes:
        twist: (6,) [v/d, w], depths and rad.
        deviation: standard deviation of the length of ``twist``, from the fit's own residuals.
    """

    twist: NDArray[np.float64]
    deviation: float

    @property
    def size(self) -> float:
        """Length of the twist: translation in depths and rotation in rad weigh alike."""
        return float(np.linalg.norm(self.twist))


def estimate(
    desired: NDArray[np.float64],
    current: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
) -> RemainingMotion:
    """Fit the motion that explains small keypoint displacements, outliers discounted.

    Linear in the displacement, ``current - desired = L twist`` (Chaumette and Hutchinson 2006,
    Eq. 11), so meaningful near the goal only. Iteratively reweighted with Tukey's biweight.

    Args:
        desired, current: (M, 2) matched keypoints, normalized plane, M >= 4.
        weight: (M,) of the keypoints, see :attr:`.Correspondence.weight`; None for all the same.
    """
    L = mean_interaction_matrix(current, desired)
    gap = (current - desired).ravel()
    own = np.ones(len(gap)) if weight is None else np.repeat(weight / weight.mean(), 2)
    total = own
    for _ in range(_ROUNDS):
        weighted = L * total[:, None]
        normal = L.T @ weighted + _STIFFNESS * np.eye(6)
        twist = np.linalg.solve(normal, weighted.T @ gap)
        distance = np.linalg.norm((gap - L @ twist).reshape(-1, 2), axis=1)
        scale = np.median(distance) / 1.1774 + 1e-9
        bounded = np.minimum(distance / (_TUKEY * scale), 1.0)
        total = own * np.repeat((1.0 - bounded**2) ** 2, 2)
    covariance = scale**2 * np.linalg.inv(normal)
    return RemainingMotion(twist, float(np.sqrt(np.trace(covariance))))
