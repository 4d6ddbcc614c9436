"""Longest time from a fault until braking begins, for each way in which the driver notices it.

All take the driver's settings and return seconds.
"""

from cns_core.arm.follow_check import PATIENCE_S
from cns_core.arm.ur.config import UrConfig


def reaction_s(config: UrConfig) -> float:
    """Time of whoever has noticed: the robot's stop begins within this."""
    return 2.0 * config.period_s


def silence_s(config: UrConfig) -> float:
    """No command comes any more."""
    return config.command_timeout_s + reaction_s(config)


def lost_s(config: UrConfig) -> float:
    """The arm's state is late, or the controller hears nothing and its watchdog acts."""
    return max(config.feedback_timeout_s, 1.0 / config.watchdog_hz) + reaction_s(config)


def process_end_s(config: UrConfig) -> float:
    """The process that streams to the arm ends or stands still: the watchdog acts."""
    return 1.0 / config.watchdog_hz + reaction_s(config)


def follow_s(config: UrConfig, delay_s: float) -> float:
    """The arm's state, late by ``delay_s``, shows another motion than the arm is told."""
    return config.feedback_timeout_s + PATIENCE_S + 2.0 * reaction_s(config) + delay_s
