"""A mask of what moves with the camera, learnt from images of a camera that moved."""

from __future__ import annotations

from collections import deque

import cv2
import numpy as np
from numpy.typing import NDArray

_KEPT = 30
_WIDTH = 160
_NEW = 4.0
"""Grey levels by which an image differs on average from the last one kept to be kept as well."""
_SAME = 14.0
"""Grey levels within which a pixel stays the same under noise and small changes of light."""
_MOST = 0.8
"""Share of the images in which it must: a reflection may pass over a tool."""
_FEWEST = 6
_MOST_MASKED = 0.7


class MaskLearner:
    """Keeps a few small images, far enough apart, and finds the pixels that stay the same in all.

    Where the scene has no texture its pixels stay the same as well; nothing is lost with them.
    """

    def __init__(self) -> None:
        self._images: deque[NDArray[np.float32]] = deque(maxlen=_KEPT)
        self._size = (0, 0)

    def add(self, image: np.ndarray) -> None:
        """Look at an (H, W) or (H, W, 3) uint8 image; one of another size starts anew."""
        if image.shape[:2] != self._size:
            self._images.clear()
            self._size = image.shape[0], image.shape[1]
        grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        height = max(round(_WIDTH * grey.shape[0] / grey.shape[1]), 1)
        small = cv2.resize(grey, (_WIDTH, height), interpolation=cv2.INTER_AREA).astype(np.float32)
        if not self._images or np.abs(small - self._images[-1]).mean() > _NEW:
            self._images.append(small)

    def mask(self) -> NDArray[np.bool_]:
        """(H, W), False on what stayed in place, and somewhat around it.

        Raises:
            ValueError: if the camera has not moved enough, or nearly everything stayed in place.
        """
        if len(self._images) < _FEWEST:
            raise ValueError(
                f"{len(self._images)} images that differ were seen, {_FEWEST} are needed: move the "
                "camera by some centimetres, or turn it by some ten degrees, and call again"
            )
        stack = np.stack(self._images)
        change = np.quantile(np.abs(stack - np.median(stack, axis=0)), _MOST, axis=0)
        return self._whole(change < _SAME)

    def _whole(self, still: NDArray[np.bool_]) -> NDArray[np.bool_]:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
        opened = cv2.morphologyEx(still.astype(np.uint8), cv2.MORPH_OPEN, kernel)
        grown = cv2.dilate(opened, np.ones((3, 3), np.uint8))
        height, width = self._size
        masked = cv2.resize(grown, (width, height), interpolation=cv2.INTER_NEAREST) > 0
        if masked.mean() > _MOST_MASKED:
            raise ValueError(
                f"{100 * masked.mean():.0f} % of the image stayed the same: move the camera so "
                "that the scene moves in all of the image, and call again"
            )
        return np.asarray(~masked)
