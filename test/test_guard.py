"""The guard of callbacks: bad data refuse a message, faults of ours are seen, nodes live."""

import ast
import asyncio
from pathlib import Path

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import TwistStamped
from rclpy.impl.rcutils_logger import RcutilsLogger
from ros_graph import with_parameters
from scipy.spatial.transform import Rotation
from std_msgs.msg import String
from std_srvs.srv import Trigger
from support_box import own_address, quick_box
from support_driver import HAND_EYE, DriverRig

from cns_core.arm.driver import ArmDriver
from cns_core.bad_data import as_value_error
from cns_core.twin.robot.stopping import linear_speed
from cns_ros.nodes.controller import ControllerNode
from cns_ros.nodes.hand_eye import HandEyeNode
from cns_ros.nodes.moveit_servo import MoveItServo
from cns_ros.nodes.observer import ObserverNode
from cns_ros.nodes.supervisor import SupervisorNode
from cns_ros.nodes.ur_driver import UrDriverNode
from cns_ros.recording.bag_writer import BagWriter
from cns_ros.recording.record_settings import RecordSettings
from cns_ros.recording.recorder import RecorderNode
from cns_ros.ros.guard import (
    GuardedNode,
    guarded_message,
    guarded_request,
    guarded_timer,
    is_guarded,
)
from cns_ros.ros.qos import LATCHED, OFFERED
from cns_ros.ros.subscribe import subscribe_to_state
from cns_ros.sim.episode_watch import EpisodeWatch
from cns_ros.sim.twin import TwinNode
from cns_ros.sim.vendor_arm import VendorArmNode

ROOT = Path(__file__).resolve().parents[1]


def opencv():
    cv2.cvtColor(np.zeros((3, 3, 2), np.uint8), cv2.COLOR_BGR2GRAY)


def scipy():
    Rotation.from_matrix(np.diag([1.0, 1.0, -1.0]))


def numpy():
    np.linalg.inv(np.zeros((2, 2)))


def overflow():
    int(float("inf"))


def bug():
    {}["no such thing"]


BAD = pytest.mark.parametrize("bad", [opencv, scipy, numpy, overflow])


class FakeNode:
    """What the guard asks of a node."""

    def __init__(self, ok=True):
        self.errors, self.warnings, self.safe = [], [], []
        self.context = type("Context", (), {"ok": staticmethod(lambda: ok)})

    def get_logger(self):
        return self

    def error(self, text):
        self.errors.append(text)

    def warning(self, text):
        self.warnings.append(text)

    def make_safe(self, reason):
        self.safe.append(reason)


@BAD
def test_what_libraries_raise_over_data_refuses_the_message(bad):
    reasons, node = [], FakeNode()
    guarded_message(node, lambda message: bad(), reasons.append)("message")
    assert len(reasons) == 1 and reasons[0] and "\n" not in reasons[0]
    assert not node.errors and not node.safe


@BAD
def test_within_the_core_it_is_a_value_error_that_says_what_it_was_about(bad):
    what = "the picture is not usable"
    with pytest.raises(ValueError, match=f"^{what}: .") as caught, as_value_error(what):
        bad()
    assert "\n" not in str(caught.value)


def test_a_refusal_is_logged_where_nobody_else_takes_it():
    node = FakeNode()
    guarded_message(node, lambda message: overflow(), None)("message")
    assert "refused: cannot convert float infinity" in node.warnings[0]


def test_a_fault_of_ours_is_logged_with_its_traceback_and_the_node_makes_itself_safe():
    reasons, node = [], FakeNode()
    assert guarded_message(node, lambda message: bug(), reasons.append)("message") is None
    assert "Traceback" in node.errors[0] and "in bug" in node.errors[0]
    assert "internal error" in reasons[0] and reasons == node.safe


def test_a_service_that_fails_says_why():
    answer = guarded_request(FakeNode(), lambda request, response: overflow())
    response = answer(Trigger.Request(), Trigger.Response(success=True))
    assert not response.success
    assert "infinity" in response.message


def test_so_does_one_that_waits():
    async def fail(request, response):
        await asyncio.sleep(0)
        bug()

    node = FakeNode()
    later = guarded_request(node, fail)(Trigger.Request(), Trigger.Response(success=True))
    response = asyncio.run(later)
    assert not response.success
    assert "KeyError" in response.message and node.safe == [response.message]


@pytest.mark.parametrize("failing", [overflow, bug])
def test_a_timer_has_no_data_to_blame(failing):
    node = FakeNode()
    guarded_timer(node, failing)()
    assert "Traceback" in node.errors[0] and "internal error" in node.safe[0]


def test_a_fault_that_comes_again_at_once_is_logged_once_and_kept_safe_each_time():
    node = FakeNode()
    raised = iter([KeyError("a"), KeyError("b"), AttributeError("c")])

    def fail():
        raise next(raised)

    tick = guarded_timer(node, fail)
    for _ in range(3):
        tick()
    assert len(node.safe) == 3
    assert ["KeyError" in node.errors[0], "AttributeError" in node.errors[1]] == [True, True]
    assert len(node.errors) == 2


def test_a_node_that_cannot_even_make_itself_safe_lives_and_says_so():
    node = FakeNode()
    node.make_safe = lambda reason: overflow()
    guarded_timer(node, bug)()
    assert "in bug" in node.errors[0] and "in overflow" in node.errors[1]


def test_after_the_end_of_the_context_nothing_is_hidden():
    def broken(message):
        raise RuntimeError("context is not valid")

    with pytest.raises(RuntimeError):
        guarded_message(FakeNode(ok=False), broken, None)("message")


class Fragile(GuardedNode):
    """A node all of whose callbacks fail."""

    def __init__(self):
        super().__init__("fragile")
        self.taken, self.safe, self.ticks = [], [], 0
        self.create_subscription(String, "words", self._take, OFFERED)
        subscribe_to_state(self, String, "state", self._take)
        self.create_service(Trigger, "~/fail", lambda request, response: overflow())
        self.create_service(Trigger, "~/wait", self._wait)
        self.create_timer(0.01, self._tick)

    def make_safe(self, reason):
        self.safe.append(reason)

    def _take(self, message):
        self.taken.append(message.data)
        raise KeyError(message.data)

    async def _wait(self, request, response):
        response.success, response.message = True, "waited"
        return response

    def _tick(self):
        self.ticks += 1
        bug()


def test_callbacks_of_a_whole_node(ros_graph):
    node = ros_graph.add(Fragile())
    publisher = ros_graph.node.create_publisher(String, "words", OFFERED)
    latched = ros_graph.node.create_publisher(String, "state", LATCHED)
    latched.publish(String(data="state"))
    ros_graph.until(
        lambda: {"word", "state"} <= set(node.taken) and node.ticks > 3,
        lambda: publisher.publish(String(data="word")),
    )
    assert "infinity" in ros_graph.call("fragile/fail").message
    assert ros_graph.call("fragile/wait").message == "waited"
    assert any("word" in reason for reason in node.safe)


def nodes(tmp_path):
    """Every node of the suite, and the ways in which it can be set up with other callbacks."""
    yield lambda: with_parameters(ObserverNode)
    yield lambda: with_parameters(ObserverNode, image_transport="compressed")
    yield lambda: with_parameters(ControllerNode)
    yield lambda: with_parameters(HandEyeNode, file=str(tmp_path / "hand_eye.yaml"))
    for backend in ("moveit_servo", "ros2_control"):
        yield lambda backend=backend: with_parameters(UrDriverNode, backend=backend, **HAND_EYE)
    yield lambda: with_parameters(UrDriverNode, robot_ip=own_address(), **HAND_EYE)
    yield lambda: with_parameters(TwinNode, host=own_address(), gripper=True, compressed=True)
    yield lambda: with_parameters(VendorArmNode, host=own_address())
    yield EpisodeWatch
    yield lambda: with_parameters(SupervisorNode, goals_folder=str(tmp_path))
    with BagWriter(tmp_path / "recording.mcap") as bag:
        yield lambda: RecorderNode(RecordSettings(), bag)


def test_every_callback_that_any_node_registers_is_guarded(ros_graph, tmp_path):
    made = set()
    for make in nodes(tmp_path):
        node = ros_graph.add(make())
        made.add(type(node).__name__)
        callbacks = [each.callback for each in (*node.subscriptions, *node.services, *node.timers)]
        assert callbacks and all(map(is_guarded, callbacks)), node.get_name()
    assert made == classes_of_nodes()


def classes_of_nodes():
    """Names of the classes of nodes in the sources; each is a guarded one."""
    found = set()
    for path in ROOT.glob("cns_ros/**/*.py"):
        for each in ast.walk(ast.parse(path.read_text())):
            bases = {ast.unparse(base) for base in getattr(each, "bases", ())}
            if isinstance(each, ast.ClassDef) and each.name != "GuardedNode":
                assert not bases & {"Node", "rclpy.node.Node"}, f"{path}: derive from GuardedNode"
                found |= {each.name} if "GuardedNode" in bases else set()
    return found


def test_a_driver_whose_ticks_fail_stops_the_arm_and_says_why(ros_graph, monkeypatch):
    logged = []
    monkeypatch.setattr(RcutilsLogger, "error", lambda _, text, **how: logged.append(text))
    rig = DriverRig(ros_graph, backend="moveit_servo")
    commands = ros_graph.collect(TwistStamped, "delta_twist_cmds", OFFERED)
    rig.arm()
    ros_graph.until(lambda: commands and commands[-1].twist.linear.x, rig.send)
    monkeypatch.setattr(MoveItServo, "read", lambda *_: bug())
    cause = rig.until_state("faulted", rig.send)["cause"]
    assert "internal error" in cause and "KeyError" in cause
    ros_graph.until(lambda: not commands[-1].twist.linear.x)
    assert "in bug" in logged[0]
    # Armed again, it does not get further.
    rig.call("arm", streaming=True)
    rig.until_state("faulted", rig.send)
    assert not commands[-1].twist.linear.x
    monkeypatch.undo()
    assert rig.call("disarm").success
    rig.arm()
    ros_graph.until(lambda: commands[-1].twist.linear.x, rig.send)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("owner", "method"),
    [(UrDriverNode, "describe"), (UrDriverNode, "_several_senders"), (ArmDriver, "poll")],
)
def test_whichever_callback_of_the_driver_fails_a_real_arm_stops(
    ros_graph, monkeypatch, robot_address, owner, method
):
    logged = []
    monkeypatch.setattr(RcutilsLogger, "error", lambda _, text, **how: logged.append(text))
    with quick_box(robot_address) as box:
        rig = DriverRig(ros_graph, robot_ip=robot_address)
        rig.arm()
        rig.until_state("armed", rig.send)
        ros_graph.until(lambda: linear_speed(box) > 0.02, rig.send)
        monkeypatch.setattr(owner, method, lambda *_: bug())
        ros_graph.until(lambda: linear_speed(box) == 0.0, rig.send)
        assert "in bug" in logged[0]
        monkeypatch.undo()
        assert "internal error" in rig.until_state("disarmed", rig.send)["last_stop"]
