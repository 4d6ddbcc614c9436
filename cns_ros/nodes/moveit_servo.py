"""Any arm that MoveIt Servo drives: twists of a link on ``delta_twist_cmds``."""

import time
from importlib import import_module

import numpy as np
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

from cns_core.arm.hand_eye import HandEye, flange_twist
from cns_ros.nodes.twist_topic import TwistTopic

_TWIST = 1  # moveit_msgs/srv/ServoCommandType: JOINT_JOG 0, TWIST 1, POSE 2
_SWITCH = "servo_node/switch_command_type"
_ANSWER_S = 2.0


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
        self._answer: Future | None = None
        self._asked_at = 0.0

    def _switch_client(self) -> Client | None:
        """Client of the service that makes Servo listen to twists, None without its type."""
        try:
            self._kind = import_module("moveit_msgs.srv").ServoCommandType
        except ImportError:
            missing = "moveit_msgs is not installed"
        except AttributeError:
            missing = "moveit_msgs here is older than the service ServoCommandType"
        else:
            return self._node.create_client(self._kind, _SWITCH)
        self._node.get_logger().warning(
            f"{missing}: call {_SWITCH} with TWIST yourself where Servo has it, or it ignores "
            "every twist"
        )
        return None

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
            request = self._kind.Request(command_type=_TWIST)
            self._answer, self._asked_at = self._switch.call_async(request), time.monotonic()

    def fault(self, now: float) -> str:
        """A Servo that does not switch to twists; of the motion itself it tells nothing."""
        if self._answer is None:
            return ""
        if not self._answer.done():
            if now - self._asked_at < _ANSWER_S:
                return ""
            return f"{_SWITCH} did not answer for {_ANSWER_S} s: look at MoveIt Servo's log"
        if (failure := self._answer.exception()) is not None:
            return f"{_SWITCH} failed: {failure}"
        if not self._answer.result().success:
            return f"{_SWITCH} refused TWIST: look at MoveIt Servo's log"
        self._answer = None
        return ""

    def send(self, twist: np.ndarray, now: float) -> str:
        """Publish the link's twist that moves the camera by the (6,) camera ``twist``."""
        if self._at_flange:
            twist = flange_twist(twist, self._hand_eye.T_flange_camera)
        self._topic.publish(twist)
        return ""

    def release(self) -> None:
        """A zero twist ends the motion at once."""
        if self._answer is not None and self._switch is not None:
            self._switch.remove_pending_request(self._answer)
        self._answer = None
        self._topic.stop()
