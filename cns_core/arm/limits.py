"""Bounds on a commanded twist: finite, slow enough, and without jumps or jolts.

Linear and angular parts have separate limits, but both are always scaled by one factor, so that
the motion stays on the same screw and only becomes slower.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cns_core.geometry.twist import saturate
from cns_core.settings import setting


def _limit(default: float, what: str, unit: str, highest: float, parameter: str) -> Any:
    """As a parameter a limit has a range; in the library any positive number serves."""
    return setting(
        default, f"largest {what}", unit=unit, range=(1e-3, highest), parameter=parameter
    )


@dataclass(frozen=True)
class MotionLimits:
    """Largest speed, acceleration and jerk of the camera, each for translation and rotation.

    Raises:
        ValueError: naming the limit that is not finite and positive.
    """

    linear_m_s: float = _limit(0.25, "linear speed", "m/s", 2.0, "max_linear")
    angular_rad_s: float = _limit(1.0, "angular speed", "rad/s", 4.0, "max_angular")
    linear_m_s2: float = _limit(1.0, "acceleration", "m/s^2", 20.0, "max_linear_acceleration")
    angular_rad_s2: float = _limit(4.0, "acceleration", "rad/s^2", 80.0, "max_angular_acceleration")
    linear_m_s3: float = _limit(20.0, "jerk", "m/s^3", 1000.0, "max_linear_jerk")
    angular_rad_s3: float = _limit(80.0, "jerk", "rad/s^3", 4000.0, "max_angular_jerk")

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not (np.isfinite(value) and value > 0):
                raise ValueError(f"{name} must be finite and positive, got {value!r}")

    def speed_ratio(self, twist: np.ndarray) -> float:
        """Largest of linear and angular speed as a fraction of its limit; 1 is on the limit."""
        return _gauge(twist, self.linear_m_s, self.angular_rad_s)

    def acceleration_ratio(self, change: np.ndarray) -> float:
        """The same for an acceleration (6,) in m/s^2 and rad/s^2."""
        return _gauge(change, self.linear_m_s2, self.angular_rad_s2)

    def jerk_time(self, acceleration: np.ndarray) -> float:
        """Shortest time in s in which the jerk limits let an acceleration fall to zero."""
        return _gauge(acceleration, self.linear_m_s3, self.angular_rad_s3)

    @property
    def stopping_time_s(self) -> float:
        """Longest time in which :class:`TwistLimiter` brings any state it can be in to rest."""
        ramp = max(self.linear_m_s2 / self.linear_m_s3, self.angular_rad_s2 / self.angular_rad_s3)
        brake = max(self.linear_m_s / self.linear_m_s2, self.angular_rad_s / self.angular_rad_s2)
        return brake + 2.0 * ramp


class TwistLimiter:
    """Follows a target twist within speed, acceleration and jerk limits, whatever the target does.

    From rest the output keeps the direction of the target, and towards zero its own direction.
    The limits hold for every sequence of targets and steps, because from each state it accepts
    there is a way back: letting the acceleration fall to zero, at full jerk, must end within the
    speed limit. A step that would lose that way back is shortened towards it.
    """

    def __init__(self, limits: MotionLimits):
        self.limits = limits
        self.reset()

    def reset(self) -> None:
        """Start over from rest."""
        self.twist = np.zeros(6)
        self.acceleration = np.zeros(6)

    def step(self, target: ArrayLike, dt: float) -> np.ndarray:
        """Advance by ``dt`` seconds towards the (6,) ``target`` and return the (6,) new twist.

        Raises:
            ValueError: if the target is not finite or ``dt`` is not finite and positive; the state
                is then unchanged.
        """
        if not (np.isfinite(dt) and dt > 0):
            raise ValueError(f"dt must be finite and positive (s), got {dt!r}")
        target = saturate(target, self.limits.linear_m_s, self.limits.angular_rad_s)
        ease = self._ease_off(dt)
        self.acceleration = self._recoverable(ease, self._towards(target, dt), dt)
        self.twist = self.twist + self.acceleration * dt
        return self.twist.copy()

    def slow_down(self, factor: float) -> np.ndarray:
        """Slow the newest twist down by a factor in [0, 1] at once, and go on from there.

        For an emergency only: the acceleration and jerk limits do not hold for this step.
        """
        self.twist = factor * self.twist
        self.acceleration = np.zeros(6)
        return self.twist.copy()

    def _ease_off(self, dt: float) -> np.ndarray:
        """The acceleration one step on the way back to zero acceleration."""
        time = self.limits.jerk_time(self.acceleration)
        return self.acceleration * (1.0 - dt / time) if time > dt else np.zeros(6)

    def _towards(self, target: np.ndarray, dt: float) -> np.ndarray:
        """The acceleration that, eased off after this step, ends exactly on the target."""
        gap = target - self.twist
        # A gap of n steps is closed by k * gap with k^2 jerk_time(gap) / 2 + k dt = 1.
        gain = 2.0 / (dt + np.sqrt(dt**2 + 2.0 * self.limits.jerk_time(gap)))
        wanted = gap * min(gain, 1.0 / max(self.limits.acceleration_ratio(gap), 1e-300))
        change = wanted - self.acceleration
        # The limits are convex: a point between two allowed accelerations is allowed.
        return self.acceleration + change * min(
            1.0, dt / max(self.limits.jerk_time(change), 1e-300)
        )

    def _recoverable(self, ease: np.ndarray, wanted: np.ndarray, dt: float) -> np.ndarray:
        """The point nearest to ``wanted``, on the line from ``ease``, that has a way back."""
        if self._has_way_back(wanted, dt):
            return wanted
        low, high = 0.0, 1.0
        for _ in range(20):
            middle = 0.5 * (low + high)
            if self._has_way_back(ease + middle * (wanted - ease), dt):
                low = middle
            else:
                high = middle
        return ease + low * (wanted - ease)

    def _has_way_back(self, acceleration: np.ndarray, dt: float) -> bool:
        """Whether easing off after this step stays within the speed limit."""
        falling = 0.5 * self.limits.jerk_time(acceleration)
        return self.limits.speed_ratio(self.twist + acceleration * (dt + falling)) <= 1.0


def _gauge(vector: np.ndarray, linear: float, angular: float) -> float:
    """Norm of a six-vector whose unit ball has radius ``linear`` and ``angular`` in its halves."""
    return max(np.linalg.norm(vector[:3]) / linear, np.linalg.norm(vector[3:]) / angular)
