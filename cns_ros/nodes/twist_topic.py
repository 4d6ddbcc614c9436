"""A topic of twists to an arm: what every transport that publishes has in common."""

import numpy as np
from geometry_msgs.msg import TwistStamped
from rclpy.node import Node
from std_msgs.msg import Header

from cns_core.arm.link import LinkLost
from cns_ros.ros.poses_twists import twist_message
from cns_ros.ros.qos import OFFERED
from cns_ros.ros.senders import several_senders


class TwistTopic:
    """Publishes twists, knows whether anybody listens, and ends with a zero.

    Args:
        node: the rclpy node to publish with.
        topic: where the listener takes its twists from.
        frame: the frame that they are expressed in.
    """

    def __init__(self, node: Node, topic: str, frame: str):
        self._node = node
        self._frame = frame
        self._publisher = node.create_publisher(TwistStamped, topic, OFFERED)
        self._moving = False

    def require_listener(self) -> None:
        """Look whether anybody listens.

        Raises:
            LinkLost: if nobody does.
        """
        if not self._publisher.get_subscription_count():
            raise LinkLost(f"nobody listens to {self._publisher.topic_name}")

    def other_senders(self) -> str:
        """Who else publishes these twists, empty for nobody: the arm would follow both."""
        return several_senders(self._node, self._publisher.topic_name)

    def publish(self, twist: np.ndarray) -> None:
        """Publish one (6,) twist, stamped now."""
        header = Header(stamp=self._node.get_clock().now().to_msg(), frame_id=self._frame)
        self._publisher.publish(twist_message(twist, header))
        self._moving = bool(np.any(twist))

    def stop(self) -> None:
        """Leave the listener with a zero twist, if it has another one."""
        if self._moving:
            self.publish(np.zeros(6))
