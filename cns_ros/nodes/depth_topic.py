"""The topic ``depth_image``: how far away the scene of the desired view is, where one is published.

It is looked at only until that is known: depth images are large, and motion tells it better.
"""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from rclpy.clock import Clock, ClockType
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, Image

from cns_core.geometry.correspondence import Correspondence
from cns_core.geometry.depth_image import DepthImage, desired_distance
from cns_ros.ros.camera_info import camera_from_info
from cns_ros.ros.clock import seconds
from cns_ros.ros.depth_codec import decode_depth
from cns_ros.ros.guard import BAD_DATA, GuardedNode, reason_of
from cns_ros.ros.qos import NEWEST

_LOOK_S = 0.2
_KEPT = 10
_APART_S = 0.1
"""Largest time between a depth image and the image that keypoints were found in."""


class DepthTopic:
    """Looks into depth images of the camera that ``camera_info`` tells of.

    Args:
        node: whose topic it is.

    Attributes:
        wanted: whether anybody asks; otherwise nothing is subscribed to.
        problem: why the depth images are of no use, empty for nothing.
    """

    def __init__(self, node: GuardedNode) -> None:
        self.wanted = True
        self.problem = ""
        self._node = node
        self._topic = node.resolve_topic_name("depth_image")
        self._subscriptions: list[Subscription] = []
        self._info: CameraInfo | None = None
        self._kept: deque[Image] = deque(maxlen=_KEPT)
        self._target = np.zeros((0, 2))
        self._distance_m: float | None = None
        # Simulated time may stand still until there are images.
        node.create_timer(_LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def distance(self, seen: Correspondence, time_s: float) -> float | None:
        """From the desired camera to the scene, m; None while that is not known.

        Args:
            seen: keypoints in the image taken at ``time_s``.
        """
        if not seen.same_target(self._target):
            self._target, self._distance_m = seen.desired, None
        if self._distance_m is None and self._kept:
            try:
                self._distance_m = self._measure(seen, time_s)
                self.problem = ""
            except BAD_DATA as error:
                self._complain(reason_of(error))
        return self._distance_m

    def _measure(self, seen: Correspondence, time_s: float) -> float:
        newest = min(self._kept, key=lambda each: abs(seconds(each.header.stamp) - time_s))
        apart_s = seconds(newest.header.stamp) - time_s
        if not abs(apart_s) <= _APART_S:
            raise ValueError(
                f"the nearest depth image is {apart_s:+.2f} s from the image, {_APART_S} s are "
                "allowed: publish both with the stamps of one clock"
            )
        image: NDArray[np.generic] = decode_depth(newest)
        if self._info is None:
            raise ValueError("no camera_info yet: what the depth image shows is not known")
        return desired_distance(DepthImage(image, camera_from_info(self._info)), seen)

    def _look(self) -> None:
        """Subscribe while there is something to find out, and somebody publishes it."""
        wanted = self.wanted and self._distance_m is None
        if wanted and not self._subscriptions and self._node.count_publishers(self._topic):
            self._subscriptions = [
                self._node.create_subscription(
                    Image, self._topic, self._on_depth, NEWEST, refuse=self._complain
                ),
                self._node.create_subscription(CameraInfo, "camera_info", self._on_info, NEWEST),
            ]
        elif not wanted and self._subscriptions:
            for each in self._subscriptions:
                self._node.destroy_subscription(each)
            self._subscriptions = []
            self._kept.clear()

    def _on_depth(self, message: Image) -> None:
        self._kept.append(message)

    def _on_info(self, info: CameraInfo) -> None:
        self._info = info

    def _complain(self, problem: str) -> None:
        self.problem = problem
        self._node.get_logger().warning(f"depth_image: {problem}", throttle_duration_sec=5.0)
