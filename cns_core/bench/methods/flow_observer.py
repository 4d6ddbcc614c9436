"""Keypoints of the desired image, carried into the current one by dense optical flow."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers.observer import Observer
from cns_core.observers.verification import TOLERANCE_PX, verify_scene

Flow = Callable[[np.ndarray, np.ndarray], NDArray[np.float32]]
"""(H, W, 3) uint8 BGR first and second image to (H, W, 2) pixels from the first to the second."""

MOST_KEYPOINTS, FEWEST_KEYPOINTS = 300, 12
_QUALITY, _APART_PX = 0.01, 10
_RETURN_PX, _RETURN_SHARE = 1.0, 0.05
"""How far there and back may miss: pixels, and share of the way."""


class FlowObserver(Observer):
    """Corners of the desired image, found anew in every image by flow from the desired one.

    A keypoint is matched where it lands in the image and the flow back returns it.

    Args:
        camera: the :class:`PinholeCamera` of all images.
        flow: see ``Flow``.
        verify: whether matches must also agree on one rigid motion of the camera.
    """

    def __init__(self, camera: PinholeCamera, flow: Flow, verify: bool = True) -> None:
        self.desired: np.ndarray | None = None
        self._camera = camera
        self._flow = flow
        self._verify = verify
        self._image = np.zeros((0, 0, 3), np.uint8)
        self._pixels = np.zeros((0, 2), np.float32)

    def set_desired(self, image: np.ndarray) -> None:
        """Take the (H, W[, 3]) uint8 ``image`` as the goal; ValueError if it shows too little."""
        self._camera.check_image(image)
        image = _bgr(image)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        corners = cv2.goodFeaturesToTrack(grey, MOST_KEYPOINTS, _QUALITY, _APART_PX)
        count = 0 if corners is None else len(corners)
        if corners is None or count < FEWEST_KEYPOINTS:
            raise ValueError(
                f"desired image shows {count} corners, at least {FEWEST_KEYPOINTS} are needed: it "
                "is blank, blurred or lacks texture"
            )
        self._image, self._pixels = image, corners[:, 0].astype(np.float32)
        self.desired = self._camera.normalize(self._pixels)

    def observe(self, image: np.ndarray) -> Correspondence:
        """Where the flow carries the desired keypoints in ``image``."""
        if self.desired is None:
            raise RuntimeError("no desired image yet: call set_desired first")
        self._camera.check_image(image)
        image = _bgr(image)
        there = self._pixels + _sample(self._flow(self._image, image), self._pixels)
        back = there + _sample(self._flow(image, self._image), there)
        matched = _inside(there, self._camera)
        allowed = _RETURN_PX + _RETURN_SHARE * np.linalg.norm(there - self._pixels, axis=1)
        matched &= np.linalg.norm(back - self._pixels, axis=1) < allowed
        current = self._camera.normalize(there)
        matched &= np.isfinite(current).all(axis=1)
        if self._verify:
            tolerance = TOLERANCE_PX / self._camera.focal
            matched[matched] = verify_scene(self.desired[matched], current[matched], tolerance)
        return Correspondence(self.desired, current, matched)


def dis_flow() -> Flow:
    """OpenCV's dense inverse search (Kroeger et al., ECCV 2016) at its medium setting."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)

    def flow(first: np.ndarray, second: np.ndarray) -> NDArray[np.float32]:
        one, two = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) for image in (first, second))
        nothing_known = np.zeros((*one.shape, 2), np.float32)
        return np.asarray(search.calc(one, two, nothing_known), dtype=np.float32)

    return flow


def _bgr(image: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if image.ndim == 2 else image


def _sample(flow: NDArray[np.float32], pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, 2) flow at (N, 2) pixels, bilinear; that of the border outside of it."""
    u, v = np.ascontiguousarray(pixels.T, dtype=np.float32)
    found = cv2.remap(flow, u, v, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE)
    return np.asarray(found[:, 0], dtype=np.float32)


def _inside(pixels: NDArray[np.float32], camera: PinholeCamera) -> NDArray[np.bool_]:
    last = (camera.width - 1, camera.height - 1)
    return np.asarray(((pixels >= 0) & (pixels <= last)).all(axis=1))
