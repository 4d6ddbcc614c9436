"""What a loop does while it sees nothing: go on for a moment, wait, step back, and go on again."""

import numpy as np
import pytest
from support_loop import DT, Loop

from cns_core.control.step_back import StepBack
from cns_core.geometry import se3


def stepping_back():
    """A loop without a guide that may step back."""
    loop = Loop(guided=False)
    loop.regulator.steps_back = True
    return loop


def last_steps(loop, steps):
    return loop.steps[-steps:]


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("hidden", [8, 20, 40])
def test_what_is_covered_for_a_while_is_reached_all_the_same(guided, hidden):
    loop = Loop(guided=guided)
    loop.regulator.steps_back = True
    loop.run(25)
    loop.run(25 + hidden, unseen=True)
    assert loop.run() < 400
    assert loop.steps[-1].status == "converged" and loop.error_mm < (1.0 if guided else 3.0)


def test_it_goes_on_by_the_way_it_knows_and_ever_slower():
    loop = Loop()
    loop.run(30)
    assert loop.regulator.guide.law.share == 1.0
    before = loop.error_mm
    loop.run(38, unseen=True)
    speeds = [np.linalg.norm(step.twist) for step in last_steps(loop, 8)]
    assert "going on by what is known" in loop.steps[-1].remark
    assert (np.diff(speeds) < 0).all() and speeds[-1] > 0
    assert loop.error_mm < before
    loop.run(44, unseen=True)
    assert not np.any([step.twist for step in last_steps(loop, 2)])
    assert loop.steps[-1].remark.endswith("waiting")


def test_after_a_second_it_steps_back_along_its_way_a_little_and_stops_when_lost():
    loop = stepping_back()
    loop.run(30)
    way = [loop.T]
    loop.run(30 + 26, unseen=True)
    stopped = loop.T
    loop.run(30 + 49, unseen=True)
    back = se3.translation_error_m(stopped, loop.T)
    assert "stepping back" in loop.steps[-1].remark
    assert 0.003 < back < 0.03
    assert np.linalg.norm(loop.steps[-1].twist[:3]) <= 0.02
    assert loop.error_mm > 1e3 * se3.translation_error_m(way[0], loop.world.goal)
    loop.run(30 + 60, unseen=True)
    assert loop.steps[-1].status == "lost" and not loop.steps[-1].twist.any()


def test_it_may_be_told_to_stand_still():
    loop = Loop(guided=False)
    assert not loop.regulator.steps_back
    loop.run(30)
    loop.run(80, unseen=True)
    assert not np.any([step.twist for step in last_steps(loop, 49)])


def test_without_a_motion_of_its_own_it_does_not_move():
    loop = stepping_back()
    loop.run(60, unseen=True)
    assert not np.any([step.twist for step in loop.steps])


def test_limits_hold_for_a_step_back():
    loop = stepping_back()
    loop.regulator.limits = 0.001, 0.002
    loop.run(30)
    loop.run(75, unseen=True)
    assert loop.steps[-1].remark and loop.steps[-1].twist.any()
    assert np.linalg.norm(loop.steps[-1].twist[:3]) <= 0.001 + 1e-9


def test_a_tool_that_is_left_out_is_not_taken_for_blindness():
    loop = stepping_back()
    loop.run(30)
    regulator = loop.regulator
    regulator.watch.check._score[:] = -9
    regulator.watch.check.attached[:] = True
    for k in range(45):
        step = regulator.step(loop.world.matches(loop.T), (30 + k) * DT)
        assert not step.twist.any()


def test_the_way_back_is_the_way_that_was_come():
    rng = np.random.default_rng(0)
    step_back, T, way = StepBack(), np.eye(4), [np.eye(4)]
    for k in range(20):
        twist = rng.normal(0.0, 1.0, 6) * ((0.02,) * 3 + (0.05,) * 3)
        step_back.see(k * DT, twist)
        T = T @ se3.exp(DT * twist)
        way.append(T)
    for k in range(20, 200):
        twist = step_back.twist(k * DT, blind_s=k * DT)
        if twist is None:
            continue
        T = T @ se3.exp(DT * twist)
        nearest = min(se3.translation_error_m(T, each) for each in way)
        assert nearest < 0.002
        assert np.linalg.norm(twist[:3]) <= 0.02 + 1e-9
    assert se3.translation_error_m(T, way[0]) < se3.translation_error_m(way[-1], way[0])


def test_bounded_however_long_nothing_is_seen():
    step_back = StepBack()
    for k in range(100):
        step_back.see(k * DT, np.array([0.2, 0.0, 0.0, 0.0, 0.0, 0.0]))
    gone = np.zeros(6)
    for k in range(100, 400):
        twist = step_back.twist(k * DT, blind_s=(k - 99) * DT)
        gone += DT * (np.zeros(6) if twist is None else twist)
    assert 0.02 < -gone[0] <= 0.031


@pytest.mark.parametrize("obeys", [True, False])
def test_only_a_way_that_was_gone_is_gone_back(obeys):
    step_back, T = StepBack(), np.eye(4)
    for k in range(40):
        step_back.see(k * DT, np.array([0.05, 0.0, 0.0, 0.0, 0.0, 0.1]), T)
        if obeys:
            T = T @ se3.exp(DT * np.array([0.05, 0.0, 0.0, 0.0, 0.0, 0.1]))
    steps = [step_back.twist(k * DT, blind_s=(k - 39) * DT) for k in range(40, 80)]
    assert any(step is not None for step in steps) == obeys
