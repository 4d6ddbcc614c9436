"""Driver node: carries twists of the camera to a robot arm, from arming to disarming."""

import time
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.duration import Duration
from rclpy.task import Future
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from cns_core.arm.config import MotionConfig
from cns_core.arm.driver import ArmDriver
from cns_core.arm.guarded_config import GuardedConfig
from cns_core.arm.hand_eye import HandEye
from cns_core.arm.link import LinkStatus
from cns_core.arm.local_link import LocalLink
from cns_core.arm.state_machine import State
from cns_core.arm.ur.config import UrConfig
from cns_core.arm.ur.link import UrLink
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_ros.nodes.driver_settings import DriverSettings, declare_hand_eye
from cns_ros.nodes.moveit_servo import MoveItServo
from cns_ros.nodes.twist_controller import TwistController
from cns_ros.ros.clock import now_s, seconds
from cns_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics, status_message
from cns_ros.ros.frames import Frames
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.joints import UR_JOINTS
from cns_ros.ros.overrides import overridable
from cns_ros.ros.parameters import declare_all, declare_settings, read_all
from cns_ros.ros.poses_twists import pose_message, twist_from_message
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED
from cns_ros.ros.run import run
from cns_ros.ros.senders import several_senders

_POLL_S = 0.01
_SENDERS_S = 0.2
_LEVELS = {
    State.DISCONNECTED: ERROR,
    State.DISARMED: OK,
    State.ARMED: OK,
    State.STOPPING: WARN,
    State.FAULTED: ERROR,
}


class UrDriverNode(GuardedNode):
    """Checks every ``twist``, hands it to the driver, and tells what the arm does."""

    def __init__(self, **options: Any):
        super().__init__("ur_driver", **options)
        self._settings = declare_all(self, DriverSettings)
        hand_eye = declare_hand_eye(self)
        declare_settings(self, UrConfig)
        self._status_shown: tuple[str, ...] = ()
        self._told_at = 0.0
        self._pose = self.create_publisher(PoseStamped, "tcp_pose", **overridable(OFFERED))
        self._joints = self.create_publisher(JointState, "joint_states", **overridable(OFFERED))
        self._status = self.create_publisher(DiagnosticStatus, "~/status", LATCHED)
        self._driver = self._make_driver(hand_eye)
        self._model = UR_MODELS[self.get_parameter("robot_model").value]
        self._frames = Frames(self)
        if self._settings.camera_tf:
            mount = hand_eye.T_flange_camera, hand_eye.flange_frame, hand_eye.camera_frame
            self._frames.tell_fixed(*mount)
        self._twists = self.create_subscription(
            TwistStamped, "twist", self._on_twist, **overridable(NEWEST)
        )
        # While one of them waits for the arm, the other and everything else go on.
        waiting = ReentrantCallbackGroup()
        self.create_service(Trigger, "~/arm", self._on_arm, callback_group=waiting)
        self.create_service(Trigger, "~/disarm", self._on_disarm, callback_group=waiting)
        self.create_timer(_POLL_S, self._poll)
        self.create_timer(_SENDERS_S, self._watch_senders)
        Diagnostics(self, self._diagnose, self._arm_name)

    def _make_driver(self, hand_eye: HandEye) -> ArmDriver:
        config: MotionConfig
        if self._settings.backend == "ur_rtde":
            config = read_all(self, UrConfig, hand_eye=hand_eye)
            return ArmDriver(config, UrLink(config))
        if self._settings.backend == "moveit_servo":
            config = read_all(self, MotionConfig, hand_eye=hand_eye)
            tip = self._settings.servo_link or hand_eye.flange_frame
            link = LocalLink(config, MoveItServo(self, hand_eye, tip))
        else:
            config = read_all(self, GuardedConfig, hand_eye=hand_eye)
            transport = TwistController(self, config, self._settings.base_frame)
            link = LocalLink(config, transport, transport.guard)
        self.create_timer(config.period_s, link.tick)
        return ArmDriver(config, link)

    @property
    def driver(self) -> ArmDriver:
        """What stands behind the node: gate, link and status."""
        return self._driver

    def make_safe(self, reason: str) -> None:
        """Stop the arm: what this node does next is not known."""
        self._driver.give_up(reason)

    def destroy_node(self) -> None:
        """Stop the arm, then the node."""
        self._driver.close()
        super().destroy_node()

    def _on_twist(self, message: TwistStamped) -> None:
        header = message.header
        try:
            self._driver.offer(
                twist_from_message(message), header.frame_id, seconds(header.stamp), now_s(self)
            )
        except ValueError as reason:
            self.get_logger().warning(f"twist refused: {reason}", throttle_duration_sec=1.0)

    def _several_senders(self) -> str:
        """Who sends twists, if more than one does: the arm would follow now one, now the other."""
        return several_senders(self, self._twists.topic_name, "twist")

    def _watch_senders(self) -> None:
        if self._driver.status.state == State.ARMED and (reason := self._several_senders()):
            self._driver.request("disarm", lambda *_: None, cause=reason)

    async def _on_arm(self, request: Trigger.Request, response: Trigger.Response):
        if reason := self._several_senders():
            response.success, response.message = False, reason
        else:
            response.success, response.message = await self._ask("arm")
        self._log_request("arm", response)
        return response

    async def _on_disarm(self, request: Trigger.Request, response: Trigger.Response):
        response.success, response.message = await self._ask("disarm")
        self._log_request("disarm", response)
        return response

    def _ask(self, action: str) -> Future:
        """A future of (success, message); the node goes on working meanwhile."""
        answer = Future(executor=self.executor)
        self._driver.request(action, lambda *result: answer.set_result(result))
        return answer

    def _log_request(self, action: str, response: Trigger.Response) -> None:
        outcome = "done" if response.success else "refused"
        self.get_logger().info(f"{action} {outcome}: {response.message}")

    def _poll(self) -> None:
        status = self._driver.poll()
        if status.measured_at != self._told_at and status.q is not None and status.qd is not None:
            self._told_at = status.measured_at
            self._publish_arm(status.q, status.qd)
        shown = (status.state, status.cause, status.slowed_by.split(",")[0])
        if shown != self._status_shown:
            if status.cause and self._status_shown and _LEVELS[status.state] != OK:
                self.get_logger().warning(f"{status.state.value}: {status.cause}")
            self._status_shown = shown
            self._status.publish(status_message("ur_driver", *self.describe(status)))

    def _publish_arm(self, q: np.ndarray, qd: np.ndarray) -> None:
        # Of the measurement, not of its arrival: who knows where the camera was when an image was
        # taken needs both on one clock.
        measured = self.get_clock().now() - Duration(seconds=time.monotonic() - self._told_at)
        header = Header(stamp=measured.to_msg(), frame_id=self._settings.base_frame)
        hand_eye, T_base_flange = self._driver.config.hand_eye, self._model.forward(q)
        if self._settings.backend == "ur_rtde":  # elsewhere the arm's own driver tells them
            self._joints.publish(
                JointState(
                    header=header,
                    name=list(UR_JOINTS),
                    position=q.tolist(),
                    velocity=qd.tolist(),
                )
            )
            if self._settings.flange_tf:
                self._frames.tell(T_base_flange, header, hand_eye.flange_frame)
        self._pose.publish(pose_message(T_base_flange @ hand_eye.T_flange_camera, header))

    def _arm_name(self) -> str:
        model, address = (self.get_parameter(n).value for n in ("robot_model", "robot_ip"))
        return f"{model} at {address}" if self._settings.backend == "ur_rtde" else model

    def _diagnose(self) -> tuple[bytes, str, dict[str, Any]]:
        return self.describe(self._driver.status)

    def describe(self, status: LinkStatus) -> tuple[bytes, str, dict[str, Any]]:
        """Level, message and values of one LinkStatus."""
        level = max(_LEVELS[status.state], WARN if status.slowed_by else OK)
        gate, dry_run = self._driver.gate, self._driver.config.dry_run
        values = {
            "cause": status.cause,
            "last_stop": status.last_stop,
            "slowed_by": status.slowed_by,
            "would_send" if dry_run else "sent": np.round(status.sent, 5).tolist(),
            "command_age_s": status.command_age_s,
            "feedback_lag_s": status.feedback_lag_s,
            "refused": gate.refused.total(),
            "refusal": gate.refusal,
            "dry_run": dry_run,
        }
        return level, status.state.value, values | status.stream


def main() -> int:
    """Entry point of the ``ur_driver`` executable."""
    return run(UrDriverNode)


if __name__ == "__main__":
    raise SystemExit(main())
