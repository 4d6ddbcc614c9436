"""The dashboard server: one line in, one line out, worded exactly as PolyScope words it."""

from collections.abc import Callable

from cns_core.twin.robot.controller import RobotController
from cns_core.twin.robot.ports.line_stream import LineStream
from cns_core.twin.robot.ports.session import Box, Send
from cns_core.twin.robot.safety import BoxRefusal

PORT = 29999
_BANNER = b"Connected: Universal Robots Dashboard Server\n"
_VERSION = "URSoftware 5.15.0.1270011 (Dec 05 2023)"
_SERIAL_NUMBER = "20235500001"
_PROGRAM = "rtde_control.urp"
_NEED_REMOTE_CONTROL = frozenset(
    ("stop", "power on", "power off", "brake release", "unlock protective stop")
)


class DashboardSession:
    """One dashboard client.

    Args:
        box: gives the robot.
        send: to the client.
    """

    def __init__(self, box: Box, send: Send) -> None:
        self._robot = box.robot
        self._send = send
        self._lines = LineStream()
        send(_BANNER)

    def receive(self, data: bytes) -> None:
        """Answer every complete line; ValueError if a line is over-long or no text."""
        for line in self._lines.feed(data):
            self._send(self._answer(line.strip()).encode() + b"\n")

    def tick(self) -> None:
        """Nothing is sent unasked."""

    def close(self) -> None:
        """Nothing to give back."""

    def _answer(self, command: str) -> str:
        if command in _NEED_REMOTE_CONTROL and not self._robot.remote_control:
            return f"Command is not allowed due to local control: {command}"
        answer = _ANSWERS.get(command)
        return answer(self._robot) if answer else f"could not understand: {command}"


def _stop(robot: RobotController) -> str:
    robot.stop_program()
    return "Stopped"


def _unlock(robot: RobotController) -> str:
    try:
        robot.unlock()
    except BoxRefusal as refusal:
        return str(refusal)
    return "Protective stop releasing"


def _power_on(robot: RobotController) -> str:
    robot.safety.power_on()
    return "Powering on"


def _power_off(robot: RobotController) -> str:
    robot.power_off()
    return "Powering off"


def _brake_release(robot: RobotController) -> str:
    robot.safety.brake_release()
    return "Brake releasing"


def _program_state(robot: RobotController) -> str:
    return f"PLAYING {_PROGRAM}" if robot.program is not None else f"STOPPED {_PROGRAM}"


_ANSWERS: dict[str, Callable[[RobotController], str]] = {
    "PolyscopeVersion": lambda robot: _VERSION,
    "get serial number": lambda robot: _SERIAL_NUMBER,
    "get robot model": lambda robot: robot.arm.model.name.rstrip("e").upper(),
    "is in remote control": lambda robot: str(robot.remote_control).lower(),
    "running": lambda robot: f"Program running: {str(robot.program is not None).lower()}",
    "programState": _program_state,
    "robotmode": lambda robot: f"Robotmode: {robot.safety.robot_mode.name}",
    "safetystatus": lambda robot: f"Safetystatus: {robot.safety.safety_mode.name}",
    "safetymode": lambda robot: f"Safetymode: {robot.safety.safety_mode.name}",
    "stop": _stop,
    "play": lambda robot: "Failed to execute: play",
    "unlock protective stop": _unlock,
    "close safety popup": lambda robot: "closing safety popup",
    "close popup": lambda robot: "closing popup",
    "power on": _power_on,
    "power off": _power_off,
    "brake release": _brake_release,
    "quit": lambda robot: "Disconnected",
}
