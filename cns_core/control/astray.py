"""Matches that no rigid scene explains, however far the camera has gone by them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence

_SHARE = 0.5
"""Of the distance to the scene, gone by matches that tell nothing of where anything is. Scenes tell
it within a tenth, and with a bad hand-eye calibration within a third."""
_JUMP = 0.1
"""Of the same, in one frame: that is no way gone but a pose that jumps."""
_FRAMES = 25
_FALLEN, _MANY = 0.75, 40
"""Of the error, and matches: so much nearer to the goal, or with so many that agree, it is not the
matches that are wrong but the poses measured."""
_TIMES = 3
"""So often other matches are tried; then the episode has gone astray."""


class Astray:
    """Watches whether the camera follows matches that its own motion contradicts.

    A tool that repeats itself, matched with another part of itself, is neither in its place nor a
    scene: the error hardly falls, and the camera follows it for metres.
    """

    def __init__(self) -> None:
        self._from: NDArray[np.float64] | None = None
        self._last = np.eye(4)
        self._error = np.inf
        self._frames = self._happened = 0

    @property
    def final(self) -> bool:
        """Whether it has been found often enough to give up."""
        return self._happened >= _TIMES

    def interrupt(self) -> None:
        """The camera may have gone anywhere, and not by matches."""
        self._from = None

    def found(
        self,
        camera_pose: NDArray[np.float64] | None,
        seen: Correspondence,
        explained: bool,
        distance_m: float,
    ) -> bool:
        """Take a frame that is servoed by; whether its matches are to be left out.

        Args:
            camera_pose: (4, 4) in any fixed frame, None where it is not measured.
            explained: whether the matches tell where the scene is.
            distance_m: to the scene, rather too much than too little.
        """
        if camera_pose is None:
            self.interrupt()
            return False
        jumped = se3.translation_error_m(self._last, camera_pose) > _JUMP * distance_m
        many, nearer = seen.count >= _MANY, seen.error < _FALLEN * self._error
        self._last = camera_pose
        if explained or many or nearer or jumped or self._from is None:
            self._begin(camera_pose, seen.error)
            return False
        self._frames += 1
        gone_m = se3.translation_error_m(self._from, camera_pose)
        if self._frames < _FRAMES or gone_m < _SHARE * distance_m:
            return False
        self._begin(camera_pose, seen.error)
        self._happened += 1
        return True

    def _begin(self, camera_pose: NDArray[np.float64], error: float) -> None:
        self._from, self._error, self._frames = camera_pose, error, 0
