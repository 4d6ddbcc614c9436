"""What the nodes say to each other, to and from the library's types."""

from array import array

import numpy as np
from geometry_msgs.msg import TwistStamped, Vector3
from sensor_msgs.msg import CameraInfo, PointCloud2, PointField

from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence

# rviz draws x, y, z: the current keypoints on the camera's image plane at 1 m.
_MATCH = np.dtype(
    [
        ("x", "<f4"),
        ("y", "<f4"),
        ("z", "<f4"),
        ("x_desired", "<f4"),
        ("y_desired", "<f4"),
        ("matched", "u1"),
        ("padding", "u1", 3),
    ]
)
_DISTORTION_MODELS = ("", "plumb_bob", "rational_polynomial")


def camera_from_info(info):
    """Build the :class:`PinholeCamera` of a CameraInfo message.

    Raises:
        ValueError: for an uncalibrated camera (K all zero) or an unsupported distortion model.
    """
    fx, _, cx, _, fy, cy = info.k[:6]
    if fx == 0.0:
        raise ValueError("camera_info is not calibrated: K is zero")
    if info.distortion_model not in _DISTORTION_MODELS:
        raise ValueError(
            f"distortion model must be one of {_DISTORTION_MODELS}, got {info.distortion_model!r}"
        )
    return PinholeCamera(info.width, info.height, fx, fy, cx, cy, tuple(info.d))


def info_from_camera(camera, header):
    """Build the CameraInfo message (REP 104) of a :class:`PinholeCamera`."""
    distortion = list(camera.distortion)
    K = camera.matrix
    return CameraInfo(
        header=header,
        width=camera.width,
        height=camera.height,
        distortion_model="rational_polynomial" if len(distortion) == 8 else "plumb_bob",
        d=distortion or [0.0] * 5,
        k=K.ravel().tolist(),
        r=np.eye(3).ravel().tolist(),
        p=np.column_stack([K, np.zeros(3)]).ravel().tolist(),
    )


def matches_from_correspondence(correspondence, header):
    """Pack a correspondence into the ``matches`` cloud: one point per desired keypoint.

    Positions are in the normalized plane; unmatched keypoints have NaN for x and y.
    """
    points = np.zeros(len(correspondence.desired), dtype=_MATCH)
    seen = np.where(correspondence.matched[:, None], correspondence.current, np.nan)
    points["x"], points["y"] = seen.T
    points["z"] = 1.0
    points["x_desired"], points["y_desired"] = correspondence.desired.T
    points["matched"] = correspondence.matched
    data = array("B")
    data.frombytes(points.tobytes())
    return PointCloud2(
        header=header,
        height=1,
        width=len(points),
        fields=_fields(),
        is_bigendian=False,
        point_step=_MATCH.itemsize,
        row_step=_MATCH.itemsize * len(points),
        data=data,
        is_dense=bool(correspondence.matched.all()),
    )


def correspondence_from_matches(message):
    """Unpack a ``matches`` cloud.

    Raises:
        ValueError: if the layout is not the observer's, or matched positions are not finite.
    """
    layout = [(f.name, f.offset, f.datatype, f.count) for f in message.fields]
    expected = [(f.name, f.offset, f.datatype, f.count) for f in _fields()]
    if layout != expected or message.point_step != _MATCH.itemsize or message.is_bigendian:
        raise ValueError(f"matches must have the fields {expected}, got {layout}")
    if len(message.data) != message.width * message.height * _MATCH.itemsize:
        raise ValueError(
            f"matches of {message.width}x{message.height} points need "
            f"{message.width * message.height * _MATCH.itemsize} bytes, got {len(message.data)}"
        )
    points = np.frombuffer(message.data, dtype=_MATCH)
    return Correspondence(
        np.column_stack([points["x_desired"], points["y_desired"]]),
        np.column_stack([points["x"], points["y"]]),
        points["matched"] > 0,
    )


def twist_message(twist, header):
    """Pack a (6,) twist [v, w], m/s and rad/s, expressed in ``header.frame_id``."""
    vx, vy, vz, wx, wy, wz = map(float, twist)
    message = TwistStamped(header=header)
    message.twist.linear = Vector3(x=vx, y=vy, z=vz)
    message.twist.angular = Vector3(x=wx, y=wy, z=wz)
    return message


def _fields():
    types = {"<f4": PointField.FLOAT32, "|u1": PointField.UINT8}
    return [
        PointField(name=name, offset=offset, datatype=types[dtype.str], count=1)
        for name, (dtype, offset) in _MATCH.fields.items()
        if name != "padding"
    ]
