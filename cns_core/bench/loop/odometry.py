"""What an arm measures of its camera's pose, with what may be wrong in it."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.bench.loop.conditions import Conditions
from cns_core.geometry import se3

NOISE_M, NOISE_RAD = 2e-5, np.radians(0.01)
"""Standard deviation of a measured pose, along and about each axis."""

_STAY_S = (0.4, 1.6)
"""How long a loose mount rests at either end of its play, at least and at most."""


class Odometry:
    """Measures poses in the frame of the first one.

    Args:
        conditions: scale of what is told, and the mount's play.
        seed: of the noise and the play.
    """

    def __init__(self, conditions: Conditions, seed: tuple[int, ...]) -> None:
        self._rng = np.random.default_rng(seed)
        self._scale = conditions.odometry_scale
        self._frozen = conditions.odometry_scale == 0.0
        direction = self._rng.normal(size=3)
        self._play = 1e-3 * conditions.odometry_step_mm * direction / np.linalg.norm(direction)
        self._aside = False
        self._until_s = self._rng.uniform(*_STAY_S)
        self._T_first: np.ndarray | None = None

    def measure(self, T: np.ndarray, time_s: float) -> np.ndarray:
        """(4, 4) pose as measured of a camera that was at ``T`` (4, 4), at a time that does not
        run backwards.

        A frozen odometry tells the first pose for ever.
        """
        if self._T_first is None:
            self._T_first = T
        while time_s >= self._until_s:
            self._aside = not self._aside
            self._until_s += self._rng.uniform(*_STAY_S)
        told = (self._T_first if self._frozen else T).copy()
        start = self._T_first[:3, 3]
        told[:3, 3] = start + self._scale * (T[:3, 3] - start) + self._aside * self._play
        turn = Rotation.from_rotvec(self._rng.normal(0.0, NOISE_RAD, 3))
        return told @ se3.pose(turn, self._rng.normal(0.0, NOISE_M, 3))
