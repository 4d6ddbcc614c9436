"""Slows the camera down before the arm reaches the end of its room to move."""

import numpy as np

from cns_core.arm.hand_eye import tcp_twist_in_base

_DAMPING = 0.003
_JOINT_MARGIN_RAD = 0.1
_JOINT_SPEED_SHARE = 0.8
_CONDITION_SLOW = 40.0
_CONDITION_STOP = 120.0
_CONDITION_STEP_S = 1e-3


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

    def __init__(self, model, T_flange_camera, box_min_m, box_max_m, horizon_s):
        self.model = model
        self.T_flange_camera = T_flange_camera
        self.box_min_m, self.box_max_m = np.array(box_min_m, float), np.array(box_max_m, float)
        self.horizon_s = horizon_s

    def camera_pose(self, q):
        """(4, 4) pose of the camera in the base frame at joint angles (6,) in rad."""
        return self.model.forward(q) @ self.T_flange_camera

    def outside(self, q):
        """Names the boundary that these joint angles are beyond, empty for none."""
        for name, room in (*self._box_room(q), *self._joint_room(q)):
            if room < 0.0:
                return name
        return ""

    def slow(self, twist_camera, q):
        """Turn a (6,) camera twist into the arm's own and slow it where needed.

        Args:
            q: (6,) joint angles in rad.

        Returns:
            The (6,) TCP twist in base axes, and what slows it down, empty for nothing.
        """
        twist = tcp_twist_in_base(twist_camera, self.camera_pose(q))
        joint_speeds, condition = self._joint_speeds(twist, q)
        factor, cause = 1.0, ""
        for name, allowed in (
            *self._boundaries(self._box_room(q), twist[:3]),
            *self._boundaries(self._joint_room(q), joint_speeds),
            *self._joint_speed_limits(joint_speeds),
            self._singularity(joint_speeds, condition, q),
        ):
            if allowed < factor:
                factor, cause = allowed, name
        return twist * factor, cause

    def _boundaries(self, rooms, speeds):
        """Allowed factor at each boundary; rooms come as pairs (lower, upper) for each speed."""
        directed = np.repeat(speeds, 2) * np.tile([-1.0, 1.0], len(speeds))
        for (name, room), speed in zip(rooms, directed, strict=True):
            coming = speed * self.horizon_s
            if coming > max(0.0, room):
                yield name, max(0.0, room) / coming

    def _box_room(self, q):
        """Name of and distance to each face of the box in m, negative beyond it."""
        position = self.camera_pose(q)[:3, 3]
        for axis, below, above in zip(
            "xyz", position - self.box_min_m, self.box_max_m - position, strict=True
        ):
            yield f"workspace box -{axis}", below
            yield f"workspace box +{axis}", above

    def _joint_room(self, q):
        """Name of and angle to each end of each joint's range in rad, negative beyond it."""
        low, high = self.model.position_limits_rad
        for joint in range(6):
            yield f"joint {joint + 1} lower limit", q[joint] - low[joint] - _JOINT_MARGIN_RAD
            yield f"joint {joint + 1} upper limit", high[joint] - _JOINT_MARGIN_RAD - q[joint]

    def _joint_speed_limits(self, joint_speeds):
        limits = _JOINT_SPEED_SHARE * np.array(self.model.speed_limits_rad_s)
        for joint, (speed, limit) in enumerate(zip(np.abs(joint_speeds), limits, strict=True)):
            if speed > limit:
                yield f"joint {joint + 1} speed limit", limit / speed

    def _singularity(self, joint_speeds, condition, q):
        """Slow down from one condition number to the other, only while it grows."""
        if condition < _CONDITION_SLOW:
            return "", 1.0
        ahead = q + joint_speeds * _CONDITION_STEP_S
        if self._decompose(ahead)[3] <= condition:
            return "", 1.0
        share = (_CONDITION_STOP - condition) / (_CONDITION_STOP - _CONDITION_SLOW)
        return f"singularity, condition number {condition:.0f}", max(0.0, share)

    def _joint_speeds(self, twist, q):
        """Joint speeds (6,) by damped least squares, finite even in a singularity."""
        U, s, Vt, condition = self._decompose(q)
        lengths = np.array([self.model.reach_m] * 3 + [1.0] * 3)
        return Vt.T @ (s / (s**2 + _DAMPING**2) * (U.T @ (twist / lengths))), condition

    def _decompose(self, q):
        """SVD of the Jacobian with lengths in units of the reach, and its condition number."""
        J = self.model.jacobian(q, self.T_flange_camera)
        J[:3] /= self.model.reach_m
        U, s, Vt = np.linalg.svd(J)
        return U, s, Vt, s[0] / max(s[5], 1e-12)
