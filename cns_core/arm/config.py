"""What the driver has to know whatever the arm: settings that are checked and cross processes."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.limits import MotionLimits
from cns_core.settings import check, setting

Config = TypeVar("Config", bound="MotionConfig")


@dataclass(frozen=True, kw_only=True)
class MotionConfig:
    """How twists become motion, for every kind of arm.

    Args:
        hand_eye: where the camera sits on the flange.
        limits: speed, acceleration and jerk of the camera.
        command_timeout_s: how long one command is held when no newer one arrives; then the arm
            brakes to a stop, ready to go on.

    Raises:
        ValueError: naming the setting, its value and what is allowed.
    """

    hand_eye: HandEye
    limits: MotionLimits = field(default_factory=MotionLimits)
    rate_hz: float = setting(
        25.0, "commands to the arm", unit="Hz", range=(10.0, 500.0), parameter="rate"
    )
    command_timeout_s: float = setting(
        0.12,
        "how long a twist is held when no newer one comes; then the arm brakes to a stop",
        unit="s",
        range=(0.01, 1.0),
        parameter="command_timeout",
    )
    disarm_timeout_s: float = setting(
        0.5,
        "silence after which the arm is disarmed as well",
        unit="s",
        range=(0.01, 10.0),
        parameter="disarm_timeout",
    )
    stop_zeros: int = setting(5, "zero commands that end a motion", range=(1, 100))
    dry_run: bool = setting(False, "do everything but take control and move")

    def __post_init__(self) -> None:
        check(self)
        if self.disarm_timeout_s < self.command_timeout_s:
            raise ValueError(
                f"disarm_timeout_s must be at least command_timeout_s ({self.command_timeout_s} "
                f"s), got {self.disarm_timeout_s}"
            )

    @property
    def period_s(self) -> float:
        """Time between two commands."""
        return 1.0 / self.rate_hz

    @property
    def horizon_s(self) -> float:
        """Time that the arm needs to stop, counted from the command that a guard lets through."""
        return self.limits.stopping_time_s + 2.0 * self.period_s

    def to_dict(self) -> dict[str, Any]:
        """Plain types only, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls: type[Config], content: dict[str, Any]) -> Config:
        """The inverse of :meth:`to_dict`."""
        inner = {
            "hand_eye": HandEye(**content["hand_eye"]),
            "limits": MotionLimits(**content["limits"]),
        }
        lists = {key: tuple(value) for key, value in content.items() if isinstance(value, list)}
        return cls(**(content | lists | inner))
