"""What one node publishes, takes and serves, asked of the node itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rclpy.action import get_action_server_names_and_types_by_node
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

TOPICS_OF_RCLPY = ("/rosout", "/parameter_events", "/clock")
FRAME_TOPICS = ("/tf", "/tf_static")
"""Told only where a ROS installation has ``tf2_msgs``."""
SERVICES_OF_RCLPY = ("rcl_interfaces/", "type_description_interfaces/")
"""How their types begin."""
_PARAMETERS_OF_RCLPY = ("use_sim_time", "start_type_description_service", "qos_overrides.")
"""How their names begin."""


@dataclass(frozen=True)
class Interface:
    """A topic, service or action of a node.

    Attributes:
        node: its name.
        role: ``publishes``, ``takes``, ``service`` or ``action``.
        name: as the node says it: ``~/`` below its own name, ``/`` absolute, or relative.
        kind: such as ``sensor_msgs/msg/Image``.
        quality: of service, in words; empty for services and actions.
        only_with: what must be set or there for it to exist; empty for nothing.
    """

    node: str
    role: str
    name: str
    kind: str
    quality: str = ""
    only_with: str = ""

    @property
    def full_name(self) -> str:
        """The name in the graph of a suite without a namespace."""
        return "/" + self.name.replace("~", self.node).lstrip("/")


def interfaces_of(node: Node, only_with: str = "") -> Iterator[Interface]:
    """Those of a node in a namespace, in the order of their making; not rclpy's and tf2's."""
    known = node.get_parameters_by_prefix("")
    for role, word, entities in (
        ("takes", "subscription", node.subscriptions),
        ("publishes", "publisher", node.publishers),
    ):
        for each in entities:
            if each.topic_name in (*TOPICS_OF_RCLPY, *FRAME_TOPICS):
                continue
            quality = _quality(each.qos_profile)
            if f"qos_overrides.{each.topic_name}.{word}.reliability" in known:
                quality += "; overridable"
            yield _interface(node, role, each.topic_name, _kind(each.msg_type), quality, only_with)
    for service in node.services:
        kind, name = _kind(service.srv_type), node.resolve_service_name(service.srv_name)
        if not kind.startswith(SERVICES_OF_RCLPY):
            yield _interface(node, "service", name, kind, "", only_with)
    actions = get_action_server_names_and_types_by_node(node, node.get_name(), node.get_namespace())
    for name, (kind, *_) in sorted(actions):
        yield _interface(node, "action", name, kind, "", only_with)


def parameters_of(node: Node) -> frozenset[str]:
    """Names of its parameters; not rclpy's, nor those that override qualities of service."""
    names = node.get_parameters_by_prefix("")
    return frozenset(name for name in names if not name.startswith(_PARAMETERS_OF_RCLPY))


def _interface(
    node: Node, role: str, full: str, kind: str, quality: str, only_with: str
) -> Interface:
    """With the name as the node has it in its source."""
    name, namespace = node.get_name(), node.get_namespace()
    own = f"{namespace}/{name}/"
    if full.startswith(own):
        return Interface(name, role, "~/" + full.removeprefix(own), kind, quality, only_with)
    return Interface(name, role, full.removeprefix(f"{namespace}/"), kind, quality, only_with)


def _kind(type_class: Any) -> str:  # which rclpy describes by protocols without a name
    package, folder, *_ = type_class.__module__.split(".")
    return f"{package}/{folder}/{type_class.__name__}"


def _quality(qos: QoSProfile) -> str:
    reliable = qos.reliability == ReliabilityPolicy.RELIABLE
    latched = ", latched" if qos.durability == DurabilityPolicy.TRANSIENT_LOCAL else ""
    return f"{'reliable' if reliable else 'best effort'}{latched}, {qos.depth}"
