"""The topic on which a controller tells of every call of its session, for whoever records it."""

from __future__ import annotations

from rclpy.node import Node
from std_msgs.msg import String

from cns_core.record.session_trace import SessionCall
from cns_ros.ros.qos import RECORDED


class TraceTopic:
    """Publishes on ``~/trace`` while somebody listens.

    Args:
        node: whose topic it is.
    """

    def __init__(self, node: Node) -> None:
        self._publisher = node.create_publisher(String, "~/trace", RECORDED)

    def tell(self, call: SessionCall) -> None:
        """Publish one call."""
        if self._publisher.get_subscription_count():
            self._publisher.publish(String(data=call.to_text()))
