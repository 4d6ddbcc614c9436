"""The controller node over real DDS: from start to the goal, and every way of stopping."""

import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.parameter import Parameter
from rclpy.publisher import Publisher
from ros_graph import with_parameters
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from cns_core import Correspondence
from cns_core.geometry import se3
from cns_ros.nodes.controller import ControllerNode
from cns_ros.nodes.structure_markers import NAMES
from cns_ros.ros.matches import matches_from_correspondence
from cns_ros.ros.poses_twists import pose_message
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED

POINTS = np.random.default_rng(3).uniform([-0.2, -0.2, -0.05], [0.2, 0.2, 0.05], (40, 3))
GOAL = se3.look_at([0.0, -0.1, 0.5], [0.0, 0.0, 0.0])
REST = TwistStamped().twist
START = GOAL @ se3.exp([0.05, 0.02, -0.04, 0.05, -0.1, 0.3])


def view(T_wc):
    T = se3.inverse(T_wc)
    points_c = POINTS @ T[:3, :3].T + T[:3, 3]
    return points_c[:, :2] / points_c[:, 2:]


def stamp(time_s):
    return Time(sec=int(time_s), nanosec=int(1e9 * (time_s % 1.0)))


class Rig:
    """A camera flying where the controller sends it, over points instead of images."""

    def __init__(self, graph, **parameters):
        self.graph = graph
        self.controller = graph.add(
            with_parameters(ControllerNode, use_sim_time=True, **parameters)
        )
        self.clock = graph.node.create_publisher(Clock, "/clock", NEWEST)
        self.publisher = graph.node.create_publisher(PointCloud2, "matches", OFFERED)
        self.statuses = graph.collect(DiagnosticStatus, "controller/status", LATCHED)
        self.twists = graph.collect(TwistStamped, "twist", NEWEST)
        self.T_wc = START.copy()
        self.time_s = 0.0
        heard = (self.publisher, self.clock)  # the clock, too, or all stamps are in its future
        graph.until(lambda: self.statuses and all(p.get_subscription_count() for p in heard))

    def send(self, matched=None, late_s=0.0):
        """Publish what the camera sees, a frame later on a clock that runs with the frames."""
        self.time_s += 0.04 + late_s
        self.clock.publish(Clock(clock=stamp(self.time_s)))
        header = Header(frame_id="camera_optical_frame", stamp=stamp(self.time_s - late_s))
        matched = np.ones(len(POINTS), bool) if matched is None else matched
        correspondence = Correspondence(view(GOAL), view(self.T_wc), matched)
        self.publisher.publish(matches_from_correspondence(correspondence, header))

    def send_late(self):
        self.send(late_s=0.7)

    def answer(self, matched=None):
        """The twist that answers one correspondence."""
        seen = len(self.twists)
        self.send(matched)
        self.graph.until(lambda: len(self.twists) > seen)
        t = self.twists[-1].twist
        return np.array([t.linear.x, t.linear.y, t.linear.z, t.angular.x, t.angular.y, t.angular.z])

    def start(self):
        self.send()
        self.graph.until(lambda: self.controller.session.matches is not None)
        return self.graph.call("controller/start")

    def until_status(self, message):
        self.graph.until(lambda: self.statuses[-1].message == message)
        return {pair.key: pair.value for pair in self.statuses[-1].values}


@pytest.fixture
def rig(ros_graph):
    return Rig(ros_graph, controller="ibvs", stop="pixel_error")


def test_it_servoes_to_the_goal_and_then_falls_silent(rig):
    assert rig.start().success
    for _ in range(1000):
        twist = rig.answer()
        rig.T_wc = rig.T_wc @ se3.exp(0.04 * twist)
        if rig.statuses[-1].message == "converged":
            break
    rig.until_status("converged")
    assert se3.translation_error_m(rig.T_wc, GOAL) < 5e-3
    zeros = rig.controller.get_parameter("stop_zeros").value
    rig.graph.until(lambda: all(t.twist == REST for t in rig.twists[-zeros:]))
    sent = len(rig.twists)
    for _ in range(3):
        rig.send()
        rig.graph.executor.spin_once(timeout_sec=0.2)
    assert len(rig.twists) == sent


@pytest.mark.parametrize(("odometry", "most_steps"), [("tcp_pose", 110), ("twists", 110)])
def test_with_structure_it_goes_straight_and_tells_how_far(ros_graph, odometry, most_steps):
    rig = Rig(ros_graph, controller="ibvs", terminal="structure", depth_prior=0.15)
    poses = ros_graph.node.create_publisher(PoseStamped, "tcp_pose", OFFERED)
    ros_graph.until(poses.get_subscription_count)

    def step():
        if odometry == "tcp_pose":
            header = Header(frame_id="base", stamp=stamp(rig.time_s + 0.04))
            before = len(rig.controller.poses)
            poses.publish(pose_message(rig.T_wc, header))
            ros_graph.until(lambda: len(rig.controller.poses) > before)
        rig.T_wc = rig.T_wc @ se3.exp(0.04 * rig.answer())

    assert rig.start().success
    steps = 0
    while rig.statuses[-1].message != "converged" and steps < 400:
        step()
        steps += 1
    values = {pair.key: pair.value for pair in rig.statuses[-1].values}
    assert steps <= most_steps
    assert values["odometry"] == odometry
    true_mm = 1e3 * se3.translation_error_m(rig.T_wc, GOAL)
    assert true_mm < 0.5
    assert true_mm <= float(values["remaining_mm"]) + float(values["remaining_mm_bound"]) + 0.01


def test_nothing_is_published_before_the_start(rig):
    for _ in range(3):
        rig.send()
        rig.graph.executor.spin_once(timeout_sec=0.2)
    assert not rig.twists
    assert rig.statuses[-1].message == "idle"


def test_the_twist_bears_the_frame_of_the_image(rig):
    rig.start()
    rig.answer()
    assert rig.twists[-1].header.frame_id == "camera_optical_frame"


def test_start_without_matches_is_refused(ros_graph):
    answer = Rig(ros_graph, controller="ibvs").graph.call("controller/start")
    assert not answer.success
    assert "no matches received" in answer.message


def test_start_with_too_few_matches_is_refused(rig):
    rig.send(np.arange(len(POINTS)) < 3)
    rig.graph.until(lambda: rig.controller.session.matches is not None)
    answer = rig.graph.call("controller/start")
    assert not answer.success
    assert "3 keypoints matched, 4 are needed" in answer.message


def test_stop_sends_zeros(rig):
    rig.start()
    assert np.any(rig.answer())
    assert rig.graph.call("controller/stop").success
    rig.graph.until(lambda: rig.twists[-1].twist == REST)
    assert rig.until_status("idle")["cause"] == "stopped by ~/stop"


def test_a_silent_observer_stops_the_episode(rig):
    rig.start()
    assert np.any(rig.answer())
    rig.graph.until(lambda: rig.twists[-1].twist == REST)
    assert rig.until_status("idle")["cause"].startswith("no matches for")


def test_another_desired_image_stops_the_episode(rig):
    rig.start()
    assert np.any(rig.answer())
    other = Correspondence(view(GOAL)[:20], view(START)[:20], np.ones(20, bool))
    header = Header(stamp=stamp(rig.time_s + 0.01))
    rig.publisher.publish(matches_from_correspondence(other, header))
    assert "another desired image" in rig.until_status("idle")["cause"]
    assert rig.graph.call("controller/start").success


def test_matches_that_are_not_finite_stop_the_episode(rig):
    rig.start()
    assert np.any(rig.answer())
    correspondence = Correspondence(view(GOAL), view(START), np.ones(len(POINTS), bool))
    poisoned = matches_from_correspondence(correspondence, Header())
    poisoned.data[:4] = array.array("B", np.float32(np.nan).tobytes())
    rig.publisher.publish(poisoned)
    assert "must be finite" in rig.until_status("idle")["cause"]
    rig.graph.until(lambda: rig.twists[-1].twist == REST)


def test_an_unseen_target_stands_still(rig):
    rig.start()
    assert np.any(rig.answer())
    assert not np.any(rig.answer(np.zeros(len(POINTS), bool)))
    assert np.any(rig.answer())


def test_an_old_image_moves_nothing(rig):
    rig.start()
    assert np.any(rig.answer())
    rig.graph.until(lambda: "s old" in rig.until_status("servoing")["cause"], rig.send_late)
    rig.graph.until(lambda: rig.twists[-1].twist == REST)
    assert np.any(rig.answer())


def test_old_images_alone_end_the_episode(rig):
    rig.start()
    assert np.any(rig.answer())
    rig.graph.until(lambda: rig.statuses[-1].message == "idle", rig.send_late)
    assert "s old" in rig.until_status("idle")["cause"]
    answer = rig.graph.call("controller/start")
    assert not answer.success
    assert "s old" in answer.message


def test_reset_goes_on_towards_the_goal(rig):
    rig.start()
    rig.answer()
    assert rig.graph.call("controller/reset").success
    assert np.any(rig.answer())


def test_the_tunables_take_effect_at_once(rig):
    rig.start()
    before = rig.answer()
    rig.controller.set_parameters([Parameter("depth_prior", value=0.25)])
    after = rig.answer()
    np.testing.assert_allclose(after, before * np.repeat([0.5, 1.0], 3), rtol=1e-4)
    rig.controller.set_parameters([Parameter("max_angular", value=0.01)])
    slow = rig.answer()
    assert np.linalg.norm(slow[3:]) == pytest.approx(0.01)
    np.testing.assert_allclose(slow / slow[5], after / after[5], rtol=1e-4)


@pytest.mark.parametrize(
    ("name", "value"), [("depth_prior", 0.0), ("depth_prior", float("nan")), ("gain", -1.0)]
)
def test_senseless_parameters_are_refused_with_a_reason(rig, name, value):
    before = rig.controller.get_parameter(name).value
    result = rig.controller.set_parameters([Parameter(name, value=value)])[0]
    assert not result.successful
    assert name in result.reason
    assert rig.controller.get_parameter(name).value == before


def test_weights_that_are_not_there_are_named(ros_graph, tmp_path):
    missing = str(tmp_path / "none.safetensors")
    with pytest.raises((ValueError, OSError), match="none.safetensors"):
        with_parameters(ControllerNode, controller="cns", weights=missing)


def test_the_graph_is_drawn_for_who_looks(rig):
    drawn = rig.graph.collect(MarkerArray, "controller/graph", OFFERED)
    rig.graph.until(lambda: drawn, rig.send)
    names = {marker.ns for marker in drawn[-1].markers}
    assert {"keypoints", "goals", "errors"} <= names


def test_structure_is_drawn_for_who_looks_and_wiped_out_at_the_end(rig):
    drawn = rig.graph.collect(MarkerArray, "controller/structure", OFFERED)
    rig.start()
    rig.graph.until(lambda: drawn, rig.send)
    assert {marker.action for marker in drawn[-1].markers} == {Marker.DELETE}

    def go_on():
        rig.T_wc = rig.T_wc @ se3.exp(0.04 * rig.answer())

    rig.graph.until(lambda: {m.action for m in drawn[-1].markers} == {Marker.ADD}, go_on)
    assert {marker.ns for marker in drawn[-1].markers} == set(NAMES)
    rig.graph.call("controller/stop")
    rig.graph.until(lambda: {m.action for m in drawn[-1].markers} == {Marker.DELETE}, rig.send)


def test_path_twist_and_state_are_drawn_for_who_looks(rig):
    drawn = rig.graph.collect(MarkerArray, "controller/motion", OFFERED)
    poses = rig.graph.node.create_publisher(PoseStamped, "tcp_pose", OFFERED)
    rig.graph.until(poses.get_subscription_count)
    rig.start()

    def go_on():
        header = Header(stamp=stamp(rig.time_s), frame_id="base")
        poses.publish(pose_message(rig.T_wc, header))
        rig.T_wc = rig.T_wc @ se3.exp(0.04 * rig.answer())

    def shown(name):
        return {m.ns: m for m in drawn[-1].markers}[name] if drawn else Marker()

    rig.graph.until(lambda: len(shown("path").points) > 2 and shown("linear").points, go_on)
    assert shown("path").header.frame_id == "base"
    assert shown("linear").header.frame_id == "camera_optical_frame"
    assert shown("status").text.startswith("servoing\n40 matched")
    rig.graph.call("controller/stop")
    rig.graph.until(lambda: shown("status").text.startswith("idle"), rig.send)
    assert shown("linear").action == shown("angular").action == Marker.DELETE
    rig.start()
    rig.graph.until(lambda: not shown("path").points)


def test_the_goals_frame_is_told_while_it_is_known(ros_graph, monkeypatch):
    told = []

    class Frames:
        def __init__(self, _):
            pass

        def tell(self, T, header, child):
            told.append((T, header, child))

    monkeypatch.setattr("cns_ros.nodes.controller_screen.Frames", Frames)
    rig = Rig(ros_graph, controller="ibvs", stop="pixel_error", goal_frame="goal_camera")
    rig.start()
    assert not told

    def go_on():
        rig.T_wc = rig.T_wc @ se3.exp(0.04 * rig.answer())

    rig.graph.until(lambda: len(told) > 3, go_on)
    T, header, child = told[-1]
    assert (header.frame_id, child) == ("camera_optical_frame", "goal_camera")
    assert header.stamp.nanosec
    assert T[3, 3] == 1.0 and 0.0 < np.linalg.norm(T[:3, 3]) < 1.0


def test_no_marker_is_published_while_nobody_looks(rig, monkeypatch):
    published, publish = [], Publisher.publish

    def note(self, message):
        if self.msg_type is MarkerArray:
            published.append(self.topic_name)
        publish(self, message)

    monkeypatch.setattr(Publisher, "publish", note)
    rig.start()
    for _ in range(10):
        rig.T_wc = rig.T_wc @ se3.exp(0.04 * rig.answer())
    assert not published
    kinds = dict(rig.graph.node.get_topic_names_and_types())
    topics = {
        name for name, kind in kinds.items() if kind == ["visualization_msgs/msg/MarkerArray"]
    }
    assert len(topics) >= 3
    for topic in topics:
        rig.graph.collect(MarkerArray, topic, OFFERED)
    rig.graph.until(lambda: set(published) == topics, rig.send)


def test_a_fault_of_the_program_ends_the_episode_with_zeros_and_the_reason(rig, monkeypatch):
    monkeypatch.setattr(RcutilsLogger, "error", lambda *_, **how: None)
    rig.start()
    assert rig.answer().any()
    monkeypatch.setattr(type(rig.controller.poses), "at", lambda *_: {}["no such pose"])
    rig.send()
    assert "KeyError: 'no such pose'" in rig.until_status("idle")["cause"]
    rig.graph.until(lambda: rig.twists[-1].twist == REST)
