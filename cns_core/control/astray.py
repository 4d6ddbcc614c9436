"""Matches that no rigid scene explains, however far the camera has gone by them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.correspondence import Correspondence

_SHARE = 0.5
"""Of the distance to the scene, gone by matches that tell nothing of where anything is. Scenes tell
it within a tenth, and with a prior of a quarter or a bad hand-eye calibration within a third."""
_FALLEN, _MANY = 0.75, 40
"""Of the error, and matches: so much nearer to the goal, or with so many that agree, it is not the
matches that are wrong but the poses measured."""
_FRAMES = 25
"""A pose that jumps is no way gone."""
_TIMES = 3
"""So often other matches are tried; then the episode has gone astray."""


class Astray:
    """Watches whether the camera follows matches that its own motion contradicts.

    A tool that repeats itself, matched with another part of itself, is neither in its place nor a
    scene: the error never falls, and the camera follows it for metres.
    """

    def __init__(self) -> None:
        self._from: NDArray[np.float64] | None = None
        self._error = np.inf
        self._frames = self._happened = 0

    @property
    def final(self) -> bool:
        """Whether it has been found often enough to give up."""
        return self._happened >= _TIMES

    def found(
        self,
        camera_pose: NDArray[np.float64] | None,
        seen: Correspondence,
        explained: bool,
        distance_m: float,
    ) -> bool:
        """Take a frame that may be servoed by; whether its matches are to be left out.

        Args:
            camera_pose: (4, 4) in any fixed frame, None where it is not measured.
            explained: whether the matches tell where the scene is.
            distance_m: to the scene, as far as that is known.
        """
        if camera_pose is None:
            return False
        many, nearer = seen.count >= _MANY, seen.error < _FALLEN * self._error
        if explained or many or nearer or self._from is None:
            self._begin(camera_pose, seen.error)
            return False
        self._frames += 1
        gone_m = np.linalg.norm(camera_pose[:3, 3] - self._from[:3, 3])
        if self._frames < _FRAMES or gone_m < _SHARE * distance_m:
            return False
        self._begin(camera_pose, seen.error)
        self._happened += 1
        return True

    def _begin(self, camera_pose: NDArray[np.float64], error: float) -> None:
        self._from, self._error, self._frames = camera_pose, error, 0
