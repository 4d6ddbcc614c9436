"""What the observers' benchmark shows them: sequences of views with known geometry."""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.scene import Scene
from cns_core.twin.world.sensor import ImageSensor

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
_NOISE = 2.0
_FRAMES = 12
_STEP = 0.04
"""Share of the way to the goal between two frames of one condition."""


@dataclass(frozen=True)
class Condition:
    """Where the camera starts relative to the goal, and what is wrong with its images.

    Args:
        roll_deg: turn about the optical axis.
        tilt_deg: turn about a horizontal axis through the scene.
        scale: distance to the scene over that of the goal.
        nudge: multiple of 2 deg and 2 % of the distance, in a random direction.
        noise_std: image noise in grey levels.
        light: factor on the light, from the middle of the sequence on.
        shade: share of the light that is missing at the right border, ever less to the left, from
            the middle of the sequence on.
        blur_px: length of a horizontal motion blur, current images only.
        occluder: cover a third of the image by a moving stripe.
        approach: go all the way to the goal instead of staying about the start.
    """

    roll_deg: float = 0.0
    tilt_deg: float = 0.0
    scale: float = 1.0
    nudge: float = 0.0
    noise_std: float = _NOISE
    light: float = 1.0
    shade: float = 0.0
    blur_px: int = 1
    occluder: bool = False
    approach: bool = False


CONDITIONS = {
    "approach": Condition(roll_deg=40.0, tilt_deg=15.0, scale=1.2, approach=True),
    "near": Condition(nudge=1.0),
    "near, light halved": Condition(nudge=1.0, light=0.5),
    "near, light gradient": Condition(nudge=1.0, shade=0.6),
    "near, noise 8": Condition(nudge=1.0, noise_std=8.0),
    "near, blur 7 px": Condition(nudge=1.0, blur_px=7),
    "near, third occluded": Condition(nudge=1.0, occluder=True),
    **{f"rotation {angle}": Condition(roll_deg=angle) for angle in (30, 90, 180)},
    **{f"viewpoint {angle}": Condition(tilt_deg=angle) for angle in (15, 30, 45, 55, 65)},
    **{f"scale {scale}": Condition(scale=scale) for scale in (0.5, 0.7, 1.4, 2.0)},
}
"""Conditions by the name they carry in reports."""


class Sequence:
    """One scene under one condition.

    Attributes:
        desired_image: image taken at the goal.
        images: current images in order.

    Args:
        seed: of the scene, the poses and the noise.
        condition: :class:`Condition`.
        oversampling: views are rendered this many times finer and averaged. The renderer reads
            textures bilinearly, which displaces fine texture by hundredths of a pixel: as much as
            the observers do.
    """

    def __init__(self, seed, condition, oversampling=3):
        rng = np.random.default_rng([seed, 7])
        self._scene = Scene(seed)
        self._fine = _finer(CAMERA, oversampling)
        self._goal = _goal(rng)
        self._poses = _poses(rng, self._goal, condition)
        sensor = ImageSensor(noise_std=condition.noise_std, seed=seed)
        self.desired_image = sensor.expose([self._render(self._goal)])
        stripe = self._render(self._goal, Scene(seed + 1_000_000))  # not the scene's own texture
        self.images, self._covered = [], []
        for k, T in enumerate(self._poses):
            view, covered = self._render(T), np.zeros(CAMERA.width, bool)
            if condition.blur_px > 1:
                view = cv2.blur(view, (condition.blur_px, 1))
            if condition.occluder:
                left = int(CAMERA.width / 3 + 150 * np.sin(0.5 * k))
                covered[left : left + CAMERA.width // 3] = True
                view[:, covered] = stripe[:, : covered.sum()]
            changed = k >= len(self._poses) // 2
            sensor.light = condition.light if changed else 1.0
            if changed and condition.shade:
                view = _shade(view, condition.shade)
            self.images.append(sensor.expose([view]))
            self._covered.append(covered)

    def truth(self, k, desired):
        """Where keypoints really are in image ``k``.

        Args:
            desired: (N, 2) keypoints of the desired image, normalized plane.

        Returns:
            ``(pixels, visible)``: (N, 2), and (N,) whether they are in view and not hidden.
        """
        depth = self._scene.depth(self._goal, CAMERA, CAMERA.denormalize(desired))
        known = np.isfinite(depth)
        rays = np.column_stack([desired, np.ones(len(desired))])
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

    def _render(self, T, scene=None):
        fine = (scene or self._scene).render(T, self._fine)
        return cv2.resize(fine, (CAMERA.width, CAMERA.height), interpolation=cv2.INTER_AREA)


def _shade(view, share):
    """The view with light that falls off linearly from the left to the right border."""
    factor = np.linspace(1.0, 1.0 - share, view.shape[1])[None, :, None]
    return np.rint(view * factor).astype(np.uint8)


def _finer(camera, factor):
    """The same camera with ``factor`` times the pixels each way."""
    return PinholeCamera(
        width=camera.width * factor,
        height=camera.height * factor,
        fx=camera.fx * factor,
        fy=camera.fy * factor,
        cx=(camera.cx + 0.5) * factor - 0.5,
        cy=(camera.cy + 0.5) * factor - 0.5,
    )


def _goal(rng):
    """A camera above the scene, up to 20 deg off the vertical, 0.5 to 0.7 m away."""
    lean, azimuth = np.radians(rng.uniform(0, 20)), rng.uniform(0, 2 * np.pi)
    direction = [np.sin(lean) * np.cos(azimuth), np.sin(lean) * np.sin(azimuth), np.cos(lean)]
    return se3.look_at(rng.uniform(0.5, 0.7) * np.array(direction), (0, 0, 0), up=(0.3, 1, 0))


def _poses(rng, goal, condition):
    """Camera poses from the condition's start towards the goal."""
    distance = np.linalg.norm(goal[:3, 3])
    axis = np.append(rng.normal(size=2), 0.0)
    axis *= np.radians(condition.tilt_deg) / np.linalg.norm(axis)
    # Turn about the scene's centre, expressed in the goal's camera frame.
    centre = se3.pose(translation=(0, 0, distance))
    back = se3.pose(translation=(0, 0, -condition.scale * distance))
    roll = Rotation.from_euler("z", condition.roll_deg, degrees=True)
    offset = centre @ se3.pose(Rotation.from_rotvec(axis)) @ back @ se3.pose(roll)
    nudge = rng.normal(size=6)
    nudge[:3] *= condition.nudge * 0.02 * distance / np.linalg.norm(nudge[:3])
    nudge[3:] *= condition.nudge * np.radians(2.0) / np.linalg.norm(nudge[3:])
    start = goal @ offset @ se3.exp(nudge)
    way = se3.log(se3.inverse(start) @ goal)
    if condition.approach:
        shares = 1.0 - np.exp(-0.04 * np.arange(1.5 * _FRAMES / _STEP / 4.5))
    else:
        shares = _STEP * np.arange(_FRAMES) / max(1.0, np.linalg.norm(way[3:]) / np.radians(90))
    return [start @ se3.exp(way * share) for share in shares]
