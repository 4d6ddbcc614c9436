"""URScript's motion instructions, each asked once a tick for the joint velocity to apply.

A motion has ``velocity(arm)`` and ``finished``, true once the velocity it gave was its last.
"""

import math

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from cns_core.geometry import se3

TICK_S = 0.002
FORCED_STOP_RAD_S2 = 8.0
"""Joint deceleration when the controller itself stops the arm: program ended, safety stop."""


class SafetyViolation(Exception):
    """A motion that would exceed a joint-speed or joint-position limit."""


class SpeedL:
    """Accelerate the TCP along a straight line in velocity space, then keep the velocity."""

    def __init__(self, twist, acceleration, angular_acceleration=None):
        self.target = _six(twist, "twist")
        self.acceleration = _positive(acceleration, "acceleration")
        self.angular_acceleration = _positive(
            acceleration if angular_acceleration is None else angular_acceleration, "aRot"
        )
        self.reached = self.finished = False

    def velocity(self, arm):
        J = arm.jacobian()
        current = J @ arm.qd
        change = self.target - current
        share = min(
            1.0,
            _share(self.acceleration, math.hypot(*change[:3])),
            _share(self.angular_acceleration, math.hypot(*change[3:])),
        )
        self.reached = share == 1.0
        return np.linalg.solve(J, current + share * change)


class StopL(SpeedL):
    """Decelerate the TCP along its line."""

    def __init__(self, deceleration, angular_deceleration=None):
        super().__init__(np.zeros(6), deceleration, angular_deceleration)

    def velocity(self, arm):
        if not arm.qd.any():
            self.finished = True
            return arm.qd
        qd = super().velocity(arm)
        self.finished = self.reached
        return qd


class SpeedJ:
    """Accelerate the joints along a straight line in velocity space, then keep the velocity."""

    def __init__(self, qd, acceleration):
        self.target = _six(qd, "joint velocities")
        self.acceleration = _positive(acceleration, "acceleration")
        self.reached = self.finished = False

    def velocity(self, arm):
        change = self.target - arm.qd
        share = min(1.0, _share(self.acceleration, np.abs(change).max()))
        self.reached = share == 1.0
        return arm.qd + share * change


class StopJ(SpeedJ):
    """Decelerate all joints together."""

    def __init__(self, deceleration):
        super().__init__(np.zeros(6), deceleration)

    def velocity(self, arm):
        qd = super().velocity(arm)
        self.finished = self.reached
        return qd


class ForcedStop(StopJ):
    """The controller's own stop, which no limit may prevent."""

    def __init__(self):
        super().__init__(FORCED_STOP_RAD_S2)


class ServoJ:
    """Follow a joint target that is renewed all the time, smoothed over the look-ahead time."""

    finished = False

    def __init__(self, q, lookahead_s):
        self.target = _six(q, "joint angles")
        self.lookahead_s = _positive(lookahead_s, "lookahead_time")

    def velocity(self, arm):
        return (self.target - arm.q) / max(self.lookahead_s, TICK_S)


class Ramp:
    """Trapezoidal speed profile over a distance, from rest to rest."""

    def __init__(self, distance, speed, acceleration):
        speed = _positive(speed, "speed")
        self.distance = distance
        self.acceleration = _positive(acceleration, "acceleration")
        self.speed = min(speed, math.sqrt(distance * acceleration))
        self.ramp_s = self.speed / acceleration
        self.duration_s = self.ramp_s + distance / self.speed if distance > 0.0 else 0.0

    def fraction(self, time_s):
        """Share of the distance covered after a time, 0 to 1."""
        if time_s >= self.duration_s:
            return 1.0
        if time_s < self.ramp_s:
            covered = 0.5 * self.acceleration * time_s**2
        elif time_s < self.duration_s - self.ramp_s:
            covered = self.speed * (time_s - 0.5 * self.ramp_s)
        else:
            covered = self.distance - 0.5 * self.acceleration * (self.duration_s - time_s) ** 2
        return covered / self.distance


class MoveJ:
    """Move all joints to a target so that they start and arrive together."""

    def __init__(self, arm, q, speed_rad_s, acceleration):
        self.start, self.target = arm.q, _six(q, "joint angles")
        distance = np.abs(self.target - self.start).max()
        self.ramp = Ramp(distance, speed_rad_s, acceleration)
        self.time_s, self.finished = 0.0, False

    def velocity(self, arm):
        self.time_s += TICK_S
        fraction = self.ramp.fraction(self.time_s)
        self.finished = fraction == 1.0
        return (self.start + fraction * (self.target - self.start) - arm.q) / TICK_S


class MoveL:
    """Move the TCP to a pose along a straight line, turning about a fixed axis meanwhile."""

    def __init__(self, arm, T_base_tcp, speed_m_s, acceleration):
        arm.joints_at(T_base_tcp)
        self.start, self.end = arm.tcp_pose(), T_base_tcp
        rotations = Rotation.from_matrix([self.start[:3, :3], T_base_tcp[:3, :3]])
        self.rotation = Slerp([0.0, 1.0], rotations)
        distance = np.linalg.norm(self.end[:3, 3] - self.start[:3, 3])
        angle = (rotations[0].inv() * rotations[1]).magnitude()
        self.ramp = Ramp(max(distance, angle), speed_m_s, acceleration)
        self.time_s, self.finished = 0.0, False

    def velocity(self, arm):
        self.time_s += TICK_S
        fraction = self.ramp.fraction(self.time_s)
        self.finished = fraction == 1.0
        position = self.start[:3, 3] + fraction * (self.end - self.start)[:3, 3]
        try:
            q = arm.joints_at(se3.pose(self.rotation(fraction), position))
        except ValueError as error:
            raise SafetyViolation(str(error)) from error
        return (q - arm.q) / TICK_S


def _share(acceleration, change):
    """Share of a change of velocity that one tick's acceleration allows."""
    return acceleration * TICK_S / change if change > 0.0 else 1.0


def _six(values, name):
    values = [float(value) for value in values]
    if len(values) != 6 or not all(map(math.isfinite, values)):
        raise ValueError(f"{name} must be six finite numbers, got {values}")
    return np.array(values)


def _positive(value, name):
    if not (value > 0.0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return float(value)
