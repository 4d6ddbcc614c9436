"""Slows the camera down before the arm reaches the end of its room to move."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cns_core.arm.hand_eye import tcp_twist_in_base
from cns_core.arm.ur_kinematics import UrModel

_DAMPING = 0.001
_JOINT_MARGIN_RAD = 0.1
# Of the joint-speed limits: what is aimed at, and what is never exceeded.
_JOINT_SPEED_SHARE, _JOINT_SPEED_MOST = 0.8, 0.9
_CONDITION_MOST = 80.0
_STEP_S = 1e-3
# Of the horizon: left to the last, harder braking.
_LAST_SHARE = 0.25
_NAMES = (
    *(f"workspace box {side}{axis}" for side in "-+" for axis in "xyz"),
    *(f"joint {joint + 1} {end} limit" for end in ("lower", "upper") for joint in range(6)),
    "singularity",
)


class _Posture(NamedTuple):
    """What is needed of the arm at some joint angles ``q`` (6,).

    ``pose`` is the camera's; ``J`` the Jacobian with lengths in units of the reach, and U, s, Vt
    its singular value decomposition.
    """

    q: np.ndarray
    pose: np.ndarray
    J: np.ndarray
    U: np.ndarray
    s: np.ndarray
    Vt: np.ndarray


class MotionGuard:
    """Scales a camera twist so that the workspace box, joints and singularities are respected.

    One rule for everything that ends: at the speed allowed, the boundary is at least ``horizon_s``
    away, so that an arm that stops within that time never reaches it. The twist keeps its
    direction; motion away from a boundary is never slowed.

    Args:
        model: the arm, a ``UrModel``.
        T_flange_camera: (4, 4) hand-eye pose.
        box_min_m, box_max_m: corners of the box in base axes for the camera's centre.
        horizon_s: time the arm needs to stop.
    """

    def __init__(
        self,
        model: UrModel,
        T_flange_camera: np.ndarray,
        box_min_m: Sequence[float],
        box_max_m: Sequence[float],
        horizon_s: float,
    ):
        self.model = model
        self.T_flange_camera = T_flange_camera
        self.horizon_s = horizon_s
        self._box_min_m, self._box_max_m = np.array(box_min_m, float), np.array(box_max_m, float)
        lowest, highest = model.position_limits_rad
        self._q_min, self._q_max = lowest + _JOINT_MARGIN_RAD, highest - _JOINT_MARGIN_RAD
        self._lengths = np.array([model.reach_m] * 3 + [1.0] * 3)
        self._speed_limits = np.array(model.speed_limits_rad_s)
        self._newest: _Posture | None = None

    def camera_pose(self, q: np.ndarray) -> np.ndarray:
        """(4, 4) pose of the camera in the base frame at joint angles (6,) in rad."""
        return self.model.forward(q) @ self.T_flange_camera

    def outside(self, q: np.ndarray) -> str:
        """Names the end of the box or of a joint that ``q`` is beyond, empty for none."""
        rooms = self._rooms(self._posture(q))[:-1]
        return _NAMES[int(rooms.argmin())] if rooms.min() < 0.0 else ""

    def slow(self, twist_camera: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, str]:
        """Turn a (6,) camera twist into the arm's own and slow it where needed.

        Args:
            q: (6,) joint angles in rad.

        Returns:
            The (6,) TCP twist in base axes, and what slows it down, empty for nothing.
        """
        posture = self._posture(q)
        twist = tcp_twist_in_base(twist_camera, posture.pose)
        factor, cause = self._allowed(twist, posture, self.horizon_s, _JOINT_SPEED_SHARE)
        return twist * factor, cause

    def restrain(self, twist: np.ndarray, q: np.ndarray) -> tuple[float, str]:
        """The last word on a (6,) TCP twist in base axes that is about to be sent.

        What is sent follows the slowed twist within acceleration limits, and near a singularity
        joint speeds can outrun that. Then the camera brakes harder than the limits say.

        Returns:
            The factor in [0, 1] to apply, and what slows the twist down, empty for nothing.
        """
        horizon_s = _LAST_SHARE * self.horizon_s
        return self._allowed(twist, self._posture(q), horizon_s, _JOINT_SPEED_MOST)

    def _allowed(
        self, twist: np.ndarray, posture: _Posture, horizon_s: float, joint_speed_share: float
    ) -> tuple[float, str]:
        """The factor that keeps every boundary ``horizon_s`` away, and which boundary that is."""
        qd = self._joint_speeds(twist, posture)
        v, closing = twist[:3], self._closing_on_singularity(qd, posture)
        coming = horizon_s * np.concatenate([-v, v, -qd, qd, [closing]])
        rooms = np.maximum(0.0, self._rooms(posture))
        factors = np.divide(rooms, coming, out=np.ones(len(rooms)), where=coming > rooms)
        limits = joint_speed_share * self._speed_limits
        shares = np.divide(limits, np.abs(qd), out=np.ones(6), where=np.abs(qd) > limits)
        first, fastest = int(factors.argmin()), int(shares.argmin())
        if shares[fastest] < factors[first]:
            return float(shares[fastest]), f"joint {fastest + 1} speed limit"
        return float(factors[first]), _NAMES[first] if factors[first] < 1.0 else ""

    def _rooms(self, posture: _Posture) -> np.ndarray:
        """Room to each of ``_NAMES``: m, rad, and by how much the smallest singular value may fall.

        The latter falls about linearly towards a singularity, like a distance.
        """
        position, q, s = posture.pose[:3, 3], posture.q, posture.s
        return np.concatenate(
            [
                *(position - self._box_min_m, self._box_max_m - position),
                *(q - self._q_min, self._q_max - q),
                [s[5] - s[0] / _CONDITION_MOST],
            ]
        )

    def _closing_on_singularity(self, qd: np.ndarray, posture: _Posture) -> float:
        """How fast the smallest singular value falls, per s, at joint speeds ``qd``."""
        change = self._scaled_jacobian(posture.q + qd * _STEP_S) - posture.J
        return -(posture.U[:, 5] @ change @ posture.Vt[5]) / _STEP_S

    def _joint_speeds(self, twist: np.ndarray, posture: _Posture) -> np.ndarray:
        """Joint speeds (6,) by damped least squares, finite even in a singularity."""
        s = posture.s
        inverse = s / (s**2 + _DAMPING**2)
        return posture.Vt.T @ (inverse * (posture.U.T @ (twist / self._lengths)))

    def _posture(self, q: np.ndarray) -> _Posture:
        """The posture at ``q``, which is asked for several times a tick."""
        if self._newest is None or not np.array_equal(self._newest.q, q):
            J = self._scaled_jacobian(q)
            self._newest = _Posture(np.array(q, float), self.camera_pose(q), J, *np.linalg.svd(J))
        return self._newest

    def _scaled_jacobian(self, q: np.ndarray) -> np.ndarray:
        return self.model.jacobian(q, self.T_flange_camera) / self._lengths[:, None]
