"""From arming to rest: streams the newest command to an arm, tick by tick, and brakes it."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from cns_core.arm.command_path import CommandPath
from cns_core.arm.config import MotionConfig
from cns_core.arm.link import ON_REQUEST, LinkStatus, OnAnswer, Refused, Transport
from cns_core.arm.motion_guard import MotionGuard
from cns_core.arm.schedule import Schedule
from cns_core.arm.state_machine import State, StateMachine


class Streamer:
    """Everything about motion that does not depend on the kind of arm.

    Args:
        config: rates, timeouts and limits.
        transport: the arm.
        machine: told of every way into motion and out of it.
        guard: of the arm's room to move; without one the twists stay in the camera's frame.
        on_fault: called when a fault is known and before control is given back, which may hang.

    Attributes:
        path: the newest command and how it is followed.
        schedule: the ticks.
        sent: (6,) twist that was really sent last.
        slowed_by: what slows it down, empty for nothing.
    """

    def __init__(
        self,
        config: MotionConfig,
        transport: Transport,
        machine: StateMachine,
        guard: MotionGuard | None = None,
        on_fault: Callable[[], None] = lambda: None,
    ):
        self.config = config
        self.machine = machine
        self.path = CommandPath(config.limits, config.command_timeout_s, config.period_s, guard)
        self.schedule = Schedule(config.period_s, time.monotonic())
        self.sent, self.slowed_by = np.zeros(6), ""
        self._transport = transport
        self._on_fault = on_fault
        self._zeros = 0
        self._disarming: list[OnAnswer] = []

    def connect(self) -> None:
        """The transport has an arm at its other end."""
        self.machine.apply("connect")
        self.schedule = Schedule(self.config.period_s, time.monotonic())

    # Requests

    def arm(self) -> None:
        """Take control and start streaming from zero velocity; nothing where it is armed.

        Raises:
            Refused: naming the first thing that is not as it must be.
        """
        if self.machine.state == State.ARMED:
            return
        if reason := self._obstacle():
            raise Refused(reason)
        self.path.reset()
        self._zeros = 0
        if not self.config.dry_run:
            self._transport.take_control()
        self.schedule.restart(time.monotonic())
        self.machine.apply("arm")

    def _obstacle(self) -> str:
        if self.machine.state == State.DISCONNECTED:
            return self.machine.cause
        if self.machine.state == State.STOPPING:
            return "still stopping"
        return self._transport.obstacle() or self._no_command(time.monotonic())

    def _no_command(self, now: float) -> str:
        """Somebody has to be sending twists."""
        if self.path.fresh(now):
            return ""
        age_s = self.path.age(now)
        ago = f"the last one is {age_s:.2f} s old" if np.isfinite(age_s) else "none has come yet"
        return f"no fresh twist: {ago}, start the controller first"

    def disarm(self, on_answer: OnAnswer, cause: str = ON_REQUEST) -> None:
        """Brake; ``on_answer`` hears when the arm is at rest and control given back."""
        if self.machine.state == State.ARMED:
            self.machine.apply("stop", cause)
        elif self.machine.state == State.FAULTED:
            self.machine.apply("acknowledge")
        if self.machine.state == State.STOPPING:
            self._disarming.append(on_answer)
        else:
            on_answer(True, self.machine.state.value)

    # Ticks

    def tick(self, now: float) -> None:
        """Send the command of this tick while in motion, or find out why not to."""
        if not self.machine.in_motion:
            self.schedule.tick(now)
            if self.machine.state == State.DISARMED and (stop := self._transport.safety_stop):
                self.machine.apply("fault", stop)
            return
        silence_s = self.path.age(now)
        if self.machine.state == State.ARMED and silence_s > self.config.disarm_timeout_s:
            self.machine.apply(
                "stop",
                f"command timeout: no twist for {silence_s:.2f} s, "
                f"allowed {self.config.disarm_timeout_s} s",
            )
        if cause := self._transport.fault(now) or self._stream(now):
            self._give_up(cause)
        elif self._zeros >= self.config.stop_zeros:
            self.release()
            self.machine.apply("rest")

    def _stream(self, now: float) -> str:
        """Send the next command; why that was not possible, empty if it was."""
        braking = self.machine.state == State.STOPPING
        command = self.path.step(now, self._transport.q, braking)
        self.slowed_by = command.slowed_by
        self.schedule.tick(now)
        if not self.config.dry_run and (refusal := self._transport.send(command.twist, now)):
            return refusal
        self.sent = command.twist
        if braking and self.path.at_rest:
            self._zeros += 1
        return ""

    def _give_up(self, cause: str) -> None:
        self.machine.apply("fault", cause)
        self._on_fault()
        self.release()

    def release(self) -> None:
        """Stop the arm and give control back, and tell those who asked for it."""
        self._transport.release()
        self.sent, self.slowed_by = np.zeros(6), ""
        disarming, self._disarming = self._disarming, []
        for on_answer in disarming:
            on_answer(True, State.DISARMED.value)

    def status(self, now: float) -> LinkStatus:
        """What every link tells; the joints are the transport's to add."""
        return LinkStatus(
            state=self.machine.state,
            cause=self.machine.cause,
            last_stop=self.machine.last_stop,
            sent=self.sent,
            slowed_by=self.slowed_by,
            command_age_s=self.path.age(now),
            stream=self.schedule.metrics() if self.machine.in_motion else {},
        )
