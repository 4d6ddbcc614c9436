"""The process that talks to a UR arm: connects, arms, streams, and stops it on every way out.

It is meant to be expendable. At the first sign of trouble with the connection it stops the arm as
far as it can and ends; :class:`~cns_core.arm.ur.link.UrLink` starts a fresh one, disarmed. Behind
it stands the controller's own watchdog, which needs nothing from this side.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any

from cns_core.arm.link import LinkLost, LinkStatus, OnAnswer, Refused
from cns_core.arm.state_machine import State, StateMachine
from cns_core.arm.streamer import Streamer
from cns_core.arm.ur.channel import Channel, ChannelClosed
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur.deadline import deadline, set_deadline
from cns_core.arm.ur.feedback import Receiver
from cns_core.arm.ur.preflight import Unreachable, ask_dashboard, check_reachable
from cns_core.arm.ur.report import pack
from cns_core.arm.ur.transport import UrTransport

_CONNECT_S = 8.0
_RETRY_S = 1.0
_TICK_S = 2.0
_REPORT_S = 0.02
_EARLY_S, _LEAST_REPORT_S = 1e-3, 0.01
"""A wait may end a little early; and a tick reports though a report before it was a little late."""
_DASHBOARD_STOP_S = 0.3
_PRIORITY = 20
_log = logging.getLogger(__name__)

Message = dict[str, Any]


class Terminated(Exception):
    """This process has been asked to end."""


class Worker:
    """One life of the link to one arm.

    Args:
        config: a :class:`UrConfig`.
        channel: to the driver, which sends commands and requests and gets reports.
    """

    def __init__(self, config: UrConfig, channel: Channel):
        self.config = config
        self.channel = channel
        self.machine = StateMachine()
        self._transport: UrTransport | None = None
        self._streamer: Streamer | None = None
        self._requests: list[Message] = []
        self._twist: Message | None = None
        self._reported: tuple[State | None, float] = (None, float("-inf"))
        self._signal = ""

    def terminate(self, number: int, _frame: FrameType | None) -> None:
        """Signal handler: end at the next opportunity."""
        self._signal = signal.Signals(number).name

    def run(self) -> None:
        """Live until the connection or the driver is lost, or a signal comes."""
        lost, cause = False, "the link ended"
        try:
            self._live(*self._connect())
        except LinkLost as loss:
            lost, cause = True, str(loss)
        except Terminated as end:
            cause = str(end)
        except ChannelClosed:
            cause = "the driver process is gone"
        except Exception as error:
            # Whatever it is, the arm is stopped first, and the fresh process gets another try.
            cause = f"internal error: {error!r}"
            _log.exception("the link ends")
        finally:
            self._end(cause, lost)

    def _connect(self) -> tuple[Streamer, UrTransport]:
        """Try until there is an arm."""
        while True:
            try:
                check_reachable(self.config.robot_ip)
                with deadline(_CONNECT_S):
                    receiver = Receiver(self.config.robot_ip, self.config.feedback_hz)
                break
            except (Unreachable, RuntimeError) as reason:
                self.machine.apply("disconnect", f"not connected: {reason}")
                self._report(self._unconnected())
                self._refuse_all(self.machine.cause)
                self._listen(_RETRY_S)
        self._transport = UrTransport(self.config, receiver, self._listen)
        self._streamer = streamer = Streamer(
            self.config,
            self._transport,
            self.machine,
            self._transport.guard,
            on_fault=lambda: self._report(streamer.status(time.monotonic())),
        )
        streamer.connect()
        return streamer, self._transport

    def _live(self, streamer: Streamer, transport: UrTransport) -> None:
        while True:
            self._listen(min(streamer.schedule.remaining(time.monotonic()), _REPORT_S))
            now = time.monotonic()
            if not streamer.schedule.remaining(now):
                self._tick(streamer, transport, now)
            elif now - self._reported[1] >= _REPORT_S - _EARLY_S:
                # Between the ticks: who servoes by images wants to know where the camera was.
                transport.read(now, self.machine.in_motion)
                self._report(streamer.status(now))

    def _tick(self, streamer: Streamer, transport: UrTransport, now: float) -> None:
        set_deadline(_TICK_S)
        transport.read(now, self.machine.in_motion)
        self._offer(streamer)
        self._answer_requests(streamer)
        if self.machine.in_motion:
            # Taking control may just have taken a while; what has come since then counts.
            self._listen(0.0)
            self._offer(streamer)
        streamer.tick(time.monotonic())
        self._report(streamer.status(time.monotonic()))

    # Messages

    def _listen(self, timeout_s: float) -> None:
        """Take in messages until the time is over or something has come."""
        for message in self.channel.receive(timeout_s):
            if "twist" in message:
                self._twist = message
            else:
                self._requests.append(message)
        if self._signal:
            raise Terminated(f"the link process got {self._signal}")

    def _offer(self, streamer: Streamer) -> None:
        """Follow the newest twist from now on."""
        if self._twist is not None:
            streamer.path.offer(self._twist["twist"], self._twist["issued_at"])
            self._twist = None

    def _answer_requests(self, streamer: Streamer) -> None:
        requests, self._requests = self._requests, []
        for request in requests:
            if request["request"] == "disarm":
                streamer.disarm(self._answer_to(request), request["cause"])
                continue
            try:
                streamer.arm()
            except Refused as reason:
                self._answer(request, False, str(reason))
            else:
                self._answer(request, True, self.machine.state.value)

    def _refuse_all(self, reason: str) -> None:
        requests, self._requests = self._requests, []
        for request in requests:
            self._answer(request, request["request"] == "disarm", reason)

    def _answer_to(self, request: Message) -> OnAnswer:
        return lambda success, message: self._answer(request, success, message)

    def _answer(self, request: Message, success: bool, message: str) -> None:
        self.channel.send(answer=request["id"], success=success, message=message)

    # Reports and the end

    def _unconnected(self) -> LinkStatus:
        machine = self.machine
        return LinkStatus(machine.state, machine.cause, machine.last_stop)

    def _report(self, status: LinkStatus) -> None:
        """Tell the driver how things stand, at once when the state has changed."""
        now = time.monotonic()
        state, at = self._reported
        if state == status.state and now - at < _LEAST_REPORT_S:
            return
        self._reported = (status.state, now)
        feedback = self._transport.feedback if self._transport else None
        self.channel.send(report=pack(status, feedback))

    def _end(self, cause: str, lost: bool) -> None:
        """Say why, then stop the arm; the deadline holds for a library that hangs in it."""
        set_deadline(_TICK_S)
        self.machine.apply("disconnect", cause)
        with contextlib.suppress(ChannelClosed):
            self._report(self._unconnected())
        if lost and self._transport is not None and self._transport.holds_arm:
            self._abandon()
        if self._streamer is not None:
            with contextlib.suppress(ChannelClosed):
                self._streamer.release()

    def _abandon(self) -> None:
        """End the program by another way, and this process without touching ur-rtde again.

        With a broken connection ur-rtde would reconnect and play its script once more, which
        nobody would stop. Where the dashboard does not answer either, the watchdog has acted.
        """
        with contextlib.suppress(Unreachable):
            ask_dashboard(self.config.robot_ip, "stop", _DASHBOARD_STOP_S)
        os._exit(1)


def main() -> None:
    """Run one worker; arguments: the inherited file descriptor of its channel, the settings."""
    logging.basicConfig(level=logging.INFO, format="ur_worker: %(message)s")
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    worker = Worker(UrConfig.from_dict(json.loads(sys.argv[2])), channel)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, worker.terminate)
    # Where the system allows it, no other program of this machine delays the stream, nor the
    # client library's threads, which inherit it: whoever sends a command spins for their answer.
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    worker.run()


if __name__ == "__main__":
    main()
