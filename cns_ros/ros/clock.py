"""Times of messages and of a node's clock, in seconds."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from rclpy.node import Node


def seconds(stamp: Time) -> float:
    """A builtin_interfaces/Time as seconds."""
    return stamp.sec + 1e-9 * stamp.nanosec


def nanoseconds(stamp: Time) -> int:
    """A builtin_interfaces/Time to the last digit: tells images apart."""
    return stamp.sec * 10**9 + stamp.nanosec


def now_s(node: Node) -> float:
    """The node's clock, in s: simulated time, where that is what it follows."""
    return 1e-9 * node.get_clock().now().nanoseconds


def age_s(node: Node, stamp: Time) -> float:
    """How long ago ``stamp`` was on the node's clock, in s."""
    return now_s(node) - seconds(stamp)
