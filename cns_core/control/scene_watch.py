"""Keeps a loop to the scene: leaves out what moves with the camera, wants proof of the goal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cns_core.control.probe import Probe
from cns_core.control.scene_check import SceneCheck
from cns_core.geometry.correspondence import Correspondence

_PROBING = "turning a little to see whether what is matched is the scene or moves with the camera"
_MASK = "is a tool or cable in view? leave it out by `mask`"
_ATTACHED = "{} matched keypoints move with the camera and too few others are matched: " + _MASK
_NOTHING_FOLLOWS = (
    "{} keypoints are matched, but none followed when the camera was turned: either it does not "
    "obey, or " + _MASK
)


class SceneWatch:
    """A :class:`.SceneCheck` and the :class:`.Probe` that helps it, for one episode.

    Attributes:
        check: what is known of each keypoint.
        remark: what is to be said of the newest frame, empty for nothing.

    Args:
        desired: (N, 2) desired keypoints, normalized plane.
        min_matches: fewer than this are too few to servo by.
    """

    def __init__(self, desired: NDArray[np.float64], min_matches: int) -> None:
        self.check = SceneCheck(desired)
        self.remark = ""
        self._min_matches = min_matches
        self._probe = Probe()

    def scene(self, seen: Correspondence) -> tuple[Correspondence, bool]:
        """What of a frame's matches may be servoed by, and whether it may prove the goal."""
        scene = self.check.scene(seen)
        proven = self.check.proven(scene)
        self.remark = ""
        if self._probe.fruitless and not proven:
            self.remark = _NOTHING_FOLLOWS.format(seen.count)
            return replace(seen, matched=np.zeros(len(seen.desired), dtype=bool)), False
        left_out = seen.count - scene.count
        if left_out and scene.count < self._min_matches:
            self.remark = _ATTACHED.format(left_out)
        return scene, proven

    def turn(self, time_s: float, wanted: bool) -> NDArray[np.float64] | None:
        """(6,) twist of the probe, m/s and rad/s; None where none is under way or ``wanted``."""
        twist = self._probe.twist(time_s, wanted)
        if twist is not None:
            self.remark = _PROBING
        return twist
