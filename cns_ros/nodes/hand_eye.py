"""Hand-eye node: pairs views of a board with the arm's joints, and solves for the camera's pose."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_srvs.srv import Trigger

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.calibration.board import Board
from cns_core.calibration.hand_eye_calibration import View, calibrate
from cns_core.geometry.camera import PinholeCamera
from cns_ros.nodes.hand_eye_settings import HandEyeSettings
from cns_ros.ros.camera_info import camera_from_info
from cns_ros.ros.clock import now_s, seconds
from cns_ros.ros.image_codec import decode
from cns_ros.ros.parameters import declare_all
from cns_ros.ros.qos import NEWEST
from cns_ros.ros.run import run

_FRESH_S = 1.0
_STILL_S = 0.3
_STILL_RAD = 2e-4


class HandEyeNode(Node):
    """Captures a still image with the flange's pose at each call, and solves when told."""

    def __init__(self, **options: Any) -> None:
        super().__init__("hand_eye", **options)
        settings = declare_all(self, HandEyeSettings)
        self._board = Board(settings.columns, settings.rows, settings.square_m, settings.marker_m)
        self._model = UR_MODELS[settings.robot_model]
        self._path = settings.file
        self._camera: PinholeCamera | None = None
        self._image: Image | None = None
        self._q: NDArray[np.float64] | None = None
        self._q_at = self._still_since = self._still_stamp_s = 0.0
        self._views: list[View] = []
        self.create_subscription(CameraInfo, "camera_info", self._on_info, NEWEST)
        self.create_subscription(Image, "image", self._on_image, NEWEST)
        self.create_subscription(JointState, "joint_states", self._on_joints, NEWEST)
        self.create_service(Trigger, "~/capture", self._on_capture)
        self.create_service(Trigger, "~/solve", self._on_solve)

    def _on_info(self, message: CameraInfo) -> None:
        self._camera = camera_from_info(message)

    def _on_image(self, message: Image) -> None:
        self._image = message

    def _on_joints(self, message: JointState) -> None:
        q, now = np.array(message.position), time.monotonic()
        if self._q is None or q.shape != self._q.shape or np.abs(q - self._q).max() > _STILL_RAD:
            self._q, self._still_since = q, now
            self._still_stamp_s = now_s(self)
        self._q_at = now

    def _on_capture(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._views.append(self._capture())
        except ValueError as reason:
            response.success, response.message = False, str(reason)
        else:
            response.success = True
            response.message = f"view {len(self._views)}: {len(self._views[-1].corners)} corners"
        return response

    def _capture(self) -> View:
        """The present view; ValueError says why there is none."""
        now = time.monotonic()
        if self._camera is None or self._image is None:
            raise ValueError("no image or no camera_info yet")
        if self._q is None or now - self._q_at > _FRESH_S:
            raise ValueError("no joint_states: is the driver connected?")
        if now - self._still_since < _STILL_S:
            raise ValueError("the arm is moving")
        if seconds(self._image.header.stamp) < self._still_stamp_s:
            raise ValueError("no image since the arm came to rest")
        image = decode(self._image)
        self._camera.check_image(image)
        return View(self._model.forward(self._q), *self._board.find(image))

    def _on_solve(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            response.message = self._solve()
            response.success = True
        except (ValueError, OSError) as reason:
            response.success, response.message = False, str(reason)
        return response

    def _solve(self) -> str:
        """Write the file and tell how far to trust it; ValueError says why it cannot be."""
        if self._camera is None or self._image is None:
            raise ValueError("no image or no camera_info yet")
        found = calibrate(self._views, self._camera)
        frame = self._image.header.frame_id
        HandEye.from_pose(found.T_flange_camera, camera_frame=frame).save(self._path)
        return (
            f"wrote {self._path}: {len(self._views)} views, reprojection "
            f"{found.reprojection_px:.3f} px (worst view {found.worst_px:.3f} px), standard "
            f"deviation {found.std_mm:.3f} mm and {found.std_deg:.4f} deg"
        )


def main() -> int:
    """Entry point of the ``hand_eye`` executable."""
    return run(HandEyeNode)


if __name__ == "__main__":
    raise SystemExit(main())
