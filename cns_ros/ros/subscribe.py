"""Subscriptions to what may be sent once: by some publishers latched, by others not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.qos import DurabilityPolicy

from cns_ros.ros.guard import GuardedNode, Refuse
from cns_ros.ros.qos import LATCHED, NEWEST

_LOOK_S = 0.2


def subscribe_to_state(
    node: GuardedNode,
    kind: type,
    topic: str,
    take: Callable[[Any], None],
    refuse: Refuse | None = None,
) -> str:
    """Take the messages of publishers of either durability.

    A latched message reaches only who asks for it, and who asks for that hears no publisher that
    does not latch. So there are two subscriptions, the second from when a publisher latches:
    earlier, both sides would be warned of each other. ``take`` may be given a message twice;
    ``refuse`` is told why one is refused.

    Returns:
        The topic's full name.
    """
    topic_name = node.create_subscription(kind, topic, take, NEWEST, refuse=refuse).topic_name

    def look() -> None:
        publishers = node.get_publishers_info_by_topic(topic_name)
        latched = DurabilityPolicy.TRANSIENT_LOCAL
        if any(each.qos_profile.durability == latched for each in publishers):
            node.create_subscription(kind, topic, take, LATCHED, refuse=refuse)
            timer.cancel()

    timer = node.create_timer(_LOOK_S, look)
    return topic_name
