"""What a lens does to light, distortion apart: vignetting, and blur in and out of focus."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera

_DISC = 0.25
"""Standard deviation, along an axis, of a disc of diameter 1."""
_SHARP_PX = 0.15
"""Blur of this standard deviation and less is not drawn."""


def vignette(camera: PinholeCamera, missing: float) -> NDArray[np.float32]:
    """(H, W) share of the light that arrives: a power of the cosine of the angle to the axis.

    Args:
        missing: share that is missing in the farthest corner; the law of cos^4 is 0.58 there for
            the half angle of 36.5 deg of a 640x480 camera with a focal length of 540 pixels.
    """
    x = (np.arange(camera.width) - camera.cx) / camera.fx
    y = (np.arange(camera.height) - camera.cy) / camera.fy
    cosine = 1.0 / np.sqrt(1.0 + x**2 + y[:, None] ** 2)
    power = math.log(1.0 - missing) / math.log(cosine.min()) if missing else 0.0
    return (cosine**power).astype(np.float32)


def blur_px(distance_m: float, focal_px: float, aperture_mm: float, focus_m: float) -> float:
    """Diameter in pixels of the disc that a point at a distance becomes (thin lens)."""
    return focal_px * 1e-3 * aperture_mm * abs(1.0 / distance_m - 1.0 / focus_m)


def blurred(light: NDArray[np.float32], disc_px: float, lens_px: float) -> NDArray[np.float32]:
    """Light after a lens that draws a point with a deviation of ``lens_px`` and is out of focus."""
    deviation = math.hypot(_DISC * disc_px, lens_px)
    if deviation < _SHARP_PX:
        return light
    reach = 2 * math.ceil(2.5 * deviation) + 1
    return cv2.GaussianBlur(light, (reach, reach), deviation).astype(np.float32, copy=False)
