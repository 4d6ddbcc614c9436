"""What a user may choose when bringing the suite up, for the launch file and the command line."""

import math
from dataclasses import dataclass, field, fields

SIMULATED_ROBOT_IP = "127.0.0.1"


def _option(default, description, choices=()):
    return field(default=default, metadata={"description": description, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class ServoOptions:
    """One bring-up of the suite.

    Raises:
        ValueError: for a value outside its choices or range.
    """

    sim: bool = _option(False, "start the twin in the place of robot and camera")
    robot_ip: str = _option(
        "", f"address of the robot's controller; with sim empty for {SIMULATED_ROBOT_IP}"
    )
    observer: str = _option("sift", "keypoint detector", ("sift", "akaze", "orb"))
    controller: str = _option("cns", "control law", ("cns", "ibvs"))
    weights: str = _option("", "weights file of the cns controller; empty for the one shipped")
    depth_prior: float = _option(
        0.5, "distance from the desired camera to the centre of the scene [m]"
    )
    desired_image: str = _option(
        "", "image file to return to; empty to set it by the service ~/set_desired"
    )
    image_topic: str = _option("image", "images of the wrist camera")
    camera_info_topic: str = _option("camera_info", "calibration of the wrist camera")
    hand_eye: str = _option(
        "", "file with the pose of the camera on the flange; with sim empty for the twin's"
    )
    params_file: str = _option("", "file with further parameters; empty for config/servo.yaml")
    seed: int = _option(0, "scene and initial offset of the twin")
    episode: bool = _option(True, "with sim: run one episode, then end; false to stay up")
    rviz: bool = _option(False, "start rviz")

    def __post_init__(self):
        for choice in fields(self):
            value, choices = getattr(self, choice.name), choice.metadata["choices"]
            if choices and value not in choices:
                raise ValueError(f"{choice.name} must be one of {list(choices)}, got {value!r}")
        if not (math.isfinite(self.depth_prior) and self.depth_prior > 0.0):
            raise ValueError(f"depth_prior must be greater than 0 m, got {self.depth_prior}")
        if not 0 <= self.seed < 2**31:
            raise ValueError(f"seed must be in [0, 2**31), got {self.seed}")


def parse(option, text):
    """The value of an option (a dataclass field) from its text on a command line.

    Raises:
        ValueError: if the text is none of the option's type.
    """
    kind = type(option.default)
    if kind is not bool:
        try:
            return kind(text)
        except ValueError:
            raise ValueError(f"{option.name} must be {kind.__name__}, got {text!r}") from None
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{option.name} must be true or false, got {text!r}")
    return text.lower() == "true"
