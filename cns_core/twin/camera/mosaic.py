"""One colour a pixel, the other two from its neighbours; and compression."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def mosaic(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W) of (H, W, 3) BGR: rows of R G R G and of G B G B in turns."""
    seen = colours[:, :, 1].copy()
    seen[0::2, 0::2] = colours[0::2, 0::2, 2]
    seen[1::2, 1::2] = colours[1::2, 1::2, 0]
    return seen


def demosaic(seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H, W, 3) BGR interpolated bilinearly from the (H, W) of :func:`mosaic`."""
    # OpenCV names a pattern by its second row and column.
    return cv2.cvtColor(seen, cv2.COLOR_BayerBG2BGR).astype(np.uint8, copy=False)


def compressed(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The (H, W, 3) image after JPEG with colours at half the resolution, as webcams have it."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
