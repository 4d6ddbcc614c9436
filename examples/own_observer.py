"""An observer of your own in one file: anything that finds the desired keypoints again.

This one takes corners and follows them by optical flow from frame to frame; it never finds again
what it has lost.

    python examples/own_observer.py
"""

import cv2
import numpy as np
from moving_camera import CAMERA, PERIOD_S, MovingCamera

from cns_core import Correspondence, PinholeCamera, VisualServo


class FlowObserver:
    """Corners of the desired image, followed by Lucas and Kanade's method, forth and back."""

    def __init__(self, camera: PinholeCamera):
        self.camera = camera
        self.desired: np.ndarray | None = None

    def set_desired(self, image: np.ndarray) -> None:
        """Take a (H, W, 3) uint8 image as the goal; ValueError if it shows too little."""
        self._last = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        corners = cv2.goodFeaturesToTrack(self._last, 200, 0.01, 8)
        if corners is None or len(corners) < 8:
            raise ValueError("desired image shows too few corners")
        self._pixels = corners[:, 0]
        self._alive = np.ones(len(self._pixels), bool)
        self.desired = self.camera.normalize(self._pixels)

    def observe(self, image: np.ndarray) -> Correspondence:
        """Where the desired keypoints are in the next image."""
        if self.desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        ahead, found, _ = cv2.calcOpticalFlowPyrLK(self._last, grey, self._pixels, None)
        back, again, _ = cv2.calcOpticalFlowPyrLK(grey, self._last, ahead, None)
        gone = np.linalg.norm(back - self._pixels, axis=1) > 0.5
        self._alive &= (found[:, 0] & again[:, 0] > 0) & ~gone
        self._pixels, self._last = ahead, grey
        return Correspondence(self.desired, self.camera.normalize(ahead), self._alive)

    def prepare(self) -> None:
        """Nothing to do between two images."""

    def close(self) -> None:
        """Nothing runs in the background."""


if __name__ == "__main__":
    camera = MovingCamera(seed=2)
    with VisualServo(CAMERA, observer=FlowObserver(CAMERA)) as servo:
        servo.set_desired(camera.image(), depth_prior=0.6)
        for _ in range(40):  # flow follows only small steps: the way out is filmed as well
            camera.move(np.array([0.05, 0.03, -0.06, 0.05, -0.08, 0.3]))
            servo.observer.observe(camera.image())
        print("start:", camera.error())
        for frame in range(600):
            step = servo.step(camera.image(), time=frame * PERIOD_S)
            camera.move(step.twist)
            if step.status == "converged":
                break
    print(f"{step.status}: {camera.error()}")
