"""The desired image, readable between the pixels."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from scipy.fft import dctn, idctn


class Readable(Protocol):
    """An image that can be read between its pixels."""

    def read(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Values at coordinates ``x``, ``y`` in pixels: (N, P) float32, like either of them."""
        ...


class Template:
    """A grey image up-sampled once, so that reading it at any point is nearly free of bias.

    Interpolating at full size would shift keypoints by hundredths of a pixel, which is as much as
    the image noise does. Of the finer grid, bilinear interpolation is exact enough.

    Args:
        grey: (H, W) uint8.
    """

    FACTOR = 3
    """Odd, so that every pixel of the image is one of the finer grid."""
    _SCALE = 64.0
    """Of the finer grid's fixed point: half the memory of floats, so more of it stays in cache."""

    def __init__(self, grey: np.ndarray) -> None:
        height, width = grey.shape
        spectrum = dctn(grey.astype(np.float32), norm="forward")
        shape = self.FACTOR * height, self.FACTOR * width
        fine = idctn(spectrum, s=shape, norm="forward")
        self._fine = np.rint(self._SCALE * fine).astype(np.int16)

    def read(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Values at coordinates ``x``, ``y`` in pixels: (N, P) float32, like either of them."""
        # Sample centres of a cosine series lie half a sample off the border.
        offset = np.float32(0.5 * (self.FACTOR - 1))
        factor = np.float32(self.FACTOR)
        read = cv2.remap(
            self._fine,
            x * factor + offset,
            y * factor + offset,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return read * np.float32(1.0 / self._SCALE)


class BlurredTemplate:
    """A blurred grey image: it holds so little detail that cubic interpolation is good enough.

    Args:
        grey: (H, W) float32 grey levels.
    """

    _SCALE = 64.0

    def __init__(self, grey: np.ndarray) -> None:
        self._fixed = np.rint(self._SCALE * grey).astype(np.int16)

    def read(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """As :meth:`Readable.read`."""
        read = cv2.remap(self._fixed, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return read * np.float32(1.0 / self._SCALE)
