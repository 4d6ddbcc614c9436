"""Choose the points of the desired image that can be located most precisely."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.observers.features import select

_NOISE = 2.0
"""Standard deviation of image noise, grey levels, that precision is predicted for."""
_WORST_PX = 0.25
"""Least precise keypoint of any use."""
_CHOICE = 2
"""Candidates per keypoint from which the kept ones are selected: precision first, then coverage."""


def find_corners(
    grey: np.ndarray,
    radius: int,
    count: int,
    mask: np.ndarray | None = None,
    spacing_px: float = 6.0,
) -> np.ndarray:
    """Find well-textured points, spread over the image.

    Where a patch is aligned by least squares its position has the covariance
    ``2 noise^2 (sum g g^T)^-1`` with the image gradient g (both images are noisy), so the smaller
    eigenvalue of that sum predicts the precision of a keypoint (Shi and Tomasi, CVPR 1994).

    Args:
        grey: (H, W) uint8.
        radius: half the size of the patches that will be aligned.
        count: most points returned.
        mask: (H, W) uint8, zero where no point may lie, or None.
        spacing_px: least distance between points.

    Returns:
        (N, 2) whole pixels.
    """
    deviation = np.sqrt(2.0) * _NOISE / np.sqrt(np.maximum(_smaller_eigenvalue(grey, radius), 1e-9))
    best_around = deviation == cv2.erode(deviation, np.ones((5, 5)))
    usable = best_around & (deviation < _WORST_PX)
    border = radius + 2
    inside = np.zeros_like(usable)
    inside[border:-border, border:-border] = True
    usable &= inside if mask is None else inside & (mask > 0)
    y, x = np.nonzero(usable)
    pixels, deviation = np.column_stack([x, y]).astype(float), deviation[y, x]
    finest = np.argsort(deviation, kind="stable")[: _CHOICE * count]
    return pixels[finest][select(pixels[finest], -deviation[finest], count, spacing_px)]


def _smaller_eigenvalue(grey: np.ndarray, radius: int) -> np.ndarray:
    """(H, W) smaller eigenvalue of the gradients' summed outer products over a patch."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    gx = 0.5 * cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=1)
    gy = 0.5 * cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=1)
    size = (2 * radius + 1, 2 * radius + 1)
    xx, xy, yy = (
        cv2.boxFilter(product, cv2.CV_32F, size, normalize=False)
        for product in (gx * gx, gx * gy, gy * gy)
    )
    return 0.5 * (xx + yy) - np.sqrt(0.25 * (xx - yy) ** 2 + xy * xy)
