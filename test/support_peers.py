"""Stand-ins of observer, controller and driver for the supervisor, which obey at once."""

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_ros.ros.camera_info import info_from_camera
from cns_ros.ros.clock import nanoseconds
from cns_ros.ros.diagnostics import OK, WARN, Diagnostics, status_message
from cns_ros.ros.image_codec import encode, transparency
from cns_ros.ros.poses_twists import pose_message
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED

CAMERA = PinholeCamera(64, 48, 54.0, 54.0, 32.0, 24.0)
POSE = se3.pose(translation=(0.4, 0.1, 0.5))


class Peer(Node):
    """A node with a latched status, diagnostics, and services that are noted as ``name/service``.

    Attributes:
        calls: of all peers, in their order.
        refusals: reasons to refuse with, by service.
    """

    def __init__(self, name, calls, services):
        super().__init__(name)
        self.calls, self.refusals = calls, {}
        self._status = self.create_publisher(DiagnosticStatus, "~/status", LATCHED)
        Diagnostics(self, lambda: (OK, "well", {}))
        for service in services:
            self.create_service(Trigger, f"~/{service}", self._answer(service))

    def say(self, message, **values):
        """Publish a status."""
        self._status.publish(status_message(self.get_name(), OK, message, values))

    def _answer(self, service):
        def serve(_, response):
            self.calls.append(f"{self.get_name()}/{service}")
            response.message = self.refusals.get(service, "")
            response.success = not response.message
            if response.success:
                getattr(self, f"on_{service}")()
            return response

        return serve


class FakeObserver(Peer):
    """Takes every desired image, and answers images that come by themselves."""

    def __init__(self, calls):
        super().__init__("observer", calls, ["set_desired"])
        self.desired, self.refusal = [], ""
        self.hidden: np.ndarray | None = None
        self._mask = self.create_publisher(Image, "~/mask", LATCHED)
        self._told = self.create_publisher(DiagnosticStatus, "~/desired", LATCHED)
        self._matches = self.create_publisher(PointCloud2, "matches", OFFERED)
        self._image = self.create_publisher(Image, "image", NEWEST)
        self._info = self.create_publisher(CameraInfo, "camera_info", LATCHED)
        self._pose = self.create_publisher(PoseStamped, "tcp_pose", OFFERED)
        self._info.publish(info_from_camera(CAMERA, Header()))
        self.picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        self.create_subscription(Image, "desired_image", self._on_desired, LATCHED)
        self.create_timer(0.02, self._shoot)

    def leave_out(self, mask):
        """Say that an (H, W) mask is in use."""
        self._mask.publish(encode(mask, Header()))

    def on_set_desired(self):
        self.desired.append("now")

    def _on_desired(self, message):
        self.desired.append(bytes(message.data))
        self.hidden = transparency(message)
        level, said = (WARN, self.refusal) if self.refusal else (OK, "300 keypoints")
        values = {"stamp": nanoseconds(message.header.stamp)}
        self._told.publish(status_message("observer", level, said, values))

    def _shoot(self):
        header = Header(stamp=self.get_clock().now().to_msg(), frame_id="base")
        self._pose.publish(pose_message(POSE, header))
        self._image.publish(encode(self.picture, header))
        self._matches.publish(PointCloud2(header=header))


class FakeController(Peer):
    """Gives twists between start and stop.

    Attributes:
        scripts: for as many starts, before ``script`` serves.
        script: statuses to say after a start, one each 20 ms; the last one is repeated.
    """

    def __init__(self, calls):
        super().__init__("controller", calls, ["start", "stop"])
        self.declare_parameter("depth_prior", 0.5)
        self.script = [("servoing", {"remaining_mm": 5.0, "remaining_mm_bound": 0.5, "error": 0.1})]
        self.scripts = []
        self._left, self._given = None, 0
        self._twists = self.create_publisher(TwistStamped, "twist", OFFERED)
        self.create_timer(0.02, self._step)
        self.say("idle", cause="call ~/start")

    @property
    def is_active(self):
        return self._left is not None

    def on_start(self):
        self.say("servoing")
        self._left = list(self.scripts.pop(0) if self.scripts else self.script)

    def on_stop(self):
        if self.is_active:
            self.say("idle", cause="stopped by ~/stop")
        self._left = None

    def _step(self):
        if not self.is_active:
            return
        status, values = self._left.pop(0) if len(self._left) > 1 else self._left[0]
        self._twists.publish(TwistStamped())
        self._given += 1
        self.say(status, twists=self._given, **values)
        if status not in ("servoing", "lost"):
            self._left = None


class FakeDriver(Peer):
    """Armed or disarmed at once."""

    def __init__(self, calls):
        super().__init__("ur_driver", calls, ["arm", "disarm"])
        self.state = "disarmed"
        self.say(self.state)

    def on_arm(self):
        self.become("armed")

    def on_disarm(self):
        self.become("disarmed", "disarmed on request")

    def become(self, state, cause=""):
        """Be in a state from now on, and say so."""
        self.state = state
        self.say(state, cause=cause)
