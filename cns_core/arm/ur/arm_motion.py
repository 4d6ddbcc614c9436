"""From arming to rest: takes control of a connected arm, streams to it, and gives it back."""

import time

import numpy as np

from cns_core.arm.command_path import CommandPath
from cns_core.arm.follow_check import FollowCheck
from cns_core.arm.motion_guard import MotionGuard
from cns_core.arm.schedule import Schedule
from cns_core.arm.state_machine import State
from cns_core.arm.ur.arming import command_obstacle, local_control, robot_obstacle, tcp_error
from cns_core.arm.ur.preflight import Unreachable
from cns_core.arm.ur.ur_control import Control, DryControl
from cns_core.arm.ur_kinematics import UR_MODELS

_IDLE_FEEDBACK_TIMEOUT_S = 1.0
_PLAY_TIMEOUT_S = 2.0
_REASON_S = 0.2


class Refused(Exception):
    """Why the arm is not armed."""


class ArmMotion:
    """Everything that moves the arm, and the checks that go with it.

    Args:
        config: an ``ArmConfig``.
        machine: the ``StateMachine``, which is told of every way into motion and out of it.
        listen: function of a time in s that takes messages in until it is over; called where
            something of the robot has to be waited for.
        tell: function that reports the present state to the driver.

    Attributes:
        path: the ``CommandPath``, to be offered the twists.
        schedule: the ``Schedule`` of the ticks.
        feedback: the newest ``Feedback``, None before the connection.
        sent: (6,) twist sent last, in base axes.
        slowed_by: what slows it down, empty for nothing.
    """

    def __init__(self, config, machine, listen, tell):
        self.config = config
        self.machine = machine
        self._listen, self._tell = listen, tell
        self._model = UR_MODELS[config.robot_model]
        self._guard = MotionGuard(
            self._model,
            config.hand_eye.T_flange_camera,
            config.box_min_m,
            config.box_max_m,
            config.limits.stopping_time_s + 2.0 * config.period_s,
        )
        self.path = CommandPath(
            config.limits, config.command_timeout_s, config.period_s, self._guard
        )
        self.schedule = Schedule(config.period_s, time.monotonic())
        self._follow = FollowCheck(config.feedback_timeout_s + 2 * config.period_s, patience_s=0.1)
        self._receiver = self._control = self.feedback = None
        self._zeros = 0
        self.sent, self.slowed_by = np.zeros(6), ""

    @property
    def holds_arm(self):
        """Whether a program of ours may be playing on the controller."""
        return isinstance(self._control, Control)

    def connect(self, receiver):
        """Begin with the arm at the other end of a ``Receiver``.

        Raises:
            LinkLost: if it does not tell its state.
        """
        self._receiver = receiver
        self.read(time.monotonic())
        self.machine.apply("connect")
        self.schedule = Schedule(self.config.period_s, time.monotonic())

    def read(self, now):
        """Take in the arm's newest state.

        Raises:
            LinkLost: if there is none that is young enough.
        """
        moving = self.machine.in_motion
        timeout_s = self.config.feedback_timeout_s if moving else _IDLE_FEEDBACK_TIMEOUT_S
        self.feedback = self._receiver.read(now, timeout_s)

    def idle(self, now):
        """Note a tick without motion; a safety stop is a fault then as well."""
        self.schedule.tick(now)
        if self.machine.state == State.DISARMED and self.feedback.safety_stop:
            self.machine.apply("fault", self.feedback.safety_stop)

    # Arming

    def arm(self):
        """Take control and start streaming from zero velocity.

        Raises:
            Refused: naming the first thing that is not as it must be.
        """
        if reason := self._obstacle():
            raise Refused(reason)
        try:
            self._take_control()
            self.path.reset()
            self._follow.reset()
            self._zeros = 0
            # Last, because from here on the controller wants to hear from us all the time.
            self._control.start_watchdog(self.config.watchdog_hz)
        except (RuntimeError, Unreachable) as error:
            self.release()
            raise Refused(f"cannot take control: {error}") from error
        except Refused:
            self.release()
            raise
        self.schedule.restart(time.monotonic())
        self.machine.apply("arm")

    def _obstacle(self):
        """Why arming is not possible now, empty if it is."""
        if self.machine.state == State.STOPPING:
            return "still stopping"
        return (
            robot_obstacle(self.feedback, self._guard)
            or command_obstacle(self.path, time.monotonic())
            or local_control(self.config.robot_ip)
        )

    def _take_control(self):
        if self.config.dry_run:
            self._control = DryControl()
            return
        self._control = Control(
            self.config.robot_ip, self.config.feedback_hz, self.config.tool_acceleration_m_s2
        )
        self._control.set_tcp(self.config.hand_eye.tcp)
        self._await_program()

    def _await_program(self):
        """Wait until the receive side has seen the program play and the TCP set."""
        until = time.monotonic() + _PLAY_TIMEOUT_S
        while time.monotonic() < until:
            self.read(time.monotonic())
            if self.feedback.program_plays and not tcp_error(self.feedback, self._guard):
                return
            self._listen(0.01)
        if not self.feedback.program_plays:
            raise Refused("the controller does not play the program that was sent to it")
        raise Refused(tcp_error(self.feedback, self._guard))

    # Streaming

    def stream(self, now):
        """Send the command of this tick, or find out why not to."""
        silence_s = self.path.age(now)
        if self.machine.state == State.ARMED and silence_s > self.config.disarm_timeout_s:
            self.machine.apply("stop", f"command timeout: no twist for {silence_s:.2f} s")
        if cause := self._fault(now):
            self._give_up(cause)
            return
        braking = self.machine.state == State.STOPPING
        command = self.path.step(now, self.feedback.q, braking)
        self.slowed_by = command.slowed_by
        self._send(command.twist, now)
        if braking and self.path.at_rest:
            self._zeros += 1
            if self._zeros >= self.config.stop_zeros:
                self.release()
                self.machine.apply("rest")

    def _send(self, twist, now):
        self.schedule.tick(now)
        if not self._control.send(twist):
            self._give_up(self._reason_of_refusal())
            return
        self._follow.sent(twist, now)
        self.sent = twist

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
        J = self._model.jacobian(feedback.q, self.config.hand_eye.T_flange_camera)
        return self._follow.deviation(J @ feedback.qd, now, feedback.speed_scaling)

    def _reason_of_refusal(self):
        """The program has ended; the receive side may be a moment behind in telling why."""
        until = time.monotonic() + _REASON_S
        while time.monotonic() < until:
            self.read(time.monotonic())
            if cause := self._fault(time.monotonic()):
                return cause
            self._listen(0.005)
        return "the controller refused a command"

    def _give_up(self, cause):
        self.machine.apply("fault", cause)
        self._tell()
        self.release()

    def release(self):
        """Stop the arm and give control back, so that the pendant can move it."""
        control, self._control = self._control, None
        if control is not None:
            control.release()
        self.sent, self.slowed_by = np.zeros(6), ""
