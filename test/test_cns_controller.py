"""The neural controller behind the common interface, and its hand-over near the goal."""

import numpy as np
import pytest
import torch

from cns_core.controllers.cns import CnsController, Handover
from cns_core.controllers.ibvs import IbvsController
from cns_core.correspondence import Correspondence
from cns_core.network.packed import CnsNetwork
from cns_core.policy import Policy


@pytest.fixture
def policy():
    torch.manual_seed(0)
    return Policy(CnsNetwork(width=16))


@pytest.fixture
def desired():
    return np.random.default_rng(0).uniform(-0.4, 0.4, (30, 2))


def seen(desired, shift, missing=()):
    matched = np.ones(len(desired), dtype=bool)
    matched[list(missing)] = False
    return Correspondence(desired, desired + shift, matched)


def test_velocity_is_finite_and_memory_is_forgotten_at_start(policy, desired):
    controller = CnsController(policy)
    controller.start(desired)
    first = controller.velocity(seen(desired, 0.1))
    again = controller.velocity(seen(desired, 0.1))
    controller.start(desired)
    assert np.isfinite(first).all() and not np.array_equal(first, again)
    np.testing.assert_array_equal(controller.velocity(seen(desired, 0.1)), first)


def test_graph_and_matches_are_at_hand_for_drawing(policy, desired):
    controller = CnsController(policy)
    controller.start(desired)
    controller.velocity(seen(desired, 0.1, missing=[3, 4]))
    assert controller.graph.edges0(controller.matched).shape == (2, 28)


def test_too_few_matches_are_refused(policy, desired):
    controller = CnsController(policy)
    controller.start(desired)
    with pytest.raises(ValueError, match="4 matched"):
        controller.velocity(seen(desired, 0.1, missing=range(3, 30)))


def test_finish_is_checked(policy):
    with pytest.raises(ValueError, match="finish must be one of"):
        CnsController(policy, finish="magic")


def test_finish_hands_over_smoothly_near_the_goal(policy, desired):
    controller = CnsController(policy, finish="ibvs")
    controller.start(desired)
    controller.velocity(seen(desired, 0.1))
    assert controller.finish_share == 0.0
    shares = []
    for _ in range(20):
        twist = controller.velocity(seen(desired, 0.005))
        shares.append(controller.finish_share)
    assert shares[-1] == 1.0
    assert max(np.diff(shares)) < 0.1
    np.testing.assert_allclose(twist, IbvsController().velocity(seen(desired, 0.005)))


def test_finish_ignores_gross_mismatches(policy, desired):
    controller = CnsController(policy, finish="ibvs")
    controller.start(desired)
    shift = np.full_like(desired, 0.005)
    shift[:5] = 0.6
    for _ in range(20):
        twist = controller.velocity(seen(desired, shift))
    clean = IbvsController().velocity(seen(desired, 0.005, missing=range(5)))
    np.testing.assert_allclose(twist, clean)


def test_noise_between_the_thresholds_does_not_chatter():
    handover = Handover(enter=0.02, leave=0.05, ramp_frames=10)
    errors = 0.03 + 0.015 * np.random.default_rng(0).uniform(-1, 1, 300)
    shares = [handover.update(e) for e in errors]
    assert np.all(np.diff(shares) >= 0) and shares[-1] == 1.0
    for _ in range(10):
        handover.update(0.06)
    assert handover.share == 0.0
