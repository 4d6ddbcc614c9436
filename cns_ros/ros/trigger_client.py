"""Calls Trigger services of other nodes."""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.client import Client
from rclpy.executors import Executor
from rclpy.node import Node
from std_srvs.srv import Trigger

_PAUSE_S = 0.01


class NoAnswer(TimeoutError):
    """The service is there, but silent: its node is busy, or has just been killed."""


class TriggerClient:
    """Calls any Trigger service, and waits for the answer.

    Args:
        node: the rclpy node to call with.
        executor: spun while waiting; None if another thread spins the node.
    """

    def __init__(self, node: Node, executor: Executor | None = None) -> None:
        self._node = node
        self._executor = executor
        self._clients: dict[str, Client] = {}

    def call(
        self, service: str, timeout_s: float, ready_timeout_s: float | None = None
    ) -> Trigger.Response:
        """Call a service once.

        Args:
            timeout_s: longest wait for the answer.
            ready_timeout_s: longest wait until the service is there; None for ``timeout_s``.

        Raises:
            TimeoutError: if it is not there in time.
            NoAnswer: if it does not answer in time.
        """
        if service not in self._clients:
            self._clients[service] = self._node.create_client(Trigger, service)
        client = self._clients[service]
        ready_timeout_s = timeout_s if ready_timeout_s is None else ready_timeout_s
        if not self._wait(client.service_is_ready, ready_timeout_s):
            raise TimeoutError(f"service {service} is not there after {ready_timeout_s:.0f} s")
        future = client.call_async(Trigger.Request())
        if not self._wait(future.done, timeout_s):
            client.remove_pending_request(future)
            raise NoAnswer(f"service {service} did not answer within {timeout_s:.0f} s")
        return future.result()

    def _wait(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Whether the condition has become true in time."""
        end = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end:
                return False
            if self._executor is None:
                time.sleep(_PAUSE_S)
            else:
                self._executor.spin_once(timeout_sec=_PAUSE_S)
        return True
