"""The settings of a Universal Robots arm reached by RTDE."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.arm.guarded_config import GuardedConfig
from cns_core.settings import setting

_LOWEST_FEEDBACK_HZ = 125.0


@dataclass(frozen=True, kw_only=True)
class UrConfig(GuardedConfig):
    """What a UR arm needs beyond the settings of any arm.

    Args:
        tool_acceleration_m_s2: how fast the controller takes up a new command, and brakes in a
            hard stop (lost parent, signal, fault); above the accelerations of ``limits``.

    Raises:
        ValueError: naming the setting, its value and what is allowed.
    """

    robot_ip: str = setting("", "address of the robot's controller")
    watchdog_hz: float = setting(
        10.0,
        "the robot's controller stops by itself when commands come more rarely",
        unit="Hz",
        range=(2.0, 250.0),
        parameter="watchdog",
    )
    tool_acceleration_m_s2: float = setting(
        5.0,
        "of the controller when it takes up a command, and of hard stops",
        unit="m/s^2",
        range=(0.5, 50.0),
        parameter="tool_acceleration",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.robot_ip, str) and self.robot_ip):
            raise ValueError(f"robot_ip must be an address, got {self.robot_ip!r}")
        if self.watchdog_hz > self.rate_hz / 2:
            raise ValueError(
                f"watchdog_hz must be at most half of rate_hz ({self.rate_hz}), "
                f"got {self.watchdog_hz}: one late command must not stop the program"
            )

    @property
    def feedback_hz(self) -> float:
        """How often the controller reports; its default, 500 Hz, is work without a use here."""
        return max(_LOWEST_FEEDBACK_HZ, self.rate_hz)
