"""The desired image, prepared once for everything that is compared with it."""

import numpy as np
from scipy.spatial import cKDTree

from cns_core.observers import local_affine
from cns_core.observers.alignment import PatchAligner
from cns_core.observers.corners import find_corners
from cns_core.observers.flow import shrink, to_full, to_half
from cns_core.observers.template import Template

_RADIUS = 6
_MARGIN = 2 * _RADIUS + 4
"""Pixels from the border within which the half-size patches would not fit."""
_NEIGHBOURS = 10
_LEAST_SIMILAR, _LEAST_SIMILAR_ROUGH = 0.8, 0.6
_LARGEST_SHIFT_PX = 3.0
_SETTLED_PX = 0.3
_EXCESS = 2.5
_NOISE = 2.0
"""Patches that fit this much worse than the median, or than sensor noise (grey levels), straddle
the edge of an object or of an occluder and follow neither side."""


class Target:
    """Keypoints of the desired image, and how to find them given a rough idea of where they are.

    Attributes:
        features: the backend's :class:`Features`, for matching.
        anchors: (N, 2) keypoints to align, whole pixels.

    Args:
        grey: (H, W) uint8.
        features: found in ``grey`` by the backend.
        max_keypoints: most anchors chosen.
        mask: (H, W) uint8, zero where no anchor may lie, or None.
    """

    def __init__(self, grey, features, max_keypoints, mask):
        self.features = features
        self.anchors = find_corners(grey, _RADIUS, max_keypoints, mask)
        self._last = np.array(grey.shape[::-1]) - 1 - _MARGIN
        self._fine = PatchAligner(Template(grey), _RADIUS)
        self._rough = PatchAligner(Template(shrink(grey)), _RADIUS)

    def inside(self, pixels):
        """(N,) bool: far enough from the image's border to be aligned."""
        return ((pixels > _MARGIN) & (pixels < self._last)).all(axis=1)

    def carry(self, desired, current):
        """Local affine maps and positions of all anchors from (M, 2) known pixel pairs."""
        whole = local_affine.fit_global(desired, current)
        index = cKDTree(desired).query(self.anchors, min(_NEIGHBOURS, len(desired)))[1]
        return local_affine.fit(self.anchors, desired[index], current[index], whole[:, :2])

    def align(self, grey, half, guess, affine, attempt, rough):
        """Align anchors to the current image.

        Args:
            grey, half: current image at full and half size.
            guess, affine: (N, 2) positions and (N, 2, 2) maps, see :meth:`carry`.
            attempt: (N,) bool, which anchors to look for.
            rough: (N,) bool, which guesses may be several pixels off: these are aligned at half
                size first.

        Returns:
            ``(pixels, ok)``: (N, 2) positions and (N,) whether they can be trusted.
        """
        pixels = guess.copy()
        ok = attempt & self.inside(guess) & (np.abs(np.linalg.det(affine)) > 0.02)
        k = np.flatnonzero(ok & rough)
        if len(k):
            start, anchors = to_half(guess[k]), to_half(self.anchors[k])
            found = self._rough.align(half, anchors, affine[k], start, steps=3)
            pixels[k] = to_full(found.pixels)
            ok[k] = found.similarity > _LEAST_SIMILAR_ROUGH
            ok &= self.inside(pixels)
        k = np.flatnonzero(ok)
        if len(k):
            found = self._fine.align(grey, self.anchors[k], affine[k], pixels[k])
            shift = np.linalg.norm(found.pixels - pixels[k], axis=1)
            pixels[k] = found.pixels
            usual = max(np.median(found.residual), _NOISE)
            ok[k] = (
                (found.residual < _EXCESS * usual)
                & (found.similarity > _LEAST_SIMILAR)
                & (shift < _LARGEST_SHIFT_PX)
                & (found.step_px < _SETTLED_PX)
            )
        return pixels, ok
