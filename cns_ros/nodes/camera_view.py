"""What the camera sees at this moment, with where it was: one image, asked for when needed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from geometry_msgs.msg import PoseStamped
from numpy.typing import NDArray
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

_CAMERA_S, _POSE_S = 2.0, 0.5
_TOPICS = "image", "tcp_pose"


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
    """Hears camera_info; images and the camera's pose only while a view is asked for.

    Args:
        node: the rclpy node, spun by an executor of several threads.
        transport, rectified: as the observer's parameters.

    Attributes:
        camera: None before the first camera_info.
    """

    def __init__(self, node: GuardedNode, transport: str, rectified: bool) -> None:
        self._node, self._transport, self._rectified = node, transport, rectified
        self.camera: PinholeCamera | None = None
        self._known = threading.Event()
        self._no_camera = "no camera_info yet: is the camera running?"
        subscribe_to_state(node, CameraInfo, "camera_info", self._on_info, self._refuse_info)

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
        # A node of its own hears it, since rclpy's executors do not bear that a subscription of a
        # node that they spin is destroyed by another thread.
        names = (self._node.resolve_topic_name(name) for name in _TOPICS)
        remaps = [f"{name}:={full}" for name, full in zip(_TOPICS, names, strict=True)]
        node = GuardedNode(
            f"{self._node.get_name()}_camera",
            context=self._node.context,
            cli_args=["--ros-args", *(word for remap in remaps for word in ("-r", remap))],
            use_global_arguments=False,
            start_parameter_services=False,
            enable_rosout=False,
        )
        executor = SingleThreadedExecutor(context=self._node.context)
        executor.add_node(node)
        try:
            message, image, poses = self._hear(node, executor, timeout_s)
        finally:
            executor.shutdown()
            node.destroy_node()
        camera.check_image(image)
        return View(image, camera, poses.at(message), poses.frame)

    def _hear(
        self, node: GuardedNode, executor: SingleThreadedExecutor, timeout_s: float
    ) -> tuple[Image, np.ndarray, _Poses]:
        """The next message, the image in it, and the poses about its time."""
        poses, got = _Poses(), list[Image]()
        node.create_subscription(PoseStamped, "tcp_pose", poses.add, NEWEST)
        topic = ImageTopic(node, self._transport, got.append, self._node.get_logger().warning)
        _spin(executor, lambda: bool(got), timeout_s)
        if not got:
            raise ValueError(topic.absence())
        if self._node.count_publishers(self._node.resolve_topic_name("tcp_pose")):
            # The first image may be older than the first pose; poses of another clock never come.
            _spin(executor, lambda: poses.at(got[-1]) is not None, _POSE_S)
        return got[-1], topic.decode(got[-1]), poses

    def _on_info(self, message: CameraInfo) -> None:
        self.camera = camera_from_info(message, self._rectified)
        self._known.set()

    def _refuse_info(self, reason: str) -> None:
        self.camera, self._no_camera = None, reason


class _Poses:
    """Where the camera was of late, and in which frame; empty before the first pose."""

    def __init__(self) -> None:
        self._history, self.frame = PoseHistory(), ""

    def add(self, message: PoseStamped) -> None:
        self.frame = message.header.frame_id
        self._history.add(seconds(message.header.stamp), pose_from_message(message))

    def at(self, image: Image) -> NDArray[np.float64] | None:
        return self._history.at(seconds(image.header.stamp))


def _spin(executor: SingleThreadedExecutor, done: Callable[[], bool], timeout_s: float) -> None:
    end_s = time.monotonic() + timeout_s
    while not done() and (left_s := end_s - time.monotonic()) > 0.0:
        executor.spin_once(timeout_sec=left_s)
