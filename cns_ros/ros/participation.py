"""A program's part in a ROS graph: a context, nodes, and the executor that spins them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any, TypeVar

import rclpy
from rclpy.context import Context
from rclpy.executors import Executor, ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

NodeT = TypeVar("NodeT", bound=Node)

_LOOK_S = 0.1


class Participation:
    """Nodes that are spun and, at the end, leave in the one order that is safe; a context manager.

    What spins ends first, then the nodes, the context at last: whatever of a node is left to the
    interpreter's own end takes its DDS participant down while threads still serve it. An executor
    of several threads does not wait for callbacks under way: its nodes see to that themselves.

    Args:
        context: not initialized yet; None for the default one of this process.
        make_executor: builds what spins the nodes, given ``context``.
        options: as rclpy.init's.

    Attributes:
        executor: spins the nodes.
        nodes: what is destroyed at the end, the last first.
    """

    def __init__(
        self,
        context: Context | None = None,
        make_executor: Callable[..., Executor] = SingleThreadedExecutor,
        **options: Any,
    ) -> None:
        rclpy.init(context=context, **options)
        self._context = context
        self.executor = make_executor(context=context)
        self.nodes: list[Node] = []
        self._over = threading.Event()
        self._beside: threading.Thread | None = None

    def __enter__(self) -> Participation:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, node: NodeT) -> NodeT:
        """Spin a node of this context with the others."""
        self.nodes.append(node)
        self.executor.add_node(node)
        return node

    def spin_beside(self) -> None:
        """Spin the nodes in a thread of its own, up to the end."""
        self._beside = threading.Thread(target=self._spin, name="spin", daemon=True)
        self._beside.start()

    def halt(self) -> None:
        """End the thread that spins beside; what it spins may be destroyed now."""
        self._over.set()
        if self._beside is not None:
            self.executor.wake()
            self._beside.join()

    def close(self) -> None:
        """Leave the graph; does nothing the second time."""
        self.halt()
        with ExitStack() as rest:
            rest.callback(rclpy.try_shutdown, context=self._context)
            while self.nodes:
                rest.callback(self.nodes.pop(0).destroy_node)
            self.executor.shutdown()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            while not self._over.is_set():
                self.executor.spin_once(timeout_sec=_LOOK_S)
