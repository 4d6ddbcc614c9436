"""Hand-eye node: pairs views of a board with the arm's joints, and solves for the camera's pose."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_srvs.srv import Trigger

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.bad_data import BAD_DATA, reason_of
from cns_core.calibration.hand_eye_calibration import Calibration, View, calibrate
from cns_core.calibration.result_file import replace_file, writable_file
from cns_core.calibration.view_turns import turn_spans_deg
from cns_core.geometry.camera import PinholeCamera
from cns_ros.nodes.board_views import BoardViews
from cns_ros.nodes.hand_eye_settings import HandEyeSettings
from cns_ros.nodes.image_topic import ImageTopic
from cns_ros.nodes.resting_joints import RestingJoints
from cns_ros.ros.camera_info import camera_from_info
from cns_ros.ros.clock import age_s, now_s, seconds
from cns_ros.ros.diagnostics import OK, WARN, status_message
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.parameters import declare_all
from cns_ros.ros.qos import LATCHED, SHARED
from cns_ros.ros.run import run
from cns_ros.ros.subscribe import subscribe_to_state

_AHEAD_S = 1.0


class HandEyeNode(GuardedNode):
    """Captures a still image with the flange's pose at each call, and solves when told.

    What it is told never ends it, for an hour's work may lie in its views.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__("hand_eye", **options)
        self._settings = declare_all(self, HandEyeSettings)
        self._board = self._settings.board()
        self._file = writable_file(self._settings.file)
        self._model = UR_MODELS[self._settings.robot_model]
        self._camera: PinholeCamera | None = None
        self._camera_problem = "no camera_info yet"
        self._image: Image | None = None
        self._joints = RestingJoints()
        self._taken = BoardViews()
        self._status = self.create_publisher(DiagnosticStatus, "~/status", LATCHED)
        subscribe_to_state(self, CameraInfo, "camera_info", self._on_info, self._refuse_camera)
        self._images = ImageTopic(self, self._settings.image_transport, self._on_image)
        self._joint_states = self.create_subscription(
            JointState, "joint_states", self._on_joints, SHARED
        )
        self.create_service(Trigger, "~/capture", self._service(self._capture))
        self.create_service(Trigger, "~/discard", self._service(self._discard))
        self.create_service(Trigger, "~/solve", self._service(self._solve))
        self._tell(OK, "no view yet")
        self.get_logger().info(f"board of {self._board}, file to write {self._file}")

    @property
    def views(self) -> tuple[View, ...]:
        """The views taken so far."""
        return tuple(self._taken.views)

    def _on_info(self, message: CameraInfo) -> None:
        self._camera = camera_from_info(message)

    def _refuse_camera(self, reason: str) -> None:
        self._camera, self._camera_problem = None, reason
        self.get_logger().warning(reason, throttle_duration_sec=5.0)

    def _on_image(self, message: Image) -> None:
        self._image = message

    def _on_joints(self, message: JointState) -> None:
        self._joints.hear(message, now_s(self), time.monotonic())

    def _hear_queue(self) -> None:
        """Take the joint states that wait while the executor was busy with images."""
        queue = self._joint_states.handle
        with queue:
            while (taken := queue.take_message(JointState, False)) is not None:
                self._on_joints(taken[0])

    def _service(
        self, act: Callable[[], str]
    ) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
        """A Trigger service that answers with what ``act`` returns, or why it did not do it."""

        def serve(request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                response.success, response.message = True, act()
            except (*BAD_DATA, OSError) as error:
                response.success, response.message = False, reason_of(error)
            self._tell(OK if response.success else WARN, response.message)
            return response

        return serve

    def make_safe(self, reason: str) -> None:
        """The views are worth more than an end; the status says what failed."""
        self._tell(WARN, reason)

    def _tell(self, level: bytes, message: str) -> None:
        """Publish how the last call ended, and what the views amount to."""
        spans_deg, _ = turn_spans_deg([view.T_base_flange for view in self.views])
        values: dict[str, object] = {
            "views": len(self.views),
            "views_needed": self._settings.bounds.min_views,
            "turned_deg": " ".join(f"{span:.0f}" for span in spans_deg),
            "file": self._file,
        }
        self._status.publish(status_message(self.get_name(), level, message, values))

    def _capture(self) -> str:
        """Take the present view; ValueError says why there is none."""
        camera, message = self._camera, self._image
        if message is None:
            raise ValueError(self._images.absence())
        if camera is None:
            raise ValueError(self._camera_problem)
        self._taken.check(camera, message.header.frame_id)
        self._hear_queue()
        q = self._joints.at(self._image_stamp_s(message), time.monotonic())
        image = self._images.decode(message)
        camera.check_image(image)
        view = View(self._model.forward(q), *self._board.find(image))
        self._taken.add(view, camera, message.header.frame_id)
        return f"view {len(self._taken)}: {len(view.corners)} corners"

    def _image_stamp_s(self, message: Image) -> float:
        stamp_s = seconds(message.header.stamp)
        if not stamp_s:
            raise ValueError(
                "the image has no stamp, so that nobody knows where the arm was when it was taken: "
                "let the camera's driver stamp its images"
            )
        if (ahead_s := -age_s(self, message.header.stamp)) > _AHEAD_S:
            raise ValueError(
                f"the image is stamped {ahead_s:.2f} s ahead of this node's clock, allowed "
                f"{_AHEAD_S} s: set the clocks of both machines alike"
            )
        return stamp_s

    def _discard(self) -> str:
        """Take the last view back."""
        self._taken.discard()
        return f"view {len(self._taken) + 1} discarded, {len(self._taken)} left"

    def _solve(self) -> str:
        """Write the file and tell how far to trust it; ValueError says why it is not written."""
        bounds, camera = self._settings.bounds, self._taken.camera
        if camera is None or len(self._taken) < bounds.min_views:
            raise ValueError(
                f"at least {bounds.min_views} views are needed, got {len(self._taken)}"
            )
        found = calibrate(self._taken.views, camera)
        if reasons := bounds.reasons(found, self._board.square_m):
            raise ValueError(
                "; ".join(["refused, nothing is written", *reasons, *map(str, found.outliers)])
            )
        hand_eye = HandEye.from_pose(found.T_flange_camera, camera_frame=self._taken.frame)
        kept = replace_file(self._file, hand_eye.save)
        return _told(self._file, found) + (f"; the former file is kept as {kept}" if kept else "")


def _told(file: Path, found: Calibration) -> str:
    left_out = "".join(f"; left out: {outlier}" for outlier in found.outliers)
    return (
        f"wrote {file}: {found.views} views, reprojection "
        f"{found.reprojection_px:.3f} px (worst view {found.worst_px:.3f} px), standard "
        f"deviation {found.std_mm:.3f} mm and {found.std_deg:.4f} deg{left_out}"
    )


def main() -> int:
    """Entry point of the ``hand_eye`` executable."""
    return run(HandEyeNode)


if __name__ == "__main__":
    raise SystemExit(main())
