"""Which of 16 bits a camera uses: many send 10 or 12 in the low ones and say so nowhere."""

from __future__ import annotations

import numpy as np

_DEPTHS = (8, 10, 12, 14, 16)


class BitDepth:
    """Scales 16-bit images to 8 bits by the brightest value seen so far.

    One image does not tell: the next may be brighter. The depth only ever grows, so that images
    of a steady camera are scaled alike.

    Attributes:
        bits: significant bits; 8 before the first image.
    """

    def __init__(self) -> None:
        self.bits = _DEPTHS[0]

    def scale(self, image: np.ndarray) -> np.ndarray:
        """A uint16 image as uint8: the upper eight of its significant bits."""
        needed = int(image.max(initial=0)).bit_length()
        self.bits = max(self.bits, next(bits for bits in _DEPTHS if bits >= needed))
        return (image >> (self.bits - 8)).astype(np.uint8)
