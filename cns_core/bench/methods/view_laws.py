"""Laws on the motion between two views: position-based, 2 1/2 D, and switching with IBVS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from cns_core.bench.methods.scaled_motion import FEWEST, ScaledMotion, scaled_motion
from cns_core.control.controller import Controller, require_matches
from cns_core.control.ibvs import IbvsController
from cns_core.control.pbvs import pbvs_twist
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence

LARGEST_TURN_RAD, LARGEST_WAY = 0.35, 0.35
"""Pose error, in rad and depths, from which on IBVS hands over."""
LARGEST_IMAGE_ERROR = 0.5
"""Mean keypoint error, normalized plane, from which on PBVS hands over: views part."""


class ViewLaw(Controller):
    """Asks two views for their motion; zero where the matches determine none."""

    min_matches = FEWEST

    def start(self, desired: NDArray[np.float64]) -> None:
        """Nothing to prepare: every frame stands for itself."""

    def velocity(self, correspondence: Correspondence) -> NDArray[np.float64]:
        """(6,) twist [v/d, w], camera optical frame, gain 1.

        Raises:
            ValueError: with fewer than eight matched keypoints.
        """
        require_matches(self, correspondence)
        seen = correspondence.matched
        desired, current = correspondence.desired[seen], correspondence.current[seen]
        motion = scaled_motion(desired, current)
        return np.zeros(6) if motion is None else self._answer(motion, desired, current)

    def _answer(
        self, motion: ScaledMotion, desired: NDArray[np.float64], current: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The twist for a motion and the (K, 2) matches that it was found from."""
        raise NotImplementedError


class ViewPbvs(ViewLaw):
    """PBVS whose translation has the length that the depth prior gives it."""

    def _answer(
        self, motion: ScaledMotion, desired: NDArray[np.float64], current: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return _pbvs(motion)


class TwoAndAHalfD(ViewLaw):
    """2 1/2 D visual servoing (Malis, Chaumette and Boudet 1999).

    The features are the image point and the logarithm of the depth ratio of one reference keypoint,
    which the translation controls, and the rotation. The reference is the matched keypoint that is
    nearest to the middle of the desired ones.
    """

    def _answer(
        self, motion: ScaledMotion, desired: NDArray[np.float64], current: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        middle = desired.mean(axis=0)
        reference = int(np.linalg.norm(desired - middle, axis=1).argmin())
        (x, y), ratio = current[reference], max(motion.ratios[reference], 1e-3)
        error = np.array([*(current[reference] - desired[reference]), np.log(ratio)])
        w = Rotation.from_matrix(motion.R).as_rotvec()
        # Eq. 23 to 26 of Chaumette and Hutchinson, "Visual servo control, Part II", 2007.
        L_v = np.array([[-1.0, 0.0, x], [0.0, -1.0, y], [0.0, 0.0, -1.0]]) / ratio
        L_w = np.array([[x * y, -(1.0 + x**2), y], [1.0 + y**2, -x * y, -x], [-y, x, 0.0]])
        return np.concatenate([-np.linalg.solve(L_v, error + L_w @ w), w])


class Switching(ViewLaw):
    """IBVS and PBVS in turn, as the state of either asks for (Gans and Hutchinson 2007).

    IBVS serves until the pose is farther off than it can be trusted with, then PBVS until the
    keypoints are farther off than stay in view.
    """

    def __init__(self) -> None:
        self._ibvs = IbvsController()
        self._by_image = True

    def start(self, desired: NDArray[np.float64]) -> None:
        """Begin by IBVS."""
        self._by_image = True

    def _answer(
        self, motion: ScaledMotion, desired: NDArray[np.float64], current: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        turn = Rotation.from_matrix(motion.R).magnitude()
        far = turn > LARGEST_TURN_RAD or np.linalg.norm(motion.t) > LARGEST_WAY
        wide = np.linalg.norm(current - desired, axis=1).mean() > LARGEST_IMAGE_ERROR
        if self._by_image and far and not wide:
            self._by_image = False
        elif not self._by_image and (wide or not far):
            self._by_image = True
        if not self._by_image:
            return _pbvs(motion)
        return self._ibvs.velocity(
            Correspondence(desired, current, np.ones(len(desired), dtype=bool))
        )


def _pbvs(motion: ScaledMotion) -> NDArray[np.float64]:
    return pbvs_twist(se3.inverse(se3.pose(motion.R, motion.t)))
