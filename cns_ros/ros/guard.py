"""The boundary where messages come in: bad data refuse a message, and nothing ends a node."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.service import Service
from rclpy.subscription import Subscription
from rclpy.timer import Timer

from cns_core.bad_data import BAD_DATA, reason_of

Callback = Callable[..., Any]
Refuse = Callable[[str], None]

_AGAIN_S = 5.0
_MARK = "cns_guarded"


class GuardedNode(Node):
    """A node whose callbacks are guarded, whenever they are registered.

    What is raised over a message refuses that message, and a request, with the reason. Anything
    else, and whatever a timer raises, is a fault of the program: it is logged with its traceback,
    a service's response says why it has failed, and the node makes itself safe.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, **options)
        for service in self.services:
            if not is_guarded(service.callback):  # rclpy's own, registered by another way
                service.callback = guarded_request(self, service.callback)

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callback, *qos: Any, **options: Any
    ) -> Subscription:
        """As rclpy's, and ``refuse`` takes why a message was refused; without it, it is logged."""
        guarded = guarded_message(self, callback, options.pop("refuse", None))
        return super().create_subscription(msg_type, topic, guarded, *qos, **options)

    def create_service(
        self, srv_type: Any, srv_name: str, callback: Callback, **options: Any
    ) -> Service:
        """As rclpy's; a response's ``success`` and ``message`` tell of refusals."""
        return super().create_service(
            srv_type, srv_name, guarded_request(self, callback), **options
        )

    def create_timer(
        self, timer_period_sec: float, callback: Callback, *group: Any, **options: Any
    ) -> Timer:
        """As rclpy's, but real time passes where simulated time stands still: arms are braked."""
        guarded = guarded_timer(self, callback)
        options.setdefault("clock", Clock(clock_type=ClockType.STEADY_TIME))
        return super().create_timer(timer_period_sec, guarded, *group, **options)

    def make_safe(self, reason: str) -> None:
        """What a callback's failure asks for; nothing, unless something moves or is reported."""


def guarded_message(node: GuardedNode, callback: Callback, refuse: Refuse | None) -> Callback:
    """A subscription's callback that survives whatever message it is given."""
    faults = _Faults(node)
    refuse = refuse or faults.log_refusal

    @wraps(callback)
    def take(*arguments: Any) -> None:
        try:
            callback(*arguments)
        except BAD_DATA as error:
            refuse(reason_of(error))
        except Exception as error:
            refuse(faults.take(error))

    return _marked(take)


def guarded_request(node: GuardedNode, callback: Callback) -> Callback:
    """A service's callback, a coroutine or not, whose response says why it has failed."""
    faults = _Faults(node)

    def failed(error: Exception, response: Any) -> Any:
        reason = reason_of(error) if isinstance(error, BAD_DATA) else faults.take(error)
        if hasattr(response, "success"):
            response.success, response.message = False, reason
        return response

    @wraps(callback)
    def answer(request: Any, response: Any) -> Any:
        try:
            return callback(request, response)
        except Exception as error:
            return failed(error, response)

    @wraps(callback)
    async def answer_later(request: Any, response: Any) -> Any:
        try:
            return await callback(request, response)
        except Exception as error:
            return failed(error, response)

    return _marked(answer_later if iscoroutinefunction(callback) else answer)


def guarded_timer(node: GuardedNode, callback: Callback) -> Callback:
    """A timer's callback; it has no data that could be bad, so whatever it raises is a fault."""
    faults = _Faults(node)

    @wraps(callback)
    def tick() -> None:
        try:
            callback()
        except Exception as error:
            faults.take(error)

    return _marked(tick)


def is_guarded(callback: Callback) -> bool:
    """Whether a callback is one of those above."""
    return hasattr(callback, _MARK)


class _Faults:
    """Logs what one callback raises, each kind only now and then, and makes its node safe."""

    def __init__(self, node: GuardedNode) -> None:
        self._node = node
        self._logged_at: dict[str, float] = {}

    def take(self, error: Exception) -> str:
        """Note a fault of the program; what to say of it.

        Raises:
            Exception: the error itself, if a signal has ended the context under the callback.
        """
        if not self._node.context.ok():
            raise error
        reason = f"internal error, see the log: {type(error).__name__}: {reason_of(error)}"
        if self._is_due(type(error).__name__):
            self._node.get_logger().error("".join(traceback.format_exception(error)))
        try:
            self._node.make_safe(reason)
        except Exception as further:
            if self._is_due("make_safe"):
                self._node.get_logger().error("".join(traceback.format_exception(further)))
        return reason

    def log_refusal(self, reason: str) -> None:
        """Tell of a message that nobody else tells of."""
        if self._is_due("refusal"):
            self._node.get_logger().warning(f"message refused: {reason}")

    def _is_due(self, kind: str) -> bool:
        now = time.monotonic()
        due = now - self._logged_at.get(kind, float("-inf")) > _AGAIN_S
        if due:
            self._logged_at[kind] = now
        return due


def _marked(callback: Callback) -> Callback:
    setattr(callback, _MARK, True)
    return callback
