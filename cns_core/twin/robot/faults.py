"""Faults that can be injected into a simulated control box while it runs."""

import random
from collections.abc import Callable, Iterable
from typing import Protocol

from cns_core.twin.robot import garbage
from cns_core.twin.robot.controller import RobotController
from cns_core.twin.robot.motions import speed_fraction
from cns_core.twin.robot.ports.connection import Network
from cns_core.twin.robot.telemetry import Telemetry

Parameters = dict[str, float | str]


class Client(Protocol):
    """A connected client."""

    def send(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class FaultyBox(Protocol):
    """What faults take hold of; see ``BoxServer``."""

    robot: RobotController
    telemetry: Telemetry
    network: Network

    def clients_of(self, service: str) -> Iterable[Client]:
        """The clients of one service."""


class Faults:
    """Active faults by name.

    Lasting, until cleared: ``rtde_frozen`` (clients are accepted and never answered),
    ``network_delay`` (``delay_s``, ``jitter_s``), ``late_feedback`` (``delay_s``),
    ``dashboard_garbage`` (``seed``), ``slowed_down`` (``scaling``: the controller leaves so much of
    every speed, as near a limit or a singularity).

    At once, nothing to clear: ``script_killed``, ``rtde_dropped``, ``rtde_garbage`` (``kind`` of
    :mod:`~cns_core.twin.robot.garbage`, ``seed``).

    Args:
        box: what they take hold of.
    """

    def __init__(self, box: FaultyBox) -> None:
        self._box = box
        self._active: dict[str, Parameters] = {}
        self._random = random.Random(0)

    def inject(self, name: str, **parameters: float | str) -> None:
        """Begin a fault; ValueError if there is none of that name, or a parameter is wrong."""
        if name not in _BEGIN:
            raise ValueError(f"unknown fault {name!r}, known are {sorted(_BEGIN)}")
        try:
            _BEGIN[name](self, **parameters)
        except TypeError as error:
            raise ValueError(f"fault {name}: {error}") from error
        if name in _END:
            self._active[name] = parameters

    def clear(self, name: str | None = None) -> None:
        """End one lasting fault, or all of them."""
        if name is not None and name not in self._active:
            raise ValueError(f"no fault {name!r} is active, active are {sorted(self._active)}")
        for each in [name] if name is not None else list(self._active):
            _END[each](self)
            del self._active[each]

    def active(self) -> dict[str, Parameters]:
        """Dict of the lasting faults in effect, name to parameters."""
        return dict(self._active)

    def spoil(self, service: str, data: bytes) -> bytes:
        """What reaches a client of ``service`` in the place of ``data``."""
        if service == "dashboard" and "dashboard_garbage" in self._active:
            return garbage.dashboard_line(self._random)
        return data

    def freezes(self, service: str) -> bool:
        """Whether clients of ``service`` are neither read nor answered."""
        return service == "rtde" and "rtde_frozen" in self._active

    def _delay_network(self, delay_s: float = 0.0, jitter_s: float = 0.0) -> None:
        self._box.network.delay_s = _seconds(delay_s, "delay_s")
        self._box.network.jitter_s = _seconds(jitter_s, "jitter_s")

    def _delay_feedback(self, delay_s: float = 0.0) -> None:
        self._box.telemetry.feedback_delay_s = _seconds(delay_s, "delay_s")

    def _kill_script(self) -> None:
        self._box.robot.stop_program()

    def _drop_rtde(self) -> None:
        for client in self._box.clients_of("rtde"):
            client.close()

    def _send_rtde_garbage(self, kind: str = "noise", seed: int = 0) -> None:
        data = garbage.rtde_bytes(kind, random.Random(seed))
        for client in self._box.clients_of("rtde"):
            client.send(data)

    def _slow_down(self, scaling: float = 1.0) -> None:
        self._box.robot.arm.speed_scaling = speed_fraction(scaling, "scaling")

    def _seed(self, seed: int = 0) -> None:
        self._random.seed(seed)

    def _nothing(self) -> None:
        """Whoever is concerned asks whether the fault is active."""


_BEGIN: dict[str, Callable[..., None]] = {
    "rtde_frozen": Faults._nothing,
    "network_delay": Faults._delay_network,
    "late_feedback": Faults._delay_feedback,
    "dashboard_garbage": Faults._seed,
    "slowed_down": Faults._slow_down,
    "script_killed": Faults._kill_script,
    "rtde_dropped": Faults._drop_rtde,
    "rtde_garbage": Faults._send_rtde_garbage,
}
_END: dict[str, Callable[[Faults], None]] = {
    "rtde_frozen": Faults._nothing,
    "network_delay": Faults._delay_network,
    "late_feedback": Faults._delay_feedback,
    "dashboard_garbage": Faults._nothing,
    "slowed_down": Faults._slow_down,
}


def _seconds(value: float, name: str) -> float:
    if not 0.0 <= value <= 60.0:
        raise ValueError(f"{name} must be 0 to 60 s, got {value}")
    return float(value)
