"""Subscribes to topics as soon as somebody publishes them, and as they are published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from cns_ros.recording.schema import message_class

_LOOK_S = 0.1
_DEPTH = 200


@dataclass(frozen=True)
class Topic:
    """A topic that was found.

    Attributes:
        name: resolved.
        type_name: such as ``sensor_msgs/msg/Image``.
        qos: that all of its publishers offer.
    """

    name: str
    type_name: str
    qos: QoSProfile


Take = Callable[[Topic, bytes, int], None]
"""Takes the topic, the message in CDR, and when it was published, in ns."""


class TopicTap:
    """Hears every message of some topics, serialized.

    Attributes:
        waiting: names of the topics that nobody has published so far.

    Args:
        node: what subscribes.
        names: of the topics, relative to the node.
        found: called with each :class:`Topic` once it is there, before its first message; if it
            raises ValueError or OSError, the topic is left out.
        take: called with each message.
    """

    def __init__(
        self, node: Node, names: Iterable[str], found: Callable[[Topic], None], take: Take
    ) -> None:
        self._node, self._found, self._take = node, found, take
        self.waiting = {node.resolve_topic_name(name) for name in names}
        # Simulated time may stand still.
        node.create_timer(_LOOK_S, self.look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def look(self) -> None:
        """Subscribe to what is there by now; done every tenth of a second."""
        for name in sorted(self.waiting):
            publishers = self._node.get_publishers_info_by_topic(name)
            if publishers and name in self.waiting:
                self.waiting.discard(name)
                self._subscribe(name, publishers)

    def _subscribe(self, name: str, publishers: list[Any]) -> None:
        qos = _offered_by_all([each.qos_profile for each in publishers])
        topic = Topic(name, publishers[0].topic_type, qos)
        try:
            kind = message_class(topic.type_name)
            self._found(topic)
        except (ImportError, ValueError, OSError) as reason:
            self._node.get_logger().warning(f"{name} is left out: {reason}")
            return

        def take(data: bytes, info: dict[str, Any]) -> None:
            self._take(topic, data, info["source_timestamp"])

        # rclpy looks how many arguments a callback takes; its annotations know of one only.
        self._node.create_subscription(kind, name, cast(Any, take), qos, raw=True)


def _offered_by_all(offers: list[QoSProfile]) -> QoSProfile:
    """The most that all publishers offer, as ``ros2 bag record`` asks for it."""
    reliable = all(each.reliability == ReliabilityPolicy.RELIABLE for each in offers)
    latched = all(each.durability == DurabilityPolicy.TRANSIENT_LOCAL for each in offers)
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=_DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )
