"""A UR arm behind its vendor's driver: twists to a twist controller of ros2_control."""

import time

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState

from cns_core.arm.follow_check import FollowCheck
from cns_core.arm.guarded_config import GuardedConfig
from cns_core.arm.link import LinkLost
from cns_ros.nodes.twist_topic import TwistTopic
from cns_ros.ros.joints import joints_by_name
from cns_ros.ros.qos import SHARED
from cns_ros.ros.senders import sender_names

_AT_REST_RAD_S = 0.01
_FASTEST_RAD_S = 2.0 * np.pi
"""Twice what the joints of a UR arm can do."""
_JUMP_RAD, _JUMP_TOLD_S = 0.2, 1.0
_SENDERS_S = 0.2


class TwistController:
    """A :class:`~cns_core.arm.link.Transport`; the joints come from ``joint_states``, by name.

    The controller takes the velocity of the flange, in the axes of the robot's base, and checks no
    stamps: hold time, limits, box, joints and singularities are this side's, as over RTDE. The
    robot's safety stops are not told on these topics; they show as an arm that does not follow.

    Args:
        node: the rclpy node to publish with.
        config: of the motion and the arm's room for it.
        base_frame: of the twists; UR's own ``base``.
    """

    safety_stop = ""

    def __init__(self, node: Node, config: GuardedConfig, base_frame: str):
        self.guard = config.guard()
        self._timeout_s = config.feedback_timeout_s
        self._topic = TwistTopic(node, "twist_commands", base_frame)
        self._follow = FollowCheck(config.feedback_timeout_s + 2 * config.period_s)
        self._heard_at, self._controlled = -np.inf, False
        self._unknown = "no joint_states yet"
        self._jump, self._jumped_at = "", -np.inf
        self._senders, self._senders_at = "", -np.inf
        self.q: np.ndarray | None = None
        self.qd: np.ndarray | None = None
        self._node = node
        self._joints = node.create_subscription(JointState, "joint_states", self._on_joints, SHARED)

    def _on_joints(self, message: JointState) -> None:
        now = time.monotonic()
        try:
            q, qd = joints_by_name(message)
        except ValueError as reason:
            # Others, a gripper for one, publish their joints on this topic as well.
            self._unknown = str(reason)
            return
        if self.q is not None:
            since_s = now - self._heard_at
            if (step := np.abs(q - self.q).max()) > _JUMP_RAD + _FASTEST_RAD_S * since_s:
                senders = ", ".join(sender_names(self._node, self._joints.topic_name))
                self._jump = (
                    f"joint_states jump by {step:.2f} rad within {since_s:.3f} s: are there two "
                    f"arms on the topic? It is published by {senders}"
                )
                self._jumped_at = now
                return
            if qd is None:
                qd = (q - self.q) / max(since_s, 1e-3)
        self.q, self.qd, self._heard_at = q, qd, now

    @property
    def measured_at(self) -> float:
        """When the joints were heard of, on ``time.monotonic()``."""
        return self._heard_at

    def read(self, now: float, moving: bool) -> None:
        """Look whether there are joints, and a controller.

        Raises:
            LinkLost: if not, or if the joints are too old.
        """
        self._topic.require_listener()
        if self.q is None:
            raise LinkLost(self._unknown)
        if now - self._heard_at > self._timeout_s:
            age_s = now - self._heard_at
            raise LinkLost(f"joint_states are {age_s:.2f} s old, allowed {self._timeout_s} s")
        if now - self._jumped_at < _JUMP_TOLD_S:
            raise LinkLost(self._jump)

    def obstacle(self) -> str:
        """Why this arm cannot be armed now, empty if it can."""
        if self.q is None or self.qd is None:
            return "the joints' speeds are not known yet"
        if np.abs(self.qd).max() > _AT_REST_RAD_S:
            return "the arm is moving"
        if boundary := self.guard.outside(self.q):
            return f"the arm is beyond the {boundary}: jog it back"
        return self._topic.other_senders()

    def take_control(self) -> None:
        """The controller is activated by whoever runs the driver; here only memory is cleared."""
        self._follow.reset()
        self._controlled = True

    def fault(self, now: float) -> str:
        """An arm that does something else than it is told, or is told so by somebody else."""
        if not self._controlled or self.q is None or self.qd is None:
            return ""
        if now - self._senders_at > _SENDERS_S:
            self._senders, self._senders_at = self._topic.other_senders(), now
        if self._senders:
            return self._senders
        J = self.guard.model.jacobian(self.q, self.guard.T_flange_camera)
        return self._follow.deviation(J @ self.qd, now)

    def send(self, twist: np.ndarray, now: float) -> str:
        """Publish the flange's velocity for a (6,) velocity of the camera's centre, base axes."""
        assert self.q is not None  # read() has seen it
        self._follow.sent(twist, now)
        flange = self.guard.model.forward(self.q)
        lever = flange[:3, 3] - self.guard.camera_pose(self.q)[:3, 3]
        v, w = twist[:3], twist[3:]
        self._topic.publish(np.concatenate([v + np.cross(w, lever), w]))
        return ""

    def release(self) -> None:
        """A zero twist; the controller itself stays active."""
        self._controlled = False
        self._topic.stop()
