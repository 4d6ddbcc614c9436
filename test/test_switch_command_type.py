"""MoveIt Servo is told to take twists when arming, over DDS, by a service under its name.

``moveit_msgs`` is stood in for: its service goes by the type support of an installed one.
"""

import sys
from types import ModuleType

import pytest
from geometry_msgs.msg import TwistStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.task import Future
from std_srvs.srv import SetBool
from support_driver import DriverRig

from cns_ros.ros.qos import OFFERED

SERVICE = "servo_node/switch_command_type"
TWIST = 1


class _CommandType(type):
    """Makes and recognizes requests that travel as SetBool's."""

    def __call__(cls, command_type):
        return SetBool.Request(data=command_type == TWIST)

    def __instancecheck__(cls, instance):
        return isinstance(instance, SetBool.Request)


class ServoCommandType(SetBool):
    """As moveit_msgs/srv/ServoCommandType: an int8 ``command_type``, a bool ``success``."""

    class Request(metaclass=_CommandType):
        """Of it, SetBool carries whether it is TWIST."""


@pytest.fixture
def moveit_msgs(monkeypatch):
    """The package, with the service unless a test takes it away."""
    package, services = ModuleType("moveit_msgs"), ModuleType("moveit_msgs.srv")
    services.ServoCommandType = ServoCommandType
    monkeypatch.setitem(sys.modules, "moveit_msgs", package)
    monkeypatch.setitem(sys.modules, "moveit_msgs.srv", services)
    return services


class Servo:
    """MoveIt Servo as far as it can be told what to take: ignores twists until it is."""

    def __init__(self, graph, answer=lambda: True):
        self.asked, self.twists = [], []
        self._answer = answer
        graph.node.create_service(
            SetBool, SERVICE, self._switch, callback_group=ReentrantCallbackGroup()
        )
        graph.node.create_subscription(TwistStamped, "delta_twist_cmds", self._take, OFFERED)

    async def _switch(self, request, response):
        self.asked.append(request.data)
        answer = self._answer()
        response.success = await answer if isinstance(answer, Future) else answer
        return response

    def _take(self, message):
        if self.asked:
            self.twists.append(message.twist.linear.x)


def test_servo_is_told_to_take_twists_at_every_arming(ros_graph, moveit_msgs):
    servo = Servo(ros_graph)
    rig = DriverRig(ros_graph, backend="moveit_servo")
    for times in (1, 2):
        rig.arm()
        ros_graph.until(lambda: servo.twists and servo.twists[-1] > 0.02, rig.send)
        assert servo.asked == [True] * times
        assert rig.call("disarm", streaming=True).success
        servo.twists.clear()


def test_a_servo_that_refuses_ends_the_arming_and_is_named(ros_graph, moveit_msgs):
    Servo(ros_graph, answer=lambda: False)
    rig = DriverRig(ros_graph, backend="moveit_servo")
    rig.arm()
    cause = rig.until_state("faulted", rig.send)["cause"]
    assert cause == f"{SERVICE} refused TWIST: look at MoveIt Servo's log"


def test_so_does_one_that_does_not_answer(ros_graph, moveit_msgs):
    Servo(ros_graph, answer=Future)
    rig = DriverRig(ros_graph, backend="moveit_servo")
    rig.arm()
    cause = rig.until_state("faulted", rig.send)["cause"]
    assert "did not answer for 2.0 s" in cause


def test_without_the_service_it_is_not_armed(ros_graph, moveit_msgs):
    ros_graph.collect(TwistStamped, "delta_twist_cmds", OFFERED)
    rig = DriverRig(ros_graph, backend="moveit_servo")
    rig.until_state("disarmed", rig.send)
    answer = rig.call("arm", streaming=True)
    assert not answer.success
    assert f"no service {SERVICE}: is MoveIt Servo running?" in answer.message


@pytest.mark.parametrize(
    ("takes_away", "said"),
    [
        ("package", "moveit_msgs is not installed"),
        ("service", "moveit_msgs here is older than the service ServoCommandType"),
    ],
)
def test_without_its_type_the_user_is_told_to_call_it(
    ros_graph, moveit_msgs, monkeypatch, capfd, takes_away, said
):
    if takes_away == "package":
        monkeypatch.setitem(sys.modules, "moveit_msgs.srv", None)
    else:
        del moveit_msgs.ServoCommandType
    servo = Servo(ros_graph)
    rig = DriverRig(ros_graph, backend="moveit_servo")
    assert f"{said}: call {SERVICE} with TWIST yourself" in capfd.readouterr().err
    rig.arm()
    rig.until_state("armed", rig.send)
    assert not servo.asked


def test_dry_runs_switch_nothing(ros_graph, moveit_msgs):
    servo = Servo(ros_graph)
    rig = DriverRig(ros_graph, backend="moveit_servo", dry_run=True)
    rig.arm()
    rig.until_state("armed", rig.send)
    assert not servo.asked
