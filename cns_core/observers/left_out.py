"""Parts of the desired image that are not of the scene, as the keypoints there have shown."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

_REACH = 0.05
"""Of the image's width: so far around a keypoint the desired image shows the same thing, unless
another keypoint is nearer."""


class LeftOut:
    """What is left out of the desired image: the surroundings of some of its keypoints.

    Args:
        pixels: (N, 2) keypoints of the desired image.
        which: (N,) bool, those that are not of the scene.
        width: of the image.
    """

    def __init__(self, pixels: np.ndarray, which: np.ndarray, width: int) -> None:
        self._which = np.asarray(which, dtype=bool)
        self._tree = cKDTree(pixels)
        self._reach = _REACH * width

    def shows(self, pixels: np.ndarray) -> np.ndarray:
        """(M,) bool, which of (M, 2) finite pixels of the desired image are left out."""
        distance, nearest = self._tree.query(pixels)
        return np.asarray(self._which[nearest] & (distance < self._reach))
