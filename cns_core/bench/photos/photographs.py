"""Photographs that scikit-image and scikit-learn ship, at the camera's size."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from skimage import data
from sklearn.datasets import load_sample_image

from cns_core.geometry.camera import PinholeCamera

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=319.5, cy=239.5)
SETS = {
    "tuning": ("china.jpg", "coffee", "camera", "gravel"),
    "report": ("astronaut", "cat", "rocket", "motorcycle"),
}
"""Settings are chosen by the first set; what is reported comes from the second."""
STEREO_FOCAL_PX = 995.0
"""Of the stereo pair at its size here (Scharstein et al., GCPR 2014: 3979.9 at four times it)."""


@cache
def photograph(name: str) -> np.ndarray:
    """A photograph by name, (960, 1280, 3) uint8 BGR: twice the camera's size, filled and cut."""
    if name.endswith(".jpg"):
        rgb = load_sample_image(name)
    elif name == "motorcycle":
        rgb = data.stereo_motorcycle()[0]
    else:
        rgb = getattr(data, name)()
    bgr = cv2.cvtColor(rgb, cv2.COLOR_GRAY2BGR if rgb.ndim == 2 else cv2.COLOR_RGB2BGR)
    height, width = 2 * CAMERA.height, 2 * CAMERA.width
    scale = max(height / bgr.shape[0], width / bgr.shape[1])
    shape = round(bgr.shape[1] * scale), round(bgr.shape[0] * scale)
    large = cv2.resize(bgr, shape, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    top, left = (large.shape[0] - height) // 2, (large.shape[1] - width) // 2
    return large[top : top + height, left : left + width].copy()


@cache
def stereo_pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``(left, right, disparity)``: (480, 640, 3) uint8 BGR twice, (480, 640) px, not finite where
    unknown.

    A pixel at x of the left image is at x minus its disparity in the right one.
    """
    left, right, disparity = data.stereo_motorcycle()
    top, start = (left.shape[0] - CAMERA.height) // 2, (left.shape[1] - CAMERA.width) // 2
    cut = slice(top, top + CAMERA.height), slice(start, start + CAMERA.width)
    return left[cut][:, :, ::-1].copy(), right[cut][:, :, ::-1].copy(), disparity[cut].copy()
