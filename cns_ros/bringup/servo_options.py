"""What a user may choose when bringing the suite up, for the launch file and the command line."""

from __future__ import annotations

from dataclasses import Field, dataclass
from typing import Any

from cns_core.control.factory import CONTROLLERS
from cns_core.control.settings import SessionSettings
from cns_core.observers import OBSERVERS
from cns_core.settings import check, described, name_of, refusal, setting

SIMULATED_ROBOT_IP = "127.0.0.1"
SEEDS = (0, 2**31 - 1)
"""The smallest and the largest seed of the twin."""
CAMERAS = ("ideal", "machine-vision", "webcam")
"""The twin's cameras, which this side of the architecture may not import; a test compares them."""


@dataclass(frozen=True, kw_only=True)
class ServoOptions:
    """One bring-up of the suite.

    What is left empty is the params file's to say, and else the node's: no default of an argument
    overrides what the user has written in the file.

    Raises:
        ValueError: for a value outside its choices or range.
    """

    sim: bool = setting(False, "start the twin in the place of robot and camera")
    robot_ip: str = setting(
        "", f"address of the robot's controller; with sim empty for {SIMULATED_ROBOT_IP}"
    )
    observer: str = setting(
        "",
        "keypoint detector or matcher; empty for the params file's, or sift",
        choices=("", *OBSERVERS, "lightglue"),
    )
    controller: str = setting(
        "", "control law; empty for the params file's, or cns", choices=("", *CONTROLLERS)
    )
    weights: str = setting("", "weights file of the cns controller; empty for the one shipped")
    depth_prior: str = setting(
        "",
        "distance from the desired camera to the centre of the scene, or auto; empty for the "
        "params file's, or auto",
        unit="m",
    )
    desired_image: str = setting(
        "", "image file to return to; empty to set it by the service ~/set_desired"
    )
    image_topic: str = setting("image", "images of the wrist camera")
    camera_info_topic: str = setting("camera_info", "calibration of the wrist camera")
    depth_topic: str = setting(
        "depth_image",
        "depth images of the wrist camera, registered to its images, if there are any",
    )
    arm_topic: str = setting(
        "",
        "topic that the arm takes twists from with backend moveit_servo or ros2_control; empty for "
        "delta_twist_cmds or twist_commands",
    )
    hand_eye: str = setting(
        "", "file with the pose of the camera on the flange; with sim empty for the twin's"
    )
    params_file: str = setting("", "file with further parameters; empty for config/servo.yaml")
    seed: int = setting(0, "scene and initial offset of the twin", range=SEEDS)
    camera: str = setting(
        "",
        "with sim: what the camera is like; empty for the params file's, or ideal",
        choices=("", *CAMERAS),
    )
    tool: bool = setting(False, "with sim: a gripper reaches into the camera's images")
    episode: bool = setting(True, "with sim: run one episode, then end; false to stay up")
    rviz: bool = setting(False, "start rviz")
    urdf: str = setting(
        "",
        "model of the arm (ur3e, ur5e, ...) to show by robot_state_publisher, with backend ur_rtde "
        "and where ur_description is installed; empty for none",
    )
    record: str = setting(
        "", "MCAP file to record the episode into, as cns record does; empty for none"
    )

    def __post_init__(self) -> None:
        check(self)
        if reason := self._prior_refusal():
            raise ValueError(reason)

    @property
    def prior(self) -> float | str:
        """The depth prior as a number where it is one; otherwise the word, or nothing, as it is."""
        try:
            return float(self.depth_prior)
        except ValueError:
            return self.depth_prior

    def _prior_refusal(self) -> str:
        """As the controller would refuse it, but before anything is started."""
        if not self.depth_prior:
            return ""
        name = "depth_prior"
        each, description = next(e for e in described(SessionSettings) if name_of(e[0]) == name)
        return refusal(name, self.prior, each.default, description)


def parse(option: Field[Any], text: str) -> Any:
    """The value of an option (a dataclass field) from its text on a command line.

    Raises:
        ValueError: if the text is none of the option's type.
    """
    kind: type = type(option.default)
    if kind is not bool:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"{option.name} must be {kind.__name__}, got {text!r}") from None
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{option.name} must be true or false, got {text!r}")
    return text.lower() == "true"
