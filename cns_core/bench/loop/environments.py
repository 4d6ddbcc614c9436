"""Closed-loop environments: a camera that moves as told, and what it sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.bench.loop.conditions import Conditions
from cns_core.bench.loop.occluder import Occluder
from cns_core.bench.loop.poses import AFFINE_REACH, AFFINE_SECTION, SECTIONS, draw_poses
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.scene import PhotoPlane, Scene
from cns_core.twin.world.sensor import ImageSensor
from cns_core.twin.world.solid import Solid

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
MATCH_TOLERANCE = 2.0 / CAMERA.fx
"""How far matches may lie off what two views allow: two pixels, in the normalized plane."""

_SHUTTER_VIEWS = 5
_LIGHT_PERIOD_S = 3.0
_LATE_LIGHT_S = 2.0


class Environment:
    """A camera at ``T`` that shall come to ``T_goal``, (4, 4) poses in the scene frame.

    Args:
        distance_m: true distance from the goal to the scene's centre.
        conditions: what is wrong.
        rng: for whatever the conditions leave to chance.
    """

    def __init__(
        self,
        T_goal: np.ndarray,
        T_start: np.ndarray,
        distance_m: float,
        conditions: Conditions,
        rng: np.random.Generator,
    ) -> None:
        self.T_goal = T_goal
        self.T = T_start.copy()
        self.distance_m = distance_m
        self.conditions = conditions
        self.time_s = 0.0
        self._mounting = se3.adjoint(_mounting_error(conditions, rng))

    @property
    def depth_prior_m(self) -> float:
        """The distance that the servo is told."""
        return self.conditions.prior_factor * self.distance_m

    @property
    def rotation_error_deg(self) -> float:
        return se3.rotation_error_deg(self.T_goal, self.T)

    @property
    def translation_error_mm(self) -> float:
        return 1e3 * se3.translation_error_m(self.T_goal, self.T)

    def apply(self, twist: np.ndarray, dt: float) -> None:
        """Move the camera by a (6,) twist in its assumed frame for ``dt`` seconds."""
        self.T = self.T @ se3.exp(self._mounting @ twist * dt)
        self.time_s += dt


class ImageEnvironment(Environment):
    """A rendered scene.

    Attributes:
        camera: true :class:`PinholeCamera`; ``assumed_camera`` is what the servo is told.
        desired_image: (H, W, 3) uint8 BGR image taken at the goal.
    """

    def __init__(
        self,
        scene: Scene | PhotoPlane,
        T_goal: np.ndarray,
        T_start: np.ndarray,
        conditions: Conditions,
        rng: np.random.Generator,
        camera: PinholeCamera = CAMERA,
    ) -> None:
        super().__init__(T_goal, T_start, float(np.linalg.norm(T_goal[:3, 3])), conditions, rng)
        self.scene = scene
        self.camera = camera
        factor = conditions.focal_factor
        self.assumed_camera = replace(camera, fx=camera.fx * factor, fy=camera.fy * factor)
        self._sensor = ImageSensor(noise_std=conditions.noise_std, seed=int(rng.integers(2**31)))
        self._occluder = Occluder(rng, camera) if conditions.occluder else None
        self._twist = np.zeros(6)
        self.desired_image = self._sensor.expose([scene.render(T_goal, camera)])

    def image(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR image that the camera takes now."""
        swing = np.sin(2 * np.pi * self.time_s / _LIGHT_PERIOD_S)
        late = self.conditions.late_light if self.time_s >= _LATE_LIGHT_S else 1.0
        self._sensor.light = late * (1.0 + self.conditions.light_swing * swing)
        return self._sensor.expose([self._view(T) for T in self._poses_in_exposure()])

    def depth(self, T: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """True depth in m at (N, 2) pixels of a camera at ``T``, nan where nothing is hit."""
        depth = self.scene.depth(T, self.camera, pixels, self.moving_solids())
        return np.where(np.isfinite(depth), depth, np.nan)

    def moving_solids(self) -> tuple[Solid, ...]:
        """Solids beside the scene's own at this time."""
        return () if self._occluder is None else (self._occluder.before(self.T, self.time_s),)

    def apply(self, twist: np.ndarray, dt: float) -> None:
        super().apply(twist, dt)
        self._twist = self._mounting @ twist

    def _view(self, T: np.ndarray) -> np.ndarray:
        return self.scene.render(T, self.camera, self.moving_solids())

    def _poses_in_exposure(self) -> list[np.ndarray]:
        if not self.conditions.shutter_s or not self._twist.any():
            return [self.T]
        times = np.linspace(-self.conditions.shutter_s, 0.0, _SHUTTER_VIEWS)
        return [self.T @ se3.exp(self._twist * t) for t in times]


def render_environment(section: str, index: int, conditions: Conditions) -> ImageEnvironment:
    """Scene ``index`` of a section of E_render: objects on a table."""
    rng = np.random.default_rng([1, list(SECTIONS).index(section), index])
    seed = int(rng.integers(2**31))
    scene = Scene(seed, objects=conditions.objects, plain_table=conditions.plain_table)
    goal, start = draw_poses(rng, SECTIONS[section], conditions.aim_off_deg)
    return ImageEnvironment(scene, goal, start, conditions, rng)


def affine_environment(section: str, index: int, conditions: Conditions) -> ImageEnvironment:
    """Picture ``index`` of E_affine: a photograph lying flat."""
    rng = np.random.default_rng([2, index])
    scene = PhotoPlane(int(rng.integers(2**31)))
    bounds_deg = AFFINE_SECTION[section]
    goal, start = draw_poses(rng, bounds_deg, conditions.aim_off_deg, AFFINE_REACH)
    return ImageEnvironment(scene, goal, start, conditions, rng)


def _mounting_error(conditions: Conditions, rng: np.random.Generator) -> np.ndarray:
    """Pose of the assumed camera frame in the true one."""
    axis, offset = rng.normal(size=(2, 3))
    axis, offset = axis / np.linalg.norm(axis), offset / np.linalg.norm(offset)
    turn = Rotation.from_rotvec(np.radians(conditions.hand_eye_deg) * axis)
    return se3.pose(turn, 1e-3 * conditions.hand_eye_mm * offset)
