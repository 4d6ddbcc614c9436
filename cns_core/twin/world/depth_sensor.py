"""What a stereo camera makes of depths: noise, and holes where its two views do not match."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_JUMP_M = 0.01
_BAND_PX = 40
_SPECKLE = 0.05


class DepthSensor:
    """Turns exact depths into measured ones; seeded.

    Args:
        noise: standard deviation over the depth.
        seed: of noise and speckle.
    """

    def __init__(self, noise: float = 0.003, seed: int = 0) -> None:
        self._noise = noise
        self._rng = np.random.default_rng([seed, 2])

    def measure(self, inverse_depth: NDArray[np.float32]) -> NDArray[np.float32]:
        """(H, W) depths in m, NaN in holes, from (H, W) inverse depths in 1/m, 0 for nothing.

        There are holes along edges, in the band that only one view shows, and in speckles.
        """
        depth = np.where(inverse_depth > 0.0, 1.0 / np.maximum(inverse_depth, 1e-6), 0.0)
        around = np.ones((5, 5), np.uint8)
        edges = cv2.dilate(depth, around) - cv2.erode(depth, around) > _JUMP_M
        edges[:, :_BAND_PX] = True
        speckle = self._rng.random(depth.shape, np.float32) < _SPECKLE
        depth *= 1.0 + self._noise * self._rng.standard_normal(depth.shape, np.float32)
        depth[edges | speckle | (inverse_depth <= 0.0)] = np.nan
        return depth.astype(np.float32)
