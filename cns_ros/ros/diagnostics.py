"""Status and diagnostics messages, and the figures that go into them."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from cns_ros.ros.level_hold import LevelHold

Diagnosis = tuple[bytes, str, Mapping[str, object]]
"""Level, message and values."""

_LOOK_S, _EVERY_S = 0.2, 0.95  # a little less than a second: the looks come by a timer
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def status_message(
    name: str, level: bytes, message: str, values: Mapping[str, object], hardware_id: str = ""
) -> DiagnosticStatus:
    """Build a DiagnosticStatus; floats of ``values`` are written with six digits."""
    texts = {k: f"{v:.6g}" if isinstance(v, float) else str(v) for k, v in values.items()}
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        hardware_id=hardware_id,
        values=[KeyValue(key=key, value=text) for key, text in texts.items()],
    )


class Diagnostics:
    """Publishes a node's diagnosis on ``/diagnostics`` once a second, and when its level changes.

    The message names the cause and so what to do; the level has the hysteresis of
    :class:`.LevelHold`.

    Args:
        node: the rclpy node.
        diagnose: called several times a second, returns level, message and values.
        hardware_id: names what the node depends on; by default this machine.
    """

    def __init__(
        self,
        node: Node,
        diagnose: Callable[[], Diagnosis],
        hardware_id: Callable[[], str] = socket.gethostname,
    ) -> None:
        self._node = node
        self._diagnose = diagnose
        self._hardware_id = hardware_id
        self._hold = LevelHold()
        self._level: bytes | None = None
        self._published_s = -_EVERY_S
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        # A clock that stands still or is set must not keep the diagnosis back.
        node.create_timer(_LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _look(self) -> None:
        now_s = time.monotonic()
        level, message, values = self._diagnose()
        if cause := values.get("cause"):
            message = f"{message}: {cause}"
        level, message = self._hold.take(level, message, now_s)
        if level == self._level and now_s < self._published_s + _EVERY_S:
            return
        self._level, self._published_s = level, now_s
        if self._hold.recovering_s:
            values = {**values, "recovering_s": self._hold.recovering_s}
        name, hardware_id = self._node.get_fully_qualified_name(), self._hardware_id()
        array = DiagnosticArray(status=[status_message(name, level, message, values, hardware_id)])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)


class Recent:
    """Median and 99th percentile over the last few hundred values, and how many there were."""

    def __init__(self, window: int = 300) -> None:
        self._values: deque[float] = deque(maxlen=window)
        self.count = 0

    def add(self, value: float) -> None:
        """Take one more value."""
        self._values.append(value)
        self.count += 1

    @property
    def newest(self) -> float | None:
        """The last value, or None before the first."""
        return self._values[-1] if self._values else None

    def figures(self, name: str) -> dict[str, float]:
        """``{name_p50: ..., name_p99: ...}``, empty before the first value."""
        if not self._values:
            return {}
        p50, p99 = np.percentile(self._values, [50, 99])
        return {f"{name}_p50": float(p50), f"{name}_p99": float(p99)}
