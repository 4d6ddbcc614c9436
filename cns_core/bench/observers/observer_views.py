"""What the observers' benchmark shows them: sequences of views with known geometry."""

from __future__ import annotations

import cv2
import numpy as np

from cns_core.bench.loop.environments import CAMERA
from cns_core.bench.observers.view_conditions import ViewCondition
from cns_core.bench.observers.view_poses import draw_goal, draw_way
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.homogeneous import homogeneous
from cns_core.twin.world.scene import Scene
from cns_core.twin.world.sensor import ImageSensor

_OTHER_SCENE = 1_000_000
"""Added to the seed for what the occluder shows, which must not be the scene's own texture."""


class ViewSequence:
    """One scene under one condition.

    Attributes:
        desired_image: image taken at the goal.
        images: current images in order.

    Args:
        seed: of the scene, the poses and the noise.
        condition: what is looked at.
        oversampling: views are rendered this many times finer and averaged. The renderer reads
            textures bilinearly, which displaces fine texture by hundredths of a pixel: as much as
            the observers do.
    """

    def __init__(self, seed: int, condition: ViewCondition, oversampling: int = 3) -> None:
        rng = np.random.default_rng([seed, 7])
        self._scene = Scene(seed)
        self._fine = _finer(CAMERA, oversampling)
        self._goal = draw_goal(rng)
        self._poses = draw_way(rng, self._goal, condition)
        sensor = ImageSensor(noise_std=condition.noise_std, seed=seed)
        self.desired_image = sensor.expose([self._render(self._scene, self._goal)])
        stripe = self._render(Scene(seed + _OTHER_SCENE), self._goal)
        self._covered = [_covered(k, condition) for k in range(len(self._poses))]
        self.images = []
        for k, (T, covered) in enumerate(zip(self._poses, self._covered, strict=True)):
            view = self._render(self._scene, T)
            if condition.blur_px > 1:
                view = cv2.blur(view, (condition.blur_px, 1))
            view[:, covered] = stripe[:, : covered.sum()]
            changed = k >= len(self._poses) // 2
            sensor.light = condition.light if changed else 1.0
            if changed and condition.shade:
                view = _shade(view, condition.shade)
            self.images.append(sensor.expose([view]))

    def truth(self, k: int, desired: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where keypoints really are in image ``k``.

        Args:
            desired: (N, 2) keypoints of the desired image, normalized plane.

        Returns:
            ``(pixels, visible)``: (N, 2), and (N,) whether they are in view and not hidden.
        """
        depth = self._scene.depth(self._goal, CAMERA, CAMERA.denormalize(desired))
        known = np.isfinite(depth)
        rays = homogeneous(desired)
        points = rays * np.where(known, depth, 1.0)[:, None]
        to_current = se3.inverse(self._poses[k]) @ self._goal
        points = points @ to_current[:3, :3].T + to_current[:3, 3]
        pixels = np.nan_to_num(CAMERA.project(points), nan=-1.0)
        size = np.array([CAMERA.width, CAMERA.height])
        inside = known & ((pixels >= 0) & (pixels <= size - 1)).all(axis=1)
        pixels = np.where(inside[:, None], pixels, 0.0)
        seen = self._scene.depth(self._poses[k], CAMERA, pixels)
        visible = inside & (np.abs(seen - points[:, 2]) < 0.01 * np.abs(points[:, 2]))
        return pixels, visible & ~self._covered[k][pixels[:, 0].astype(int)]

    def _render(self, scene: Scene, T: np.ndarray) -> np.ndarray:
        fine = scene.render(T, self._fine)
        return cv2.resize(fine, (CAMERA.width, CAMERA.height), interpolation=cv2.INTER_AREA)


def _covered(k: int, condition: ViewCondition) -> np.ndarray:
    """(W,) bool: the columns of image ``k`` that the occluder hides."""
    covered = np.zeros(CAMERA.width, dtype=bool)
    if condition.occluder:
        left = int(CAMERA.width / 3 + 150 * np.sin(0.5 * k))
        covered[left : left + CAMERA.width // 3] = True
    return covered


def _shade(view: np.ndarray, share: float) -> np.ndarray:
    """The view with light that falls off linearly from the left to the right border."""
    factor = np.linspace(1.0, 1.0 - share, view.shape[1])[None, :, None]
    return np.rint(view * factor).astype(np.uint8)


def _finer(camera: PinholeCamera, factor: int) -> PinholeCamera:
    """The same camera with ``factor`` times the pixels each way."""
    return PinholeCamera(
        width=camera.width * factor,
        height=camera.height * factor,
        fx=camera.fx * factor,
        fy=camera.fy * factor,
        cx=(camera.cx + 0.5) * factor - 0.5,
        cy=(camera.cy + 0.5) * factor - 0.5,
    )
