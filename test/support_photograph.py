"""A camera before a photograph, and views of it from aside."""

import cv2
import numpy as np

from cns_core.geometry.camera import PinholeCamera

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)


def tilted(angle_deg):
    """Homography of a view from aside of the photograph's plane."""
    R = cv2.Rodrigues(np.array([0.0, np.radians(angle_deg), 0.0]))[0]
    move = R - np.outer(R @ (0, 0, 1.0) - (0, 0, 1.0), (0, 0, 1.0))
    return CAMERA.matrix @ move @ np.linalg.inv(CAMERA.matrix)
