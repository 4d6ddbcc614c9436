"""ORB: the cheapest of the three detectors, and the coarsest."""

import cv2

from cns_core.observers.features import extract


class Orb:
    """Oriented FAST corners with rotated BRIEF, compared by Hamming distance."""

    norm = cv2.NORM_HAMMING

    def __init__(self, max_features=2000):
        self._detector = cv2.ORB_create(nfeatures=max_features)

    def detect(self, grey, mask=None):
        """Find :class:`Features` in a grey image."""
        return extract(self._detector, grey, mask)
