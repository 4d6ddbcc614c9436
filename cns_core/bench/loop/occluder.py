"""What may swing between the camera and the scene."""

from __future__ import annotations

import numpy as np

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.solid import Solid, prism

_PERIOD_S = 4.0
_DISTANCE_M = 0.15


class Occluder:
    """A board that swings to and fro before the camera and covers a third of its image."""

    def __init__(self, rng: np.random.Generator, camera: PinholeCamera) -> None:
        width_m = _DISTANCE_M * camera.width / camera.fx
        height_m = _DISTANCE_M * camera.height / camera.fy
        corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
        self._solid = prism(rng, corners * (width_m / 6, height_m), 0.001)
        self._swing_m = width_m / 3
        self._phase = rng.uniform(0, 2 * np.pi)

    def before(self, T: np.ndarray, time_s: float) -> Solid:
        """The board before a camera at (4, 4) ``T``."""
        x = self._swing_m * np.sin(2 * np.pi * time_s / _PERIOD_S + self._phase)
        return self._solid.at(T @ se3.pose(translation=(x, 0.0, _DISTANCE_M)))
