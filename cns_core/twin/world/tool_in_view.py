"""A gripper that the camera on the wrist sees: at the same place in every image."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from cns_core.twin.world.textures import collage

_SMOOTH = 4  # subpixels a side, for edges as a lens draws them


class ToolInView:
    """Two fingers and a palm that reach into the image from below, as rich in texture as a scene.

    Args:
        width, height: of the images, pixels.
        seed: of its shape and its texture.
        size: of the tool over the image's height.
    """

    def __init__(self, width: int, height: int, seed: int = 0, size: float = 0.5) -> None:
        rng = np.random.default_rng(seed)
        self._texture = cv2.resize(collage(rng, 1600), (width, height)).astype(np.float32)
        outline = np.zeros((_SMOOTH * height, _SMOOTH * width), np.float32)
        middle = width * rng.uniform(0.4, 0.6)
        for corners in _shapes(rng, size * height):
            pixels = corners * [1.0, -1.0] + [middle, height]
            cv2.fillPoly(outline, [np.rint(_SMOOTH * pixels).astype(np.int32)], 1.0)
        self._cover = cv2.resize(outline, (width, height), interpolation=cv2.INTER_AREA)[..., None]

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(H, W) where the scene may be seen: the tool and three pixels about it left out."""
        covered = (self._cover[..., 0] > 0).astype(np.uint8)
        return cv2.dilate(covered, np.ones((7, 7), np.uint8)) == 0

    @property
    def cover(self) -> NDArray[np.float32]:
        """(H, W) share of each pixel that shows the tool."""
        return np.asarray(self._cover[..., 0], dtype=np.float32)

    @property
    def picture(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 BGR of what is on it, of account where it covers."""
        return np.rint(self._texture).astype(np.uint8)

    def before(self, image: np.ndarray) -> np.ndarray:
        """The (H, W, 3) uint8 image with the tool before it."""
        mixed = image * (1.0 - self._cover) + self._texture * self._cover
        return np.rint(mixed).astype(np.uint8)


def _shapes(rng: np.random.Generator, height: float) -> list[NDArray[np.float64]]:
    """Outlines of palm and fingers, pixels, x to the right and y up from the image's lower edge."""
    width, palm, gap = height * rng.uniform((0.7, 0.25, 0.2), (1.0, 0.4, 0.4))
    finger = height * rng.uniform(0.15, 0.25)
    body = np.array([[-width, 0.0], [width, 0.0], [0.8 * width, palm], [-0.8 * width, palm]])
    left = np.array([[-gap - finger, 0.0], [-gap, 0.0], [-gap, height], [-gap - finger, height]])
    return [body, left, left * [-1.0, 1.0]]
