"""Any arm that MoveIt Servo drives: twists of a link on ``delta_twist_cmds``."""

from importlib import import_module

import numpy as np
from rclpy.node import Node

from cns_core.arm.hand_eye import HandEye, flange_twist
from cns_ros.nodes.twist_topic import TwistTopic

_TWIST = 1  # moveit_msgs/srv/ServoCommandType: JOINT_JOG 0, TWIST 1, POSE 2
_SWITCH = "servo_node/switch_command_type"


class MoveItServo:
    """A :class:`~cns_core.arm.link.Transport`; singularities and joints are Servo's business.

    With its default ``apply_twist_commands_about_ee_frame: true`` Servo only rotates a twist into
    its planning frame and applies it at the tip link of the planning group. So what is sent is the
    twist of that link itself, expressed in its own frame: a twist of the camera would move the tip
    as if the camera sat there, wrong by w x r.

    Twists are in m/s and rad/s (``command_in_type: speed_units``), stamped when sent. The workspace
    box is not applied.

    Args:
        node: the rclpy node to publish with.
        hand_eye: the camera on the flange.
        link: tip link of Servo's planning group: the flange's or the camera's frame.

    Raises:
        ValueError: for a link whose place is not known.
    """

    q = qd = None
    measured_at = 0.0
    safety_stop = ""

    def __init__(self, node: Node, hand_eye: HandEye, link: str):
        known = (hand_eye.flange_frame, hand_eye.camera_frame)
        if link not in known:
            raise ValueError(
                f"servo_link must be the flange's frame or the camera's, {known}, got {link!r}"
            )
        self._hand_eye = hand_eye
        self._at_flange = link == hand_eye.flange_frame
        self._topic = TwistTopic(node, "delta_twist_cmds", link)
        self._node = node
        self._switch = self._switch_client()

    def _switch_client(self):
        """Client of the service that makes Servo listen to twists, None without its type."""
        try:
            kind = import_module("moveit_msgs.srv").ServoCommandType
        except (ImportError, AttributeError):
            self._node.get_logger().warning(
                f"moveit_msgs is not installed: call {_SWITCH} with TWIST yourself, or Servo "
                "ignores every twist"
            )
            return None
        return self._node.create_client(kind, _SWITCH)

    def read(self, now: float, moving: bool) -> None:
        """Look whether Servo listens; LinkLost if it does not."""
        self._topic.require_listener()

    def obstacle(self) -> str:
        """Why Servo would ignore the twists."""
        if self._switch is not None and not self._switch.service_is_ready():
            return f"no service {self._switch.srv_name}: is MoveIt Servo running?"
        return ""

    def take_control(self) -> None:
        """Make Servo listen to twists; it forgets that at each of its starts."""
        if self._switch is not None:
            self._switch.call_async(self._switch.srv_type.Request(command_type=_TWIST))

    def fault(self, now: float) -> str:
        """Nothing that could be known."""
        return ""

    def send(self, twist: np.ndarray, now: float) -> str:
        """Publish the link's twist that moves the camera by the (6,) camera ``twist``."""
        if self._at_flange:
            twist = flange_twist(twist, self._hand_eye.T_flange_camera)
        self._topic.publish(twist)
        return ""

    def release(self) -> None:
        """A zero twist ends the motion at once."""
        self._topic.stop()
