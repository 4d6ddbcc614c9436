"""URScript's motions at a velocity, each asked once a tick for the joint velocity to apply."""

import math
from collections.abc import Iterable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

TICK_S = 0.002
FORCED_STOP_RAD_S2 = 8.0
"""Joint deceleration when the controller itself stops the arm: program ended, safety stop."""


class SafetyViolation(Exception):
    """A motion that would exceed a joint-speed or joint-position limit."""


class MovableArm(Protocol):
    """What a motion needs to know of the arm; see ``SimulatedArm``."""

    q: NDArray[np.float64]
    qd: NDArray[np.float64]

    @property
    def speed_fraction(self) -> float: ...

    def jacobian(self) -> NDArray[np.float64]: ...

    def tcp_pose(self) -> NDArray[np.float64]: ...

    def joints_at(self, T_base_tcp: NDArray[np.float64]) -> NDArray[np.float64]: ...


class JointMotion(Protocol):
    """A motion in progress.

    Attributes:
        finished: whether the velocity that was given last is the motion's last.
    """

    finished: bool

    def velocity(self, arm: MovableArm) -> NDArray[np.float64]:
        """(6,) joint velocities for the next tick, rad/s."""


class AcceleratingMotion(JointMotion, Protocol):
    """A motion towards a velocity, ``reached`` or not."""

    reached: bool


class SpeedL:
    """Accelerate the TCP along a straight line in velocity space, then keep the velocity."""

    def __init__(
        self,
        twist: Iterable[float],
        acceleration: float,
        angular_acceleration: float | None = None,
    ) -> None:
        self.target = six(twist, "twist")
        self.acceleration = positive(acceleration, "acceleration")
        self.angular_acceleration = positive(
            acceleration if angular_acceleration is None else angular_acceleration, "aRot"
        )
        self.reached = self.finished = False

    def velocity(self, arm: MovableArm) -> NDArray[np.float64]:
        J = arm.jacobian()
        current = J @ arm.qd
        change = arm.speed_fraction * self.target - current
        share = min(
            1.0,
            _share(self.acceleration, math.hypot(*change[:3])),
            _share(self.angular_acceleration, math.hypot(*change[3:])),
        )
        self.reached = share == 1.0
        return np.asarray(np.linalg.solve(J, current + share * change), dtype=np.float64)


class StopL(SpeedL):
    """Decelerate the TCP along its line."""

    def __init__(self, deceleration: float, angular_deceleration: float | None = None) -> None:
        super().__init__(np.zeros(6), deceleration, angular_deceleration)

    def velocity(self, arm: MovableArm) -> NDArray[np.float64]:
        if not arm.qd.any():
            self.finished = True
            return arm.qd
        qd = super().velocity(arm)
        self.finished = self.reached
        return qd


class SpeedJ:
    """Accelerate the joints along a straight line in velocity space, then keep the velocity."""

    def __init__(self, qd: Iterable[float], acceleration: float) -> None:
        self.target = six(qd, "joint velocities")
        self.acceleration = positive(acceleration, "acceleration")
        self.reached = self.finished = False

    def velocity(self, arm: MovableArm) -> NDArray[np.float64]:
        change = arm.speed_fraction * self.target - arm.qd
        share = min(1.0, _share(self.acceleration, np.abs(change).max()))
        self.reached = share == 1.0
        return arm.qd + share * change


class StopJ(SpeedJ):
    """Decelerate all joints together."""

    def __init__(self, deceleration: float) -> None:
        super().__init__(np.zeros(6), deceleration)

    def velocity(self, arm: MovableArm) -> NDArray[np.float64]:
        qd = super().velocity(arm)
        self.finished = self.reached
        return qd


class ForcedStop(StopJ):
    """The controller's own stop, which no limit may prevent."""

    def __init__(self) -> None:
        super().__init__(FORCED_STOP_RAD_S2)


class ServoJ:
    """Follow a joint target that is renewed all the time, smoothed over the look-ahead time."""

    def __init__(self, q: Iterable[float], lookahead_s: float) -> None:
        self.finished = False
        self.target = six(q, "joint angles")
        self.lookahead_s = positive(lookahead_s, "lookahead_time")

    def velocity(self, arm: MovableArm) -> NDArray[np.float64]:
        return arm.speed_fraction * (self.target - arm.q) / max(self.lookahead_s, TICK_S)


def _share(acceleration: float, change: float) -> float:
    """Share of a change of velocity that one tick's acceleration allows."""
    return acceleration * TICK_S / change if change > 0.0 else 1.0


def six(values: Iterable[float], name: str) -> NDArray[np.float64]:
    """(6,) array; ValueError unless six finite numbers."""
    numbers = [float(value) for value in values]
    if len(numbers) != 6 or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} must be six finite numbers, got {numbers}")
    return np.array(numbers)


def positive(value: float, name: str) -> float:
    """The value as a float; ValueError unless positive and finite."""
    if not (value > 0.0 and math.isfinite(value)):
        raise ValueError(f"{name} must be positive and finite, got {value}")
    return float(value)


def speed_fraction(value: float, name: str) -> float:
    """The value as a float; ValueError unless it is a share of the speed, 0.01 to 1."""
    if not 0.01 <= value <= 1.0:
        raise ValueError(f"{name} must be 0.01 to 1, got {value}")
    return float(value)
