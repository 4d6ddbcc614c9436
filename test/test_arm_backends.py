"""Arms behind a topic: MoveIt Servo, and a twist controller of the vendor's driver."""

import time

import numpy as np
import pytest
from geometry_msgs.msg import TwistStamped
from ros_graph import with_parameters
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import Header
from std_srvs.srv import Trigger
from support_driver import HAND_EYE, DriverRig

from cns_core.arm.hand_eye import HandEye
from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.geometry import se3
from cns_core.twin.robot.control_box import Q_HOME
from cns_ros.nodes.ur_driver import UrDriverNode
from cns_ros.ros.joints import UR_JOINTS, joints_by_name
from cns_ros.ros.qos import NEWEST, OFFERED

MOUNT = HandEye((0.02, -0.064, 0.05), (0.1305262, 0.0, 0.0, 0.9914449))
MOUNTED = {
    "hand_eye_xyz": list(MOUNT.xyz_m),
    "hand_eye_quaternion": list(MOUNT.quaternion_xyzw),
}
TURNING = np.array([0.01, 0.0, -0.01, 0.1, -0.05, 0.15])
UR5E = UR_MODELS["ur5e"]


def numbers(message):
    v, w = message.twist.linear, message.twist.angular
    return np.array([v.x, v.y, v.z, w.x, w.y, w.z])


def test_moveit_servo_gets_limited_twists_zeros_and_then_silence(ros_graph):
    rig = DriverRig(ros_graph, backend="moveit_servo", max_linear=0.02)
    rig.until_state("disconnected")
    assert "nobody listens to /delta_twist_cmds" in rig.call("arm").message
    commands = ros_graph.collect(TwistStamped, "delta_twist_cmds", OFFERED)
    rig.arm()
    ros_graph.until(lambda: commands and commands[-1].twist.linear.x > 0.0199, rig.send)
    assert commands[-1].header.frame_id == "tool0"
    assert max(c.twist.linear.x for c in commands) <= 0.02 + 1e-9
    assert rig.call("disarm", streaming=True).success
    count = len(commands)
    assert [c.twist.linear.x for c in commands[-5:]] == [0.0] * 5
    for _ in range(20):
        rig.send()
        ros_graph.executor.spin_once(timeout_sec=0.02)
    assert len(commands) == count


def servo_moves(T_base_tip, message, T_base_frame, dt):
    """The tip after what MoveIt Servo does with a twist by default: rotate it, apply it there.

    Args:
        T_base_frame: (4, 4) pose of the frame that the twist is expressed in.
    """
    R = T_base_frame[:3, :3]
    twist = numbers(message)
    v, w = R @ twist[:3], R @ twist[3:]
    moved = T_base_tip.copy()
    moved[:3, :3] = se3.exp(np.concatenate([np.zeros(3), w * dt]))[:3, :3] @ T_base_tip[:3, :3]
    moved[:3, 3] = T_base_tip[:3, 3] + v * dt
    return moved


@pytest.mark.parametrize("link", ["", "camera_optical_frame"])
def test_moveit_servo_moves_the_camera_as_it_was_told(ros_graph, link):
    rig = DriverRig(ros_graph, backend="moveit_servo", servo_link=link, **MOUNTED)
    commands = ros_graph.collect(TwistStamped, "delta_twist_cmds", OFFERED)
    rig.arm()
    ros_graph.until(
        lambda: commands and np.abs(rig.driver.driver.status.sent - TURNING).max() < 1e-9,
        lambda: rig.send(TURNING),
    )
    count = len(commands)
    ros_graph.until(lambda: len(commands) > count + 1, lambda: rig.send(TURNING))
    T_base_flange = UR5E.forward(Q_HOME)
    T_base_camera = T_base_flange @ MOUNT.T_flange_camera
    dt = 1e-4
    if commands[-1].header.frame_id == "tool0":
        tip = servo_moves(T_base_flange, commands[-1], T_base_flange, dt)
        camera = tip @ MOUNT.T_flange_camera
    else:
        camera = servo_moves(T_base_camera, commands[-1], T_base_camera, dt)
    moved = se3.log(se3.inverse(T_base_camera) @ camera) / dt
    np.testing.assert_allclose(moved, TURNING, atol=1e-4)


def test_a_link_whose_place_is_not_known_is_refused(ros_graph):
    with pytest.raises(ValueError, match="servo_link must be the flange's frame or the camera's"):
        with_parameters(UrDriverNode, backend="moveit_servo", servo_link="elbow", **HAND_EYE)


class VendorsDriver:
    """A ROS 2 driver with an active twist controller: joints out, flange velocities in.

    Joints in the alphabet's order with a gripper's between them; an ideal arm that goes on with the
    last twist until the next comes.
    """

    NAMES = sorted([*UR_JOINTS, "finger_joint"])

    def __init__(self, graph, velocities=True):
        self.q, self.qd = np.array(Q_HOME), np.zeros(6)
        self.twist, self.frames = np.zeros(6), set()
        self.blocked = self.silent = False
        self._velocities = velocities
        self._node = graph.node
        self._joints = graph.node.create_publisher(JointState, "joint_states", OFFERED)
        self._gripper = graph.node.create_publisher(JointState, "joint_states", OFFERED)
        graph.node.create_subscription(TwistStamped, "twist_commands", self._on_twist, NEWEST)
        graph.node.create_timer(0.01, self._tick)
        self._at = time.monotonic()

    def _on_twist(self, message):
        self.twist = numbers(message)
        self.frames.add(message.header.frame_id)

    def _tick(self):
        now = time.monotonic()
        self.qd = np.linalg.solve(UR5E.jacobian(self.q), self.twist)
        if self.blocked:
            self.qd = np.zeros(6)
        self.q, self._at = self.q + self.qd * (now - self._at), now
        if self.silent:
            return
        values = {**dict(zip(UR_JOINTS, self.q, strict=True)), "finger_joint": 0.4}
        speeds = {**dict(zip(UR_JOINTS, self.qd, strict=True)), "finger_joint": 0.0}
        message = JointState(
            header=Header(stamp=self._node.get_clock().now().to_msg()),
            name=self.NAMES,
            position=[float(values[name]) for name in self.NAMES],
            velocity=[float(speeds[name]) for name in self.NAMES] if self._velocities else [],
        )
        self._joints.publish(message)
        self._gripper.publish(JointState(name=["finger_joint"], position=[0.4]))

    def camera_twist(self):
        """(6,) of the camera in its own axes."""
        twist = UR5E.jacobian(self.q, MOUNT.T_flange_camera) @ self.qd
        return (twist.reshape(2, 3) @ self.camera()[:3, :3]).ravel()

    def camera(self):
        return UR5E.forward(self.q) @ MOUNT.T_flange_camera


@pytest.fixture
def vendors(ros_graph):
    arm = VendorsDriver(ros_graph)
    return arm, DriverRig(ros_graph, backend="ros2_control", **MOUNTED)


def test_the_vendors_driver_moves_the_camera_as_it_was_told(ros_graph, vendors):
    arm, rig = vendors
    rig.arm()
    start = arm.camera()
    ros_graph.until(
        lambda: not np.allclose(arm.camera(), start, atol=0.01), lambda: rig.send(TURNING)
    )
    ros_graph.until(
        lambda: np.linalg.norm(arm.camera_twist()) > 0.99 * np.linalg.norm(TURNING),
        lambda: rig.send(TURNING),
    )
    np.testing.assert_allclose(arm.camera_twist(), TURNING, atol=0.003)
    assert arm.frames == {"base"}
    assert rig.call("disarm", streaming=True).success
    ros_graph.until(lambda: not arm.twist.any())


def test_the_suite_does_not_repeat_the_vendors_joints(ros_graph, vendors):
    _, rig = vendors
    rig.until_state("disarmed")
    senders = ros_graph.node.get_publishers_info_by_topic("/joint_states")
    names = {each.node_name for each in senders if each.node_name != "test"}
    joints = ros_graph.collect(JointState, "joint_states", OFFERED)
    ros_graph.until(lambda: len(joints) > 20)
    assert all(j.header.frame_id == "" for j in joints) and names <= {"ur_driver"}


@pytest.mark.parametrize("fault", ["silent", "blocked"])
def test_joints_that_stop_or_do_not_follow_end_the_motion(ros_graph, vendors, fault):
    arm, rig = vendors
    rig.arm()
    ros_graph.until(lambda: arm.qd.any(), lambda: rig.send(4 * TURNING))
    setattr(arm, fault, True)
    ended = {"silent": "disconnected", "blocked": "faulted"}[fault]
    cause = rig.until_state(ended, lambda: rig.send(4 * TURNING))["cause"]
    assert {"silent": "joint_states are", "blocked": "does not follow"}[fault] in cause
    ros_graph.until(lambda: not arm.twist.any())


def test_the_box_holds_here_as_well(ros_graph):
    arm = VendorsDriver(ros_graph)
    camera = arm.camera()[:3, 3]
    rig = DriverRig(
        ros_graph,
        backend="ros2_control",
        workspace_min=(camera - 0.2).tolist(),
        workspace_max=(camera + [0.2, 0.2, 0.03]).tolist(),
        **MOUNTED,
    )
    rig.arm()
    up = np.array([0.0, 0.0, -0.1, 0.0, 0.0, 0.0])
    rig.graph.until(
        lambda: "workspace box +z" in rig.driver.driver.status.slowed_by, lambda: rig.send(up)
    )
    rig.graph.until(lambda: np.linalg.norm(arm.twist) < 1e-3, lambda: rig.send(up))
    assert arm.camera()[2, 3] <= camera[2] + 0.031


def test_speeds_that_are_missing_are_taken_from_the_angles(ros_graph):
    arm = VendorsDriver(ros_graph, velocities=False)
    rig = DriverRig(ros_graph, backend="ros2_control", **MOUNTED)
    rig.arm()
    ros_graph.until(lambda: arm.qd.any(), lambda: rig.send(TURNING))
    assert rig.driver.driver.status.state == "armed"


def joint_state(names, positions, velocities=()):
    return JointState(name=list(names), position=list(positions), velocity=list(velocities))


def test_joints_are_found_by_name_whatever_the_order():
    values = dict(zip(UR_JOINTS, np.arange(6.0), strict=True))
    order = ["finger", *sorted(UR_JOINTS)]
    q, qd = joints_by_name(joint_state(order, [9.0, *(values[n] for n in sorted(UR_JOINTS))]))
    np.testing.assert_array_equal(q, np.arange(6.0))
    assert qd is None
    prefixed = [f"left_{name}" for name in UR_JOINTS]
    q, qd = joints_by_name(joint_state(prefixed, np.arange(6.0), np.ones(6)))
    np.testing.assert_array_equal(q, np.arange(6.0))
    np.testing.assert_array_equal(qd, np.ones(6))


@pytest.mark.parametrize(
    ("names", "positions", "complaint"),
    [
        (["finger"], [0.0], "no joint named shoulder_pan_joint"),
        (UR_JOINTS, [0.0] * 5, "6 names, but 5 positions"),
        (UR_JOINTS, [0.0] * 5 + [np.nan], "not finite"),
        ([*UR_JOINTS[:-1], "left_wrist_3_joint"], [0.0] * 6, "several arms"),
        (
            [f"{side}_{n}" for side in ("left", "right") for n in UR_JOINTS],
            [0.0] * 12,
            "2 joints named shoulder_pan_joint",
        ),
    ],
)
def test_joints_that_cannot_be_told_are_refused_with_the_reason(names, positions, complaint):
    with pytest.raises(ValueError, match=complaint):
        joints_by_name(joint_state(names, positions))


def test_an_arm_is_braked_though_simulated_time_stands_still(ros_graph):
    clock = ros_graph.node.create_publisher(Clock, "/clock", OFFERED)
    arm = VendorsDriver(ros_graph)
    rig = DriverRig(ros_graph, backend="ros2_control", use_sim_time=True, **MOUNTED)

    def send():
        clock.publish(Clock(clock=ros_graph.node.get_clock().now().to_msg()))
        rig.send()

    rig.until_state("disarmed", send)
    answers = []
    client = ros_graph.node.create_client(Trigger, "ur_driver/arm")
    ros_graph.until(lambda: rig.driver.driver.status.command_age_s < 0.3, send)
    client.call_async(Trigger.Request()).add_done_callback(lambda f: answers.append(f.result()))
    ros_graph.until(lambda: answers, send)
    assert answers[0].success, answers[0].message
    rig.until_state("armed", send)
    ros_graph.until(lambda: arm.twist.any(), send)
    assert "command timeout" in rig.until_state("disarmed")["last_stop"]
    assert not arm.twist.any()
