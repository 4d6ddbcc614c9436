"""Drives any arm that MoveIt Servo drives: checked and limited twists on ``delta_twist_cmds``."""

import time
from dataclasses import replace

import numpy as np
from geometry_msgs.msg import TwistStamped
from std_msgs.msg import Header

from cns_core.arm.command_path import CommandPath
from cns_core.arm.schedule import Schedule
from cns_core.arm.state_machine import State, StateMachine
from cns_core.arm.ur.ur_link import LinkStatus
from cns_ros.ros.messages import twist_message
from cns_ros.ros.qos import OFFERED


class MoveItServoLink:
    """The same as ``UrLink``, with MoveIt Servo as the robot.

    Twists stay in the camera's optical frame, in m/s and rad/s (``command_in_type: speed_units``),
    stamped when sent. Singularities, joint limits and collisions are MoveIt Servo's business; the
    workspace box is not applied.

    Args:
        node: the rclpy node to publish with.
        config: an ``ArmConfig``.
    """

    def __init__(self, node, config):
        self.config = config
        self.status = LinkStatus(cause="nobody listens to delta_twist_cmds")
        self._node = node
        self._machine = StateMachine(cause=self.status.cause)
        self._path = CommandPath(config.limits, config.command_timeout_s, config.period_s)
        self._schedule = Schedule(config.period_s, time.monotonic())
        self._disarming = []
        self._zeros = 0
        self._publisher = node.create_publisher(TwistStamped, "delta_twist_cmds", OFFERED)
        node.create_timer(config.period_s, self._tick)

    def command(self, twist, issued_at):
        """Take a checked (6,) camera twist; ``issued_at`` is on ``time.monotonic()``."""
        self._path.offer(twist, issued_at)

    def request(self, action, on_answer):
        """``"arm"`` or ``"disarm"``; ``on_answer(success, message)`` is called when it is done."""
        if action == "arm":
            refusal = self._arm()
            on_answer(not refusal, refusal or self._machine.state.value)
        elif self._machine.in_motion:
            self._disarming.append(on_answer)
            if self._machine.state == State.ARMED:
                self._machine.apply("stop", "disarmed on request")
        else:
            on_answer(True, self._machine.state.value)

    def poll(self):
        """The newest LinkStatus."""
        return self.status

    def close(self):
        """Leave MoveIt Servo with a zero twist, which ends its motion at once."""
        if self._machine.in_motion:
            self._publish(np.zeros(6))

    def _arm(self):
        """Arm, or say why not."""
        if self._machine.state == State.ARMED:
            return ""
        if self._machine.state != State.DISARMED:
            return self._machine.cause or self._machine.state.value
        if not self._path.fresh(time.monotonic()):
            return "no fresh twist: start the controller first"
        self._path.reset()
        self._schedule.restart(time.monotonic())
        self._zeros = 0
        self._machine.apply("arm")
        return ""

    def _tick(self):
        self._watch_listener()
        sent = self._stream(time.monotonic()) if self._machine.in_motion else np.zeros(6)
        self.status = replace(
            self.status,
            state=self._machine.state,
            cause=self._machine.cause,
            last_stop=self._machine.last_stop,
            sent=sent,
            command_age_s=self._path.age(time.monotonic()),
            stream=self._schedule.figures(),
        )

    def _watch_listener(self):
        listening = self._publisher.get_subscription_count() > 0
        if listening and self._machine.state == State.DISCONNECTED:
            self._machine.apply("connect")
        elif not listening and self._machine.state != State.DISCONNECTED:
            self._machine.apply("disconnect", "nobody listens to delta_twist_cmds any more")
            self._finish()

    def _stream(self, now):
        self._schedule.tick(now)
        silence_s = self._path.age(now)
        if self._machine.state == State.ARMED and silence_s > self.config.disarm_timeout_s:
            self._machine.apply("stop", f"command timeout: no twist for {silence_s:.2f} s")
        braking = self._machine.state == State.STOPPING
        twist = self._path.step(now, braking=braking).twist
        self._publish(twist)
        if braking and self._path.at_rest:
            self._zeros += 1
            if self._zeros >= self.config.stop_zeros:
                self._machine.apply("rest")
                self._finish()
        return twist

    def _publish(self, twist):
        header = Header(
            stamp=self._node.get_clock().now().to_msg(),
            frame_id=self.config.hand_eye.camera_frame,
        )
        self._publisher.publish(twist_message(twist, header))

    def _finish(self):
        """From here on there is silence."""
        disarming, self._disarming = self._disarming, []
        for on_answer in disarming:
            on_answer(True, self._machine.state.value)
