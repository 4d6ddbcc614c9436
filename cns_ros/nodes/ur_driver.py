"""Driver node: carries twists of the camera to a robot arm, from arming to disarming."""

import time

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, TwistStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.task import Future
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import JointState
from std_srvs.srv import Trigger

from cns_core.arm.command_gate import CommandGate
from cns_core.arm.state_machine import State
from cns_core.arm.ur.ur_link import UrLink
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_ros.nodes.moveit_servo import MoveItServoLink
from cns_ros.nodes.ur_driver_parameters import declare_arm_config
from cns_ros.ros.diagnostics import ERROR, OK, WARN, Diagnostics, seconds, status_message
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED
from cns_ros.ros.run import run

_POLL_S = 0.02
_JOINTS = tuple(
    f"{joint}_joint"
    for joint in ("shoulder_pan", "shoulder_lift", "elbow", "wrist_1", "wrist_2", "wrist_3")
)
_LEVELS = {
    State.DISCONNECTED: ERROR,
    State.DISARMED: OK,
    State.ARMED: OK,
    State.STOPPING: WARN,
    State.FAULTED: ERROR,
}


class UrDriverNode(Node):
    """Checks every ``twist``, hands it to the link, and tells what the arm does."""

    def __init__(self, **options):
        super().__init__("ur_driver", **options)
        self._config = declare_arm_config(self)
        self._base_frame = self.get_parameter("base_frame").value
        self._model = UR_MODELS[self._config.robot_model]
        self._gate = CommandGate(self._config.hand_eye.camera_frame, self._config.command_timeout_s)
        self._status_shown = ()
        self._pose = self.create_publisher(PoseStamped, "tcp_pose", OFFERED)
        self._joints = self.create_publisher(JointState, "joint_states", OFFERED)
        self._status = self.create_publisher(DiagnosticStatus, "~/status", LATCHED)
        self._link = self._make_link()
        self.create_subscription(TwistStamped, "twist", self._on_twist, NEWEST)
        # While one of them waits for the arm, the other and everything else go on.
        waiting = ReentrantCallbackGroup()
        self.create_service(Trigger, "~/arm", self._on_arm, callback_group=waiting)
        self.create_service(Trigger, "~/disarm", self._on_disarm, callback_group=waiting)
        self.create_timer(_POLL_S, self._poll)
        Diagnostics(self, self._diagnose)

    def _make_link(self):
        if self.get_parameter("backend").value == "moveit_servo":
            return MoveItServoLink(self, self._config)
        return UrLink(self._config)

    def destroy_node(self):
        """Stop the arm, then the node."""
        self._link.close()
        super().destroy_node()

    def _on_twist(self, message):
        v, w = message.twist.linear, message.twist.angular
        clock_s = 1e-9 * self.get_clock().now().nanoseconds
        try:
            twist, age_s = self._gate.admit(
                [v.x, v.y, v.z, w.x, w.y, w.z],
                message.header.frame_id,
                seconds(message.header.stamp),
                clock_s,
            )
        except ValueError as reason:
            self.get_logger().warning(f"twist refused: {reason}", throttle_duration_sec=1.0)
            return
        # Held from when it was made, not from when it got here.
        self._link.command(twist, time.monotonic() - age_s)

    async def _on_arm(self, request, response):
        response.success, response.message = await self._ask("arm")
        self._log_request("arm", response)
        return response

    async def _on_disarm(self, request, response):
        response.success, response.message = await self._ask("disarm")
        self._log_request("disarm", response)
        return response

    def _ask(self, action):
        """A future of (success, message); the node goes on working meanwhile."""
        answer = Future(executor=self.executor)
        self._link.request(action, lambda *result: answer.set_result(result))
        return answer

    def _log_request(self, action, response):
        outcome = "done" if response.success else "refused"
        self.get_logger().info(f"{action} {outcome}: {response.message}")

    def _poll(self):
        before = self._link.status
        status = self._link.poll()
        if status is not before and status.q is not None:
            self._publish_arm(status)
        shown = (status.state, status.cause, status.slowed_by.split(",")[0])
        if shown != self._status_shown:
            if status.cause and self._status_shown and _LEVELS[status.state] != OK:
                self.get_logger().warning(f"{status.state.value}: {status.cause}")
            self._status_shown = shown
            self._status.publish(status_message("ur_driver", *self._describe(status)))

    def _publish_arm(self, status):
        stamp = self.get_clock().now().to_msg()
        joints = JointState(
            name=list(_JOINTS), position=status.q.tolist(), velocity=status.qd.tolist()
        )
        joints.header.stamp, joints.header.frame_id = stamp, self._base_frame
        self._joints.publish(joints)
        T = self._model.forward(status.q) @ self._config.hand_eye.T_flange_camera
        pose = PoseStamped(pose=_pose_message(T))
        pose.header.stamp, pose.header.frame_id = stamp, self._base_frame
        self._pose.publish(pose)

    def _diagnose(self):
        return self._describe(self._link.status)

    def _describe(self, status):
        """Level, message and values of one LinkStatus."""
        level = max(_LEVELS[status.state], WARN if status.slowed_by else OK)
        values = {
            "cause": status.cause,
            "last_stop": status.last_stop,
            "slowed_by": status.slowed_by,
            "would_send" if self._config.dry_run else "sent": np.round(status.sent, 5).tolist(),
            "command_age_s": status.command_age_s,
            "feedback_lag_s": status.feedback_lag_s,
            "refused": self._gate.refused.total(),
            "refusal": self._gate.refusal,
            "dry_run": self._config.dry_run,
        }
        return level, status.state.value, values | status.stream


def _pose_message(T):
    """A (4, 4) pose as a Pose."""
    position = dict(zip("xyz", map(float, T[:3, 3]), strict=True))
    quaternion = Rotation.from_matrix(T[:3, :3]).as_quat()
    orientation = dict(zip("xyzw", map(float, quaternion), strict=True))
    return Pose(position=Point(**position), orientation=Quaternion(**orientation))


def main():
    """Entry point of the ``ur_driver`` executable."""
    return run(UrDriverNode)


if __name__ == "__main__":
    raise SystemExit(main())
