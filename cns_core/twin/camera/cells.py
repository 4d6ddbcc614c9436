"""What varies smoothly over an image, computed once in some pixels and interpolated between."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


class Cells:
    """Square cells that cover an image, and one row of them beyond each of its borders.

    Args:
        width, height: of the image, pixels.
        size: of a cell, pixels.

    Attributes:
        pixels: (N, 2) pixel in the middle of every cell, row by row.
    """

    def __init__(self, width: int, height: int, size: int) -> None:
        columns = np.arange(-1, -(-width // size) + 1) * size + 0.5 * (size - 1)
        rows = np.arange(-1, -(-height // size) + 1) * size + 0.5 * (size - 1)
        self.pixels = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
        self._shape, self._size = (len(rows), len(columns)), size
        self._inside = np.s_[size : size + height, size : size + width]
        at = np.clip(np.floor(self.pixels).astype(int), 0, (width - 1, height - 1))
        self._nearest = at[:, 1] * width + at[:, 0]

    def sample(self, image: np.ndarray) -> np.ndarray:
        """(N,) values of an (H, W) image in the middle of every cell."""
        return image.reshape(-1)[self._nearest]

    def full(self, values: NDArray[np.floating]) -> NDArray[np.float32]:
        """(H, W) or (H, W, C) of (N,) or (N, C) values of the cells, interpolated linearly."""
        coarse = values.reshape(*self._shape, -1).astype(np.float32)
        size = self._shape[1] * self._size, self._shape[0] * self._size
        whole = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
        return whole[self._inside].astype(np.float32, copy=False)
