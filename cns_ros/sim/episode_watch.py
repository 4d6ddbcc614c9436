"""The node with which an episode is watched: what goes by on the topics, recorded and summed up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from numpy.typing import NDArray
from sensor_msgs.msg import Image, PointCloud2

from cns_core.geometry.correspondence import Correspondence
from cns_ros.ros.clock import nanoseconds
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.image_codec import decode
from cns_ros.ros.matches import correspondence_from_matches
from cns_ros.ros.parameters import declare_all
from cns_ros.ros.poses_twists import pose_from_message, twist_from_message
from cns_ros.ros.qos import LATCHED, NEWEST, RECORDED
from cns_ros.ros.trigger_client import TriggerClient
from cns_ros.sim.episode_recording import EpisodeRecording
from cns_ros.sim.episode_settings import EpisodeSettings

_POSE_PATIENCE_S = 5.0
_UNFINISHED = ("idle", "servoing", "lost")

T = TypeVar("T")


class EpisodeWatch(GuardedNode):
    """Hears what the nodes say, and records it from :meth:`begin` on; spins in another thread.

    Attributes:
        settings: its parameters.
        triggers: calls services of the other nodes.
        image: newest BGR image, or None.
        status, cause: what the controller last said of itself, or the driver's end of the episode.
        told: values of the controller's last status that belongs to the episode.
        command_rate_hz: commands a second that the driver last reported to have sent the arm.
        diagnosed: what each node last said of itself on ``/diagnostics``, by its name.
        done: event, set when the controller ends the episode.
    """

    def __init__(self) -> None:
        super().__init__("episode")
        self.settings = declare_all(self, EpisodeSettings)
        self.triggers = TriggerClient(self)
        self.image: np.ndarray | None = None
        self.status, self.cause = "", ""
        self.told: dict[str, str] = {}
        self.command_rate_hz = 0.0
        self.diagnosed: dict[str, dict[str, str]] = {}
        self.done = threading.Event()
        self._changed = threading.Condition()
        self._driver = ""
        self._patient = False
        self._pose: NDArray[np.float64] | None = None
        self._correspondence: Correspondence | None = None
        self._recording: EpisodeRecording | None = None
        self.create_subscription(Image, "image", self._on_image, NEWEST)
        self.create_subscription(PointCloud2, "matches", self._on_matches, RECORDED)
        self.create_subscription(TwistStamped, "twist", self._on_twist, RECORDED)
        self.create_subscription(PoseStamped, "twin/ground_truth", self._on_pose, RECORDED)
        self.create_subscription(DiagnosticStatus, "controller/status", self._on_status, RECORDED)
        self.create_subscription(DiagnosticStatus, "ur_driver/status", self._on_driver, LATCHED)
        self.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, 10)

    def make_safe(self, reason: str) -> None:
        """The episode is over: what it would be judged by is no longer recorded."""
        if not self.done.is_set():
            self.status, self.cause = "not watched", reason
            if self._recording:
                self._recording.stop()
            self.done.set()

    def wait_for(self, what: str, read: Callable[[], T | None], timeout_s: float) -> T:
        """Wait until messages make ``read()`` something else than None, and return that.

        Raises:
            TimeoutError: naming ``what`` did not come.
        """
        with self._changed:
            self._changed.wait_for(lambda: read() is not None, timeout_s)
            value = read()
        if value is None:
            raise TimeoutError(f"no sign of {what} within {timeout_s:.0f} s")
        return value

    def begin(self, goal: NDArray[np.float64], patient: bool = False) -> EpisodeRecording:
        """Record from now on, towards the true camera pose ``goal`` (4, 4).

        Args:
            patient: a controller that stops is started anew by somebody else, and it goes on.
        """
        self._patient = patient
        self.wait_for("the true pose", lambda: self._pose, _POSE_PATIENCE_S)
        self._recording = EpisodeRecording(goal)
        return self._recording

    def end(self) -> NDArray[np.float64]:
        """Record no more; the true camera pose (4, 4) once the arm has come to rest."""
        if self._recording and self.image is not None and self._correspondence is not None:
            self._recording.finish(self.image, self._correspondence)
        before: NDArray[np.float64] | None = None
        while True:
            newer = partial(self._pose_after, before)
            pose = self.wait_for("the true pose", newer, _POSE_PATIENCE_S)
            if before is not None and np.allclose(before, pose, atol=1e-7):
                return pose
            before = pose

    def _pose_after(self, old: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """The newest true pose, None while it is still ``old``."""
        return None if self._pose is old else self._pose

    def progress(self) -> str:
        """One line on the newest step."""
        step = self._recording.newest if self._recording else None
        if step is None:
            return f"controller {self.status or 'silent'}, no twist yet"
        return (
            f"t {step.time_s:5.1f} s  {self.status:9s} error {step.keypoint_error:.5f}  "
            f"matched {step.matched:3d}  pose {step.rotation_error_deg:6.2f} deg "
            f"{step.translation_error_mm:7.2f} mm  {self.command_rate_hz:4.1f} Hz  "
            f"image age {1e3 * step.image_age_s:3.0f} ms"
        )

    def _on_image(self, message: Image) -> None:
        with self._changed:
            self.image = decode(message)
            self._changed.notify_all()

    def _on_matches(self, message: PointCloud2) -> None:
        self._correspondence = correspondence_from_matches(message)
        if self._recording and self.image is not None:
            stamp_ns = nanoseconds(message.header.stamp)
            self._recording.observe(stamp_ns, self.image, self._correspondence)

    def _on_pose(self, message: PoseStamped) -> None:
        """The twin sends one with every image that it publishes."""
        if self._recording:
            self._recording.publish(nanoseconds(message.header.stamp))
        with self._changed:
            self._pose = pose_from_message(message)
            self._changed.notify_all()

    def _on_twist(self, message: TwistStamped) -> None:
        if self._recording and self._correspondence is not None and self._pose is not None:
            self._recording.command(twist_from_message(message), self._correspondence, self._pose)

    def _on_status(self, message: DiagnosticStatus) -> None:
        if self.done.is_set():
            return
        self.told = {pair.key: pair.value for pair in message.values}
        self.status, self.cause = message.message, self.told.get("cause", "")
        if self._recording:
            if age_s := self.told.get("image_age_s"):
                self._recording.note_age(float(age_s))
            stopped = self.status == "idle" and bool(self.cause) and not self._patient
            if self.status not in _UNFINISHED or stopped:
                self._finish(self._recording)

    def _on_driver(self, message: DiagnosticStatus) -> None:
        """The episode cannot go on without the arm."""
        was, self._driver = self._driver, message.message
        left = was == "armed" and self._driver != "armed"
        if left and self._recording and not self.done.is_set():
            self.status = f"driver {self._driver}"
            self.cause = _value(message, "last_stop") or _value(message, "cause")
            self._finish(self._recording)

    def _finish(self, recording: EpisodeRecording) -> None:
        recording.stop()
        self.done.set()

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        for status in message.status:
            name = status.name.rsplit("/", 1)[-1]
            self.diagnosed[name] = {pair.key: pair.value for pair in status.values}
            if status.name.endswith("ur_driver"):
                self.command_rate_hz = float(_value(status, "rate_hz") or self.command_rate_hz)


def _value(message: DiagnosticStatus, key: str) -> str:
    return next((pair.value for pair in message.values if pair.key == key), "")
