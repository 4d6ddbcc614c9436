"""A small turn to and fro that shows what in the image moves with the camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_RATE_RAD_S, _QUARTER_S = 0.12, 0.3
_SIGNS = (1.0, -1.0, -1.0, 1.0)
_AXES = (4, 3, 4)
"""A turn needs no depth to be small: 0.036 rad, some twenty pixels, about y, x and y again."""


class Probe:
    """Turns the camera while the goal seems reached and nothing tells it from a tool in view.

    Attributes:
        fruitless: whether all of the turns were made and nothing followed.
    """

    def __init__(self) -> None:
        self.fruitless = False
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
        if self._turns == len(_AXES):
            self.fruitless = True
            return None
        self._began_s = time_s
        return self._turn(_SIGNS[0])

    def _turn(self, sign: float) -> NDArray[np.float64]:
        twist = np.zeros(6)
        twist[_AXES[self._turns]] = sign * _RATE_RAD_S
        return twist
