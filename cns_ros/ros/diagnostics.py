"""Status and diagnostics messages, and the figures that go into them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

Diagnosis = tuple[bytes, str, Mapping[str, object]]
"""Level, message and values."""

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def status_message(
    name: str, level: bytes, message: str, values: Mapping[str, object]
) -> DiagnosticStatus:
    """Build a DiagnosticStatus; floats of ``values`` are written with six digits."""
    texts = {k: f"{v:.6g}" if isinstance(v, float) else str(v) for k, v in values.items()}
    return DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        values=[KeyValue(key=key, value=text) for key, text in texts.items()],
    )


class Diagnostics:
    """Publishes a node's diagnosis on ``/diagnostics`` once a second.

    Args:
        node: the rclpy node.
        diagnose: called each second, returns level, message and values.
    """

    def __init__(self, node: Node, diagnose: Callable[[], Diagnosis]) -> None:
        self._node = node
        self._diagnose = diagnose
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        node.create_timer(1.0, self._publish)

    def _publish(self) -> None:
        array = DiagnosticArray(
            status=[status_message(self._node.get_fully_qualified_name(), *self._diagnose())]
        )
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
