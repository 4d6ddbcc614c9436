"""SIFT as LightGlue is trained on it: RootSIFT, with the keypoints' scales and angles."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.observers.features import Features
from cns_core.observers.learned.view import View

_MOST_KEYPOINTS = 2048
_TINY = 1e-7


class OrientedSift:
    """RootSIFT (Arandjelovic and Zisserman, CVPR 2012)."""

    def __init__(self) -> None:
        self._detector = cv2.SIFT.create(nfeatures=_MOST_KEYPOINTS, enable_precise_upscale=True)

    def view(self, grey: np.ndarray, mask: np.ndarray | None = None) -> View:
        """The strongest features of a (H, W) uint8 image, best first."""
        keypoints, descriptors = self._detector.detectAndCompute(grey, mask)
        if not keypoints:
            descriptors = np.zeros((0, 128), np.float32)
        response = np.array([k.response for k in keypoints])
        strongest = np.argsort(-response, kind="stable")
        share = descriptors / (descriptors.sum(axis=1, keepdims=True) + _TINY)
        features = Features(
            np.array([k.pt for k in keypoints], dtype=float).reshape(-1, 2),
            np.sqrt(share).astype(np.float32),
            response,
        )
        whole = View(
            features,
            (grey.shape[1], grey.shape[0]),
            np.array([k.size for k in keypoints]),
            np.radians([k.angle for k in keypoints]),
        )
        return whole.take(strongest)
