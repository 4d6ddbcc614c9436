"""What a controller finds to move with the camera, told over real DDS and obeyed by an observer."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from ros_graph import with_parameters
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from test_observer_node import CAMERA, PHOTO
from test_observer_node import Rig as Eye

from cns_core import Correspondence
from cns_core.bench.loop.episode import build_environment
from cns_core.bench.loop.plan import Spec
from cns_core.bench.methods.built_in import STRUCTURE
from cns_core.geometry import se3
from cns_ros.nodes.controller import ControllerNode
from cns_ros.nodes.debug_image import draw_matches
from cns_ros.nodes.observer import ObserverNode
from cns_ros.recording.bag_reader import BagReader
from cns_ros.recording.bag_writer import BagWriter
from cns_ros.recording.footage import Footage
from cns_ros.recording.record_settings import RecordSettings
from cns_ros.recording.recorder import RecorderNode
from cns_ros.recording.replay_observer import replay_observer
from cns_ros.ros.camera_info import info_from_camera
from cns_ros.ros.image_codec import decode, encode
from cns_ros.ros.matches import correspondence_from_matches, matches_from_correspondence
from cns_ros.ros.poses_twists import pose_message, twist_from_message
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED

_SPREAD = np.random.default_rng(3)
DESIRED = np.vstack(
    [
        _SPREAD.uniform([-0.5, -0.4], [0.5, 0.0], (60, 2)),
        _SPREAD.uniform([-0.2, 0.1], [0.2, 0.4], (40, 2)),
    ]
)
ON_TOOL = np.arange(100) >= 60


def knows_pose(controller, time_s):
    """Whether it has the pose of a frame; a little later it guesses one only if it has."""
    poses = controller.poses
    return poses.at(time_s + 0.03) is not None if len(poses) > 1 else len(poses) == 1


class Stuck:
    """A controller whose camera sees only what moves with it, and whose arm obeys."""

    def __init__(self, graph):
        self.graph, self.node = graph, graph.node
        self.controller = graph.add(
            with_parameters(ControllerNode, use_sim_time=True, controller="ibvs")
        )
        self.clock = self.node.create_publisher(Clock, "/clock", NEWEST)
        self.poses = self.node.create_publisher(PoseStamped, "tcp_pose", OFFERED)
        self.matches = self.node.create_publisher(PointCloud2, "matches", OFFERED)
        self.left_out = graph.collect(PointCloud2, "controller/left_out", LATCHED)
        self.statuses = graph.collect(DiagnosticStatus, "controller/status", LATCHED)
        self.twists = graph.collect(TwistStamped, "twist", NEWEST)
        self.T_wc, self.time_s = np.eye(4), 0.0
        heard = (self.clock, self.poses, self.matches)
        graph.until(lambda: all(each.get_subscription_count() for each in heard))

    def send(self, desired=DESIRED):
        """A frame later: the clock, where the camera is, and that nothing has moved."""
        self.time_s += 0.04
        now = Time(sec=int(self.time_s), nanosec=int(1e9 * (self.time_s % 1.0)))
        header = Header(stamp=now, frame_id="camera_optical_frame")
        self.clock.publish(Clock(clock=now))
        self.poses.publish(pose_message(self.T_wc, Header(stamp=now, frame_id="base")))
        self.graph.until(lambda: knows_pose(self.controller, self.time_s))
        seen = Correspondence(desired, desired, ON_TOOL)
        self.matches.publish(matches_from_correspondence(seen, header))

    def start(self):
        self.send()
        self.graph.until(lambda: self.controller.session.matches is not None)
        assert self.graph.call("controller/start").success

    def obey(self):
        sent = len(self.twists)
        self.send()
        self.graph.until(lambda: len(self.twists) > sent)
        self.T_wc = self.T_wc @ se3.exp(0.04 * twist_from_message(self.twists[-1]))

    def told(self, count, do=None):
        """The last of so many messages."""
        self.graph.until(lambda: len(self.left_out) >= count, do)
        assert len(self.left_out) == count
        return correspondence_from_matches(self.left_out[-1])

    def until_left_out(self):
        """Go on until all of the tool is said to be left out."""
        self.start()
        before = len(self.left_out)
        for _ in range(400):
            self.obey()
            if len(self.left_out) > before:
                return self.told(before + 1)
        raise AssertionError("nothing was left out")


def test_a_controller_tells_once_what_did_not_follow_and_takes_it_back_at_the_end(ros_graph):
    rig = Stuck(ros_graph)
    rig.send()
    assert rig.told(1).count == 0  # another controller may have said something before
    told = rig.until_left_out()
    np.testing.assert_array_equal(told.matched, ON_TOOL)
    np.testing.assert_allclose(told.desired, DESIRED, atol=1e-6)
    for _ in range(5):
        rig.obey()
    values = {pair.key: pair.value for pair in rig.statuses[-1].values}
    assert values["left_out"] == str(ON_TOOL.sum())
    assert ros_graph.call("controller/stop").success
    assert rig.told(3).count == 0
    np.testing.assert_array_equal(rig.until_left_out().matched, ON_TOOL)


def test_another_target_takes_it_back(ros_graph):
    rig = Stuck(ros_graph)
    rig.until_left_out()
    count = len(rig.left_out)
    rig.send(DESIRED + 0.01)
    told = rig.told(count + 1)
    assert told.count == 0
    np.testing.assert_allclose(told.desired, DESIRED + 0.01, atol=1e-6)
    for _ in range(3):
        rig.send(DESIRED + 0.01)
    rig.graph.until(lambda: rig.statuses[-1].message == "idle")
    assert len(rig.left_out) == count + 1


class Told(Eye):
    """An observer, and somebody who tells it what to leave out."""

    def __init__(self, graph, **parameters):
        super().__init__(graph, **parameters)
        self.teller = graph.node.create_publisher(PointCloud2, "controller/left_out", LATCHED)
        self.obeyed = graph.collect(PointCloud2, "observer/left_out", LATCHED)
        self.diagnoses = graph.collect(DiagnosticArray, "/diagnostics", OFFERED)
        assert self.set_desired().success
        graph.until(self.teller.get_subscription_count)
        self.goal = self.look()
        self.left = self.goal.desired[:, 0] < 0.0

    def look(self):
        """What it finds in the next image."""
        self.matches.clear()
        self.graph.until(lambda: self.matches, self.shoot)
        return correspondence_from_matches(self.matches[-1])

    def tell(self, which, desired=None):
        desired = self.goal.desired if desired is None else desired
        said = Correspondence(desired, desired, which)
        self.teller.publish(matches_from_correspondence(said, Header()))

    def until_found(self, on_the_left):
        """Until it finds the left half of the goal, or does not; then the matches."""
        seen = []

        def found():
            if self.matches:
                seen.append(correspondence_from_matches(self.matches[-1]))
            return seen and (seen[-1].matched & self.left).any() == on_the_left

        self.matches.clear()
        self.graph.until(found, self.shoot)
        return seen[-1]

    def until_diagnosed(self, key, value):
        def says():
            pairs = self.diagnoses[-1].status[0].values if self.diagnoses else ()
            return any((pair.key, pair.value) == (key, value) for pair in pairs)

        self.graph.until(says, self.shoot)


@pytest.fixture
def rig(ros_graph):
    return Told(ros_graph)


def test_an_observer_leaves_out_what_it_is_told_and_takes_it_back(rig):
    assert (rig.goal.matched & rig.left).any()
    rig.tell(rig.left)
    seen = rig.until_found(on_the_left=False)
    assert (seen.matched & ~rig.left).sum() > 50
    rig.until_diagnosed("left_out", str(rig.left.sum()))
    np.testing.assert_array_equal(correspondence_from_matches(rig.obeyed[-1]).matched, rig.left)
    rig.tell(np.zeros_like(rig.left))
    rig.until_found(on_the_left=True)
    rig.until_diagnosed("left_out", "0")
    assert correspondence_from_matches(rig.obeyed[-1]).count == 0
    assert len(rig.obeyed) == 2


def test_what_is_said_of_another_goal_is_ignored(rig):
    rig.tell(rig.left)
    rig.until_found(on_the_left=False)
    for other in (rig.goal.desired[:-1], rig.goal.desired + 1e-4):
        heard = rig.observer.left_out.heard
        rig.tell(np.zeros(len(other), dtype=bool), other)
        rig.graph.until(lambda heard=heard: rig.observer.left_out.heard is not heard)
        assert not (rig.look().matched & rig.left).any()
    assert len(rig.obeyed) == 1


def test_the_same_goal_set_again_is_obeyed_and_another_one_is_not(rig):
    rig.tell(rig.left)
    rig.until_found(on_the_left=False)
    assert rig.set_desired().success
    assert not (rig.look().matched & rig.left).any()
    turned = np.ascontiguousarray(PHOTO[::-1])
    assert rig.set_desired(turned).success
    rig.matches.clear()
    rig.graph.until(lambda: rig.matches, lambda: rig.shoot(turned))
    seen = correspondence_from_matches(rig.matches[-1])
    assert (seen.matched & (seen.desired[:, 0] < 0.0)).any()
    rig.until_diagnosed("left_out", "0")


def garbled(message):
    message.data = message.data[:-1]
    return message


def renamed(message):
    message.fields[0].name = "u"
    return message


def not_finite(message):
    message.data = message.data[:-28] + type(message.data)("B", 28 * [255])
    return message


@pytest.mark.parametrize("spoil", [garbled, renamed, not_finite])
def test_garbage_is_refused_and_named_and_what_was_said_before_holds(rig, spoil):
    rig.tell(rig.left)
    rig.until_found(on_the_left=False)
    said = Correspondence(rig.goal.desired, rig.goal.desired, np.ones_like(rig.left))
    rig.teller.publish(spoil(matches_from_correspondence(said, Header())))
    rig.graph.until(lambda: rig.observer.problem.startswith("controller/left_out: "))
    seen = rig.look()
    assert not (seen.matched & rig.left).any()
    assert seen.count > 50


def test_what_is_left_out_is_drawn_otherwise_than_what_is_not_found():
    none, first = np.zeros(2, dtype=bool), np.array([True, False])
    unseen = Correspondence(np.array([[-0.2, 0.0], [0.2, 0.0]]), np.zeros((2, 2)), none)
    grey = draw_matches(np.zeros((240, 320, 3), np.uint8), CAMERA, unseen)
    crossed = draw_matches(np.zeros((240, 320, 3), np.uint8), CAMERA, unseen, left_out=first)
    assert np.ptp(grey, axis=2).max() == 0
    assert np.ptp(crossed[:, :160], axis=2).max() > 100
    np.testing.assert_array_equal(crossed[:, 160:], grey[:, 160:])


def test_the_debug_image_has_what_is_left_out(rig):
    pictures = rig.graph.collect(Image, "observer/debug_image", NEWEST)
    rig.tell(rig.left)

    def crossed():
        left = pictures and decode(pictures[-1]).astype(int)
        return pictures and (abs(left - (220, 60, 200)).max(axis=2) < 20).any()

    rig.graph.until(crossed, rig.shoot)


@pytest.fixture(params=[False, True])
def recording(ros_graph, tmp_path, request):
    """An observer that is told to leave out something midway, and not any more later."""
    parameters = {"tracking": request.param, "background": False}
    settings = RecordSettings(images="raw")
    with BagWriter(tmp_path / "told.mcap") as bag:
        recorder = ros_graph.add(RecorderNode(settings, bag))
        rig = Told(ros_graph, **parameters)
        wanted = {"/image", "/matches", "/observer/goal", "/observer/left_out"}
        ros_graph.until(lambda: wanted <= recorder.topics.keys(), rig.shoot)
        ros_graph.until(lambda: bag.counts["/matches"], rig.shoot)
        assert rig.set_desired().success  # a replay is exact from here on
        for which in (rig.left, np.zeros_like(rig.left)):
            for _ in range(3):
                rig.look()
            rig.tell(which)
            rig.until_found(on_the_left=not which.any())
        ros_graph.until(lambda: bag.counts["/observer/left_out"] == 2)
        ros_graph.until(lambda: not recorder.parameters.pending)
        recorder.finish()
    return BagReader(bag.path)


def test_a_replay_leaves_out_the_same_at_the_same_image(recording, monkeypatch):
    assert {"/controller/left_out", "/observer/left_out"} <= {e.topic for e in recording.entries()}
    goal_ns = Footage.of(recording).goals[-1][0]

    def since_goal():
        return [each for each in replay_observer(recording, {}).images if each.stamp_ns > goal_ns]

    assert len(since_goal()) > 6
    assert all(each.same for each in since_goal())
    of = Footage.of

    def deaf(bag):
        footage = of(bag)
        footage.left_out.clear()
        return footage

    monkeypatch.setattr(Footage, "of", deaf)
    assert not all(each.same for each in since_goal())


class Table:
    """Observer and controller before few things on a bare table, a gripper in view."""

    def __init__(self, graph, index):
        self.graph, self.node = graph, graph.node
        spec = Spec("tabletop", "S", index, STRUCTURE, "sift-tracked", perturbation="camera-webcam")
        self.world = build_environment(spec)
        self.observer = graph.add(
            with_parameters(ObserverNode, use_sim_time=True, background=False)
        )
        self.controller = graph.add(
            with_parameters(ControllerNode, use_sim_time=True, matches_timeout=10.0)
        )
        kinds = {"/clock": Clock, "tcp_pose": PoseStamped, "camera_info": CameraInfo}
        kinds |= {"image": Image, "desired_image": Image}
        self.out = {name: self.node.create_publisher(kinds[name], name, OFFERED) for name in kinds}
        self.matches = graph.collect(PointCloud2, "matches", OFFERED)
        self.twists = graph.collect(TwistStamped, "twist", NEWEST)
        self.obeyed = graph.collect(PointCloud2, "observer/left_out", LATCHED)
        graph.until(lambda: all(each.get_subscription_count() for each in self.out.values()))
        self.frames = 0

    def frame(self):
        """Show what is seen a frame later, and where the arm is."""
        self.frames += 1
        time_ns = 40_000_000 * self.frames
        now = Time(sec=time_ns // 10**9, nanosec=time_ns % 10**9)
        header = Header(stamp=now, frame_id="camera_optical_frame")
        self.out["/clock"].publish(Clock(clock=now))
        pose = pose_message(self.world.T_assumed, Header(stamp=now, frame_id="base"))
        self.out["tcp_pose"].publish(pose)
        self.out["camera_info"].publish(info_from_camera(self.world.assumed_camera, header))
        self.graph.until(
            lambda: knows_pose(self.controller, 1e-9 * time_ns) and self.observer.camera
        )
        self.out["image"].publish(encode(self.world.image(), header))

    def start(self):
        """Until the observer has the goal and the controller its matches."""
        self.frame()
        goal = encode(self.world.desired_image, Header())
        self.graph.until(
            lambda: self.matches,
            lambda: (self.out["desired_image"].publish(goal), self.frame()),
        )
        assert self.graph.call("controller/start").success

    def obey(self):
        sent = len(self.twists)
        self.frame()
        self.graph.until(lambda: len(self.twists) > sent)
        self.world.apply(twist_from_message(self.twists[-1]), 0.04)


@pytest.mark.slow
@pytest.mark.parametrize("index", [2001, 2002])
def test_the_nodes_come_home_where_a_gripper_hides_few_things(ros_graph, index):
    table = Table(ros_graph, index)
    table.start()
    for _ in range(600):
        table.obey()
        if not table.controller.session.report.status.is_active:
            break
    assert str(table.controller.session.report.status) == "converged"
    assert table.world.translation_error_mm < 1.0
    assert correspondence_from_matches(table.obeyed[0]).count > 0
