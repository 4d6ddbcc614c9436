"""Find the desired image in a new one with no idea where it is."""

from cns_core.observers.flow import shrink, to_full
from cns_core.observers.matching import match

ENOUGH = 40
"""Matches that leave no doubt, and from which all keypoints can be placed."""


class Recognition:
    """Matches images against the desired one, at half size first and thoroughly if that fails.

    Matches only tell where to align, so the precision that half size costs does not matter, and it
    takes a quarter of the time.

    Args:
        detect: gives the :class:`Features` of a (H, W) uint8 image, possibly of half size.
        norm: how descriptors compare, ``cv2.NORM_L2`` or ``cv2.NORM_HAMMING``.
        agree: tells which of (M, 2) desired and (M, 2) current pixels can be trusted.
        grey: (H, W) uint8, the desired image.
    """

    def __init__(self, detect, norm, agree, grey):
        self._detect, self._norm, self._agree = detect, norm, agree
        self._grey = grey
        self._half = _detect_half(detect, shrink(grey))
        self._full = None

    @property
    def count(self):
        """Number of features in the desired image."""
        return len(self._half)

    def match(self, grey, half):
        """(M, 2) pixels in the desired image and (M, 2) in the current one, at full size.

        Args:
            grey, half: the current image at full and half size.
        """
        found = self._compare(self._half, _detect_half(self._detect, half))
        if len(found[0]) >= ENOUGH:
            return found
        if self._full is None:
            self._full = self._detect(self._grey)
        return max(found, self._compare(self._full, self._detect(grey)), key=lambda m: len(m[0]))

    def _compare(self, desired, current):
        i, j = match(desired, current, self._norm)
        i, j = desired.pixels[i], current.pixels[j]
        true = self._agree(i, j)
        return i[true], j[true]


def _detect_half(detect, half):
    found = detect(half)
    return type(found)(to_full(found.pixels), found.descriptors, found.response)
