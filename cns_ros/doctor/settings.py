"""What the examination may be told."""

from __future__ import annotations

from dataclasses import dataclass

from cns_core.settings import check, setting


@dataclass(frozen=True, kw_only=True)
class DoctorSettings:
    """Options of ``cns doctor``.

    Raises:
        ValueError: naming the option, its value and what is allowed.
    """

    image_topic: str = setting("image", "images of the wrist camera")
    camera_info_topic: str = setting("camera_info", "calibration of the wrist camera")
    robot_ip: str = setting("", "address of the robot's controller; empty to leave it out")
    hand_eye: str = setting("", "file with the pose of the camera on the flange")
    params_file: str = setting("", "file with parameters; empty for config/servo.yaml")
    weights: str = setting("", "weights file of the cns controller; empty for the one shipped")
    listen_s: float = setting(
        3.0, "how long to listen to the camera", unit="s", range=(0.5, 60.0), parameter="listen"
    )

    def __post_init__(self) -> None:
        check(self)
