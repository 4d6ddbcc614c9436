"""Follow points from one image to the next."""

from __future__ import annotations

import cv2
import numpy as np

_WINDOW = (11, 11)
_LEVELS = 3
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 10, 0.03)
_SAME_LIGHT = 0.1
"""Change of brightness, relative, that optical flow takes without harm."""


def shrink(grey: np.ndarray) -> np.ndarray:
    """Half-size image: following is a prediction, and costs a quarter there."""
    return cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def to_half(pixels: np.ndarray) -> np.ndarray:
    """Where full-size pixels lie in the half-size image."""
    return 0.5 * (np.asarray(pixels) + 0.5) - 0.5


def to_full(pixels: np.ndarray) -> np.ndarray:
    """Inverse of :func:`to_half`."""
    return 2.0 * (np.asarray(pixels) + 0.5) - 0.5


def follow(
    previous: np.ndarray, current: np.ndarray, pixels: np.ndarray, guess: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Follow points by pyramidal optical flow (Bouguet 2001).

    Args:
        previous, current: half-size grey images.
        pixels: (N, 2) full-size positions in the previous image.
        guess: (N, 2) where they may be now.

    Returns:
        ``(pixels, found)``: (N, 2) full-size positions in the current image, (N,) bool.
    """
    if len(pixels) == 0:
        return np.zeros((0, 2)), np.zeros(0, bool)
    start, end = to_half(pixels).astype(np.float32), to_half(guess).astype(np.float32)
    previous, current = _same_light(previous, current, start, end)
    moved, status, _ = cv2.calcOpticalFlowPyrLK(
        previous,
        current,
        start,
        end,
        winSize=_WINDOW,
        maxLevel=_LEVELS,
        criteria=_STOP,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return to_full(moved.astype(float)), status.ravel().astype(bool)


def _same_light(
    a: np.ndarray, b: np.ndarray, in_a: np.ndarray, in_b: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Darken the brighter image when the light jumped: optical flow knows no gain.

    Judged at the points ``in_a`` and ``in_b``, by the median, so that something that comes into
    view is not taken for a change of light.
    """
    gain = float(np.median((_sample(b, in_b) + 1.0) / (_sample(a, in_a) + 1.0)))
    if abs(np.log(gain)) < _SAME_LIGHT:
        return a, b
    if gain < 1.0:
        return cv2.convertScaleAbs(a, alpha=gain), b
    return a, cv2.convertScaleAbs(b, alpha=1.0 / gain)


def _sample(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Values at the pixels next to (N, 2) points, clipped to the image."""
    x, y = np.rint(points).astype(int).T
    height, width = image.shape
    return image[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)].astype(float)
