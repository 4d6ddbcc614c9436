"""The boundary where messages come in: bad data refuse a message, and never end a node."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

import cv2
from rclpy.node import Node
from std_srvs.srv import Trigger

BAD_DATA = (ValueError, ArithmeticError, MemoryError, cv2.error)
"""What our own checks, NumPy, SciPy (ValueError, overflows) and OpenCV raise over data."""

Callback = Callable[..., Any]
Refuse = Callable[[str], None]


def guarded(node: Node, callback: Callback, refuse: Refuse | None = None) -> Callback:
    """A callback of a subscription or a service that survives whatever it is given.

    Bad data are refused with the reason. Anything else that is raised is a fault of the program:
    it is logged with its traceback, and the message is dropped. A service's response then says
    why it has failed.

    Args:
        node: whose callback it is.
        callback: takes a message, or the request and the response of a service such as Trigger.
        refuse: takes the reason; None to log it, every few seconds at most.
    """

    @wraps(callback)
    def survive(*arguments: Any) -> Any:
        try:
            return callback(*arguments)
        except BAD_DATA as error:
            reason = reason_of(error)
        except Exception as error:
            if not node.context.ok():
                raise  # a signal has ended the context under the callback's feet
            node.get_logger().error(traceback.format_exc(), throttle_duration_sec=1.0)
            reason = f"internal error, see the log: {type(error).__name__}: {error}"
        if len(arguments) == 2:
            response = arguments[1]
            response.success, response.message = False, reason
            return response
        (refuse or _log(node))(reason)
        return None

    return survive


def guard_callbacks(node: Node) -> None:
    """Guard what a node's subscriptions and Trigger services call, see :func:`guarded`."""
    for subscription in node.subscriptions:
        subscription.callback = guarded(node, subscription.callback)
    for service in node.services:
        if service.srv_type is Trigger and not iscoroutinefunction(service.callback):
            service.callback = guarded(node, service.callback)


def reason_of(error: BaseException) -> str:
    """What an exception says, in one line."""
    if isinstance(error, cv2.error):
        return f"OpenCV cannot work on it: {' '.join(str(error).split())[:300]}"
    return " ".join(str(error).split()) or type(error).__name__


def _log(node: Node) -> Refuse:
    def warn(reason: str) -> None:
        node.get_logger().warning(f"message refused: {reason}", throttle_duration_sec=5.0)

    return warn
