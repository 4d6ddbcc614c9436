"""The driver node over real DDS, with the real client and the simulated control box behind it."""

import numpy as np
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, TwistStamped
from rclpy.exceptions import ParameterException
from rclpy.parameter import Parameter
from ros_graph import with_parameters
from rtde_control import RTDEControlInterface
from sensor_msgs.msg import JointState
from support_box import quick_box
from support_driver import HAND_EYE, DriverRig

from cns_core.twin.robot.pendant import Pendant
from cns_ros.nodes.ur_driver import UrDriverNode
from cns_ros.ros.qos import NEWEST, OFFERED


@pytest.fixture
def box(robot_address):
    with quick_box(robot_address) as box:
        yield box


def test_from_arming_to_disarming(box, ros_graph):
    rig = DriverRig(ros_graph, robot_ip=box.host)
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
    rig = DriverRig(ros_graph, robot_ip=box.host)
    rig.arm()
    ros_graph.until(lambda: box.state().qd.any(), rig.send)
    rig.until_state("stopping")
    assert rig.until_state("disarmed")["last_stop"].startswith("command timeout: no twist for")
    assert not box.state().qd.any()


def test_a_protective_stop_is_a_fault_and_ends_only_by_arming_again(box, ros_graph):
    rig = DriverRig(ros_graph, robot_ip=box.host)
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
    rig = DriverRig(ros_graph, robot_ip=box.host)
    rig.until_state("disarmed")
    gate = rig.driver.driver.gate
    for kind, bad in [
        ("not finite", {"twist": [np.nan, 0, 0, 0, 0, 0]}),
        ("wrong frame", {"frame": "tool0"}),
        ("old stamp", {"late_s": 2.0}),
        ("stamp in the future", {"late_s": -2.0}),
    ]:
        ros_graph.until(lambda kind=kind: gate.refused[kind], lambda bad=bad: rig.send(**bad))
    message = rig.call("arm").message
    assert message.startswith("no fresh twist")
    assert gate.refusal and gate.refusal in message


def test_a_dry_run_shows_what_it_would_send_and_moves_nothing(box, ros_graph):
    rig = DriverRig(ros_graph, robot_ip=box.host, dry_run=True)
    q = box.state().q
    rig.arm()
    ros_graph.until(lambda: rig.driver.driver.status.sent.any(), rig.send)
    np.testing.assert_array_equal(box.state().q, q)
    assert any(rig.driver.describe(rig.driver.driver.status)[2]["would_send"])


def test_an_unreachable_robot_leaves_the_node_up_and_refuses_arming(ros_graph, robot_address):
    rig = DriverRig(ros_graph, robot_ip=robot_address)
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
    rig = DriverRig(ros_graph, robot_ip=box.host)
    rig.arm()
    rig.until_state("armed", rig.send)
    ros_graph.until(lambda: box.state().qd.any(), rig.send)
    other = ros_graph.add(rclpy.create_node("left_over"))
    publisher = other.create_publisher(TwistStamped, "twist", NEWEST)
    rig.until_state("disarmed", rig.send)
    assert "2 publishers of twist (/left_over, /test): stop all but one" in rig.values["last_stop"]
    assert "2 publishers of twist" in rig.call("arm", streaming=True).message
    other.destroy_publisher(publisher)
    ros_graph.until(lambda: rig.call("arm", streaming=True).success)


@pytest.mark.slow
def test_the_tcp_of_the_pendant_is_back_after_disarming(box, ros_graph):
    tcp = [0.0, 0.0, 0.15, 0.0, 0.0, 0.3]
    control = RTDEControlInterface(box.host)
    control.setTcp(tcp)
    control.stopScript()
    control.disconnect()
    rig = DriverRig(ros_graph, robot_ip=box.host)
    rig.arm()
    assert rig.call("disarm", streaming=True).success
    control = RTDEControlInterface(box.host)
    np.testing.assert_allclose(control.getTCPOffset(), tcp, atol=1e-9)
    control.stopScript()
    control.disconnect()


def test_limits_cannot_change_while_the_node_lives(ros_graph, robot_address):
    rig = DriverRig(ros_graph, robot_ip=robot_address)
    (answer,) = rig.driver.set_parameters([Parameter("max_linear", value=1.0)])
    assert not answer.successful
    assert "read-only" in answer.reason
