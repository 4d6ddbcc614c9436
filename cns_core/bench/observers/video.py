"""Video of a photograph, hand-held, with something before the lens for a second in its middle."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.bench.loop.environments import CAMERA
from cns_core.twin.world.textures import photographs

FRAMES, COVERED = 300, range(138, 163)
"""Twelve seconds at 25 Hz, and the frames in which the occluder covers everything."""
_NOISE = 2.0
_WAVES = 4


class Video:
    """Frames of one photograph on a plane that a camera looks at, and where its pixels are.

    Args:
        seed: of the photograph, the way and the noise.
        noise: standard deviation, grey levels.
    """

    def __init__(self, seed: int, noise: float = _NOISE) -> None:
        self._noise = noise
        self._rng = np.random.default_rng([seed, 17])
        photos = photographs()
        self._photo = _filling(photos[seed % len(photos)])
        self._hand = photos[(seed + 1) % len(photos)]
        self._waves = (
            self._rng.normal(size=(_WAVES, 2, 6)) / np.arange(1, _WAVES + 1)[:, None, None]
        )
        self.desired_image = self._seen(np.eye(3))

    def homography(self, k: int) -> np.ndarray:
        """(3, 3) from the desired image to frame ``k``, pixels."""
        phase = 2.0 * np.pi * k / FRAMES * np.arange(1, _WAVES + 1)[:, None]
        way = (np.sin(phase) * self._waves[:, 0] + np.cos(phase) * self._waves[:, 1]).sum(axis=0)
        R = Rotation.from_rotvec(way[:3] * (0.06, 0.06, 0.12)).as_matrix()
        plane = R + np.outer(way[3:] * 0.05, (0.0, 0.0, 1.0))
        return np.asarray(CAMERA.matrix @ plane @ np.linalg.inv(CAMERA.matrix))

    def image(self, k: int) -> np.ndarray:
        """Frame ``k`` with nothing before the lens, (480, 640, 3) uint8."""
        return self._seen(self.homography(k))

    def frames(self) -> Iterator[np.ndarray]:
        """(480, 640, 3) uint8 each."""
        cover = cv2.resize(self._hand, (CAMERA.width, CAMERA.height))
        for k in range(FRAMES):
            yield self._exposed(cover) if k in COVERED else self.image(k)

    def errors_px(self, k: int, desired: np.ndarray, current: np.ndarray) -> np.ndarray:
        """(N,) how far (N, 2) ``current`` is from where (N, 2) ``desired`` pixels are."""
        if not len(desired):
            return np.zeros(0)
        truth = cv2.perspectiveTransform(desired[:, None], self.homography(k))[:, 0]
        return np.asarray(np.linalg.norm(current - truth, axis=1))

    def _seen(self, H: np.ndarray) -> np.ndarray:
        # The photograph has twice the pixels and a margin around what the desired image shows.
        height, width = self._photo.shape[:2]
        margin = 0.5 * (width - 2 * CAMERA.width), 0.5 * (height - 2 * CAMERA.height)
        to_photo = np.array([[2.0, 0.0, 0.5 + margin[0]], [0.0, 2.0, 0.5 + margin[1]], [0, 0, 1]])
        fine = np.diag([2.0, 2.0, 1.0])
        fine[:2, 2] = 0.5
        size = 2 * CAMERA.width, 2 * CAMERA.height
        view = cv2.warpPerspective(
            self._photo, fine @ H @ np.linalg.inv(to_photo), size, borderMode=cv2.BORDER_REFLECT
        )
        return self._exposed(
            cv2.resize(view, (CAMERA.width, CAMERA.height), interpolation=cv2.INTER_AREA)
        )

    def _exposed(self, view: np.ndarray) -> np.ndarray:
        noisy = view + self._rng.normal(0.0, self._noise, view.shape)
        return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)


def _filling(photo: np.ndarray) -> np.ndarray:
    """A photograph enlarged to 1.5 times the desired image at twice its pixels."""
    factor = 3.0 * max(CAMERA.width / photo.shape[1], CAMERA.height / photo.shape[0])
    return cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
