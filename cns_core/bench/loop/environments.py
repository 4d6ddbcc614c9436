"""Closed-loop environments: a camera that moves as told, and what it sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from cns_core.bench.loop.conditions import MOVED_AT_S, Conditions
from cns_core.bench.loop.occluder import Occluder
from cns_core.bench.loop.poses import AFFINE_REACH, AFFINE_SECTION, SECTIONS, draw_poses
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.observers import make_observer
from cns_core.twin.camera.camera import RealCamera
from cns_core.twin.camera.presets import camera_model
from cns_core.twin.world.pasted_tool import PastedTool
from cns_core.twin.world.scene import PhotoPlane, Rendered, Scene
from cns_core.twin.world.sensor import ImageSensor
from cns_core.twin.world.solid import Solid
from cns_core.twin.world.tabletop import Tabletop
from cns_core.twin.world.tool_in_view import ToolInView

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
MATCH_TOLERANCE = 2.0 / CAMERA.fx
"""How far matches may lie off what two views allow: two pixels, in the normalized plane."""

TABLETOP_KEYPOINTS = 60, 160
"""Least and most keypoints in the desired image of a ``tabletop`` scene."""

UNTOLD_PRIOR_M = 0.5
"""What a method takes for the distance that cannot do without, where none is told."""

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
        self._mounting_error = _mounting_error(conditions, rng)
        self._mounting = se3.adjoint(self._mounting_error)

    @property
    def depth_prior_m(self) -> float:
        """The distance that the servo is told."""
        factor = self.conditions.prior_factor
        return UNTOLD_PRIOR_M if factor is None else factor * self.distance_m

    @property
    def T_assumed(self) -> np.ndarray:
        """(4, 4) pose that an arm without error, and the assumed mounting, give for the camera."""
        return self.T @ self._mounting_error

    @property
    def rotation_error_deg(self) -> float:
        return se3.rotation_error_deg(self.T_goal, self.T)

    @property
    def translation_error_mm(self) -> float:
        return 1e3 * se3.translation_error_m(self.T_goal, self.T)

    def keypoint_depths(self, seen: Correspondence) -> np.ndarray:
        """(2, M) true depths of the matched keypoints in m, nan where nothing is seen.

        From the current camera first, then from the desired one.
        """
        raise NotImplementedError

    def apply(self, twist: np.ndarray, dt: float) -> None:
        """Move the camera by a (6,) twist in its assumed frame for ``dt`` seconds."""
        self.T = self.T @ se3.exp(self._mounting @ twist * dt)
        self.time_s += dt


class ImageEnvironment(Environment):
    """A rendered scene.

    Attributes:
        camera: true :class:`PinholeCamera`; ``assumed_camera`` is what the servo is told.
        scene: what is seen now.
        desired_image: (H, W, 3) uint8 BGR image taken at the goal.
    """

    def __init__(
        self,
        scene: Rendered,
        T_goal: np.ndarray,
        T_start: np.ndarray,
        conditions: Conditions,
        rng: np.random.Generator,
        camera: PinholeCamera = CAMERA,
        renderer: str = "built-in",
    ) -> None:
        T_goal, T_start = _begun(T_goal, T_start, conditions)
        scene = scene if conditions.scene_scale == 1.0 else scene.scaled(conditions.scene_scale)
        self._renderer = renderer
        scene = self._drawn(scene)
        super().__init__(T_goal, T_start, float(np.linalg.norm(T_goal[:3, 3])), conditions, rng)
        self.scene = scene
        self.assumed_camera = _with_focal_factor(camera, conditions)
        self.camera = camera = _true_camera(camera, conditions)
        seed = int(rng.integers(2**31))
        self._sensor = ImageSensor(noise_std=conditions.noise_std, seed=seed)
        self._occluder = Occluder(rng, camera) if conditions.occluder else None
        self._twist = np.zeros(6)
        self._moved_scene = _moved(scene, conditions, rng)
        size = camera.width, camera.height
        kinds = (ToolInView,) * conditions.tool + (PastedTool,) * conditions.pasted_tool
        self._tools = [kind(*size, seed) for kind in kinds]
        model = camera_model(conditions.camera)
        self._real = None if model is None else RealCamera(model, camera, seed)
        if self._real is not None:
            self.camera = self._real.lens
            self.assumed_camera = _with_focal_factor(self._real.told, conditions)
        self.desired_image = self._desired_image()

    def show(self, scene: Rendered) -> None:
        """From now on another scene is seen; the desired image stays."""
        self.scene = self._drawn(scene)

    def place(self, T: np.ndarray) -> None:
        """Stand at another pose, at rest, a real camera's exposure settled there."""
        self.T, self._twist = T.copy(), np.zeros(6)
        if self._real is not None:
            self._real.settle(self.scene, T)

    def _drawn(self, scene: Rendered) -> Rendered:
        if self._renderer != "mujoco":
            return scene
        from cns_core.twin.world.mujoco_scene import MujocoScene

        return MujocoScene(scene)

    def image(self) -> np.ndarray:
        """(H, W, 3) uint8 BGR image that the camera takes now."""
        swing = np.sin(2 * np.pi * self.time_s / _LIGHT_PERIOD_S)
        late = self.conditions.late_light if self.time_s >= _LATE_LIGHT_S else 1.0
        light = late * (1.0 + self.conditions.light_swing * swing)
        if self._real is not None:
            solids = self.moving_solids()
            return self._real.shoot(self.scene, self.T, self._twist, light, solids).image
        self._sensor.light = light
        return self._sensor.expose([self._view(T) for T in self._poses_in_exposure()])

    def _desired_image(self) -> np.ndarray:
        """Taken at rest at the goal; a real camera's exposure then settles at the start."""
        if self._real is None:
            view = self.scene.render(self.T_goal, self.camera)
            return self._sensor.expose([self._with_tool(view)])
        self._real.settle(self.scene, self.T_goal)
        image = self._real.shoot(self.scene, self.T_goal, np.zeros(6)).image
        self._real.settle(self.scene, self.T)
        return image

    def _with_tool(self, view: np.ndarray) -> np.ndarray:
        for tool in self._tools:
            view = tool.before(view)
        return view

    def depth(self, T: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """True depth in m at (N, 2) pixels of a camera at ``T``, nan where nothing is hit."""
        depth = self.scene.depth(T, self.camera, pixels, self.moving_solids())
        return np.where(np.isfinite(depth), depth, np.nan)

    def keypoint_depths(self, seen: Correspondence) -> np.ndarray:
        views = ((self.T, seen.current), (self.T_goal, seen.desired))
        return np.array(
            [self.depth(T, self.camera.denormalize(at[seen.matched])) for T, at in views]
        )

    def moving_solids(self) -> tuple[Solid, ...]:
        """Solids beside the scene's own at this time."""
        return () if self._occluder is None else (self._occluder.before(self.T, self.time_s),)

    def apply(self, twist: np.ndarray, dt: float) -> None:
        super().apply(twist, dt)
        self._twist = self._mounting @ twist
        if self._moved_scene is not None and self.time_s >= MOVED_AT_S:
            self.scene = self._moved_scene

    def _view(self, T: np.ndarray) -> np.ndarray:
        return self._with_tool(self.scene.render(T, self.camera, self.moving_solids()))

    def _poses_in_exposure(self) -> list[np.ndarray]:
        if not self.conditions.shutter_s or not self._twist.any():
            return [self.T]
        times = np.linspace(-self.conditions.shutter_s, 0.0, _SHUTTER_VIEWS)
        return [self.T @ se3.exp(self._twist * t) for t in times]


def render_environment(
    section: str, index: int, conditions: Conditions, renderer: str = "built-in"
) -> ImageEnvironment:
    """Scene ``index`` of a section of E_render: objects on a table."""
    rng = np.random.default_rng([1, list(SECTIONS).index(section), index])
    seed = int(rng.integers(2**31))
    scene = Scene(seed, objects=conditions.objects, plain_table=conditions.plain_table)
    goal, start = draw_poses(rng, SECTIONS[section], conditions.aim_off_deg)
    return ImageEnvironment(scene, goal, start, conditions, rng, renderer=renderer)


def tabletop_environment(
    section: str, index: int, conditions: Conditions, renderer: str = "built-in"
) -> ImageEnvironment:
    """Scene ``index`` of a section of few objects on a bare table, every other one aliased.

    Scenes are drawn until the goal shows as many keypoints as ``TABLETOP_KEYPOINTS``.
    """
    rng = np.random.default_rng([6, list(SECTIONS).index(section), index])
    low, high = TABLETOP_KEYPOINTS
    while True:
        scene = Tabletop(int(rng.integers(2**31)), antialiased=index % 2 == 0)
        goal, start = draw_poses(rng, SECTIONS[section], conditions.aim_off_deg)
        if low <= _keypoints(scene.render(goal, CAMERA)) <= high:
            return ImageEnvironment(scene, goal, start, conditions, rng, renderer=renderer)


def _keypoints(image: np.ndarray) -> int:
    """How many keypoints the default observer finds in an image."""
    finder = make_observer("sift", CAMERA, tracking=True, background=False)
    try:
        finder.set_desired(image)
    except ValueError:  # of too few
        return 0
    return len(np.asarray(finder.desired))


def affine_environment(
    section: str, index: int, conditions: Conditions, renderer: str = "built-in"
) -> ImageEnvironment:
    """Picture ``index`` of E_affine: a photograph lying flat."""
    rng = np.random.default_rng([2, index])
    scene = PhotoPlane(int(rng.integers(2**31)))
    bounds_deg = AFFINE_SECTION[section]
    goal, start = draw_poses(rng, bounds_deg, conditions.aim_off_deg, AFFINE_REACH)
    return ImageEnvironment(scene, goal, start, conditions, rng, renderer=renderer)


def _begun(
    T_goal: np.ndarray, T_start: np.ndarray, conditions: Conditions
) -> tuple[np.ndarray, np.ndarray]:
    """The poses where the way is shortened, or the scene of another scale."""
    if conditions.start_share != 1.0:
        way = se3.log(se3.inverse(T_goal) @ T_start)
        T_start = T_goal @ se3.exp(conditions.start_share * way)
    goal, start = T_goal.copy(), T_start.copy()
    for T in (goal, start):
        T[:3, 3] *= conditions.scene_scale
    return goal, start


def _with_focal_factor(camera: PinholeCamera, conditions: Conditions) -> PinholeCamera:
    factor = conditions.focal_factor
    return replace(camera, fx=camera.fx * factor, fy=camera.fy * factor)


def _true_camera(camera: PinholeCamera, conditions: Conditions) -> PinholeCamera:
    """What the assumed camera is in truth, its focal length apart."""
    if not (conditions.principal_px or conditions.distortion):
        return camera
    # Along a diagonal, so that no direction of the image is spared.
    aside = conditions.principal_px / np.sqrt(2.0)
    return replace(
        camera, cx=camera.cx + aside, cy=camera.cy - aside, distortion=conditions.distortion
    )


def _moved(scene: Rendered, conditions: Conditions, rng: np.random.Generator) -> Rendered | None:
    """The scene after one object was moved in any direction, None where none is."""
    if not conditions.moved_mm:
        return None
    angle = rng.uniform(0.0, 2.0 * np.pi)
    offset = 1e-3 * conditions.moved_mm * np.array([np.cos(angle), np.sin(angle), 0.0])
    return scene.with_moved(int(rng.integers(1, len(scene.solids))), offset)


def _mounting_error(conditions: Conditions, rng: np.random.Generator) -> np.ndarray:
    """Pose of the assumed camera frame in the true one."""
    axis, offset = rng.normal(size=(2, 3))
    axis, offset = axis / np.linalg.norm(axis), offset / np.linalg.norm(offset)
    turn = Rotation.from_rotvec(np.radians(conditions.hand_eye_deg) * axis)
    return se3.pose(turn, 1e-3 * conditions.hand_eye_mm * offset)
