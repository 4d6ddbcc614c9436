"""SIFT: the most precise of the three detectors, and the slowest."""

import cv2

from cns_core.observers.features import extract


class Sift:
    """Lowe's scale-invariant features, compared by Euclidean distance."""

    norm = cv2.NORM_L2

    def __init__(self, max_features=2000):
        # Enlarged imprecisely, keypoints lie a quarter of a pixel off, which shows under a turn.
        self._detector = cv2.SIFT_create(nfeatures=max_features, enable_precise_upscale=True)

    def detect(self, grey, mask=None):
        """Find :class:`Features` in a grey image."""
        return extract(self._detector, grey, mask)
