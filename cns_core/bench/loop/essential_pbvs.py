"""PBVS from two views alone: what a user without depth or a model would do."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from cns_core.bench.loop.environments import MATCH_TOLERANCE
from cns_core.control.controller import Controller
from cns_core.control.pbvs import pbvs_twist
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.homogeneous import homogeneous
from cns_core.geometry.two_views import fit_two_views

_FEWEST = 8
_PLANAR_SHARE = 0.9


class EssentialPbvsController(Controller):
    """Estimates the relative pose from the matches; its scale must be given.

    The essential matrix gives the pose, or a homography where it explains the matches nearly as
    well: in front of a plane and without parallax the essential matrix is undetermined.

    Args:
        baseline_m: called each frame, returns the true distance between the two cameras, in m.
        distance_m: the depth prior that the caller applies, so that the two cancel.
    """

    min_matches = _FEWEST

    def __init__(self, baseline_m: Callable[[], float], distance_m: float) -> None:
        self._baseline_m = baseline_m
        self._distance_m = distance_m

    def start(self, desired: np.ndarray) -> None:
        """Nothing to prepare: every frame stands for itself."""

    def velocity(self, correspondence: Correspondence) -> np.ndarray:
        """(6,) twist [v/d, w]; zero where the matches determine no pose.

        Raises:
            ValueError: with fewer than eight matched keypoints.
        """
        if correspondence.count < _FEWEST:
            raise ValueError(f"need {_FEWEST} matched keypoints, got {correspondence.count}")
        found = relative_pose(
            correspondence.desired[correspondence.matched],
            correspondence.current[correspondence.matched],
        )
        if found is None:
            return np.zeros(6)
        R, direction = found
        T_current_desired = se3.pose(R, self._baseline_m() * direction)
        twist = pbvs_twist(se3.inverse(T_current_desired))
        twist[:3] /= self._distance_m
        return twist


def relative_pose(desired: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Pose of the desired camera in the current one from (K, 2) matches, normalized plane.

    Returns:
        (3, 3) rotation and (3,) unit translation (zero if none is seen), or None.
    """
    seen = fit_two_views(desired, current, MATCH_TOLERANCE, _PLANAR_SHARE)
    if seen.homography is not None:
        return _from_homography(seen.homography, desired[seen.agree])
    if seen.essential is None:
        return None
    mask = seen.agree.astype(np.uint8)[:, None]
    _, R, t, _ = cv2.recoverPose(seen.essential, desired, current, np.eye(3), mask=mask)
    return R, t[:, 0]


def _from_homography(H: np.ndarray, desired: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the decompositions with the plane in front, the one whose plane faces the camera most."""
    count, rotations, translations, normals = cv2.decomposeHomographyMat(H, np.eye(3))
    rays = homogeneous(desired)
    in_front = [np.mean(rays @ normals[i] > 0) for i in range(count)]
    best = max(range(count), key=lambda i: (round(in_front[i], 1), normals[i][2, 0]))
    length = float(np.linalg.norm(translations[best]))
    return rotations[best], translations[best][:, 0] / max(length, 1e-9)
