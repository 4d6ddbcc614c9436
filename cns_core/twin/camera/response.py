"""Between light and the grey levels of images."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

_SCENE_GAMMA = 2.2
"""Exponent of what photographs, of which scenes are made, are coded with."""


def light_of(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Light of a rendered view, 1 for a level of 255, of the same shape."""
    return cv2.LUT(image, _light_table()).astype(np.float32, copy=False)


def encode(numbers: NDArray[np.uint16], bits: int, gamma: float) -> NDArray[np.uint8]:
    """Grey levels of a converter's numbers."""
    return _grey_table(bits, gamma).take(numbers)


@lru_cache(1)
def _light_table() -> NDArray[np.float32]:
    return ((np.arange(256) / 255.0) ** _SCENE_GAMMA).astype(np.float32)


@lru_cache(4)
def _grey_table(bits: int, gamma: float) -> NDArray[np.uint8]:
    shares = np.arange(2**bits) / (2**bits - 1)
    return np.rint(255.0 * shares ** (1.0 / gamma)).astype(np.uint8)
