"""Calls services and sets parameters of running nodes, and hears what they say of themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.context import Context
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient
from rclpy.task import Future

from cns_ros.ros.diagnostics import OK
from cns_ros.ros.participation import Participation
from cns_ros.ros.qos import LATCHED
from cns_ros.ros.trigger_client import NoAnswer, TriggerClient

_PATIENCE_S = 60.0
_ANSWER_S = 2.0


class GraphClient:
    """A node that listens only while one of its methods waits.

    Args:
        domain: ROS domain id.
        told_by: names of the nodes whose ``~/status`` is listened to.

    Attributes:
        node: the rclpy node.
        statuses: newest DiagnosticStatus, by name of the node.
        problems: what each node's diagnosis complains of, empty for nothing, by name.
        refusal: why a service last refused.
    """

    def __init__(self, domain: int, told_by: Iterable[str]) -> None:
        context = Context()
        self._part = Participation(context, domain_id=domain)
        self.node = self._part.add(rclpy.create_node("fault_rig", context=context))
        self._executor = self._part.executor
        self._triggers = TriggerClient(self.node, self._executor)
        self.statuses: dict[str, DiagnosticStatus] = {}
        self.problems: dict[str, str] = {}
        self.refusal = ""
        for name in told_by:
            self._listen(name)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def close(self) -> None:
        """Leave the graph, but not within a second of a node's being killed: Fast DDS may crash."""
        self._part.close()

    def spin(self, duration_s: float) -> None:
        """Listen for some time."""
        end = time.monotonic() + duration_s
        while (left_s := end - time.monotonic()) > 0.0:
            self._executor.spin_once(timeout_sec=left_s)

    def until(self, condition: Callable[[], Any], what: str) -> None:
        """Listen until the condition is true; TimeoutError names what did not come."""
        end = time.monotonic() + _PATIENCE_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"{what} has not come; refusal {self.refusal!r}")
            self._executor.spin_once(timeout_sec=0.02)

    def insist(self, service: str) -> None:
        """Call a Trigger service until it succeeds; a node that comes up refuses for a while."""
        end = time.monotonic() + _PATIENCE_S
        while not self.call(service):
            if time.monotonic() > end:
                raise TimeoutError(f"{service} refused: {self.refusal}")
            self.spin(0.05)

    def call(self, service: str, timeout_s: float = _ANSWER_S) -> bool:
        """Call a Trigger service once; whether it succeeds.

        Raises:
            TimeoutError: if no node offers it.
        """
        try:
            answer = self._triggers.call(service, timeout_s, ready_timeout_s=_PATIENCE_S)
        except NoAnswer as reason:
            self.refusal = str(reason)
            return False
        self.refusal = answer.message
        return answer.success

    def set_parameters(self, name: str, **values: Any) -> None:
        """Set parameters of a node.

        Raises:
            ValueError: if it refuses them.
        """
        client = AsyncParameterClient(self.node, name)
        self.until(client.services_are_ready, f"parameters of {name}")
        parameters = [Parameter(key, value=value) for key, value in values.items()]
        answer, end = None, time.monotonic() + _PATIENCE_S
        while answer is None:
            if time.monotonic() > end:
                raise TimeoutError(f"{name} does not take {values}")
            answer = self._answer(client.set_parameters(parameters), _ANSWER_S)
        refusals = [result.reason for result in answer.results if not result.successful]
        if refusals:
            raise ValueError(f"{name}: {refusals}")

    def _answer(self, future: Future, timeout_s: float) -> Any:
        """What a service answers, None if it does not."""
        self._executor.spin_until_future_complete(future, timeout_sec=timeout_s)
        return future.result() if future.done() else None

    def _listen(self, name: str) -> None:
        def take(message: DiagnosticStatus) -> None:
            self.statuses[name] = message

        self.node.create_subscription(DiagnosticStatus, f"{name}/status", take, LATCHED)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.lstrip("/")
            self.problems[name] = "" if status.level == OK else status.message
