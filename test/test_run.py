"""How nodes end, as processes: at a signal, with the arm told to stand; at no message."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from geometry_msgs.msg import TwistStamped
from rclpy.serialization import serialize_message
from ros_graph import PATIENCE_S
from std_msgs.msg import Header
from support_driver import FORWARD, HAND_EYE

from cns_ros.bringup.processes import stop
from cns_ros.ros.poses_twists import twist_message
from cns_ros.ros.qos import OFFERED


class DriverProcess:
    """A driver node of MoveIt Servo's kind as a process, and who sends it twists."""

    def __init__(self, graph):
        self.graph = graph
        given = {**HAND_EYE, "backend": "moveit_servo"}
        words = [word for name, value in given.items() for word in ("-p", f"{name}:={value}")]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cns_ros", "ur_driver", "--ros-args", *words],
            stderr=subprocess.PIPE,
            env=os.environ,
        )
        self.sent = graph.collect(TwistStamped, "delta_twist_cmds", OFFERED)
        self.publisher = graph.node.create_publisher(TwistStamped, "twist", OFFERED)
        graph.node.create_timer(0.04, self.send)

    def send(self):
        stamp = self.graph.node.get_clock().now().to_msg()
        header = Header(frame_id="camera_optical_frame", stamp=stamp)
        self.publisher.publish(twist_message(np.array(FORWARD), header))

    def set_off(self):
        answer = None
        while answer is None or not answer.success:
            answer = self.graph.call("ur_driver/arm")
        self.graph.until(lambda: self.sent and self.sent[-1].twist.linear.x > 0.02)


@pytest.fixture
def driver(ros_graph):
    driver = DriverProcess(ros_graph)
    yield driver
    stop([driver.process])
    driver.process.communicate()


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGTERM,
        pytest.param(signal.SIGINT, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_node_that_is_told_to_end_leaves_the_arm_with_a_zero_twist(ros_graph, driver, number):
    driver.set_off()
    driver.process.send_signal(number)
    driver.process.send_signal(number)
    assert driver.process.wait(PATIENCE_S) == 0
    ros_graph.until(lambda: driver.sent[-1].twist == TwistStamped().twist)


def test_messages_that_cannot_be_unpacked_do_not_end_the_node(ros_graph, driver):
    driver.set_off()
    header = Header(frame_id="camera_optical_frame")
    data = serialize_message(twist_message(np.array(FORWARD), header))
    for garbled in (data[:17], data.replace(b"camera", b"\xff\xfe\xfd\xfc\xfb\xfa")):
        driver.publisher.publish(garbled)
    count = len(driver.sent)
    ros_graph.until(lambda: len(driver.sent) > count + 10)
    assert driver.sent[-1].twist.linear.x > 0.02
    assert driver.process.poll() is None
