"""What the other examples drive: a camera that moves as it is told before a rendered scene."""

import numpy as np

from cns_core import PinholeCamera
from cns_core.geometry import se3
from cns_core.twin.world.scene import Scene

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
GOAL = se3.look_at([0.0, -0.15, 0.6], [0.0, 0.0, 0.05])
PERIOD_S = 0.04


class MovingCamera:
    """Stands where the picture was taken, until it is moved."""

    def __init__(self, seed: int = 0):
        self._scene = Scene(seed)
        self.pose = GOAL

    def image(self) -> np.ndarray:
        """(480, 640, 3) uint8 BGR image of what the camera sees."""
        return self._scene.render(self.pose, CAMERA)

    def jump(self, twist: list[float]) -> None:
        """Be somewhere else: (6,) twist [v, w] of one second, m/s and rad/s, optical frame."""
        self.pose = self.pose @ se3.exp(twist)

    def move(self, twist: np.ndarray) -> None:
        """Move for one period by a (6,) twist."""
        self.pose = self.pose @ se3.exp(PERIOD_S * twist)

    def error(self) -> str:
        """How far the camera is from the goal."""
        degrees = se3.rotation_error_deg(self.pose, GOAL)
        millimetres = 1e3 * se3.translation_error_m(self.pose, GOAL)
        return f"{degrees:.2f} deg, {millimetres:.1f} mm from the goal"
