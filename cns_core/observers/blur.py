"""Find out how blurred an image is, so that patches are compared under the same blur.

Where a sharp patch is aligned to a blurred image the best fit itself lies beside the truth, by
0.2 to 0.8 px at 2 to 4 px of defocus: what the blur did looks to the least squares like a shift.
Repeated, an alignment creeps there from wherever it began. With the desired image blurred alike the
fit is where it should be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np

from cns_core.observers.alignment import PatchAligner
from cns_core.observers.template import BlurredTemplate, Readable

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
        self._templates: list[Readable] = [sharp.template, *map(BlurredTemplate, blurred)]
        self._aligners = [sharp.reading(each) for each in self._templates]

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
        compared = partial(self._compared, image, anchors[some], affine[some], pixels[some])
        count = len(self._templates)
        present, *others = compared([last.kind, *sorted({0, 1 + turn % (count - 1)} - {last.kind})])
        best = min(others, key=_misfit)
        if not (present.misfit < max(_SUDDEN * last.misfit, _LIKE) and np.isfinite(last.misfit)):
            best = min(compared(_COARSE), key=_misfit)
            beside = {best.kind - 1, best.kind + 1} & set(range(count)) if best.kind else set()
            best = min([best, *compared(sorted(beside))], key=_misfit)
        return best if best.misfit < _BETTER * present.misfit else present

    def _compared(
        self,
        image: np.ndarray,
        anchors: np.ndarray,
        affine: np.ndarray,
        pixels: np.ndarray,
        kinds: Sequence[int],
    ) -> list[Blur]:
        """How well each of several blurs explains an image; all at once, as patches are few."""
        count = len(kinds)
        if not count:
            return []
        aligner = self._aligners[0].reading(_Several([self._templates[kind] for kind in kinds]))
        asked = np.tile(anchors, (count, 1)), np.tile(affine, (count, 1, 1))
        found = aligner.align(image, *asked, np.tile(pixels, (count, 1)), judged=False)
        misfit = np.median(1.0 - found.similarity.reshape(count, -1) ** 2, axis=1)
        return [Blur(kind, float(each)) for kind, each in zip(kinds, misfit, strict=True)]


class _Several:
    """Templates that are read as one, each at an equal share of the maps."""

    def __init__(self, templates: Sequence[Readable]) -> None:
        self._templates = templates

    def read(self, maps: np.ndarray, grid: np.ndarray) -> np.ndarray:
        """As :meth:`.Readable.read`."""
        shares = np.split(maps, len(self._templates), axis=1)
        read = [each.read(share, grid) for each, share in zip(self._templates, shares, strict=True)]
        return np.concatenate(read)


def _misfit(blur: Blur) -> float:
    return blur.misfit


def _line(length: int, angle_deg: float) -> np.ndarray:
    """(L, L) float32 kernel of a motion in a straight line, L = ``length`` odd."""
    way = np.linspace(-0.499, 0.499, 8 * length) * length
    direction = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    x, y = np.rint(np.outer(direction, way)).astype(int) + length // 2
    kernel = np.zeros((length, length), np.float32)
    np.add.at(kernel, (y, x), 1.0)
    return kernel / kernel.sum()
