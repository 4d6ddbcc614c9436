"""Features of an image as seen from aside, for matching across large changes of viewpoint.

Detectors tolerate a tilt of some 40 deg. Beyond, the image is squeezed as a tilted view would show
it, and features are detected there (ASIFT: Morel and Yu, SIAM J. Imaging Sciences 2009).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from cns_core.observers.features import Features

_VIEWS = ((np.sqrt(2.0), 0.0), (np.sqrt(2.0), 90.0), *((2.0, k * 45.0) for k in range(4)))
"""Factor of the squeeze and its direction in deg. Two views of 45 and four of 60 deg of tilt give
twice the matches at 45 deg and four times at 65; more views cost more and give hardly more."""
_ANTIALIASING = 0.8
_BORDER = np.ones((9, 9), np.uint8)


Detect = Callable[[np.ndarray, np.ndarray | None], Features]
"""Finds the features of a (H, W) uint8 image within a mask, zero where to ignore, or None."""


def detect_simulated(detect: Detect, grey: np.ndarray, mask: np.ndarray | None) -> list[Features]:
    """Features of tilted views of an image, at their places in it.

    Args:
        detect: gives the :class:`Features` of an image within a mask.
        grey, mask: (H, W) uint8; the mask is zero where to ignore, or None.

    Returns:
        A list of :class:`Features`, one for each view.
    """
    if mask is None:
        mask = np.full_like(grey, 255)
    return [_detect_tilted(detect, grey, mask, *view) for view in _VIEWS]


def _detect_tilted(
    detect: Detect, grey: np.ndarray, mask: np.ndarray, squeeze: float, direction_deg: float
) -> Features:
    turn, size = _turn(grey.shape, direction_deg)
    turned, seen = (
        cv2.warpAffine(grey, turn, size, borderMode=cv2.BORDER_REPLICATE),
        cv2.warpAffine(mask, turn, size),
    )
    sigma = _ANTIALIASING * np.sqrt(squeeze**2 - 1.0)
    blurred = cv2.GaussianBlur(turned, (0, 0), sigmaX=sigma, sigmaY=0.01)
    narrow = np.array([[1.0 / squeeze, 0.0, 0.5 / squeeze - 0.5], [0.0, 1.0, 0.0]])
    size = int(size[0] / squeeze), size[1]
    tilted = cv2.warpAffine(blurred, narrow, size, borderMode=cv2.BORDER_REPLICATE)
    seen = cv2.erode(cv2.warpAffine(seen, narrow, size), _BORDER)
    found = detect(tilted, np.where(seen == 255, 255, 0).astype(np.uint8))
    back = cv2.invertAffineTransform(narrow[:, :2] @ turn + np.outer(narrow[:, 2], (0, 0, 1)))
    return Features(found.pixels @ back[:, :2].T + back[:, 2], found.descriptors, found.response)


def _turn(shape: tuple[int, ...], angle_deg: float) -> tuple[np.ndarray, tuple[int, int]]:
    """(2, 3) map that turns an image, and the (width, height) that hold all of it."""
    height, width = shape
    turn = cv2.getRotationMatrix2D((0.5 * width, 0.5 * height), angle_deg, 1.0)
    corners = np.array([[0, 0], [width - 1, 0], [0, height - 1], [width - 1, height - 1]])
    reached = corners @ turn[:, :2].T + turn[:, 2]
    low = reached.min(axis=0)
    turn[:, 2] -= low
    width, height = np.ceil(reached.max(axis=0) - low).astype(int).tolist()
    return turn, (width, height)
