"""Keeps a loop to the scene: leaves out what moves with the camera, wants proof of the goal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cns_core.control.probe import Probe
from cns_core.control.scene_check import SceneCheck
from cns_core.geometry.correspondence import Correspondence

_PROBING = "turning a little to see whether what is matched is the scene or moves with the camera"
_MASK = "is a tool or cable in view? leave it out by `mask`"
_ATTACHED = "{} matched keypoints move with the camera and too few others are matched: " + _MASK
_BESIDE = 0.06
"""Normalized plane: what is as near to an attached keypoint is taken for the same thing."""
_FEW = 40
"""Matches of the scene below which a tool is in the way of finding more of them."""
_NO_SCENE = "the motion of {} matched keypoints is that of no scene, left out: " + _MASK
_NOTHING_FOLLOWS = (
    "{} keypoints are matched, but none followed when the camera was turned: either it does not "
    "obey, or " + _MASK
)


class SceneWatch:
    """A :class:`.SceneCheck` and the :class:`.Probe` that helps it, for one episode.

    Where a tool is most of what is matched, an observer may see nothing else: what has been found
    to move with the camera is to be left out of its search. So is what was matched when the probe
    turned and nothing followed, and what led the camera far and was that of no scene.

    Attributes:
        check: what is known of each keypoint.
        left_out: (N,) bool, keypoints that an observer is not to look for; only as many as have to
            be, since nothing more is seen of them.
        remark: what is to be said of the newest frame, empty for nothing.

    Args:
        desired: (N, 2) desired keypoints, normalized plane.
        min_matches: fewer than this are too few to servo by.
    """

    def __init__(self, desired: NDArray[np.float64], min_matches: int) -> None:
        self.check = SceneCheck(desired)
        self._desired = desired
        self.remark = ""
        self.left_out = np.zeros(len(desired), dtype=bool)
        self._min_matches = min_matches
        self._probe = Probe()
        self._stuck = ""

    def scene(
        self, seen: Correspondence, camera_pose: NDArray[np.float64] | None = None
    ) -> tuple[Correspondence, bool]:
        """What of a frame's matches may be servoed by, and whether it may prove the goal.

        Args:
            camera_pose: (4, 4) T_odom_camera when the image was taken; None if it is not measured.
        """
        self._probe.measure(camera_pose)
        scene = self.check.scene(seen)
        proven = self.check.proven(scene)
        if self._probe.fruitless and not proven:
            self._attach(scene, _NOTHING_FOLLOWS)
            self._probe = Probe()
            scene, proven = self.check.scene(seen), False
        if scene.count < _FEW:
            self.left_out = self._beside(self.left_out | self.check.attached)
        few = scene.count < self._min_matches
        self._stuck = self._stuck if few else ""
        without = seen.count - scene.count
        self.remark = self._stuck or (_ATTACHED.format(without) if few and without else "")
        return scene, proven

    def distrust(self, scene: Correspondence) -> None:
        """From the next frame on, leave out matches that :meth:`scene` gave: they are of none."""
        self._attach(scene, _NO_SCENE)
        self.remark = self._stuck

    def _attach(self, scene: Correspondence, why: str) -> None:
        """Leave out all that is matched, and keep saying ``why`` while little else is."""
        self._stuck = why.format(scene.count)
        self.check.attach(scene.matched)

    def _beside(self, attached: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(N,) bool ``attached`` keypoints, and what lies beside them rather than beside the scene.

        A tool has more keypoints than have been matched; they would be, one by one.
        """
        if np.array_equal(attached, self.left_out):
            return self.left_out
        unknown = ~attached & ~self.check.moved
        to_tool = _distance(self._desired[unknown], self._desired[attached])
        to_scene = _distance(self._desired[unknown], self._desired[self.check.moved & ~attached])
        beside = attached.copy()
        beside[unknown] = to_tool < np.minimum(to_scene, _BESIDE)
        return beside

    def turn(self, time_s: float, wanted: bool) -> NDArray[np.float64] | None:
        """(6,) twist of the probe, m/s and rad/s; None where none is under way or ``wanted``."""
        twist = self._probe.twist(time_s, wanted)
        if twist is not None:
            self.remark = _PROBING
        return twist


def _distance(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) of each of (N, 2) points to the nearest of (M, 2) others, inf where there are none."""
    if not len(others):
        return np.full(len(points), np.inf)
    return np.asarray(cKDTree(others).query(points)[0])
