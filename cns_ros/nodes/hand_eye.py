"""Finds where the camera sits on the flange from views of a board, through the running graph.

With camera and driver running, move the arm to 15 or more different views of a board that lies
still, turning the camera about all axes. Call ``hand_eye/capture`` at each, then
``hand_eye/solve``, which writes the file that the driver reads. The driver may be disarmed, and
its hand-eye file a guess.

The board is a parameter, like the file to write:
``cns-handeye --ros-args -p columns:=9 -p rows:=6 -p square:=0.025 -p marker:=0.018``
"""

import argparse
import sys
import time

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, JointState
from std_srvs.srv import Trigger

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.calibration.board import Board
from cns_core.calibration.hand_eye_calibration import calibrate
from cns_core.share import share_directory
from cns_ros.bringup.bringup import bring_up
from cns_ros.bringup.node_set import NodeSpec, servo_environment
from cns_ros.bringup.servo_options import SIMULATED_ROBOT_IP, ServoOptions
from cns_ros.ros.diagnostics import seconds
from cns_ros.ros.image_codec import decode
from cns_ros.ros.messages import camera_from_info
from cns_ros.ros.parameters import declare
from cns_ros.ros.qos import NEWEST
from cns_ros.ros.run import run

_FRESH_S = 1.0
_STILL_S = 0.3
_STILL_RAD = 2e-4


class HandEyeNode(Node):
    """Pairs still images with the flange's pose."""

    def __init__(self, **options):
        super().__init__("hand_eye", **options)

        def parameter(name, default, description, **rest):
            return declare(self, name, default, description, read_only=True, **rest)

        self._board = Board(
            parameter("columns", 9, "squares of the board, one of columns and rows even, one odd"),
            parameter("rows", 6, "squares of the board"),
            parameter("square", 0.025, "side of a square", unit="m", range=(1e-3, 1.0)),
            parameter("marker", 0.0, "side of a ChArUco marker, 0 for chessboards", unit="m"),
        )
        self._model = UR_MODELS[
            parameter("robot_model", "ur5e", "type of the arm", choices=tuple(UR_MODELS))
        ]
        self._path = parameter("file", "hand_eye.yaml", "file to write")
        self._camera = self._image = self._q = None
        self._q_at = self._still_since = self._still_stamp_s = 0.0
        self._flange_poses, self._views = [], []
        self.create_subscription(CameraInfo, "camera_info", self._on_info, NEWEST)
        self.create_subscription(Image, "image", self._on_image, NEWEST)
        self.create_subscription(JointState, "joint_states", self._on_joints, NEWEST)
        self.create_service(Trigger, "~/capture", self._on_capture)
        self.create_service(Trigger, "~/solve", self._on_solve)

    def _on_info(self, message):
        self._camera = camera_from_info(message)

    def _on_image(self, message):
        self._image = message

    def _on_joints(self, message):
        q, now = np.array(message.position), time.monotonic()
        if self._q is None or q.shape != self._q.shape or np.abs(q - self._q).max() > _STILL_RAD:
            self._q, self._still_since = q, now
            self._still_stamp_s = 1e-9 * self.get_clock().now().nanoseconds
        self._q_at = now

    def _on_capture(self, request, response):
        try:
            self._capture()
        except ValueError as reason:
            response.success, response.message = False, str(reason)
        else:
            response.success = True
            response.message = f"view {len(self._views)}: {len(self._views[-1][0])} corners"
        return response

    def _capture(self):
        """Keep one view; ValueError says why it cannot be."""
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
        view = self._board.find(image)
        self._views.append(view)
        self._flange_poses.append(self._model.forward(self._q))

    def _on_solve(self, request, response):
        try:
            result = calibrate(self._flange_poses, self._views, self._camera)
            hand_eye = HandEye.from_pose(
                result.T_flange_camera, camera_frame=self._image.header.frame_id
            )
            hand_eye.save(self._path)
        except (ValueError, OSError) as reason:
            response.success, response.message = False, str(reason)
            return response
        response.success = True
        response.message = (
            f"wrote {self._path}: {len(self._views)} views, reprojection "
            f"{result.reprojection_px:.3f} px (worst view {result.worst_px:.3f} px), standard "
            f"deviation {result.std_mm:.3f} mm and {result.std_deg:.4f} deg"
        )
        return response


def main():
    """Entry point of `cns-handeye`."""
    parser = argparse.ArgumentParser(
        prog="cns-handeye",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--sim", action="store_true", help="calibrate the twin, from end to end")
    parser.add_argument("--file", default="hand_eye.yaml", help="with --sim: file to write")
    parser.add_argument("--seed", type=int, default=0, help="with --sim: views and noise")
    parser.add_argument("--robot-ip", default=SIMULATED_ROBOT_IP, help="with --sim: loopback")
    options, words = parser.parse_known_args()
    if words and (options.sim or words[0] != "--ros-args"):
        parser.error(f"unknown: {' '.join(words)}")
    return _calibrate_twin(options) if options.sim else run(HandEyeNode)


def _calibrate_twin(options):
    """Bring up the twin with a board, the driver, this node, and what goes from view to view."""
    cell = {"seed": options.seed, "host": options.robot_ip}
    # Where the driver believes the camera to be plays no part in the joint angles it reports.
    believed = str(share_directory() / "config" / "twin_hand_eye.yaml")
    nodes = [
        NodeSpec("twin", "twin", parameters=cell | {"scene": "board"}),
        NodeSpec("hand_eye", "hand_eye", parameters={"file": options.file}),
        NodeSpec("hand_eye_tour", "tour", parameters=cell | {"file": options.file}, ends=True),
        NodeSpec(
            *("ur_driver", "ur_driver"),
            parameters={"robot_ip": options.robot_ip, "hand_eye_file": believed},
        ),
    ]
    return bring_up(nodes, servo_environment(ServoOptions(sim=True)))


if __name__ == "__main__":
    sys.exit(main())
