"""What the control box's loop and the sessions with its clients know of each other."""

from collections.abc import Callable
from typing import Protocol

from cns_core.twin.robot.controller import RobotController
from cns_core.twin.robot.faults import Faults
from cns_core.twin.robot.telemetry import Telemetry

Send = Callable[[bytes], None]
"""Takes the bytes for one client."""


class Box(Protocol):
    """The control box, as its sessions see it.

    Attributes:
        register_owners: the one session that may write an input register, by the register's name.
    """

    robot: RobotController
    telemetry: Telemetry
    faults: Faults
    register_owners: dict[str, object]


class Session(Protocol):
    """One client of one service."""

    def receive(self, data: bytes) -> None:
        """Do what the client asks for; ValueError for what it must not send."""

    def tick(self) -> None:
        """Send what has become due."""

    def close(self) -> None:
        """Give back what this client held."""
