"""Where the simulated arm, its camera and the scene stand, and where an episode begins and ends."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.twin.world.scene import BoardPlane, Scene

CAMERA = PinholeCamera(width=640, height=480, fx=540.0, fy=540.0, cx=320.0, cy=240.0)
HOME_RAD = np.radians([0.0, -90.0, -90.0, -90.0, 90.0, 0.0])
"""Flange over the scene, looking down."""

_SCENE_CENTER_M = (0.5, -0.13, 0.0)
_MAX_CONDITION = 25.0
_PATH_STEPS = 25
_STEP_S = 1e-4


class Workcell:
    """A UR5e over a seeded scene, with a camera on its flange.

    Args:
        seed: of the scene and of the episode's two poses.
        T_flange_camera: (4, 4) hand-eye pose, in m.
        board: whether a calibration board lies there in the place of objects.
    """

    def __init__(
        self, seed: int, T_flange_camera: NDArray[np.float64], board: bool = False
    ) -> None:
        self.model = UR_MODELS["ur5e"]
        self._seed = seed
        self._board = board
        self._T_scene_base = se3.inverse(se3.pose(translation=_SCENE_CENTER_M))
        self._T_flange_camera = T_flange_camera
        self._T_camera_flange = se3.inverse(T_flange_camera)
        self._rng = np.random.default_rng([seed, 1])

    @cached_property
    def scene(self) -> BoardPlane | Scene:
        """What there is to see; its textures take a moment to paint."""
        return BoardPlane() if self._board else Scene(self._seed)

    def camera_pose(self, q: ArrayLike) -> NDArray[np.float64]:
        """(4, 4) camera pose in the base frame at joint angles ``q`` (6,), rad."""
        return self.model.forward(q) @ self._T_flange_camera

    def camera_twist(self, q: ArrayLike, qd: ArrayLike) -> NDArray[np.float64]:
        """(6,) twist of the camera in its own frame at joint angles and velocities, (6,) each."""
        ahead = np.asarray(q, dtype=float) + _STEP_S * np.asarray(qd, dtype=float)
        motion = se3.inverse(self.camera_pose(q)) @ self.camera_pose(ahead)
        return np.asarray(se3.log(motion) / _STEP_S)

    def scene_pose(self, T_base_camera: NDArray[np.float64]) -> NDArray[np.float64]:
        """(4, 4) camera pose in the frame of :attr:`scene`."""
        return self._T_scene_base @ T_base_camera

    def render(self, q: ArrayLike) -> np.ndarray:
        """(480, 640, 3) uint8 BGR image that the camera takes at ``q``."""
        return self.render_with_depth(q)[0]

    def render_with_depth(self, q: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """As :meth:`render`, and (480, 640) float32 inverse depth in 1/m, 0 where nothing is."""
        return self.scene.render_with_depth(self.scene_pose(self.camera_pose(q)), CAMERA)

    def episode(
        self,
        min_rotation_deg: float = 30.0,
        max_rotation_deg: float = 75.0,
        min_translation_m: float = 0.1,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw joint angles (q_desired, q_start), both (6,) in rad.

        Both views show the scene's centre, and the arm can travel straight between them without
        coming near a joint limit or a singularity. What the scene looks like plays no part.
        """
        while True:
            goal = self._draw_goal()
            start = self._draw_start(goal)
            q_goal = self._reach(goal, HOME_RAD)
            if q_goal is None or not self._sees_center(start):
                continue
            rotation_deg = se3.rotation_error_deg(goal, start)
            if not min_rotation_deg <= rotation_deg <= max_rotation_deg:
                continue
            if se3.translation_error_m(goal, start) < min_translation_m:
                continue
            q_start = self._travel(q_goal, goal, start)
            if q_start is not None:
                return q_goal, q_start

    def views(self) -> Iterator[NDArray[np.float64]]:
        """Draw, without end, joint angles (6,) in rad with the scene's centre in view.

        The camera is turned about all axes between them, as a calibration needs it.
        """
        while True:
            pose = self._draw_start(self._draw_goal())
            q = self._reach(pose, HOME_RAD) if self._sees_center(pose) else None
            if q is not None:
                yield q

    def _draw_goal(self) -> NDArray[np.float64]:
        """A camera 0.38 to 0.5 m from the scene, at most 15 deg off the vertical."""
        tilt = Rotation.from_rotvec(np.radians(self._rng.uniform(0, 15)) * self._horizontal())
        roll = Rotation.from_euler("z", self._rng.uniform(-40, 40), degrees=True)
        down = Rotation.from_matrix(self.model.forward(HOME_RAD)[:3, :3])
        R = tilt * down * roll
        center = np.array(_SCENE_CENTER_M) + [*self._rng.uniform(-0.03, 0.03, 2), 0.03]
        return se3.pose(R, center - self._rng.uniform(0.38, 0.5) * R.as_matrix()[:, 2])

    def _draw_start(self, goal: NDArray[np.float64]) -> NDArray[np.float64]:
        """Tilted around the scene, turned, moved away and aimed a little off."""
        tilt = Rotation.from_rotvec(np.radians(self._rng.uniform(5, 30)) * self._horizontal())
        roll = Rotation.from_euler("z", self._rng.uniform(-60, 60), degrees=True)
        aim = Rotation.from_euler("xy", self._rng.uniform(-4, 4, 2), degrees=True)
        arm = tilt.as_matrix() @ (goal[:3, 3] - _SCENE_CENTER_M)
        R = tilt * Rotation.from_matrix(goal[:3, :3]) * roll * aim
        return se3.pose(R, _SCENE_CENTER_M + self._rng.uniform(0.95, 1.35) * arm)

    def _horizontal(self) -> NDArray[np.float64]:
        angle = self._rng.uniform(0, 2 * np.pi)
        return np.array([np.cos(angle), np.sin(angle), 0.0])

    def _sees_center(self, T_base_camera: NDArray[np.float64]) -> bool:
        center_c = se3.inverse(T_base_camera) @ [*_SCENE_CENTER_M, 1.0]
        u, v = CAMERA.project(center_c[None, :3])[0]
        return 120 <= u <= CAMERA.width - 120 and 90 <= v <= CAMERA.height - 90

    def _reach(
        self, T_base_camera: NDArray[np.float64], q_near: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Well-conditioned joint angles near ``q_near``, or None."""
        try:
            q = self.model.inverse(T_base_camera @ self._T_camera_flange, q_near)
        except ValueError:
            return None
        return q if self.model.condition_number(q) < _MAX_CONDITION else None

    def _travel(
        self, q: NDArray[np.float64], goal: NDArray[np.float64], start: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Follow the straight path from goal to start; the last joint angles, or None."""
        turn = Rotation.from_matrix(goal[:3, :3].T @ start[:3, :3]).as_rotvec()
        for s in np.linspace(0.0, 1.0, _PATH_STEPS)[1:]:
            R = goal[:3, :3] @ Rotation.from_rotvec(s * turn).as_matrix()
            position = (1 - s) * goal[:3, 3] + s * start[:3, 3]
            q_next = self._reach(se3.pose(R, position), q)
            if q_next is None or np.abs(q_next - q).max() > 0.2:
                return None
            q = q_next
        return q
