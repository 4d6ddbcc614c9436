"""A node that looks at a running graph."""

from __future__ import annotations

import time
from collections.abc import Callable

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor

from cns_ros.doctor.settings import DoctorSettings
from cns_ros.ros.guard import GuardedNode


class Listener:
    """Listens only while one of its methods waits; a context manager.

    Attributes:
        node: the node.
    """

    def __init__(self, settings: DoctorSettings) -> None:
        self._context = Context()
        rclpy.init(context=self._context)
        topics = {"image": settings.image_topic, "camera_info": settings.camera_info_topic}
        words = [word for pair in topics.items() for word in ("-r", "{}:={}".format(*pair))]
        self.node = GuardedNode("doctor", context=self._context, cli_args=["--ros-args", *words])
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *_: object) -> None:
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def until(self, condition: Callable[[], object], patience_s: float) -> bool:
        """Listen until the condition is true; whether it became so in time."""
        end = time.monotonic() + patience_s
        while not condition():
            if (left_s := end - time.monotonic()) <= 0.0:
                return False
            self._executor.spin_once(timeout_sec=min(left_s, 0.05))
        return True

    def listen(self, duration_s: float) -> None:
        """Listen for some time."""
        self.until(lambda: False, duration_s)
