"""Pairs of images with the truth of where each pixel of the one is in the other."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from cns_core.bench.photos.photo_conditions import (
    CONDITIONS,
    STEREO_CONDITIONS,
    PhotoCondition,
)
from cns_core.bench.photos.photographs import CAMERA, STEREO_FOCAL_PX, photograph, stereo_pair
from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.homogeneous import homogeneous

STEREO = "stereo pair"
_GOAL = PhotoCondition()
_TWICE = np.array([[2.0, 0.0, 0.5], [0.0, 2.0, 0.5], [0.0, 0.0, 1.0]])
"""From pixels to those of an image twice as fine."""


@dataclass(frozen=True, eq=False)
class PhotoPair:
    """A desired image and a current one.

    Args:
        picture, condition: their names.
        camera: of both.
        desired, current: (H, W, 3) uint8.
        truth: where (N, 2) pixels of the desired image are in the current one, (N, 2), NaN where
            that is not known.
    """

    picture: str
    condition: str
    camera: PinholeCamera
    desired: np.ndarray
    current: np.ndarray
    truth: Callable[[np.ndarray], np.ndarray]


def pairs(pictures: tuple[str, ...], conditions: tuple[str, ...], seed: int) -> Iterator[PhotoPair]:
    """All pairs of pictures (names of photographs, or ``STEREO``) and conditions."""
    for condition in conditions:
        for picture in pictures:
            if picture == STEREO and condition in STEREO_CONDITIONS:
                yield _stereo(condition, seed)
            elif picture != STEREO and condition in CONDITIONS:
                yield _planar(picture, condition, seed)


def _planar(picture: str, name: str, seed: int) -> PhotoPair:
    """A photograph seen from two places: a plane, so that a homography is the truth."""
    condition, rng = CONDITIONS[name], _rng(picture, name, seed)
    H = _homography(condition, rng.uniform(0.0, 360.0))
    fine = photograph(picture)

    def shown(H: np.ndarray) -> np.ndarray:
        large = cv2.warpPerspective(
            fine,
            _TWICE @ H @ np.linalg.inv(_TWICE),
            fine.shape[1::-1],
            flags=cv2.INTER_AREA,
            borderMode=cv2.BORDER_CONSTANT,
        )
        return cv2.resize(large, (CAMERA.width, CAMERA.height), interpolation=cv2.INTER_AREA)

    desired = _GOAL.expose(shown(np.eye(3)), rng)
    current = condition.expose(shown(H), rng)
    return PhotoPair(picture, name, CAMERA, desired, current, lambda pixels: _map(H, pixels))


def _stereo(name: str, seed: int) -> PhotoPair:
    """The two images of a stereo camera: a real scene with depth."""
    condition, rng = STEREO_CONDITIONS[name], _rng(STEREO, name, seed)
    left, right, disparity = stereo_pair()
    H = _homography(condition, 0.0)
    camera = PinholeCamera(640, 480, STEREO_FOCAL_PX, STEREO_FOCAL_PX, 319.5, 239.5)

    def truth(pixels: np.ndarray) -> np.ndarray:
        x, y = np.rint(pixels).astype(int).T
        shift = disparity[y, x]
        moved = pixels - np.column_stack([shift, np.zeros_like(shift)])
        return _map(H, np.where(np.isfinite(shift)[:, None], moved, np.nan))

    turned = cv2.warpPerspective(right, H, (CAMERA.width, CAMERA.height))
    return PhotoPair(
        STEREO, name, camera, _GOAL.expose(left, rng), condition.expose(turned, rng), truth
    )


def _homography(condition: PhotoCondition, side_deg: float) -> np.ndarray:
    """Of the pixels of a plane in front of the camera to those after tilt and turn."""
    side = np.radians(side_deg)
    axis = np.radians(condition.tilt_deg) * np.array([np.cos(side), np.sin(side), 0.0])
    tilt = cv2.Rodrigues(axis)[0]
    roll = cv2.Rodrigues(np.array([0.0, 0.0, np.radians(condition.turn_deg)]))[0]
    ahead = np.array([0.0, 0.0, 1.0])
    # The plane turns about the point in which the optical axis meets it.
    move = roll @ (tilt - np.outer(tilt @ ahead - ahead, ahead))
    return CAMERA.matrix @ move @ np.linalg.inv(CAMERA.matrix)


def _map(H: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    mapped = homogeneous(pixels) @ H.T
    return mapped[:, :2] / mapped[:, 2:]


def _rng(picture: str, condition: str, seed: int) -> np.random.Generator:
    """The same whatever else is run."""
    return np.random.default_rng([seed, zlib.crc32(f"{picture}/{condition}".encode())])
