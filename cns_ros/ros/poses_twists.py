"""Poses and twists of geometry_msgs, to and from arrays."""

from __future__ import annotations

import numpy as np
from geometry_msgs.msg import (
    Point,
    PoseStamped,
    Quaternion,
    TransformStamped,
    TwistStamped,
    Vector3,
)
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header

from cns_core.geometry import se3


def pose_message(T: NDArray[np.float64], header: Header) -> PoseStamped:
    """Pack a (4, 4) pose, in m, expressed in ``header.frame_id``."""
    x, y, z = T[:3, 3].tolist()
    qx, qy, qz, qw = Rotation.from_matrix(T[:3, :3]).as_quat().tolist()
    message = PoseStamped(header=header)
    message.pose.position = Point(x=x, y=y, z=z)
    message.pose.orientation = Quaternion(x=qx, y=qy, z=qz, w=qw)
    return message


def transform_message(T: NDArray[np.float64], header: Header, child: str) -> TransformStamped:
    """Pack the (4, 4) pose, in m, of the frame ``child`` in ``header.frame_id``."""
    pose = pose_message(T, header).pose
    message = TransformStamped(header=header, child_frame_id=child)
    message.transform.translation = Vector3(x=pose.position.x, y=pose.position.y, z=pose.position.z)
    message.transform.rotation = pose.orientation
    return message


def pose_from_message(message: PoseStamped) -> NDArray[np.float64]:
    """Unpack a (4, 4) pose, in m.

    Raises:
        ValueError: if the quaternion is zero.
    """
    p, q = message.pose.position, message.pose.orientation
    return se3.pose(Rotation.from_quat([q.x, q.y, q.z, q.w]), (p.x, p.y, p.z))


def twist_message(twist: ArrayLike, header: Header) -> TwistStamped:
    """Pack a (6,) twist [v, w], m/s and rad/s, expressed in ``header.frame_id``."""
    vx, vy, vz, wx, wy, wz = map(float, np.asarray(twist))
    message = TwistStamped(header=header)
    message.twist.linear = Vector3(x=vx, y=vy, z=vz)
    message.twist.angular = Vector3(x=wx, y=wy, z=wz)
    return message


def twist_from_message(message: TwistStamped) -> NDArray[np.float64]:
    """Unpack a (6,) twist [v, w], m/s and rad/s."""
    v, w = message.twist.linear, message.twist.angular
    return np.array([v.x, v.y, v.z, w.x, w.y, w.z])
