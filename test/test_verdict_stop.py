"""The stop rule on the measured way left, on synthetic episodes."""

from dataclasses import replace

import numpy as np
import pytest
from support_loop import Loop

from cns_core.control.factory import make_stop_rule
from cns_core.control.guide import Remaining
from cns_core.control.status import Status
from cns_core.control.verdict_stop import VerdictStop
from cns_core.geometry.correspondence import Correspondence

DESIRED = np.random.default_rng(0).uniform(-0.4, 0.4, (100, 2))
NEAR = Correspondence(DESIRED, DESIRED + [0.003, 0.0], np.ones(100, bool))
DT_S = 0.04


def left(mm=0.0, deg=0.0, bound_mm=0.03, bound_deg=0.01):
    return Remaining(mm, deg, bound_mm, bound_deg, np.nan)


def steps_to_converge(ways, seen=NEAR, dt_s=DT_S, posed=lambda count: True):
    """How many frames it took; None when it never ended.

    Args:
        ways: of each frame the way, or (matches, way).
        posed: whether a frame comes with a pose, without which the way is that of the last one.
    """
    rule, measured_s = VerdictStop(), 0.0
    rule.start(DESIRED)
    for count, way in enumerate(ways):
        now, way = way if isinstance(way, tuple) else (seen, way)
        measured_s = count * dt_s if posed(count) else measured_s
        told = way and replace(way, time_s=measured_s)
        if rule.update(now, count * dt_s, remaining=told) is Status.CONVERGED:
            return count + 1
    return None


def test_ends_once_nothing_is_left_that_can_be_told():
    ways = [left(mm) for mm in np.geomspace(10.0, 0.001, 60)]
    first = next(n for n, way in enumerate(ways) if way.translation_mm < way.translation_bound_mm)
    assert steps_to_converge(ways) == first + 5  # 0.16 s


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(left(mm=0.04), id="a way to go"),
        pytest.param(left(deg=0.02), id="a turn to go"),
        pytest.param(left(mm=0.5, bound_mm=2.0), id="vague in mm"),
        pytest.param(left(deg=0.1, bound_deg=0.5), id="vague in deg"),
        pytest.param(left(mm=np.nan), id="not a number"),
        pytest.param(None, id="unknown"),
    ],
)
def test_goes_on_while_there_is(way):
    """Off by 3 / 1000 of the depth in the image, too far for the matches alone to end it."""
    assert steps_to_converge([way] * 25) is None


def test_a_frame_that_tells_otherwise_begins_the_wait_anew():
    arrived, away = [left()] * 4, [left(mm=1.0)]
    assert steps_to_converge([*arrived, *away, *arrived, *away, *arrived]) is None
    lost = Correspondence(DESIRED, DESIRED, np.zeros(100, bool))
    assert steps_to_converge([*arrived, (lost, None), *arrived]) is None


@pytest.mark.parametrize("rate_hz", [5.0, 10.0, 15.0, 25.0, 30.0, 100.0])
def test_ends_at_any_rate_of_frames(rate_hz):
    needed = max(5, 1 + round(0.16 * rate_hz))
    assert steps_to_converge([left()] * 30, dt_s=1.0 / rate_hz) == pytest.approx(needed, abs=1)


def test_a_way_measured_once_is_not_proof_however_often_it_is_told():
    assert steps_to_converge([left()] * 25, posed=lambda count: count == 0) is None


def test_a_frame_without_a_pose_is_no_reason_to_wait_anew():
    assert steps_to_converge([left()] * 25, posed=lambda count: count % 3 == 0) == 13


def test_a_way_of_nothing_does_not_outvote_the_image():
    """Such as from a map of another scene."""
    far = Correspondence(DESIRED, DESIRED + [0.05, 0.0], np.ones(100, bool))
    assert steps_to_converge([left()] * 25, far) is None


def test_a_way_that_no_odometry_tells_leaves_the_end_to_the_image():
    there = Correspondence(DESIRED, DESIRED, np.ones(100, bool))
    assert steps_to_converge([None] * 25, there) == 16


def test_only_poses_end_an_episode_sooner():
    """An arm may do less than it is told, or more: its twists measure nothing."""
    with_poses, by_image = Loop(stop=VerdictStop()), Loop()
    assert with_poses.run() < by_image.run() - 5
    blind = {"pose": lambda T: None}
    by_twists, by_image = Loop(stop=VerdictStop(), **blind), Loop(**blind)
    assert by_twists.run() == by_image.run()
    assert by_twists.steps[-1].remaining is not None


def test_it_is_the_default():
    assert isinstance(make_stop_rule(), VerdictStop)


def test_matches_at_rest_do_not_end_what_is_measured_to_be_a_way_off():
    there = Correspondence(DESIRED, DESIRED, np.ones(100, bool))
    assert steps_to_converge([left(mm=7.0, bound_mm=1.5)] * 250, there) is None
    assert steps_to_converge([left(deg=0.6, bound_deg=0.1)] * 250, there) is None
    # Within twice the bound it may be an error: the image's word counts.
    assert steps_to_converge([left(mm=2.0, bound_mm=1.5)] * 250, there) == 16
