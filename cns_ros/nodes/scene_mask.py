"""Where images show the scene, and not the gripper that the camera looks past."""

from __future__ import annotations

import re

import cv2
import numpy as np

from cns_core.geometry.camera import PinholeCamera
from cns_ros.ros.image_file import read_image

_NUMBER = r"-?\d+(?:\.\d*)?"
_POLYGONS = re.compile(rf"[\s;]*(?:{_NUMBER}\s*,\s*{_NUMBER}[\s;]*)+")
_CORNER = re.compile(rf"({_NUMBER})\s*,\s*({_NUMBER})")


class SceneMask:
    """The setting ``mask``, which fits only cameras of its size.

    Args:
        text: name of an image file, black where images do not show the scene; or polygons around
            such places, ``x,y x,y x,y`` in pixels with a semicolon between two polygons; empty for
            no mask.

    Attributes:
        of_goal: (H, W) uint8, zero where the desired image does not show the scene; None for
            nowhere. What hid the scene then is taken to hide it now, too.

    Raises:
        ValueError: if it is neither, or a file that cannot be read.
    """

    def __init__(self, text: str) -> None:
        self._image: np.ndarray | None = None
        self._polygons: list[np.ndarray] = []
        self._learnt: np.ndarray | None = None
        self.of_goal: np.ndarray | None = None
        if _POLYGONS.fullmatch(text):
            self._polygons = [_polygon(part) for part in text.split(";") if part.strip()]
        elif text.strip():
            self._image = read_image(text, "mask").max(axis=2)

    def learn(self, mask: np.ndarray) -> None:
        """Leave out what an (H, W) uint8 mask leaves out, in images of its size, as well."""
        self._learnt = mask

    def of(self, camera: PinholeCamera) -> np.ndarray | None:
        """(H, W) uint8, zero where to ignore the camera's images; None for nowhere.

        Raises:
            ValueError: if the mask is made for images of another size.
        """
        size = camera.height, camera.width
        masks = [self._told(camera), self._learnt, self.of_goal]
        fitting = [mask for mask in masks if mask is not None and mask.shape == size]
        return np.minimum.reduce(fitting) if fitting else None

    def _told(self, camera: PinholeCamera) -> np.ndarray | None:
        size = f"{camera.width}x{camera.height}"
        if self._image is not None:
            height, width = self._image.shape
            if (width, height) != (camera.width, camera.height):
                raise ValueError(
                    f"mask is {width}x{height} pixels, but the camera's images are {size}: "
                    "make it of their size"
                )
            return self._image
        if not self._polygons:
            return None
        mask = np.full((camera.height, camera.width), 255, np.uint8)
        for corners in self._polygons:
            outside = (corners < 0) | (corners > (camera.width, camera.height))
            if outside.any():
                x, y = corners[outside.any(axis=1)][0]
                raise ValueError(
                    f"mask has the corner {x:g},{y:g}, but the camera's images are {size}: "
                    "corners must be inside"
                )
            cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], (0,))
        return mask


def _polygon(text: str) -> np.ndarray:
    """(N, 2) corners."""
    corners = np.array(_CORNER.findall(text), dtype=float)
    if len(corners) < 3:
        raise ValueError(f"mask: a polygon needs 3 corners 'x,y x,y x,y', got {text.strip()!r}")
    return corners
