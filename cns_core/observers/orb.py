"""ORB: the cheapest of the three detectors, and the coarsest."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.observers.features import Features, extract


class Orb:
    """Oriented FAST corners with rotated BRIEF, compared by Hamming distance."""

    norm = cv2.NORM_HAMMING
    deviation_px = 0.7

    def __init__(self, max_features: int = 2000) -> None:
        self._detector = cv2.ORB.create(nfeatures=max_features)

    def detect(self, grey: np.ndarray, mask: np.ndarray | None = None) -> Features:
        """Find :class:`Features` in a grey image."""
        return extract(self._detector, grey, mask)
