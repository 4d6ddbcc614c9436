"""A gripper's driver: somebody else who publishes on ``joint_states``."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from cns_ros.ros.qos import OFFERED

GRIPPER_JOINTS = ("left_finger_joint", "right_finger_joint")
_RATE_HZ = 20.0
_OPEN_M = 0.04


class Gripper:
    """Tells of two fingers that stand open."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._joints = node.create_publisher(JointState, "joint_states", OFFERED)
        node.create_timer(1.0 / _RATE_HZ, self._publish)

    def _publish(self) -> None:
        header = Header(stamp=self._node.get_clock().now().to_msg())
        fingers = len(GRIPPER_JOINTS)
        self._joints.publish(
            JointState(header=header, name=list(GRIPPER_JOINTS), position=[_OPEN_M] * fingers)
        )
