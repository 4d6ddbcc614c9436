"""A small turn to and fro that shows what in the image moves with the camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cns_core.geometry import se3

_RATE_RAD_S, _QUARTER_S = 0.12, 0.4
_SIGNS = (1.0, -1.0, -1.0, 1.0)
_AXES = (4, 3, 4)
"""A turn needs no depth to be small: 0.048 rad, about y, x and y again: thirty pixels. At eight
images a second three of them are far enough from its beginning to tell what followed."""
_TURNED_DEG, _TURNED_IMAGES = 1.2, 3
"""Half of a turn. Where so much was measured in so many images, the arm has obeyed."""


class Probe:
    """Turns the camera while the goal seems reached and nothing tells it from a tool in view.

    Attributes:
        fruitless: whether a turn was made, as measured poses tell, and nothing followed; without
            them, whether all of the turns were told and nothing followed.
    """

    def __init__(self) -> None:
        self.fruitless = False
        self._turned_images = 0
        self._first: NDArray[np.float64] | None = None
        self._turns = 0
        self._began_s: float | None = None

    def twist(self, time_s: float, wanted: bool) -> NDArray[np.float64] | None:
        """(6,) twist of the turn under way, m/s and rad/s; None where there is none.

        Args:
            wanted: begin a turn, unless one is under way.
        """
        if self._began_s is not None:
            quarter = int((time_s - self._began_s) / _QUARTER_S)
            if quarter < len(_SIGNS):
                return self._turn(_SIGNS[quarter])
            self._began_s = None
            self._turns += 1
        if not wanted:
            return None
        if self._turns == len(_AXES) or self._turned_images >= _TURNED_IMAGES:
            self.fruitless = True
            return None
        self._began_s = time_s
        return self._turn(_SIGNS[0])

    def measure(self, camera_pose: NDArray[np.float64] | None) -> None:
        """Note where the camera is, (4, 4) in any fixed frame, or None where nothing tells."""
        if self._began_s is None or camera_pose is None:
            self._first = None
            return
        if self._first is None:
            self._first = camera_pose
        turned_deg = se3.rotation_error_deg(self._first, camera_pose)
        self._turned_images += turned_deg > _TURNED_DEG

    def _turn(self, sign: float) -> NDArray[np.float64]:
        twist = np.zeros(6)
        twist[_AXES[self._turns]] = sign * _RATE_RAD_S
        return twist
