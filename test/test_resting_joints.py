"""Whose joints, of which time: what the hand-eye node makes of a joint_states topic."""

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from sensor_msgs.msg import JointState
from std_msgs.msg import Header

from cns_ros.nodes.resting_joints import RestingJoints
from cns_ros.ros.joints import UR_JOINTS

Q = np.array([0.3, -1.2, 1.6, -1.9, -1.57, 0.4])
T0 = 1000.0


def state(stamp_s, q=Q, names=UR_JOINTS, **more):
    stamp = Time(sec=int(stamp_s), nanosec=int(1e9 * (stamp_s % 1.0)))
    return JointState(header=Header(stamp=stamp), name=list(names), position=list(q), **more)


def heard(*states, clock_s=T0 + 1.0):
    joints = RestingJoints()
    for each in states:
        joints.hear(each, clock_s, clock_s)
    return joints


def at_rest(q=Q, names=UR_JOINTS, **more):
    return [state(T0 + 0.1 * k, q, names, **more) for k in range(11)]


@pytest.mark.parametrize(
    "order",
    [UR_JOINTS, sorted(UR_JOINTS), [f"left_{n}" for n in reversed(UR_JOINTS)]],
    ids=["ours", "alphabet", "prefix"],
)
@pytest.mark.parametrize("extra", [[], ["finger_joint", "rail_joint"]], ids=["alone", "gripper"])
def test_joints_are_taken_by_name_without_speeds_and_with_others_between(order, extra):
    values = dict(zip(UR_JOINTS, Q, strict=True))
    positions = [9.0] * len(extra) + [values[name.removeprefix("left_")] for name in order]
    joints = heard(*at_rest(positions, [*extra, *order]))
    np.testing.assert_array_equal(joints.at(T0 + 0.9, T0 + 1.0), Q)


def test_what_others_publish_on_the_topic_does_no_harm():
    gripper = [state(T0 + 0.1 * k, [0.01 * k], ["finger_joint"]) for k in range(11)]
    mixed = [each for pair in zip(at_rest(), gripper, strict=True) for each in pair]
    np.testing.assert_array_equal(heard(*mixed).at(T0 + 0.9, T0 + 1.0), Q)


@pytest.mark.parametrize(
    ("states", "complaint"),
    [
        ([], "is the driver connected"),
        ([state(T0 + 1, [0.0], ["finger_joint"])], "no joint named shoulder_pan_joint"),
        ([state(T0 + 1, Q[:5], UR_JOINTS[:5])], "no joint named wrist_3_joint"),
        ([state(T0 + 1, Q[:5])], "6 names, but 5 positions"),
        ([state(T0 + 1, [np.nan] * 6)], "not finite"),
        (at_rest()[:1] + [state(T0 + 9)], "the arm is moving"),
        ([state(T0 - 5)], r"6\.00 s behind this node's clock"),
        ([state(T0 + 7)], r"6\.00 s ahead of this node's clock"),
        ([*at_rest(), state(T0 + 1, Q + 0.1)], "the arm is moving"),
    ],
)
def test_joints_that_do_not_tell_the_pose_are_refused_with_the_reason(states, complaint):
    with pytest.raises(ValueError, match=complaint):
        heard(*states).at(T0 + 0.9, T0 + 1.0)


def test_two_arms_on_one_topic_are_told():
    right = at_rest(Q + 1.0, [f"right_{n}" for n in UR_JOINTS])
    left = at_rest(Q, [f"left_{n}" for n in UR_JOINTS])
    both = [each for pair in zip(left, right, strict=True) for each in pair]
    joints = heard(*both, state(T0 + 1.0, [0.0], ["finger_joint"]))
    with pytest.raises(ValueError, match="two arms, by left_shoulder.* and right_shoulder"):
        joints.at(T0 + 0.9, T0 + 1.0)
    # When the other has gone silent, the arm is known again.
    for k in range(30):
        joints.hear(state(T0 + 0.1 * k, Q, left[0].name), T0 + 0.1 * k, T0 + 0.1 * k)
    np.testing.assert_array_equal(joints.at(T0 + 2.9, T0 + 2.9), Q)


def test_an_image_of_before_the_rest_or_long_after_the_joints_is_not_paired():
    joints = heard(state(T0, Q - 0.1), *at_rest()[2:])
    with pytest.raises(ValueError, match=r"no image since .* rest: the newest is from 0\.10 s bef"):
        joints.at(T0 + 0.1, T0 + 1.0)
    with pytest.raises(ValueError, match=r"they are 0\.50 s older, allowed 0\.2 s"):
        joints.at(T0 + 1.5, T0 + 1.5)
    with pytest.raises(ValueError, match="no joint_states"):
        joints.at(T0 + 0.9, T0 + 2.5)


def test_a_state_that_was_overtaken_is_not_a_motion():
    joints = heard(*at_rest(), state(T0 - 0.0, Q - 0.1))
    np.testing.assert_array_equal(joints.at(T0 + 0.9, T0 + 1.0), Q)


def test_after_a_silence_the_arm_has_to_rest_again():
    joints = heard(*at_rest())
    joints.hear(state(T0 + 3.0), T0 + 3.0, T0 + 3.0)
    with pytest.raises(ValueError, match="the arm is moving"):
        joints.at(T0 + 3.0, T0 + 3.0)


def test_states_without_a_stamp_are_of_when_they_came():
    joints = RestingJoints()
    for k in range(11):
        joints.hear(state(0.0), T0 + 0.1 * k, T0 + 0.1 * k)
    np.testing.assert_array_equal(joints.at(T0 + 0.9, T0 + 1.0), Q)
