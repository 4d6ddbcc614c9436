"""Frames on /tf and /tf_static, where a ROS installation has ``tf2_msgs``: it is in no wheel."""

from __future__ import annotations

from importlib import import_module

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Header

from cns_ros.ros.poses_twists import transform_message

# As every listener of tf2_ros expects them.
MOVING = QoSProfile(depth=100, reliability=ReliabilityPolicy.RELIABLE)
FIXED = QoSProfile(
    depth=1,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


def message_type() -> type | None:
    """``tf2_msgs/msg/TFMessage``, None where it is not installed."""
    try:
        return import_module("tf2_msgs.msg").TFMessage
    except ImportError:
        return None


class Frames:
    """Tells frames to tf2, as its broadcasters do; without ``tf2_msgs`` it does nothing.

    Args:
        node: the rclpy node to publish with.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._kind = message_type()
        self._fixed: Publisher | None = None
        self._moving: Publisher | None = None

    def tell_fixed(self, T: NDArray[np.float64], parent: str, child: str) -> None:
        """Tell once the (4, 4) pose of a frame that does not move in its parent, m."""
        if self._kind is None:
            return
        self._fixed = self._fixed or self._node.create_publisher(self._kind, "/tf_static", FIXED)
        now = Header(stamp=self._node.get_clock().now().to_msg(), frame_id=parent)
        self._fixed.publish(self._kind(transforms=[transform_message(T, now, child)]))

    def tell(self, T: NDArray[np.float64], header: Header, child: str) -> None:
        """Tell the (4, 4) pose of a frame at the header's time in the header's frame, m.

        Nothing is published while nobody listens.
        """
        if self._kind is None:
            return
        self._moving = self._moving or self._node.create_publisher(self._kind, "/tf", MOVING)
        if self._moving.get_subscription_count():
            self._moving.publish(self._kind(transforms=[transform_message(T, header, child)]))
