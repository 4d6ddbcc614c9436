"""The process that talks to a UR arm: connects, arms, streams, and stops it on every way out.

It is meant to be expendable. At the first sign of trouble with the connection it stops the arm as
far as it can and ends; :class:`.UrLink` starts a fresh one, disarmed. Behind
it stands the controller's own watchdog, which needs nothing from this side.
"""

import contextlib
import json
import logging
import os
import signal
import socket
import sys
import time

import numpy as np

from cns_core.arm.config import ArmConfig
from cns_core.arm.state_machine import State, StateMachine
from cns_core.arm.ur.arm_motion import ArmMotion, Refused
from cns_core.arm.ur.channel import Channel, ChannelClosed
from cns_core.arm.ur.deadline import deadline, set_deadline
from cns_core.arm.ur.feedback import LinkLost, Receiver
from cns_core.arm.ur.preflight import Unreachable, ask_dashboard, check_reachable

_CONNECT_S = 8.0
_RETRY_S = 1.0
_TICK_S = 2.0
_REPORT_S = 0.02
_DASHBOARD_STOP_S = 0.3
_PRIORITY = 20
_log = logging.getLogger(__name__)


class Terminated(Exception):
    """This process has been asked to end."""


class Worker:
    """One life of the link to one arm.

    Args:
        config: an ``ArmConfig``.
        channel: to the driver, which sends commands and requests and gets reports.
    """

    def __init__(self, config, channel):
        self.config = config
        self.channel = channel
        self.machine = StateMachine()
        self.motion = ArmMotion(config, self.machine, self._listen, self._report)
        self._requests = []
        self._disarming = []
        self._reported = (None, -np.inf)
        self._signal = ""

    def terminate(self, number, _frame):
        """Signal handler: end at the next opportunity."""
        self._signal = signal.Signals(number).name

    def run(self):
        """Live until the connection or the driver is lost, or a signal comes."""
        lost, cause = False, "the link ended"
        try:
            self._connect()
            schedule = self.motion.schedule
            while True:
                self._listen(schedule.remaining(time.monotonic()))
                if not schedule.remaining(time.monotonic()):
                    self._tick(time.monotonic())
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

    def _connect(self):
        receiver = None
        while receiver is None:
            try:
                check_reachable(self.config.robot_ip)
                with deadline(_CONNECT_S):
                    receiver = Receiver(self.config.robot_ip, self.config.feedback_hz)
            except (Unreachable, RuntimeError) as reason:
                self.machine.apply("disconnect", f"not connected: {reason}")
                self._report()
                self._refuse_all(self.machine.cause)
                self._listen(_RETRY_S)
        self.motion.connect(receiver)

    def _listen(self, timeout_s):
        """Take in messages until the time is over or something has come."""
        for message in self.channel.receive(timeout_s):
            if "twist" in message:
                self.motion.path.offer(message["twist"], message["issued_at"])
            else:
                self._requests.append(message)
        if self._signal:
            raise Terminated(f"the link process got {self._signal}")

    def _tick(self, now):
        set_deadline(_TICK_S)
        self.motion.read(now)
        self._answer_requests()
        if self.machine.in_motion:
            # Taking control may just have taken a while; what has come since then counts.
            self._listen(0.0)
            self.motion.stream(time.monotonic())
        else:
            self.motion.idle(now)
        self._answer_disarming()
        self._report()

    # Requests

    def _answer_requests(self):
        requests, self._requests = self._requests, []
        for request in requests:
            try:
                self._arm() if request["request"] == "arm" else self._disarm(request)
            except Refused as reason:
                self._answer(request, False, str(reason))
            else:
                if request not in self._disarming:
                    self._answer(request, True, self.machine.state.value)

    def _refuse_all(self, reason):
        requests, self._requests = self._requests, []
        for request in requests:
            self._answer(request, request["request"] == "disarm", reason)

    def _answer(self, request, success, message):
        self.channel.send(answer=request["id"], success=success, message=message)

    def _arm(self):
        if self.machine.state != State.ARMED:
            self.motion.arm()

    def _disarm(self, request):
        if self.machine.state == State.ARMED:
            self.machine.apply("stop", "disarmed on request")
        elif self.machine.state == State.FAULTED:
            self.machine.apply("acknowledge")
        if self.machine.state == State.STOPPING:
            self._disarming.append(request)

    def _answer_disarming(self):
        """Those who asked for it hear when the arm is at rest and control given back."""
        if not self.motion.holds_arm and not self.machine.in_motion:
            disarming, self._disarming = self._disarming, []
            for request in disarming:
                self._answer(request, True, State.DISARMED.value)

    # Reports and the end

    def _report(self):
        """Tell the driver how things stand, at once when the state has changed."""
        now = time.monotonic()
        state, at = self._reported
        if state == self.machine.state and now - at < _REPORT_S:
            return
        self._reported = (self.machine.state, now)
        motion = self.motion
        report = {
            "state": self.machine.state.value,
            "cause": self.machine.cause,
            "last_stop": self.machine.last_stop,
            "slowed_by": motion.slowed_by,
            "sent": motion.sent.tolist(),
            "command_age_s": min(motion.path.age(now), 1e6),
        }
        if motion.feedback is not None:
            report |= {
                "q": motion.feedback.q.tolist(),
                "qd": motion.feedback.qd.tolist(),
                "feedback_lag_s": motion.feedback.lag_s,
            }
        if self.machine.in_motion:
            report["stream"] = motion.schedule.figures()
        self.channel.send(report=report)

    def _end(self, cause, lost):
        """Say why, then stop the arm; the deadline holds for a library that hangs in it."""
        set_deadline(_TICK_S)
        self.machine.apply("disconnect", cause)
        with contextlib.suppress(ChannelClosed):
            self._report()
        if lost and self.motion.holds_arm:
            self._abandon()
        self.motion.release()
        with contextlib.suppress(ChannelClosed):
            self._answer_disarming()

    def _abandon(self):
        """End the program by another way, and this process without touching ur-rtde again.

        With a broken connection ur-rtde would reconnect and play its script once more, which
        nobody would stop. Where the dashboard does not answer either, the watchdog has acted.
        """
        with contextlib.suppress(Unreachable):
            ask_dashboard(self.config.robot_ip, "stop", _DASHBOARD_STOP_S)
        os._exit(1)


def main():
    """Run one worker; arguments: the inherited file descriptor of its channel, the settings."""
    logging.basicConfig(level=logging.INFO, format="ur_worker: %(message)s")
    channel = Channel(socket.socket(fileno=int(sys.argv[1])))
    worker = Worker(ArmConfig.from_dict(json.loads(sys.argv[2])), channel)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, worker.terminate)
    # Where the system allows it, no other program of this machine delays the stream, nor the
    # client library's threads, which inherit it: whoever sends a command spins for their answer.
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    worker.run()


if __name__ == "__main__":
    main()
