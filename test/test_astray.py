"""Matches that are those of no scene: they lead the camera away, and are left out."""

from dataclasses import replace

import numpy as np
import pytest

from cns_core.control.astray import Astray
from cns_core.control.guide import StructureGuide
from cns_core.control.ibvs import IbvsController
from cns_core.control.motion_stop import MotionStop
from cns_core.control.regulator import Regulator
from cns_core.control.session import ServoSession
from cns_core.control.session_records import Matches, Now
from cns_core.control.settings import SessionSettings
from cns_core.control.status import Status
from cns_core.geometry import se3
from cns_core.geometry.correspondence import Correspondence

DT, PRIOR = 0.04, 0.5
PETALS = 0.25 * np.array([[np.cos(a), np.sin(a)] for a in np.linspace(0, 2 * np.pi, 24)[:-1]])


def flower(rng):
    """A flower held before the lens, each petal taken for another one in every image."""
    current = np.roll(PETALS, rng.integers(-2, 3), axis=0) + rng.normal(0, 0.002, PETALS.shape)
    return Correspondence(PETALS, current * 1.4, np.ones(len(PETALS), bool))


@pytest.fixture
def regulator():
    regulator = Regulator(IbvsController(), MotionStop(), guide=StructureGuide())
    regulator.start(PETALS + 0.0, PRIOR)
    return regulator


def follow(regulator, matches, frames):
    """The steps of a camera that goes where it is told, and how far it went (m)."""
    T, steps = np.eye(4), []
    for n in range(frames):
        steps.append(regulator.step(matches(n), n * DT, T))
        if not steps[-1].status.is_active:
            break
        T = T @ se3.exp(DT * steps[-1].twist)
    return steps, np.linalg.norm(T[:3, 3])


def test_a_tool_that_is_taken_for_itself_is_left_out_and_told_to_the_observer(regulator):
    rng = np.random.default_rng(0)
    steps, _ = follow(regulator, lambda _: flower(rng), 200)
    found = next(n for n, step in enumerate(steps) if "no scene" in step.remark)
    assert steps[found].correspondence.count == len(PETALS)
    assert steps[found + 1].correspondence.count == 0
    assert steps[found + 1].left_out.all()


def test_an_observer_that_goes_on_matching_it_ends_the_episode(regulator):
    rng = np.random.default_rng(0)
    steps, gone_m = follow(regulator, lambda _: flower(rng), 400)
    assert steps[-1].status == "diverged"
    assert gone_m < 3 * PRIOR


def test_the_session_says_why(regulator):
    session = ServoSession(regulator, SessionSettings(depth_prior=PRIOR))
    rng, T, output = np.random.default_rng(0), np.eye(4), None
    for n in range(400):
        now = Now(1e9 + n * DT, n * DT)
        output = session.take(Matches(flower(rng), now.image_clock_s, now.steady_s, T), now)
        if n == 0:
            session.start(now)
        elif output.report.status is not Status.SERVOING:
            break
        if output.twist is not None:
            T = T @ se3.exp(DT * output.twist)
    assert output.report.status is Status.DIVERGED
    assert "that of no scene" in output.report.cause


def seen_by(count, error):
    desired = np.random.default_rng(1).uniform(-0.3, 0.3, (count, 2))
    return Correspondence(desired, desired + [error, 0.0], np.ones(count, bool))


def travel(step_m, seen, explained=False, frames=100):
    """How often a camera that goes straight on is found to have gone astray."""
    astray = Astray()
    poses = [se3.exp(np.array([n * step_m, 0, 0, 0, 0, 0])) for n in range(frames)]
    return sum(astray.found(T, seen(n), explained, PRIOR) for n, T in enumerate(poses))


def test_only_few_matches_that_lead_nowhere_are_astray():
    assert travel(0.01, lambda n: seen_by(12, 0.2)) == 3
    assert travel(0.01, lambda n: seen_by(12, 0.2), explained=True) == 0
    assert travel(0.001, lambda n: seen_by(12, 0.2)) == 0, "too short a way"
    assert travel(0.01, lambda n: seen_by(60, 0.2)) == 0, "so many are no chance"
    assert travel(0.01, lambda n: seen_by(12, 0.2 * 0.98**n)) == 0, "they lead somewhere"


def along_x(metres):
    return se3.exp(np.array([metres, 0, 0, 0, 0, 0]))


def test_what_happens_while_nothing_is_followed_is_no_way_gone():
    def found_after(between):
        astray, seen = Astray(), seen_by(12, 0.2)
        for _ in range(40):
            assert not astray.found(along_x(0.0), seen, False, PRIOR)
        between(astray, seen)
        return astray.found(along_x(0.4), seen, False, PRIOR)

    assert not found_after(lambda astray, seen: None), "a pose that jumps"
    assert not found_after(lambda astray, seen: astray.found(None, seen, False, PRIOR))
    assert not found_after(lambda astray, seen: astray.interrupt())


def test_a_scene_that_comes_back_elsewhere_is_not_left_out():
    regulator = Regulator(IbvsController(), MotionStop(), guide=StructureGuide())
    seen = seen_by(16, 0.2)
    hidden = replace(seen, matched=np.zeros(16, bool))
    regulator.start(seen.desired, PRIOR)
    for n in range(120):
        regulator.step(seen if n < 40 else hidden, n * DT, along_x(0.005 * max(n - 40, 0)))
    step = regulator.step(seen, 120 * DT, along_x(0.4))
    assert step.correspondence.count == 16
    assert regulator.step(seen, 121 * DT, along_x(0.4)).correspondence.count == 16


def test_three_times_is_enough():
    astray = Astray()
    for n in range(100):
        astray.found(se3.exp(np.array([0.01 * n, 0, 0, 0, 0, 0])), seen_by(12, 0.2), False, 0.5)
    assert astray.final
