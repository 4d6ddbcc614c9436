"""URScript's moves to a target: they begin and end at rest, with a trapezoidal speed profile."""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

from cns_core.geometry import se3
from cns_core.twin.robot.motions import TICK_S, MovableArm, SafetyViolation, positive, six


class Ramp:
    """Trapezoidal speed profile over a distance, from rest to rest."""

    def __init__(self, distance: float, speed: float, acceleration: float) -> None:
        speed = positive(speed, "speed")
        self.distance = distance
        self.acceleration = positive(acceleration, "acceleration")
        self.speed = min(speed, math.sqrt(distance * acceleration))
        self.ramp_s = self.speed / acceleration
        self.duration_s = self.ramp_s + distance / self.speed if distance > 0.0 else 0.0

    def fraction(self, time_s: float) -> float:
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
    """Move all joints to a target (6,) in rad so that they start and arrive together."""

    def __init__(
        self, arm: MovableArm, q: Iterable[float], speed_rad_s: float, acceleration: float
    ) -> None:
        self.start, self.target = arm.q, six(q, "joint angles")
        distance = np.abs(self.target - self.start).max()
        self.ramp = Ramp(distance, speed_rad_s, acceleration)
        self.time_s, self.finished = 0.0, False

    def velocity(self, arm: MovableArm) -> NDArray[np.float64]:
        self.time_s += arm.speed_fraction * TICK_S
        fraction = self.ramp.fraction(self.time_s)
        self.finished = fraction == 1.0
        return (self.start + fraction * (self.target - self.start) - arm.q) / TICK_S


class MoveL:
    """Move the TCP to a (4, 4) pose along a straight line, turning about a fixed axis meanwhile."""

    def __init__(
        self,
        arm: MovableArm,
        T_base_tcp: NDArray[np.float64],
        speed_m_s: float,
        acceleration: float,
    ) -> None:
        arm.joints_at(T_base_tcp)
        self.start, self.end = arm.tcp_pose(), T_base_tcp
        rotations = Rotation.from_matrix([self.start[:3, :3], T_base_tcp[:3, :3]])
        self.rotation = Slerp([0.0, 1.0], rotations)
        distance = np.linalg.norm(self.end[:3, 3] - self.start[:3, 3])
        angle = (rotations[0].inv() * rotations[1]).magnitude()
        self.ramp = Ramp(max(distance, angle), speed_m_s, acceleration)
        self.time_s, self.finished = 0.0, False

    def velocity(self, arm: MovableArm) -> NDArray[np.float64]:
        self.time_s += arm.speed_fraction * TICK_S
        fraction = self.ramp.fraction(self.time_s)
        self.finished = fraction == 1.0
        position = self.start[:3, 3] + fraction * (self.end - self.start)[:3, 3]
        try:
            q = arm.joints_at(se3.pose(self.rotation(fraction), position))
        except ValueError as error:
            raise SafetyViolation(str(error)) from error
        return (q - arm.q) / TICK_S
