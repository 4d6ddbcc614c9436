"""Observer node: finds the desired image's keypoints in the camera's images."""

import time

import cv2
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_srvs.srv import Trigger

from cns_core.observers import BACKENDS, make_observer
from cns_ros.nodes.debug_image import draw_matches
from cns_ros.ros.diagnostics import OK, WARN, Diagnostics, Recent, age_s, seconds
from cns_ros.ros.image_codec import decode, encode
from cns_ros.ros.messages import camera_from_info, matches_from_correspondence
from cns_ros.ros.parameters import declare
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED
from cns_ros.ros.run import run

_FRESH_S = 1.0
_REORDERED_S = 1.0


class ObserverNode(Node):
    """Publishes ``matches`` for every image once a desired image is set."""

    def __init__(self, **options):
        super().__init__("observer", **options)
        self._name = declare(
            self, "observer", "sift", "keypoint detector", choices=sorted(BACKENDS), read_only=True
        )
        self._options = {
            "verify": declare(
                self, "verify", True, "reject matches no rigid motion explains", read_only=True
            ),
            "tracking": declare(
                self, "tracking", True, "follow keypoints between matchings", read_only=True
            ),
            "max_keypoints": declare(
                self,
                "max_keypoints",
                300,
                "most keypoints taken from the desired image",
                range=(16, 4096),
                read_only=True,
            ),
        }
        self._frozen_images = declare(
            self,
            "frozen_images",
            5,
            "repetitions of an image, noise and all, that mean a frozen camera; 0 for no limit",
            range=(0, 1000),
            read_only=True,
        )
        path = declare(
            self,
            "desired_image_path",
            "",
            "image file to use as the desired image from the start; empty for none",
            read_only=True,
        )
        self._desired_image = _read_image(path) if path else None
        self._camera = self._observer = self._newest = self._problem = None
        self._newest_received = 0.0
        self._repetitions = 0
        self._last_stamp_s = None
        self._matched = 0
        self._observe_ms = Recent()

        self._matches = self.create_publisher(PointCloud2, "matches", OFFERED)
        self._debug_image = self.create_publisher(Image, "~/debug_image", NEWEST)
        self.create_subscription(CameraInfo, "camera_info", self._on_camera_info, NEWEST)
        self.create_subscription(Image, "image", self._on_image, NEWEST)
        self.create_subscription(Image, "desired_image", self._on_desired_image, LATCHED)
        self.create_service(Trigger, "~/set_desired", self._on_set_desired)
        Diagnostics(self, self._diagnose)

    def destroy_node(self):
        """Stop the observer's background work, then the node."""
        if self._observer is not None:
            self._observer.close()
        super().destroy_node()

    def _on_camera_info(self, info):
        try:
            camera = camera_from_info(info)
        except ValueError as reason:
            self._complain(str(reason))
            return
        if camera == self._camera:
            return
        if self._observer is not None:
            self._observer.close()
        self._camera = camera
        self._observer = make_observer(self._name, camera, **self._options)
        if self._desired_image is not None:
            self._try_desired(self._desired_image)

    def _on_image(self, message):
        if self._is_late(message) or self._is_frozen(message):
            return
        self._newest, self._newest_received = message, time.monotonic()
        if self._observer is None:
            self._complain("no camera_info yet")
        elif self._observer.desired is not None:
            try:
                self._observe(message)
            except ValueError as reason:
                self._complain(str(reason))

    def _is_late(self, message):
        """Whether this or a newer image came before; a clock set back further starts anew."""
        stamp_s, last_s = seconds(message.header.stamp), self._last_stamp_s
        self._last_stamp_s = stamp_s
        if last_s is not None and 0.0 <= last_s - stamp_s < _REORDERED_S:
            self._last_stamp_s = last_s
            return True
        return False

    def _is_frozen(self, message):
        """Whether the camera repeats an image under new stamps: no two real ones are the same."""
        same = self._newest is not None and message.data == self._newest.data
        self._repetitions = self._repetitions + 1 if same else 0
        if not self._frozen_images or self._repetitions < self._frozen_images:
            return False
        self._complain(f"frozen camera: {self._repetitions} images repeat one, bit for bit")
        return True

    def _observe(self, message):
        before = time.perf_counter()
        image = decode(message)
        correspondence = self._observer.observe(image)
        self._problem = None
        self._observe_ms.add(1e3 * (time.perf_counter() - before))
        self._matched = correspondence.count
        self._matches.publish(matches_from_correspondence(correspondence, message.header))
        self._observer.prepare()
        if self._debug_image.get_subscription_count():
            picture = draw_matches(image, self._camera, correspondence)
            self._debug_image.publish(encode(picture, message.header))

    def _on_desired_image(self, message):
        try:
            image = decode(message)
        except ValueError as reason:
            self._complain(f"desired_image: {reason}")
            return
        self._try_desired(image)

    def _try_desired(self, image):
        """Set the desired image now, or as soon as the camera is known; return the refusal."""
        if self._observer is None:
            self._desired_image = image
            return "no camera_info yet"
        try:
            self._observer.set_desired(image)
        except ValueError as reason:
            self._complain(f"desired image refused: {reason}")
            return str(reason)
        self._desired_image = image
        self.get_logger().info(f"desired image set: {len(self._observer.desired)} keypoints")
        return None

    def _on_set_desired(self, request, response):
        refusal = self._set_newest_desired()
        response.success = refusal is None
        response.message = refusal or f"{len(self._observer.desired)} keypoints"
        return response

    def _set_newest_desired(self):
        if self._newest is None:
            return "no image received yet"
        silence_s = time.monotonic() - self._newest_received
        if silence_s > _FRESH_S:
            return f"the newest image came {silence_s:.1f} s ago: the camera has stopped"
        try:
            image = decode(self._newest)
        except ValueError as reason:
            return str(reason)
        return self._try_desired(image)

    def _complain(self, problem):
        self._problem = problem
        self.get_logger().warning(problem, throttle_duration_sec=5.0)

    def _diagnose(self):
        values = {"matched": self._matched, **self._observe_ms.figures("observe_ms")}
        if self._newest is not None:
            values["image_age_s"] = age_s(self, self._newest.header.stamp)
            silence_s = time.monotonic() - self._newest_received
            if silence_s > _FRESH_S:
                return WARN, self._problem or f"no fresh image for {silence_s:.1f} s", values
        if self._problem:
            return WARN, self._problem, values
        if self._newest is None:
            return WARN, "no image received yet", values
        if self._observer is None or self._observer.desired is None:
            return OK, "waiting for a desired image", values
        return OK, "observing", values


def _read_image(path):
    image = cv2.imread(path, cv2.IMREAD_COLOR)
    if image is None:
        raise ValueError(f"desired_image_path: no image can be read from {path!r}")
    return image


def main():
    """Entry point of the ``observer`` executable."""
    cv2.setNumThreads(1)  # two OpenCV threads on busy cores are slower than one
    return run(ObserverNode)


if __name__ == "__main__":
    raise SystemExit(main())
