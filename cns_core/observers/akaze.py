"""AKAZE: binary descriptors in a nonlinear scale space, half the cost of SIFT (OpenCV 4 only)."""

import cv2

from cns_core.observers.features import extract


class Akaze:
    """Accelerated KAZE with the M-LDB descriptor, compared by Hamming distance."""

    norm = cv2.NORM_HAMMING

    def __init__(self, max_features=2000):
        self._detector = cv2.AKAZE_create(max_points=max_features)

    def detect(self, grey, mask=None):
        """Find :class:`Features` in a grey image."""
        return extract(self._detector, grey, mask)
