"""What a robot arm is to the driver: the interface of every link, and what a link tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cns_core.arm.state_machine import State

ON_REQUEST = "disarmed on request"
OnAnswer = Callable[[bool, str], None]
"""Called with (success, message) when a request is done or refused."""


class Refused(Exception):
    """Why the arm is not armed."""


class LinkLost(Exception):
    """The arm's state is unknown from now on; says why."""


@dataclass(frozen=True)
class LinkStatus:
    """The newest that is known of the arm and the link to it.

    Attributes:
        state, cause, last_stop: see :class:`~cns_core.arm.state_machine.StateMachine`.
        q, qd: (6,) joint angles in rad and speeds in rad/s; None while unknown.
        measured_at: when they were measured, on ``time.monotonic()``.
        sent: (6,) twist that was really sent last, in m/s and rad/s, in the frame that the arm
            takes twists in.
        slowed_by: what slows the commands down, empty for nothing.
        command_age_s: age of the newest command when it was last used.
        feedback_lag_s: age of ``q`` when it was read.
        stream: rate and jitter of the stream, see :meth:`cns_core.arm.schedule.Schedule.metrics`.
    """

    state: State = State.DISCONNECTED
    cause: str = "starting"
    last_stop: str = ""
    q: np.ndarray | None = None
    qd: np.ndarray | None = None
    measured_at: float = 0.0
    sent: np.ndarray = field(default_factory=lambda: np.zeros(6))
    slowed_by: str = ""
    command_age_s: float = np.inf
    feedback_lag_s: float = 0.0
    stream: dict[str, float] = field(default_factory=dict)


class ArmLink(Protocol):
    """The way to one arm, as the driver sees it. Nothing here ever waits for the arm."""

    status: LinkStatus
    """The newest that is known, as of the last :meth:`poll`."""

    def command(self, twist: np.ndarray, issued_at: float) -> None:
        """Take a checked (6,) camera twist [v, w], m/s and rad/s, camera optical frame.

        Args:
            issued_at: when it was made, on ``time.monotonic()``; it is held from then.
        """

    def request(self, action: str, on_answer: OnAnswer, cause: str = ON_REQUEST) -> None:
        """Ask to ``"arm"`` or ``"disarm"``; answered at once or from a later :meth:`poll`.

        Args:
            cause: of disarming, for the status.

        Raises:
            ValueError: for another action.
        """

    def poll(self) -> LinkStatus:
        """Take in what has happened since the last call; the newest status."""

    def give_up(self, cause: str) -> None:
        """Stop the arm, whatever was asked: this side has failed. Harmless when repeated."""

    def close(self) -> None:
        """Stop the arm and let go of it."""


class Transport(Protocol):
    """What one kind of arm has of its own; a :class:`~cns_core.arm.streamer.Streamer` drives it.

    A further kind of arm is a file with one of these. Times are ``time.monotonic()``.
    """

    def read(self, now: float, moving: bool) -> None:
        """Take in the arm's newest state.

        Raises:
            LinkLost: if it is not there, or its state is too old.
        """

    @property
    def q(self) -> np.ndarray | None:
        """(6,) joint angles in rad as read last; None where they are not known."""

    @property
    def qd(self) -> np.ndarray | None:
        """(6,) joint speeds in rad/s as read last; None where they are not known."""

    @property
    def measured_at(self) -> float:
        """When they were measured, on ``time.monotonic()``; 0 where they are not known."""

    @property
    def safety_stop(self) -> str:
        """Name of a safety stop in effect, which is a fault at rest as well; empty for none."""

    def obstacle(self) -> str:
        """Why this arm cannot be armed now, empty if it can."""

    def take_control(self) -> None:
        """Get ready to send.

        Raises:
            Refused: if the arm does not let us; nothing of ours is left on it then.
        """

    def fault(self, now: float) -> str:
        """What has to end the motion at once, empty for nothing."""

    def send(self, twist: np.ndarray, now: float) -> str:
        """Send one (6,) twist in the frame that the arm takes; why it was refused, or empty."""

    def release(self) -> None:
        """Stop the arm and give control back; harmless where there is none."""
