"""Whatever messages hold, they are taken or refused with a reason, and no node ends."""

import numpy as np
import pytest
from fuzz_messages import BYTES, Fuzz
from rclpy.impl.rcutils_logger import RcutilsLogger
from ros_graph import with_parameters
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger
from support_driver import HAND_EYE

from cns_ros.nodes.controller import ControllerNode
from cns_ros.nodes.hand_eye import HandEyeNode
from cns_ros.nodes.observer import ObserverNode
from cns_ros.nodes.ur_driver import UrDriverNode
from cns_ros.ros.image_codec import decode
from cns_ros.ros.qos import NEWEST

MANY = pytest.param(4000, marks=pytest.mark.slow)


@pytest.fixture
def faults(monkeypatch):
    """What the nodes log as faults of their own."""
    logged = []
    monkeypatch.setattr(RcutilsLogger, "error", lambda _, text, **how: logged.append(text))
    monkeypatch.setattr(RcutilsLogger, "warning", lambda *_, **how: None)
    return logged


def feed(node, fuzz, takes, count, services=()):
    """Hand a node messages as its subscriptions would, and call its services in between."""
    callbacks = {each.topic_name: each.callback for each in node.subscriptions}
    asked = {each.srv_name: each.callback for each in node.services}
    for i in range(count):
        for topic, make in takes.items():
            callbacks[topic](make())
        if i % 10 == 9:
            for name in services:
                response = asked[name](Trigger.Request(), Trigger.Response())
                assert response.message


def fuzz_of(graph):
    return Fuzz(0, lambda: graph.node.get_clock().now().to_msg())


@pytest.mark.parametrize("count", [100, MANY])
def test_the_observer_lives(ros_graph, faults, count):
    node = ros_graph.add(with_parameters(ObserverNode, mask="0,0 5,0 5,5"))
    fuzz = fuzz_of(ros_graph)
    takes = {"/camera_info": fuzz.camera_info, "/image": fuzz.image, "/desired_image": fuzz.image}
    takes["/controller/left_out"] = fuzz.matches
    feed(node, fuzz, takes, count, ["~/set_desired"])
    assert not faults
    assert node.observe_ms.count > 0.05 * count


@pytest.mark.parametrize("count", [100, MANY])
def test_the_observer_lives_on_compressed_images(ros_graph, faults, count):
    node = ros_graph.add(with_parameters(ObserverNode, image_transport="compressed"))
    fuzz = fuzz_of(ros_graph)
    takes = {"/camera_info": fuzz.camera_info, "/image/compressed": fuzz.compressed}
    feed(node, fuzz, takes, count, ["~/set_desired"])
    assert not faults


@pytest.mark.parametrize("count", [100, MANY])
def test_the_controller_lives(ros_graph, faults, count):
    node = ros_graph.add(with_parameters(ControllerNode))
    fuzz = fuzz_of(ros_graph)
    services = ["~/start", "~/reset"]
    feed(node, fuzz, {"/matches": fuzz.matches}, count, services)
    assert not faults


@pytest.mark.parametrize("count", [100, MANY])
def test_the_controller_lives_on_depth_images(ros_graph, faults, count):
    node = ros_graph.add(with_parameters(ControllerNode, controller="ibvs"))
    ros_graph.node.create_publisher(Image, "depth_image", NEWEST)
    fuzz = fuzz_of(ros_graph)
    takes = {"/depth_image": fuzz.depth, "/camera_info": fuzz.camera_info, "/matches": fuzz.matches}
    ros_graph.until(lambda: takes.keys() <= {each.topic_name for each in node.subscriptions})
    feed(node, fuzz, takes, count, ["~/start"])
    assert not faults
    assert node.depth.problem


@pytest.mark.parametrize("count", [100, MANY])
def test_the_driver_lives(ros_graph, faults, count):
    node = ros_graph.add(with_parameters(UrDriverNode, backend="ros2_control", **HAND_EYE))
    fuzz = fuzz_of(ros_graph)
    feed(node, fuzz, {"/twist": fuzz.twist, "/joint_states": fuzz.joint_states}, count)
    assert not faults
    assert node.driver.gate.refused


@pytest.mark.parametrize("count", [100, MANY])
def test_hand_eye_calibration_lives(ros_graph, faults, count):
    node = ros_graph.add(with_parameters(HandEyeNode))
    fuzz = fuzz_of(ros_graph)
    takes = {"/camera_info": fuzz.camera_info, "/image": fuzz.image}
    takes["/joint_states"] = fuzz.joint_states
    feed(node, fuzz, takes, count, ["~/capture", "~/solve"])
    assert not faults


@pytest.mark.parametrize("count", [1000, pytest.param(20000, marks=pytest.mark.slow)])
def test_images_are_decoded_right_or_refused(ros_graph, count):
    fuzz, decoded = fuzz_of(ros_graph), 0
    for _ in range(count):
        message = fuzz.image()
        try:
            image = decode(message, convert=None)
        except ValueError as reason:
            assert str(reason)
            continue
        decoded += 1
        width, height = message.width, message.height
        assert image.dtype == np.uint8 and image.shape[:2] == (height, width)
        if message.encoding in ("mono8", "bgr8", "8UC1", "8UC3"):
            row = width * BYTES.get(message.encoding, 1)
            rows = [message.data[y * message.step :][:row] for y in range(height)]
            assert image.tobytes() == b"".join(each.tobytes() for each in rows)
    assert 0.2 * count < decoded < 0.9 * count
