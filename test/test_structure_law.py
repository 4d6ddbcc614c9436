"""The straight way to a known goal: speeds, when it is taken and left, and the loop around it."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from support_loop import DT, Loop
from support_structure import GOAL, START

from cns_core.control.depth_prior import CAUTIOUS_LINEAR_M_S, USUAL_M
from cns_core.control.structure_law import StructureLaw, StructureLawSettings
from cns_core.geometry import se3
from cns_core.geometry.camera import PinholeCamera
from cns_core.geometry.correspondence import Correspondence
from cns_core.servo import VisualServo
from cns_core.structure.commands import Commands
from cns_core.structure.estimate import Estimate

MOTION = np.array([0.02, -0.01, 0.03, 0.05, -0.04, 0.1])
KNOWN = Estimate(MOTION, np.diag(np.square(np.full(6, 1e-3))), 0.5, 0.01, 50, 1.0)
VAGUE = replace(KNOWN, covariance=np.diag(np.square(np.full(6, 0.1))))
NOWHERE = np.zeros(6)


def taken(law=None, policy=NOWHERE, frames=10, estimate=KNOWN):
    law = law or StructureLaw()
    for _ in range(frames):
        twist = law.twist(policy, estimate)
    return law, twist


def test_once_taken_the_way_is_straight_at_the_full_gain():
    law, twist = taken(StructureLaw(StructureLawSettings(max_linear=5.0)))
    assert law.share == 1.0
    np.testing.assert_allclose(twist, 3.5 * MOTION)


def test_the_way_is_taken_over_some_frames():
    law = StructureLaw(StructureLawSettings(ramp_frames=10))
    for n in range(1, 11):
        np.testing.assert_allclose(law.twist(NOWHERE, KNOWN), 0.1 * n * law.gain * MOTION)


@pytest.mark.parametrize("delay_s, gain", [(0.0, 3.5), (0.18, 3.5), (0.3, 0.4 / 0.17), (1.0, 0.77)])
def test_a_long_delay_lowers_the_gain(delay_s, gain):
    assert StructureLaw(delay_s=delay_s).gain == pytest.approx(gain, rel=0.01)


@pytest.mark.parametrize("frames", [2, 5, 10])
@pytest.mark.parametrize("wrong_s", [-0.08, 0.0, 0.08])
def test_a_delay_that_is_nearly_known_neither_overshoots_nor_creeps(frames, wrong_s):
    """A camera that obeys late, and a law that thinks ahead by a delay that is not quite right."""
    law, commands = StructureLaw(delay_s=frames * DT + wrong_s), Commands()
    T_current_goal = se3.exp([0.05, 0.0, 0.02, 0.0, 0.1, 0.2])
    obeyed, left = [np.zeros(6)] * frames, []
    for n in range(100):
        left.append(se3.log(T_current_goal))
        estimate = replace(KNOWN, motion=left[-1])
        told = commands.told(np.array([n * DT - law.delay_s]), np.array([n * DT]))[0]
        twist = law.twist(NOWHERE, estimate.after(told))
        commands.give(n * DT, twist)
        obeyed.append(twist)
        T_current_goal = se3.inverse(se3.exp(DT * obeyed.pop(0))) @ T_current_goal
    along = np.array(left) @ left[0] / (left[0] @ left[0])
    assert along.min() > -0.06
    assert np.abs(along[-1]) < 2e-2


def test_thinking_ahead_moves_the_goal_by_the_way_still_to_come():
    moved = np.array([0.01, 0.02, -0.01, 0.1, 0.2, -0.1])
    whole = replace(KNOWN, motion=np.concatenate([[0.3, 0.2, 0.1], [0.2, -0.1, 0.4]]))
    T = se3.pose(Rotation.from_rotvec(whole.motion[3:]).as_matrix(), whole.motion[:3])
    after = whole.after(moved).motion
    there = se3.exp(moved) @ se3.pose(Rotation.from_rotvec(after[3:]).as_matrix(), after[:3])
    np.testing.assert_allclose(there, T, atol=1e-12)


def test_speed_limits_keep_the_direction():
    law = StructureLaw(StructureLawSettings(max_linear=0.05, max_angular=0.2))
    _, twist = taken(law)
    assert np.linalg.norm(twist[:3]) <= 0.05 + 1e-12
    assert np.linalg.norm(twist[3:]) <= 0.2 + 1e-12
    np.testing.assert_allclose(twist / np.linalg.norm(twist), MOTION / np.linalg.norm(MOTION))


def test_a_vague_way_is_not_taken_and_a_taken_one_is_left_when_it_becomes_vague():
    law = StructureLaw()
    for _ in range(20):
        np.testing.assert_array_equal(law.twist(MOTION, VAGUE), MOTION)
    taken(law)
    for _ in range(10):
        twist = law.twist(NOWHERE, VAGUE)
    np.testing.assert_array_equal(twist, NOWHERE)


def test_a_lost_way_is_left_at_once_and_taken_again_slowly():
    law, _ = taken()
    np.testing.assert_array_equal(law.twist(MOTION, None), MOTION)
    law.twist(NOWHERE, KNOWN)
    assert law.share == pytest.approx(1 / law.settings.ramp_frames)


DOUBTFUL = replace(KNOWN, explained=0.7)


def test_a_goal_that_the_policy_does_not_know_of_is_not_gone_to():
    law, twist = taken(policy=-MOTION, frames=15)
    assert law.share == 0.0
    np.testing.assert_allclose(twist, -MOTION)
    law, _ = taken(estimate=DOUBTFUL)
    law, _ = taken(law, policy=-MOTION, frames=100, estimate=DOUBTFUL)
    assert law.share == 0.0


def test_a_policy_that_points_elsewhere_while_the_way_stays_known_is_overruled():
    law, twist = taken(policy=-MOTION, frames=40)
    assert law.share == 1.0
    np.testing.assert_allclose(twist, law.direct(KNOWN))
    law, _ = taken(law, policy=-MOTION, frames=40, estimate=DOUBTFUL)
    assert law.share == 0.0


@pytest.mark.parametrize("anew", [StructureLaw.start, StructureLaw.lose, StructureLaw.doubt])
def test_what_overrules_a_policy_was_seen_in_the_map_that_is_used(anew):
    law, _ = taken(frames=40)
    anew(law)
    law, twist = taken(law, policy=-MOTION, frames=15)
    assert law.share == 0.0
    np.testing.assert_allclose(twist, -MOTION)


def test_one_estimate_overrules_nobody_however_often_it_is_asked():
    law = StructureLaw()
    for _ in range(100):
        law.twist(-MOTION, KNOWN, fresh=False)
    assert law.share == 0.0


def test_a_goal_that_half_of_the_matches_contradict_overrules_nobody():
    law, _ = taken(policy=-MOTION, frames=100, estimate=replace(KNOWN, agreeing=0.4))
    assert law.share == 0.0


def test_an_overruled_policy_stays_so_when_a_frame_is_doubtful_now_and_then():
    law, _ = taken(policy=-MOTION, frames=40)
    shares = []
    for n in range(60):
        law.twist(-MOTION, KNOWN if n % 2 else DOUBTFUL)
        shares.append(law.share)
    assert min(shares) == 1.0


@pytest.mark.parametrize(("deviation", "share"), [(2e-3, 1.0), (6e-3, 0.0)])
def test_near_the_goal_the_way_is_taken_where_it_is_known_better_than_a_policy_ends(
    deviation, share
):
    near = replace(
        KNOWN,
        motion=1e-3 * MOTION,
        covariance=np.diag(np.square(np.repeat([0.5, 1.0], 3) * deviation / np.sqrt(6.0))),
    )
    law, _ = taken(estimate=near)
    assert law.share == share


def test_a_policy_that_hardly_moves_has_no_say():
    law, _ = taken(policy=-0.01 * MOTION)
    assert law.share == 1.0


def test_a_policy_that_came_to_rest_elsewhere_is_overruled():
    """What it said on its way was of other estimates; else both would stand there for good."""
    law, _ = taken(policy=-MOTION, frames=30, estimate=DOUBTFUL)
    assert law.share == 0.0
    law, _ = taken(law, policy=-0.01 * MOTION, frames=30, estimate=DOUBTFUL)
    assert law.share == 1.0


def test_without_a_scale_the_camera_is_slow():
    fast = np.array([4.0, 0.0, 0.0, 0.0, 0.0, 0.1])
    law = StructureLaw(StructureLawSettings(cautious_linear=0.1))
    assert np.linalg.norm(law.twist(fast, None, cautious=True)[:3]) == pytest.approx(0.1)
    assert np.linalg.norm(law.twist(fast, None)[:3]) == pytest.approx(0.25)


def test_the_goal_is_reached_sooner_and_finer_and_what_is_left_is_told():
    guided, alone = Loop(), Loop(guided=False)
    assert guided.run() < 0.6 * alone.run()
    assert guided.error_mm < 0.2
    last = guided.steps[-1].remaining
    assert abs(last.translation_mm - guided.error_mm) < last.translation_bound_mm < 1.0
    assert abs(last.rotation_deg - se3.rotation_error_deg(guided.T, GOAL)) < last.rotation_bound_deg
    assert guided.steps[0].remaining is None
    assert alone.steps[-1].remaining is None


@pytest.mark.parametrize("prior", [0.15, 2.4, "auto"])
def test_the_prior_hardly_matters(prior):
    usual, other = Loop(), Loop(prior)
    assert other.run() < 1.2 * usual.run()
    assert other.error_mm < 0.2
    assert max(np.linalg.norm(step.twist[:3]) for step in other.steps) < 0.25 + 1e-9


def test_auto_begins_slowly():
    loop = Loop("auto")
    loop.run(most=4)
    assert max(np.linalg.norm(step.twist[:3]) for step in loop.steps) < 0.1 + 1e-9


def test_the_twists_given_serve_where_no_pose_is_measured():
    loop = Loop(pose=lambda T: None)
    assert loop.run() < 1.2 * Loop().run()
    assert loop.error_mm < 0.2


@pytest.mark.parametrize("delay_s, at_most", [(0.0, 1.25), (0.16, 1.0)])
def test_the_goal_is_reached_though_the_delay_of_the_twists_is_wrong(delay_s, at_most):
    loop = Loop(pose=lambda T: None, delay_s=delay_s)
    assert loop.run() < at_most * Loop(guided=False).run()
    assert loop.error_mm < 0.3


def test_a_wrong_mounting_costs_little():
    mounting = se3.pose(se3.exp([0, 0, 0, 0.05, -0.06, 0.04])[:3, :3], (0.006, -0.005, 0.006))
    loop = Loop(mounting=mounting)
    assert loop.run() < 1.3 * Loop().run()
    assert loop.error_mm < 0.2


def test_odometry_scaled_by_half_or_standing_still_is_no_worse_than_none():
    alone = Loop(guided=False).run()
    scaled = Loop(pose=lambda T: se3.pose(T[:3, :3], 0.5 * T[:3, 3]))
    assert scaled.run() < 1.1 * alone
    assert scaled.error_mm < 0.3
    frozen = Loop(pose=lambda T: START)
    assert frozen.run() < 1.1 * alone


def test_a_scene_that_moves_on_the_way_is_found_anew():
    loop = Loop()
    loop.run(most=30)
    away = se3.exp([0.03, 0.01, 0.0, 0.0, 0.0, 0.1])
    world = loop.world
    world.points, world.goal = world.points @ away[:3, :3].T + away[:3, 3], away @ GOAL
    pending = [np.zeros(6)] * 2
    for n in range(30, 400):
        step = loop.regulator.step(world.matches(loop.T), n * DT, world.odometry(loop.T))
        pending.append(step.twist)
        loop.T = loop.T @ se3.exp(DT * pending.pop(0))
    assert 1e3 * se3.translation_error_m(loop.T, world.goal) < 0.3


def test_poses_that_begin_or_end_on_the_way_begin_a_new_map():
    loop = Loop(pose=lambda T: None)
    loop.run(most=20)
    assert loop.steps[-1].remaining is not None
    seen = loop.world.matches(loop.T)
    assert loop.regulator.step(seen, 20 * DT, loop.world.odometry(loop.T)).remaining is None


def test_auto_does_without_a_guide_at_a_usual_distance_and_slowly():
    loop, usual = Loop("auto", guided=False), Loop(USUAL_M, guided=False)
    assert loop.run() < 1.2 * usual.run()
    assert (loop.regulator.prior.metres, loop.regulator.prior.source) == (USUAL_M, "assumed")
    assert max(np.linalg.norm(step.twist[:3]) for step in loop.steps) < CAUTIOUS_LINEAR_M_S + 1e-9


def test_what_motion_has_told_outlives_the_estimate():
    loop = Loop("auto")
    loop.run(most=40)
    assert loop.regulator.prior.source == "structure"
    told_m = loop.regulator.prior.metres
    assert told_m == pytest.approx(0.6, rel=0.1)
    unseen = np.zeros(len(loop.world.points), bool)
    blind = Correspondence(loop.world.desired, loop.world.desired, unseen)
    for n in range(10):
        loop.regulator.step(blind, (40 + n) * DT, loop.world.odometry(loop.T))
    assert loop.regulator.guide.estimate is None
    assert loop.regulator.prior.metres == pytest.approx(told_m, rel=0.05)


CAMERA = PinholeCamera(640, 480, 540.0, 540.0, 320.0, 240.0)


@pytest.mark.parametrize("linear", [0.05, 0.5])
def test_limits_of_the_loop_are_those_of_the_straight_way(linear):
    """They are parameters of the running node, and hold from the next image on."""
    loop = Loop()
    loop.run(most=10)
    loop.regulator.limits = (linear, 3.0)
    loop.run(most=16)
    assert loop.regulator.guide.law.share == 1.0
    fastest = max(np.linalg.norm(step.twist[:3]) for step in loop.steps[10:])
    assert min(0.26, linear - 1e-3) < fastest < linear + 1e-9


def test_a_loop_without_limits_leaves_the_straight_way_its_own():
    loop = Loop()
    law = loop.regulator.guide.law
    own = law.limits
    for limits, expected in (((0.0, 0.0), (0.0, 0.0)), (None, own)):
        loop.regulator.limits = limits
        loop.run(most=len(loop.steps) + 1)
        assert law.limits == expected


@pytest.mark.parametrize("gain, expected", [(0.5, 1.75), (1.0, 3.5), (3.0, 3.5)])
def test_a_gain_of_the_loop_below_one_slows_the_straight_way(gain, expected):
    loop = Loop()
    loop.run(most=10)
    loop.regulator.gain = gain
    loop.run(most=11)
    assert loop.regulator.guide.law.gain == pytest.approx(expected)


def test_visual_servo_makes_the_guide():
    with VisualServo(CAMERA, controller="ibvs", terminal="structure") as servo:
        assert servo.regulator.guide is not None
    with VisualServo(CAMERA, controller="ibvs") as servo:
        assert servo.regulator.guide is None
