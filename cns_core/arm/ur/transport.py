"""A UR arm under a :class:`~cns_core.arm.streamer.Streamer`: state by RTDE, control by ur-rtde."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from cns_core.arm.follow_check import FollowCheck
from cns_core.arm.link import Refused
from cns_core.arm.ur.arming import local_control, robot_obstacle, tcp_error
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur.control import Control
from cns_core.arm.ur.feedback import Feedback, Receiver
from cns_core.arm.ur.preflight import Unreachable

_IDLE_FEEDBACK_TIMEOUT_S = 1.0
_PLAY_TIMEOUT_S = 2.0
_REASON_S = 0.2


class UrTransport:
    """One arm, from its connection to its loss.

    Args:
        config: a :class:`UrConfig`.
        receiver: what its state is read from.
        listen: takes messages in for a time in s; called where something of the robot has to be
            waited for.

    Attributes:
        guard: of the arm's room to move.
        feedback: the newest state.
    """

    def __init__(self, config: UrConfig, receiver: Receiver, listen: Callable[[float], None]):
        self.config = config
        self.guard = config.guard()
        self._receiver = receiver
        self._listen = listen
        self._follow = FollowCheck(config.feedback_timeout_s + 2 * config.period_s)
        self._control: Control | None = None
        self.feedback: Feedback = receiver.read(time.monotonic(), _IDLE_FEEDBACK_TIMEOUT_S)

    @property
    def holds_arm(self) -> bool:
        """Whether a program of ours may be playing on the controller."""
        return self._control is not None

    @property
    def q(self) -> np.ndarray:
        """(6,) joint angles in rad."""
        return self.feedback.q

    @property
    def qd(self) -> np.ndarray:
        """(6,) joint speeds in rad/s."""
        return self.feedback.qd

    @property
    def measured_at(self) -> float:
        """When they were measured, on ``time.monotonic()``."""
        return self.feedback.measured_at

    @property
    def safety_stop(self) -> str:
        """Name of the safety stop in effect, empty for none."""
        return self.feedback.safety_stop

    def read(self, now: float, moving: bool) -> None:
        """Take in the arm's newest state.

        Raises:
            LinkLost: if there is none that is young enough.
        """
        timeout_s = self.config.feedback_timeout_s if moving else _IDLE_FEEDBACK_TIMEOUT_S
        self.feedback = self._receiver.read(now, timeout_s)

    def obstacle(self) -> str:
        """Why this arm cannot be armed now, empty if it can."""
        robot = robot_obstacle(self.feedback, self.guard)
        return robot or local_control(self.config.robot_ip)

    def take_control(self) -> None:
        """Play ur-rtde's script on the controller, with the camera as its TCP.

        Raises:
            Refused: if the controller does not do its part.
        """
        self._follow.reset()
        try:
            self._control = Control(
                self.config.robot_ip, self.config.feedback_hz, self.config.tool_acceleration_m_s2
            )
            self._control.set_tcp(self.config.hand_eye.tcp)
            self._await_program()
            # Last, because from here on the controller wants to hear from us all the time.
            self._control.start_watchdog(self.config.watchdog_hz)
        except (RuntimeError, Unreachable) as error:
            self.release()
            raise Refused(f"cannot take control: {error}") from error
        except Refused:
            self.release()
            raise

    def _await_program(self) -> None:
        """Wait until the receive side has seen the program play and the TCP set."""
        until = time.monotonic() + _PLAY_TIMEOUT_S
        while time.monotonic() < until:
            self.read(time.monotonic(), moving=False)
            if self.feedback.program_plays and not tcp_error(self.feedback, self.guard):
                return
            self._listen(0.01)
        if not self.feedback.program_plays:
            raise Refused(
                "the controller does not play the program that was sent to it "
                f"{_PLAY_TIMEOUT_S} s ago"
            )
        raise Refused(tcp_error(self.feedback, self.guard))

    def send(self, twist: np.ndarray, now: float) -> str:
        """Send one (6,) TCP twist in base axes; why it was refused, empty if it was not."""
        if self._control is None or not self._control.send(twist):
            return self._reason_of_refusal()
        self._follow.sent(twist, now)
        return ""

    def fault(self, now: float) -> str:
        """What has to end the motion at once, empty for nothing."""
        feedback = self.feedback
        if feedback.safety_stop:
            return feedback.safety_stop
        if feedback.not_running:
            return feedback.not_running
        if self._control is None:  # a dry run
            return ""
        if not feedback.program_plays:
            return "the program was stopped on the controller, by its pendant or its watchdog"
        J = self.guard.model.jacobian(feedback.q, self.guard.T_flange_camera)
        return self._follow.deviation(J @ feedback.qd, now, feedback.speed_scaling)

    def _reason_of_refusal(self) -> str:
        """The program has ended; the receive side may be a moment behind in telling why."""
        until = time.monotonic() + _REASON_S
        while time.monotonic() < until:
            self.read(time.monotonic(), moving=True)
            if cause := self.fault(time.monotonic()):
                return cause
            self._listen(0.005)
        return "the controller refused a command"

    def release(self) -> None:
        """Stop the arm and give control back, so that the pendant can move it."""
        control, self._control = self._control, None
        if control is not None:
            control.release()
