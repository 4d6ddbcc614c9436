"""Frames for tf2: what is told, by whom and how, and that nothing needs ``tf2_msgs``."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from geometry_msgs.msg import PoseStamped, TransformStamped
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from scipy.spatial.transform import Rotation
from std_msgs.msg import Header
from support_box import quick_box
from support_driver import DriverRig
from support_structure import GOAL, START, World, way

from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.control.guide import StructureGuide
from cns_core.geometry import se3
from cns_ros.nodes.controller_screen import goal_of
from cns_ros.ros.frames import Frames
from cns_ros.ros.poses_twists import transform_message
from cns_ros.ros.qos import OFFERED

T = se3.pose(Rotation.from_rotvec([0.1, -0.2, 0.3]), (0.5, -0.4, 0.3))
HEADER = Header(stamp=Time(sec=7), frame_id="base")


class TFMessage:
    """What the real one has: a list of transforms, each of the type that tf2 has."""

    def __init__(self, transforms):
        assert all(isinstance(each, TransformStamped) for each in transforms)
        self.transforms = transforms


class FakeNode:
    """Notes what is published, where, and how."""

    def __init__(self):
        self.sent, self.qos, self.listeners = {}, {}, 1

    def create_publisher(self, kind, topic, qos):
        assert kind is TFMessage
        self.qos[topic], sent = qos, self.sent.setdefault(topic, [])
        return SimpleNamespace(
            publish=lambda message: sent.extend(message.transforms),
            get_subscription_count=lambda: self.listeners,
        )

    def get_clock(self):
        return SimpleNamespace(now=lambda: SimpleNamespace(to_msg=lambda: Time(sec=3)))


@pytest.fixture
def installed(monkeypatch):
    module = ModuleType("tf2_msgs.msg")
    module.TFMessage = TFMessage
    monkeypatch.setitem(sys.modules, "tf2_msgs", ModuleType("tf2_msgs"))
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", module)


@pytest.fixture
def missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "tf2_msgs", None)
    monkeypatch.setitem(sys.modules, "tf2_msgs.msg", None)


def pose_of(message):
    t, q = message.transform.translation, message.transform.rotation
    return se3.pose(Rotation.from_quat([q.x, q.y, q.z, q.w]), (t.x, t.y, t.z))


def test_a_transform_is_the_pose_of_the_child_in_its_parent():
    message = transform_message(T, HEADER, "tool0")
    assert (message.header, message.child_frame_id) == (HEADER, "tool0")
    np.testing.assert_allclose(pose_of(message), T, atol=1e-12)


def test_frames_are_told_as_listeners_of_tf2_expect_them(installed):
    node = FakeNode()
    told = Frames(node)
    told.tell_fixed(T, "tool0", "camera_optical_frame")
    told.tell(T, HEADER, "tool0")
    [fixed], [moving] = node.sent["/tf_static"], node.sent["/tf"]
    assert (fixed.header.frame_id, fixed.child_frame_id) == ("tool0", "camera_optical_frame")
    assert fixed.header.stamp.sec == 3
    assert (moving.header, moving.child_frame_id) == (HEADER, "tool0")
    assert node.qos["/tf_static"].durability == DurabilityPolicy.TRANSIENT_LOCAL
    assert node.qos["/tf"].durability == DurabilityPolicy.VOLATILE
    assert {q.reliability for q in node.qos.values()} == {ReliabilityPolicy.RELIABLE}


def test_nothing_moving_is_told_while_nobody_listens_but_what_is_fixed_is_kept(installed):
    node = FakeNode()
    node.listeners = 0
    told = Frames(node)
    told.tell(T, HEADER, "tool0")
    told.tell_fixed(T, "tool0", "camera_optical_frame")
    assert [len(node.sent[topic]) for topic in ("/tf", "/tf_static")] == [0, 1]


def test_without_tf2_nothing_is_told_and_nothing_fails(missing):
    node = FakeNode()
    told = Frames(node)
    told.tell(T, HEADER, "tool0")
    told.tell_fixed(T, "tool0", "camera_optical_frame")
    assert not node.sent


class Told(list):
    """In the place of :class:`Frames`: what a node tells, as [parent, child, pose]."""

    def __call__(self, _):
        return self

    def tell(self, T, header, child):
        self.append([header.frame_id, child, T])

    def tell_fixed(self, T, parent, child):
        self.append([parent, child, T])


@pytest.mark.parametrize(
    ("settings", "links"),
    [
        (
            {"base_frame": "world", "flange_frame": "hand", "camera_frame": "eye"},
            {("hand", "eye"), ("world", "hand")},
        ),
        ({"flange_tf": False, "camera_tf": False}, set()),
    ],
)
def test_the_driver_tells_where_flange_and_camera_are(
    ros_graph, robot_address, monkeypatch, settings, links
):
    told = Told()
    monkeypatch.setattr("cns_ros.nodes.ur_driver.Frames", told)
    camera = ros_graph.collect(PoseStamped, "tcp_pose", OFFERED)
    with quick_box(robot_address) as box:
        rig = DriverRig(ros_graph, robot_ip=box.host, **settings)
        ros_graph.until(lambda: len(camera) > 3)
        assert {tuple(each[:2]) for each in told} == links
        poses = {child: pose for _, child, pose in told}
        mount = rig.driver.driver.config.hand_eye.T_flange_camera
        flange = UR_MODELS["ur5e"].forward(box.state().q)
        np.testing.assert_allclose(poses.get("eye", mount), mount)
        np.testing.assert_allclose(poses.get("hand", flange), flange, atol=1e-6)


def test_the_goal_is_where_it_is_seen_from_the_camera():
    near = GOAL @ se3.exp([0.02, -0.03, 0.04, 0.05, 0.02, -0.3])
    world, guide = World(count=60), StructureGuide()
    assert goal_of(None) is goal_of(guide) is None
    guide.start(world.desired)
    for n, pose in enumerate(way(START, near)):
        guide.observe(world.matches(pose), 0.04 * n, world.odometry(pose))
    np.testing.assert_allclose(goal_of(guide), se3.inverse(near) @ GOAL, atol=5e-3)
