"""Status and diagnostics messages, and the figures that go into them."""

from collections import deque

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


def status_message(name, level, message, values):
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
        diagnose: called each second, returns (level, message, values).
    """

    def __init__(self, node, diagnose):
        self._node = node
        self._diagnose = diagnose
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
        node.create_timer(1.0, self._publish)

    def _publish(self):
        array = DiagnosticArray(
            status=[status_message(self._node.get_fully_qualified_name(), *self._diagnose())]
        )
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)


class Recent:
    """Median and 99th percentile over the last few hundred values, and how many there were."""

    def __init__(self, window=300):
        self._values = deque(maxlen=window)
        self.count = 0

    def add(self, value):
        """Take one more value."""
        self._values.append(value)
        self.count += 1

    @property
    def newest(self):
        """The last value, or None before the first."""
        return self._values[-1] if self._values else None

    def figures(self, name):
        """``{name_p50: ..., name_p99: ...}``, empty before the first value."""
        if not self._values:
            return {}
        p50, p99 = np.percentile(self._values, [50, 99])
        return {f"{name}_p50": float(p50), f"{name}_p99": float(p99)}


def seconds(stamp):
    """A builtin_interfaces/Time as seconds."""
    return stamp.sec + 1e-9 * stamp.nanosec


def age_s(node, stamp):
    """How long ago ``stamp`` was on the node's clock, in s."""
    return 1e-9 * node.get_clock().now().nanoseconds - seconds(stamp)
