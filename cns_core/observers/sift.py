"""SIFT: the most precise of the three detectors, and the slowest."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.observers.features import Features, extract


class Sift:
    """Lowe's scale-invariant features, compared by Euclidean distance."""

    norm = cv2.NORM_L2
    deviation_px = 0.25

    def __init__(self, max_features: int = 2000) -> None:
        # Enlarged imprecisely, keypoints lie a quarter of a pixel off, which shows under a turn.
        self._detector = cv2.SIFT.create(nfeatures=max_features, enable_precise_upscale=True)

    def detect(self, grey: np.ndarray, mask: np.ndarray | None = None) -> Features:
        """Find :class:`Features` in a grey image."""
        return extract(self._detector, grey, mask)
