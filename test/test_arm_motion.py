"""The simulated arm's motions: accelerations, arrivals and limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from cns_core.arm.ur_kinematics import UR_MODELS
from cns_core.geometry import se3
from cns_core.twin.robot import motions, moves
from cns_core.twin.robot.control_box import Q_HOME
from cns_core.twin.robot.motion_log import Motion
from cns_core.twin.robot.motions import TICK_S, SafetyViolation
from cns_core.twin.robot.simulated_arm import SimulatedArm
from cns_core.twin.robot.stopping import measure_stop

TOOL = se3.pose(Rotation.from_euler("x", 20, degrees=True), [0.01, 0.02, 0.12])
twists = st.lists(st.floats(-0.1, 0.1), min_size=6, max_size=6).map(np.array)


@pytest.fixture
def arm():
    arm = SimulatedArm(UR_MODELS["ur5e"], Q_HOME)
    arm.T_flange_tcp = TOOL
    return arm


def run(arm, motion, ticks=5000):
    """Run a motion to its end or for some ticks; returns poses and TCP velocities, one a tick."""
    arm.motion = motion
    poses, velocities = [arm.tcp_pose()], [arm.tcp_velocity()]
    for _ in range(ticks):
        arm.tick()
        poses.append(arm.tcp_pose())
        velocities.append(arm.tcp_velocity())
        if arm.motion is None:
            break
    return np.array(poses), np.array(velocities)


@given(twists, st.floats(0.2, 5.0))
@settings(max_examples=20, deadline=None)
def test_speedl_ramps_straight_to_the_twist(twist, acceleration):
    arm = SimulatedArm(UR_MODELS["ur5e"], Q_HOME)
    arm.T_flange_tcp = TOOL
    # At 0.2 m/s^2 both halves of the fastest twist are reached within a second.
    _, velocities = run(arm, motions.SpeedL(twist, acceleration), ticks=500)
    assert arm.motion.reached
    np.testing.assert_allclose(velocities[-1], twist, atol=1e-3)
    steps = np.linalg.norm(np.diff(velocities[:, :3], axis=0), axis=1)
    assert steps.max() <= 1.1 * acceleration * TICK_S + 1e-4


def test_speedl_turns_about_the_tcp(arm):
    poses, _ = run(arm, motions.SpeedL([0, 0, 0, 0.1, 0.2, -0.1], 2.0), ticks=500)
    assert np.linalg.norm(poses[-1, :3, 3] - poses[0, :3, 3]) < 1e-4
    turn = Rotation.from_matrix(poses[-1, :3, :3] @ poses[-101, :3, :3].T).as_rotvec()
    np.testing.assert_allclose(turn, 100 * TICK_S * np.array([0.1, 0.2, -0.1]), atol=1e-4)


def test_stopl_ends_at_rest_on_its_line(arm):
    run(arm, motions.SpeedL([0.1, 0, 0, 0, 0, 0], 1.0), ticks=200)
    poses, _ = run(arm, motions.StopL(0.5))
    travelled = poses[-1, :3, 3] - poses[0, :3, 3]
    np.testing.assert_allclose(travelled, [0.1**2 / (2 * 0.5), 0, 0], atol=2e-4)
    assert arm.motion is None and not arm.qd.any()


def test_movej_arrives_exactly_within_its_limits(arm):
    target = np.array(Q_HOME) + [0.5, -0.2, 0.1, 0.0, 0.3, -0.4]
    arm.motion = moves.MoveJ(arm, target, 0.6, 1.5)
    speeds = [arm.qd]
    while arm.motion is not None:
        arm.tick()
        speeds.append(arm.qd)
    np.testing.assert_allclose(arm.q, target, atol=1e-12)
    speeds = np.array(speeds)
    assert np.abs(speeds).max() <= 0.6 + 1e-9
    # The arrival need not fall on a tick, so the last step may be up to twice as large.
    assert np.abs(np.diff(speeds, axis=0)).max() <= 2 * 1.5 * TICK_S


def test_movel_keeps_to_the_line(arm):
    start = arm.tcp_pose()
    goal = start @ se3.exp([0.05, -0.08, 0.03, 0.2, 0.1, -0.3])
    poses, _ = run(arm, moves.MoveL(arm, goal, 0.2, 1.0))
    np.testing.assert_allclose(poses[-1], goal, atol=1e-9)
    line = goal[:3, 3] - start[:3, 3]
    aside = np.cross(poses[:, :3, 3] - start[:3, 3], line / np.linalg.norm(line))
    assert np.abs(aside).max() < 1e-9


def test_servoj_settles_on_its_target(arm):
    target = np.array(Q_HOME) + 0.02
    run(arm, motions.ServoJ(target, 0.1), ticks=1000)
    np.testing.assert_allclose(arm.q, target, atol=1e-6)


@pytest.mark.parametrize(
    "motion",
    [
        motions.SpeedJ([4.0, 0, 0, 0, 0, 0], 10000.0),
        motions.SpeedL([5.0, 0, 0, 0, 0, 0], 10000.0),
        motions.ServoJ([3.0, -1.6, 1.9, -1.9, -1.6, 0.0], 0.1),
    ],
)
def test_too_fast_a_motion_is_a_violation_and_moves_nothing(arm, motion):
    arm.motion = motion
    with pytest.raises(SafetyViolation, match="joint speeds"):
        arm.tick()
    np.testing.assert_array_equal(arm.q, Q_HOME)


def test_joint_limit_is_a_violation_early_enough_to_stop_before_it(arm):
    with pytest.raises(SafetyViolation, match="joint angles"):
        run(arm, motions.SpeedJ([0, 0, 0, 0, 0, 2.0], 5.0), ticks=10_000)
    run(arm, motions.ForcedStop())
    assert 6.0 < arm.q[5] < 2 * np.pi


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_non_finite_targets_are_refused(value):
    with pytest.raises(ValueError, match="six finite"):
        motions.SpeedL([0, 0, value, 0, 0, 0], 1.0)
    with pytest.raises(ValueError, match="positive and finite"):
        motions.StopJ(value)


def logged(qd_of_first_joint):
    """A motion log with the TCP moving at 1 m/s for each rad/s of the first joint."""
    qd = np.zeros((len(qd_of_first_joint), 6))
    qd[:, 0] = qd_of_first_joint
    return Motion(10.0 + TICK_S * np.arange(len(qd)), np.zeros_like(qd), qd, qd)


def test_stop_is_measured_from_the_moment_to_the_standstill():
    motion = logged(np.r_[np.full(100, 0.1), np.linspace(0.1, 0.002, 50), np.zeros(100)])
    stop = measure_stop(motion, 10.0 + 99.5 * TICK_S)
    assert stop.time_s == pytest.approx(50.5 * TICK_S)
    assert stop.distance_mm == pytest.approx(0.05 * 0.1 * 1e3, rel=0.05)
    assert not stop.moved_again


def test_turning_point_is_no_standstill_and_a_new_start_is_noticed():
    motion = logged(np.r_[0.1, 0.1, np.zeros(10), -0.1, np.zeros(60), 0.1])
    stop = measure_stop(motion, 10.0)
    assert stop.time_s == pytest.approx(13 * TICK_S)
    assert stop.moved_again


def test_arm_that_never_rests_has_no_stop():
    assert measure_stop(logged(np.ones(100)), 10.0).time_s is None
    with pytest.raises(ValueError, match="no motion logged"):
        measure_stop(logged(np.ones(100)), 12.0)
