"""Position-based visual servoing from a known relative pose: supervision and upper bound."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.control.controller import Controller
from cns_core.geometry.correspondence import Correspondence


def pbvs_twist(T_desired_current: NDArray[np.float64]) -> NDArray[np.float64]:
    """(6,) twist [v, w], m/s and rad/s, straight to the desired pose at gain 1.

    The translation goes to zero along a line in the desired frame, the rotation along a geodesic
    (Chaumette and Hutchinson, "Visual servo control, Part I", 2006, Eq. 35).

    Args:
        T_desired_current: (4, 4) pose of the current camera in the desired camera's frame, in m.
    """
    R, t = T_desired_current[:3, :3], T_desired_current[:3, 3]
    return np.concatenate([-R.T @ t, -Rotation.from_matrix(R).as_rotvec()])


class PbvsController(Controller):
    """PBVS behind the common controller interface, fed by a pose source instead of keypoints.

    Args:
        relative_pose: called each frame, returns the (4, 4) pose of the current camera in the
            desired camera's frame, in m: ground truth, or a pose estimate.
        distance_m: distance from the desired camera to the scene; the depth prior the caller
            applies, so that the two cancel.

    Raises:
        ValueError: if ``distance_m`` is not positive and finite.
    """

    min_matches = 0

    def __init__(self, relative_pose: Callable[[], NDArray[np.float64]], distance_m: float) -> None:
        if not (np.isfinite(distance_m) and distance_m > 0):
            raise ValueError(f"distance_m must be positive and finite, got {distance_m!r}")
        self._relative_pose = relative_pose
        self._distance_m = float(distance_m)

    def start(self, desired: NDArray[np.float64]) -> None:
        """Nothing to prepare: the pose source knows its goal."""

    def velocity(self, correspondence: Correspondence | None) -> NDArray[np.float64]:
        """(6,) twist [v/d, w]; the correspondence is not looked at."""
        twist = pbvs_twist(self._relative_pose())
        twist[:3] /= self._distance_m
        return twist
