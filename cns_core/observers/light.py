"""Bring an image that is much darker or flatter than the desired one to its light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

_SPREAD = 0.02, 0.98
"""Quantiles that the spread of an image lies between: a lamp in view does not hide the dark."""
_UNLIKE = 0.4
"""Spread over that of the desired image below which an image is stretched. What is seen from
elsewhere differs by less, and detectors and optical flow bear it."""
_LEAST = 2.0
"""Grey levels of spread below which an image shows nothing but noise."""


@dataclass(frozen=True)
class Light:
    """What the light of an image is like.

    Detectors take contrasts below an absolute threshold for noise, so that at a tenth of the light
    nothing is left for them, although descriptors and alignment would not mind.

    Attributes:
        middle, spread: of what nearly all pixels lie between, grey levels.
    """

    middle: float
    spread: float

    @classmethod
    def of(cls, grey: np.ndarray, mask: np.ndarray | None = None) -> Light:
        """The light of a (H, W) uint8 image, within a mask (uint8, zero where to ignore)."""
        counts = cv2.calcHist([grey], [0], mask, [256], [0, 256]).ravel()
        below = np.cumsum(counts)
        if not below[-1]:
            return cls(0.0, 0.0)
        low, high = (int(np.searchsorted(below, share * below[-1])) for share in _SPREAD)
        return cls(0.5 * (low + high), float(high - low))

    def levelled(self, grey: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        """A (H, W) uint8 image at this light; the same array where it is alike already."""
        own = Light.of(grey, mask)
        if not _LEAST <= own.spread < _UNLIKE * self.spread:
            return grey
        gain = self.spread / own.spread
        levels = gain * (np.arange(256) - own.middle) + self.middle
        return cv2.LUT(grey, np.clip(np.rint(levels), 0, 255).astype(np.uint8))
