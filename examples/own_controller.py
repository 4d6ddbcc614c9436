"""A controller of your own in one file: anything with ``start`` and ``velocity``.

This one first turns, as the keypoints' directions tell, and then comes near by IBVS; it is meant to
be read, not to be good.

    python examples/own_controller.py
"""

import numpy as np
from moving_camera import CAMERA, PERIOD_S, MovingCamera
from scipy.spatial.transform import Rotation

from cns_core import Correspondence, VisualServo
from cns_core.control.ibvs import IbvsController

_TURNED_RAD = 0.1


class TurnFirst:
    """The camera turns until its view is nearly upright, then IBVS takes over."""

    min_matches = 6
    graph = None  # nothing to draw
    terminal_share = 0.0  # no correction near the goal

    def __init__(self) -> None:
        self._ibvs = IbvsController()

    def start(self, desired: np.ndarray) -> None:
        """Begin towards (N, 2) desired keypoints, normalized plane."""
        self._ibvs.start(desired)

    def velocity(self, correspondence: Correspondence) -> np.ndarray:
        """(6,) twist [v/d, w] in 1/s and rad/s, optical frame, gain 1."""
        seen = correspondence.matched
        turn = _turn(correspondence.desired[seen], correspondence.current[seen])
        if np.linalg.norm(turn) > _TURNED_RAD:
            return np.concatenate([np.zeros(3), -turn])
        return self._ibvs.velocity(correspondence)


def _turn(desired: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Rotation vector of the camera's turn that explains the directions best."""
    rays = [np.column_stack([points, np.ones(len(points))]) for points in (desired, current)]
    rays = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in rays]
    return Rotation.align_vectors(*rays)[0].as_rotvec()


if __name__ == "__main__":
    camera = MovingCamera(seed=1)
    with VisualServo(CAMERA, controller=TurnFirst()) as servo:
        servo.set_desired(camera.image(), depth_prior=0.6)
        camera.jump([0.03, 0.02, -0.05, 0.05, -0.05, 0.8])
        print("start:", camera.error())
        for frame in range(900):
            step = servo.step(camera.image(), time=frame * PERIOD_S)
            camera.move(step.twist)
            if step.status == "converged":
                break
    print(f"{step.status}: {camera.error()}")
