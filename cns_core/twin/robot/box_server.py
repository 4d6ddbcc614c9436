"""The control box's one loop: every 2 ms read the clients, advance the robot, publish."""

import contextlib
import logging
import os
import select
import socket
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cns_core.arm.ur_kinematics import UrModel
from cns_core.twin.robot.controller import RobotController
from cns_core.twin.robot.faults import Faults
from cns_core.twin.robot.motion_log import MotionWriter
from cns_core.twin.robot.motions import TICK_S
from cns_core.twin.robot.ports import dashboard, pendant_server, rtde_server, script_server
from cns_core.twin.robot.ports.connection import Connection, Network, listen
from cns_core.twin.robot.ports.dashboard import DashboardSession
from cns_core.twin.robot.ports.pendant_server import PendantSession
from cns_core.twin.robot.ports.rtde_server import RtdeSession
from cns_core.twin.robot.ports.script_server import ScriptSession
from cns_core.twin.robot.ports.session import Box, Send, Session
from cns_core.twin.robot.telemetry import Telemetry

_SERVICES: dict[str, tuple[int, Callable[[Box, Send], Session]]] = {
    "rtde": (rtde_server.PORT, RtdeSession),
    "dashboard": (dashboard.PORT, DashboardSession),
    "script": (script_server.PORT, ScriptSession),
    "pendant": (pendant_server.PORT, PendantSession),
}
_MOST_LATE_TICKS = 10
_PARENT_CHECK_TICKS = 50
_log = logging.getLogger(__name__)


class _Client:
    """A connection, the service it asked for and the session that serves it."""

    def __init__(self, box: "BoxServer", service: str, client_socket: socket.socket) -> None:
        # The pendant is at hand, not at the other end of the faulty network.
        network = Network() if service == "pendant" else box.network
        self._faults = box.faults
        self.service = service
        self.connection = Connection(client_socket, network)
        self.session = _SERVICES[service][1](box, self.send)

    @property
    def frozen(self) -> bool:
        return self._faults.freezes(self.service)

    def send(self, data: bytes) -> None:
        self.connection.send(self._faults.spoil(self.service, data), time.monotonic())

    def receive(self, now_s: float) -> None:
        data = self.connection.received(now_s)
        if data:
            try:
                self.session.receive(data)
            except ValueError as error:
                _log.warning("%s client dropped: %s", self.service, error)
                self.connection.close()

    def tick(self, now_s: float) -> None:
        if not self.frozen:
            self.session.tick()
            self.connection.flush(now_s)

    def close(self) -> None:
        self.connection.close()


class BoxServer:
    """Serves one robot on the ports of ``host``; see :class:`.RobotController`.

    Raises:
        OSError: if another control box listens there already.
    """

    def __init__(
        self, host: str, model: UrModel, q_home: NDArray[np.float64], unlock_delay_s: float
    ) -> None:
        self._listeners = {listen(host, port): service for service, (port, _) in _SERVICES.items()}
        self._log = MotionWriter(host)
        self._clients: list[_Client] = []
        self.robot = RobotController(model, q_home, self._log, unlock_delay_s)
        self.telemetry = Telemetry(self.robot)
        self.network = Network()
        self.register_owners: dict[str, object] = {}
        self.faults = Faults(self)
        self.robot.tick(time.monotonic())

    def clients_of(self, service: str) -> list[_Client]:
        """The clients of one service."""
        return [client for client in self._clients if client.service == service]

    def run(self, parent_pid: int | None = None) -> None:
        """Serve until a signal or, if given, until the parent process is gone."""
        due_s = time.monotonic() + TICK_S
        while parent_pid is None or self._parent_lives(parent_pid):
            now_s = time.monotonic()
            if now_s < due_s:
                time.sleep(due_s - now_s)
            elif now_s - due_s > _MOST_LATE_TICKS * TICK_S:
                # Starved of processor time: the robot loses that time rather than take it
                # as silence of its clients.
                due_s = now_s
            self._tick(due_s)
            due_s += TICK_S

    def close(self) -> None:
        """Hang up on everybody and remove the motion log."""
        for client in self._clients:
            client.close()
        for listener in self._listeners:
            listener.close()
        self._log.close()

    def _tick(self, due_s: float) -> None:
        now_s = time.monotonic()
        self._read(now_s)
        for client in self._clients:
            if not client.frozen:
                client.receive(now_s)
        self.robot.tick(due_s)
        for client in self._clients:
            client.tick(now_s)
        self._forget_closed()

    def _read(self, now_s: float) -> None:
        connections = [client.connection for client in self._clients if not client.frozen]
        sources: list[socket.socket | Connection] = [*self._listeners, *connections]
        readable, _, _ = select.select(sources, [], [], 0.0)
        for ready in readable:
            if isinstance(ready, Connection):
                ready.read(now_s)
            else:
                self._accept(ready)

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            client_socket, _ = listener.accept()
            self._clients.append(_Client(self, self._listeners[listener], client_socket))

    def _forget_closed(self) -> None:
        if any(client.connection.closed for client in self._clients):
            for client in self._clients:
                if client.connection.closed:
                    client.session.close()
            self._clients = [client for client in self._clients if not client.connection.closed]

    def _parent_lives(self, parent_pid: int) -> bool:
        return self.robot.ticks % _PARENT_CHECK_TICKS != 0 or os.getppid() == parent_pid
