"""An arm behind a topic of twists: whoever listens there moves it."""

import numpy as np
from geometry_msgs.msg import TwistStamped
from rclpy.node import Node
from std_msgs.msg import Header

from cns_core.arm.link import LinkLost
from cns_ros.ros.messages import twist_message
from cns_ros.ros.qos import OFFERED


class TwistTopic:
    """A :class:`~cns_core.arm.link.Transport` that publishes twists of the camera.

    Twists stay in the camera's optical frame, in m/s and rad/s (``command_in_type: speed_units``),
    stamped when sent. Singularities, joint limits and collisions are the listener's business; the
    workspace box is not applied.

    Args:
        node: the rclpy node to publish with.
        topic: where the listener takes its twists from.
        frame: the camera's optical frame.
    """

    q = None
    safety_stop = ""

    def __init__(self, node: Node, topic: str, frame: str):
        self._node = node
        self._frame = frame
        self._publisher = node.create_publisher(TwistStamped, topic, OFFERED)
        self._moving = False

    def read(self, now: float, moving: bool) -> None:
        """Look whether anybody listens.

        Raises:
            LinkLost: if nobody does.
        """
        if not self._publisher.get_subscription_count():
            raise LinkLost(f"nobody listens to {self._publisher.topic_name.lstrip('/')}")

    def obstacle(self) -> str:
        """Nothing that could be known."""
        return ""

    def take_control(self) -> None:
        """Nothing to take."""

    def fault(self, now: float) -> str:
        """Nothing that could be known."""
        return ""

    def send(self, twist: np.ndarray, now: float) -> str:
        """Publish one (6,) twist of the camera."""
        header = Header(stamp=self._node.get_clock().now().to_msg(), frame_id=self._frame)
        self._publisher.publish(twist_message(twist, header))
        self._moving = bool(np.any(twist))
        return ""

    def release(self) -> None:
        """Leave the listener with a zero twist, which ends its motion at once."""
        if self._moving:
            self.send(np.zeros(6), 0.0)
