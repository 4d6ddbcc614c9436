"""Asks the supervisor to servo, and waits for how it ends."""

from __future__ import annotations

import threading
import time
from typing import Any

from rclpy.action import ActionClient
from rclpy.node import Node
from rclpy.task import Future

from cns_interfaces.action import Servo
from cns_interfaces.msg import ServoOutcome

_READY_S = 20.0


class ServoClient:
    """One servo by the action ``supervisor/servo``; another thread spins the node.

    Args:
        node: the rclpy node to ask with.
    """

    def __init__(self, node: Node) -> None:
        self._client = ActionClient(node, Servo, "supervisor/servo")
        self._ended = threading.Event()
        self._outcome: ServoOutcome | None = None

    def send(self, **goal: Any) -> None:
        """Ask for it; fields as in Servo.action.

        Raises:
            TimeoutError: if no supervisor is there.
        """
        end_s = time.monotonic() + _READY_S
        while not self._client.server_is_ready():
            if time.monotonic() > end_s:
                raise TimeoutError(f"action supervisor/servo is not there after {_READY_S:.0f} s")
            time.sleep(0.02)
        self._client.send_goal_async(Servo.Goal(**goal)).add_done_callback(self._on_accepted)

    def wait(self, timeout_s: float) -> ServoOutcome | None:
        """How it ended, None while it goes on."""
        self._ended.wait(timeout_s)
        return self._outcome

    def _on_accepted(self, future: Future) -> None:
        future.result().get_result_async().add_done_callback(self._on_result)

    def _on_result(self, future: Future) -> None:
        self._outcome = future.result().result.outcome
        self._ended.set()
