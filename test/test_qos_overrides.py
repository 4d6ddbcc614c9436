"""Qualities of service from a parameter file, on the topics that users override."""

import pytest
import rclpy
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from cns_ros.bringup.params_file import check_params_file
from cns_ros.nodes.controller import ControllerNode
from cns_ros.nodes.observer import ObserverNode
from cns_ros.ros.parameters import in_effect, refuse_unknown
from cns_ros.ros.qos import NEWEST, OFFERED

FILE = """
observer:
  ros__parameters:
    qos_overrides:
      /image:
        subscription:
          reliability: reliable
      /matches:
        publisher:
          durability: transient_local
controller:
  ros__parameters:
    controller: ibvs
"""


@pytest.fixture
def nodes(tmp_path, ros_domain):
    path = tmp_path / "params.yaml"
    path.write_text(FILE)
    check_params_file(path)
    rclpy.init(args=["--ros-args", "--params-file", str(path)])
    nodes = ObserverNode(), ControllerNode()
    yield nodes
    for node in nodes:
        node.destroy_node()
    rclpy.shutdown()


def offered(node, topic):
    return next(iter(node.get_publishers_info_by_topic(topic))).qos_profile


def wanted(node, topic):
    return next(iter(node.get_subscriptions_info_by_topic(topic))).qos_profile


def test_what_the_file_overrides_holds_there_and_nowhere_else(nodes):
    observer, _ = nodes
    assert wanted(observer, "/image").reliability == ReliabilityPolicy.RELIABLE
    assert offered(observer, "/matches").durability == DurabilityPolicy.TRANSIENT_LOCAL
    for topic in ("/matches", "/tcp_pose"):
        assert wanted(observer, topic).reliability == ReliabilityPolicy.BEST_EFFORT
    assert offered(observer, "/twist").durability == DurabilityPolicy.VOLATILE
    # rclpy writes into the profile that it is given.
    assert NEWEST.reliability == ReliabilityPolicy.BEST_EFFORT
    assert OFFERED.durability == DurabilityPolicy.VOLATILE


def test_an_override_is_no_unknown_parameter_and_is_told_when_it_is_given(nodes):
    observer, controller = nodes
    for node in nodes:
        refuse_unknown(node)
    assert "qos_overrides./image.subscription.reliability: reliable" in in_effect(observer)
    assert "qos_overrides" not in in_effect(controller)


def test_the_depth_cannot_be_overridden(nodes):
    for node in nodes:
        assert not [name for name in node.get_parameters_by_prefix("") if name.endswith(".depth")]
