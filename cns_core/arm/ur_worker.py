"""The process that talks to a UR arm: connects, arms, streams, and stops it on every way out.

It is meant to be expendable. At the first sign of trouble with the connection it stops the arm as
far as it can and ends; :class:`~cns_core.arm.ur_link.UrLink` starts a fresh one, disarmed. Behind
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

from cns_core.arm.arming import command_obstacle, local_control, robot_obstacle, tcp_error
from cns_core.arm.channel import Channel, ChannelClosed
from cns_core.arm.command_path import CommandPath
from cns_core.arm.config import ArmConfig
from cns_core.arm.deadline import deadline, set_deadline
from cns_core.arm.feedback import LinkLost, Receiver
from cns_core.arm.follow_check import FollowCheck
from cns_core.arm.motion_guard import MotionGuard
from cns_core.arm.preflight import Unreachable, ask_dashboard, check_reachable
from cns_core.arm.schedule import Schedule
from cns_core.arm.state_machine import State, StateMachine
from cns_core.arm.ur_control import Control, DryControl
from cns_core.ur_kinematics import UR_MODELS

_CONNECT_S = 8.0
_RETRY_S = 1.0
_TICK_S = 2.0
_IDLE_FEEDBACK_TIMEOUT_S = 1.0
_PLAY_TIMEOUT_S = 2.0
_REPORT_S = 0.02
_PRIORITY = 20
_REASON_S = 0.2
_DASHBOARD_STOP_S = 0.3
_log = logging.getLogger(__name__)


class Refused(Exception):
    """Why the arm is not armed."""


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
        self.model = UR_MODELS[config.robot_model]
        self.guard = MotionGuard(
            self.model,
            config.hand_eye.T_flange_camera,
            config.box_min_m,
            config.box_max_m,
            config.limits.stopping_time_s + 2.0 * config.period_s,
        )
        self.path = CommandPath(
            config.limits, config.command_timeout_s, config.period_s, self.guard
        )
        self.follow = FollowCheck(config.feedback_timeout_s + 2 * config.period_s, patience_s=0.1)
        self.schedule = Schedule(config.period_s, time.monotonic())
        self.receiver = self.control = self.feedback = None
        self._requests = []
        self._disarming = []
        self._zeros = 0
        self._slowed_by = ""
        self._sent = np.zeros(6)
        self._reported = (None, -np.inf)
        self._signal = ""
        self._lost = False

    def terminate(self, number, _frame):
        """Signal handler: end at the next opportunity."""
        self._signal = signal.Signals(number).name

    def run(self):
        """Live until the connection or the driver is lost, or a signal comes."""
        cause = "the link ended"
        try:
            self._connect()
            while True:
                self._listen(self.schedule.remaining(time.monotonic()))
                if not self.schedule.remaining(time.monotonic()):
                    self._tick(time.monotonic())
        except LinkLost as loss:
            cause = str(loss)
            self._lost = True
        except Terminated as end:
            cause = str(end)
        except ChannelClosed:
            cause = "the driver process is gone"
        except Exception as error:
            # Whatever it is, the arm is stopped first, and the fresh process gets another try.
            cause = f"internal error: {error!r}"
            _log.exception("the link ends")
        finally:
            self._end(cause)

    def _connect(self):
        while self.receiver is None:
            try:
                check_reachable(self.config.robot_ip)
                with deadline(_CONNECT_S):
                    self.receiver = Receiver(self.config.robot_ip, self.config.feedback_hz)
            except (Unreachable, RuntimeError) as reason:
                self.machine.apply("disconnect", f"not connected: {reason}")
                self._report(time.monotonic())
                self._refuse_all(self.machine.cause)
                self._listen(_RETRY_S)
        self.feedback = self.receiver.read(time.monotonic(), _IDLE_FEEDBACK_TIMEOUT_S)
        self.machine.apply("connect")
        self.schedule = Schedule(self.config.period_s, time.monotonic())

    def _listen(self, timeout_s):
        """Take in messages until the time is over or something has come."""
        for message in self.channel.receive(timeout_s):
            if "twist" in message:
                self.path.offer(message["twist"], message["issued_at"])
            else:
                self._requests.append(message)
        if self._signal:
            raise Terminated(f"the link process got {self._signal}")

    def _tick(self, now):
        set_deadline(_TICK_S)
        moving = self.machine.in_motion
        timeout_s = self.config.feedback_timeout_s if moving else _IDLE_FEEDBACK_TIMEOUT_S
        self.feedback = self.receiver.read(now, timeout_s)
        self._answer_requests()
        if self.machine.in_motion:
            # Taking control may just have taken a while; what has come since then counts.
            self._listen(0.0)
            self._stream(time.monotonic())
        else:
            self.schedule.tick(now)
            self._watch_idle()
        self._report(now)

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

    def _disarm(self, request):
        if self.machine.state == State.ARMED:
            self.machine.apply("stop", "disarmed on request")
        elif self.machine.state == State.FAULTED:
            self.machine.apply("acknowledge")
        if self.machine.state == State.STOPPING:
            self._disarming.append(request)

    def _arm(self):
        """Take control and start streaming from zero velocity.

        Raises:
            Refused: naming the first thing that is not as it must be.
        """
        if self.machine.state == State.ARMED:
            return
        if reason := self._obstacle():
            raise Refused(reason)
        try:
            self.control = self._take_control()
            self.path.reset()
            self.follow.reset()
            self._zeros = 0
            # Last, because from here on the controller wants to hear from us all the time.
            self.control.start_watchdog(self.config.watchdog_hz)
        except (RuntimeError, Unreachable) as error:
            self._release()
            raise Refused(f"cannot take control: {error}") from error
        except Refused:
            self._release()
            raise
        self.schedule.restart(time.monotonic())
        self.machine.apply("arm")

    def _obstacle(self):
        """Why arming is not possible now, empty if it is."""
        if self.machine.state == State.STOPPING:
            return "still stopping"
        return (
            robot_obstacle(self.feedback, self.guard)
            or command_obstacle(self.path, time.monotonic())
            or local_control(self.config.robot_ip)
        )

    def _take_control(self):
        if self.config.dry_run:
            return DryControl()
        control = self.control = Control(
            self.config.robot_ip, self.config.feedback_hz, self.config.tool_acceleration_m_s2
        )
        control.set_tcp(self.config.hand_eye.tcp)
        self._await_program()
        return control

    def _await_program(self):
        """Wait until the receive side has seen the program play and the TCP set."""
        until = time.monotonic() + _PLAY_TIMEOUT_S
        while time.monotonic() < until:
            self.feedback = self.receiver.read(time.monotonic(), _IDLE_FEEDBACK_TIMEOUT_S)
            if self.feedback.program_plays and not tcp_error(self.feedback, self.guard):
                return
            self._listen(0.01)
        if not self.feedback.program_plays:
            raise Refused("the controller does not play the program that was sent to it")
        raise Refused(tcp_error(self.feedback, self.guard))

    # Motion

    def _stream(self, now):
        silence_s = self.path.age(now)
        if self.machine.state == State.ARMED and silence_s > self.config.disarm_timeout_s:
            self.machine.apply("stop", f"command timeout: no twist for {silence_s:.2f} s")
        if cause := self._fault(now):
            self._give_up(cause)
            return
        braking = self.machine.state == State.STOPPING
        command = self.path.step(now, self.feedback.q, braking)
        self._slowed_by = command.slowed_by
        self._send(command.twist, now)
        if braking and self.path.at_rest:
            self._zeros += 1
            if self._zeros >= self.config.stop_zeros:
                self._come_to_rest()

    def _send(self, twist, now):
        self.schedule.tick(now)
        if not self.control.send(twist):
            self._give_up(self._reason_of_refusal())
            return
        self.follow.sent(twist, now)
        self._sent = twist

    def _reason_of_refusal(self):
        """The program has ended; the receive side may be a moment behind in telling why."""
        until = time.monotonic() + _REASON_S
        while time.monotonic() < until:
            self.feedback = self.receiver.read(time.monotonic(), self.config.feedback_timeout_s)
            if cause := self._fault(time.monotonic()):
                return cause
            self._listen(0.005)
        return "the controller refused a command"

    def _fault(self, now):
        """What ends the motion at once, empty for nothing."""
        feedback = self.feedback
        if feedback.safety_stop:
            return feedback.safety_stop
        if feedback.not_running:
            return feedback.not_running
        if self.config.dry_run:
            return ""
        if not feedback.program_plays:
            return "the program was stopped on the controller, by its pendant or its watchdog"
        J = self.model.jacobian(feedback.q, self.config.hand_eye.T_flange_camera)
        return self.follow.deviation(J @ feedback.qd, now, feedback.speed_scaling)

    def _give_up(self, cause):
        self.machine.apply("fault", cause)
        self._report(time.monotonic())
        self._release()

    def _come_to_rest(self):
        self._release()
        self.machine.apply("rest")

    def _release(self):
        """Stop the arm and give control back, so that the pendant can move it."""
        control, self.control = self.control, None
        if control is not None:
            control.release()
        self._sent, self._slowed_by = np.zeros(6), ""
        disarming, self._disarming = self._disarming, []
        for request in disarming:
            self._answer(request, True, State.DISARMED.value)

    def _watch_idle(self):
        if self.machine.state == State.DISARMED and self.feedback.safety_stop:
            self.machine.apply("fault", self.feedback.safety_stop)

    # Reports and the end

    def _report(self, now):
        state, at = self._reported
        if state == self.machine.state and now - at < _REPORT_S:
            return
        self._reported = (self.machine.state, now)
        report = {
            "state": self.machine.state.value,
            "cause": self.machine.cause,
            "last_stop": self.machine.last_stop,
            "slowed_by": self._slowed_by,
            "sent": self._sent.tolist(),
            "command_age_s": min(self.path.age(now), 1e6),
        }
        if self.feedback is not None:
            report |= {
                "q": self.feedback.q.tolist(),
                "qd": self.feedback.qd.tolist(),
                "feedback_lag_s": self.feedback.lag_s,
            }
        if self.machine.in_motion:
            report["stream"] = self.schedule.figures()
        self.channel.send(report=report)

    def _end(self, cause):
        """Say why, then stop the arm; the deadline holds for a library that hangs in it."""
        set_deadline(_TICK_S)
        self.machine.apply("disconnect", cause)
        with contextlib.suppress(ChannelClosed):
            self._report(time.monotonic())
        if self._lost and isinstance(self.control, Control):
            self._abandon()
        with contextlib.suppress(ChannelClosed):
            self._release()

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
    # Where the system allows it, no other program of this machine delays the stream.
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    worker.run()


if __name__ == "__main__":
    main()
