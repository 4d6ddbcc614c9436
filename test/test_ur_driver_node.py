"""The driver node over real DDS, with the real client and the simulated control box behind it."""

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.exceptions import ParameterException
from rclpy.parameter import Parameter
from ros_graph import with_parameters
from rtde_control import RTDEControlInterface
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from support_box import quick_box

from cns_core.twin.robot.pendant import Pendant
from cns_ros.nodes.ur_driver import UrDriverNode
from cns_ros.ros.messages import twist_message
from cns_ros.ros.qos import LATCHED, NEWEST, OFFERED

FORWARD = np.array([0.03, 0.0, 0.0, 0.0, 0.0, 0.0])
HAND_EYE = {"hand_eye_xyz": [0.0, -0.04, 0.05], "hand_eye_quaternion": [0.0, 0.0, 0.0, 1.0]}
# A busy test machine may be late; what is tested here is not how late.
PATIENT = {"command_timeout": 0.5, "feedback_timeout": 1.0, "watchdog": 2.0}


class Rig:
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


@pytest.fixture
def box(robot_address):
    with quick_box(robot_address) as box:
        yield box


def test_from_arming_to_disarming(box, ros_graph):
    rig = Rig(ros_graph, robot_ip=box.host)
    poses = ros_graph.collect(PoseStamped, "tcp_pose", OFFERED)
    joints = ros_graph.collect(JointState, "joint_states", OFFERED)
    diagnoses = ros_graph.collect(DiagnosticArray, "/diagnostics", OFFERED)
    q_start = box.state().q

    rig.until_state("disarmed")
    refusal = rig.call("arm")
    assert not refusal.success
    assert refusal.message.startswith("no fresh twist: none has come yet")
    for _ in range(20):
        rig.send()
        ros_graph.executor.spin_once(timeout_sec=0.02)
    np.testing.assert_array_equal(box.state().q, q_start)

    rig.arm()
    assert rig.until_state("armed", rig.send)["cause"] == ""
    x_start = poses[-1].pose.position
    ros_graph.until(lambda: np.abs(box.state().q - q_start).max() > 0.02, rig.send)
    assert joints[-1].name[0] == "shoulder_pan_joint"
    assert poses[-1].header.frame_id == "base"
    assert poses[-1].pose.position != x_start
    ros_graph.until(lambda: any(d.status[0].message == "armed" for d in diagnoses), rig.send)

    answer = rig.call("disarm", streaming=True)
    assert (answer.success, answer.message) == (True, "disarmed")
    assert rig.until_state("disarmed")["last_stop"] == "disarmed on request"
    assert not box.state().qd.any()
    with Pendant(box.host) as pendant:
        assert not pendant.status()["program_running"]
        pendant.move_joints(q_start, speed_rad_s=1.0)
    for _ in range(20):
        rig.send()
        ros_graph.executor.spin_once(timeout_sec=0.02)
    np.testing.assert_allclose(box.state().q, q_start, atol=1e-6)


def test_silence_of_the_controller_disarms(box, ros_graph):
    rig = Rig(ros_graph, robot_ip=box.host)
    rig.arm()
    ros_graph.until(lambda: box.state().qd.any(), rig.send)
    rig.until_state("stopping")
    assert rig.until_state("disarmed")["last_stop"].startswith("command timeout: no twist for")
    assert not box.state().qd.any()


def test_a_protective_stop_is_a_fault_and_ends_only_by_arming_again(box, ros_graph):
    rig = Rig(ros_graph, robot_ip=box.host)
    rig.arm()
    ros_graph.until(lambda: box.state().qd.any(), rig.send)
    with Pendant(box.host) as pendant:
        pendant.protective_stop()
        assert rig.until_state("faulted", rig.send)["cause"] == "protective stop"
        assert "protective stop: clear it" in rig.call("arm", streaming=True).message
        ros_graph.until(lambda: unlocked(pendant))
    q = box.state().q
    for _ in range(20):
        rig.send()
        ros_graph.executor.spin_once(timeout_sec=0.02)
    np.testing.assert_array_equal(box.state().q, q)
    assert rig.call("arm", streaming=True).success
    ros_graph.until(lambda: box.state().qd.any(), rig.send)


def unlocked(pendant):
    try:
        pendant.unlock()
    except ValueError:
        return False
    return True


def test_bad_twists_are_refused_and_counted(box, ros_graph):
    rig = Rig(ros_graph, robot_ip=box.host)
    rig.until_state("disarmed")
    gate = rig.driver.driver.gate
    for kind, bad in [
        ("not finite", {"twist": [np.nan, 0, 0, 0, 0, 0]}),
        ("wrong frame", {"frame": "tool0"}),
        ("old stamp", {"late_s": 2.0}),
        ("stamp in the future", {"late_s": -2.0}),
    ]:
        ros_graph.until(lambda kind=kind: gate.refused[kind], lambda bad=bad: rig.send(**bad))
    assert rig.call("arm").message.startswith("no fresh twist")


def test_a_dry_run_shows_what_it_would_send_and_moves_nothing(box, ros_graph):
    rig = Rig(ros_graph, robot_ip=box.host, dry_run=True)
    q = box.state().q
    rig.arm()
    ros_graph.until(lambda: rig.driver.driver.status.sent.any(), rig.send)
    np.testing.assert_array_equal(box.state().q, q)
    assert any(rig.driver.describe(rig.driver.driver.status)[2]["would_send"])


def test_an_unreachable_robot_leaves_the_node_up_and_refuses_arming(ros_graph, robot_address):
    rig = Rig(ros_graph, robot_ip=robot_address)
    ros_graph.until(lambda: "refused" in rig.driver.driver.status.cause)
    answer = rig.call("arm", streaming=True)
    assert not answer.success
    assert f"not connected: {robot_address}:29999: Connection refused" in answer.message
    assert rig.until_state("disconnected")["cause"] == answer.message
    assert rig.call("disarm").success


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ({"hand_eye_quaternion": [0.0, 0.0, 0.0, 0.0]}, "give the hand-eye pose"),
        ({"hand_eye_quaternion": [1.0, 0.0, 0.0, 1.0]}, "norm 1"),
        ({"hand_eye_file": "absent.yaml"}, "absent.yaml cannot be read"),
        ({"robot_ip": ""}, "robot_ip must be an address"),
        ({"rate": 5.0}, "rate out of range"),
        ({"watchdog": 20.0}, "watchdog_hz must be at most half of rate_hz"),
        ({"workspace_min": [2.0, 0.0, 0.0]}, "box_min_m"),
        ({"robot_model": "ur7"}, "robot_model must be one of"),
        ({"command_timeout": float("nan")}, "command_timeout"),
    ],
)
def test_bad_parameters_are_refused_with_the_reason(ros_graph, bad, complaint):
    good = HAND_EYE | {"robot_ip": "127.0.0.1"}
    with pytest.raises((ValueError, ParameterException), match=complaint):
        with_parameters(UrDriverNode, **(good | bad))


def test_a_second_sender_of_twists_is_named_and_disarms(box, ros_graph):
    rig = Rig(ros_graph, robot_ip=box.host)
    rig.arm()
    ros_graph.until(lambda: box.state().qd.any(), rig.send)
    other = ros_graph.add(rclpy.create_node("left_over"))
    publisher = other.create_publisher(TwistStamped, "twist", NEWEST)
    rig.until_state("disarmed", rig.send)
    assert "2 publishers of twist (/left_over, /test): stop all but one" in rig.values["last_stop"]
    assert "2 publishers of twist" in rig.call("arm", streaming=True).message
    other.destroy_publisher(publisher)
    ros_graph.until(lambda: rig.call("arm", streaming=True).success)


def test_the_tcp_of_the_pendant_is_back_after_disarming(box, ros_graph):
    tcp = [0.0, 0.0, 0.15, 0.0, 0.0, 0.3]
    control = RTDEControlInterface(box.host)
    control.setTcp(tcp)
    control.stopScript()
    control.disconnect()
    rig = Rig(ros_graph, robot_ip=box.host)
    rig.arm()
    assert rig.call("disarm", streaming=True).success
    control = RTDEControlInterface(box.host)
    np.testing.assert_allclose(control.getTCPOffset(), tcp, atol=1e-9)
    control.stopScript()
    control.disconnect()


def test_limits_cannot_change_while_the_node_lives(ros_graph, robot_address):
    rig = Rig(ros_graph, robot_ip=robot_address)
    (answer,) = rig.driver.set_parameters([Parameter("max_linear", value=1.0)])
    assert not answer.successful
    assert "read-only" in answer.reason


def test_moveit_servo_gets_limited_twists_zeros_and_then_silence(ros_graph):
    rig = Rig(ros_graph, backend="moveit_servo", max_linear=0.02)
    rig.until_state("disconnected")
    assert "nobody listens" in rig.call("arm").message
    commands = ros_graph.collect(TwistStamped, "delta_twist_cmds", OFFERED)
    rig.arm()
    ros_graph.until(lambda: commands and commands[-1].twist.linear.x > 0.0199, rig.send)
    assert commands[-1].header.frame_id == "camera_optical_frame"
    assert max(c.twist.linear.x for c in commands) <= 0.02 + 1e-9
    assert rig.call("disarm", streaming=True).success
    count = len(commands)
    assert [c.twist.linear.x for c in commands[-5:]] == [0.0] * 5
    for _ in range(20):
        rig.send()
        ros_graph.executor.spin_once(timeout_sec=0.02)
    assert len(commands) == count
