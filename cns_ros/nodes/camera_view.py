"""What the camera sees at this moment, with where it was: one image, asked for when needed."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
from rclpy.callback_groups import CallbackGroup
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, Image

from cns_core.geometry.camera import PinholeCamera
from cns_core.structure.odometry import PoseHistory
from cns_ros.nodes.image_topic import ImageTopic
from cns_ros.ros.camera_info import camera_from_info
from cns_ros.ros.clock import seconds
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.poses_twists import pose_from_message
from cns_ros.ros.qos import NEWEST
from cns_ros.ros.subscribe import subscribe_to_state

_CAMERA_S, _POSE_S, _LOOK_S = 2.0, 0.3, 0.01


@dataclass(frozen=True)
class View:
    """An image with what was known when it was taken.

    Attributes:
        image: (H, W, 3) BGR or (H, W) grey uint8.
        camera: what took it.
        pose: (4, 4) of the camera in ``frame``, in m; None where it is not known.
    """

    image: np.ndarray
    camera: PinholeCamera
    pose: NDArray[np.float64] | None
    frame: str


class CameraView:
    """Hears camera_info and the camera's pose; images only while one is asked for.

    Args:
        node: the rclpy node, spun by an executor of several threads.
        transport, rectified: as the observer's parameters.
        group: of the subscription to poses.

    Attributes:
        camera: None before the first camera_info.
    """

    def __init__(
        self, node: GuardedNode, transport: str, rectified: bool, group: CallbackGroup
    ) -> None:
        self._node, self._transport, self._rectified = node, transport, rectified
        self.camera: PinholeCamera | None = None
        self._known = threading.Event()
        self._no_camera = "no camera_info yet: is the camera running?"
        self._poses, self._frame = PoseHistory(), "base"
        subscribe_to_state(node, CameraInfo, "camera_info", self._on_info, self._refuse_info)
        node.create_subscription(
            PoseStamped, "tcp_pose", self._on_pose, NEWEST, callback_group=group
        )

    def known_camera(self) -> PinholeCamera:
        """The camera, waited for a little; ValueError says why it is not known."""
        self._known.wait(_CAMERA_S)
        if self.camera is None:
            raise ValueError(self._no_camera)
        return self.camera

    def take(self, timeout_s: float) -> View:
        """The next image; to be called in a thread other than those that spin the node.

        Raises:
            ValueError: if none comes, or it is not the camera's.
        """
        camera = self.known_camera()
        message, image = self._image(timeout_s)
        camera.check_image(image)
        return View(image, camera, self._pose(seconds(message.header.stamp)), self._frame)

    def _pose(self, time_s: float) -> NDArray[np.float64] | None:
        """Where the camera was; a pose of that time may come after the image."""
        end_s = time.monotonic() + _POSE_S
        while (pose := self._poses.at(time_s)) is None and time.monotonic() < end_s:
            time.sleep(_LOOK_S)
        return pose

    def _image(self, timeout_s: float) -> tuple[Image, np.ndarray]:
        """The next message, and the image in it.

        A node of its own hears it, since rclpy's executors do not bear that a subscription of a
        node that they spin is destroyed by another thread.
        """
        name = self._node.resolve_topic_name("image")
        node = GuardedNode(
            f"{self._node.get_name()}_camera",
            context=self._node.context,
            cli_args=["--ros-args", "-r", f"image:={name}"],
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        executor = SingleThreadedExecutor(context=self._node.context)
        executor.add_node(node)
        got = list[Image]()
        try:
            topic = ImageTopic(node, self._transport, got.append, self._node.get_logger().warning)
            end_s = time.monotonic() + timeout_s
            while not got:
                if (left_s := end_s - time.monotonic()) <= 0.0:
                    raise ValueError(topic.absence())
                executor.spin_once(timeout_sec=left_s)
            return got[0], topic.decode(got[0])
        finally:
            executor.shutdown()
            node.destroy_node()

    def _on_info(self, message: CameraInfo) -> None:
        self.camera = camera_from_info(message, self._rectified)
        self._known.set()

    def _refuse_info(self, reason: str) -> None:
        self.camera, self._no_camera = None, reason

    def _on_pose(self, message: PoseStamped) -> None:
        self._frame = message.header.frame_id
        self._poses.add(seconds(message.header.stamp), pose_from_message(message))
