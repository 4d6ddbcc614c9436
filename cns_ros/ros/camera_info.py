"""sensor_msgs/CameraInfo to and from the camera model."""

from __future__ import annotations

import numpy as np
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from cns_core.geometry.camera import PinholeCamera

_DISTORTION_MODELS = ("", "plumb_bob", "rational_polynomial")


def camera_from_info(info: CameraInfo) -> PinholeCamera:
    """Build the camera of a CameraInfo message.

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


def info_from_camera(camera: PinholeCamera, header: Header) -> CameraInfo:
    """Build the CameraInfo message (REP 104) of a camera."""
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
