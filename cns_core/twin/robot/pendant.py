"""What a person at the arm does: jog, stop, lock and unlock, and break things on purpose."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from typing import Any

from cns_core.twin.robot.motion_log import ArmState, Motion, MotionReader
from cns_core.twin.robot.ports.connection import LOCALHOST
from cns_core.twin.robot.ports.pendant_server import PORT
from cns_core.twin.robot.safety import BoxRefusal

_ANSWER_TIMEOUT_S = 120.0


class Pendant:
    """Talks to the simulated control box listening on ``host``; a context manager.

    Every method returns when the thing is done and raises :class:`.BoxRefusal`,
    a ValueError, with the box's reason when it is not. Those that act return the time of the
    monotonic clock at which the box did it.

    Raises:
        ConnectionError: if no box listens there.
    """

    def __init__(self, host: str = LOCALHOST) -> None:
        self._motion = MotionReader(host)
        self._socket = socket.create_connection((host, PORT), timeout=_ANSWER_TIMEOUT_S)
        self._answers = self._socket.makefile("r", encoding="utf-8")

    def __enter__(self) -> Pendant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; the box goes on."""
        self._answers.close()
        self._socket.close()

    def move_joints(
        self, q: Iterable[float], speed_rad_s: float = 0.5, acceleration: float = 2.0
    ) -> float:
        """Jog to joint angles (6,) in rad, all joints arriving together; waits for the arrival.

        Refused while a program plays and when the arm is stopped for safety.
        """
        target = [float(angle) for angle in q]
        return self._do("move_joints", q=target, speed_rad_s=speed_rad_s, acceleration=acceleration)

    def state(self) -> ArmState:
        """The arm's newest :class:`~cns_core.twin.robot.motion_log.ArmState`."""
        return self._motion.state()

    def motion_log(self, since_s: float = 0.0) -> Motion:
        """The :class:`.Motion` after a time, the last minute at most."""
        return self._motion.since(since_s)

    def status(self) -> dict[str, Any]:
        """Dict of robot_mode, safety_mode, program_running, remote_control, stop_reason."""
        return self._ask("status")["result"]

    def stop_program(self) -> float:
        """Press stop: the program ends and the arm stops."""
        return self._do("stop_program")

    def set_remote_control(self, remote: bool) -> float:
        """Switch between remote (True) and local control, which ends a client's program."""
        return self._do("set_remote_control", remote=bool(remote))

    def set_speed_slider(self, fraction: float) -> float:
        """Set the speed slider, 0.01 to 1: every motion is slower by so much."""
        return self._do("set_speed_slider", fraction=float(fraction))

    def set_tcp(self, pose: Iterable[float]) -> float:
        """Make ``[x, y, z, rx, ry, rz]`` on the flange, m and rad, the TCP of the installation.

        Refused while a program plays.
        """
        return self._do("set_tcp", pose=[float(value) for value in pose])

    def protective_stop(self) -> float:
        """Make the safety system stop the arm, as a collision would."""
        return self._do("protective_stop")

    def unlock(self) -> float:
        """Unlock a protective stop; refused until it is old enough."""
        return self._do("unlock")

    def emergency_stop(self) -> float:
        """Press the emergency stop: the arm stops and loses its power."""
        return self._do("emergency_stop")

    def release_emergency_stop(self) -> float:
        """Pull the emergency stop out; the arm still has to be switched on."""
        return self._do("release_emergency_stop")

    def switch_on(self) -> float:
        """Power on and release the brakes."""
        return self._do("switch_on")

    def inject(self, fault: str, **parameters: float | str) -> float:
        """Begin a fault of :class:`~cns_core.twin.robot.faults.Faults` by name."""
        return self._do("inject", fault=fault, **parameters)

    def clear(self, fault: str | None = None) -> float:
        """End one lasting fault, or all."""
        return self._do("clear", fault=fault)

    def faults(self) -> dict[str, dict[str, float | str]]:
        """Dict of the lasting faults in effect, name to parameters."""
        return self._ask("faults")["result"]

    def _do(self, action: str, **arguments: object) -> float:
        return self._ask(action, **arguments)["time_s"]

    def _ask(self, action: str, **arguments: object) -> dict[str, Any]:
        self._socket.sendall(json.dumps({"do": action, **arguments}).encode() + b"\n")
        line = self._answers.readline()
        if not line:
            raise ConnectionError("the simulated control box has hung up")
        answer = json.loads(line)
        if not answer["ok"]:
            raise BoxRefusal(answer["error"])
        return answer
