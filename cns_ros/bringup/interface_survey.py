"""Builds the nodes in all the ways in which they differ, and lists what they have."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image

from cns_core.share import share_directory
from cns_ros.bringup.node_interfaces import Interface, interfaces_of, parameters_of

_NAMESPACE = "/survey"  # tells relative names from absolute ones
_PATIENCE_S = 10.0


@dataclass(frozen=True)
class Variation:
    """A way to bring a node up in which it has other interfaces.

    Attributes:
        only_with: what is special about it; empty for what is usual.
        parameters: that it is given.
        published: topic of images that somebody publishes, and that the node then takes.
    """

    only_with: str = ""
    parameters: Mapping[str, object] = field(default_factory=dict)
    published: str = ""


@dataclass(frozen=True)
class Survey:
    """What was found: the interfaces, and the names of each node's parameters."""

    interfaces: tuple[Interface, ...]
    parameters: Mapping[str, frozenset[str]]


def _set(name: str, value: object) -> Variation:
    text = str(value).lower() if isinstance(value, bool) else value
    return Variation(f"`{name}: {text}`", {name: value})


_COMPRESSED = _set("image_transport", "compressed")
NODES: dict[str, tuple[str, tuple[Variation, ...]]] = {
    "observer": ("cns_ros.nodes.observer:ObserverNode", (_COMPRESSED,)),
    "controller": (
        "cns_ros.nodes.controller:ControllerNode",
        (Variation("a publisher of `depth_image`", published="depth_image"),),
    ),
    "ur_driver": (
        "cns_ros.nodes.ur_driver:UrDriverNode",
        (_set("backend", "ros2_control"), _set("backend", "moveit_servo")),
    ),
    "supervisor": ("cns_ros.nodes.supervisor:SupervisorNode", ()),
    "hand_eye": ("cns_ros.nodes.hand_eye:HandEyeNode", (_COMPRESSED,)),
    "twin": (
        "cns_ros.sim.twin:TwinNode",
        (_set("compressed", True), _set("depth", "16UC1"), _set("gripper", True)),
    ),
}
"""Name of the node: its class, imported when it is built, and what it may be beside the usual."""


def survey(host: str) -> Survey:
    """List what every node has.

    Args:
        host: a loopback address of its own, for the twin.
    """
    found: dict[tuple[str, str, str], Interface] = {}
    parameters = {name: frozenset[str]() for name in NODES}
    with _context() as context, tempfile.TemporaryDirectory() as folder:
        given = _given(host, Path(folder))
        for name, (path, variations) in NODES.items():
            for variation in (Variation(), *variations):
                values = {**given.get(name, {}), **variation.parameters}
                with _node(path, context, values) as node:
                    if variation.published:
                        _offer(variation.published, node, context)
                    for each in interfaces_of(node, variation.only_with):
                        found.setdefault((each.node, each.role, each.name), each)
                    parameters[name] |= parameters_of(node)
    return Survey(tuple(found.values()), parameters)


def own_address() -> str:
    """A loopback address that hardly any other process uses."""
    high, low = divmod(os.getpid(), 250)
    return f"127.78.{high % 250}.{low + 2}"


def _given(host: str, folder: Path) -> dict[str, dict[str, object]]:
    """What the nodes cannot be without."""
    hand_eye = str(share_directory() / "config" / "twin_hand_eye.yaml")
    return {
        "ur_driver": {"robot_ip": host, "hand_eye_file": hand_eye},
        "supervisor": {"goals_folder": str(folder)},
        "hand_eye": {"file": str(folder / "hand_eye.yaml")},
        "twin": {"host": host},
    }


@contextmanager
def _context() -> Iterator[Context]:
    context = Context()
    rclpy.init(context=context)
    try:
        yield context
    finally:
        rclpy.shutdown(context=context)


@contextmanager
def _node(path: str, context: Context, parameters: Mapping[str, object]) -> Iterator[Node]:
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    node = resolve_name(path)(
        context=context, namespace=_NAMESPACE, parameter_overrides=overrides, enable_rosout=False
    )
    try:
        yield node
    finally:
        node.destroy_node()


def _offer(topic: str, node: Node, context: Context) -> None:
    """Publish a topic, and spin the node until it takes it."""
    other = rclpy.create_node("other", context=context, namespace=_NAMESPACE)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    try:
        full = other.create_publisher(Image, topic, 1).topic_name
        end_s = time.monotonic() + _PATIENCE_S
        while all(each.topic_name != full for each in node.subscriptions):
            if time.monotonic() > end_s:
                raise TimeoutError(f"{node.get_name()} does not take {topic}")
            executor.spin_once(timeout_sec=0.05)
    finally:
        executor.shutdown()
        other.destroy_node()
