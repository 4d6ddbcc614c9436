"""A link to an arm whose commands are sent from the driver's own process."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from cns_core.arm.config import MotionConfig
from cns_core.arm.link import ON_REQUEST, LinkLost, LinkStatus, OnAnswer, Refused, Transport
from cns_core.arm.motion_guard import MotionGuard
from cns_core.arm.state_machine import State, StateMachine
from cns_core.arm.streamer import Streamer


class LocalLink:
    """An :class:`~cns_core.arm.link.ArmLink` over any transport that never blocks.

    Args:
        config: rates, timeouts and limits; :meth:`tick` is to be called at its rate.
        transport: the arm.
        guard: of the arm's room to move, where its joints are known.
    """

    def __init__(
        self, config: MotionConfig, transport: Transport, guard: MotionGuard | None = None
    ):
        self.status = LinkStatus()
        self._transport = transport
        self._machine = StateMachine()
        self._streamer = Streamer(config, transport, self._machine, guard)
        self.tick()

    def command(self, twist: np.ndarray, issued_at: float) -> None:
        """Take a checked (6,) camera twist; ``issued_at`` is on ``time.monotonic()``."""
        self._streamer.path.offer(twist, issued_at)

    def request(self, action: str, on_answer: OnAnswer, cause: str = ON_REQUEST) -> None:
        """``"arm"`` or ``"disarm"``; ``on_answer(success, message)`` is called when it is done."""
        if action == "disarm":
            self._streamer.disarm(on_answer, cause)
        elif action == "arm":
            try:
                self._streamer.arm()
            except Refused as reason:
                on_answer(False, str(reason))
            else:
                on_answer(True, self._machine.state.value)
        else:
            raise ValueError(f"action must be 'arm' or 'disarm', got {action!r}")

    def poll(self) -> LinkStatus:
        """The newest status, as of the last tick."""
        return self.status

    def give_up(self, cause: str) -> None:
        """Stop the arm at once and tell why: the ticks that would brake it may be what fails."""
        if self._machine.state not in (State.DISCONNECTED, State.FAULTED):
            self._machine.apply("fault", cause)
        self._streamer.release()
        self.status = replace(
            self.status,
            state=self._machine.state,
            cause=self._machine.cause,
            last_stop=self._machine.last_stop,
        )

    def close(self) -> None:
        """Stop the arm at once."""
        self._streamer.release()

    def tick(self) -> None:
        """Read the arm's state and send the command that is due."""
        now = time.monotonic()
        try:
            self._transport.read(now, self._machine.in_motion)
        except LinkLost as loss:
            if self._machine.cause != str(loss) or self._machine.state != State.DISCONNECTED:
                self._machine.apply("disconnect", str(loss))
                self._streamer.release()
        else:
            if self._machine.state == State.DISCONNECTED:
                self._streamer.connect()
            self._streamer.tick(now)
        self.status = replace(
            self._streamer.status(now),
            q=self._transport.q,
            qd=self._transport.qd,
            measured_at=self._transport.measured_at,
        )
