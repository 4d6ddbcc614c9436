"""Find out how blurred an image is, so that patches are compared under the same blur.

Where a sharp patch is aligned to a blurred image the best fit itself lies beside the truth, by
0.2 to 0.8 px at 2 to 4 px of defocus: what the blur did looks to the least squares like a shift.
Repeated, an alignment creeps there from wherever it began. With the desired image blurred alike the
fit is where it should be.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import cv2
import numpy as np

from cns_core.observers.alignment import PatchAligner
from cns_core.observers.template import BlurredTemplate

_DEFOCUS_PX = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""Standard deviations of Gaussians."""
_MOTION_PX, _MOTION_DEG = (5, 9, 13, 21), (0, 45, 90, 135)
_COARSE = (0, 2, 4, 6, *range(len(_DEFOCUS_PX) + 3, len(_DEFOCUS_PX) + 17, len(_MOTION_PX)))
"""Kinds of blur asked first, before those beside the best of them."""
_PATCHES = 32
"""Patches that are asked."""
_BETTER = 0.65
"""What must be left of the misfit by another blur, so that sharp images are never taken for others.
"""
_SUDDEN = 1.4
"""Growth of the misfit from one frame to the next that asks for all blurs at once."""
_LIKE = 0.04
"""Misfit that noise and a change of viewpoint have as well."""


@dataclass(frozen=True)
class Blur:
    """How images are blurred compared with the desired one.

    Attributes:
        kind: number of the kernel, 0 for none.
        misfit: share of a patch's energy that this leaves unexplained, median; infinite before
            anything has been compared.
    """

    kind: int = 0
    misfit: float = np.inf


class BlurLadder:
    """Aligns patches of the desired image under one of several blurs.

    Args:
        sharp: aligns to the desired image as it is.
        grey: (H, W) uint8, the desired image.
    """

    def __init__(self, sharp: PatchAligner, grey: np.ndarray) -> None:
        image = grey.astype(np.float32)
        blurred = [cv2.GaussianBlur(image, (0, 0), sigma) for sigma in _DEFOCUS_PX]
        for angle_deg in _MOTION_DEG:
            blurred += [cv2.filter2D(image, -1, _line(n, angle_deg)) for n in _MOTION_PX]
        templates = [BlurredTemplate(each) for each in blurred]
        self._aligners = [sharp, *(PatchAligner(each, sharp.radius) for each in templates)]

    def aligner(self, blur: Blur) -> PatchAligner:
        """What aligns to images that are blurred like this."""
        return self._aligners[blur.kind]

    def judge(
        self,
        image: np.ndarray,
        anchors: np.ndarray,
        affine: np.ndarray,
        pixels: np.ndarray,
        last: Blur,
        turn: int,
    ) -> Blur:
        """The blur of an image.

        A blur that stays is found within as many frames as there are kinds, one that comes at once
        in its first frame.

        Args:
            image, anchors, affine, pixels: as of :meth:`.PatchAligner.align`.
            last: of the frame before.
            turn: number of the frame.
        """
        some = np.linspace(0, len(pixels) - 1, min(_PATCHES, len(pixels))).astype(int)

        def compared(kind: int) -> Blur:
            align = self._aligners[kind].align
            found = align(image, anchors[some], affine[some], pixels[some])
            return Blur(kind, float(np.median(1.0 - found.similarity**2)))

        present = compared(last.kind)
        count = len(self._aligners)
        if present.misfit < max(_SUDDEN * last.misfit, _LIKE) and np.isfinite(last.misfit):
            best = _best(compared, {0, 1 + turn % (count - 1)} - {last.kind})
        else:
            best = _best(compared, _COARSE)
            beside = {best.kind - 1, best.kind + 1} if best.kind else set()
            best = min(best, _best(compared, beside & set(range(count))), key=_misfit)
        return best if best.misfit < _BETTER * present.misfit else present


def _misfit(blur: Blur) -> float:
    return blur.misfit


def _best(compared: Callable[[int], Blur], kinds: Collection[int]) -> Blur:
    return min((compared(kind) for kind in sorted(kinds)), key=_misfit, default=Blur())


def _line(length: int, angle_deg: float) -> np.ndarray:
    """(L, L) float32 kernel of a motion in a straight line, L = ``length`` odd."""
    way = np.linspace(-0.499, 0.499, 8 * length) * length
    direction = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    x, y = np.rint(np.outer(direction, way)).astype(int) + length // 2
    kernel = np.zeros((length, length), np.float32)
    np.add.at(kernel, (y, x), 1.0)
    return kernel / kernel.sum()
