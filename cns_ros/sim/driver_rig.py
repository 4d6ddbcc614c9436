"""What every rig with a driver node as a process can do, whatever arm is behind it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping

from cns_core.bench.faults.rig import GONE, PATIENCE_S
from cns_ros.ros.client import GraphClient
from cns_ros.sim.node_processes import NodeProcesses

ARMING_S = 15.0


class DriverRig:
    """Starts nodes of a domain of its own, and hears what they say.

    Attributes:
        nodes: the :class:`NodeProcesses`.
        graph: a :class:`GraphClient` of the same domain, of whoever enters the rig.

    Args:
        commands: command line of every node, by its name.
        domain: ROS domain id.
        variables: of the nodes' environment, beside this process's own.
    """

    graph: GraphClient

    def __init__(
        self,
        commands: Mapping[str, list[str]],
        domain: int,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        environment = {
            **os.environ,
            **(variables or {}),
            "ROS_DOMAIN_ID": str(domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        }
        self.nodes = NodeProcesses(dict(commands), environment)

    @property
    def state(self) -> str:
        """What the driver has last told, GONE if its process has ended, "" if it is new."""
        if not self.nodes.lives("ur_driver"):
            return GONE
        status = self.graph.statuses.get("ur_driver")
        return status.message if status else ""

    def start(self, name: str) -> None:
        """Start a node, if it does not live."""
        if not self.nodes.lives(name):
            self.graph.statuses.pop(name, None)
            self.nodes.start(name)

    def disarm(self) -> None:
        """Ask the driver to disarm until it does."""
        self.graph.insist("ur_driver/disarm")

    def wait(self, duration_s: float) -> None:
        """Let time pass and listen to the nodes."""
        self.graph.spin(duration_s)

    def until_state(self, *states: str) -> None:
        """Wait until the driver is in one of these states."""
        self.graph.until(lambda: self.state in states, "a driver that is " + " or ".join(states))

    def explanation(self) -> str:
        """Why the arm stands."""
        raise NotImplementedError

    def _insist(self, begins: Callable[[], bool]) -> None:
        """Try to begin until that succeeds: a busy machine may be so late that it is disarmed."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if begins():
                return
            self.wait(0.1)
        raise TimeoutError(f"full speed has not come: {self.graph.refusal}; {self.explanation()}")
