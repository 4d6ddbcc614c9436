"""What the simulated camera's driver publishes: images, raw and compressed, and camera_info."""

from __future__ import annotations

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from cns_core.geometry.camera import PinholeCamera
from cns_ros.ros.camera_info import info_from_camera
from cns_ros.ros.depth_codec import encode_depth
from cns_ros.ros.image_codec import encode
from cns_ros.ros.qos import NEWEST

_JPEG_QUALITY = 95


class CameraOutput:
    """Publishes images of one camera.

    Args:
        node: what publishes.
        camera: with its full resolution, which camera_info tells whatever the binning.
        frame: the images' frame.
        binning: so many pixels a side are averaged into one.
        compressed: whether there is an ``image/compressed``, too.
        depth: encoding of a ``depth_image``, ``"none"`` for none.
    """

    def __init__(
        self,
        node: Node,
        camera: PinholeCamera,
        frame: str,
        binning: int,
        compressed: bool,
        depth: str = "none",
    ) -> None:
        self._camera, self._frame, self._binning = camera, frame, binning
        self._image = node.create_publisher(Image, "image", NEWEST)
        self._camera_info = node.create_publisher(CameraInfo, "camera_info", NEWEST)
        self._compressed = None
        if compressed:
            # Beside the image, to wherever that is remapped.
            topic = f"{self._image.topic_name}/compressed"
            self._compressed = node.create_publisher(CompressedImage, topic, NEWEST)

        self._depth_encoding = depth
        self._depth = None
        if depth != "none":
            self._depth = node.create_publisher(Image, "depth_image", NEWEST)

    def publish(self, image: np.ndarray, stamp: Time, depth_m: np.ndarray | None = None) -> None:
        """Publish what the camera took with its full resolution.

        Args:
            image: (H, W, 3) uint8 BGR.
            stamp: of the exposure.
            depth_m: (H, W) in m, NaN in holes; None for none.
        """
        header = Header(stamp=stamp, frame_id=self._frame)
        if self._binning > 1:
            height, width = (size // self._binning for size in image.shape[:2])
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
        self._image.publish(encode(image, header))
        if self._compressed is not None:
            self._compressed.publish(_compress(image, header))
        info = info_from_camera(self._camera, header)
        info.binning_x = info.binning_y = self._binning if self._binning > 1 else 0
        self._camera_info.publish(info)
        if self._depth is not None and depth_m is not None:
            small = depth_m[:: self._binning, :: self._binning][: image.shape[0], : image.shape[1]]
            self._depth.publish(encode_depth(small, self._depth_encoding, header))


def _compress(image: np.ndarray, header: Header) -> CompressedImage:
    """As image_transport's plugin compresses it."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return CompressedImage(
        header=header, format="bgr8; jpeg compressed bgr8", data=data.ravel().tobytes()
    )
