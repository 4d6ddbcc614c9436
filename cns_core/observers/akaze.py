"""AKAZE: binary descriptors in a nonlinear scale space, half the cost of SIFT (OpenCV 4 only)."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.observers.features import Features, extract


class Akaze:
    """Accelerated KAZE with the M-LDB descriptor, compared by Hamming distance."""

    norm = cv2.NORM_HAMMING
    deviation_px = 0.35

    def __init__(self, max_features: int = 2000) -> None:
        self._detector = cv2.AKAZE.create(max_points=max_features)

    def detect(self, grey: np.ndarray, mask: np.ndarray | None = None) -> Features:
        """Find :class:`Features` in a grey image."""
        return extract(self._detector, grey, mask)
