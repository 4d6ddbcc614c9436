"""The nodes that a servo goes through: what they say of themselves, and calls to them."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from sensor_msgs.msg import Image, PointCloud2

from cns_ros.ros.clock import nanoseconds
from cns_ros.ros.diagnostics import OK
from cns_ros.ros.qos import LATCHED, OFFERED
from cns_ros.ros.trigger_client import TriggerClient

OBSERVER, CONTROLLER, DRIVER = "observer", "controller", "ur_driver"


@dataclass(frozen=True)
class Told:
    """What a node last said of itself.

    Attributes:
        message: its state; empty before it says anything.
        values: by name.
        is_ok: whether it complains.
    """

    message: str = ""
    values: dict[str, str] = field(default_factory=dict)
    is_ok: bool = True

    def number(self, name: str) -> float:
        """A value as a number, NaN where there is none."""
        try:
            return float(self.values.get(name, "nan"))
        except ValueError:
            return math.nan


class Peers:
    """Hears observer, controller and driver, and calls their services.

    Its methods wait, so they are for threads other than those that spin the node.

    Args:
        node: the rclpy node, spun by an executor of several threads.
        group: of its subscriptions.

    Attributes:
        matches: how often the observer answered an image.
    """

    def __init__(self, node: Node, group: CallbackGroup) -> None:
        self._node = node
        self._triggers = TriggerClient(node)
        self._calling = threading.Lock()
        self._changed = threading.Condition()
        self._told: dict[str, Told] = {}
        self._heard_s: dict[str, float] = {}
        self._desired: dict[str, Told] = {}
        self.matches = 0
        self._publisher = node.create_publisher(Image, "desired_image", LATCHED)
        for name in (CONTROLLER, DRIVER):
            hear = partial(self._on_status, name)
            node.create_subscription(
                DiagnosticStatus, f"{name}/status", hear, LATCHED, callback_group=group
            )
        for kind, topic, take, qos in (
            (DiagnosticStatus, f"{OBSERVER}/desired", self._on_desired, LATCHED),
            (DiagnosticArray, "/diagnostics", self._on_diagnostics, 10),
        ):
            node.create_subscription(kind, topic, take, qos, callback_group=group)
        # Counted only, so not unpacked.
        node.create_subscription(
            PointCloud2, "matches", self._on_matches, OFFERED, callback_group=group, raw=True
        )

    def told(self, name: str) -> Told:
        """The newest status of controller or driver."""
        return self._told.get(name, Told())

    @property
    def twists(self) -> int:
        """How many twists the controller gave since it came up."""
        return int(self.told(CONTROLLER).values.get("twists", "0"))

    def forget(self, name: str) -> None:
        """Take what a node said so far for nothing."""
        with self._changed:
            self._told.pop(name, None)

    def wait(self, condition: Callable[[], object], timeout_s: float) -> bool:
        """Wait until what the nodes say makes ``condition()`` true; whether it does."""
        with self._changed:
            return bool(self._changed.wait_for(condition, timeout_s))

    def wait_for_news(self, name: str, timeout_s: float) -> None:
        """Wait until controller or driver say something new."""
        before = self._told.get(name)
        self.wait(lambda: self._told.get(name) is not before, timeout_s)

    def silent(self, name: str, longest_s: float) -> str:
        """Why a node must be taken for dead, empty while it is alive."""
        heard_s = self._heard_s.get(name)
        if heard_s is None:
            return f"{name} has never been heard on /diagnostics: start it"
        silence_s = time.monotonic() - heard_s
        if silence_s <= longest_s:
            return ""
        return f"{name} has said nothing for {silence_s:.1f} s: its node has ended or hangs"

    def hail(self, *names: str) -> None:
        """Count the silence of nodes from now on."""
        self._heard_s.update(dict.fromkeys(names, time.monotonic()))

    def call(self, service: str, timeout_s: float, ready_s: float) -> tuple[bool, str]:
        """Call a Trigger service: whether it succeeds, and what it says."""
        with self._calling:
            try:
                answer = self._triggers.call(service, timeout_s, ready_s)
            except TimeoutError as reason:
                return False, str(reason)
            except Exception:
                if self._node.context.ok():
                    raise
                return False, "this node was told to end"  # under the feet of whoever calls
        return answer.success, answer.message

    def set_desired(self, message: Image, timeout_s: float) -> tuple[bool, str]:
        """Give the observer a desired image with a stamp of its own, and hear what it says."""
        stamp = str(nanoseconds(message.header.stamp))
        self._publisher.publish(message)
        if not self.wait(lambda: stamp in self._desired, timeout_s):
            return False, f"{OBSERVER} does not take the desired image: is it running?"
        told = self._desired[stamp]
        return told.is_ok, told.message

    def _note(self, note: Callable[[], object]) -> None:
        with self._changed:
            note()
            self._changed.notify_all()

    def _on_status(self, name: str, message: DiagnosticStatus) -> None:
        self._note(lambda: self._told.update({name: _told(message)}))

    def _on_desired(self, message: DiagnosticStatus) -> None:
        told = _told(message)
        self._note(lambda: setattr(self, "_desired", {told.values.get("stamp", ""): told}))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        names = [status.name.rsplit("/", 1)[-1] for status in message.status]
        self._note(lambda: self._heard_s.update(dict.fromkeys(names, time.monotonic())))

    def _on_matches(self, _: bytes) -> None:
        self._note(lambda: setattr(self, "matches", self.matches + 1))


def _told(message: DiagnosticStatus) -> Told:
    values = {pair.key: pair.value for pair in message.values}
    return Told(message.message, values, message.level == OK)
