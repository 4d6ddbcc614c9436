"""Twin node: a simulated UR5e behind its real protocol, and the camera on its wrist.

Only the ground truth, which is for measuring, goes past the wire that a real arm has.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped
from std_msgs.msg import Header

from cns_core.arm.hand_eye import HandEye
from cns_core.share import share_directory
from cns_core.twin.robot.control_box import ControlBox
from cns_core.twin.robot.motion_log import MotionReader
from cns_core.twin.workcell import Workcell
from cns_core.twin.world.camera_clock import NANOSECONDS, CameraClock
from cns_core.twin.world.camera_faults import CameraFaults
from cns_core.twin.world.depth_sensor import DepthSensor
from cns_ros.ros.guard import GuardedNode
from cns_ros.ros.parameters import Live
from cns_ros.ros.poses_twists import pose_message
from cns_ros.ros.qos import OFFERED
from cns_ros.ros.run import run
from cns_ros.sim.camera_output import CameraOutput
from cns_ros.sim.gripper import Gripper
from cns_ros.sim.twin_camera import make_camera
from cns_ros.sim.twin_settings import TwinSettings

_LATEST_TICK_S = 0.05  # beyond it the arm is switched off or stands still, not late
IMAGE_RATE_HZ = 25.0  # the paper's, and as many commands a second as the arm is given


def load_hand_eye(path: str) -> HandEye:
    """The twin's true hand-eye pose: ``path``, or the file that the package ships."""
    return HandEye.load(path or Path(share_directory(), "config", "twin_hand_eye.yaml"))


@dataclass(frozen=True)
class _Shot:
    """An image, when it was taken, what the camera's clock said then, and the depths if any."""

    time_s: float
    stamp: Time
    image: np.ndarray
    depth_m: np.ndarray | None


class TwinNode(GuardedNode):
    """Runs the control box and publishes what the camera sees from the arm's actual pose."""

    def __init__(self, **options: Any) -> None:
        super().__init__("twin", **options)
        self._settings = Live(self, TwinSettings)
        settings = self._settings.value
        hand_eye = load_hand_eye(settings.hand_eye_file)
        self._workcell = Workcell(
            settings.seed, hand_eye.T_flange_camera, board=settings.scene == "board"
        )
        self._depth_sensor = DepthSensor(seed=settings.seed) if settings.depth != "none" else None
        self._faults = CameraFaults[_Shot](settings.seed)
        self._box: ControlBox | None = None
        if settings.robot:
            self._box = ControlBox(settings.host, q_home=self._workcell.episode()[0])
            self._box.start()
        self._arm = MotionReader(settings.host)
        self._began_ns = self.get_clock().now().nanoseconds
        self._camera = make_camera(settings, self._workcell, self._arm.state())
        self._output = CameraOutput(
            self,
            self._camera.told,
            hand_eye.camera_frame,
            settings.binning,
            settings.compressed,
            settings.depth,
        )
        if settings.gripper:
            Gripper(self)
        self._ground_truth = self.create_publisher(PoseStamped, "~/ground_truth", OFFERED)
        self.create_timer(1.0 / IMAGE_RATE_HZ, self._shoot)

    def destroy_node(self) -> None:
        """Switch the control box off, then end the node."""
        if self._box is not None:
            self._box.stop()
        super().destroy_node()

    def _shoot(self) -> None:
        """Take one image; its stamp is the time of the exposure, before the rendering."""
        arm = self._arm.state()
        # The arm moves in ticks, and late ones where the processor is busy: what the image shows
        # is the arm at the last of them.
        time_ns = self.get_clock().now().nanoseconds
        late_s = time.monotonic() - arm.time_s
        time_ns -= round(NANOSECONDS * late_s) if late_s < _LATEST_TICK_S else 0
        image, inverse_depth = self._camera.shoot(arm)
        depth_m = self._depth_sensor.measure(inverse_depth) if self._depth_sensor else None
        settings = self._settings.value
        if settings.camera_fault != self._faults.kind:
            self._faults.begin(settings.camera_fault)
        stamp = self._stamp(settings, time_ns)
        taken = _Shot(time_ns / NANOSECONDS, stamp, image, depth_m)
        for shot in self._faults.pass_on(taken):
            self._output.publish(shot.image, shot.stamp, shot.depth_m)
        # After the image: nothing that measures may make it older.
        header = Header(stamp=stamp, frame_id="base")
        self._ground_truth.publish(pose_message(self._workcell.camera_pose(arm.q), header))

    def _stamp(self, settings: TwinSettings, time_ns: int) -> Time:
        clock = CameraClock(
            settings.clock_ahead_s, settings.clock_drift, settings.clock_jump_s, settings.stamps
        )
        sec, nanosec = divmod(clock.stamp_ns(time_ns, self._began_ns), NANOSECONDS)
        return Time(sec=sec, nanosec=nanosec)


def main() -> int:
    """Entry point of the ``twin`` executable."""
    cv2.setNumThreads(2)  # by what the rendering takes every image is late
    return run(TwinNode)


if __name__ == "__main__":
    raise SystemExit(main())
