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

_STEREO_FX, _STEREO_MIDDLE = 994.978, (311.193, 254.877)
STEREO_OFFSET_PX, STEREO_BASELINE_M = 31.086, 0.193001
"""What a disparity lacks where the cameras' principal points differ, and the cameras' distance."""


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


@cache
def stereo_depth() -> tuple[np.ndarray, np.ndarray, PinholeCamera]:
    """``(left, inverse depth, camera)`` of the whole stereo view: (500, 741, 3) uint8 BGR,
    (500, 741) float32 in 1/m and everywhere known, and what took it.

    Where the disparity was not measured it is that of the farther of the nearest pixels left and
    right: mostly what the other camera did not see, behind an edge.
    """
    left, _, disparity = data.stereo_motorcycle()
    filled = np.array([_filled(row) for row in disparity])
    inverse = (filled + STEREO_OFFSET_PX) / (_STEREO_FX * STEREO_BASELINE_M)
    camera = PinholeCamera(left.shape[1], left.shape[0], _STEREO_FX, _STEREO_FX, *_STEREO_MIDDLE)
    return left[:, :, ::-1].copy(), inverse.astype(np.float32), camera


def _filled(row: np.ndarray) -> np.ndarray:
    """A row of disparities without gaps."""
    known = np.flatnonzero(np.isfinite(row))
    after = np.searchsorted(known, np.arange(len(row)))
    left = row[known[np.clip(after - 1, 0, None)]]
    right = row[known[np.clip(after, None, len(known) - 1)]]
    return np.where(np.isfinite(row), row, np.minimum(left, right))
