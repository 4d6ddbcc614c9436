"""Who publishes a topic: what only one may send is taken for nonsense where two do."""

from __future__ import annotations

from rclpy.node import Node


def sender_names(node: Node, topic_name: str) -> list[str]:
    """The publishers of a topic, by the full names of their nodes."""
    return sorted(
        f"{each.node_namespace.rstrip('/')}/{each.node_name}"
        for each in node.get_publishers_info_by_topic(topic_name)
    )


def several_senders(node: Node, topic_name: str, what: str = "") -> str:
    """Which nodes publish a topic, if more than one does; empty otherwise.

    Args:
        what: how the topic is called in the message; empty for its full name.
    """
    senders = sender_names(node, topic_name)
    if len(senders) < 2:
        return ""
    named = ", ".join(senders)
    return f"{len(senders)} publishers of {what or topic_name} ({named}): stop all but one"
