"""The settings of the driver. All are fixed at start: limits do not change under a moving arm."""

from dataclasses import dataclass

from rclpy.node import Node

from cns_core.arm.hand_eye import HandEye
from cns_core.settings import check, setting
from cns_ros.ros.parameters import declare_all

BACKENDS = ("ur_rtde", "ros2_control", "moveit_servo")
# Not a rotation: a hand-eye pose has to be given, there is no harmless default.
_NOT_GIVEN = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class DriverSettings:
    """What the node adds to the settings of the motion and of the arm."""

    backend: str = setting(BACKENDS[0], "what moves the arm", choices=BACKENDS)
    base_frame: str = setting("base", "frame of tcp_pose; UR's own base, not REP 199's base_link")
    servo_link: str = setting(
        "", "tip link of MoveIt Servo's planning group; empty for the flange of the hand-eye pose"
    )
    flange_tf: bool = setting(
        True,
        "tell tf2 the flange's frame below base_frame, with backend ur_rtde; false where another "
        "node does, as the arm's own driver and robot_state_publisher do",
    )
    camera_tf: bool = setting(
        True,
        "tell tf2 the camera's frame below the flange's; false where another node does",
    )

    def __post_init__(self) -> None:
        check(self)


@dataclass(frozen=True)
class MountSettings:
    """The camera's pose on the flange: a file, or else the pose itself."""

    hand_eye_file: str = setting("", "YAML file with the camera's pose on the flange")
    hand_eye_xyz: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), "camera on the flange", unit="m", range=(-2.0, 2.0)
    )
    hand_eye_quaternion: tuple[float, ...] = setting(
        _NOT_GIVEN, "camera on the flange, x y z w", range=(-1.0, 1.0)
    )
    flange_frame: str = setting("tool0", "frame of the flange, without file")
    camera_frame: str = setting("camera_optical_frame", "frame of the twists, without file")

    def hand_eye(self) -> HandEye:
        """The pose.

        Raises:
            ValueError: if it is missing or malformed.
        """
        if self.hand_eye_file:
            return HandEye.load(self.hand_eye_file)
        if self.hand_eye_quaternion == _NOT_GIVEN:
            raise ValueError(
                "give the hand-eye pose: hand_eye_file, or hand_eye_xyz and _quaternion"
            )
        frames = self.flange_frame, self.camera_frame
        return HandEye(self.hand_eye_xyz, self.hand_eye_quaternion, *frames)


def declare_hand_eye(node: Node) -> HandEye:
    """The hand-eye pose from the node's parameters.

    Raises:
        ValueError: if it is missing or malformed.
    """
    return declare_all(node, MountSettings).hand_eye()
