"""Control over an arm, for as long as an object lives: taken in the constructor, then released."""

from __future__ import annotations

import contextlib

import numpy as np

from cns_core.arm.ur.deadline import deadline

_TAKE_CONTROL_S = 8.0
_STOP_S = 2.0


class Control:
    """Takes control of the arm through ur-rtde, whose script then runs on the controller.

    Args:
        host: address of the controller.
        frequency_hz: how often the controller tells the client its registers.
        tool_acceleration_m_s2: of every change of speed, hard stops included.

    Raises:
        RuntimeError: if the controller does not run the script.
    """

    def __init__(self, host: str, frequency_hz: float, tool_acceleration_m_s2: float):
        # Here, because only the worker process needs the native library.
        from rtde_control import RTDEControlInterface

        self._acceleration = tool_acceleration_m_s2
        with deadline(_TAKE_CONTROL_S):
            self._rtde = RTDEControlInterface(host, frequency_hz)
        self._tcp_before: list[float] | None = None

    def set_tcp(self, tcp: np.ndarray) -> None:
        """Make ``tcp`` (6,), a pose on the flange, the point that the commands move."""
        with deadline(_TAKE_CONTROL_S):
            self._tcp_before = self._rtde.getTCPOffset()
            if not self._rtde.setTcp(tcp.tolist()):
                raise RuntimeError("the controller refused to set the TCP")

    def start_watchdog(self, minimum_hz: float) -> None:
        """From now on the controller ends the script when commands come more rarely."""
        with deadline(_TAKE_CONTROL_S):
            if not self._rtde.setWatchdog(minimum_hz):
                raise RuntimeError("the controller refused to start its watchdog")

    def send(self, twist: np.ndarray) -> bool:
        """Send one (6,) TCP twist in base axes; return False if the controller did not take it."""
        return self._rtde.speedL(twist.tolist(), self._acceleration, 0.0)

    def release(self) -> None:
        """Stop the arm, put its TCP back, end the script and hang up.

        Whatever fails, the next step is taken.
        """
        with deadline(_STOP_S):
            # A dead connection refuses these; then the controller's watchdog has stopped the arm.
            with contextlib.suppress(RuntimeError):
                self._rtde.speedStop(self._acceleration)
            # Whoever set it on the pendant, or runs a program next, counts on it.
            if self._tcp_before is not None:
                with contextlib.suppress(RuntimeError):
                    self._rtde.setTcp(self._tcp_before)
            with contextlib.suppress(RuntimeError):
                self._rtde.stopScript()
            # Its destructor hangs up, which takes half a second.
            del self._rtde
