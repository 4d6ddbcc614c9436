"""The loop around a controller: scaling, statuses, and what it refuses."""

import numpy as np
import pytest

from cns_core.control.ibvs import IbvsController
from cns_core.control.pixel_error_stop import PixelErrorStop
from cns_core.control.regulator import Regulator
from cns_core.control.status import Status
from cns_core.geometry.correspondence import Correspondence

DESIRED = np.random.default_rng(1).uniform(-0.4, 0.4, (30, 2))
ALL = np.ones(30, bool)


class Constant:
    """A controller that always answers the same."""

    min_matches = 4

    def __init__(self, twist):
        self.twist = np.array(twist, dtype=float)
        self.starts = 0

    def start(self, desired):
        self.starts += 1

    def velocity(self, correspondence):
        return self.twist


def started(controller, **options):
    regulator = Regulator(controller, PixelErrorStop(), **options)
    regulator.start(DESIRED, depth_prior=0.5)
    return regulator


def shifted(offset, matched=ALL):
    return Correspondence(DESIRED, DESIRED + offset, matched)


def test_the_prior_scales_the_linear_half_and_the_gain_both():
    step = started(Constant(np.ones(6)), gain=2.0).step(shifted(0.1), 0.0)
    np.testing.assert_allclose(step.twist, [1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
    assert step.status == "servoing"
    assert set(step.timings) == {"graph", "control"}


def test_the_limits_hold_and_keep_the_direction():
    regulator = started(Constant([1.0, 0.0, 0.0, 0.0, 2.0, 0.0]))
    regulator.limits = (0.1, 1.0)
    twist = regulator.step(shifted(0.1), 0.0).twist
    np.testing.assert_allclose(twist, [0.1, 0.0, 0.0, 0.0, 0.4, 0.0])


def test_no_motion_with_too_few_matches_and_lost_after_a_while():
    regulator = started(Constant(np.ones(6)))
    regulator.step(shifted(0.1), 0.0)
    few = np.arange(30) < 3
    for time_s in (0.04, 1.0, 5.0):
        step = regulator.step(shifted(0.1, few), time_s)
        np.testing.assert_array_equal(step.twist, 0.0)
    assert step.status is Status.LOST
    assert regulator.step(shifted(0.1), 5.04).status is Status.SERVOING


def test_a_lost_target_clears_the_controllers_memory_once():
    regulator = started(Constant(np.ones(6)))
    few = np.arange(30) < 3
    for time_s in (0.0, 1.0, 1.9):
        regulator.step(shifted(0.1, few), time_s)
    assert regulator.controller.starts == 1
    for time_s in (2.1, 2.2, 2.3):
        assert regulator.step(shifted(0.1, few), time_s).status is Status.LOST
    regulator.step(shifted(0.1), 2.4)
    assert regulator.controller.starts == 2


def test_converged_means_at_rest():
    regulator = started(Constant(np.ones(6)))
    steps = [regulator.step(shifted(1e-4), 0.04 * k) for k in range(100)]
    assert steps[-1].status is Status.CONVERGED
    np.testing.assert_array_equal(steps[-1].twist, 0.0)


@pytest.mark.parametrize("prior", [0.0, -0.5, float("nan"), float("inf")])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(ValueError, match="depth_prior"):
        Regulator(IbvsController(), PixelErrorStop()).start(DESIRED, prior)


@pytest.mark.parametrize("gain", [0.0, -1.0, float("nan")])
def test_a_gain_that_is_none_is_refused(gain):
    with pytest.raises(ValueError, match="gain"):
        Regulator(IbvsController(), PixelErrorStop(), gain=gain)


def test_steps_before_the_start_and_for_another_target_are_refused():
    regulator = Regulator(IbvsController(), PixelErrorStop())
    with pytest.raises(RuntimeError, match="start"):
        regulator.step(shifted(0.1), 0.0)
    regulator.start(DESIRED)
    other = Correspondence(DESIRED + 0.01, DESIRED, ALL)
    with pytest.raises(ValueError, match="another desired image"):
        regulator.step(other, 0.0)


def test_a_twist_that_is_not_finite_never_leaves():
    with pytest.raises(ValueError, match="not finite"):
        started(Constant([np.nan, 0, 0, 0, 0, 0])).step(shifted(0.1), 0.0)


@pytest.mark.parametrize(
    ("desired", "current", "matched"),
    [
        (np.zeros((3, 3)), np.zeros((3, 3)), np.ones(3, bool)),
        (np.zeros((3, 2)), np.zeros((4, 2)), np.ones(3, bool)),
        (np.zeros((3, 2)), np.zeros((3, 2)), np.ones(4, bool)),
        (np.full((3, 2), np.nan), np.zeros((3, 2)), np.ones(3, bool)),
        (np.zeros((3, 2)), np.full((3, 2), np.nan), np.ones(3, bool)),
    ],
)
def test_malformed_correspondences_are_refused(desired, current, matched):
    with pytest.raises(ValueError):
        Correspondence(desired, current, matched)


def test_unmatched_rows_carry_nothing():
    half = np.arange(30) < 15
    correspondence = Correspondence(DESIRED, np.where(half[:, None], DESIRED, np.nan), half)
    np.testing.assert_array_equal(correspondence.current[~half], 0.0)
    assert correspondence.count == 15
    assert correspondence.error == 0.0
    assert Correspondence(DESIRED, DESIRED, ~ALL).error == float("inf")


def test_deviations_are_checked_and_weigh():
    matched = np.arange(len(DESIRED)) > 0
    deviation = np.where(np.arange(len(DESIRED)) == 1, 2e-3, 1e-3)
    seen = Correspondence(DESIRED, DESIRED, matched, deviation)
    assert np.isnan(seen.deviation[0]) and seen.deviation[1] == 2e-3
    assert seen.weight[1] == pytest.approx(0.25) and seen.weight[2] == 1.0
    assert (Correspondence(DESIRED, DESIRED, matched).weight == 1.0).all()
    with pytest.raises(ValueError, match="deviation must be"):
        Correspondence(DESIRED, DESIRED, matched, deviation[1:])
    for wrong in (0.0, -1.0, np.inf):
        with pytest.raises(ValueError, match="positive"):
            Correspondence(DESIRED, DESIRED, matched, np.full(len(DESIRED), wrong))
