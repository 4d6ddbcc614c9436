"""The control box's end of the pendant: JSON lines that say what a person at the arm does.

A request is ``{"do": name, ...arguments}``; its answer, which comes when the thing is done, holds
``ok``, the ``result`` or the ``error``, and the time ``time_s`` of the monotonic clock.
"""

import json
import time
from collections.abc import Callable, Sequence

from cns_core.twin.robot.moves import MoveJ
from cns_core.twin.robot.ports.line_stream import LineStream
from cns_core.twin.robot.ports.session import Box, Send

PORT = 29900


class PendantSession:
    """One pendant.

    Args:
        box: gives the robot and its faults.
        send: to the client.
    """

    def __init__(self, box: Box, send: Send) -> None:
        self._robot = box.robot
        self._faults = box.faults
        self._send = send
        self._lines = LineStream()
        self._motion: MoveJ | None = None

    def receive(self, data: bytes) -> None:
        """Do what the complete lines ask for; ValueError for what is no request."""
        for line in self._lines.feed(data):
            request = json.loads(line)
            if not isinstance(request, dict) or request.get("do") not in _ACTIONS:
                raise ValueError(f"no request of the pendant: {line!r}")
            self._do(_ACTIONS[request.pop("do")], request)

    def tick(self) -> None:
        """Answer a motion that has ended."""
        if self._motion is not None and self._robot.arm.motion is not self._motion:
            arrived = self._motion.finished
            self._motion = None
            self._answer(error=None if arrived else "the motion was interrupted")

    def close(self) -> None:
        """Let go of the jog button."""
        if self._motion is not None:
            self._robot.arm.forced_stop()

    def _do(self, action: Callable[..., object], arguments: dict[str, object]) -> None:
        try:
            result = action(self, **arguments)
        except (TypeError, ValueError) as error:
            self._answer(error=str(error))
        else:
            if self._motion is None:
                self._answer(result)

    def _answer(self, result: object = None, error: str | None = None) -> None:
        answer = {"ok": error is None, "result": result, "error": error, "time_s": time.monotonic()}
        self._send(json.dumps(answer).encode() + b"\n")

    def _move_joints(self, q: Sequence[float], speed_rad_s: float, acceleration: float) -> None:
        self._motion = self._robot.move_joints(q, speed_rad_s, acceleration)

    def _status(self) -> dict[str, object]:
        robot = self._robot
        return {
            "robot_mode": robot.safety.robot_mode.name,
            "safety_mode": robot.safety.safety_mode.name,
            "program_running": robot.program is not None,
            "remote_control": robot.remote_control,
            "stop_reason": robot.safety.stop_reason,
        }

    def _switch_on(self) -> None:
        self._robot.safety.brake_release()


_ACTIONS: dict[str, Callable[..., object]] = {
    "move_joints": PendantSession._move_joints,
    "status": PendantSession._status,
    "switch_on": PendantSession._switch_on,
    "stop_program": lambda session: session._robot.stop_program(),
    "set_remote_control": lambda session, remote: session._robot.set_remote_control(remote),
    "set_speed_slider": lambda session, fraction: session._robot.set_speed_slider(fraction),
    "set_tcp": lambda session, pose: session._robot.set_tcp(pose),
    "protective_stop": lambda session: session._robot.protective_stop("asked for at the pendant"),
    "unlock": lambda session: session._robot.unlock(),
    "emergency_stop": lambda session: session._robot.emergency_stop(),
    "release_emergency_stop": lambda session: session._robot.safety.release_emergency_stop(),
    "inject": lambda session, fault, **parameters: session._faults.inject(fault, **parameters),
    "clear": lambda session, fault=None: session._faults.clear(fault),
    "faults": lambda session: session._faults.active(),
}
