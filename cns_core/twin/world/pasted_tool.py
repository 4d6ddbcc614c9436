"""Things cut from photographs in place of a gripper: at the same place in every image."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data
from sklearn.datasets import load_sample_image

from cns_core.twin.world.tool_in_view import ToolInView

_SHARE = 0.1, 0.4
"""Bounds of the share of the image that it covers."""
_ASIDE = 0.4
"""Where its middle lies, over the image's width and height from their middles."""
_SCALES = 0.1, 8.0
_SOFT_PX = 1.0

Outline = tuple[list[tuple[int, int, int, int]], list[tuple[int, int]]]
"""Ellipses (x, y and half axes) and a polygon, pixels, together the thing."""

_CUP: Outline = ([(277, 230, 200, 152), (288, 98, 112, 78)], [])
_FLOWER: Outline = ([(308, 222, 136, 134)], [])
_CAMERAMAN: Outline = (
    [],
    [
        *((206, 65), (265, 95), (275, 138), (327, 142), (330, 172), (315, 218), (294, 290)),
        *((243, 312), (170, 356), (141, 407), (148, 511), (0, 511), (0, 276), (54, 160)),
        *((141, 109), (170, 73)),
    ],
)
CUTTINGS: dict[str, tuple[Callable[[], np.ndarray], Outline]] = {
    "cup": (data.coffee, _CUP),
    "flower": (lambda: np.asarray(load_sample_image("flower.jpg")), _FLOWER),
    "cameraman": (data.camera, _CAMERAMAN),
}


class PastedTool(ToolInView):
    """One of ``CUTTINGS``, turned, at the border of the image, over 10 to 40 % of it.

    Args:
        width, height: of the images, pixels.
        seed: of which it is, how large, and where.
    """

    def __init__(self, width: int, height: int, seed: int = 0) -> None:
        rng = np.random.default_rng([seed, 17])
        name = str(rng.choice(list(CUTTINGS)))
        picture, cover, middle = _cut(name)
        share, turn_deg = rng.uniform(*_SHARE), rng.uniform(0.0, 360.0)
        angle = rng.uniform(0.0, 2.0 * np.pi)
        place = np.array([width, height]) * (
            0.5 + _ASIDE * np.array([np.cos(angle), np.sin(angle)])
        )

        def shown(image: np.ndarray, scale: float) -> np.ndarray:
            A = cv2.getRotationMatrix2D(middle, turn_deg, scale)
            A[:, 2] = A[:, 2] + place - middle
            return cv2.warpAffine(image, A, (width, height), flags=cv2.INTER_AREA)

        low, high = _SCALES
        while high - low > 1e-3:
            scale = 0.5 * (low + high)
            small = shown(cover, scale).mean() < share
            low, high = (scale, high) if small else (low, scale)
        self._texture = shown(picture, low).astype(np.float32)
        self._cover = shown(cover, low)[..., None]


def _cut(name: str) -> tuple[np.ndarray, NDArray[np.float32], tuple[float, float]]:
    """A photograph in BGR, the (H, W) share of each pixel that is the thing, and its middle."""
    load, (ellipses, polygon) = CUTTINGS[name]
    photo = load()
    bgr = cv2.cvtColor(photo, cv2.COLOR_GRAY2BGR if photo.ndim == 2 else cv2.COLOR_RGB2BGR)
    cover = np.zeros(bgr.shape[:2], np.float32)
    for x, y, a, b in ellipses:
        cv2.ellipse(cover, (x, y), (a, b), 0.0, 0.0, 360.0, 1.0, -1)
    if polygon:
        cv2.fillPoly(cover, [np.array(polygon, np.int32)], 1.0)
    row, column = np.nonzero(cover)
    soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), _SOFT_PX), np.float32)
    return bgr, soft, (float(column.mean()), float(row.mean()))
