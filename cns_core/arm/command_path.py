"""From the newest command to the twist the arm gets at this tick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cns_core.arm.limits import MotionLimits, TwistLimiter
from cns_core.arm.motion_guard import MotionGuard
from cns_core.geometry.twist import require_finite, saturate

_REST = 1e-3


@dataclass(frozen=True)
class Command:
    """What to send at one tick: a (6,) twist, and what slows it down (empty for nothing)."""

    twist: np.ndarray
    slowed_by: str = ""


class CommandPath:
    """Holds the newest command for a while, then brakes; within limits whatever comes in.

    All times are seconds on one steady clock.

    Args:
        limits: ``MotionLimits`` of the camera.
        timeout_s: how long a command is held.
        period_s: time between two calls of :meth:`step`. Also taken for late calls, so that
            a late tick changes the speed by no more than a punctual one.
        guard: ``MotionGuard`` of the arm; without one the twist stays in the camera's frame.
    """

    def __init__(
        self,
        limits: MotionLimits,
        timeout_s: float,
        period_s: float,
        guard: MotionGuard | None = None,
    ):
        self.limits = limits
        self.timeout_s = timeout_s
        self.period_s = period_s
        self.guard = guard
        self._limiter = TwistLimiter(limits)
        self._newest = np.zeros(6)
        self._issued_at = -np.inf

    def offer(self, twist: ArrayLike, issued_at: float) -> None:
        """Take a (6,) camera twist made at ``issued_at``; the newest wins.

        Raises:
            ValueError: if the twist is not finite.
        """
        checked = require_finite(twist)
        if issued_at >= self._issued_at:
            self._newest, self._issued_at = checked, issued_at

    def age(self, now: float) -> float:
        """Age of the newest command in s, infinite when there has been none."""
        return now - self._issued_at

    def fresh(self, now: float) -> bool:
        """Whether the newest command may still be followed."""
        return self.age(now) <= self.timeout_s

    @property
    def at_rest(self) -> bool:
        """Whether the last command sent was zero."""
        return not self._limiter.twist.any()

    def reset(self) -> None:
        """Start from zero velocity; the newest command stays."""
        self._limiter.reset()

    def step(self, now: float, q: np.ndarray | None = None, braking: bool = False) -> Command:
        """The command of this tick.

        Args:
            q: (6,) joint angles in rad, needed by the guard.
            braking: brake to zero whatever the newest command is.
        """
        target, slowed_by = np.zeros(6), ""
        if not braking and not self.fresh(now):
            slowed_by = "no fresh twist"
        elif not braking:
            target = saturate(self._newest, self.limits.linear_m_s, self.limits.angular_rad_s)
            if self.guard and q is not None:
                target, slowed_by = self.guard.slow(target, q)
        twist = self._limiter.step(target, self.period_s)
        if self.guard and q is not None:
            factor, name = self.guard.restrain(twist, q)
            if factor < 1.0:
                twist, slowed_by = self._limiter.slow_down(factor), name
        if not target.any() and self._crawling(twist):
            # The last thousandth of the speed would take many ticks to fade away.
            self._limiter.reset()
            twist = np.zeros(6)
        return Command(twist, slowed_by)

    def _crawling(self, twist: np.ndarray) -> bool:
        speeding_up = self.limits.jerk_time(self._limiter.acceleration) > self.period_s
        return self.limits.speed_ratio(twist) < _REST and not speeding_up
