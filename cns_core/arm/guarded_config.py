"""Settings of an arm whose joints are known, so that its room to move can be guarded."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.arm.config import MotionConfig
from cns_core.arm.motion_guard import MotionGuard
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.settings import setting


@dataclass(frozen=True, kw_only=True)
class GuardedConfig(MotionConfig):
    """The motion's settings, and where the arm may go.

    Args:
        box_min_m, box_max_m: corners of the box in the base frame that the camera's centre may
            move in.

    Raises:
        ValueError: naming the setting, its value and what is allowed.
    """

    robot_model: str = setting("ur5e", "type of the arm", choices=sorted(UR_MODELS))
    box_min_m: tuple[float, float, float] = setting(
        (-1.0, -1.0, 0.05),
        "lower corner of the box for the camera, in the base frame",
        unit="m",
        range=(-3.0, 3.0),
        parameter="workspace_min",
    )
    box_max_m: tuple[float, float, float] = setting(
        (1.0, 1.0, 1.2),
        "upper corner of the box for the camera, in the base frame",
        unit="m",
        range=(-3.0, 3.0),
        parameter="workspace_max",
    )
    feedback_timeout_s: float = setting(
        0.15,
        "how old the arm's own state may be while it moves",
        unit="s",
        range=(0.02, 1.0),
        parameter="feedback_timeout",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(low < high for low, high in zip(self.box_min_m, self.box_max_m, strict=True)):
            raise ValueError(
                "box_min_m must be three numbers, each below its partner in box_max_m, "
                f"got {self.box_min_m} and {self.box_max_m}"
            )

    def guard(self) -> MotionGuard:
        """What slows the camera down before the end of the arm's room to move."""
        return MotionGuard(
            UR_MODELS[self.robot_model],
            self.hand_eye.T_flange_camera,
            self.box_min_m,
            self.box_max_m,
            self.horizon_s,
        )
