"""Everything the driver has to know about one arm, checked, and ready to cross processes."""

from dataclasses import asdict, dataclass, field

import numpy as np

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.limits import MotionLimits
from cns_core.arm.ur_kinematics import UR_MODELS

_LOWEST_FEEDBACK_HZ = 125.0


@dataclass(frozen=True)
class ArmConfig:
    """Settings of the link to one arm.

    Args:
        robot_ip: address of the controller.
        hand_eye: where the camera sits; its optical frame becomes the arm's TCP.
        robot_model: a key of ``UR_MODELS``.
        limits: speed, acceleration and jerk of the camera.
        box_min_m, box_max_m: corners of the box in the base frame that the camera's centre may
            move in.
        rate_hz: commands per second sent to the arm.
        command_timeout_s: how long one command is held when no newer one arrives; then the arm
            brakes to a stop, ready to go on.
        disarm_timeout_s: silence after which the arm is disarmed as well.
        feedback_timeout_s: how old the arm's own state may be while it moves.
        watchdog_hz: the controller stops the program by itself when commands come more rarely.
        tool_acceleration_m_s2: how fast the controller takes up a new command, and brakes in a
            hard stop (lost parent, signal, fault); above the accelerations of ``limits``.
        stop_zeros: zero commands sent at the end of every motion, before control is released.
        dry_run: do everything except taking control and moving.

    Raises:
        ValueError: naming the setting, its value and what is allowed.
    """

    robot_ip: str
    hand_eye: HandEye
    robot_model: str = "ur5e"
    limits: MotionLimits = field(default_factory=MotionLimits)
    box_min_m: tuple = (-1.0, -1.0, 0.05)
    box_max_m: tuple = (1.0, 1.0, 1.2)
    rate_hz: float = 25.0
    command_timeout_s: float = 0.12
    disarm_timeout_s: float = 0.5
    feedback_timeout_s: float = 0.15
    watchdog_hz: float = 10.0
    tool_acceleration_m_s2: float = 5.0
    stop_zeros: int = 5
    dry_run: bool = False

    def __post_init__(self):
        if not (isinstance(self.robot_ip, str) and self.robot_ip):
            raise ValueError(f"robot_ip must be an address, got {self.robot_ip!r}")
        if self.robot_model not in UR_MODELS:
            raise ValueError(
                f"robot_model must be one of {sorted(UR_MODELS)}, got {self.robot_model!r}"
            )
        for name, low, high in (
            ("rate_hz", 10.0, 500.0),
            ("command_timeout_s", 0.01, 1.0),
            ("disarm_timeout_s", self.command_timeout_s, 10.0),
            ("feedback_timeout_s", 0.02, 1.0),
            ("watchdog_hz", 2.0, 250.0),
            ("tool_acceleration_m_s2", 0.5, 50.0),
            ("stop_zeros", 1, 100),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be in [{low}, {high}], got {value!r}")
        if self.watchdog_hz > self.rate_hz / 2:
            raise ValueError(
                f"watchdog_hz must be at most half of rate_hz ({self.rate_hz}), "
                f"got {self.watchdog_hz}: one late command must not stop the program"
            )
        low, high = np.array(self.box_min_m, float), np.array(self.box_max_m, float)
        if low.shape != (3,) or high.shape != (3,) or not np.all(low < high):
            raise ValueError(
                "box_min_m must be three numbers, each below its partner in box_max_m, "
                f"got {self.box_min_m} and {self.box_max_m}"
            )

    @property
    def period_s(self):
        """Time between two commands."""
        return 1.0 / self.rate_hz

    @property
    def feedback_hz(self):
        """How often the controller reports; its default, 500 Hz, is work without a use here."""
        return max(_LOWEST_FEEDBACK_HZ, self.rate_hz)

    @property
    def stop_bound_s(self):
        """Longest time from the last command of a lost stream until the arm is at rest."""
        return self.command_timeout_s + self.limits.stopping_time_s + 2.0 * self.period_s

    def to_dict(self):
        """Plain types only, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content):
        """The inverse of :meth:`to_dict`."""
        nested = {
            "hand_eye": HandEye(**content["hand_eye"]),
            "limits": MotionLimits(**content["limits"]),
        }
        return cls(**(content | nested))
