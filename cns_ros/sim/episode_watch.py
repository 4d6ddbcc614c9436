"""The node with which an episode is watched: what goes by on the topics, recorded and summed up."""

import math
import threading
import time
from dataclasses import replace

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import Image, PointCloud2
from std_srvs.srv import Trigger

from cns_core.geometry import se3
from cns_core.record.episode_log import Sample
from cns_ros.ros.image_codec import decode
from cns_ros.ros.messages import correspondence_from_matches
from cns_ros.ros.parameters import declare
from cns_ros.ros.qos import LATCHED, NEWEST, RECORDED

_FRAME_EVERY_S = 0.5
_UNFINISHED = ("idle", "servoing", "lost")


class EpisodeWatch(Node):
    """Records an episode between :meth:`begin` and :meth:`end`; spins in a thread of its own.

    Attributes:
        image: newest BGR image, or None.
        status, cause: what the controller last said of itself, or the driver's end of the episode.
        frames: (image, Correspondence) pairs, every half second.
        poses: true camera poses (4, 4) in the base frame, one a sample.
        command_rate_hz: commands a second that the driver last reported to have sent the arm.
        done: event, set when the controller ends the episode.
    """

    def __init__(self, log):
        super().__init__("episode")
        self.log = log
        self.image = None
        self.status, self.cause, self.driver = "", "", ""
        self.frames, self.poses = [], []
        self.command_rate_hz = 0.0
        self.done = threading.Event()
        self._changed = threading.Condition()
        self._goal = self._pose = self._correspondence = None
        self._published, self._observed = set(), set()  # stamps of images
        self._aged = 0
        self._began_s = 0.0
        self._triggers = {}
        self._declare_settings()
        self.create_subscription(Image, "image", self._on_image, NEWEST)
        self.create_subscription(PointCloud2, "matches", self._on_matches, RECORDED)
        self.create_subscription(TwistStamped, "twist", self._on_twist, RECORDED)
        self.create_subscription(PoseStamped, "twin/ground_truth", self._on_pose, RECORDED)
        self.create_subscription(DiagnosticStatus, "controller/status", self._on_status, RECORDED)
        self.create_subscription(DiagnosticStatus, "ur_driver/status", self._on_driver, LATCHED)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def _declare_settings(self):
        declare(self, "seed", 0, "the twin's seed", range=(0, 2**31 - 1), read_only=True)
        declare(self, "host", "127.0.0.1", "the twin's loopback address", read_only=True)
        declare(self, "hand_eye_file", "", "as the twin's", read_only=True)
        declare(self, "out", "out", "folder for pictures and figures", read_only=True)
        declare(
            self,
            "timeout",
            60.0,
            "longest that the episode may take",
            unit="s",
            range=(1.0, 3600.0),
            read_only=True,
        )

    def setting(self, name):
        """Value of one of this node's parameters."""
        return self.get_parameter(name).value

    def wait_for(self, what, condition, timeout_s):
        """Wait until messages make ``condition()`` true.

        Raises:
            TimeoutError: naming ``what`` did not come.
        """
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                raise TimeoutError(f"no sign of {what} within {timeout_s:.0f} s")

    def call(self, service, timeout_s):
        """Call a Trigger service and return its response.

        Raises:
            TimeoutError: if it does not exist or answer in time.
        """
        if service not in self._triggers:
            self._triggers[service] = self.create_client(Trigger, service)
        client = self._triggers[service]
        if not client.wait_for_service(timeout_s):
            raise TimeoutError(f"service {service} is not there after {timeout_s:.0f} s")
        answered = threading.Event()
        future = client.call_async(Trigger.Request())
        future.add_done_callback(lambda _: answered.set())
        if not answered.wait(timeout_s):
            raise TimeoutError(f"service {service} did not answer within {timeout_s:.0f} s")
        return future.result()

    def begin(self, goal):
        """Record from now on, towards the true camera pose ``goal`` (4, 4)."""
        self.wait_for("the true pose", lambda: self._pose is not None, 5.0)
        self._began_s = time.monotonic()
        self._goal = goal

    def end(self):
        """Record no more."""
        self._remember_frame()
        self._goal = None
        # The first and the last images may belong to what is not recorded.
        between = range(min(self._observed, default=0), max(self._observed, default=-1) + 1)
        published = {stamp for stamp in self._published if stamp in between}
        self.log.images = {
            "published": len(published),
            "observed": len(published & self._observed),
            "lost": len(published - self._observed),
        }

    def newest_pose(self):
        """True camera pose (4, 4) once the arm has come to rest."""
        before = None
        while before is None or not np.allclose(before, self._pose, atol=1e-7):
            before = self._pose
            self.wait_for("the true pose", lambda old=before: self._pose is not old, 5.0)
        return self._pose

    def progress(self):
        """One line on the newest sample."""
        if not self.log.samples:
            return f"controller {self.status or 'silent'}, no command yet"
        s = self.log.samples[max(self._aged - 1, 0)]
        return (
            f"t {s.time_s:5.1f} s  {self.status:9s} error {s.error:.5f}  matched {s.matched:3d}  "
            f"pose {s.rotation_error_deg:6.2f} deg {s.translation_error_mm:7.2f} mm  "
            f"{self.command_rate_hz:4.1f} Hz  image age {1e3 * s.image_age_s:3.0f} ms"
        )

    def _on_image(self, message):
        with self._changed:
            self.image = decode(message)
            self._changed.notify_all()

    def _on_matches(self, message):
        self._correspondence = correspondence_from_matches(message)
        if not self._is_recording():
            return
        self._observed.add(_nanoseconds(message))
        if time.monotonic() - self._began_s >= _FRAME_EVERY_S * len(self.frames):
            self._remember_frame()

    def _is_recording(self):
        return self._goal is not None and not self.done.is_set()

    def _remember_frame(self):
        self.frames.append((self.image, self._correspondence))

    def _on_pose(self, message):
        """The twin sends one with every image that it publishes."""
        if self._is_recording():
            self._published.add(_nanoseconds(message))
        p, q = message.pose.position, message.pose.orientation
        with self._changed:
            self._pose = se3.pose(Rotation.from_quat([q.x, q.y, q.z, q.w]), [p.x, p.y, p.z])
            self._changed.notify_all()

    def _on_twist(self, message):
        if self._correspondence is None or not self._is_recording():
            return
        v, w = message.twist.linear, message.twist.angular
        x_m, y_m, z_m = self._pose[:3, 3].tolist()
        self.poses.append(self._pose)
        self.log.samples.append(
            Sample(
                *(time.monotonic() - self._began_s, v.x, v.y, v.z, w.x, w.y, w.z),
                error=self._correspondence.error,
                matched=self._correspondence.count,
                image_age_s=math.nan,
                rotation_error_deg=se3.rotation_error_deg(self._goal, self._pose),
                translation_error_mm=1e3 * se3.translation_error_m(self._goal, self._pose),
                x_m=x_m,
                y_m=y_m,
                z_m=z_m,
            )
        )

    def _on_status(self, message):
        if self.done.is_set():
            return
        self.status = message.message
        self.cause = _value(message, "cause")
        if self._goal is not None:
            self._note_age(message)
            if self._has_ended():
                self.done.set()

    def _note_age(self, message):
        """The controller tells after each twist how old the image behind it was."""
        if self._aged < len(self.log.samples):
            age_s = float(_value(message, "image_age_s"))
            self.log.samples[self._aged] = replace(self.log.samples[self._aged], image_age_s=age_s)
            self._aged += 1

    def _on_driver(self, message):
        """The episode cannot go on without the arm."""
        was, self.driver = self.driver, message.message
        left = was == "armed" and self.driver != "armed"
        if left and self._goal is not None and not self.done.is_set():
            self.status = f"driver {self.driver}"
            self.cause = _value(message, "last_stop") or _value(message, "cause")
            self.done.set()

    def _on_diagnostics(self, message):
        for status in message.status:
            if status.name.endswith("ur_driver"):
                self.command_rate_hz = float(_value(status, "rate_hz") or self.command_rate_hz)

    def _has_ended(self):
        return self.status not in _UNFINISHED or (self.status == "idle" and self.cause)


def _nanoseconds(message):
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def _value(message, key):
    return next((pair.value for pair in message.values if pair.key == key), "")
