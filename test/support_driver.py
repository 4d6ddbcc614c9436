"""A driver node in the test's own graph, with a test node in the place of controller and user."""

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import TwistStamped
from ros_graph import with_parameters
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from cns_ros.nodes.ur_driver import UrDriverNode
from cns_ros.ros.poses_twists import twist_message
from cns_ros.ros.qos import LATCHED, NEWEST

FORWARD = np.array([0.03, 0.0, 0.0, 0.0, 0.0, 0.0])
HAND_EYE = {"hand_eye_xyz": [0.0, -0.04, 0.05], "hand_eye_quaternion": [0.0, 0.0, 0.0, 1.0]}
# A busy test machine may be late; what is tested here is not how late.
PATIENT = {"command_timeout": 0.5, "feedback_timeout": 1.0, "watchdog": 2.0}


class DriverRig:
    """A driver node, and a test node in the place of controller and user."""

    def __init__(self, graph, **parameters):
        self.graph = graph
        self.driver = graph.add(with_parameters(UrDriverNode, **(HAND_EYE | PATIENT | parameters)))
        self.twist = graph.node.create_publisher(TwistStamped, "twist", NEWEST)
        self.statuses = graph.collect(DiagnosticStatus, "ur_driver/status", LATCHED)

    def send(self, twist=FORWARD, frame="camera_optical_frame", late_s=0.0):
        stamp = self.graph.node.get_clock().now().nanoseconds - int(1e9 * late_s)
        header = Header(frame_id=frame)
        header.stamp.sec, header.stamp.nanosec = divmod(stamp, 10**9)
        self.twist.publish(twist_message(twist, header))

    @property
    def values(self):
        return {pair.key: pair.value for pair in self.statuses[-1].values}

    def until_state(self, state, do=None):
        self.graph.until(lambda: self.statuses and self.statuses[-1].message == state, do)
        return self.values

    def call(self, service, streaming=False):
        """Call a service of the driver, meanwhile sending twists or not."""
        answers = []
        client = self.graph.node.create_client(Trigger, f"ur_driver/{service}")
        self.graph.until(client.service_is_ready)
        future = client.call_async(Trigger.Request())
        future.add_done_callback(lambda done: answers.append(done.result()))
        self.graph.until(lambda: answers, self.send if streaming else None)
        return answers[0]

    def arm(self):
        self.until_state("disarmed", self.send)
        self.graph.until(lambda: self.driver.driver.status.command_age_s < 0.3, self.send)
        answer = self.call("arm", streaming=True)
        assert answer.success, answer.message
