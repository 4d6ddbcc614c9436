"""The desired image, prepared once for everything that is aligned with it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from scipy.spatial import cKDTree

from cns_core.observers import local_affine
from cns_core.observers.alignment import Alignment, PatchAligner, determinant
from cns_core.observers.blur import Blur, BlurLadder
from cns_core.observers.corners import find_corners
from cns_core.observers.flow import to_full, to_half
from cns_core.observers.frame import Frame
from cns_core.observers.sighted import Sighted
from cns_core.observers.template import Template

_RADIUS = 7
_MARGIN, _ROUGH_MARGIN = _RADIUS + 2, 2 * _RADIUS + 4
"""Pixels from the border within which patches, at full and at half size, would not fit."""
_NEIGHBOURS = 10
_LEAST_SIMILAR, _LEAST_SIMILAR_ROUGH = 0.8, 0.6
_LEAST_AREA = 0.02
"""Of a patch in the current image over that in the desired one."""
_LARGEST_SHIFT_PX = 3.0
_SETTLED_PX = 0.3
_NOISE = 2.0
"""Patches differ by this much (grey levels) for no reason but sensor noise."""
_DOUBTED = 1.5
"""Residual over that from which on a patch's map may be wrong."""
_SHARED = 0.5
"""Part of the usual deviation that every keypoint has at least: the residuals of one patch are few,
and small ones can be luck."""
_FEWEST = 8
"""Patches without which nothing is said of an image's blur."""
_CORRELATED = 1.35
"""Factor on deviations in smoothed images, whose errors go together across cells of a patch."""
_ALL = slice(None)


class DesiredPatches:
    """Keypoints of the desired image, and how to find them given a rough idea of where they are.

    Attributes:
        anchors: (N, 2) keypoints to align, whole pixels.

    Args:
        frame: the desired image.
        max_keypoints: most anchors chosen.
        mask: (H, W) uint8, zero where no image shows the scene, or None.
        smooth_px: standard deviation of a Gaussian that both images pass before the final
            alignment, in pixels; 0 for none. Where pixels are point samples of finer texture, or
            of hard edges, the image answers a small motion by a part of it; smoothed it does not.
    """

    def __init__(
        self,
        frame: Frame,
        max_keypoints: int,
        mask: np.ndarray | None,
        smooth_px: float = 0.0,
    ) -> None:
        self._smooth_px = smooth_px
        self._clear = _clear(frame.grey.shape, mask)
        self.anchors = find_corners(frame.grey, _RADIUS, max_keypoints, self._clear)
        grey = self._smooth(frame.grey)
        self._fine = BlurLadder(PatchAligner(Template(grey), _RADIUS), grey)
        self._rough = PatchAligner(Template(frame.half), _RADIUS)

    def in_view(self, pixels: np.ndarray) -> np.ndarray:
        """(N,) bool: so far inside the image and the mask that a patch can be aligned there."""
        height, width = self._clear.shape
        x, y = np.rint(pixels).astype(int).T
        return self._clear[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] > 0

    def carry(
        self, desired: np.ndarray, current: np.ndarray, which: slice = _ALL
    ) -> tuple[np.ndarray, np.ndarray]:
        """Local affine maps and positions of anchors from (M, 2) known pixel pairs."""
        anchors = self.anchors[which]
        whole = local_affine.fit_global(desired, current)
        index = cKDTree(desired).query(anchors, min(_NEIGHBOURS, len(desired)))[1]
        return local_affine.fit(anchors, desired[index], current[index], whole[:, :2])

    def place(
        self, desired: np.ndarray, current: np.ndarray, reach_px: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Put anchors where (M, 2) pixel pairs say, M at least 1, without aligning them.

        Returns:
            ``(pixels, near)``: (N, 2) positions and (N,) bool, which anchors are in view and have a
            pair within ``reach_px`` in the desired image.
        """
        affine, _ = self.carry(desired, current)
        gap, index = cKDTree(desired).query(self.anchors)
        offset = self.anchors - desired[index]
        pixels = current[index] + np.einsum("nij,nj->ni", affine, offset)
        return pixels, (gap < reach_px) & self.in_view(pixels)

    def align(
        self,
        frame: Frame,
        guess: np.ndarray,
        affine: np.ndarray,
        attempt: np.ndarray,
        rough: np.ndarray,
        blur: Blur,
        doubted: np.ndarray,
    ) -> Sighted:
        """Align anchors to the current image.

        Args:
            frame: the current image.
            guess, affine: (N, 2) positions and (N, 2, 2) maps, see :meth:`carry`.
            attempt: (N,) bool, which anchors to look for.
            rough: (N,) bool, which guesses may be several pixels off: these are aligned at half
                size first.
            blur: of the current image.
            doubted: (N,) bool, which maps to refine where much is left unexplained.
        """
        sighted = Sighted.nowhere(guess)
        ok = attempt & self.in_view(guess) & (np.abs(determinant(affine)) > _LEAST_AREA)
        ok &= ~rough | self._in_view_at_half(guess)
        pixels = sighted.pixels
        k = np.flatnonzero(ok & rough)
        if len(k):
            start, anchors = to_half(guess[k]), to_half(self.anchors[k])
            roughly = self._rough.align(
                frame.half, anchors, affine[k], start, steps=2, judged=False
            )
            pixels[k] = to_full(roughly.pixels)
            ok[k] = roughly.similarity > _LEAST_SIMILAR_ROUGH
            ok &= self.in_view(pixels)
        k = np.flatnonzero(ok)
        if len(k):
            maps = affine[k], doubted[k]
            found, sighted.misfit[k] = self._align_fine(frame, k, *maps, pixels[k], blur)
            sighted.deviation_px[k], pixels[k] = found.deviation_px, found.pixels
            sighted.bent[k] = found.bent
        return sighted

    def _align_fine(
        self,
        frame: Frame,
        k: np.ndarray,
        affine: np.ndarray,
        doubted: np.ndarray,
        guess: np.ndarray,
        blur: Blur,
    ) -> tuple[Alignment, np.ndarray]:
        """The alignment of the anchors ``k``, and how much worse than usual each fits."""
        grey, aligner = self._smooth(frame.grey), self._fine.aligner(blur)
        found = aligner.align(grey, self.anchors[k], affine, guess)
        usual = max(np.median(found.residual), _NOISE)
        settled = _settled(found, guess)
        # What is left is no more than noise where the map is right.
        unexplained = settled & (found.residual > _DOUBTED * _NOISE)
        n = np.flatnonzero(doubted & unexplained & self.in_view(found.pixels))
        if len(n):
            found = found.changed(n, aligner.bend(grey, self.anchors[k[n]], affine[n], found.at(n)))
        if settled.any():
            typical = _SHARED * np.median(found.deviation_px[settled])
            factor = _CORRELATED if self._smooth_px else 1.0
            deviation_px = factor * np.hypot(found.deviation_px, typical)
            found = replace(found, deviation_px=deviation_px)
        return found, np.where(settled, found.residual / usual, np.inf)

    def blur(
        self,
        frame: Frame,
        guess: np.ndarray,
        affine: np.ndarray,
        attempt: np.ndarray,
        last: Blur,
        turn: int,
    ) -> Blur:
        """How blurred an image is; the arguments as of :meth:`align` and :meth:`.BlurLadder.judge`.

        It stays what it was where too few anchors are in view.
        """
        inside = self.in_view(guess) & (np.abs(determinant(affine)) > _LEAST_AREA)
        k = np.flatnonzero(attempt & inside)
        if len(k) < _FEWEST:
            return last
        grey = self._smooth(frame.grey)
        return self._fine.judge(grey, self.anchors[k], affine[k], guess[k], last, turn)

    def _smooth(self, grey: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(grey, (0, 0), self._smooth_px) if self._smooth_px else grey

    def _in_view_at_half(self, pixels: np.ndarray) -> np.ndarray:
        """(N,) bool: so far inside the image that a patch can be aligned at half size."""
        last = np.array(self._clear.shape[::-1]) - 1 - _ROUGH_MARGIN
        return np.all((pixels > _ROUGH_MARGIN) & (pixels < last), axis=1)


def _settled(found: Alignment, guess: np.ndarray) -> np.ndarray:
    """(N,) bool, whether the search settled near its guess."""
    return np.asarray(
        (found.similarity > _LEAST_SIMILAR)
        & (np.linalg.norm(found.pixels - guess, axis=1) < _LARGEST_SHIFT_PX)
        & (found.step_px < _SETTLED_PX)
    )


def _clear(shape: tuple[int, ...], mask: np.ndarray | None) -> np.ndarray:
    """(H, W) uint8, nonzero where patches lie wholly inside the image and the mask."""
    clear = np.zeros(shape, np.uint8)
    clear[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = 255
    if mask is not None:
        inside = cv2.erode(mask, np.ones((2 * _RADIUS + 1,) * 2, np.uint8))
        clear = np.bitwise_and(clear, inside)
    return clear
