"""A node that looks at a running graph."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.context import Context

from cns_ros.doctor.settings import DoctorSettings
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.participation import Participation


class Listener(Participation):
    """Listens only while one of its methods waits; a context manager.

    Attributes:
        node: the node.
    """

    def __init__(self, settings: DoctorSettings) -> None:
        context = Context()
        super().__init__(context)
        topics = {"image": settings.image_topic, "camera_info": settings.camera_info_topic}
        words = [word for pair in topics.items() for word in ("-r", "{}:={}".format(*pair))]
        arguments = ["--ros-args", *words]
        self.node = self.add(GuardedNode("doctor", context=context, cli_args=arguments))

    def __enter__(self) -> Listener:
        return self

    def until(self, condition: Callable[[], object], patience_s: float) -> bool:
        """Listen until the condition is true; whether it became so in time."""
        end = time.monotonic() + patience_s
        while not condition():
            if (left_s := end - time.monotonic()) <= 0.0:
                return False
            self.executor.spin_once(timeout_sec=min(left_s, 0.05))
        return True

    def listen(self, duration_s: float) -> None:
        """Listen for some time."""
        self.until(lambda: False, duration_s)
