"""The desired image, readable between the pixels."""

from __future__ import annotations

from typing import Protocol

import cv2
import numpy as np
from scipy.fft import dctn, idctn

_SCALE = 64.0
"""Of fixed point: half the memory of floats, so more of an image stays in cache."""


class Readable(Protocol):
    """An image that can be read between its pixels."""

    def read(self, maps: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """Values where N affine maps take P offsets: (N, P) float32.

        Args:
            maps: (2, N, 3), along x and y: factors of the offsets along x and y, and the pixel that
                no offset is taken to.
            grid: (3, P) float32 offsets along x and y, and ones.
        """
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

    def __init__(self, grey: np.ndarray) -> None:
        height, width = grey.shape
        spectrum = dctn(grey.astype(np.float32), norm="forward")
        shape = self.FACTOR * height, self.FACTOR * width
        fine = idctn(spectrum, s=shape, norm="forward")
        self._fine = _fixed(fine)

    def read(self, maps: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """As :meth:`Readable.read`."""
        # Sample centres of a cosine series lie half a sample off the border.
        finer = self.FACTOR * maps
        finer[:, :, 2] += 0.5 * (self.FACTOR - 1)
        return _read(self._fine, finer, grid, cv2.INTER_LINEAR)


class BlurredTemplate:
    """A blurred grey image: it holds so little detail that cubic interpolation is good enough.

    Args:
        grey: (H, W) float32 grey levels.
    """

    def __init__(self, grey: np.ndarray) -> None:
        self._image = _fixed(grey)

    def read(self, maps: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """As :meth:`Readable.read`."""
        return _read(self._image, maps, grid, cv2.INTER_CUBIC)


def _fixed(grey: np.ndarray) -> np.ndarray:
    return np.rint(_SCALE * grey).astype(np.int16)


def _read(fixed: np.ndarray, maps: np.ndarray, grid: np.ndarray, flags: int) -> np.ndarray:
    """As :meth:`Readable.read`, of an image in fixed point."""
    # All maps in one product: a matrix product each would take four times as long.
    at = maps.astype(np.float32).reshape(-1, 3) @ grid
    x, y = at.reshape(2, -1, grid.shape[1])
    read = cv2.remap(fixed, x, y, flags, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    read *= np.float32(1.0 / _SCALE)
    return read
