"""Slows the camera down before the arm reaches the end of its room to move."""

import numpy as np

from cns_core.arm.hand_eye import tcp_twist_in_base

_DAMPING = 0.001
_JOINT_MARGIN_RAD = 0.1
# Of the joint-speed limits: what is aimed at, and what is never exceeded.
_JOINT_SPEED_SHARE, _JOINT_SPEED_MOST = 0.8, 0.9
_CONDITION_MOST = 80.0
_STEP_S = 1e-3
# Of the horizon: left to the last, harder braking.
_LAST_SHARE = 0.25


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
        factor, cause = self._allowed(twist, q, self.horizon_s, _JOINT_SPEED_SHARE)
        return twist * factor, cause

    def restrain(self, twist, q):
        """The last word on a (6,) TCP twist in base axes that is about to be sent.

        What is sent follows the slowed twist within acceleration limits, and near a singularity
        joint speeds can outrun that. Then the camera brakes harder than the limits say.

        Returns:
            The factor in [0, 1] to apply, and what slows the twist down, empty for nothing.
        """
        return self._allowed(twist, q, _LAST_SHARE * self.horizon_s, _JOINT_SPEED_MOST)

    def _allowed(self, twist, q, horizon_s, joint_speed_share):
        """The factor that keeps every boundary ``horizon_s`` away, and which boundary that is."""
        joint_speeds = self._joint_speeds(twist, q)
        rooms = (*self._box_room(q), *self._joint_room(q), self._singularity_room(q))
        closing = (
            *_both_ways(twist[:3]),
            *_both_ways(joint_speeds),
            self._closing_on_singularity(joint_speeds, q),
        )
        slowest = 1.0, ""
        for (name, room), speed in zip(rooms, closing, strict=True):
            coming = speed * horizon_s
            if coming > max(0.0, room):
                slowest = min(slowest, (max(0.0, room) / coming, name))
        limits = joint_speed_share * np.array(self.model.speed_limits_rad_s)
        for joint, (speed, limit) in enumerate(zip(np.abs(joint_speeds), limits, strict=True)):
            if speed > limit:
                slowest = min(slowest, (limit / speed, f"joint {joint + 1} speed limit"))
        return slowest

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

    def _singularity_room(self, q):
        """How much the smallest singular value may fall, which it does about linearly."""
        s = self._decompose(q)[1]
        name = f"singularity, condition number {s[0] / max(s[5], 1e-9):.0f}"
        return name, s[5] - s[0] / _CONDITION_MOST

    def _closing_on_singularity(self, joint_speeds, q):
        """How fast the smallest singular value falls, per s."""
        here = self._decompose(q)[1][5]
        return (here - self._decompose(q + joint_speeds * _STEP_S)[1][5]) / _STEP_S

    def _joint_speeds(self, twist, q):
        """Joint speeds (6,) by damped least squares, finite even in a singularity."""
        U, s, Vt = self._decompose(q)
        lengths = np.array([self.model.reach_m] * 3 + [1.0] * 3)
        return Vt.T @ (s / (s**2 + _DAMPING**2) * (U.T @ (twist / lengths)))

    def _decompose(self, q):
        """SVD (U, s, Vt) of the Jacobian, lengths in units of the reach."""
        J = self.model.jacobian(q, self.T_flange_camera)
        J[:3] /= self.model.reach_m
        return np.linalg.svd(J)


def _both_ways(speeds):
    """Each speed towards its lower and its upper boundary."""
    for speed in speeds:
        yield from (-speed, speed)
