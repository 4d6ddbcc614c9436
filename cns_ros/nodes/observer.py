"""Observer node: finds the desired image's keypoints in the camera's images."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_srvs.srv import Trigger

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers import Observer, make_observer
from cns_ros.nodes.debug_image import draw_matches
from cns_ros.nodes.image_gate import ImageGate
from cns_ros.nodes.observer_settings import ObserverSettings
from cns_ros.ros.camera_info import camera_from_info
from cns_ros.ros.clock import age_s, now_s
from cns_ros.ros.diagnostics import OK, WARN, Diagnosis, Diagnostics, Recent
from cns_ros.ros.image_codec import decode, encode
from cns_ros.ros.matches import matches_from_correspondence
from cns_ros.ros.parameters import declare_all
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED
from cns_ros.ros.run import run

_FRESH_S = 1.0


class ObserverNode(Node):
    """Publishes ``matches`` for every image once a desired image is set.

    Attributes:
        newest: the last image worth looking at; None before the first.
        camera: what took it; None before the first camera_info.
        gate: which images are worth looking at.
        problem: what keeps it from answering, empty for nothing.
        observe_ms: time that each answer took.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("observer", **options)
        self._settings = declare_all(self, ObserverSettings)
        path = self._settings.desired_image_path
        self._desired_image = _read_image(path) if path else None
        self._observer: Observer | None = None
        self.newest: Image | None = None
        self.camera: PinholeCamera | None = None
        self.gate = ImageGate(self._settings.frozen_images)
        self.problem = ""
        self.observe_ms = Recent()
        self._newest_received = self._heard = 0.0
        self._matched = 0

        self._matches = self.create_publisher(PointCloud2, "matches", OFFERED)
        self._debug_image = self.create_publisher(Image, "~/debug_image", NEWEST)
        self.create_subscription(CameraInfo, "camera_info", self._on_camera_info, NEWEST)
        self.create_subscription(Image, "image", self._on_image, NEWEST)
        self.create_subscription(Image, "desired_image", self._on_desired_image, LATCHED)
        self.create_service(Trigger, "~/set_desired", self._on_set_desired)
        Diagnostics(self, self._diagnose)

    def destroy_node(self) -> None:
        """Stop the observer's background work, then the node."""
        if self._observer is not None:
            self._observer.close()
        super().destroy_node()

    def _on_camera_info(self, info: CameraInfo) -> None:
        try:
            camera = camera_from_info(info)
        except ValueError as reason:
            self._complain(str(reason))
            return
        if camera == self.camera:
            return
        if self._observer is not None:
            self._observer.close()
        self.camera = camera
        self._observer = make_observer(
            self._settings.observer,
            camera,
            verify=self._settings.verify,
            tracking=self._settings.tracking,
            max_keypoints=self._settings.max_keypoints,
        )
        if self._desired_image is not None:
            self._try_desired(self._desired_image)

    def _on_image(self, message: Image) -> None:
        self._heard = time.monotonic()
        if self._settings.stamp == "receive":
            message.header.stamp = self.get_clock().now().to_msg()
        refusal = self.gate.refusal
        try:
            if not self.gate.admit(message, now_s(self)):
                return
            if self.problem == refusal:
                self.problem = ""
            self.newest, self._newest_received = message, time.monotonic()
            if self._observer is None or self.camera is None:
                self._complain("no camera_info yet")
            elif self._observer.desired is not None:
                self._observe(self._observer, self.camera, message)
        except ValueError as reason:
            self._complain(str(reason))

    def _observe(self, observer: Observer, camera: PinholeCamera, message: Image) -> None:
        before = time.perf_counter()
        image = decode(message)
        correspondence = observer.observe(image)
        self.problem = self.gate.stamps.stale(now_s(self), _FRESH_S)
        self.observe_ms.add(1e3 * (time.perf_counter() - before))
        self._matched = correspondence.count
        self._matches.publish(matches_from_correspondence(correspondence, message.header))
        observer.prepare()
        if self._debug_image.get_subscription_count():
            picture = draw_matches(image, camera, correspondence)
            self._debug_image.publish(encode(picture, message.header))

    def _on_desired_image(self, message: Image) -> None:
        try:
            image = decode(message)
        except ValueError as reason:
            self._complain(f"desired_image: {reason}")
            return
        self._try_desired(image)

    def _try_desired(self, image: np.ndarray) -> tuple[bool, str]:
        """Set the desired image now, or as soon as the camera is known; whether it is set, why."""
        if self._observer is None:
            self._desired_image = image
            return False, "no camera_info yet"
        try:
            self._observer.set_desired(image)
        except ValueError as reason:
            self._complain(f"desired image refused: {reason}")
            return False, str(reason)
        self._desired_image = image
        desired = self._observer.desired
        keypoints = f"{0 if desired is None else len(desired)} keypoints"
        self.get_logger().info(f"desired image set: {keypoints}")
        return True, keypoints

    def _on_set_desired(
        self, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        response.success, response.message = self._set_newest_desired()
        return response

    def _set_newest_desired(self) -> tuple[bool, str]:
        newest, missing = self.newest, self._no_image()
        if newest is None or missing:
            return False, missing
        try:
            image = decode(newest)
        except ValueError as reason:
            return False, str(reason)
        return self._try_desired(image)

    def _no_image(self) -> str:
        """Why there is no image of what the camera sees now, empty if there is one."""
        now = time.monotonic()
        if not self._heard:
            return f"no image received yet: none comes on {self.resolve_topic_name('image')}"
        if (silence_s := now - self._heard) > _FRESH_S:
            return f"the newest image came {silence_s:.1f} s ago: the camera has stopped"
        if self.newest is None or now - self._newest_received > _FRESH_S:
            return self.gate.refusal
        return self.gate.stamps.hangs_back(now_s(self), _FRESH_S)

    def _complain(self, problem: str) -> None:
        self.problem = problem
        self.get_logger().warning(problem, throttle_duration_sec=5.0)

    def _diagnose(self) -> Diagnosis:
        values = {"matched": self._matched, **self.observe_ms.figures("observe_ms")}
        if self.newest is not None:
            values["image_age_s"] = age_s(self, self.newest.header.stamp)
        if problem := self._no_image() or self.problem:
            return WARN, problem, values
        if self._observer is None or self._observer.desired is None:
            return OK, "waiting for a desired image", values
        return OK, "observing", values


def _read_image(path: str) -> np.ndarray:
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"desired_image_path: no image can be read from {path!r}")
    return image


def main() -> int:
    """Entry point of the ``observer`` executable."""
    cv2.setNumThreads(1)  # two OpenCV threads on busy cores are slower than one
    return run(ObserverNode)


if __name__ == "__main__":
    raise SystemExit(main())
