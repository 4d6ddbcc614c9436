"""Observer node: finds the desired image's keypoints in the camera's images."""

from __future__ import annotations

import time
from typing import Any

import cv2
import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from cns_core.geometry.camera import PinholeCamera
from cns_core.observers import make_observer, preload
from cns_core.observers.base import FeatureObserver
from cns_core.observers.self_similarity import SELF_SIMILAR
from cns_ros.nodes.debug_image import draw_matches
from cns_ros.nodes.image_gate import ImageGate
from cns_ros.nodes.image_topic import ImageTopic
from cns_ros.nodes.learn_mask import LearnMask
from cns_ros.nodes.left_out_topic import HearLeftOut
from cns_ros.nodes.observer_settings import ObserverSettings
from cns_ros.nodes.scene_mask import SceneMask
from cns_ros.ros.camera_info import camera_from_info, size_in_words
from cns_ros.ros.clock import age_s, nanoseconds, now_s
from cns_ros.ros.diagnostics import OK, WARN, Diagnosis, Diagnostics, Recent, status_message
from cns_ros.ros.guard import BAD_DATA, GuardedNode, reason_of
from cns_ros.ros.image_codec import decode, encode, transparency
from cns_ros.ros.image_file import read_image
from cns_ros.ros.matches import matches_from_correspondence
from cns_ros.ros.overrides import overridable
from cns_ros.ros.parameters import declare_all
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED
from cns_ros.ros.run import run
from cns_ros.ros.senders import several_senders
from cns_ros.ros.subscribe import subscribe_to_state

_FRESH_S = 1.0
_ROUNDING_PX = 0.01
"""Cameras that differ by less are one and the same."""
_BREATHING = 0.01
"""Of the image's width: by so much focusing moves an image. Beyond, the camera is another one."""


class ObserverNode(GuardedNode):
    """Publishes ``matches`` for every image once a desired image is set.

    Attributes:
        newest: the last image worth looking at; None before the first.
        camera: what took it; None before the first camera_info.
        gate: which images are worth looking at.
        problem: what keeps it from answering, empty for nothing.
        observe_ms: time that each answer took.
        left_out: what it is told to leave out.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("observer", **options)
        self._settings = declare_all(self, ObserverSettings)
        path = self._settings.desired_image_path
        self._desired_image = read_image(path, "desired_image_path") if path else None
        self._desired_message: Image | None = None
        self._desired_outcome = False, ""
        self._scene_mask = SceneMask(self._settings.mask)
        self._mask: np.ndarray | None = None
        self._observer: FeatureObserver | None = None
        preload(self._settings.observer_name)
        self._no_observer = "no camera_info yet"
        self._bad_info = ""
        self._goal_camera: PinholeCamera  # what the desired image was taken with
        self._image_size = ""
        self.newest: Image | None = None
        self.camera: PinholeCamera | None = None
        self.gate = ImageGate(self._settings.frozen_images)
        self.problem = ""
        self.observe_ms, self._arrival_ms = Recent(), Recent()
        self._heard = self._newest_received = 0.0
        self._matched = 0

        self._matches = self.create_publisher(PointCloud2, "matches", **overridable(OFFERED))
        self._goal = self.create_publisher(Image, "~/goal", LATCHED)
        self._mask_used = self.create_publisher(Image, "~/mask", LATCHED)
        self._debug_image = self.create_publisher(Image, "~/debug_image", NEWEST)
        self._desired_set = self.create_publisher(DiagnosticStatus, "~/desired", LATCHED)
        self._info_topic = subscribe_to_state(
            self, CameraInfo, "camera_info", self._on_camera_info, self._refuse_camera
        )
        self._images = ImageTopic(
            self, self._settings.image_transport, self._on_image, self._complain
        )
        subscribe_to_state(
            self, Image, "desired_image", self._on_desired_image, self._refuse_desired
        )
        self.left_out = HearLeftOut(self, self._refuse_left_out)
        self.create_service(Trigger, "~/set_desired", self._on_set_desired)
        self._learn_mask = LearnMask(self, self._settings.learnt_mask_file, self._use_mask)
        Diagnostics(self, self._diagnose, self._camera_name)

    def make_safe(self, reason: str) -> None:
        """Without matches nothing moves; the diagnosis says why there are none."""
        self.problem = reason

    def destroy_node(self) -> None:
        """Stop the observer's background work, then the node."""
        if self._observer is not None:
            self._observer.close()
        super().destroy_node()

    def _on_camera_info(self, info: CameraInfo) -> None:
        camera = camera_from_info(info, self._settings.rectified)
        self._bad_info = ""
        self._image_size = size_in_words(info)
        if camera == self.camera:
            return
        if self.camera is not None and self._observer is not None:
            if self.camera.shift_px(camera) < _ROUNDING_PX:
                return
            if self._goal_camera.shift_px(camera) < _BREATHING * camera.width:
                self._observer.recalibrate(camera)
                self.camera = camera
                return
        self._change_camera(camera)

    def _change_camera(self, camera: PinholeCamera) -> None:
        """Begin anew with another camera, and the desired image there is."""
        if self._observer is not None:
            self._observer.close()
        self.camera, self._observer = camera, None
        self._mask = self._scene_mask.of(camera)
        if self._mask is not None:
            self._mask_used.publish(encode(self._mask, Header()))
        self._goal_camera = camera
        self._observer = make_observer(
            self._settings.observer_name,
            camera,
            verify=self._settings.verify,
            tracking=self._settings.tracking,
            max_keypoints=self._settings.max_keypoints,
            mask=self._mask,
            background=self._settings.background,
            smooth_px=self._settings.smooth_px,
        )
        invertible = camera.invertible()
        if invertible is not None:
            self.get_logger().warning(
                f"camera_info's distortion has no inverse in {100 * (1 - invertible.mean()):.0f} % "
                "of the image: what is seen there is left out; calibrate again with views there"
            )
        if self._desired_image is not None:
            self._try_desired(self._desired_image)

    def _use_mask(self, mask: np.ndarray) -> None:
        self._scene_mask.learn(mask)
        if self.camera is not None:
            self._change_camera(self.camera)

    def _refuse_camera(self, reason: str) -> None:
        self._no_observer = self._bad_info = reason
        self._complain(reason)

    def _on_image(self, message: Image) -> None:
        self._heard = time.monotonic()
        if self._settings.stamp == "receive":
            message.header.stamp = self.get_clock().now().to_msg()
        refusal = self.gate.refusal
        if not self.gate.admit(message, now_s(self)):
            return
        if self.problem == refusal:
            self.problem = ""
        self.newest, self._newest_received = message, time.monotonic()
        self._arrival_ms.add(1e3 * age_s(self, message.header.stamp))
        if self._observer is None or self.camera is None:
            self._complain(self._no_observer)
        else:
            self._observe(self._observer, self.camera, message)

    def _observe(self, observer: FeatureObserver, camera: PinholeCamera, message: Image) -> None:
        before = time.perf_counter()
        image = self._decode(message, camera)
        if observer.desired is None:
            self._learn_mask.look(image)
            return
        self.left_out.apply(observer, message.header)
        correspondence = observer.observe(image)
        self.problem = self.gate.stamps.stale(now_s(self), _FRESH_S)
        self.observe_ms.add(1e3 * (time.perf_counter() - before))
        self._matched = correspondence.count
        self._matches.publish(matches_from_correspondence(correspondence, message.header))
        observer.prepare()
        self._learn_mask.look(image)
        if self._debug_image.get_subscription_count():
            left_out = self.left_out.keypoints
            picture = draw_matches(image, camera, correspondence, self._mask, left_out)
            self._debug_image.publish(encode(picture, message.header))

    def _decode(self, message: Image, camera: PinholeCamera | None) -> np.ndarray:
        """The image of a message; ValueError says so where the camera's are of another size."""
        image = self._images.decode(message)
        if camera is not None:
            try:
                camera.check_image(image)
            except ValueError as reason:
                raise ValueError(f"{reason} (camera_info: {self._image_size})") from None
        return image

    def _on_desired_image(self, message: Image) -> None:
        last = self._desired_message
        if last is not None and (last.encoding, last.data) == (message.encoding, message.data):
            if last.header.stamp != message.header.stamp:  # twice the same
                self._desired_message = message
                self._tell_desired(message)
            return  # or said again for whoever came late
        self._desired_outcome = False, "internal error, see the log"
        try:
            image = decode(message)
            self._desired_message = message
            self._desired_outcome = self._try_goal(image, transparency(message))
        except BAD_DATA as reason:
            self._desired_outcome = False, reason_of(reason)
            raise
        finally:
            self._tell_desired(message)

    def _try_goal(self, image: np.ndarray, mask: np.ndarray | None) -> tuple[bool, str]:
        """Set a desired image of which a (H, W) mask hides a part; if refused, the former stays."""
        before = self._scene_mask.of_goal, self._desired_image
        if _same(before[0], mask):
            return self._try_desired(image)
        self._put_mask(mask, None)
        is_set, said = self._try_desired(image)
        if not is_set and self._observer is not None:
            self._put_mask(*before)
        return is_set, said

    def _put_mask(self, mask: np.ndarray | None, desired: np.ndarray | None) -> None:
        self._scene_mask.of_goal, self._desired_image = mask, desired
        if self.camera is not None:
            self._change_camera(self.camera)

    def _refuse_desired(self, reason: str) -> None:
        self._complain(f"desired_image: {reason}")

    def _refuse_left_out(self, reason: str) -> None:
        self._complain(f"controller/left_out: {reason}")

    def _tell_desired(self, message: Image) -> None:
        """Publish what has become of a desired image; its stamp says of which."""
        is_set, said = self._desired_outcome
        values = {"stamp": nanoseconds(message.header.stamp)}
        level = OK if is_set else WARN
        self._desired_set.publish(status_message(self.get_name(), level, said, values))

    def _try_desired(self, image: np.ndarray) -> tuple[bool, str]:
        """Set the desired image now, or as soon as the camera is known; whether it is set, why."""
        if self._observer is None:
            self._desired_image = image
            return False, self._no_observer
        try:
            self._observer.set_desired(image)
        except ValueError as reason:
            self._complain(f"desired image refused: {reason}")
            return False, str(reason)
        self._desired_image = image
        self._goal_camera = self._observer.camera
        # Of the time of the newest image: it holds for those that follow.
        header = Header() if self.newest is None else self.newest.header
        self._goal.publish(encode(image, header))
        desired = self._observer.desired
        said = f"{0 if desired is None else len(desired)} keypoints"
        share = self._observer.self_similar
        if share >= SELF_SIMILAR:
            said += (
                f"; warning: {100 * share:.0f} % of them look the same elsewhere in the image, and "
                "a view a period off may be taken for it: show something unique as well"
            )
            self.get_logger().warning(f"desired image set: {said}")
        else:
            self.get_logger().info(f"desired image set: {said}")
        return True, said

    def _on_set_desired(
        self, request: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        response.success, response.message = self._set_newest_desired()
        return response

    def _set_newest_desired(self) -> tuple[bool, str]:
        newest, missing = self.newest, self._no_image() or self._several_cameras()
        if newest is None or missing:
            return False, missing
        if self._observer is None:
            return False, self._no_observer
        self._desired_message = None
        self._images.renew()
        return self._try_goal(self._decode(newest, self.camera), None)

    def _no_image(self) -> str:
        """Why there is no image of what the camera sees now, empty if there is one."""
        now = time.monotonic()
        if not self._heard:
            return self._images.absence()
        if (silence_s := now - self._heard) > _FRESH_S:
            return f"the newest image came {silence_s:.1f} s ago: the camera has stopped"
        if self.newest is None or now - self._newest_received > _FRESH_S:
            return self.gate.refusal
        return self.gate.stamps.hangs_back(now_s(self), _FRESH_S)

    def _several_cameras(self) -> str:
        """Who sends images or camera_info beside the camera: each would be taken for the other."""
        topics = (self._images.name, self._info_topic)
        return "; ".join(filter(None, (several_senders(self, topic) for topic in topics)))

    def _complain(self, problem: str) -> None:
        self.problem = problem
        self.get_logger().warning(problem, throttle_duration_sec=5.0)

    def _camera_name(self) -> str:
        frame = self.newest.header.frame_id if self.newest is not None else "camera"
        return f"{frame} on {self._images.name}"

    def _diagnose(self) -> Diagnosis:
        values = {"matched": self._matched, **self.observe_ms.figures("observe_ms")}
        values["left_out"] = int(self.left_out.keypoints.sum())
        values |= self._arrival_ms.figures("arrival_ms")
        if self._observer is not None and self._observer.desired is not None:
            values["self_similar"] = self._observer.self_similar
        if self.newest is not None:
            values["image_age_s"] = age_s(self, self.newest.header.stamp)
        problem = self._no_image() or self._several_cameras() or self.problem or self._bad_info
        if problem:
            return WARN, problem, values
        if self._observer is None or self._observer.desired is None:
            return OK, "waiting for a desired image", values
        return OK, "observing", values


def _same(a: np.ndarray | None, b: np.ndarray | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


def main() -> int:
    """Entry point of the ``observer`` executable."""
    cv2.setNumThreads(1)  # two OpenCV threads on busy cores are slower than one
    return run(ObserverNode)


if __name__ == "__main__":
    raise SystemExit(main())
