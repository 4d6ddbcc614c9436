"""The neural controller behind the common interface, and its correction near the goal."""

import numpy as np
import pytest
import torch
from support_graphs import policy_of

from cns_core.control.cns import CnsController
from cns_core.control.ibvs import IbvsController
from cns_core.control.terminal_correction import BumplessTransfer, correction
from cns_core.geometry.correspondence import Correspondence
from cns_core.policy.policy import Policy, PolicyOutput
from cns_core.training.network.cns_network import CnsNetwork


@pytest.fixture
def policy():
    torch.manual_seed(0)
    return policy_of(CnsNetwork(width=16))


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


SIGNS = np.array([-1.0, 1.0])
"""Of the axes of an image seen in an upright mirror, and with them of a twist's parts."""
TWIST_SIGNS = np.array([-1.0, 1, 1, 1, -1, -1])


def mirrored(frame):
    return Correspondence(frame.desired * SIGNS, frame.current * SIGNS, frame.matched)


@pytest.mark.parametrize("on", [True, False])
def test_a_mirrored_view_is_answered_by_the_mirrored_twist(policy, desired, on):
    frames = [seen(desired, 0.1), seen(1.1 * desired, -0.05, missing=[3])]
    here, there = (CnsController(policy, "none", mirrored=on) for _ in range(2))
    here.start(desired)
    there.start(desired * SIGNS)
    for frame in frames:
        frame = Correspondence(desired, frame.current, frame.matched)
        answer = TWIST_SIGNS * there.velocity(mirrored(frame))
        off = np.linalg.norm(answer - here.velocity(frame)) / np.linalg.norm(answer)
        assert off < 1e-4 if on else off > 0.1, "the network alone knows of no mirror"


def test_the_graph_is_at_hand_for_drawing(policy, desired):
    controller = CnsController(policy)
    assert controller.graph is None
    controller.start(desired)
    frame = seen(desired, 0.1, missing=[3, 4])
    controller.velocity(frame)
    assert controller.graph.edges0(frame.matched).shape == (2, 28)


def test_a_velocity_before_the_start_is_refused(policy, desired):
    with pytest.raises(RuntimeError, match="call start first"):
        CnsController(policy).velocity(seen(desired, 0.1))


def test_too_few_matches_are_refused(policy, desired):
    controller = CnsController(policy)
    controller.start(desired)
    with pytest.raises(ValueError, match="4 matched"):
        controller.velocity(seen(desired, 0.1, missing=range(3, 30)))


def test_the_terminal_correction_is_checked(policy):
    with pytest.raises(ValueError, match="terminal must be one of"):
        CnsController(policy, terminal="magic")


class Steady(Policy):
    """A policy that answers every frame alike, as near its goal; its own run."""

    def __init__(self, twist):
        self.twist = np.array(twist, dtype=float)

    def start(self, desired, cluster_of_point=None):
        return self

    def step(self, current, matched):
        return PolicyOutput(np.zeros(6), np.zeros(1), self.twist)


def test_the_terminal_correction_comes_in_smoothly_near_the_goal(desired):
    policy = Steady([0.5, 0, 0, 0, 0, 0])
    controller = CnsController(policy, terminal="ibvs", mirrored=False)
    controller.start(desired)
    np.testing.assert_array_equal(controller.velocity(seen(desired, 0.1)), policy.twist)
    policy.twist = np.array([1e-3, 0, 0, 0, 0, 0])
    shares = [0.0]
    while shares[-1] < 1.0 and len(shares) < 100:
        twist = controller.velocity(seen(desired, 0.005))
        shares.append(controller.terminal_share)
    assert shares[-1] == 1.0 and max(np.diff(shares)) < 0.1
    exact = IbvsController().velocity(seen(desired, 0.005))
    np.testing.assert_allclose(twist, exact, atol=0.1 * np.linalg.norm(exact))


def test_the_terminal_correction_ignores_gross_mismatches(desired):
    shift = np.full_like(desired, 0.005)
    shift[:5] = 0.6
    twists = []
    for frame in (seen(desired, shift), seen(desired, 0.005, missing=range(5))):
        controller = CnsController(Steady([1e-3, 0, 0, 0, 0, 0]), "ibvs", mirrored=False)
        controller.start(desired)
        for _ in range(20):
            twist = controller.velocity(frame)
        twists.append(twist)
    np.testing.assert_allclose(*twists)


def test_correction_leaves_to_the_policy_what_the_keypoints_hardly_show():
    # In a small patch a step along x and a turn about y move the keypoints alike.
    desired = 0.02 * np.random.default_rng(0).uniform(-1, 1, (30, 2))
    policy = np.array([0.01, 0, 0, 0, 0.01, 0])
    corrected = policy + correction(policy, desired + [0.003, 0], desired)
    hidden = np.array([1, 0, 0, 0, -1, 0]) / np.sqrt(2)
    assert corrected @ hidden == pytest.approx(policy @ hidden, abs=2e-4)
    assert corrected[0] + corrected[4] == pytest.approx(0.003, abs=2e-4)


def test_what_is_known_badly_hardly_corrects():
    desired = 0.3 * np.random.default_rng(0).uniform(-1, 1, (40, 2))
    current, vague = desired.copy(), np.arange(40) % 2 == 0
    current[vague] += [0.01, 0.0]
    deviation = np.where(vague, 1e-3, 1e-4)
    seen = Correspondence(desired, current, np.ones(40, bool), deviation)
    alike, weighed = (
        correction(np.zeros(6), current, desired, weight=weight) for weight in (None, seen.weight)
    )
    assert np.linalg.norm(weighed) < 0.3 * np.linalg.norm(alike)


def test_noise_between_the_thresholds_does_not_chatter():
    transfer = BumplessTransfer(enter=0.02, leave=0.05, ramp_frames=10)
    speeds = 0.03 + 0.03 * np.random.default_rng(0).uniform(-1, 1, 300)
    shares = [transfer.update(speed) for speed in speeds]
    turns = np.count_nonzero(np.diff(np.sign(np.diff(shares))) < 0)
    assert turns <= 1
    for _ in range(40):
        transfer.update(0.2)
    assert transfer.share == 0.0
