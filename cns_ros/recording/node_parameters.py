"""The parameters of running nodes, as a file from which they could be started again."""

from __future__ import annotations

import time
from array import array
from typing import Any

import yaml
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.parameter_client import AsyncParameterClient
from rclpy.task import Future

_AGAIN_S = 1.0


class NodeParameters:
    """Asks nodes for all their parameters; answers come while the own node spins.

    Attributes:
        values: by the node's full name, name and value of each parameter.
    """

    def __init__(self, node: Node) -> None:
        self.values: dict[str, dict[str, Any]] = {}
        self._node = node
        self._clients: dict[str, AsyncParameterClient] = {}
        self._asked_s: dict[str, float] = {}

    def want(self, name: str) -> None:
        """Ask a node when its services are there; call :meth:`ask` now and then."""
        if name not in self._clients:
            self._clients[name] = AsyncParameterClient(self._node, name)

    def ask(self) -> None:
        """Ask those that are ready and have not answered, again after a while.

        A service may be found before its answers find the way back.
        """
        now_s = time.monotonic()
        for name in self.pending:
            client = self._clients[name]
            again = now_s > self._asked_s.get(name, -_AGAIN_S) + _AGAIN_S
            if again and client.services_are_ready():
                self._asked_s[name] = now_s
                client.list_parameters([], 0, callback=lambda f, n=name: self._on_names(n, f))

    def _on_names(self, node: str, answer: Future) -> None:
        names = list(answer.result().result.names)

        def take(answer: Future) -> None:
            found = map(parameter_value_to_python, answer.result().values)
            self.values[node] = dict(zip(names, map(_plain, found), strict=True))

        self._clients[node].get_parameters(names, callback=take)

    @property
    def pending(self) -> set[str]:
        """Names of the nodes that have not answered."""
        return self._clients.keys() - self.values.keys()

    def as_yaml(self) -> str:
        """As a params file of ROS."""
        content = {
            name: {"ros__parameters": dict(sorted(values.items()))}
            for name, values in sorted(self.values.items())
        }
        return yaml.safe_dump(content, sort_keys=False)


def _plain(value: Any) -> Any:
    """A value in types that YAML knows."""
    return list(value) if isinstance(value, (array, tuple)) else value
