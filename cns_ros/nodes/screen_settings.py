"""What the controller shows on the screen besides markers."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.settings import check, setting


@dataclass(frozen=True)
class ScreenSettings:
    """Parameters of what is shown."""

    goal_frame: str = setting(
        "desired_camera",
        "frame of the desired camera, told to tf2 below the camera's own; empty for none",
    )

    def __post_init__(self) -> None:
        check(self)
