"""Twin node: a simulated UR5e behind its real protocol, and the camera on its wrist.

Only the ground truth, which is for measuring, goes past the wire that a real arm has.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point, PoseStamped, Quaternion
from rclpy.node import Node
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from cns_core.arm.hand_eye import HandEye
from cns_core.share import share_directory
from cns_core.twin.robot.control_box import ControlBox
from cns_core.twin.robot.motion_log import MotionReader
from cns_core.twin.workcell import CAMERA, Workcell
from cns_core.twin.world.camera_faults import KINDS, CameraFaults
from cns_core.twin.world.sensor import ImageSensor
from cns_ros.ros.diagnostics import seconds
from cns_ros.ros.image_codec import encode
from cns_ros.ros.messages import info_from_camera
from cns_ros.ros.parameters import declare
from cns_ros.ros.qos import NEWEST, OFFERED
from cns_ros.ros.run import run

IMAGE_RATE_HZ = 25.0  # the paper's, and as many commands a second as the arm is given


def load_hand_eye(path):
    """The twin's true hand-eye pose: ``path``, or the file that the package ships."""
    return HandEye.load(path or Path(share_directory(), "config", "twin_hand_eye.yaml"))


@dataclass(frozen=True)
class _Shot:
    """An image and the time of its exposure."""

    stamp: Time
    image: np.ndarray

    @property
    def time_s(self):
        return seconds(self.stamp)


class TwinNode(Node):
    """Runs the control box and publishes what the camera sees from the arm's actual pose."""

    def __init__(self, **options):
        super().__init__("twin", **options)
        seed = declare(
            self,
            "seed",
            0,
            "scene, and the pose the arm begins at",
            range=(0, 2**31 - 1),
            read_only=True,
        )
        host = declare(
            self, "host", "127.0.0.1", "loopback address of the control box", read_only=True
        )
        path = declare(
            self,
            "hand_eye_file",
            "",
            "pose of the camera on the flange; empty for config/twin_hand_eye.yaml",
            read_only=True,
        )
        noise = declare(
            self,
            "noise",
            2.0,
            "standard deviation of the image noise, in grey levels",
            range=(0.0, 50.0),
            read_only=True,
        )
        robot = declare(
            self,
            "robot",
            True,
            "bring up the control box, too; false where one is running at host already",
            read_only=True,
        )
        scene = declare(
            self,
            "scene",
            "objects",
            "what lies before the camera; the board is the one that cns-handeye expects",
            choices=("objects", "board"),
            read_only=True,
        )
        declare(self, "camera_fault", "none", "what is wrong with the camera", choices=KINDS)
        hand_eye = load_hand_eye(path)
        self._camera_frame = hand_eye.camera_frame
        self._workcell = Workcell(seed, hand_eye.T_flange_camera, scene == "board")
        self._sensor = ImageSensor(noise_std=noise, seed=seed)
        self._faults = CameraFaults[_Shot](seed)
        self._box = None
        if robot:
            self._box = ControlBox(host, q_home=self._workcell.episode()[0])
            self._box.start()
        self._arm = MotionReader(host)
        self._image = self.create_publisher(Image, "image", NEWEST)
        self._camera_info = self.create_publisher(CameraInfo, "camera_info", NEWEST)
        self._ground_truth = self.create_publisher(PoseStamped, "~/ground_truth", OFFERED)
        self.create_timer(1.0 / IMAGE_RATE_HZ, self._shoot)

    def destroy_node(self):
        """Switch the control box off, then end the node."""
        if self._box is not None:
            self._box.stop()
        super().destroy_node()

    def _shoot(self):
        """Take one image; its stamp is the time of the exposure, before the rendering."""
        stamp = self.get_clock().now().to_msg()
        q = self._arm.state().q
        image = self._sensor.expose([self._workcell.render(q)])
        fault = self.get_parameter("camera_fault").value
        if fault != self._faults.kind:
            self._faults.begin(fault)
        for shot in self._faults.pass_on(_Shot(stamp, image)):
            self._publish(shot)
        # After the image: nothing that measures may make it older.
        pose = _pose_message(self._workcell.camera_pose(q), Header(stamp=stamp, frame_id="base"))
        self._ground_truth.publish(pose)

    def _publish(self, shot):
        header = Header(stamp=shot.stamp, frame_id=self._camera_frame)
        self._image.publish(encode(shot.image, header))
        self._camera_info.publish(info_from_camera(CAMERA, header))


def _pose_message(T, header):
    x, y, z = T[:3, 3].tolist()
    qx, qy, qz, qw = Rotation.from_matrix(T[:3, :3]).as_quat().tolist()
    message = PoseStamped(header=header)
    message.pose.position = Point(x=x, y=y, z=z)
    message.pose.orientation = Quaternion(x=qx, y=qy, z=qz, w=qw)
    return message


def main():
    """Entry point of the ``twin`` executable."""
    cv2.setNumThreads(2)  # by what the rendering takes every image is late
    return run(TwinNode)


if __name__ == "__main__":
    raise SystemExit(main())
